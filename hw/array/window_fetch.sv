// SPDX-License-Identifier: Apache-2.0
//
// Walks through a layer in the array's order (output row, output-channel group, window of the kernel, input-channel group, column) and lists what
// the window's shift register has to take in, one step a beat: one activation word to read, or nothing but zeros.
//
// A step says which of the three window rows shift by one column (step_shift_o) and which of them takes the word that is
// read (step_load_o, one-hot or none); rows that shift without a word take zeros (outside the image). A column inside the image takes as
// many steps as it has rows inside; a column outside takes one. What is left of the image at a pass's begin takes none: step_clear_o empties
// the register. step_done_o: this step completes a window; step_flags_o then tells its place
// {group_last, layer_last, row_last, pass_last, sum_last, sum_first}: a pass is one row of windows of one (output group, window, input group);
// sum_first and sum_last begin and end the sum of an output, group_last is the last input group.
//
// One step a cycle, without a gap where a place takes at least 8 (window_place.sv); 18 cycles from start_i to the first.
`default_nettype none

module window_fetch #(
    // Convolution cores: an output-channel group is so many channels. 8 or 16.
    parameter int CONV_CORES = 8
) (
    input  wire         clk_i,
    input  wire         rst_i,

    input  wire         start_i,
    output logic        wait_o,          // nothing to do until rows of the previous layer come

    // Layer
    input  wire  [1:0]  cfg_mode_i,
    input  wire  [2:0]  cfg_stride_y_i,
    input  wire  [2:0]  cfg_stride_x_i,
    input  wire  [3:0]  cfg_win_h_i,
    input  wire  [3:0]  cfg_win_w_i,
    input  wire  [5:0]  cfg_step_y_i,
    input  wire  [5:0]  cfg_step_x_i,
    input  wire  [5:0]  cfg_pad_top_i,
    input  wire  [5:0]  cfg_pad_left_i,
    input  wire  [1:0]  cfg_wait_prev_i,
    input  wire  [15:0] cfg_in_addr_i,
    input  wire  [9:0]  cfg_in_w_i,
    input  wire  [9:0]  cfg_in_h_i,
    input  wire  [9:0]  cfg_out_w_i,
    input  wire  [9:0]  cfg_out_h_i,
    input  wire  [11:0] cfg_in_c8_i,
    input  wire  [11:0] cfg_out_c8_i,
    input  wire  [9:0]  rows_ready_i,

    // Steps
    output logic        step_valid_o,
    input  wire         step_ready_i,
    output logic [15:0] step_addr_o,     // activation word, if a row is loaded
    output logic [2:0]  step_shift_o,
    output logic [2:0]  step_load_o,
    output logic        step_clear_o,
    output logic        step_done_o,
    output logic [5:0]  step_flags_o
);
    localparam logic [1:0] CONV1X1 = 2'd1, DEPTHWISE = 2'd2;
    wire is_1x1 = cfg_mode_i == CONV1X1;
    wire is_dw  = cfg_mode_i == DEPTHWISE;
    wire [11:0] in_groups = is_dw ? 12'd1 : cfg_in_c8_i;
    // Columns that the next window of a row adds, and how far the column moves with the last of a window. The layer's fields stand long before its
    // first step: registers keep them out of the steps' chain.
    wire [1:0]  need_next = is_1x1 || cfg_stride_x_i == 3'd0 ? 2'd1 : cfg_stride_x_i == 3'd1 ? 2'd2 : 2'd3;
    logic [1:0] need_next_q;
    logic [3:0] jump_cols_q;
    always_ff @(posedge clk_i) begin
        need_next_q <= need_next;
        jump_cols_q <= 4'(cfg_stride_x_i) + 4'd2 - 4'(need_next);
    end

    // --- The place that is worked on, and the next -----------------------------------------------------------------------
    logic               place_valid, place_wait;
    logic [47:0]        place_base, base_q;
    logic [2:0]         place_inside, inside_q;     // window rows inside the image
    logic signed [11:0] place_col, first_col_q;     // column that a pass begins with
    logic [15:0]        place_offset, jump;
    logic [1:0]         place_need, first_need_q;   // columns until its first window is complete
    logic [3:0]         place_flags, flags_q;
    logic               run_q;                      // there is a place
    wire                take;
    window_place #(.CONV_CORES(CONV_CORES)) places (
        .clk_i, .rst_i, .start_i, .wait_o(place_wait),
        .cfg_mode_i, .cfg_stride_y_i, .cfg_stride_x_i, .cfg_win_h_i, .cfg_win_w_i, .cfg_step_y_i, .cfg_step_x_i, .cfg_pad_top_i, .cfg_pad_left_i,
        .cfg_wait_prev_i, .cfg_in_addr_i, .cfg_in_w_i, .cfg_in_h_i, .cfg_out_h_i, .cfg_in_c8_i, .cfg_out_c8_i, .rows_ready_i, .jump_o(jump),
        .place_valid_o(place_valid), .place_ready_i(take), .place_base_o(place_base), .place_inside_o(place_inside), .place_col_o(place_col),
        .place_offset_o(place_offset), .place_need_o(place_need), .place_flags_o(place_flags)
    );
    assign wait_o = place_wait && !run_q;

    // --- Counters of a place -----------------------------------------------------------------------------------------------
    // What the next step depends on is a flip-flop, decided with the step before: the chain from here to the counters is the longest of the unit.
    logic [9:0]         x_q;             // windows of the pass still to do
    logic [11:0]        ig_q;            // input groups still to do
    logic               pass_last_q, in_last_q;     // x_q, ig_q are 1
    logic               in_first_q;      // first input group
    logic [15:0]        pass_offset_q;   // word within the row where a pass begins
    logic signed [11:0] col_q;           // column
    logic               has_word_q;      // the column lies in the image, and a row of it
    logic               first_word_q;    // the same of a pass's first column
    logic [15:0]        offset_q;        // word of column col_q within the row
    logic [1:0]         need_q;          // columns until the window is complete
    logic [2:0]         rows_q;          // rows of this column still to load
    logic               col_end_q;       // the column's last step
    logic               one_row_q;       // no column has more than one row
    logic               fresh_col_q, fresh_pass_q;

    wire [2:0]  lowest     = rows_q & (~rows_q + 3'd1);
    wire [2:0]  load       = has_word_q ? lowest : 3'b0;
    wire [2:0]  shift      = !has_word_q ? 3'b111 : fresh_col_q ? (lowest | ~inside_q) : lowest;
    wire        window_end = col_end_q && need_q == 2'd1;
    wire        advance    = run_q && (!step_valid_o || step_ready_i);
    wire        pass_end   = window_end && pass_last_q;
    wire        place_end  = advance && pass_end && in_last_q;
    wire        row_last   = pass_last_q && in_last_q && flags_q[2];
    assign take = place_valid && (!run_q || place_end);

    function automatic logic in_image(input logic signed [11:0] col);
        in_image = !col[11] && col[10:0] < 11'(cfg_in_w_i);
    endfunction
    wire signed [11:0] col_one = col_q + 12'sd1, col_jump = col_q + 12'(jump_cols_q);
    wire               one_word = in_image(col_one) && inside_q != 3'b0, jump_word = in_image(col_jump) && inside_q != 3'b0;
    wire               place_word = in_image(place_col) && place_inside != 3'b0;
    wire               place_one_row = place_inside == 3'b001 || place_inside == 3'b010 || place_inside == 3'b100;
    wire               two_rows = rows_q == 3'b011 || rows_q == 3'b101 || rows_q == 3'b110;

    always_ff @(posedge clk_i) begin
        if (take)
            run_q <= 1'b1;
        else if (place_end)
            run_q <= 1'b0;
        if (rst_i)
            run_q <= 1'b0;
    end

    always_ff @(posedge clk_i)
        if (take) begin
            base_q        <= place_base;
            inside_q      <= place_inside;
            first_col_q   <= place_col;
            first_need_q  <= place_need;
            flags_q       <= place_flags;
            x_q           <= cfg_out_w_i;
            pass_last_q   <= cfg_out_w_i == 10'd1;
            ig_q          <= in_groups;
            in_last_q     <= in_groups == 12'd1;
            in_first_q    <= 1'b1;
            pass_offset_q <= place_offset + 16'd1;
            col_q         <= place_col;
            has_word_q    <= place_word;
            first_word_q  <= place_word;
            one_row_q     <= place_one_row;
            col_end_q     <= !place_word || place_one_row;
            offset_q      <= place_offset;
            need_q        <= place_need;
            rows_q        <= place_inside;
            fresh_col_q   <= 1'b1;
            fresh_pass_q  <= 1'b1;
        end else if (advance) begin
            rows_q       <= col_end_q ? inside_q : rows_q & ~lowest;
            fresh_col_q  <= col_end_q;
            fresh_pass_q <= pass_end;
            if (pass_end) begin
                x_q           <= cfg_out_w_i;
                pass_last_q   <= cfg_out_w_i == 10'd1;
                need_q        <= first_need_q;
                col_q         <= first_col_q;
                has_word_q    <= first_word_q;
                col_end_q     <= !first_word_q || one_row_q;
                offset_q      <= pass_offset_q;
                pass_offset_q <= pass_offset_q + 16'd1;
                in_first_q    <= 1'b0;
                ig_q          <= ig_q - 12'd1;
                in_last_q     <= ig_q == 12'd2;
            end else if (window_end) begin
                x_q         <= x_q - 10'd1;
                pass_last_q <= x_q == 10'd2;
                col_q       <= col_jump;
                has_word_q  <= jump_word;
                col_end_q   <= !jump_word || one_row_q;
                offset_q    <= offset_q + jump;
                need_q      <= need_next_q;
            end else if (col_end_q) begin
                col_q      <= col_one;
                has_word_q <= one_word;
                col_end_q  <= !one_word || one_row_q;
                offset_q   <= offset_q + 16'(cfg_in_c8_i);
                need_q     <= need_q - 2'd1;
            end else
                col_end_q <= two_rows;
        end

    // --- The step, registered: the address adder stays out of the memory arbiter's path ----------------------------------
    wire [15:0] base = lowest[0] ? base_q[15:0] : lowest[1] ? base_q[31:16] : base_q[47:32];
    always_ff @(posedge clk_i) begin
        if (!step_valid_o || step_ready_i) begin
            step_valid_o <= run_q;
            step_addr_o  <= base + offset_q;
            step_shift_o <= shift;
            step_load_o  <= load;
            step_clear_o <= fresh_pass_q;
            step_done_o  <= window_end;
            step_flags_o <= {in_last_q, row_last && flags_q[3], row_last, pass_last_q, in_last_q && flags_q[1], in_first_q && flags_q[0]};
        end
        if (rst_i)
            step_valid_o <= 1'b0;
    end
endmodule

`default_nettype wire
