// SPDX-License-Identifier: Apache-2.0
// The ULX3S top with what the simulation needs to see of it: who drives D+ and D-, and whether the chip waits. board.cpp resolves the wires (drivers,
// pull-up, the host's pull-downs) and puts the result on line_* whenever the device does not drive.
`default_nettype none

module wires_top #(
    parameter int VERSION = 0,
    parameter int BUILD   = 0
) (
    input  wire logic       clk_25mhz,

    input  wire logic       line_dp_i,
    input  wire logic       line_dn_i,
    output wire logic       device_dp_o,
    output wire logic       device_dn_o,
    output wire logic       device_oe_o,
    output wire logic       pullup_o,

    output wire logic [7:0] led_o,
    // the processor stopped
    output wire logic       trap_o,
    // nothing happens in the chip until a byte comes, and none lies between USB device and chip
    output wire logic       idle_o,
    // something in the USB clock domain that the chip's clock domain has to notice
    output wire logic       wake_o
);
  wire dp, dn;
  assign dp = device_oe_o ? 1'bz : line_dp_i;
  assign dn = device_oe_o ? 1'bz : line_dn_i;

  wire unused_pull;
  wire [38:0] unused_sdram;
  ulx3s #(
      .VERSION  (VERSION),
      .BUILD    (BUILD),
      .EXT_WORDS(0)
  ) i_ulx3s (
      .clk_25mhz     (clk_25mhz),
      .usb_fpga_bd_dp(dp),
      .usb_fpga_bd_dn(dn),
      .usb_fpga_pu_dp(pullup_o),
      .usb_fpga_pu_dn(unused_pull),
      .led           (led_o),
      .sdram_clk     (unused_sdram[0]),
      .sdram_cke     (unused_sdram[1]),
      .sdram_csn     (unused_sdram[2]),
      .sdram_rasn    (unused_sdram[3]),
      .sdram_casn    (unused_sdram[4]),
      .sdram_wen     (unused_sdram[5]),
      .sdram_ba      (unused_sdram[7:6]),
      .sdram_a       (unused_sdram[20:8]),
      .sdram_dqm     (unused_sdram[22:21]),
      .sdram_d       (unused_sdram[38:23])
  );

  assign device_oe_o = i_ulx3s.oe;
  assign device_dp_o = i_ulx3s.dp;
  assign device_dn_o = i_ulx3s.dn;
  assign trap_o      = led_o[3];
  assign wake_o      = i_ulx3s.i_board.i_usb.out_valid | i_ulx3s.i_board.i_usb.hold_usb | i_ulx3s.i_board.i_usb.hold_sys | i_ulx3s.i_board.i_usb.rst_any;
  assign idle_o      = i_ulx3s.i_board.idle & !i_ulx3s.i_board.rx_valid & !i_ulx3s.i_board.tx_valid & !wake_o;
endmodule

`default_nettype wire
