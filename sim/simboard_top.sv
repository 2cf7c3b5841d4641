// SPDX-License-Identifier: Apache-2.0
// Top of the simulated board: the chip and the SDRAM's controller; the memory chip itself is simboard.cpp's. Controller and streams have a clock input of their own, so
// that little of them is simulated before the firmware wakes the controller: as long as mem_rst_o is high they need no clock, but for the first cycles.
`default_nettype none

module simboard_top #(
    // parameters of soc.sv
    parameter int    VERSION        = 0,
    parameter int    BUILD          = 0,
    parameter        FIRMWARE       = "",
    parameter int    RAM_WORDS      = 8192,
    parameter int    MESSAGE_WORDS  = 4096,
    parameter int    CONV_CORES     = 8,
    parameter int    BOTTLENECK_MAX = 4,
    parameter int    ACT_WORDS      = 8192,
    parameter int    WEIGHT_WORDS   = 2048,
    parameter int    CONST_WORDS    = 512,
    parameter int    ROW_WORDS      = 512,
    parameter int    DN_PAIR_WORDS  = 256,
    parameter int    DN_ROW_WORDS   = 64,
    parameter int    LINE_PAIRS     = 1024,
    parameter int    TABLES         = 8,
    parameter int    EXT_WORDS      = 4194304
) (
    input  wire logic        clk_i,
    input  wire logic        rst_i,
    input  wire logic        rx_valid_i,
    output logic             rx_ready_o,
    input  wire logic [7:0]  rx_data_i,
    output logic             tx_valid_o,
    input  wire logic        tx_ready_i,
    output logic      [7:0]  tx_data_o,
    output logic      [7:0]  leds_o,
    output logic             idle_o,
    output logic             trap_o,

    // controller and streams: their clock, edge by edge with clk_i; the controller is in reset
    input  wire logic        mem_clk_i,
    output logic             mem_rst_o,
    // the memory chip; its data pins as two directions
    output logic      [12:0] sdram_a_o,
    output logic      [1:0]  sdram_ba_o,
    output logic             sdram_ras_n_o,
    output logic             sdram_cas_n_o,
    output logic             sdram_we_n_o,
    output logic             sdram_cs_n_o,
    output logic             sdram_cke_o,
    output logic      [1:0]  sdram_dm_o,
    output logic      [15:0] sdram_dq_o,
    output logic             sdram_dq_oe_o,
    input  wire logic [15:0] sdram_dq_i
);
  logic mem_rd0_cmd_valid, mem_rd0_cmd_ready, mem_rd0_data_valid, mem_rd1_cmd_valid, mem_rd1_cmd_ready, mem_rd1_data_valid;
  logic mem_wr_cmd_valid, mem_wr_cmd_ready, mem_wr_data_ready, ctrl_valid, ctrl_ready;
  logic [23:0] mem_rd0_cmd_addr, mem_rd1_cmd_addr, mem_wr_cmd_addr;
  logic [15:0] mem_rd0_data, mem_rd1_data, mem_wr_data;
  logic [29:0] ctrl_addr;
  logic [31:0] ctrl_data;

  soc #(
      .VERSION       (VERSION),
      .BUILD         (BUILD),
      .FIRMWARE      (FIRMWARE),
      .RAM_WORDS     (RAM_WORDS),
      .MESSAGE_WORDS (MESSAGE_WORDS),
      .CONV_CORES    (CONV_CORES),
      .BOTTLENECK_MAX(BOTTLENECK_MAX),
      .ACT_WORDS     (ACT_WORDS),
      .WEIGHT_WORDS  (WEIGHT_WORDS),
      .CONST_WORDS   (CONST_WORDS),
      .ROW_WORDS     (ROW_WORDS),
      .DN_PAIR_WORDS (DN_PAIR_WORDS),
      .DN_ROW_WORDS  (DN_ROW_WORDS),
      .LINE_PAIRS    (LINE_PAIRS),
      .TABLES        (TABLES),
      .EXT_WORDS     (EXT_WORDS)
  ) i_soc (
      .ctrl_rst_o          (mem_rst_o),
      .mem_rd0_cmd_valid_o (mem_rd0_cmd_valid),
      .mem_rd0_cmd_ready_i (mem_rd0_cmd_ready),
      .mem_rd0_cmd_addr_o  (mem_rd0_cmd_addr),
      .mem_rd0_data_valid_i(mem_rd0_data_valid),
      .mem_rd0_data_i      (mem_rd0_data),
      .mem_rd1_cmd_valid_o (mem_rd1_cmd_valid),
      .mem_rd1_cmd_ready_i (mem_rd1_cmd_ready),
      .mem_rd1_cmd_addr_o  (mem_rd1_cmd_addr),
      .mem_rd1_data_valid_i(mem_rd1_data_valid),
      .mem_rd1_data_i      (mem_rd1_data),
      .mem_wr_cmd_valid_o  (mem_wr_cmd_valid),
      .mem_wr_cmd_ready_i  (mem_wr_cmd_ready),
      .mem_wr_cmd_addr_o   (mem_wr_cmd_addr),
      .mem_wr_data_ready_i (mem_wr_data_ready),
      .mem_wr_data_o       (mem_wr_data),
      .ctrl_valid_o        (ctrl_valid),
      .ctrl_ready_i        (ctrl_ready),
      .ctrl_addr_o         (ctrl_addr),
      .ctrl_data_o         (ctrl_data),
      .*
  );

  if (EXT_WORDS != 0) begin : g_sdram
    wire [15:0] dq, dq_oe;
    for (genvar i = 0; i < 16; i++) begin : g_dq
      assign dq[i] = dq_oe[i] ? 1'bz : sdram_dq_i[i];
    end
    assign sdram_dq_o    = dq;
    assign sdram_dq_oe_o = dq_oe[0];
    assign dq_oe         = ~i_sdram.core.dq_oe_n;
    sdram i_sdram (
        .clk_i               (mem_clk_i),
        .ctrl_rst_i          (mem_rst_o),
        .mem_rd0_cmd_valid_i (mem_rd0_cmd_valid),
        .mem_rd0_cmd_ready_o (mem_rd0_cmd_ready),
        .mem_rd0_cmd_addr_i  (mem_rd0_cmd_addr),
        .mem_rd0_data_valid_o(mem_rd0_data_valid),
        .mem_rd0_data_o      (mem_rd0_data),
        .mem_rd1_cmd_valid_i (mem_rd1_cmd_valid),
        .mem_rd1_cmd_ready_o (mem_rd1_cmd_ready),
        .mem_rd1_cmd_addr_i  (mem_rd1_cmd_addr),
        .mem_rd1_data_valid_o(mem_rd1_data_valid),
        .mem_rd1_data_o      (mem_rd1_data),
        .mem_wr_cmd_valid_i  (mem_wr_cmd_valid),
        .mem_wr_cmd_ready_o  (mem_wr_cmd_ready),
        .mem_wr_cmd_addr_i   (mem_wr_cmd_addr),
        .mem_wr_data_ready_o (mem_wr_data_ready),
        .mem_wr_data_i       (mem_wr_data),
        .ctrl_valid_i        (ctrl_valid),
        .ctrl_ready_o        (ctrl_ready),
        .ctrl_addr_i         (ctrl_addr),
        .ctrl_data_i         (ctrl_data),
        .sdram_dq_io         (dq),
        .*
    );
  end else begin : g_no_sdram
    assign {mem_rd0_cmd_ready, mem_rd0_data_valid, mem_rd0_data, mem_rd1_cmd_ready, mem_rd1_data_valid, mem_rd1_data} = '0;
    assign {mem_wr_cmd_ready, mem_wr_data_ready, ctrl_ready} = '0;
    assign {sdram_a_o, sdram_ba_o, sdram_cke_o, sdram_dm_o, sdram_dq_o, sdram_dq_oe_o} = '0;
    assign {sdram_ras_n_o, sdram_cas_n_o, sdram_we_n_o, sdram_cs_n_o} = '1;
  end
endmodule

`default_nettype wire
