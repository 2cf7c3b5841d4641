// SPDX-License-Identifier: Apache-2.0
// One ECP5 PLL, fed back from its first output:
//
//   op = clk * FB_DIV / IN_DIV       VCO = op * OP_DIV, 400 to 800 MHz       os = VCO / OS_DIV       os2 = VCO / OS2_DIV
//
// All outputs have the same phase: their rising edges coincide. But os2 may lag by OS2_LAG eighths of a VCO period (with OS2_DIV = OS_DIV: that lag behind os).
`default_nettype none

module pll #(
    parameter int IN_DIV     = 1,
    parameter int FB_DIV     = 1,
    parameter int OP_DIV     = 1,
    parameter int OS_DIV     = 1,
    parameter int OS2_DIV    = 1,
    // "ENABLED" where the third output is needed
    parameter     OS2_ENABLE = "DISABLED",
    parameter int OS2_LAG    = 0
) (
    input  wire logic clk_i,
    output logic      op_o,
    output logic      os_o,
    output logic      os2_o,
    output logic      locked_o
);
  logic unused_intfb;

  // The attributes are Project Trellis's loop filter settings, as ecppll writes them.
  (* ICP_CURRENT = "12", LPF_RESISTOR = "8", MFG_ENABLE_FILTEROPAMP = "1", MFG_GMCREF_SEL = "2" *)
  EHXPLLL #(
      .CLKI_DIV     (IN_DIV),
      .CLKFB_DIV    (FB_DIV),
      .FEEDBK_PATH  ("CLKOP"),
      .CLKOP_ENABLE ("ENABLED"),
      .CLKOP_DIV    (OP_DIV),
      .CLKOP_CPHASE (4),
      .CLKOS_ENABLE ("ENABLED"),
      .CLKOS_DIV    (OS_DIV),
      .CLKOS_CPHASE (4),
      .CLKOS2_ENABLE(OS2_ENABLE),
      .CLKOS2_DIV   (OS2_DIV),
      .CLKOS2_CPHASE(4 + OS2_LAG / 8),
      .CLKOS2_FPHASE(OS2_LAG % 8)
  ) i_ehxplll (
      .RST         (1'b0),
      .STDBY       (1'b0),
      .CLKI        (clk_i),
      .CLKFB       (op_o),
      .CLKOP       (op_o),
      .CLKOS       (os_o),
      .CLKOS2      (os2_o),
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
