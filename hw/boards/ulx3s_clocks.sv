// SPDX-License-Identifier: Apache-2.0
// Clocks of the ULX3S from its 25 MHz oscillator. Two PLLs, because the phase detector must not see less than 10 MHz (Lattice FPGA-DS-02012)
// and 25 MHz and 48 MHz have no common multiple below the oscillator's 800 MHz limit.
// System PLL: 25 MHz * 3 = 75 MHz, VCO 600 MHz, / 9 = 66.67 MHz; the same 3.75 ns (18/8 VCO periods, a quarter) later for the SDRAM. USB PLL: 75 MHz / 5 * 4 = 60 MHz, VCO 480 MHz, / 10 = 48 MHz, / 40 = 12 MHz.
`default_nettype none

module ulx3s_clocks #(
    // 1: the SDRAM's clock is needed
    parameter bit SDRAM = 0
) (
    input  wire logic clk_25mhz_i,
    output logic      clk_o,
    // as clk_o, a quarter of a clock later
    output logic      clk_sdram_o,
    output logic      clk_usb_o,
    output logic      clk_usb_io_o,
    // both PLLs are in lock
    output logic      locked_o
);
  logic clk_75mhz, system_locked, usb_locked;
  logic unused;
  assign locked_o = system_locked && usb_locked;

  pll #(
      .FB_DIV    (3),
      .OP_DIV    (8),
      .OS_DIV    (9),
      .OS2_DIV   (9),
      .OS2_ENABLE(SDRAM ? "ENABLED" : "DISABLED"),
      .OS2_LAG   (18)
  ) i_system_pll (
      .clk_i   (clk_25mhz_i),
      .op_o    (clk_75mhz),
      .os_o    (clk_o),
      .os2_o   (clk_sdram_o),
      .locked_o(system_locked)
  );

  pll #(
      .IN_DIV    (5),
      .FB_DIV    (4),
      .OP_DIV    (8),
      .OS_DIV    (10),
      .OS2_DIV   (40),
      .OS2_ENABLE("ENABLED")
  ) i_usb_pll (
      .clk_i   (clk_75mhz),
      .op_o    (unused),
      .os_o    (clk_usb_io_o),
      .os2_o   (clk_usb_o),
      .locked_o(usb_locked)
  );
endmodule

`default_nettype wire
