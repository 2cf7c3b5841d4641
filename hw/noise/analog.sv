// SPDX-License-Identifier: Apache-2.0
// The analog tile's errors and its ADC, two channels a clock: qa_analog and qa_adc in libquell.
//   sg = s_add + RHU(s_mul|v| >> 14);  v' = sat24(RHU(vG >> 16) + o + RHU(sg*eps >> 11));  d = clamp(RHE(v' >> 12 + n) << n, d_lo, d_hi)
// d is a code less its zero point: nine bits, from here to post.
// With cfg_noise_i = 0 G, o and eps are replaced by 1, 0, 0, which gives v' = v exactly, and no sample is taken.
// Products with an operand above 17 bits are split at bit 17: twelve MULT18X18D for both lanes.
// Contract: v stream, constants and (noise) samples in, d stream out; latency 13 cycles, one pair a clock; the whole pipeline stops
// when its output does.
`default_nettype none

module analog (
    input  wire         clk_i,
    input  wire         rst_i,
    // Layer
    input  wire         cfg_noise_i,
    input  wire  [19:0] cfg_sigma_add_i,  // Q8.12
    input  wire  [15:0] cfg_sigma_mul_i,  // Q2.14
    input  wire  [ 3:0] cfg_adc_shift_i,  // n, 0...8
    input  wire  [ 8:0] d_lo_i,           // s8.0, from code_limits
    input  wire  [ 8:0] d_hi_i,
    // {v[c+1], v[c]}, s11.12
    input  wire         in_valid_i,
    output logic        in_ready_o,
    input  wire  [47:0] in_data_i,
    // Constants {o s11.12, G Q2.16} of channels c+1 and c
    input  wire         k_valid_i,
    output logic        k_ready_o,
    input  wire  [83:0] k_data_i,
    // Samples {eps[2k+1], eps[2k]}, s4.11
    input  wire         gauss_valid_i,
    output logic        gauss_ready_o,
    input  wire  [31:0] gauss_data_i,
    // {d[c+1], d[c]}, s8.0
    output logic        out_valid_o,
    input  wire         out_ready_i,
    output logic [17:0] out_data_o
);
    logic [12:0] valid_q;
    wire en = !valid_q[12] | out_ready_i;
    wire sample = gauss_valid_i | !cfg_noise_i;
    wire fire = in_valid_i & k_valid_i & sample & en;
    // Stage k loads only for a beat, so that an idle pipeline does not toggle.
    wire [12:0] load = {valid_q[11:0] & {12{en}}, fire};

    assign in_ready_o = en & k_valid_i & sample;
    assign k_ready_o = en & in_valid_i & sample;
    assign gauss_ready_o = en & in_valid_i & k_valid_i & cfg_noise_i;
    assign out_valid_o = valid_q[12];

    always_ff @(posedge clk_i) begin
        if (rst_i) valid_q <= '0;
        else if (en) valid_q <= {valid_q[11:0], fire};
    end

    for (genvar i = 0; i < 2; i++) begin : g_lane
        wire signed [23:0] v = in_data_i[24*i+:24];

        // The number is the stage that loads the register.
        logic signed [23:0] v1_q, o1_q, v9_q;  // s11.12
        logic [23:0] abs1_q;  // Q12.12
        logic [17:0] g1_q;  // Q2.16
        logic signed [15:0] eps1_q, eps2_q, eps3_q, eps4_q, eps5_q;  // s4.11
        logic [32:0] sl2_q;  // s_mul times the low part of |v|, Q.26
        logic [22:0] sh2_q;
        logic [33:0] vl2_q;  // the low parts of v and G, Q.28
        logic signed [24:0] vh2_q;
        logic signed [25:0] ox2_q, ox3_q;  // o and what bit 17 of G adds, s13.12
        logic [39:0] s3_q;  // Q.26
        logic signed [41:0] g3_q;  // Q.28
        logic [26:0] sg4_q;  // Q.12
        logic [22:0] sg5_q;  // Q11.12
        logic signed [27:0] g4_q, g5_q, g6_q, g7_q;  // s15.12
        logic signed [33:0] nl6_q;  // sg times eps, low part of sg, .23
        logic signed [22:0] nh6_q;
        logic signed [39:0] n7_q;
        logic signed [29:0] t8_q;
        logic signed [23:0] t10_q;
        logic rest10_q;
        logic signed [12:0] q11_q;
        logic signed [12:0] d12_q;
        logic [8:0] d13_q;

        wire t8_over = t8_q[29:23] != {7{t8_q[29]}};
        wire low = d12_q < 13'($signed(d_lo_i));
        wire high = d12_q > 13'($signed(d_hi_i));
        // What the ADC shift drops, for the rounding.
        wire [7:0] dropped = v9_q[7:0] & ~(8'hff << cfg_adc_shift_i);
        wire up11 = t10_q[11] & (rest10_q | (|t10_q[10:0]) | t10_q[12]);

        always_ff @(posedge clk_i) begin
            if (load[0]) begin
                v1_q   <= v;
                abs1_q <= v[23] ? -v : v;
                g1_q   <= cfg_noise_i ? k_data_i[42*i+:18] : 18'h10000;
                o1_q   <= cfg_noise_i ? k_data_i[42*i+18+:24] : 24'd0;
                eps1_q <= cfg_noise_i ? gauss_data_i[16*i+:16] : 16'd0;
            end
            if (load[1]) begin
                sl2_q  <= abs1_q[16:0] * cfg_sigma_mul_i;
                sh2_q  <= abs1_q[23:17] * cfg_sigma_mul_i;
                vl2_q  <= v1_q[16:0] * g1_q[16:0];
                vh2_q  <= $signed(v1_q[23:17]) * $signed({1'b0, g1_q[16:0]});
                ox2_q  <= {{2{o1_q[23]}}, o1_q} + (g1_q[17] ? {v1_q[23], v1_q, 1'b0} : 26'd0);
                eps2_q <= eps1_q;
            end
            if (load[2]) begin
                s3_q   <= {sh2_q, 17'h02000} + {7'd0, sl2_q};  // rounding bit included
                g3_q   <= {vh2_q, 17'h08000} + {8'd0, vl2_q};
                ox3_q  <= ox2_q;
                eps3_q <= eps2_q;
            end
            if (load[3]) begin
                sg4_q  <= {1'b0, s3_q[39:14]} + {7'd0, cfg_sigma_add_i};
                g4_q   <= {{2{g3_q[41]}}, g3_q[41:16]} + {{2{ox3_q[25]}}, ox3_q};
                eps4_q <= eps3_q;
            end
            if (load[4]) begin
                sg5_q  <= (|sg4_q[26:23]) ? 23'h7fffff : sg4_q[22:0];
                g5_q   <= g4_q;
                eps5_q <= eps4_q;
            end
            if (load[5]) begin
                nl6_q <= $signed({1'b0, sg5_q[16:0]}) * eps5_q;
                nh6_q <= $signed({1'b0, sg5_q[22:17]}) * eps5_q;
                g6_q  <= g5_q;
            end
            if (load[6]) begin
                n7_q <= {nh6_q, 17'h00400} + {{6{nl6_q[33]}}, nl6_q};
                g7_q <= g6_q;
            end
            if (load[7]) t8_q <= {{2{g7_q[27]}}, g7_q} + {n7_q[39], n7_q[39:11]};
            if (load[8]) v9_q <= t8_over ? {t8_q[29], {23{!t8_q[29]}}} : t8_q[23:0];
            if (load[9]) begin
                t10_q <= v9_q >>> cfg_adc_shift_i;
                rest10_q <= |dropped;
            end
            if (load[10]) q11_q <= {t10_q[23], t10_q[23:12]} + {12'd0, up11};
            if (load[11]) d12_q <= q11_q << cfg_adc_shift_i;  // |q| <= 2^(11 - n)
            if (load[12]) d13_q <= low ? d_lo_i : high ? d_hi_i : d12_q[8:0];
        end

        assign out_data_o[9*i+:9] = d13_q;
        wire unused = &{1'b0, s3_q[13:0], g3_q[15:0], n7_q[10:0]};
    end
endmodule

`default_nettype wire
