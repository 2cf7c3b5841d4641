// SPDX-License-Identifier: Apache-2.0
//
// Makes the window stream of the conv array from activation memory: nine taps of eight channels, d = q - z_in, 0 outside the image.
//
//   window_fetch ─► read requests ─► act memory ─► response FIFO ─► q - z_in ─► 3x3 shift register ─► window register ─► array
//             └────────────────── step FIFO ──────────────────────────────────┘
//
// While the array works on the window register, the shift register takes in the columns of the next one: a stride-1 window
// needs 3 words, a stride-2 window 6, one of a larger stride and the first of a pass 9, fewer at the image's borders, a 1x1 window 1;
// one word a cycle. Steps under way, in the FIFO or in memory, are never more than 16, so a response always has room.
// window_data_o: tap t = ky*3 + kx, channel i at bit (t*8 + i)*9, s8.0. A 1x1 window is in tap 5, the others are undefined.
// window_flags_o: {group_last, layer_last, row_last, pass_last, sum_last, sum_first}, see window_fetch.
`default_nettype none

module window #(
    // Convolution cores: an output-channel group is so many channels. 8 or 16.
    parameter int CONV_CORES = 8
) (
    input  wire          clk_i,
    input  wire          rst_i,

    input  wire          start_i,
    output logic         wait_o,        // waiting for rows of the previous layer

    // Layer
    input  wire  [1:0]   cfg_mode_i,
    input  wire  [2:0]   cfg_stride_y_i, // minus 1
    input  wire  [2:0]   cfg_stride_x_i,
    input  wire  [3:0]   cfg_win_h_i,   // minus 1
    input  wire  [3:0]   cfg_win_w_i,
    input  wire  [5:0]   cfg_step_y_i,
    input  wire  [5:0]   cfg_step_x_i,
    input  wire  [5:0]   cfg_pad_top_i,
    input  wire  [5:0]   cfg_pad_left_i,
    input  wire  [1:0]   cfg_wait_prev_i,
    input  wire  [15:0]  cfg_in_addr_i,
    input  wire  [9:0]   cfg_in_w_i,
    input  wire  [9:0]   cfg_in_h_i,
    input  wire  [9:0]   cfg_out_w_i,
    input  wire  [9:0]   cfg_out_h_i,
    input  wire  [11:0]  cfg_in_c8_i,
    input  wire  [11:0]  cfg_out_c8_i,
    input  wire  [7:0]   cfg_z_in_i,    // s7.0
    input  wire  [9:0]   rows_ready_i,

    // Activation memory, read
    output logic         req_valid_o,
    input  wire          req_ready_i,
    output logic [15:0]  req_addr_o,
    input  wire          rsp_valid_i,
    input  wire  [63:0]  rsp_data_i,

    // Windows
    output logic         window_valid_o,
    input  wire          window_ready_i,
    output logic [647:0] window_data_o,
    output logic [5:0]   window_flags_o
);
    localparam int TAG = 14;

    // --- Steps -----------------------------------------------------------------------------------------------------------
    logic           step_valid, step_ready;
    logic [TAG-1:0] step_tag;
    logic [2:0]     step_load;
    window_fetch #(.CONV_CORES(CONV_CORES)) fetch (
        .clk_i, .rst_i, .start_i, .wait_o,
        .cfg_mode_i, .cfg_stride_y_i, .cfg_stride_x_i, .cfg_win_h_i, .cfg_win_w_i, .cfg_step_y_i, .cfg_step_x_i, .cfg_pad_top_i, .cfg_pad_left_i, .cfg_wait_prev_i, .cfg_in_addr_i,
        .cfg_in_w_i, .cfg_in_h_i, .cfg_out_w_i, .cfg_out_h_i, .cfg_in_c8_i, .cfg_out_c8_i, .rows_ready_i,
        .step_valid_o(step_valid), .step_ready_i(step_ready), .step_addr_o(req_addr_o),
        .step_shift_o(step_tag[2:0]), .step_load_o(step_load), .step_clear_o(step_tag[6]), .step_done_o(step_tag[7]),
        .step_flags_o(step_tag[13:8])
    );
    assign step_tag[5:3] = step_load;

    logic [4:0] used_q;                 // steps under way, 0...16
    wire room = !used_q[4];
    assign req_valid_o = step_valid && room && step_load != 3'b0;
    assign step_ready  = room && (req_ready_i || step_load == 3'b0);
    wire push = step_valid && step_ready;
    logic pop;

    // --- The two FIFOs, 16 deep, in LUT memory -----------------------------------------------------------------------------
    logic [TAG-1:0] tags [0:15];
    logic [63:0]    words [0:15];
    logic [4:0]     tag_head_q, tag_tail_q, word_head_q, word_tail_q;
    wire  [TAG-1:0] tag  = tags[tag_head_q[3:0]];
    wire  [63:0]    word = words[word_head_q[3:0]];
    wire tag_there  = tag_head_q != tag_tail_q;
    wire word_there = word_head_q != word_tail_q;
    wire [2:0] tag_shift = tag[2:0];
    wire [2:0] tag_load  = tag[5:3];
    wire       tag_clear = tag[6];
    wire       tag_done  = tag[7];

    always_ff @(posedge clk_i) begin
        if (push) tags[tag_tail_q[3:0]] <= step_tag;
        if (rsp_valid_i) words[word_tail_q[3:0]] <= rsp_data_i;
    end
    always_ff @(posedge clk_i) begin
        if (push) tag_tail_q <= tag_tail_q + 5'd1;
        if (pop) tag_head_q <= tag_head_q + 5'd1;
        if (rsp_valid_i) word_tail_q <= word_tail_q + 5'd1;
        if (pop && tag_load != 3'b0) word_head_q <= word_head_q + 5'd1;
        if (push != pop) used_q <= push ? used_q + 5'd1 : used_q - 5'd1;
        if (rst_i) begin
            tag_tail_q  <= 5'd0;
            tag_head_q  <= 5'd0;
            word_tail_q <= 5'd0;
            word_head_q <= 5'd0;
            used_q      <= 5'd0;
        end
    end

    // --- Shift register: three rows of three columns; column 2 is the newest -------------------------------------------------
    logic [647:0] shift_q;              // as window_data_o
    logic         full_q;               // holds a complete window
    logic [5:0]   flags_q;
    wire copy = full_q && (!window_valid_o || window_ready_i);
    assign pop = tag_there && (word_there || tag_load == 3'b0) && (!full_q || copy);

    logic [71:0] d;                     // eight s8.0
    for (genvar i = 0; i < 8; i++) begin : g_d
        wire signed [7:0] q = word[i*8 +: 8];
        wire signed [7:0] z = cfg_z_in_i;
        assign d[i*9 +: 9] = 9'(q) - 9'(z);
    end

    for (genvar r = 0; r < 3; r++) begin : g_row
        always_ff @(posedge clk_i)
            if (pop) begin
                if (tag_clear)
                    shift_q[(r*3 + 0)*72 +: 144] <= 144'd0;
                else if (tag_shift[r])
                    shift_q[(r*3 + 0)*72 +: 144] <= shift_q[(r*3 + 1)*72 +: 144];
                if (tag_clear || tag_shift[r])
                    shift_q[(r*3 + 2)*72 +: 72] <= tag_load[r] ? d : 72'd0;
            end
    end

    always_ff @(posedge clk_i) begin
        if (pop) begin
            full_q  <= tag_done;
            flags_q <= tag[13:8];
        end else if (copy)
            full_q <= 1'b0;
        if (copy) begin
            window_data_o  <= shift_q;
            window_flags_o <= flags_q;
        end
        if (copy)
            window_valid_o <= 1'b1;
        else if (window_ready_i)
            window_valid_o <= 1'b0;
        if (rst_i) begin
            full_q         <= 1'b0;
            window_valid_o <= 1'b0;
        end
    end
endmodule

`default_nettype wire
