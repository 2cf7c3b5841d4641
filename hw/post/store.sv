// SPDX-License-Identifier: Apache-2.0
// Last unit of a layer: packs four pairs to a word of eight channels, writes the words into activation memory, and counts the rows that are
// complete there, so that the next layer may start on them. The words of a pixel lie one after the other, pixels out_pitch words apart: out_c8
// words, or more if other layers write the rest of each pixel.
// Contract: one pair a clock as long as memory takes a word within three cycles; done_o one cycle after memory has accepted the word
// with frame_end; rows_done_o is set to 0 by start_i and counts a row in the cycle after its last word was accepted.
`default_nettype none

module store (
    input  wire         clk_i,
    input  wire         rst_i,
    input  wire         start_i,
    // One cycle: the last word of the frame is in memory
    output logic        done_o,
    // Layer
    input  wire  [15:0] cfg_out_addr_i,
    input  wire  [11:0] cfg_out_c8_i,
    input  wire  [11:0] cfg_out_pitch_i,  // at least out_c8
    // {code[c+1], code[c]}, with the last pair of a row and of the frame marked
    input  wire         in_valid_i,
    output logic        in_ready_o,
    input  wire  [15:0] in_data_i,
    input  wire         in_row_end_i,
    input  wire         in_frame_end_i,
    // Activation-memory writes
    output logic        wr_valid_o,
    input  wire         wr_ready_i,
    output logic [15:0] wr_addr_o,
    output logic [63:0] wr_data_o,
    // Complete rows of the output in memory
    output logic [ 9:0] rows_done_o
);
    logic [1:0] pair_q;
    logic [47:0] part_q;
    logic row_end_q, frame_end_q;
    logic [11:0] left_q;  // words of the pixel after the one that is written
    logic [11:0] skip_q;  // words between the last of a pixel and the first of the next
    logic pixel_end_q;  // left_q is 0

    // Does not look at wr_ready_i, which comes late from the arbiter: costs nothing when a word is accepted before the next is full.
    assign in_ready_o = !(wr_valid_o & (pair_q == 2'd3));

    wire take = in_valid_i & in_ready_o;
    wire full = take & (pair_q == 2'd3);
    wire accepted = wr_valid_o & wr_ready_i;

    always_ff @(posedge clk_i) begin
        if (take) part_q <= {in_data_i, part_q[47:16]};
        if (full) begin
            wr_data_o   <= {in_data_i, part_q};
            row_end_q   <= in_row_end_i;
            frame_end_q <= in_frame_end_i;
        end
        if (start_i) wr_addr_o <= cfg_out_addr_i;
        else if (accepted) wr_addr_o <= wr_addr_o + 16'd1 + {4'd0, skip_q & {12{pixel_end_q}}};
        if (start_i) skip_q <= cfg_out_pitch_i - cfg_out_c8_i;
        if (start_i | (accepted & pixel_end_q)) begin
            left_q <= cfg_out_c8_i - 12'd1;
            pixel_end_q <= cfg_out_c8_i == 12'd1;
        end else if (accepted) begin
            left_q <= left_q - 12'd1;
            pixel_end_q <= left_q == 12'd1;
        end
    end

    always_ff @(posedge clk_i) begin
        if (rst_i) begin
            pair_q <= 2'd0;
            wr_valid_o <= 1'b0;
            rows_done_o <= 10'd0;
            done_o <= 1'b0;
        end else begin
            if (take) pair_q <= pair_q + 2'd1;
            if (full) wr_valid_o <= 1'b1;
            else if (wr_ready_i) wr_valid_o <= 1'b0;
            if (start_i) rows_done_o <= 10'd0;
            else if (accepted & row_end_q) rows_done_o <= rows_done_o + 10'd1;
            done_o <= accepted & frame_end_q;
        end
    end
endmodule

`default_nettype wire
