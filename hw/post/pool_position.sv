// SPDX-License-Identifier: Apache-2.0
// Which window of which pair comes next: pool's walk over the frame, extended as far as the first and the last window reach. A pixel of the frame takes its
// pairs one after the other, each for all windows that cover it (row of windows by row, the oldest first), a pair that none covers is dropped in one step.
// A pixel outside takes no input: a step a pair where a window ends, which is then complete; one step for all its pairs, or for a whole row, where none
// does. Since at most one window ends at a column and at a row, windows are completed in the order (row, column, pair).
// Contract: outputs describe the step that is taken next; step_i moves on; the first one 8 cycles after start_i. A window and pair come again after four
// steps at the earliest (a pixel has at least four pairs, and each takes a step at least). Windows lie in the line memory one after the other, row of
// windows by row, modulo its size: no two that are unfinished at the same time share a word if ceil(kh / sy) rows of pooled_w windows fit.
`default_nettype none

module pool_position #(
    // Words of the line memory; power of two, at most 2^16.
    parameter int LINE_PAIRS = 1024
) (
    input  wire                           clk_i,
    input  wire                           rst_i,
    input  wire                           start_i,
    // Layer; windows of one pixel if there is no pooling
    input  wire  [                   9:0] kh_i,
    input  wire  [                   9:0] kw_i,
    input  wire  [                   9:0] sy_i,
    input  wire  [                   9:0] sx_i,
    input  wire  [                   3:0] pad_top_i,
    input  wire  [                   3:0] pad_left_i,
    input  wire  [                   9:0] pooled_h_i,
    input  wire  [                   9:0] pooled_w_i,
    input  wire  [                   9:0] cfg_out_w_i,
    input  wire  [                   9:0] cfg_out_h_i,
    input  wire  [                  11:0] cfg_out_c8_i,
    input  wire                           step_i,
    // Steps of the frame are still to come: from start_i to the last one
    output logic                          busy_o,
    // There is a step
    output logic                          active_o,
    // It needs an input pair; it is that pair's last one
    output logic                          real_o,
    output logic                          pair_end_o,
    // It is one of a window; that window's first, last
    output logic                          keep_o,
    output logic                          first_o,
    output logic                          last_o,
    // Last pair of the output row, of the output frame
    output logic                          row_end_o,
    output logic                          frame_end_o,
    // Line-memory word of this window and channel pair
    output logic [$clog2(LINE_PAIRS)-1:0] addr_o
);
    localparam int A_W = $clog2(LINE_PAIRS);

    // ---- once a frame: words of a row of windows
    logic [ 9:0] digits_q;
    logic [ 4:0] prepare_q;  // one of the five digits
    logic [15:0] row_words;
    logic load_q, active_q;
    wire [15:0] by = {2'd0, cfg_out_c8_i, 2'd0};
    wire unused = &{1'b0, row_words};

    serial_product u_row_words (
        .clk_i,
        .clear_i  (start_i),
        .en_i     (|prepare_q),
        .digit_i  (digits_q[9:8]),
        .by_i     (by),
        .product_o(row_words)
    );

    always_ff @(posedge clk_i) digits_q <= start_i ? pooled_w_i : {digits_q[7:0], 2'd0};

    // ---- columns and rows
    logic x_real, x_border, x_frame_last, x_windows_last, x_any, x_new, x_end, x_final, x_oldest, x_newest;
    logic y_real, y_border, y_frame_last, y_windows_last, y_any, y_new, y_end, y_final, y_oldest, y_newest;
    logic [13:0] pair_q;  // pairs of the pixel after this one
    logic pair_last_q;

    wire in_frame = x_real & y_real;
    wire covered = in_frame & x_any & y_any;
    wire ends = x_end & y_end;
    wire row_skipped = !y_real & !y_end;
    wire pixel_skipped = !in_frame & !ends;
    wire pair = step_i & pair_end_o;
    wire pixel = step_i & (pixel_skipped | (pair_end_o & pair_last_q));
    wire line = pixel & (row_skipped | (x_frame_last & (x_windows_last | !y_end)));
    wire frame = line & y_frame_last & y_windows_last;
    wire next_row = step_i & covered & x_newest & !y_newest;

    assign active_o = active_q;
    assign real_o = in_frame;
    assign pair_end_o = !covered | (x_newest & y_newest);
    assign keep_o = in_frame ? covered : ends;
    assign first_o = in_frame & (x_border | (x_new & x_newest)) & (y_border | (y_new & y_newest));
    assign last_o = ends & x_oldest & y_oldest;
    assign row_end_o = last_o & x_final & pair_last_q;
    assign frame_end_o = row_end_o & y_final;

    pool_axis u_columns (
        .clk_i,
        .load_i        (load_q | line),
        .step_i        (pixel),
        .next_i        (step_i),
        .again_i       (pair | next_row),
        .size_i        (cfg_out_w_i),
        .kernel_i      (kw_i),
        .stride_i      (sx_i),
        .pad_i         (pad_left_i),
        .windows_i     (pooled_w_i),
        .real_o        (x_real),
        .border_o      (x_border),
        .frame_last_o  (x_frame_last),
        .windows_last_o(x_windows_last),
        .any_o         (x_any),
        .new_o         (x_new),
        .end_o         (x_end),
        .final_o       (x_final),
        .oldest_o      (x_oldest),
        .newest_o      (x_newest)
    );

    pool_axis u_rows (
        .clk_i,
        .load_i        (load_q),
        .step_i        (line),
        .next_i        (next_row),
        .again_i       (pair),
        .size_i        (cfg_out_h_i),
        .kernel_i      (kh_i),
        .stride_i      (sy_i),
        .pad_i         (pad_top_i),
        .windows_i     (pooled_h_i),
        .real_o        (y_real),
        .border_o      (y_border),
        .frame_last_o  (y_frame_last),
        .windows_last_o(y_windows_last),
        .any_o         (y_any),
        .new_o         (y_new),
        .end_o         (y_end),
        .final_o       (y_final),
        .oldest_o      (y_oldest),
        .newest_o      (y_newest)
    );

    always_ff @(posedge clk_i) begin
        if (load_q | pixel) begin
            pair_q <= {cfg_out_c8_i, 2'd0} - 14'd1;
            pair_last_q <= 1'b0;
        end else if (pair) begin
            pair_q <= pair_q - 14'd1;
            pair_last_q <= pair_q == 14'd1;
        end
    end

    // ---- line memory: the sum of where the row of windows lies and where the window and pair lie in it
    logic [A_W-1:0] base_q;  // oldest window of the column, its first pair
    logic [A_W-1:0] window_q;  // its present pair
    logic [A_W-1:0] column_q;  // window that is looked at
    logic [A_W-1:0] head_q, row_q;  // oldest row of windows, the one that is looked at

    wire [A_W-1:0] base = x_end ? base_q + by[A_W-1:0] : base_q;
    wire [A_W-1:0] head = y_end ? head_q + row_words[A_W-1:0] : head_q;

    assign addr_o = row_q + column_q;

    always_ff @(posedge clk_i) begin
        if (load_q | line) begin
            base_q   <= '0;
            window_q <= '0;
            column_q <= '0;
        end else if (pixel) begin
            base_q   <= base;
            window_q <= base;
            column_q <= base;
        end else if (pair) begin
            window_q <= window_q + 1'b1;
            column_q <= window_q + 1'b1;
        end else if (next_row) column_q <= window_q;
        else if (step_i) column_q <= column_q + by[A_W-1:0];
        if (load_q) begin
            head_q <= '0;
            row_q  <= '0;
        end else if (line) begin
            head_q <= head;
            row_q  <= head;
        end else if (pair) row_q <= head_q;
        else if (next_row) row_q <= row_q + row_words[A_W-1:0];
    end

    always_ff @(posedge clk_i) begin
        if (rst_i) {prepare_q, load_q, active_q, busy_o} <= '0;
        else begin
            prepare_q <= {prepare_q[3:0], start_i};
            load_q <= prepare_q[4];
            if (load_q) active_q <= 1'b1;
            else if (frame) active_q <= 1'b0;
            if (start_i) busy_o <= 1'b1;
            else if (frame) busy_o <= 1'b0;
        end
    end
endmodule

`default_nettype wire
