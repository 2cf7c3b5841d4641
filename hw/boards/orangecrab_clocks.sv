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
  logic unused_intfb;

  // The attributes are Project Trellis's loop filter settings, as ecppll writes them. Equal CPHASE: rising edges coincide.
  (* ICP_CURRENT = "12", LPF_RESISTOR = "8", MFG_ENABLE_FILTEROPAMP = "1", MFG_GMCREF_SEL = "2" *)
  EHXPLLL #(
      .CLKI_DIV     (1),
      .CLKFB_DIV    (1),
      .FEEDBK_PATH  ("CLKOP"),
      .CLKOP_ENABLE ("ENABLED"),
      .CLKOP_DIV    (11),
      .CLKOP_CPHASE (4),
      .CLKOS_ENABLE ("ENABLED"),
      .CLKOS_DIV    (8),
      .CLKOS_CPHASE (4),
      .CLKOS2_ENABLE("ENABLED"),
      .CLKOS2_DIV   (44),
      .CLKOS2_CPHASE(4)
  ) i_pll (
      .RST         (1'b0),
      .STDBY       (1'b0),
      .CLKI        (clk_48mhz_i),
      .CLKFB       (clk_usb_io_o),
      .CLKOP       (clk_usb_io_o),
      .CLKOS       (clk_o),
      .CLKOS2      (clk_usb_o),
      .CLKINTFB    (unused_intfb),
      .PHASESEL0   (1'b0),
      .PHASESEL1   (1'b0),
      .PHASEDIR    (1'b1),
      .PHASESTEP   (1'b1),
      .PHASELOADREG(1'b1),
      .PLLWAKESYNC (1'b0),
      .ENCLKOP     (1'b0),
      .LOCK        (locked_o)
  );
endmodule

`default_nettype wire
