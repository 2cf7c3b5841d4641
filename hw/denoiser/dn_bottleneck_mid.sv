// SPDX-License-Identifier: Apache-2.0
//
// The bottleneck's middle layer: 3x3 windows over the b1 vectors, one row of W2 after the other, two of its inputs a clock.
//
//   a2[k] = sum over j, taps of W2[k][j][tap]*b1[j] + B2[k]      int32, b1 outside the image is 0
//   b2[k] = clamp( RHE((a2[k]*M2) >> S2), 0, 255 )               uint8, 0 for k >= width
//
// One b2 vector a pixel, in order, a row and a pixel behind the b1 vectors, into a FIFO of eight (b2_avail_o / b2_take_i: one more may be
// counted on; b2_o until b2_pop_i). Rate: a pixel takes width * ceil(width / 2) + 2 cycles.
`default_nettype none

module dn_bottleneck_mid #(
    // Widest bottleneck; 18 LUT multipliers at any width, W2 grows with its square
    parameter int BOTTLENECK_MAX = 4,
    // Pixels in a line, a power of two
    parameter int LINE_PIXELS = 256,
    // Words of the row memory, a power of two
    parameter int ROW_WORDS = 64
) (
    input  wire                          clk_i,
    input  wire                          rst_i,

    input  wire                          start_i,       // of a frame with a bottleneck
    input  wire  [9:0]                   w_i,
    input  wire  [9:0]                   h_i,
    input  wire  [3:0]                   width_i,       // 1...BOTTLENECK_MAX
    input  wire  [16:0]                  m2_i,
    input  wire  [5:0]                   s2_i,
    input  wire  [$clog2(ROW_WORDS)-1:0] row_addr_i,

    input  wire                          b1_valid_i,
    output wire                          b1_pop_o,
    input  wire  [BOTTLENECK_MAX*8-1:0]  b1_i,          // uint8 each

    output wire                          b2_avail_o,
    input  wire                          b2_take_i,
    input  wire                          b2_pop_i,
    output wire  [BOTTLENECK_MAX*8-1:0]  b2_o,          // uint8 each

    input  wire                          row_wr_en_i,
    input  wire  [$clog2(ROW_WORDS)-1:0] row_wr_index_i,
    input  wire  [5:0]                   row_wr_lane_i,
    input  wire  [31:0]                  row_wr_data_i
);
    localparam int MB = BOTTLENECK_MAX;
    localparam int V = MB*8;            // bits of a vector
    localparam int JW = $clog2(MB/2);   // bits of the number of a pair of inputs
    localparam int AW = $clog2(LINE_PIXELS);
    localparam int RW = $clog2(ROW_WORDS);
    localparam int DOT_WIDTH = 22;      // eighteen products
    localparam int SUM = 9;             // cycles from the weight address to the sum
    localparam int ACTIVATION = 7;      // from there to the byte

    // ---- one pixel: GO shifts the window, RUN walks over k and jp, DRAIN lets the last operand be read before the next GO
    typedef enum logic [1:0] {GO, RUN, DRAIN} state_t;
    state_t state_q;
    logic       todo_q;
    logic [2:0] k_q;
    logic [JW-1:0] jp_q;
    wire take, emit, unused_wrap, top, bottom, left, right, last_pixel, b2_room;
    wire [9:0] x;
    wire go = state_q == GO && todo_q && (!take || b1_valid_i) && (!emit || b2_room);
    wire [3:0] pairs_minus_1 = (width_i - 4'd1) >> 1;
    wire jp_last = 4'(jp_q) == pairs_minus_1;
    wire k_last = {1'b0, k_q} == width_i - 4'd1;
    assign b1_pop_o = go && take;

    dn_raster raster (
        .clk_i, .load_i(start_i), .step_i(go), .w_i, .h_i, .take_o(take), .x_o(x), .wrap_o(unused_wrap), .emit_o(emit),
        .top_o(top), .bottom_o(bottom), .left_o(left), .right_o(right), .last_o(last_pixel));

    logic       emit_q;                 // of the pixel in RUN
    logic [3:0] edge_q;
    logic       gone_q;                 // go, one cycle later
    always_ff @(posedge clk_i)
        if (rst_i) begin
            state_q <= GO;
            todo_q  <= 1'b0;
            k_q     <= '0;
            jp_q    <= '0;
            gone_q  <= 1'b0;
        end else begin
            gone_q <= go;
            if (start_i)
                todo_q <= 1'b1;
            else if (go && last_pixel)
                todo_q <= 1'b0;
            unique case (state_q)
                GO: if (go) state_q <= RUN;
                RUN: begin
                    jp_q <= jp_last ? '0 : jp_q + 1'b1;
                    if (jp_last)
                        k_q <= k_last ? '0 : k_q + 3'd1;
                    if (jp_last && k_last)
                        state_q <= DRAIN;
                end
                default: state_q <= GO;
            endcase
        end

    // ---- window: columns {2, 1, 0}, rows {2, 1, 0} of each, a vector each
    logic [9*V-1:0] window_q;
    wire [2*V-1:0] above;               // rows {1, 0} of the column that comes in, read after the step before
    always_ff @(posedge clk_i)
        if (go) begin
            window_q <= {b1_i, above, window_q[9*V-1:3*V]};
            edge_q   <= {bottom, top, right, left};
            emit_q   <= emit;
        end
    dn_ram #(.WIDTH(2*V), .WORDS(LINE_PIXELS)) line_ram (
        .clk_i, .wr_en_i(go), .wr_addr_i(x[AW-1:0]), .wr_data_i({b1_i, above[2*V-1:V]}),
        .rd_en_i(gone_q), .rd_addr_i(x[AW-1:0]), .rd_data_o(above));
    wire [9:AW] unused_x = x[9:AW];

    // ---- pipeline: what is asked in RUN, SUM and ACTIVATION cycles later
    wire ask = state_q == RUN && emit_q;
    logic [SUM+ACTIVATION:1] valid_q;   // from SUM on: a whole row's sum
    logic [SUM-1:1] first_q, last_q;
    logic [2:0] k_pipe_q [1:SUM-2];
    logic [JW-1:0] jp1_q, jp2_q;
    wire run = state_q == RUN || |valid_q;
    always_ff @(posedge clk_i)
        if (rst_i)
            valid_q <= '0;
        else
            valid_q <= {valid_q[SUM+ACTIVATION-1:SUM], valid_q[SUM-1] && last_q[SUM-1], valid_q[SUM-2:1], ask};
    always_ff @(posedge clk_i)
        if (run) begin
            first_q     <= {first_q[SUM-2:1], jp_q == 0};
            last_q      <= {last_q[SUM-2:1], jp_last};
            jp1_q       <= jp_q;
            jp2_q       <= jp1_q;
            k_pipe_q[1] <= k_q;
            for (int i = 2; i <= SUM-2; i++)
                k_pipe_q[i] <= k_pipe_q[i-1];
        end

    // W2: the words of one row lie together, MB/2 of them; byte (j & 1)*9 + tap. Lane jp*5 + i of the row word is lane i of {row, jp}.
    logic [JW-1:0] wr_jp;
    logic [5:0] wr_lane;
    always_comb begin
        wr_jp = '0;
        wr_lane = row_wr_lane_i;
        for (int i = 1; i < MB/2; i++)
            if (row_wr_lane_i >= 6'(i*5)) begin
                wr_jp = JW'(i);
                wr_lane = row_wr_lane_i - 6'(i*5);
            end
    end
    wire [159:0] w2;
    wire [15:0] unused_w2 = w2[159:144];
    dn_memory #(.WORDS(ROW_WORDS*MB/2), .FIRST(0), .LANES(5)) w2_memory (
        .clk_i, .wr_en_i(row_wr_en_i), .wr_index_i({row_wr_index_i, wr_jp}), .wr_lane_i(wr_lane), .wr_data_i(row_wr_data_i),
        .rd_en_i(ask), .rd_addr_i({row_addr_i + RW'(k_q), jp_q}), .rd_data_o(w2));

    wire [161:0] operand;               // two inputs, nine taps each, s8.0 and never negative
    for (genvar t = 0; t < 9; t++) begin : g_tap
        localparam int KY = t / 3, KX = t % 3;
        wire outside = (KY == 0 && edge_q[2]) || (KY == 2 && edge_q[3]) || (KX == 0 && edge_q[0]) || (KX == 2 && edge_q[1]);
        wire [15:0] pair = window_q[(KX*3 + KY)*V + jp2_q*16 +: 16];
        assign operand[t*9 +: 9]      = {1'b0, pair[7:0] & {8{!outside}}};
        assign operand[81 + t*9 +: 9] = {1'b0, pair[15:8] & {8{!outside}}};
    end
    wire [DOT_WIDTH-1:0] sum;
    dn_dot #(.N(18)) dot (.clk_i, .en_i(|valid_q[SUM-2:2]), .operand_i(operand), .weight_i(w2[143:0]), .sum_o(sum));
    logic [31:0] a2_q;                  // int32, without bias
    always_ff @(posedge clk_i)
        if (valid_q[SUM-1])
            a2_q <= (first_q[SUM-1] ? 32'd0 : a2_q) + {{(32 - DOT_WIDTH){sum[DOT_WIDTH-1]}}, sum};

    wire [31:0] bias;
    dn_memory #(.WORDS(ROW_WORDS), .FIRST(MB/2*5 + 1), .LANES(1)) bias_memory (
        .clk_i, .wr_en_i(row_wr_en_i), .wr_index_i(row_wr_index_i), .wr_lane_i(row_wr_lane_i), .wr_data_i(row_wr_data_i),
        .rd_en_i(valid_q[SUM-2]), .rd_addr_i(row_addr_i + RW'(k_pipe_q[SUM-2])), .rd_data_o(bias));
    wire [7:0] byte_out;
    dn_activation activation (.clk_i, .en_i(|valid_q[SUM+ACTIVATION-1:SUM]), .acc_i(a2_q), .bias_i(bias), .m_i(m2_i), .s_i(s2_i), .b_o(byte_out));

    // ---- bytes to vectors
    logic [2:0] out_k_q;                // row of the byte that comes out: they come in order
    logic vector_valid_q;
    logic [V-1:0] vector_q;
    wire out_last = {1'b0, out_k_q} == width_i - 4'd1;
    always_ff @(posedge clk_i)
        if (rst_i) begin
            out_k_q        <= '0;
            vector_valid_q <= 1'b0;
        end else begin
            vector_valid_q <= valid_q[SUM+ACTIVATION] && out_last;
            if (valid_q[SUM+ACTIVATION])
                out_k_q <= out_last ? '0 : out_k_q + 3'd1;
        end
    always_ff @(posedge clk_i)
        if (valid_q[SUM+ACTIVATION]) begin
            if (out_k_q == 0)
                vector_q <= V'(byte_out);
            else
                vector_q[out_k_q[$clog2(MB)-1:0]*8 +: 8] <= byte_out;
        end
    wire unused_empty;
    dn_fifo #(.WIDTH(V), .LOG2(3)) b2_fifo (
        .clk_i, .rst_i, .reserve_i(go && emit), .room_o(b2_room), .push_i(vector_valid_q), .data_i(vector_q),
        .take_i(b2_take_i), .avail_o(b2_avail_o), .pop_i(b2_pop_i), .data_o(b2_o), .empty_o(unused_empty));
endmodule

`default_nettype wire
