// SPDX-License-Identifier: Apache-2.0
// Average or maximum over windows: code = sat8(z_p + RHE(p * Mp >> Sp)), p the sum or maximum of code - z_y; qa_pool in libquell. p has 21 bits and
// Mp 24: two products in DSP blocks, and p's upper three bits times Mp as a sum. The unfinished windows wait in a line memory, one word a window and
// channel pair. Windows begin every sx columns and sy rows, the first one pad_left and pad_top outside the frame (less than the kernel); what lies
// outside counts as nothing in a maximum and as the zero point in an average. Without pooling the stream passes through. Rows and columns that lie in
// no window are dropped.
// Contract: code stream in and out, the last pair of each output row and of the frame marked; a pair stays at the input for as many clocks as windows
// cover its pixel, one at least; the first is taken 8 cycles after start_i at the earliest; latency 14 cycles (0 without pooling); the whole pipeline
// stops when its output does. pool_position says where windows that end outside the frame are completed, and that a word is read back four steps after
// it was read at the earliest: one cycle after it was written. Four MULT18X18D.
`default_nettype none

module pool #(
    // Words of the line memory (channel pairs); power of two: limits ceil(kh / sy) * pooled_w * out_c8 * 4. Three block RAMs per 1024.
    parameter int LINE_PAIRS = 1024
) (
    input  wire         clk_i,
    input  wire         rst_i,
    input  wire         start_i,
    // Layer
    input  wire  [ 1:0] cfg_pool_kind_i,  // 0 none, 1 average, 2 maximum
    input  wire  [ 9:0] cfg_pool_kh_i,
    input  wire  [ 9:0] cfg_pool_kw_i,
    input  wire  [ 9:0] cfg_pool_sy_i,
    input  wire  [ 9:0] cfg_pool_sx_i,
    input  wire  [ 3:0] cfg_pool_pad_top_i,
    input  wire  [ 3:0] cfg_pool_pad_left_i,
    input  wire  [ 9:0] cfg_pooled_h_i,
    input  wire  [ 9:0] cfg_pooled_w_i,
    input  wire  [23:0] cfg_pool_m_i,
    input  wire  [ 5:0] cfg_pool_shift_i,
    input  wire  [ 7:0] cfg_z_y_i,
    input  wire  [ 7:0] cfg_z_pool_i,
    input  wire  [ 9:0] cfg_out_w_i,
    input  wire  [ 9:0] cfg_out_h_i,
    input  wire  [11:0] cfg_out_c8_i,
    // {code[c+1], code[c]}
    input  wire         in_valid_i,
    output logic        in_ready_o,
    input  wire  [15:0] in_data_i,
    // {code[c+1], code[c]} of the pooled frame
    output logic        out_valid_o,
    input  wire         out_ready_i,
    output logic [15:0] out_data_o,
    output logic        out_row_end_o,
    output logic        out_frame_end_o,
    // The whole input frame has been taken, and what lies outside has been gone through
    output logic        taken_o
);
    localparam int A_W = $clog2(LINE_PAIRS);

    wire none = cfg_pool_kind_i == 2'd0;
    wire maximum = cfg_pool_kind_i[1];

    logic [13:0] valid_q;
    logic [13:3] row_end_q, frame_end_q;
    logic [25:0] m3_q;  // 3 * Mp
    logic busy, active, in_frame, pair_end, keep, first, last, row_end, frame_end;
    logic [A_W-1:0] addr;
    // {addr, row_end, frame_end, first, last} of the pair in stages 0, 1, 2
    logic [A_W+3:0] at0_q, at1_q, at2_q;
    logic [15:0] code;

    (* no_rw_check, ram_style = "block" *)
    logic [41:0] line_memory[LINE_PAIRS];
    logic [41:0] ram_q, old_q, sum_q;  // two partial results, s20.0 each
    logic [A_W-1:0] write_addr_q;
    logic write_q;

    wire en = !valid_q[13] | out_ready_i;
    wire flow = none ? out_ready_i : en;
    wire step = active & flow & (in_valid_i | !in_frame);
    wire fire = step & keep & !none;
    // Stages 0...3 see every pair once for each window, stages 4...13 finished windows only.
    wire [13:0] load = {valid_q[12:0] & {13{en}}, fire};

    assign in_ready_o = active & flow & in_frame & pair_end;
    assign out_valid_o = none ? in_valid_i & active : valid_q[13];
    assign out_data_o = none ? in_data_i : code;
    assign out_row_end_o = none ? row_end : row_end_q[13];
    assign out_frame_end_o = none ? frame_end : frame_end_q[13];
    assign taken_o = !busy;

    pool_position #(
        .LINE_PAIRS(LINE_PAIRS)
    ) u_position (
        .clk_i,
        .rst_i,
        .start_i,
        .kh_i(none ? 10'd1 : cfg_pool_kh_i),
        .kw_i(none ? 10'd1 : cfg_pool_kw_i),
        .sy_i(none ? 10'd1 : cfg_pool_sy_i),
        .sx_i(none ? 10'd1 : cfg_pool_sx_i),
        .pad_top_i(none ? 4'd0 : cfg_pool_pad_top_i),
        .pad_left_i(none ? 4'd0 : cfg_pool_pad_left_i),
        .pooled_h_i(none ? cfg_out_h_i : cfg_pooled_h_i),
        .pooled_w_i(none ? cfg_out_w_i : cfg_pooled_w_i),
        .cfg_out_w_i,
        .cfg_out_h_i,
        .cfg_out_c8_i,
        .step_i(step),
        .busy_o(busy),
        .active_o(active),
        .real_o(in_frame),
        .pair_end_o(pair_end),
        .keep_o(keep),
        .first_o(first),
        .last_o(last),
        .row_end_o(row_end),
        .frame_end_o(frame_end),
        .addr_o(addr)
    );

    always_ff @(posedge clk_i) begin
        if (rst_i) valid_q <= '0;
        else if (en) valid_q <= {valid_q[12:4], valid_q[3], valid_q[2] & at2_q[0], valid_q[1:0], fire};
    end

    always_ff @(posedge clk_i) m3_q <= {2'd0, cfg_pool_m_i} + {1'b0, cfg_pool_m_i, 1'b0};

    // Position of the pair beside it; the two end marks need no gating, they are one shift each.
    always_ff @(posedge clk_i) begin
        if (load[0]) at0_q <= {addr, row_end, frame_end, first, last};
        if (load[1]) at1_q <= at0_q;
        if (load[2]) at2_q <= at1_q;
        if (en) begin
            row_end_q   <= {row_end_q[12:3], at2_q[3]};
            frame_end_q <= {frame_end_q[12:3], at2_q[2]};
        end
    end

    // Line memory: read in stages 1 and 2, written after stage 3.
    always_ff @(posedge clk_i) begin
        if (load[1]) ram_q <= line_memory[at0_q[A_W+3:4]];
        if (load[2]) old_q <= ram_q;
        if (load[3]) write_addr_q <= at2_q[A_W+3:4];
        if (en & write_q) line_memory[write_addr_q] <= sum_q;
    end
    always_ff @(posedge clk_i) begin
        if (rst_i) write_q <= 1'b0;
        else if (en) write_q <= valid_q[2] & !at2_q[0];
    end

    for (genvar i = 0; i < 2; i++) begin : g_lane
        logic signed [8:0] d0_q, d1_q, d2_q;
        logic [35:0] ll4_q, ll5_q;  // p[17:0] times Mp[17:0]
        logic [23:0] lh4_q;  // p[17:0] times Mp[23:18]
        logic signed [26:0] h4_q;  // p[20:18], signed, times Mp
        logic signed [26:0] h5_q;  // |h| <= 4 * Mp, lh < Mp
        logic signed [44:0] p6_q;
        logic signed [8:0] y12;  // saturated: beyond sat8 whatever z_pool is
        logic [7:0] code13_q;

        wire signed [20:0] d2 = {{12{d2_q[8]}}, d2_q};
        wire signed [20:0] old = old_q[21*i+:21];
        wire signed [20:0] sum = sum_q[21*i+:21];
        wire [25:0] h_low = sum[18] ? (sum[19] ? m3_q : {2'd0, cfg_pool_m_i}) : (sum[19] ? {1'b0, cfg_pool_m_i, 1'b0} : 26'd0);
        wire [23:0] h_high = sum[20] ? cfg_pool_m_i : 24'd0;
        wire signed [9:0] c13 = {y12[8], y12} + {{2{cfg_z_pool_i[7]}}, cfg_z_pool_i};
        wire c13_over = c13[9:7] != {3{c13[9]}};

        always_ff @(posedge clk_i) begin
            // -256 is below every other: it leaves a maximum as it is
            if (load[0]) d0_q <= in_frame ? {in_data_i[8*i+7], in_data_i[8*i+:8]} - {cfg_z_y_i[7], cfg_z_y_i} : {maximum, 8'd0};
            if (load[1]) d1_q <= d0_q;
            if (load[2]) d2_q <= d1_q;
            if (load[3]) begin
                if (at2_q[1]) sum_q[21*i+:21] <= d2;
                else if (maximum) sum_q[21*i+:21] <= (d2 > old) ? d2 : old;
                else sum_q[21*i+:21] <= old + d2;
            end
            if (load[4]) begin
                ll4_q <= sum[17:0] * cfg_pool_m_i[17:0];
                lh4_q <= sum[17:0] * cfg_pool_m_i[23:18];
                h4_q  <= {1'b0, h_low} - {1'b0, h_high, 2'd0};
            end
            if (load[5]) begin
                ll5_q <= ll4_q;
                h5_q  <= h4_q + {3'd0, lh4_q};
            end
            if (load[6]) p6_q <= {h5_q + {9'd0, ll5_q[35:18]}, ll5_q[17:0]};
            if (load[13]) code13_q <= c13_over ? {c13[9], {7{!c13[9]}}} : c13[7:0];
        end

        round_shift #(
            .IN_W (45),
            .OUT_W(9)
        ) u_round (
            .clk_i,
            .load_i(load[12:7]),
            .x_i(p6_q),
            .s_i(cfg_pool_shift_i),
            .y_o(y12)
        );

        assign code[8*i+:8] = code13_q;
    end
endmodule

`default_nettype wire
