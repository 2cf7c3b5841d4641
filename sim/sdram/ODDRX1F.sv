// SPDX-License-Identifier: Apache-2.0
// Stand-in for the ECP5's output register for both edges, with constant data as a board gives a clock away: no delay.
`default_nettype none

module ODDRX1F (
    input  wire  SCLK,
    input  wire  RST,
    input  wire  D0,
    input  wire  D1,
    output logic Q
);
    assign Q = RST ? 1'b0 : SCLK ? D0 : D1;
endmodule

`default_nettype wire
