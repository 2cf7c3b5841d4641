// SPDX-License-Identifier: Apache-2.0
//
// The bottleneck's first layer: W1 over all channels of a pixel, two channels a clock, then its activations one after the other.
//
//   a1[j] = sum over c of W1[j][c]*d[c] + B1[j]        int32
//   b1[j] = clamp( RHE((a1[j]*M1) >> S1), 0, 255 )     uint8, 0 for j >= width
//
// Pixels are never refused once their last pair has been accepted: the user offers that one only with room_o and announces it by
// reserve_i. Rate: a pixel takes max(pairs, width + 1) cycles. b1 vectors come out of a FIFO of eight.
`default_nettype none

module dn_bottleneck_in #(
    // Widest bottleneck: 2 * BOTTLENECK_MAX LUT multipliers
    parameter int BOTTLENECK_MAX = 4,
    // Words of the pair memory, a power of two
    parameter int PAIR_WORDS = 256,
    // Words of the row memory, a power of two
    parameter int ROW_WORDS = 64
) (
    input  wire                           clk_i,
    input  wire                           rst_i,

    input  wire                           start_i,
    input  wire  [11:0]                   c8_i,
    input  wire  [3:0]                    width_i,      // 1...BOTTLENECK_MAX
    input  wire  [16:0]                   m1_i,
    input  wire  [5:0]                    s1_i,
    input  wire  [$clog2(PAIR_WORDS)-1:0] pair_addr_i,
    input  wire  [$clog2(ROW_WORDS)-1:0]  row_addr_i,

    output wire                           room_o,       // the last pair of a pixel may come
    input  wire                           reserve_i,    // it comes, in the next cycle
    input  wire                           in_valid_i,
    input  wire  [17:0]                   in_data_i,    // {d odd, d even}, s8.0

    output wire                           b1_valid_o,
    input  wire                           b1_pop_i,
    output wire  [BOTTLENECK_MAX*8-1:0]   b1_o,         // uint8 each

    input  wire                           pair_wr_en_i,
    input  wire  [$clog2(PAIR_WORDS)-1:0] pair_wr_index_i,
    input  wire  [5:0]                    pair_wr_lane_i,
    input  wire  [31:0]                   pair_wr_data_i,
    input  wire                           row_wr_en_i,
    input  wire  [$clog2(ROW_WORDS)-1:0]  row_wr_index_i,
    input  wire  [5:0]                    row_wr_lane_i,
    input  wire  [31:0]                   row_wr_data_i
);
    localparam int MB = BOTTLENECK_MAX;
    localparam int RW = $clog2(ROW_WORDS);
    localparam int DOT_WIDTH = 18;      // two products
    localparam int ACTIVATION = 7;      // its latency

    // ---- sums over channels: weights in +2, products in +6, sums in +7
    logic [13:0] left_q;                // pairs left in this pixel, minus 1
    logic        first_q;
    logic [$clog2(PAIR_WORDS)-1:0] addr_q;
    wire         last = left_q == 0;
    logic [7:1]  valid_q, last_pipe_q;
    logic [6:1]  first_pipe_q;
    logic [17:0] data1_q, data2_q;
    wire         run = in_valid_i || |valid_q;

    always_ff @(posedge clk_i)
        if (rst_i)
            valid_q <= '0;
        else
            valid_q <= {valid_q[6:1], in_valid_i};

    wire [13:0] pairs_minus_1 = {c8_i - 12'd1, 2'b11};
    always_ff @(posedge clk_i)
        if (start_i) begin
            left_q  <= pairs_minus_1;
            first_q <= 1'b1;
            addr_q  <= pair_addr_i;
        end else if (in_valid_i) begin
            left_q  <= last ? pairs_minus_1 : left_q - 14'd1;
            first_q <= last;
            addr_q  <= last ? pair_addr_i : addr_q + 1'b1;
        end
    always_ff @(posedge clk_i)
        if (run) begin
            first_pipe_q <= {first_pipe_q[5:1], first_q};
            last_pipe_q  <= {last_pipe_q[6:1], last};
            data1_q      <= in_data_i;
            data2_q      <= data1_q;
        end

    wire [MB*16-1:0] w1;                // byte j*2 + parity
    dn_memory #(.WORDS(PAIR_WORDS), .FIRST(0), .LANES(MB/2)) w1_memory (
        .clk_i, .wr_en_i(pair_wr_en_i), .wr_index_i(pair_wr_index_i), .wr_lane_i(pair_wr_lane_i), .wr_data_i(pair_wr_data_i),
        .rd_en_i(in_valid_i), .rd_addr_i(addr_q), .rd_data_o(w1));

    logic [MB*32-1:0] a1_q;             // int32 each, without bias
    for (genvar j = 0; j < MB; j++) begin : g_row
        wire [DOT_WIDTH-1:0] sum;
        dn_dot #(.N(2)) dot (.clk_i, .en_i(|valid_q[5:2]), .operand_i(data2_q), .weight_i(w1[j*16 +: 16]), .sum_o(sum));
        always_ff @(posedge clk_i)
            if (valid_q[6])
                a1_q[j*32 +: 32] <= (first_pipe_q[6] ? 32'd0 : a1_q[j*32 +: 32]) + {{(32 - DOT_WIDTH){sum[DOT_WIDTH-1]}}, sum};
    end

    wire a1_avail, unused_empty;
    wire [MB*32-1:0] a1;
    logic act_last2;
    wire  act_start;
    dn_fifo #(.WIDTH(MB*32), .LOG2(3)) a1_fifo (
        .clk_i, .rst_i, .reserve_i, .room_o, .push_i(valid_q[7] && last_pipe_q[7]), .data_i(a1_q),
        .take_i(act_start), .avail_o(a1_avail), .pop_i(act_last2), .data_o(a1), .empty_o(unused_empty));

    // ---- activations, j = 0...width-1: bias in +2, byte in +2+ACTIVATION, vector in one more
    logic       busy_q;
    logic [2:0] j_q;
    wire        b1_room;
    wire        j_last = {1'b0, j_q} == width_i - 4'd1;
    logic [2+ACTIVATION:1] act_valid_q;
    logic [2:0] j1_q, j2_q;
    logic       vector_valid_q;
    logic [2:0] out_j_q;                // row of the byte that comes out: they come in order
    logic [MB*8-1:0] vector_q;
    wire        act_run = busy_q || |act_valid_q;
    wire        out_last = {1'b0, out_j_q} == width_i - 4'd1;
    assign act_start = !busy_q && a1_avail && b1_room;

    always_ff @(posedge clk_i)
        if (rst_i) begin
            busy_q         <= 1'b0;
            act_valid_q    <= '0;
            vector_valid_q <= 1'b0;
            j_q            <= '0;
            out_j_q        <= '0;
        end else begin
            if (act_start)
                busy_q <= 1'b1;
            else if (j_last)
                busy_q <= 1'b0;
            if (busy_q)
                j_q <= j_last ? '0 : j_q + 3'd1;
            act_valid_q    <= {act_valid_q[1+ACTIVATION:1], busy_q};
            vector_valid_q <= act_valid_q[2+ACTIVATION] && out_last;
            if (act_valid_q[2+ACTIVATION])
                out_j_q <= out_last ? '0 : out_j_q + 3'd1;
        end
    always_ff @(posedge clk_i)
        if (act_run) begin
            j1_q <= j_q;
            j2_q <= j1_q;
        end
    assign act_last2 = act_valid_q[2] && {1'b0, j2_q} == width_i - 4'd1;

    wire [31:0] b1_bias;
    dn_memory #(.WORDS(ROW_WORDS), .FIRST(MB/2*5), .LANES(1)) bias_memory (
        .clk_i, .wr_en_i(row_wr_en_i), .wr_index_i(row_wr_index_i), .wr_lane_i(row_wr_lane_i), .wr_data_i(row_wr_data_i),
        .rd_en_i(busy_q), .rd_addr_i(row_addr_i + RW'(j_q)), .rd_data_o(b1_bias));
    wire [7:0] byte_out;
    dn_activation activation (
        .clk_i, .en_i(|act_valid_q[1+ACTIVATION:2]), .acc_i(a1[j2_q[$clog2(MB)-1:0]*32 +: 32]), .bias_i(b1_bias), .m_i(m1_i), .s_i(s1_i), .b_o(byte_out));

    always_ff @(posedge clk_i)
        if (act_valid_q[2+ACTIVATION]) begin
            if (out_j_q == 0)
                vector_q <= (MB*8)'(byte_out);
            else
                vector_q[out_j_q[$clog2(MB)-1:0]*8 +: 8] <= byte_out;
        end

    wire unused_empty1;
    dn_fifo #(.WIDTH(MB*8), .LOG2(3)) b1_fifo (
        .clk_i, .rst_i, .reserve_i(act_start), .room_o(b1_room), .push_i(vector_valid_q), .data_i(vector_q),
        .take_i(b1_pop_i), .avail_o(b1_valid_o), .pop_i(b1_pop_i), .data_o(b1_o), .empty_o(unused_empty1));
endmodule

`default_nettype wire
