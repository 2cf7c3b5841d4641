// SPDX-License-Identifier: Apache-2.0
// Radius of Box-Muller: r = sqrt(-2 ln((u0 + 1)/2^48)), a quadratic in each of eight segments of every octave of u0 and of its distance from 1.
// Contract: equals radius() of host/lib/box_muller.c: |error| <= 0.11 * 2^-11. Latency 9 enabled clocks. Table: tools/gen_box_muller.py.
`default_nettype none

module box_muller_radius (
    input  wire logic        clk_i,
    input  wire logic        ce_i,
    input  wire logic [47:0] u0_i,
    output      logic [17:0] r_o     // Q4.14
);
    logic        half_1_q, half_2_q, half_3_q;
    logic [5:0]  exponent;
    logic [16:0] fraction;

    // In the upper half the distance from 1 counts.
    box_muller_normalise normalise (
        .clk_i, .ce_i, .v_i(u0_i[46:0] ^ {47{u0_i[47]}}), .exponent_o(exponent), .fraction_o(fraction));

    logic [49:0] entry;
    wire signed [11:0] c2 = entry[49:38];  // s.19
    wire signed [17:0] c1 = entry[37:20];  // s.20
    wire        [19:0] c0 = entry[19:0];   // Q4.16, rounding terms included

    box_muller_radius_rom table_rom (
        .clk_i, .ce_i, .addr_i({half_3_q, exponent, fraction[16:14]}), .data_o(entry));

    logic [13:0] t_4_q, t_5_q, t_6_q, t_7_q;  // place in the segment, Q0.14
    logic signed [17:0] c1_6_q, q_q;          // s.20
    logic [19:0] c0_6_q, c0_7_q, c0_8_q;
    logic signed [26:0] p_q;                  // c2*t, s.33
    logic signed [32:0] y_q;                  // q*t, s.34
    wire  signed [13:0] p_shifted = p_q[26:13];
    wire  signed [14:0] y_shifted = y_q[32:18];  // s.16
    // 2^20 is beyond the largest radius: no carry.
    wire         [19:0] sum = c0_8_q + {{5{y_shifted[14]}}, y_shifted};

    always_ff @(posedge clk_i) begin
        if (ce_i) begin
            half_1_q <= u0_i[47];
            half_2_q <= half_1_q;
            half_3_q <= half_2_q;

            t_4_q <= fraction[13:0];
            t_5_q <= t_4_q;

            p_q    <= c2 * $signed({1'b0, t_5_q});
            c1_6_q <= c1;
            c0_6_q <= c0;
            t_6_q  <= t_5_q;

            q_q    <= c1_6_q + {{4{p_shifted[13]}}, p_shifted};
            c0_7_q <= c0_6_q;
            t_7_q  <= t_6_q;

            y_q    <= q_q * $signed({1'b0, t_7_q});
            c0_8_q <= c0_7_q;

            r_o    <= sum[19:2];
        end
    end

    wire unused = &{1'b0, p_q[12:0], y_q[17:0], sum[1:0]};  // floors
endmodule

`default_nettype wire
