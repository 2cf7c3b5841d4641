// SPDX-License-Identifier: Apache-2.0
// Box-Muller: 64 random bits to a pair of normal samples, r*cos and r*sin.
// Contract: equals qa_box_muller, |error| <= 1 ulp, reach 8.157 sigma; halves of the last rounding go away from zero, nothing saturates.
// Latency 11 enabled clocks, one pair a clock, ce_i = 0 holds everything. 6 multipliers, 4 block RAMs. docs/noise.md has the picture.
`default_nettype none

module box_muller (
    input  wire logic        clk_i,
    input  wire logic        ce_i,
    input  wire logic [47:0] u0_i,
    input  wire logic [15:0] u1_i,
    output      logic [31:0] eps_o   // {r sin, r cos}, 2 x s4.11
);
    logic [17:0] r;                  // Q4.14
    box_muller_radius radius (.clk_i, .ce_i, .u0_i, .r_o(r));

    // The angle is five clocks quicker: it waits as 16 bits.
    logic [79:0] u1_q;
    always_ff @(posedge clk_i) if (ce_i) u1_q <= {u1_q[63:0], u1_i};

    logic [17:0] cosine, sine;       // Q0.18
    logic        cos_sign, sin_sign;
    box_muller_angle angle (
        .clk_i, .ce_i, .u1_i(u1_q[79:64]),
        .cos_o(cosine), .sin_o(sine), .cos_sign_o(cos_sign), .sin_sign_o(sin_sign));

    // r*|cos| is Q4.32; the result has 11 fractional bits, and one more is kept to round. Negative: ~p is -p less one unit far below, so that the
    // same + 1 serves both signs.
    logic [35:0] cos_product_q, sin_product_q;
    logic        cos_sign_q, sin_sign_q;
    wire [16:0] cos_sum = ({1'b0, cos_product_q[35:20]} ^ {17{cos_sign_q}}) + 17'd1;
    wire [16:0] sin_sum = ({1'b0, sin_product_q[35:20]} ^ {17{sin_sign_q}}) + 17'd1;

    always_ff @(posedge clk_i) begin
        if (ce_i) begin
            cos_product_q <= r * cosine;
            sin_product_q <= r * sine;
            cos_sign_q    <= cos_sign;
            sin_sign_q    <= sin_sign;
            eps_o         <= {sin_sum[16:1], cos_sum[16:1]};
        end
    end

    wire unused = &{1'b0, cos_product_q[19:0], sin_product_q[19:0], cos_sum[0], sin_sum[0]};
endmodule

`default_nettype wire
