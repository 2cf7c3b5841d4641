// SPDX-License-Identifier: Apache-2.0
// Block RAM of the ECP5 (18 kbit, two ports) for netlists that Yosys made. Names are Lattice's. The modes follow Lattice's memory usage guide
// (FPGA-TN-02204) and Yosys's mapping (techlibs/ecp5/brams.txt, brams_map.v).
// Modelled: 512 words of 36 bits, each port 1, 2, 4, 9, 18 or 36 bits wide; below 9 bits the ninth of each byte is skipped. Port A reads and
// writes, port B reads. 36 bits: port A takes its data from DIA and DIB, port B gives its on DOA and DOB. A and B may have different clocks.
// The low address pins of a wide port A are byte enables.
// Where the hardware promises nothing, the bits come inverted: at port B those that port A writes now; at port A below 9 bits those read
// while it writes (READBEFOREWRITE; we found no promise for such widths).
// Refused: writes through port B, output registers, inverted clocks, chip select codes, asynchronous reset.
`default_nettype none

module DP16KD #(
    parameter int           DATA_WIDTH_A = 18, DATA_WIDTH_B = 18,
    parameter               WRITEMODE_A = "NORMAL", WRITEMODE_B = "NORMAL",
    parameter               REGMODE_A = "NOREG", REGMODE_B = "NOREG", CLKAMUX = "CLKA", CLKBMUX = "CLKB",
    parameter               CSDECODE_A = "0b000", CSDECODE_B = "0b000", RESETMODE = "SYNC",
    // without effect here
    parameter               ASYNC_RESET_RELEASE = "SYNC", GSR = "ENABLED", INIT_DATA = "STATIC",
    // 16 rows of 20 bits each, of which 18 are used; two rows are a word
    parameter INITVAL_00 = 320'd0, INITVAL_01 = 320'd0, INITVAL_02 = 320'd0, INITVAL_03 = 320'd0, INITVAL_04 = 320'd0, INITVAL_05 = 320'd0,
    parameter INITVAL_06 = 320'd0, INITVAL_07 = 320'd0, INITVAL_08 = 320'd0, INITVAL_09 = 320'd0, INITVAL_0A = 320'd0, INITVAL_0B = 320'd0,
    parameter INITVAL_0C = 320'd0, INITVAL_0D = 320'd0, INITVAL_0E = 320'd0, INITVAL_0F = 320'd0, INITVAL_10 = 320'd0, INITVAL_11 = 320'd0,
    parameter INITVAL_12 = 320'd0, INITVAL_13 = 320'd0, INITVAL_14 = 320'd0, INITVAL_15 = 320'd0, INITVAL_16 = 320'd0, INITVAL_17 = 320'd0,
    parameter INITVAL_18 = 320'd0, INITVAL_19 = 320'd0, INITVAL_1A = 320'd0, INITVAL_1B = 320'd0, INITVAL_1C = 320'd0, INITVAL_1D = 320'd0,
    parameter INITVAL_1E = 320'd0, INITVAL_1F = 320'd0, INITVAL_20 = 320'd0, INITVAL_21 = 320'd0, INITVAL_22 = 320'd0, INITVAL_23 = 320'd0,
    parameter INITVAL_24 = 320'd0, INITVAL_25 = 320'd0, INITVAL_26 = 320'd0, INITVAL_27 = 320'd0, INITVAL_28 = 320'd0, INITVAL_29 = 320'd0,
    parameter INITVAL_2A = 320'd0, INITVAL_2B = 320'd0, INITVAL_2C = 320'd0, INITVAL_2D = 320'd0, INITVAL_2E = 320'd0, INITVAL_2F = 320'd0,
    parameter INITVAL_30 = 320'd0, INITVAL_31 = 320'd0, INITVAL_32 = 320'd0, INITVAL_33 = 320'd0, INITVAL_34 = 320'd0, INITVAL_35 = 320'd0,
    parameter INITVAL_36 = 320'd0, INITVAL_37 = 320'd0, INITVAL_38 = 320'd0, INITVAL_39 = 320'd0, INITVAL_3A = 320'd0, INITVAL_3B = 320'd0,
    parameter INITVAL_3C = 320'd0, INITVAL_3D = 320'd0, INITVAL_3E = 320'd0, INITVAL_3F = 320'd0
) (
    // port A
    input  wire CLKA, CEA, OCEA, WEA, RSTA, CSA0, CSA1, CSA2,
    input  wire ADA0, ADA1, ADA2, ADA3, ADA4, ADA5, ADA6, ADA7, ADA8, ADA9, ADA10, ADA11, ADA12, ADA13,
    input  wire DIA0, DIA1, DIA2, DIA3, DIA4, DIA5, DIA6, DIA7, DIA8, DIA9, DIA10, DIA11, DIA12, DIA13, DIA14, DIA15, DIA16, DIA17,
    output wire DOA0, DOA1, DOA2, DOA3, DOA4, DOA5, DOA6, DOA7, DOA8, DOA9, DOA10, DOA11, DOA12, DOA13, DOA14, DOA15, DOA16, DOA17,

    // port B
    input  wire CLKB, CEB, OCEB, WEB, RSTB, CSB0, CSB1, CSB2,
    input  wire ADB0, ADB1, ADB2, ADB3, ADB4, ADB5, ADB6, ADB7, ADB8, ADB9, ADB10, ADB11, ADB12, ADB13,
    input  wire DIB0, DIB1, DIB2, DIB3, DIB4, DIB5, DIB6, DIB7, DIB8, DIB9, DIB10, DIB11, DIB12, DIB13, DIB14, DIB15, DIB16, DIB17,
    output wire DOB0, DOB1, DOB2, DOB3, DOB4, DOB5, DOB6, DOB7, DOB8, DOB9, DOB10, DOB11, DOB12, DOB13, DOB14, DOB15, DOB16, DOB17
);
  localparam logic [20479:0] INITVAL = {
    INITVAL_3F, INITVAL_3E, INITVAL_3D, INITVAL_3C, INITVAL_3B, INITVAL_3A, INITVAL_39, INITVAL_38,
    INITVAL_37, INITVAL_36, INITVAL_35, INITVAL_34, INITVAL_33, INITVAL_32, INITVAL_31, INITVAL_30,
    INITVAL_2F, INITVAL_2E, INITVAL_2D, INITVAL_2C, INITVAL_2B, INITVAL_2A, INITVAL_29, INITVAL_28,
    INITVAL_27, INITVAL_26, INITVAL_25, INITVAL_24, INITVAL_23, INITVAL_22, INITVAL_21, INITVAL_20,
    INITVAL_1F, INITVAL_1E, INITVAL_1D, INITVAL_1C, INITVAL_1B, INITVAL_1A, INITVAL_19, INITVAL_18,
    INITVAL_17, INITVAL_16, INITVAL_15, INITVAL_14, INITVAL_13, INITVAL_12, INITVAL_11, INITVAL_10,
    INITVAL_0F, INITVAL_0E, INITVAL_0D, INITVAL_0C, INITVAL_0B, INITVAL_0A, INITVAL_09, INITVAL_08,
    INITVAL_07, INITVAL_06, INITVAL_05, INITVAL_04, INITVAL_03, INITVAL_02, INITVAL_01, INITVAL_00
  };

  if (REGMODE_A != "NOREG" || REGMODE_B != "NOREG") begin : g_registers
    $fatal(1, "DP16KD: output registers are not modelled");
  end
  if (CLKAMUX != "CLKA" || CLKBMUX != "CLKB") begin : g_clock
    $fatal(1, "DP16KD: inverted clocks are not modelled");
  end
  if (CSDECODE_A != "0b000" || CSDECODE_B != "0b000") begin : g_select
    $fatal(1, "DP16KD: chip select codes are not modelled");
  end
  if (!legal(DATA_WIDTH_A) || !legal(DATA_WIDTH_B)) begin : g_width
    $fatal(1, "DP16KD: illegal data width");
  end

  function automatic bit legal(input int width);
    return width == 1 || width == 2 || width == 4 || width == 9 || width == 18 || width == 36;
  endfunction

  // Lowest bit of a port's data in the word of 36.
  function automatic logic [5:0] place(input int width, input logic [4:0] ad);
    place = 0;
    if (width < 36 && ad[4]) place = 18;
    if (width < 18 && ad[3]) place = place + 9;
    if (width < 9) place = place + ({3'd0, ad[2:0]} & 6'(8 - width));
  endfunction

  // Bits of the word that a write through port A changes.
  function automatic logic [35:0] reach(input int width, input logic [4:0] ad);
    if (width == 36) reach = {{9{ad[3]}}, {9{ad[2]}}, {9{ad[1]}}, {9{ad[0]}}};
    else if (width == 18) reach = {18'd0, {9{ad[1]}}, {9{ad[0]}}} << place(width, ad);
    else reach = ((36'd1 << width) - 36'd1) << place(width, ad);
  endfunction

  logic [35:0] memory[512];
  initial for (int i = 0; i < 512; i++) memory[i] = {INITVAL[40*i+20+:18], INITVAL[40*i+:18]};

  wire [13:0] ada = {ADA13, ADA12, ADA11, ADA10, ADA9, ADA8, ADA7, ADA6, ADA5, ADA4, ADA3, ADA2, ADA1, ADA0};
  wire [13:0] adb = {ADB13, ADB12, ADB11, ADB10, ADB9, ADB8, ADB7, ADB6, ADB5, ADB4, ADB3, ADB2, ADB1, ADB0};
  wire [35:0] di = {DIB17, DIB16, DIB15, DIB14, DIB13, DIB12, DIB11, DIB10, DIB9,
                    DIB8, DIB7, DIB6, DIB5, DIB4, DIB3, DIB2, DIB1, DIB0,
                    DIA17, DIA16, DIA15, DIA14, DIA13, DIA12, DIA11, DIA10, DIA9,
                    DIA8, DIA7, DIA6, DIA5, DIA4, DIA3, DIA2, DIA1, DIA0};
  wire [35:0] data = {DATA_WIDTH_A == 36 ? di[35:18] : 18'd0, di[17:0]} << place(DATA_WIDTH_A, ada[4:0]);

  localparam bit BEFORE = WRITEMODE_A == "READBEFOREWRITE", THROUGH = WRITEMODE_A == "WRITETHROUGH";
  wire on_a = CEA && {CSA2, CSA1, CSA0} == 3'd0, on_b = CEB && {CSB2, CSB1, CSB0} == 3'd0;
  wire writes = on_a && WEA && !RSTA;
  wire [35:0] mask = writes ? reach(DATA_WIDTH_A, ada[4:0]) : '0;
  wire [35:0] word_a = memory[ada[13:5]], next_a = (word_a & ~mask) | (data & mask);
  wire [35:0] word_b = memory[adb[13:5]] ^ (ada[13:5] == adb[13:5] ? mask : '0);
  wire [35:0] doubt_a = DATA_WIDTH_A < 9 ? mask : '0;

  logic [35:0] out_a, out_b;
  initial begin
    out_a = '0;
    out_b = '0;
  end
  always @(posedge CLKA) begin
    if (writes) memory[ada[13:5]] <= next_a;
    if (RSTA) out_a <= '0;
    else if (on_a && (!WEA || BEFORE)) out_a <= (word_a ^ doubt_a) >> place(DATA_WIDTH_A, ada[4:0]);
    else if (on_a && THROUGH) out_a <= next_a >> place(DATA_WIDTH_A, ada[4:0]);
    if (RSTA && RESETMODE != "SYNC") $fatal(1, "DP16KD: asynchronous reset is not modelled");
  end
  always @(posedge CLKB) begin
    if (RSTB) out_b <= '0;
    else if (on_b) out_b <= word_b >> place(DATA_WIDTH_B, adb[4:0]);
    if (on_b && WEB) $fatal(1, "DP16KD: writing through port B is not modelled");
    if (RSTB && RESETMODE != "SYNC") $fatal(1, "DP16KD: asynchronous reset is not modelled");
  end

  // Pins above a port's width are 0 here.
  wire [35:0] pins_b = out_b & 36'((37'd1 << DATA_WIDTH_B) - 37'd1);
  wire [17:0] doa = DATA_WIDTH_B == 36 ? pins_b[17:0] : DATA_WIDTH_A == 36 ? 18'd0 : out_a[17:0] & 18'((37'd1 << DATA_WIDTH_A) - 37'd1);
  wire [17:0] dob = DATA_WIDTH_B == 36 ? pins_b[35:18] : pins_b[17:0];
  assign {DOA17, DOA16, DOA15, DOA14, DOA13, DOA12, DOA11, DOA10, DOA9, DOA8, DOA7, DOA6, DOA5, DOA4, DOA3, DOA2, DOA1, DOA0} = doa;
  assign {DOB17, DOB16, DOB15, DOB14, DOB13, DOB12, DOB11, DOB10, DOB9, DOB8, DOB7, DOB6, DOB5, DOB4, DOB3, DOB2, DOB1, DOB0} = dob;
  wire unused = &{1'b0, OCEA, OCEB, out_a, pins_b, di};
endmodule

`default_nettype wire
