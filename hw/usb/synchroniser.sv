// SPDX-License-Identifier: Apache-2.0
// Clock crossing of levels: two flip-flops in the receiving domain. Every crossing of hw/usb that is not inside LUNA goes through an instance of this
// module, named cross_*.
// Contract: bits arrive two to three clocks late, each at its own time: one bit, or a word of which at most one bit changes at a time (Gray code).
`default_nettype none

module synchroniser #(
    // Width in bits.
    parameter int               WIDTH = 1,
    // Value after configuration and while in reset.
    parameter logic [WIDTH-1:0] INIT  = '0
) (
    input  wire              clk_i,  // receiving domain
    input  wire              rst_i,
    // From a flip-flop of any domain
    input  wire  [WIDTH-1:0] async_i,
    output logic [WIDTH-1:0] sync_o
);
    logic [WIDTH-1:0] meta_q = INIT, sync_q = INIT;

    assign sync_o = sync_q;

    always_ff @(posedge clk_i) begin
        if (rst_i) begin
            meta_q <= INIT;
            sync_q <= INIT;
        end else begin
            meta_q <= async_i;
            sync_q <= meta_q;
        end
    end
endmodule

`default_nettype wire
