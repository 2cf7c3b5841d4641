// SPDX-License-Identifier: Apache-2.0
// Multiplexer behind two PFUMX of the ECP5. Proven equal to Yosys's model (tests/netlist/proofs.py).
`default_nettype none

module L6MUX21 (
    input  wire D0, D1, SD,
    output wire Z
);
  assign Z = SD ? D1 : D0;
endmodule

`default_nettype wire
