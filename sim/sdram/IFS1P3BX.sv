// SPDX-License-Identifier: Apache-2.0
// Stand-in for the ECP5's input register in an I/O cell, as LiteDRAM uses it: no preset.
`default_nettype none

module IFS1P3BX (
    input  wire  D,
    input  wire  PD,
    input  wire  SCLK,
    input  wire  SP,
    output logic Q
);
    wire unused = &{1'b0, PD};
    always_ff @(posedge SCLK) if (SP) Q <= D;
endmodule

`default_nettype wire
