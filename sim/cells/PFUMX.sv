// SPDX-License-Identifier: Apache-2.0
// Multiplexer behind two look-up tables of the ECP5. Proven equal to Yosys's model (tests/netlist/proofs.py).
`default_nettype none

module PFUMX (
    input  wire ALUT, BLUT, C0,
    output wire Z
);
  assign Z = C0 ? ALUT : BLUT;
endmodule

`default_nettype wire
