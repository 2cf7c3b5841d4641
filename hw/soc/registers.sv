// SPDX-License-Identifier: Apache-2.0
// The registers that belong to no unit: what the hardware is, time, LEDs, the processor's CRC, the performance counters.
// Read data one cycle after the address, 0 for registers of others. A word written to crc_data is added to crc byte by byte in the next
// four cycles; the processor's next access cannot come sooner.
`default_nettype none

module registers #(
    // major, minor, patch, a byte each
    parameter int VERSION = 0,
    // hash of the hardware's sources
    parameter int BUILD = 0,
    // what the firmware must know of the other units' sizes
    parameter int CONV_CORES = 8,
    parameter int BOTTLENECK_MAX = 4,
    parameter int ACT_WORDS = 8192,
    parameter int WEIGHT_WORDS = 2048,
    parameter int CONST_WORDS = 512,
    parameter int ROW_WORDS = 512,
    parameter int DN_PAIR_WORDS = 256,
    parameter int DN_ROW_WORDS = 64,
    parameter int LINE_WORDS = 1024,
    parameter int TABLES = 8
) (
    input  wire logic        clk_i,
    input  wire logic        rst_i,

    input  wire logic        reg_wr_i,
    input  wire logic [11:0] reg_addr_i,
    input  wire logic [31:0] reg_wdata_i,
    output logic      [31:0] reg_rdata_o,

    // one pulse input a counter, in register order from cnt_array_busy to cnt_window_wait, but samples count up by twos
    input  wire logic [9:0]  pulse_i,
    input  wire logic [1:0]  samples_i,  // pairs of samples used in this cycle
    input  wire logic [7:0]  macs_i,     // useful multiply-accumulates of this cycle

    output logic      [31:0] time_o,
    output logic      [7:0]  leds_o
);
  localparam int SAMPLES = 6;  // place of cnt_samples in register order

  logic [31:0] time_q, crc, crc_word_q;
  logic [3:0] crc_bytes_q;  // one-hot-from-below: bytes still to add
  logic [7:0] leds_q;
  assign time_o = time_q;
  assign leds_o = leds_q;

  crc32 i_crc (
      .clk_i  (clk_i),
      .load_i (reg_wr_i && reg_addr_i == quell_regs_pkg::CRC),
      .value_i(reg_wdata_i),
      .add_i  (crc_bytes_q[0]),
      .byte_i (crc_word_q[7:0]),
      .state_o(crc)
  );

  always_ff @(posedge clk_i) begin
    crc_word_q <= {8'd0, crc_word_q[31:8]};
    if (reg_wr_i && reg_addr_i == quell_regs_pkg::CRC_DATA) crc_word_q <= reg_wdata_i;
    if (rst_i) begin
      time_q      <= '0;
      leds_q      <= '0;
      crc_bytes_q <= '0;
    end else begin
      time_q      <= time_q + 32'd1;
      crc_bytes_q <= {1'b0, crc_bytes_q[3:1]};
      if (reg_wr_i && reg_addr_i == quell_regs_pkg::CRC_DATA) crc_bytes_q <= 4'hF;
      if (reg_wr_i && reg_addr_i == quell_regs_pkg::LEDS) leds_q <= reg_wdata_i[7:0];
    end
  end

  // ---- counters: pulses are registered first, so that no unit's logic runs into an adder -----------------------------------------------------
  logic [9:0] pulse_q;
  logic [1:0] samples_q;
  logic [7:0] macs_q;
  logic clear_q, macs_carry_q;
  logic [31:0] count_q[10];
  logic [31:0] macs_lo_q, macs_hi_q;

  always_ff @(posedge clk_i) begin
    pulse_q   <= pulse_i;
    samples_q <= samples_i;
    macs_q    <= macs_i;
    clear_q   <= rst_i || (reg_wr_i && reg_addr_i == quell_regs_pkg::CNT_CLEAR && reg_wdata_i[0]);
    for (int i = 0; i < 10; i++)
      if (clear_q) count_q[i] <= '0;
      else if (i == SAMPLES) count_q[i] <= count_q[i] + {29'd0, samples_q, 1'b0};
      else if (pulse_q[i]) count_q[i] <= count_q[i] + 32'd1;
    {macs_carry_q, macs_lo_q} <= {1'b0, macs_lo_q} + {25'd0, macs_q};
    macs_hi_q <= macs_hi_q + {31'd0, macs_carry_q};
    if (clear_q) begin
      macs_carry_q <= 1'b0;
      macs_lo_q    <= '0;
      macs_hi_q    <= '0;
    end
  end

  always_ff @(posedge clk_i) begin
    unique case (reg_addr_i)
      quell_regs_pkg::ID:                reg_rdata_o <= 32'h4C455551;
      quell_regs_pkg::VERSION:           reg_rdata_o <= 32'(VERSION);
      quell_regs_pkg::BUILD:             reg_rdata_o <= 32'(BUILD);
      quell_regs_pkg::CAPS:              reg_rdata_o <= 32'(TABLES) << 16 | 32'(BOTTLENECK_MAX) << 8 | 32'(CONV_CORES);
      quell_regs_pkg::ACT_WORDS:         reg_rdata_o <= 32'(ACT_WORDS);
      quell_regs_pkg::WEIGHT_WORDS:      reg_rdata_o <= 32'(WEIGHT_WORDS);
      quell_regs_pkg::CONST_WORDS:       reg_rdata_o <= 32'(CONST_WORDS);
      quell_regs_pkg::ROW_WORDS:         reg_rdata_o <= 32'(ROW_WORDS);
      quell_regs_pkg::DN_PAIR_WORDS:     reg_rdata_o <= 32'(DN_PAIR_WORDS);
      quell_regs_pkg::DN_ROW_WORDS:      reg_rdata_o <= 32'(DN_ROW_WORDS);
      quell_regs_pkg::LINE_WORDS:        reg_rdata_o <= 32'(LINE_WORDS);
      quell_regs_pkg::TIME:              reg_rdata_o <= time_q;
      quell_regs_pkg::LEDS:              reg_rdata_o <= {24'd0, leds_q};
      quell_regs_pkg::CRC:               reg_rdata_o <= crc;
      quell_regs_pkg::CNT_ARRAY_BUSY:    reg_rdata_o <= count_q[0];
      quell_regs_pkg::CNT_ARRAY_STARVED: reg_rdata_o <= count_q[1];
      quell_regs_pkg::CNT_ARRAY_BLOCKED: reg_rdata_o <= count_q[2];
      quell_regs_pkg::CNT_POST_BUSY:     reg_rdata_o <= count_q[3];
      quell_regs_pkg::CNT_POST_STARVED:  reg_rdata_o <= count_q[4];
      quell_regs_pkg::CNT_POST_BLOCKED:  reg_rdata_o <= count_q[5];
      quell_regs_pkg::CNT_SAMPLES:       reg_rdata_o <= count_q[6];
      quell_regs_pkg::CNT_DN_BUSY:       reg_rdata_o <= count_q[7];
      quell_regs_pkg::CNT_DN_BLOCKED:    reg_rdata_o <= count_q[8];
      quell_regs_pkg::CNT_WINDOW_WAIT:   reg_rdata_o <= count_q[9];
      quell_regs_pkg::CNT_MACS_LO:       reg_rdata_o <= macs_lo_q;
      quell_regs_pkg::CNT_MACS_HI:       reg_rdata_o <= macs_hi_q;
      default:                           reg_rdata_o <= '0;
    endcase
  end
endmodule

`default_nettype wire
