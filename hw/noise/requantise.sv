// SPDX-License-Identifier: Apache-2.0
// First unit after the accumulators: v = sat24(RTO(((acc + bias) * M) >> S)) for two channels a clock; qa_requantise in libquell. Rounded to
// odd: the ADC, which rounds to nearest further up, then gives what it would have given for the exact product.
// The 32 x 24-bit product is made of four products of 16 x 12 bits: eight MULT18X18D for both lanes.
// Contract: acc stream (int32) and constants in, v stream (s11.12) out; latency 10 cycles, one pair a clock; the whole pipeline stops
// when its output does. acc + bias must not overflow (the compiler's duty).
`default_nettype none

module requantise (
    input  wire          clk_i,
    input  wire          rst_i,
    // Accumulators {acc[c+1], acc[c]}
    input  wire          in_valid_i,
    output logic         in_ready_o,
    input  wire  [ 63:0] in_data_i,
    // Constants {S, M, bias} of channels c+1 and c
    input  wire          k_valid_i,
    output logic         k_ready_o,
    input  wire  [123:0] k_data_i,
    // {v[c+1], v[c]}, s11.12
    output logic         out_valid_o,
    input  wire          out_ready_i,
    output logic [ 47:0] out_data_o
);
    logic [9:0] valid_q;
    wire en = !valid_q[9] | out_ready_i;
    wire fire = in_valid_i & k_valid_i & en;
    // Stage k loads only for a beat, so that an idle pipeline does not toggle.
    wire [9:0] load = {valid_q[8:0] & {9{en}}, fire};

    assign in_ready_o  = en & k_valid_i;
    assign k_ready_o   = en & in_valid_i;
    assign out_valid_o = valid_q[9];

    always_ff @(posedge clk_i) begin
        if (rst_i) valid_q <= '0;
        else if (en) valid_q <= {valid_q[8:0], fire};
    end

    for (genvar i = 0; i < 2; i++) begin : g_lane
        logic signed [31:0] sum_q;  // s31.0
        logic [23:0] m_q;
        logic [5:0] s1_q, s2_q, s3_q, s4_q;
        logic [27:0] ll_q, lh_q;
        logic signed [28:0] hl_q;
        logic signed [27:0] hh_q;
        logic signed [55:0] outer_q, product_q;
        logic signed [32:0] inner_q;

        always_ff @(posedge clk_i) begin
            if (load[0]) begin
                sum_q <= $signed(in_data_i[32*i+:32]) + $signed(k_data_i[62*i+:32]);
                m_q   <= k_data_i[62*i+32+:24];
                s1_q  <= k_data_i[62*i+56+:6];
            end
            if (load[1]) begin
                ll_q <= sum_q[15:0] * m_q[11:0];
                lh_q <= sum_q[15:0] * m_q[23:12];
                hl_q <= $signed(sum_q[31:16]) * $signed({1'b0, m_q[11:0]});
                hh_q <= $signed(sum_q[31:16]) * $signed({1'b0, m_q[23:12]});
                s2_q <= s1_q;
            end
            if (load[2]) begin
                outer_q <= {hh_q, ll_q};
                inner_q <= $signed({5'd0, lh_q}) + $signed({hl_q, 4'd0});
                s3_q <= s2_q;
            end
            if (load[3]) begin
                product_q <= outer_q + {{11{inner_q[32]}}, inner_q, 12'd0};
                s4_q <= s3_q;
            end
        end

        round_shift #(
            .IN_W (56),
            .OUT_W(24),
            .ODD  (1)
        ) u_round (
            .clk_i,
            .load_i(load[9:4]),
            .x_i(product_q),
            .s_i(s4_q),
            .y_o(out_data_o[24*i+:24])
        );
    end
endmodule

`default_nettype wire
