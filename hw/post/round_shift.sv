// SPDX-License-Identifier: Apache-2.0
// Variable arithmetic right shift with rounding, then saturation: y = sat(RHE(x >> s)), half to even, for post and pool; y = sat(RTO(x >> s)),
// to odd, for requantise. Six stages; the unit around it owns the valid bits and tells each stage when to load.
// Contract: exact for every x and s = 1...63; y saturates to OUT_W bits.
`default_nettype none

module round_shift #(
    // Bits of x (signed); at most 63, and at least OUT_W + 2.
    parameter int IN_W  = 56,
    // Bits of the saturated result (signed).
    parameter int OUT_W = 24,
    // 1: to odd (the last bit is set if anything below it was lost), 0: to nearest, half to even.
    parameter bit ODD   = 0
) (
    input  wire                     clk_i,
    // Bit k: stage k loads
    input  wire         [      5:0] load_i,
    input  wire  signed [ IN_W-1:0] x_i,
    // Shift, 1...63, beside x
    input  wire         [      5:0] s_i,
    output logic signed [OUT_W-1:0] y_o
);
    // x with one bit below the point: after the shift bit 0 is the half, everything lost below it is in `sticky`.
    localparam int A_W = IN_W + 1;
    // Bits that can still matter when at most 15 more places follow; anything longer saturates for certain.
    localparam int K_W = (A_W < OUT_W + 17) ? A_W : OUT_W + 17;

    wire signed [63:0] x_wide = {{(63 - IN_W) {x_i[IN_W-1]}}, x_i, 1'b0};

    logic signed [A_W-1:0] a_q;
    logic signed [K_W-1:0] b_q, c_q, d_q;
    logic [3:0] a_s_q, b_s_q;
    logic [1:0] c_s_q;
    logic a_sticky_q, b_sticky_q, c_sticky_q, d_sticky_q;
    logic signed [OUT_W-1:0] e_q, y_q;
    logic e_up_q;  // to be added to the last bit, or with ODD to be set in it

    wire b_over = a_q[A_W-1:K_W-1] != {(A_W - K_W + 1) {a_q[A_W-1]}};
    wire e_over = d_q[K_W-1:OUT_W] != {(K_W - OUT_W) {d_q[K_W-1]}};
    wire y_max = e_q == {1'b0, {(OUT_W - 1) {1'b1}}};

    assign y_o = y_q;

    always_ff @(posedge clk_i) begin
        if (load_i[0]) begin
            a_q   <= A_W'(x_wide >>> {s_i[5:4], 4'd0});
            a_s_q <= s_i[3:0];
            unique case (s_i[5:4])
                2'd0: a_sticky_q <= 1'b0;
                2'd1: a_sticky_q <= |x_wide[15:0];
                2'd2: a_sticky_q <= |x_wide[31:0];
                default: a_sticky_q <= |x_wide[47:0];
            endcase
        end
        if (load_i[1]) begin
            b_q <= b_over ? {a_q[A_W-1], {(K_W - 1) {!a_q[A_W-1]}}} : a_q[K_W-1:0];
            b_s_q <= a_s_q;
            b_sticky_q <= a_sticky_q;
        end
        if (load_i[2]) begin
            c_q   <= b_q >>> {b_s_q[3:2], 2'd0};
            c_s_q <= b_s_q[1:0];
            unique case (b_s_q[3:2])
                2'd0: c_sticky_q <= b_sticky_q;
                2'd1: c_sticky_q <= b_sticky_q | (|b_q[3:0]);
                2'd2: c_sticky_q <= b_sticky_q | (|b_q[7:0]);
                default: c_sticky_q <= b_sticky_q | (|b_q[11:0]);
            endcase
        end
        if (load_i[3]) begin
            d_q <= c_q >>> c_s_q;
            unique case (c_s_q)
                2'd0: d_sticky_q <= c_sticky_q;
                2'd1: d_sticky_q <= c_sticky_q | c_q[0];
                2'd2: d_sticky_q <= c_sticky_q | (|c_q[1:0]);
                default: d_sticky_q <= c_sticky_q | (|c_q[2:0]);
            endcase
        end
        if (load_i[4]) begin
            e_q <= e_over ? {d_q[K_W-1], {(OUT_W - 1) {!d_q[K_W-1]}}} : d_q[OUT_W:1];
            e_up_q <= !e_over & (ODD ? d_q[0] | d_sticky_q : d_q[0] & (d_sticky_q | d_q[1]));
        end
        if (load_i[5]) y_q <= ODD ? {e_q[OUT_W-1:1], e_q[0] | e_up_q} : e_q + {{(OUT_W - 1) {1'b0}}, e_up_q & !y_max};
    end
endmodule

`default_nettype wire
