// SPDX-License-Identifier: Apache-2.0
// Flip-flop of the ECP5 with synchronous set or reset, as Yosys uses it. Proven equal to Yosys's model (tests/netlist/proofs.py).
// Refused: asynchronous set and reset, inverted clock, inverted LSR, loading from M (no such port here).
`default_nettype none

module TRELLIS_FF #(
    parameter CEMUX = "1",
    parameter CLKMUX = "CLK",
    parameter LSRMUX = "LSR",
    parameter SRMODE = "LSR_OVER_CE",
    parameter REGSET = "RESET",
    // without effect here
    parameter GSR = "ENABLED"
) (
    input  wire CLK, LSR, CE, DI,
    output reg  Q
);
  if (CLKMUX != "CLK" || LSRMUX != "LSR") begin : g_clock
    $fatal(1, "TRELLIS_FF: inverted clock or reset is not modelled");
  end
  if (SRMODE != "LSR_OVER_CE") begin : g_mode
    $fatal(1, "TRELLIS_FF: SRMODE %s is not modelled", SRMODE);
  end

  localparam bit SET = REGSET == "SET";
  localparam bit ALWAYS = CEMUX == "1", INVERTED = CEMUX == "INV";
  wire enable = ALWAYS || CE != INVERTED;
  initial Q = SET;
  always @(posedge CLK)
    if (LSR) Q <= SET;
    else if (enable) Q <= DI;
endmodule

`default_nettype wire
