// SPDX-License-Identifier: Apache-2.0
// Clocks of the ULX3S from its 25 MHz oscillator. Two PLLs, because the phase detector must not see less than 10 MHz (Lattice FPGA-DS-02012)
// and 25 MHz and 48 MHz have no common multiple below the oscillator's 800 MHz limit.
// System PLL: 25 MHz * 3 = 75 MHz, VCO 600 MHz, / 9 = 66.67 MHz. USB PLL: 75 MHz / 5 * 4 = 60 MHz, VCO 480 MHz, / 10 = 48 MHz, / 40 = 12 MHz.
`default_nettype none

module ulx3s_clocks (
    input  wire logic clk_25mhz_i,
    output logic      clk_o,
    output logic      clk_usb_o,
    output logic      clk_usb_io_o,
    // both PLLs are in lock
    output logic      locked_o
);
  logic clk_75mhz, clk_60mhz, system_locked, usb_locked;
  logic [1:0] unused;
  assign locked_o = system_locked && usb_locked;

  // The attributes are Project Trellis's loop filter settings, as ecppll writes them. Equal CPHASE: rising edges coincide.
  (* ICP_CURRENT = "12", LPF_RESISTOR = "8", MFG_ENABLE_FILTEROPAMP = "1", MFG_GMCREF_SEL = "2" *)
  EHXPLLL #(
      .CLKI_DIV     (1),
      .CLKFB_DIV    (3),
      .FEEDBK_PATH  ("CLKOP"),
      .CLKOP_ENABLE ("ENABLED"),
      .CLKOP_DIV    (8),
      .CLKOP_CPHASE (4),
      .CLKOS_ENABLE ("ENABLED"),
      .CLKOS_DIV    (9),
      .CLKOS_CPHASE (4)
  ) i_system_pll (
      .RST         (1'b0),
      .STDBY       (1'b0),
      .CLKI        (clk_25mhz_i),
      .CLKFB       (clk_75mhz),
      .CLKOP       (clk_75mhz),
      .CLKOS       (clk_o),
      .CLKINTFB    (unused[0]),
      .PHASESEL0   (1'b0),
      .PHASESEL1   (1'b0),
      .PHASEDIR    (1'b1),
      .PHASESTEP   (1'b1),
      .PHASELOADREG(1'b1),
      .PLLWAKESYNC (1'b0),
      .ENCLKOP     (1'b0),
      .LOCK        (system_locked)
  );

  (* ICP_CURRENT = "12", LPF_RESISTOR = "8", MFG_ENABLE_FILTEROPAMP = "1", MFG_GMCREF_SEL = "2" *)
  EHXPLLL #(
      .CLKI_DIV     (5),
      .CLKFB_DIV    (4),
      .FEEDBK_PATH  ("CLKOP"),
      .CLKOP_ENABLE ("ENABLED"),
      .CLKOP_DIV    (8),
      .CLKOP_CPHASE (4),
      .CLKOS_ENABLE ("ENABLED"),
      .CLKOS_DIV    (10),
      .CLKOS_CPHASE (4),
      .CLKOS2_ENABLE("ENABLED"),
      .CLKOS2_DIV   (40),
      .CLKOS2_CPHASE(4)
  ) i_usb_pll (
      .RST         (1'b0),
      .STDBY       (1'b0),
      .CLKI        (clk_75mhz),
      .CLKFB       (clk_60mhz),
      .CLKOP       (clk_60mhz),
      .CLKOS       (clk_usb_io_o),
      .CLKOS2      (clk_usb_o),
      .CLKINTFB    (unused[1]),
      .PHASESEL0   (1'b0),
      .PHASESEL1   (1'b0),
      .PHASEDIR    (1'b1),
      .PHASESTEP   (1'b1),
      .PHASELOADREG(1'b1),
      .PLLWAKESYNC (1'b0),
      .ENCLKOP     (1'b0),
      .LOCK        (usb_locked)
  );
endmodule

`default_nettype wire
