// SPDX-License-Identifier: Apache-2.0
// Clocks of the OrangeCrab from its 48 MHz oscillator: VCO 528 MHz, / 8 = 66 MHz, / 11 = 48 MHz, / 44 = 12 MHz.
`default_nettype none

module orangecrab_clocks (
    input  wire logic clk_48mhz_i,
    output logic      clk_o,
    output logic      clk_usb_o,
    output logic      clk_usb_io_o,
    output logic      locked_o
);
  pll #(
      .OP_DIV    (11),
      .OS_DIV    (8),
      .OS2_DIV   (44),
      .OS2_ENABLE("ENABLED")
  ) i_pll (
      .clk_i   (clk_48mhz_i),
      .op_o    (clk_usb_io_o),
      .os_o    (clk_o),
      .os2_o   (clk_usb_o),
      .locked_o(locked_o)
  );
endmodule

`default_nettype wire
