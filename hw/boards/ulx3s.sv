// SPDX-License-Identifier: Apache-2.0
// Top of the ULX3S (LFE5U-85F): 25 MHz oscillator, USB connector US2 wired straight to the FPGA, eight LEDs,
// 32 MB of SDRAM (the chip has 32 or 64).
// LEDs: 0 the chip works, 1 host has configured the device, 2 USB suspended, 3 processor stopped (fault), 6 PLLs in lock, 7 blinks while the clock runs.
`default_nettype none

module ulx3s #(
    // parameter of board.sv
    parameter bit LOOPBACK  = 0,
    // parameters of soc.sv
    parameter int VERSION   = 0,
    parameter int BUILD     = 0,
    parameter     FIRMWARE  = "",
    parameter int EXT_WORDS = 4194304
) (
    input  wire logic       clk_25mhz,
    inout  wire             usb_fpga_bd_dp,
    inout  wire             usb_fpga_bd_dn,
    // 1.5 kOhm pull-ups: of D+ for full speed, of D- left open
    output logic            usb_fpga_pu_dp,
    output wire             usb_fpga_pu_dn,
    output logic      [7:0] led,
    // SDRAM
    output logic            sdram_clk,
    output logic            sdram_cke,
    output logic            sdram_csn,
    output logic            sdram_rasn,
    output logic            sdram_casn,
    output logic            sdram_wen,
    output logic     [ 1:0] sdram_ba,
    output logic     [12:0] sdram_a,
    output logic     [ 1:0] sdram_dqm,
    inout  wire      [15:0] sdram_d
);
  localparam bit SDRAM = EXT_WORDS != 0 && !LOOPBACK;

  logic clk, clk_sdram, clk_usb, clk_usb_io, locked;
  ulx3s_clocks #(
      .SDRAM(SDRAM)
  ) i_clocks (
      .clk_25mhz_i (clk_25mhz),
      .clk_o       (clk),
      .clk_sdram_o (clk_sdram),
      .clk_usb_o   (clk_usb),
      .clk_usb_io_o(clk_usb_io),
      .locked_o    (locked)
  );

  logic dp, dn, oe;
  assign usb_fpga_bd_dp = oe ? dp : 1'bz;
  assign usb_fpga_bd_dn = oe ? dn : 1'bz;
  assign usb_fpga_pu_dn = 1'bz;

  assign led[5:4] = 2'b00;
  assign led[6] = locked;

  // The SDRAM's clock leaves through an output register, as the other pins do: what lies between them is the PLL's phase.
  if (SDRAM) begin : g_sdram_clk
    ODDRX1F i_oddr (
        .SCLK(clk_sdram),
        .RST (1'b0),
        .D0  (1'b1),
        .D1  (1'b0),
        .Q   (sdram_clk)
    );
  end else begin : g_no_sdram_clk
    assign sdram_clk = 1'b0;
    wire unused = clk_sdram;
  end

  board #(
      .LOOPBACK (LOOPBACK),
      .VERSION  (VERSION),
      .BUILD    (BUILD),
      .FIRMWARE (FIRMWARE),
      .EXT_WORDS(EXT_WORDS)
  ) i_board (
      .clk_i        (clk),
      .clk_usb_i    (clk_usb),
      .clk_usb_io_i (clk_usb_io),
      .locked_i     (locked),
      .usb_dp_i     (usb_fpga_bd_dp),
      .usb_dn_i     (usb_fpga_bd_dn),
      .usb_dp_o     (dp),
      .usb_dn_o     (dn),
      .usb_oe_o     (oe),
      .usb_pullup_o (usb_fpga_pu_dp),
      .busy_o       (led[0]),
      .configured_o (led[1]),
      .suspended_o  (led[2]),
      .trap_o       (led[3]),
      .heartbeat_o  (led[7]),
      .sdram_cke_o  (sdram_cke),
      .sdram_cs_n_o (sdram_csn),
      .sdram_ras_n_o(sdram_rasn),
      .sdram_cas_n_o(sdram_casn),
      .sdram_we_n_o (sdram_wen),
      .sdram_ba_o   (sdram_ba),
      .sdram_a_o    (sdram_a),
      .sdram_dm_o   (sdram_dqm),
      .sdram_dq_io  (sdram_d)
  );
endmodule

`default_nettype wire
