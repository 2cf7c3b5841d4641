// SPDX-License-Identifier: Apache-2.0
//
// The shift of an M, S pair, up to the last bit: floor(x / 2^(S-1)), so that bit 0 of the result is the half that rounding needs,
// and whether anything below was lost (for half to even). Three stages of 16s, 4s and 1s.
//
// Latency: 3 enabled cycles. With en_i low every stage holds. No reset. s_i is constant while it matters.
`default_nettype none

module dn_shift #(
    // Bits of the signed value; costs about 3 LUTs a bit
    parameter int WIDTH = 37,
    // 1: sticky_o works, 0: it is 0
    parameter bit STICKY = 0
) (
    input  wire              clk_i,

    input  wire              en_i,
    input  wire  [WIDTH-1:0] x_i,       // signed
    input  wire  [5:0]       s_i,       // 1...63
    output logic [WIDTH-1:0] y_o,       // signed, x >> (S-1)
    output logic             sticky_o   // a bit that was shifted out is 1
);
    wire [5:0] amount = s_i - 6'd1;
    logic signed [WIDTH-1:0] a_q, b_q;
    logic a_sticky_q, b_sticky_q;

    // The low bits that a shift by n drops.
    function automatic lost(input [WIDTH-1:0] x, input [5:0] n);
        lost = STICKY && (x & ~({WIDTH{1'b1}} << n)) != 0;
    endfunction

    always_ff @(posedge clk_i)
        if (en_i) begin
            a_q        <= $signed(x_i) >>> {amount[5:4], 4'd0};
            a_sticky_q <= lost(x_i, {amount[5:4], 4'd0});
            b_q        <= a_q >>> {amount[3:2], 2'd0};
            b_sticky_q <= a_sticky_q | lost(a_q, {2'd0, amount[3:2], 2'd0});
            y_o        <= b_q >>> amount[1:0];
            sticky_o   <= b_sticky_q | lost(b_q, {4'd0, amount[1:0]});
        end
endmodule

`default_nettype wire
