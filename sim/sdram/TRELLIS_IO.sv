// SPDX-License-Identifier: Apache-2.0
// Stand-in for the ECP5's pin in both directions.
`default_nettype none

module TRELLIS_IO #(
    // Others are not made.
    parameter DIR = "BIDIR"
) (
    inout  wire B,
    input  wire I,
    input  wire T,
    output wire O
);
    initial if (DIR != "BIDIR") $fatal(1, "TRELLIS_IO: only BIDIR is modelled");
    assign B = T ? 1'bz : I;
    assign O = B;
endmodule

`default_nettype wire
