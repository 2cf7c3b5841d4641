// SPDX-License-Identifier: Apache-2.0
// Top of the OrangeCrab r0.2 (LFE5U-85F, or LFE5U-25F with smaller sizes): 48 MHz oscillator, its USB connector, one RGB LED.
// LED: green blinks while the clock runs, steady once the host has configured the device, off while USB is suspended; blue the chip works;
// red the processor stopped (fault).
`default_nettype none

module orangecrab #(
    // parameter of board.sv
    parameter bit LOOPBACK       = 0,
    // parameters of soc.sv
    parameter int VERSION        = 0,
    parameter int BUILD          = 0,
    parameter     FIRMWARE       = "",
    parameter int CONV_CORES     = 8,
    parameter int BOTTLENECK_MAX = 4,
    parameter int ACT_WORDS      = 8192,
    parameter int WEIGHT_WORDS   = 2048,
    parameter int CONST_WORDS    = 512,
    parameter int ROW_WORDS      = 512,
    parameter int DN_PAIR_WORDS  = 256,
    parameter int DN_ROW_WORDS   = 64,
    parameter int LINE_PAIRS     = 1024,
    parameter int TABLES         = 8
) (
    input  wire logic clk_48mhz,
    inout  wire       usb_d_p,
    inout  wire       usb_d_n,
    // 1.5 kOhm pull-up of D+
    output logic      usb_pullup,
    // active low
    output logic      rgb_led0_r,
    output logic      rgb_led0_g,
    output logic      rgb_led0_b
);
  logic clk, clk_usb, clk_usb_io, locked;
  orangecrab_clocks i_clocks (
      .clk_48mhz_i (clk_48mhz),
      .clk_o       (clk),
      .clk_usb_o   (clk_usb),
      .clk_usb_io_o(clk_usb_io),
      .locked_o    (locked)
  );

  logic dp, dn, oe;
  assign usb_d_p = oe ? dp : 1'bz;
  assign usb_d_n = oe ? dn : 1'bz;

  logic busy, trap, configured, suspended, heartbeat;
  assign rgb_led0_r = !trap;
  assign rgb_led0_g = !(configured ? !suspended : heartbeat);
  assign rgb_led0_b = !busy;

  // Its memory is DDR3, which Quell does not use yet.
  wire [37:0] unused_sdram;
  wire unused = &{1'b0, unused_sdram};

  board #(
      .LOOPBACK      (LOOPBACK),
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
  ) i_board (
      .clk_i        (clk),
      .clk_usb_i    (clk_usb),
      .clk_usb_io_i (clk_usb_io),
      .locked_i     (locked),
      .usb_dp_i     (usb_d_p),
      .usb_dn_i     (usb_d_n),
      .usb_dp_o     (dp),
      .usb_dn_o     (dn),
      .usb_oe_o     (oe),
      .usb_pullup_o (usb_pullup),
      .busy_o       (busy),
      .configured_o (configured),
      .suspended_o  (suspended),
      .trap_o       (trap),
      .heartbeat_o  (heartbeat),
      .sdram_cke_o  (unused_sdram[0]),
      .sdram_cs_n_o (unused_sdram[1]),
      .sdram_ras_n_o(unused_sdram[2]),
      .sdram_cas_n_o(unused_sdram[3]),
      .sdram_we_n_o (unused_sdram[4]),
      .sdram_ba_o   (unused_sdram[6:5]),
      .sdram_a_o    (unused_sdram[19:7]),
      .sdram_dm_o   (unused_sdram[21:20]),
      .sdram_dq_io  (unused_sdram[37:22])
  );
endmodule

`default_nettype wire
