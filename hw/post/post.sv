// SPDX-License-Identifier: Apache-2.0
// Residual add, rescale and clamp, two channels a clock: code = clamp(z_y + RHE(d*A + (r - z_r)*B >> S), lo, hi); qa_post in libquell.
// A and B have 24 bits: the lower 17 are a DSP block's, the upper 7 mul8's. The residual r has the shape of the
// convolution's output and is read from activation memory ahead of need: one word of eight channels serves four pairs; a request leaves only
// when the FIFO has room for its answer.
// Contract: d stream (code less zero point) in, code stream out; latency 13 cycles, one pair a clock; the whole pipeline stops when its output
// does. Four MULT18X18D.
`default_nettype none

module post (
    input  wire         clk_i,
    input  wire         rst_i,
    input  wire         start_i,
    // Layer
    input  wire         cfg_residual_i,
    input  wire  [15:0] cfg_res_addr_i,
    input  wire  [11:0] cfg_out_c8_i,      // words of a pixel
    input  wire  [11:0] cfg_slice_skip_i,  // words between the last of a pixel and the first of the next
    input  wire  [ 7:0] cfg_z_res_i,
    input  wire  [ 7:0] cfg_z_y_i,
    input  wire  [23:0] cfg_post_a_i,
    input  wire  [23:0] cfg_post_b_i,
    input  wire  [ 4:0] cfg_post_shift_i,
    input  wire  [ 7:0] cfg_lo_i,
    input  wire  [ 7:0] cfg_hi_i,
    // Words of the convolution's output frame; sampled with start_i
    input  wire  [31:0] words_i,
    // {d[c+1], d[c]}, s8.0
    input  wire         in_valid_i,
    output logic        in_ready_o,
    input  wire  [17:0] in_data_i,
    // Residual: activation-memory reads, answers in order and never refused
    output logic        res_req_valid_o,
    input  wire         res_req_ready_i,
    output logic [15:0] res_req_addr_o,
    input  wire         res_rsp_valid_i,
    input  wire  [63:0] res_rsp_data_i,
    // {code[c+1], code[c]}
    output logic        out_valid_o,
    input  wire         out_ready_i,
    output logic [15:0] out_data_o
);
    localparam int FIFO_LOG2 = 4;

    logic [12:0] valid_q;
    logic fifo_valid, fifo_ready, fifo_in_ready;
    logic [63:0] word;
    logic [1:0] pair_q;  // pair of the word
    logic [31:0] left_q;  // words still to be asked for
    logic [11:0] pixel_left_q;  // words of the pixel after the next one asked for
    logic pixel_end_q;  // pixel_left_q is 0
    logic [FIFO_LOG2:0] room_q;  // free FIFO places not promised to a request

    wire en = !valid_q[12] | out_ready_i;
    wire have = fifo_valid | !cfg_residual_i;
    wire fire = in_valid_i & have & en;
    wire [12:0] load = {valid_q[11:0] & {12{en}}, fire};
    wire asked = res_req_valid_o & res_req_ready_i;
    wire [15:0] residual = word[16*pair_q+:16];
    wire unused = &{1'b0, fifo_in_ready};  // room_q answers for it

    assign in_ready_o = en & have;
    assign fifo_ready = fire & cfg_residual_i & (pair_q == 2'd3);
    assign out_valid_o = valid_q[12];

    always_ff @(posedge clk_i) begin
        if (rst_i) begin
            valid_q <= '0;
            pair_q  <= 2'd0;
            left_q  <= 32'd0;
            room_q  <= {1'b1, {FIFO_LOG2{1'b0}}};
            res_req_valid_o <= 1'b0;
        end else begin
            // A flip-flop, for the window's reads wait for it in the arbiter. It rests one clock after each request, while the counters move
            // on: a word in two clocks is twice what is needed.
            res_req_valid_o <= !asked & (left_q != 32'd0) & (room_q != '0);
            if (en) valid_q <= {valid_q[11:0], fire};
            if (start_i) left_q <= cfg_residual_i ? words_i : 32'd0;
            else if (asked) left_q <= left_q - 32'd1;
            if (fire) pair_q <= pair_q + 2'd1;
            if (asked & !fifo_ready) room_q <= room_q - 1'b1;
            if (!asked & fifo_ready) room_q <= room_q + 1'b1;
        end
    end

    always_ff @(posedge clk_i) begin
        if (start_i) res_req_addr_o <= cfg_res_addr_i;
        else if (asked) res_req_addr_o <= res_req_addr_o + 16'd1 + {4'd0, cfg_slice_skip_i & {12{pixel_end_q}}};
        if (start_i | (asked & pixel_end_q)) begin
            pixel_left_q <= cfg_out_c8_i - 12'd1;
            pixel_end_q  <= cfg_out_c8_i == 12'd1;
        end else if (asked) begin
            pixel_left_q <= pixel_left_q - 12'd1;
            pixel_end_q  <= pixel_left_q == 12'd1;
        end
    end

    stream_fifo #(
        .WIDTH(64),
        .DEPTH_LOG2(FIFO_LOG2)
    ) u_fifo (
        .clk_i,
        .rst_i,
        .in_valid_i(res_rsp_valid_i),
        .in_ready_o(fifo_in_ready),
        .in_data_i(res_rsp_data_i),
        .out_valid_o(fifo_valid),
        .out_ready_i(fifo_ready),
        .out_data_o(word)
    );

    for (genvar i = 0; i < 2; i++) begin : g_lane
        // The number is the stage that loads the register.
        logic signed [8:0] d1_q, r1_q;
        logic signed [25:0] dl2_q, rl2_q;  // times the lower 17 bits
        logic signed [26:0] ul3_q, ul4_q;
        logic [16:0] dh3, rh3;  // times the upper 7 bits, s16.0
        logic signed [16:0] uh4_q;  // 2 * 2^8 * 2^7 is not reached
        logic signed [33:0] u5_q;
        logic signed [8:0] y11;  // saturated: beyond any clamp whatever z_y is
        logic signed [9:0] y12_q;
        logic [7:0] code13_q;

        wire signed [8:0] d = in_data_i[9*i+:9];
        wire signed [8:0] r = cfg_residual_i ? 9'($signed(residual[8*i+:8])) - 9'($signed(cfg_z_res_i)) : 9'd0;
        wire low = y12_q < $signed({{2{cfg_lo_i[7]}}, cfg_lo_i});
        wire high = y12_q > $signed({{2{cfg_hi_i[7]}}, cfg_hi_i});

        mul8 u_d_upper (.clk_i, .en_i(|load[2:0]), .operand_i(d), .weight_i({1'b0, cfg_post_a_i[23:17]}), .product_o(dh3));
        mul8 u_r_upper (.clk_i, .en_i(|load[2:0]), .operand_i(r), .weight_i({1'b0, cfg_post_b_i[23:17]}), .product_o(rh3));

        always_ff @(posedge clk_i) begin
            if (load[0]) begin
                d1_q <= d;
                r1_q <= r;
            end
            if (load[1]) begin
                dl2_q <= d1_q * $signed({1'b0, cfg_post_a_i[16:0]});
                rl2_q <= r1_q * $signed({1'b0, cfg_post_b_i[16:0]});
            end
            if (load[2]) ul3_q <= {dl2_q[25], dl2_q} + {rl2_q[25], rl2_q};
            if (load[3]) begin
                ul4_q <= ul3_q;
                uh4_q <= dh3 + rh3;
            end
            if (load[4]) u5_q <= {uh4_q + 17'($signed(ul4_q[26:17])), ul4_q[16:0]};
            if (load[11]) y12_q <= {y11[8], y11} + {{2{cfg_z_y_i[7]}}, cfg_z_y_i};
            if (load[12]) code13_q <= low ? cfg_lo_i : high ? cfg_hi_i : y12_q[7:0];
        end

        round_shift #(
            .IN_W (34),
            .OUT_W(9)
        ) u_round (
            .clk_i,
            .load_i(load[10:5]),
            .x_i(u5_q),
            .s_i({1'b0, cfg_post_shift_i}),
            .y_o(y11)
        );

        assign out_data_o[8*i+:8] = code13_q;
    end
endmodule

`default_nettype wire
