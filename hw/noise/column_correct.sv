// SPDX-License-Identifier: Apache-2.0
// Takes out what calibration found to be static in a column: d = clamp(RHE(d*a + b*2^6 >> 14), d_lo, d_hi), two channels a clock;
// qa_correct in libquell. With cfg_correct_i = 0 a and b are replaced by 1 and 0, which returns every d within the limits unchanged.
// Contract: d stream (code less zero point) and constants in, d stream out; latency 5 cycles, one pair a clock; the whole pipeline stops
// when its output does. Two MULT18X18D.
`default_nettype none

module column_correct (
    input  wire         clk_i,
    input  wire         rst_i,
    // Layer
    input  wire         cfg_correct_i,
    input  wire  [ 8:0] d_lo_i,  // s8.0, from code_limits
    input  wire  [ 8:0] d_hi_i,
    // {d[c+1], d[c]}, s8.0
    input  wire         in_valid_i,
    output logic        in_ready_o,
    input  wire  [17:0] in_data_i,
    // Constants {b s7.8, a Q2.14} of channels c+1 and c
    input  wire         k_valid_i,
    output logic        k_ready_o,
    input  wire  [63:0] k_data_i,
    // {d[c+1], d[c]}, s8.0
    output logic        out_valid_o,
    input  wire         out_ready_i,
    output logic [17:0] out_data_o
);
    logic [4:0] valid_q;
    wire en = !valid_q[4] | out_ready_i;
    wire fire = in_valid_i & k_valid_i & en;
    wire [4:0] load = {valid_q[3:0] & {4{en}}, fire};

    assign in_ready_o  = en & k_valid_i;
    assign k_ready_o   = en & in_valid_i;
    assign out_valid_o = valid_q[4];

    always_ff @(posedge clk_i) begin
        if (rst_i) valid_q <= '0;
        else if (en) valid_q <= {valid_q[3:0], fire};
    end

    for (genvar i = 0; i < 2; i++) begin : g_lane
        logic signed [8:0] d1_q;
        logic [15:0] a1_q;  // Q2.14
        logic signed [15:0] b1_q, b2_q;  // s7.8
        logic signed [25:0] p2_q, s3_q;  // s11.14
        logic signed [11:0] r4_q;
        logic [8:0] d5_q;

        wire up4 = s3_q[13] & ((|s3_q[12:0]) | s3_q[14]);  // half to even
        wire low = r4_q < 12'($signed(d_lo_i));
        wire high = r4_q > 12'($signed(d_hi_i));

        always_ff @(posedge clk_i) begin
            if (load[0]) begin
                d1_q <= in_data_i[9*i+:9];
                a1_q <= cfg_correct_i ? k_data_i[32*i+:16] : 16'h4000;
                b1_q <= cfg_correct_i ? k_data_i[32*i+16+:16] : 16'd0;
            end
            if (load[1]) begin
                p2_q <= d1_q * $signed({1'b0, a1_q});
                b2_q <= b1_q;
            end
            if (load[2]) s3_q <= p2_q + {{4{b2_q[15]}}, b2_q, 6'd0};
            if (load[3]) r4_q <= s3_q[25:14] + {11'd0, up4};
            if (load[4]) d5_q <= low ? d_lo_i : high ? d_hi_i : r4_q[8:0];
        end

        assign out_data_o[9*i+:9] = d5_q;
    end
endmodule

`default_nettype wire
