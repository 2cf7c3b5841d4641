// SPDX-License-Identifier: Apache-2.0
// Two bits of a carry chain of the ECP5. Proven equal to Yosys's model (tests/netlist/proofs.py).
`default_nettype none

module CCU2C #(
    parameter logic [15:0] INIT0 = 16'h0000,
    parameter logic [15:0] INIT1 = 16'h0000,
    parameter              INJECT1_0 = "YES",
    parameter              INJECT1_1 = "YES"
) (
    input  wire CIN, A0, B0, C0, D0, A1, B1, C1, D1,
    output wire S0, S1, COUT
);
  // "YES" keeps the carry out of the sum and generates none.
  localparam bit CUT0 = INJECT1_0 == "YES", CUT1 = INJECT1_1 == "YES";

  wire propagate0 = INIT0[{D0, C0, B0, A0}], generate0 = !CUT0 && INIT0[{2'b00, B0, A0}];
  wire propagate1 = INIT1[{D1, C1, B1, A1}], generate1 = !CUT1 && INIT1[{2'b00, B1, A1}];
  wire carry = propagate0 ? CIN : generate0;
  assign COUT = propagate1 ? carry : generate1;
  assign S0 = propagate0 ^ (!CUT0 && CIN);
  assign S1 = propagate1 ^ (!CUT1 && carry);
endmodule

`default_nettype wire
