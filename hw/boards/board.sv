// SPDX-License-Identifier: Apache-2.0
// What every board has in common: resets that wait for the PLL, USB link and the chip, joined by the byte streams; the SDRAM's controller, where there is one.
// A board top adds pins and PLL. Three clocks: the chip's, and 48 and 12 MHz of USB; they meet only in usb_link and in reset_sync.
`default_nettype none

module board #(
    // 1: no chip, every byte goes back to the host; a first test of a board's clocks and USB
    parameter bit    LOOPBACK       = 0,
    // parameters of soc.sv
    parameter int    VERSION        = 0,
    parameter int    BUILD          = 0,
    parameter        FIRMWARE       = "",
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
    parameter int    EXT_WORDS      = 0
) (
    // PLL: chip, USB 12 MHz, USB 48 MHz, in lock
    input  wire logic clk_i,
    input  wire logic clk_usb_i,
    input  wire logic clk_usb_io_i,
    input  wire logic locked_i,

    // D+ and D-: in, out, output enable; pull-up of D+
    input  wire logic usb_dp_i,
    input  wire logic usb_dn_i,
    output logic      usb_dp_o,
    output logic      usb_dn_o,
    output logic      usb_oe_o,
    output logic      usb_pullup_o,

    // the chip works on something; the processor stopped; the host has configured the device; the bus sleeps; alive: about 1.4 Hz
    output logic      busy_o,
    output logic      trap_o,
    output logic      configured_o,
    output logic      suspended_o,
    output logic      heartbeat_o,

    // SDRAM, but for its clock; without EXT_WORDS: not enabled
    output logic        sdram_cke_o,
    output logic        sdram_cs_n_o,
    output logic        sdram_ras_n_o,
    output logic        sdram_cas_n_o,
    output logic        sdram_we_n_o,
    output logic [ 1:0] sdram_ba_o,
    output logic [12:0] sdram_a_o,
    output logic [ 1:0] sdram_dm_o,
    inout  wire  [15:0] sdram_dq_io
);
  logic rst, rst_usb;
  reset_sync i_reset (
      .clk_i  (clk_i),
      .async_i(!locked_i),
      .rst_o  (rst)
  );
  reset_sync i_reset_usb (
      .clk_i  (clk_usb_i),
      .async_i(!locked_i),
      .rst_o  (rst_usb)
  );

  // D+ and D- leave from flip-flops: no glitches, equal delay.
  logic dp, dn, oe;
  always_ff @(posedge clk_usb_io_i) {usb_dp_o, usb_dn_o, usb_oe_o} <= {dp, dn, oe};

  logic rx_valid, rx_ready, tx_valid, tx_ready;
  logic [7:0] rx_data, tx_data, leds;
  logic idle;
  usb_link i_usb (
      .clk_i       (clk_i),
      .rst_i       (rst),
      .clk_usb_i   (clk_usb_i),
      .clk_usb_io_i(clk_usb_io_i),
      .rst_usb_i   (rst_usb),
      .usb_dp_i    (usb_dp_i),
      .usb_dn_i    (usb_dn_i),
      .usb_dp_o    (dp),
      .usb_dn_o    (dn),
      .usb_oe_o    (oe),
      .usb_pullup_o(usb_pullup_o),
      .rx_valid_o  (rx_valid),
      .rx_ready_i  (rx_ready),
      .rx_data_o   (rx_data),
      .tx_valid_i  (tx_valid),
      .tx_ready_o  (tx_ready),
      .tx_data_i   (tx_data),
      .configured_o(configured_o),
      .suspended_o (suspended_o)
  );

  if (LOOPBACK) begin : g_loopback
    assign tx_valid = rx_valid;
    assign rx_ready = tx_ready;
    assign tx_data = rx_data;
    assign {leds, idle, trap_o} = '0;
    assign {sdram_cke_o, sdram_ba_o, sdram_a_o} = '0;
    assign {sdram_cs_n_o, sdram_ras_n_o, sdram_cas_n_o, sdram_we_n_o, sdram_dm_o} = '1;
    assign sdram_dq_io = 'z;
  end else begin : g_chip
    logic mem_rd0_cmd_valid, mem_rd0_cmd_ready, mem_rd0_data_valid, mem_rd1_cmd_valid, mem_rd1_cmd_ready, mem_rd1_data_valid;
    logic mem_wr_cmd_valid, mem_wr_cmd_ready, mem_wr_data_ready, ctrl_rst, ctrl_valid, ctrl_ready;
    logic [23:0] mem_rd0_cmd_addr, mem_rd1_cmd_addr, mem_wr_cmd_addr;
    logic [15:0] mem_rd0_data, mem_rd1_data, mem_wr_data;
    logic [29:0] ctrl_addr;
    logic [31:0] ctrl_data;
    soc #(
        .VERSION       (VERSION),
        .BUILD         (BUILD),
        .FIRMWARE      (FIRMWARE),
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
        .clk_i               (clk_i),
        .rst_i               (rst),
        .rx_valid_i          (rx_valid),
        .rx_ready_o          (rx_ready),
        .rx_data_i           (rx_data),
        .tx_valid_o          (tx_valid),
        .tx_ready_i          (tx_ready),
        .tx_data_o           (tx_data),
        .leds_o              (leds),
        .idle_o              (idle),
        .trap_o              (trap_o),
        .mem_clk_i           (clk_i),
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
        .ctrl_rst_o          (ctrl_rst),
        .ctrl_valid_o        (ctrl_valid),
        .ctrl_ready_i        (ctrl_ready),
        .ctrl_addr_o         (ctrl_addr),
        .ctrl_data_o         (ctrl_data)
    );
    if (EXT_WORDS != 0) begin : g_sdram
      sdram i_sdram (
          .clk_i               (clk_i),
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
          .ctrl_rst_i          (ctrl_rst),
          .ctrl_valid_i        (ctrl_valid),
          .ctrl_ready_o        (ctrl_ready),
          .ctrl_addr_i         (ctrl_addr),
          .ctrl_data_i         (ctrl_data),
          .sdram_cke_o         (sdram_cke_o),
          .sdram_cs_n_o        (sdram_cs_n_o),
          .sdram_ras_n_o       (sdram_ras_n_o),
          .sdram_cas_n_o       (sdram_cas_n_o),
          .sdram_we_n_o        (sdram_we_n_o),
          .sdram_ba_o          (sdram_ba_o),
          .sdram_a_o           (sdram_a_o),
          .sdram_dm_o          (sdram_dm_o),
          .sdram_dq_io         (sdram_dq_io)
      );
    end else begin : g_no_sdram
      assign {mem_rd0_cmd_ready, mem_rd0_data_valid, mem_rd0_data, mem_rd1_cmd_ready, mem_rd1_data_valid, mem_rd1_data} = '0;
      assign {mem_wr_cmd_ready, mem_wr_data_ready, ctrl_ready} = '0;
      wire unused_memory = &{1'b0, mem_rd0_cmd_valid, mem_rd0_cmd_addr, mem_rd1_cmd_valid, mem_rd1_cmd_addr, mem_wr_cmd_valid, mem_wr_cmd_addr, mem_wr_data,
                             ctrl_rst, ctrl_valid, ctrl_addr, ctrl_data};
      assign {sdram_cke_o, sdram_ba_o, sdram_a_o} = '0;
      assign {sdram_cs_n_o, sdram_ras_n_o, sdram_cas_n_o, sdram_we_n_o, sdram_dm_o} = '1;
      assign sdram_dq_io = 'z;
    end
  end
  assign busy_o = leds[0];

  // 12 MHz / 2^23 = 1.4 Hz.
  logic [22:0] beat_q;
  always_ff @(posedge clk_usb_i) begin
    if (rst_usb) beat_q <= '0;
    else beat_q <= beat_q + 1;
  end
  assign heartbeat_o = beat_q[22];
  wire unused = &{1'b0, leds[7:1], idle};
endmodule

`default_nettype wire
