// SPDX-License-Identifier: Apache-2.0
// Where in the frame and in its pooling window the present pair lies: three nested counters (channel pair, column, row) for pool.
// Contract: outputs describe the beat that is taken next; take_i moves on. A window that the frame's right or lower edge cuts is not kept.
`default_nettype none

module pool_position #(
    // Words of the line memory; power of two.
    parameter int LINE_PAIRS = 1024
) (
    input  wire                           clk_i,
    input  wire                           rst_i,
    input  wire                           start_i,
    // Layer; kernel 1 x 1 if there is no pooling
    input  wire  [                   9:0] kh_i,
    input  wire  [                   9:0] kw_i,
    input  wire  [                   9:0] cfg_out_w_i,
    input  wire  [                   9:0] cfg_out_h_i,
    input  wire  [                  11:0] cfg_out_c8_i,
    input  wire                           take_i,
    // Pairs of the frame are still to come
    output logic                          active_o,
    // The window lies wholly in the frame
    output logic                          keep_o,
    // First and last pixel of the window
    output logic                          first_o,
    output logic                          last_o,
    // Last pair of the output row, of the output frame
    output logic                          row_end_o,
    output logic                          frame_end_o,
    // Line-memory word of this window and channel pair
    output logic [$clog2(LINE_PAIRS)-1:0] addr_o
);
    logic [13:0] pair_q;  // pairs of the pixel after this one
    logic [9:0] kx_q, ky_q;  // columns and rows of the window after this one
    logic [9:0] cols_q, rows_q;  // columns and rows of the frame from this one on
    logic kx_first_q, ky_first_q, col_ok_q, row_ok_q, active_q;
    logic [$clog2(LINE_PAIRS)-1:0] addr_q, base_q;

    wire pair_last = pair_q == 14'd0;
    wire kx_last = kx_q == 10'd0;
    wire ky_last = ky_q == 10'd0;
    wire col_last = cols_q == 10'd1;
    wire row_last = rows_q == 10'd1;
    // If the present pixel ends a window: another one follows in the row, in the frame.
    wire col_more = cols_q > kw_i;
    wire row_more = rows_q > kh_i;
    wire pixel = take_i & pair_last;
    wire line = pixel & col_last;
    wire [13:0] pairs = {cfg_out_c8_i, 2'd0} - 14'd1;

    assign active_o = active_q;
    assign keep_o = col_ok_q & row_ok_q;
    assign first_o = kx_first_q & ky_first_q;
    assign last_o = kx_last & ky_last;
    assign row_end_o = keep_o & last_o & pair_last & !col_more;
    assign frame_end_o = row_end_o & !row_more;
    assign addr_o = addr_q;

    always_ff @(posedge clk_i) begin
        if (start_i) pair_q <= pairs;
        else if (take_i) pair_q <= pair_last ? pairs : pair_q - 14'd1;
        if (start_i | line) begin
            cols_q <= cfg_out_w_i;
            col_ok_q <= cfg_out_w_i >= kw_i;
            kx_q <= kw_i - 10'd1;
            kx_first_q <= 1'b1;
            addr_q <= '0;
            base_q <= '0;
        end else if (pixel) begin
            cols_q <= cols_q - 10'd1;
            kx_first_q <= kx_last;
            kx_q <= kx_last ? kw_i - 10'd1 : kx_q - 10'd1;
            addr_q <= kx_last ? addr_q + 1'b1 : base_q;
            if (kx_last) begin
                col_ok_q <= col_more;
                base_q   <= addr_q + 1'b1;
            end
        end else if (take_i) addr_q <= addr_q + 1'b1;
        if (start_i) begin
            rows_q <= cfg_out_h_i;
            row_ok_q <= cfg_out_h_i >= kh_i;
            ky_q <= kh_i - 10'd1;
            ky_first_q <= 1'b1;
        end else if (line) begin
            rows_q <= rows_q - 10'd1;
            ky_first_q <= ky_last;
            ky_q <= ky_last ? kh_i - 10'd1 : ky_q - 10'd1;
            if (ky_last) row_ok_q <= row_more;
        end
    end

    always_ff @(posedge clk_i) begin
        if (rst_i) active_q <= 1'b0;
        else if (start_i) active_q <= 1'b1;
        else if (line & row_last) active_q <= 1'b0;
    end
endmodule

`default_nettype wire
