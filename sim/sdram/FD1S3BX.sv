// SPDX-License-Identifier: Apache-2.0
// Stand-in for the ECP5's flip-flop with asynchronous preset: LiteDRAM's reset comes in through two of them.
`default_nettype none

module FD1S3BX (
    input  wire  CK,
    input  wire  D,
    input  wire  PD,
    output logic Q
);
    always_ff @(posedge CK or posedge PD) begin
        if (PD) Q <= 1'b1;
        else Q <= D;
    end
endmodule

`default_nettype wire
