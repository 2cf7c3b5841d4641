// SPDX-License-Identifier: Apache-2.0
//
// One channel of the denoiser's output: depthwise sum, the bottleneck's Wu and Wv products, mean, sigma, and d without them.
// qa_dn_mu, qa_dn_sigma, qa_dn_apply of libquell. Weights absent (a path off) means operands or b2 of 0.
//
//   mu    = sat24( RHU((aD*MD) >> SD) + RHU((aU*MU) >> SU) )                    s11.12
//   sigma = clamp( RHU(((aV + Cv)*MV) >> SV), 0, 65535 )                        Q8.8
//   d     = clamp( RHE( ((d << 12) - mu - RHU((sigma*eps) >> 7)) >> 12 ), d_lo, d_hi )   half to even
//
// A pipeline without stalls: operands and weights in stage 0, Cv in stage 5, eps in stage 14, d in stage 16, the result in stage 20. A stage loads
// only what is valid, so that sparse pairs cost neither power nor simulation time.
// Costs 9 + 1 + 1 + 2 + 1 MULT18X18D and 2 * BOTTLENECK_MAX LUT multipliers.
`default_nettype none

module dn_channel #(
    // Widest bottleneck
    parameter int BOTTLENECK_MAX = 4
) (
    input  wire                        clk_i,

    input  wire  [19:0]                valid_i,     // stage k holds a pair
    input  wire  [8:0]                 d_lo_i,      // limits of d, s8.0
    input  wire  [8:0]                 d_hi_i,
    input  wire  [16:0]                md_i,
    input  wire  [5:0]                 sd_i,        // 1...63, as all S
    input  wire  [16:0]                mu_i,
    input  wire  [5:0]                 su_i,
    input  wire  [16:0]                mv_i,
    input  wire  [5:0]                 sv_i,

    input  wire  [80:0]                operand_i,   // stage 0: nine s8.0
    input  wire  [71:0]                d_weight_i,  // nine s7.0
    input  wire  [BOTTLENECK_MAX*8-1:0] b2_i,       // uint8 each
    input  wire  [BOTTLENECK_MAX*8-1:0] wu_i,       // s7.0 each
    input  wire  [BOTTLENECK_MAX*8-1:0] wv_i,       // s7.0 each
    input  wire  [23:0]                cv_i,        // stage 5: s23.0
    input  wire  [15:0]                eps_i,       // stage 14: s4.11
    input  wire  [8:0]                 d_i,         // stage 16: s8.0
    output logic [8:0]                 d_o          // stage 20: s8.0
);
    localparam int MB = BOTTLENECK_MAX;
    localparam int B_WIDTH = 17 + $clog2(MB);       // sum of MB products
    localparam int U_WIDTH = 16 + $clog2(MB);       // |b2*w| <= 255*128 needs a bit less
    localparam int PD = 37, PU = U_WIDTH + 17, PV = 42;

    // ---- sums: depthwise in stage 4, bottleneck in stage 5
    wire [20:0] depthwise;                          // fits 20 bits: 9*128*256
    wire unused_depthwise = depthwise[20];
    logic [19:0] depthwise5_q;
    conv_core core (.clk_i, .en_i(|valid_i[3:0]), .operand_i, .weight_i(d_weight_i), .sum_o(depthwise));

    wire [MB*9-1:0] b2;                             // s8.0 each, never negative
    for (genvar k = 0; k < MB; k++) begin : g_b2
        assign b2[k*9 +: 9] = {1'b0, b2_i[k*8 +: 8]};
    end
    wire [B_WIDTH-1:0] sum_u, sum_v;
    wire unused_u = sum_u[B_WIDTH-1];
    dn_dot #(.N(MB)) dot_u (.clk_i, .en_i(|valid_i[4:0]), .operand_i(b2), .weight_i(wu_i), .sum_o(sum_u));
    dn_dot #(.N(MB)) dot_v (.clk_i, .en_i(|valid_i[4:0]), .operand_i(b2), .weight_i(wv_i), .sum_o(sum_v));
    logic [24:0] v6_q;                              // s24.0
    always_ff @(posedge clk_i) begin
        if (valid_i[4])  depthwise5_q <= depthwise[19:0];
        if (valid_i[5])  v6_q <= {{(25 - B_WIDTH){sum_v[B_WIDTH-1]}}, sum_v} + {cv_i[23], cv_i};
    end

    // ---- times M, shifted by S - 1: depthwise and u in stage 11, v in stage 12
    wire [PD-1:0] product_d, shifted_d;
    wire [PU-1:0] product_u, shifted_u;
    wire [PV-1:0] product_v, shifted_v;
    wire unused_sticky_d, unused_sticky_u, unused_sticky_v;
    dn_scale #(.A_WIDTH(20))      scale_d (.clk_i, .en_i(|valid_i[7:5]), .a_i(depthwise5_q), .m_i(md_i), .product_o(product_d));
    dn_scale #(.A_WIDTH(U_WIDTH)) scale_u (.clk_i, .en_i(|valid_i[7:5]), .a_i(sum_u[U_WIDTH-1:0]), .m_i(mu_i), .product_o(product_u));
    dn_scale #(.A_WIDTH(25))      scale_v (.clk_i, .en_i(|valid_i[8:6]), .a_i(v6_q), .m_i(mv_i), .product_o(product_v));
    dn_shift #(.WIDTH(PD)) shift_d (.clk_i, .en_i(|valid_i[10:8]), .x_i(product_d), .s_i(sd_i), .y_o(shifted_d), .sticky_o(unused_sticky_d));
    dn_shift #(.WIDTH(PU)) shift_u (.clk_i, .en_i(|valid_i[10:8]), .x_i(product_u), .s_i(su_i), .y_o(shifted_u), .sticky_o(unused_sticky_u));
    dn_shift #(.WIDTH(PV)) shift_v (.clk_i, .en_i(|valid_i[11:9]), .x_i(product_v), .s_i(sv_i), .y_o(shifted_v), .sticky_o(unused_sticky_v));

    // ---- mean: terms rounded in stage 12, sum in 13, saturated in 14
    logic signed [PD-1:0] term_d_q, term_u_q;       // twice the term, bit 0 to be dropped
    logic signed [PD-1:0] mean13_q;
    logic signed [23:0]   mean14_q, mean15_q, mean16_q;  // s11.12
    always_ff @(posedge clk_i) begin
        if (valid_i[11]) term_d_q <= $signed(shifted_d) + PD'(1);
        if (valid_i[11]) term_u_q <= PD'($signed(shifted_u)) + PD'(1);
        if (valid_i[12]) mean13_q <= (term_d_q >>> 1) + (term_u_q >>> 1);
        if (valid_i[13]) mean14_q <= (mean13_q[PD-1:23] == '0 || &mean13_q[PD-1:23]) ? mean13_q[23:0] : {mean13_q[PD-1], {23{~mean13_q[PD-1]}}};
        if (valid_i[14]) mean15_q <= mean14_q;
        if (valid_i[15]) mean16_q <= mean15_q;
    end

    // ---- sigma: rounded in stage 13, clamped in 14; its sample: product in 16, rounded in 17
    logic signed [PV-1:0] term_v_q;
    logic [15:0] sigma14_q, sigma15_q;              // Q8.8
    logic signed [15:0] eps15_q;                    // s4.11
    wire signed [16:0] sigma15 = {1'b0, sigma15_q};
    logic signed [32:0] sample16_q;                 // s13.19
    logic signed [25:0] sample17_q;                 // s13.12
    wire signed [32:0] sample_half = sample16_q + 33'sd64;
    wire unused_term = term_v_q[0];
    wire [6:0] unused_sample = sample_half[6:0];
    always_ff @(posedge clk_i) begin
        if (valid_i[12]) term_v_q <= $signed(shifted_v) + PV'(1);
        if (valid_i[13]) sigma14_q <= term_v_q[PV-1] ? 16'd0 : |term_v_q[PV-2:17] ? 16'hFFFF : term_v_q[16:1];
        if (valid_i[14]) sigma15_q <= sigma14_q;
        if (valid_i[14]) eps15_q <= eps_i;
        if (valid_i[15]) sample16_q <= sigma15 * eps15_q;
        if (valid_i[16]) sample17_q <= sample_half[32:7];
    end

    // ---- d: minus the mean in stage 17, minus the sample in 18, rounded in 19, clamped in 20
    logic signed [25:0] rest17_q;                   // s13.12
    logic signed [26:0] rest18_q;                   // s14.12
    logic signed [15:0] rounded_q;                  // s15.0
    wire low = rounded_q < 16'($signed(d_lo_i));
    wire high = rounded_q > 16'($signed(d_hi_i));
    wire up = rest18_q[11] && (|rest18_q[10:0] || rest18_q[12]);
    always_ff @(posedge clk_i) begin
        if (valid_i[16]) rest17_q <= $signed({{5{d_i[8]}}, d_i, 12'd0}) - 26'(mean16_q);
        if (valid_i[17]) rest18_q <= 27'(rest17_q) - 27'(sample17_q);
        if (valid_i[18]) rounded_q <= 16'($signed(rest18_q[26:12])) + 16'(up);
        if (valid_i[19]) d_o <= low ? d_lo_i : high ? d_hi_i : rounded_q[8:0];
    end
endmodule

`default_nettype wire
