// SPDX-License-Identifier: Apache-2.0
// Look-up table of the ECP5. Proven equal to Yosys's model (tests/netlist/proofs.py), but one expression: a netlist simulates twice as fast.
`default_nettype none

module LUT4 #(
    parameter logic [15:0] INIT = 16'h0000
) (
    input  wire A, B, C, D,
    output wire Z
);
  assign Z = INIT[{D, C, B, A}];
endmodule

`default_nettype wire
