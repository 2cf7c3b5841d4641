// SPDX-License-Identifier: Apache-2.0
//
// Counts the beats of one frame on a pair stream: h * w pixels of c8 * 4 pairs.
`default_nettype none

module dn_beats (
    input  wire         clk_i,
    input  wire         rst_i,

    input  wire         load_i,         // start of a frame
    input  wire         beat_i,         // a beat passes
    input  wire  [9:0]  w_i,
    input  wire  [9:0]  h_i,
    input  wire  [11:0] c8_i,

    output logic        todo_o,         // beats are left
    output logic        pixel_last_o,   // the next beat is the last of its pixel,
    output wire         last_o          // of the frame
);
    logic [13:0] pairs_q;               // left in this pixel, minus 1; likewise
    logic [9:0]  x_q, y_q;              // pixels in this row, rows
    logic        x_last, y_last;        // they are 0; as pixel_last_o noted one change ahead

    assign last_o = pixel_last_o && x_last && y_last;

    always_ff @(posedge clk_i)
        if (rst_i)
            todo_o <= 1'b0;
        else if (load_i)
            todo_o <= 1'b1;
        else if (beat_i && last_o)
            todo_o <= 1'b0;

    always_ff @(posedge clk_i)
        if (load_i) begin
            pairs_q      <= {c8_i - 12'd1, 2'b11};
            x_q          <= w_i - 10'd1;
            y_q          <= h_i - 10'd1;
            pixel_last_o <= 1'b0;       // a pixel has four pairs or more
            x_last       <= w_i == 10'd1;
            y_last       <= h_i == 10'd1;
        end else if (beat_i) begin
            pairs_q      <= pixel_last_o ? {c8_i - 12'd1, 2'b11} : pairs_q - 14'd1;
            pixel_last_o <= pairs_q == 14'd1;
            if (pixel_last_o) begin
                x_q    <= x_last ? w_i - 10'd1 : x_q - 10'd1;
                x_last <= x_last ? w_i == 10'd1 : x_q == 10'd1;
            end
            if (pixel_last_o && x_last) begin
                y_q    <= y_q - 10'd1;
                y_last <= y_q == 10'd1;
            end
        end
endmodule

`default_nettype wire
