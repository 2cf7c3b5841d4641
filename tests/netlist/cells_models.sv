// SPDX-License-Identifier: Apache-2.0
// The simulation models of sim/cells in every mode that they have, with buses instead of single pins, for cells_models_tb.cpp:
// MODES block RAMs side by side on the same address, data and enables; a distributed memory on parts of those; four multipliers, one for each
// combination of signs.
`default_nettype none

module cells_models #(
    // 75 of two ports (5 x 5 widths, 3 write modes), then port A of 36 bits with 6 widths of port B, then port B of 36 bits with 5 of port A
    parameter int MODES = 86
) (
    input  wire logic                clk_i,
    input  wire logic                rst_i,
    input  wire logic                rst_b_i,
    input  wire logic                ce_a_i,
    input  wire logic                ce_b_i,
    input  wire logic                we_i,
    input  wire logic [13:0]         ad_a_i,
    input  wire logic [13:0]         ad_b_i,
    input  wire logic [35:0]         di_i,
    output      logic [MODES*18-1:0] do_a_o,
    output      logic [MODES*18-1:0] do_b_o,
    output      logic [3:0]          do_small_o,

    input  wire logic [17:0]         a_i,
    input  wire logic [17:0]         b_i,
    output      logic [143:0]        p_o
);
  function automatic int width(input int index);
    return index == 0 ? 1 : index == 1 ? 2 : index == 2 ? 4 : index == 3 ? 9 : index == 4 ? 18 : 36;
  endfunction
  // Some pattern that differs in every word; bits 18 and 19 of each row do not exist and must not matter.
  function automatic logic [319:0] initial_value(input int number);
    for (int i = 0; i < 320; i++) initial_value[i] = ((i * i + 7 * i * (number + 3) + number * 13) % 11) < 5;
  endfunction

  for (genvar m = 0; m < MODES; m++) begin : g_ram
    localparam int A = m < 75 ? width(m / 15) : m < 81 ? 36 : width(m - 81);
    localparam int B = m < 75 ? width(m / 3 % 5) : m < 81 ? width(m - 75) : 36;
    localparam MODE = m >= 75 || m % 3 == 0 ? "NORMAL" : m % 3 == 1 ? "WRITETHROUGH" : "READBEFOREWRITE";
    DP16KD #(
        .DATA_WIDTH_A(A), .DATA_WIDTH_B(B), .WRITEMODE_A(MODE), .WRITEMODE_B(MODE), .GSR("DISABLED"),
        .INITVAL_00(initial_value(0)), .INITVAL_01(initial_value(1)), .INITVAL_02(initial_value(2)), .INITVAL_03(initial_value(3)),
        .INITVAL_04(initial_value(4)), .INITVAL_05(initial_value(5)), .INITVAL_06(initial_value(6)), .INITVAL_07(initial_value(7)),
        .INITVAL_08(initial_value(8)), .INITVAL_09(initial_value(9)), .INITVAL_0A(initial_value(10)), .INITVAL_0B(initial_value(11)),
        .INITVAL_0C(initial_value(12)), .INITVAL_0D(initial_value(13)), .INITVAL_0E(initial_value(14)), .INITVAL_0F(initial_value(15)),
        .INITVAL_10(initial_value(16)), .INITVAL_11(initial_value(17)), .INITVAL_12(initial_value(18)), .INITVAL_13(initial_value(19)),
        .INITVAL_14(initial_value(20)), .INITVAL_15(initial_value(21)), .INITVAL_16(initial_value(22)), .INITVAL_17(initial_value(23)),
        .INITVAL_18(initial_value(24)), .INITVAL_19(initial_value(25)), .INITVAL_1A(initial_value(26)), .INITVAL_1B(initial_value(27)),
        .INITVAL_1C(initial_value(28)), .INITVAL_1D(initial_value(29)), .INITVAL_1E(initial_value(30)), .INITVAL_1F(initial_value(31)),
        .INITVAL_20(initial_value(32)), .INITVAL_21(initial_value(33)), .INITVAL_22(initial_value(34)), .INITVAL_23(initial_value(35)),
        .INITVAL_24(initial_value(36)), .INITVAL_25(initial_value(37)), .INITVAL_26(initial_value(38)), .INITVAL_27(initial_value(39)),
        .INITVAL_28(initial_value(40)), .INITVAL_29(initial_value(41)), .INITVAL_2A(initial_value(42)), .INITVAL_2B(initial_value(43)),
        .INITVAL_2C(initial_value(44)), .INITVAL_2D(initial_value(45)), .INITVAL_2E(initial_value(46)), .INITVAL_2F(initial_value(47)),
        .INITVAL_30(initial_value(48)), .INITVAL_31(initial_value(49)), .INITVAL_32(initial_value(50)), .INITVAL_33(initial_value(51)),
        .INITVAL_34(initial_value(52)), .INITVAL_35(initial_value(53)), .INITVAL_36(initial_value(54)), .INITVAL_37(initial_value(55)),
        .INITVAL_38(initial_value(56)), .INITVAL_39(initial_value(57)), .INITVAL_3A(initial_value(58)), .INITVAL_3B(initial_value(59)),
        .INITVAL_3C(initial_value(60)), .INITVAL_3D(initial_value(61)), .INITVAL_3E(initial_value(62)), .INITVAL_3F(initial_value(63))
    ) i_ram (
        .CLKA(clk_i), .CEA(ce_a_i), .OCEA(1'b1), .WEA(we_i), .RSTA(rst_i), .CSA0(1'b0), .CSA1(1'b0), .CSA2(1'b0),
        .ADA0(ad_a_i[0]), .ADA1(ad_a_i[1]), .ADA2(ad_a_i[2]), .ADA3(ad_a_i[3]), .ADA4(ad_a_i[4]), .ADA5(ad_a_i[5]), .ADA6(ad_a_i[6]),
        .ADA7(ad_a_i[7]), .ADA8(ad_a_i[8]), .ADA9(ad_a_i[9]), .ADA10(ad_a_i[10]), .ADA11(ad_a_i[11]), .ADA12(ad_a_i[12]), .ADA13(ad_a_i[13]),
        .DIA0(di_i[0]), .DIA1(di_i[1]), .DIA2(di_i[2]), .DIA3(di_i[3]), .DIA4(di_i[4]), .DIA5(di_i[5]), .DIA6(di_i[6]), .DIA7(di_i[7]), .DIA8(di_i[8]),
        .DIA9(di_i[9]), .DIA10(di_i[10]), .DIA11(di_i[11]), .DIA12(di_i[12]), .DIA13(di_i[13]), .DIA14(di_i[14]), .DIA15(di_i[15]), .DIA16(di_i[16]), .DIA17(di_i[17]),
        .DOA0(do_a_o[m*18+0]), .DOA1(do_a_o[m*18+1]), .DOA2(do_a_o[m*18+2]), .DOA3(do_a_o[m*18+3]), .DOA4(do_a_o[m*18+4]), .DOA5(do_a_o[m*18+5]),
        .DOA6(do_a_o[m*18+6]), .DOA7(do_a_o[m*18+7]), .DOA8(do_a_o[m*18+8]), .DOA9(do_a_o[m*18+9]), .DOA10(do_a_o[m*18+10]), .DOA11(do_a_o[m*18+11]),
        .DOA12(do_a_o[m*18+12]), .DOA13(do_a_o[m*18+13]), .DOA14(do_a_o[m*18+14]), .DOA15(do_a_o[m*18+15]), .DOA16(do_a_o[m*18+16]), .DOA17(do_a_o[m*18+17]),
        .CLKB(clk_i), .CEB(ce_b_i), .OCEB(1'b1), .WEB(1'b0), .RSTB(rst_b_i), .CSB0(1'b0), .CSB1(1'b0), .CSB2(1'b0),
        .ADB0(ad_b_i[0]), .ADB1(ad_b_i[1]), .ADB2(ad_b_i[2]), .ADB3(ad_b_i[3]), .ADB4(ad_b_i[4]), .ADB5(ad_b_i[5]), .ADB6(ad_b_i[6]),
        .ADB7(ad_b_i[7]), .ADB8(ad_b_i[8]), .ADB9(ad_b_i[9]), .ADB10(ad_b_i[10]), .ADB11(ad_b_i[11]), .ADB12(ad_b_i[12]), .ADB13(ad_b_i[13]),
        .DIB0(di_i[18]), .DIB1(di_i[19]), .DIB2(di_i[20]), .DIB3(di_i[21]), .DIB4(di_i[22]), .DIB5(di_i[23]), .DIB6(di_i[24]), .DIB7(di_i[25]), .DIB8(di_i[26]),
        .DIB9(di_i[27]), .DIB10(di_i[28]), .DIB11(di_i[29]), .DIB12(di_i[30]), .DIB13(di_i[31]), .DIB14(di_i[32]), .DIB15(di_i[33]), .DIB16(di_i[34]), .DIB17(di_i[35]),
        .DOB0(do_b_o[m*18+0]), .DOB1(do_b_o[m*18+1]), .DOB2(do_b_o[m*18+2]), .DOB3(do_b_o[m*18+3]), .DOB4(do_b_o[m*18+4]), .DOB5(do_b_o[m*18+5]),
        .DOB6(do_b_o[m*18+6]), .DOB7(do_b_o[m*18+7]), .DOB8(do_b_o[m*18+8]), .DOB9(do_b_o[m*18+9]), .DOB10(do_b_o[m*18+10]), .DOB11(do_b_o[m*18+11]),
        .DOB12(do_b_o[m*18+12]), .DOB13(do_b_o[m*18+13]), .DOB14(do_b_o[m*18+14]), .DOB15(do_b_o[m*18+15]), .DOB16(do_b_o[m*18+16]), .DOB17(do_b_o[m*18+17])
    );
  end

  TRELLIS_DPR16X4 #(
      .INITVAL(64'hFEDCBA9876543210)
  ) i_small (
      .WCK(clk_i), .WRE(we_i), .WAD(ad_a_i[3:0]), .DI(di_i[3:0]), .RAD(ad_b_i[3:0]), .DO(do_small_o)
  );

  for (genvar s = 0; s < 4; s++) begin : g_multiplier
    MULT18X18D i_multiplier (
        .A0(a_i[0]), .A1(a_i[1]), .A2(a_i[2]), .A3(a_i[3]), .A4(a_i[4]), .A5(a_i[5]), .A6(a_i[6]), .A7(a_i[7]), .A8(a_i[8]),
        .A9(a_i[9]), .A10(a_i[10]), .A11(a_i[11]), .A12(a_i[12]), .A13(a_i[13]), .A14(a_i[14]), .A15(a_i[15]), .A16(a_i[16]), .A17(a_i[17]),
        .B0(b_i[0]), .B1(b_i[1]), .B2(b_i[2]), .B3(b_i[3]), .B4(b_i[4]), .B5(b_i[5]), .B6(b_i[6]), .B7(b_i[7]), .B8(b_i[8]),
        .B9(b_i[9]), .B10(b_i[10]), .B11(b_i[11]), .B12(b_i[12]), .B13(b_i[13]), .B14(b_i[14]), .B15(b_i[15]), .B16(b_i[16]), .B17(b_i[17]),
        .C0(1'b0), .C1(1'b0), .C2(1'b0), .C3(1'b0), .C4(1'b0), .C5(1'b0), .C6(1'b0), .C7(1'b0), .C8(1'b0),
        .C9(1'b0), .C10(1'b0), .C11(1'b0), .C12(1'b0), .C13(1'b0), .C14(1'b0), .C15(1'b0), .C16(1'b0), .C17(1'b0),
        .P0(p_o[s*36+0]), .P1(p_o[s*36+1]), .P2(p_o[s*36+2]), .P3(p_o[s*36+3]), .P4(p_o[s*36+4]), .P5(p_o[s*36+5]), .P6(p_o[s*36+6]), .P7(p_o[s*36+7]), .P8(p_o[s*36+8]),
        .P9(p_o[s*36+9]), .P10(p_o[s*36+10]), .P11(p_o[s*36+11]), .P12(p_o[s*36+12]), .P13(p_o[s*36+13]), .P14(p_o[s*36+14]), .P15(p_o[s*36+15]), .P16(p_o[s*36+16]), .P17(p_o[s*36+17]),
        .P18(p_o[s*36+18]), .P19(p_o[s*36+19]), .P20(p_o[s*36+20]), .P21(p_o[s*36+21]), .P22(p_o[s*36+22]), .P23(p_o[s*36+23]), .P24(p_o[s*36+24]), .P25(p_o[s*36+25]), .P26(p_o[s*36+26]),
        .P27(p_o[s*36+27]), .P28(p_o[s*36+28]), .P29(p_o[s*36+29]), .P30(p_o[s*36+30]), .P31(p_o[s*36+31]), .P32(p_o[s*36+32]), .P33(p_o[s*36+33]), .P34(p_o[s*36+34]), .P35(p_o[s*36+35]),
        .SIGNEDA(1'(s % 2)), .SIGNEDB(1'(s / 2)), .SOURCEA(1'b0), .SOURCEB(1'b0)
    );
  end
endmodule

`default_nettype wire
