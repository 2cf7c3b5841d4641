// SPDX-License-Identifier: Apache-2.0
// What every board has in common: resets that wait for the PLL, USB link and the chip, joined by the byte streams.
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
    parameter int    TABLES         = 8
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
    output logic      heartbeat_o
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
  end else begin : g_chip
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
        .TABLES        (TABLES)
    ) i_soc (
        .clk_i     (clk_i),
        .rst_i     (rst),
        .rx_valid_i(rx_valid),
        .rx_ready_o(rx_ready),
        .rx_data_i (rx_data),
        .tx_valid_o(tx_valid),
        .tx_ready_i(tx_ready),
        .tx_data_o (tx_data),
        .leds_o    (leds),
        .idle_o    (idle),
        .trap_o    (trap_o)
    );
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
