// SPDX-License-Identifier: Apache-2.0
// A LUT4 of the netlist that turns into its inverse when the environment variable NETLIST_FAULT is its number (netlist_fault.cpp):
// deliberate faults for the benches (tests/netlist/faults.py) without a new build. Ports and parameter as Yosys's LUT4.
`default_nettype none

module LUT4_FAULT #(
    parameter logic [15:0] INIT = 16'h0000,
    parameter int          NUMBER = 1
) (
    input  wire A, B, C, D,
    output wire Z
);
  import "DPI-C" function int netlist_fault();

  logic faulty;
  initial faulty = netlist_fault() == NUMBER;
  assign Z = INIT[{D, C, B, A}] ^ faulty;
endmodule

`default_nettype wire
