// SPDX-License-Identifier: Apache-2.0
//
// The 3x3 windows of the depthwise path, two channels a clock: a FIFO of input pairs, two lines and two columns in block RAM.
// It lags one row and one pixel behind the input and decides, pair by pair, when the common output pipeline starts a pair.
//
//   step p, channel pair cp: pair (p, cp) comes from the FIFO (none after the last row), pairs (p - w, cp) and (p - 2w, cp) from the
//   line memory at address p*pairs mod w*pairs: a column of three. The two columns before it come from the column memory at cp.
//
// The FIFO decouples the bottleneck path, which needs all channels of pixel p before the first pair of pixel p - w - 1 may go: it holds a
// whole line, hence at least a pixel. Timing: issue_o in cycle t (allowed by permit_i), operands, centre and valid_o in t + 2.
`default_nettype none

module dn_window #(
    // Channel pairs in a line (width * pairs a pixel), a power of two: 9 block RAMs at 1024
    parameter int LINE_PAIRS = 1024,
    // Words of the pair memory, a power of two
    parameter int PAIR_WORDS = 256
) (
    input  wire                           clk_i,
    input  wire                           rst_i,

    input  wire                           start_i,
    input  wire  [9:0]                    w_i,
    input  wire  [9:0]                    h_i,
    input  wire  [11:0]                   c8_i,
    input  wire  [$clog2(PAIR_WORDS)-1:0] pair_addr_i,
    input  wire                           depthwise_i,  // 0: operands are 0

    input  wire                           reserve_i,    // a pair is coming
    output wire                           room_o,
    input  wire                           in_valid_i,   // it is here
    input  wire  [17:0]                   in_data_i,    // {d odd, d even}, s8.0

    output wire                           want_first_o, // the next pair is the first of a pixel that goes out: it needs a b2
    input  wire                           permit_i,     // a pair that goes out may start
    output wire                           issue_o,      // it starts
    output wire                           issue_first_o,// and is the first of its pixel
    output logic [$clog2(PAIR_WORDS)-1:0] issue_addr_o, // word of its weights

    output logic                          valid_o,      // two cycles later
    output logic                          last_o,       // last pair of its pixel
    output wire  [161:0]                  operand_o,    // {odd, even}, nine s8.0 each, 0 outside the image
    output wire  [17:0]                   centre_o,     // {odd, even}, s8.0
    output logic                          active_o      // some step is under way or still to come
);
    localparam int AW = $clog2(LINE_PAIRS);

    logic [AW:0]   room_q;          // free places in the FIFO
    logic [AW:0]   have_q;          // pairs in the FIFO
    logic [AW-1:0] fifo_wr_q, fifo_rd_q;
    logic          todo_q;          // steps are left
    logic [13:0]   left_q;          // pairs left in this pixel, minus 1
    logic          first_q;         // first pair of a pixel
    logic [AW-1:0] line_q;          // line-memory address
    logic [AW-1:0] column_q;        // column-memory address: the channel pair

    // What decides about a step comes from registers: counters' ends are noted one change ahead.
    logic          have_any_q;      // have_q is not 0
    logic          room_any_q;      // room_q is not 0
    logic          last;            // left_q is 0

    wire take, emit, wrap, top, bottom, left, right, last_pixel;
    wire step = todo_q && (!take || have_any_q) && (!emit || permit_i);
    wire pop  = step && take;

    assign room_o        = room_any_q;
    assign want_first_o  = first_q;
    assign issue_o       = step && emit;
    assign issue_first_o = first_q;

    wire [9:0] unused_x;
    dn_raster raster (
        .clk_i, .load_i(start_i), .step_i(step && last), .w_i, .h_i, .take_o(take), .x_o(unused_x), .wrap_o(wrap), .emit_o(emit),
        .top_o(top), .bottom_o(bottom), .left_o(left), .right_o(right), .last_o(last_pixel));

    always_ff @(posedge clk_i)
        if (rst_i) begin
            todo_q <= 1'b0;
            room_q <= {1'b1, {AW{1'b0}}};
            have_q <= '0;
            room_any_q <= 1'b1;
            have_any_q <= 1'b0;
        end else begin
            if (start_i)
                todo_q <= 1'b1;
            else if (step && last && last_pixel)
                todo_q <= 1'b0;
            if (reserve_i != pop)
                room_q <= pop ? room_q + 1'b1 : room_q - 1'b1;
            if (in_valid_i != pop)
                have_q <= pop ? have_q - 1'b1 : have_q + 1'b1;
            room_any_q <= pop || (reserve_i ? room_q != 1 : room_any_q);
            have_any_q <= in_valid_i || (pop ? have_q != 1 : have_any_q);
        end

    wire [13:0] pairs_minus_1 = {c8_i - 12'd1, 2'b11};
    always_ff @(posedge clk_i)
        if (start_i) begin
            left_q       <= pairs_minus_1;
            last         <= 1'b0;   // a pixel has four pairs or more
            first_q      <= 1'b1;
            line_q       <= '0;
            column_q     <= '0;
            issue_addr_o <= pair_addr_i;
            fifo_wr_q    <= '0;
            fifo_rd_q    <= '0;
        end else begin
            if (in_valid_i)
                fifo_wr_q <= fifo_wr_q + 1'b1;
            if (pop)
                fifo_rd_q <= fifo_rd_q + 1'b1;
            if (step) begin
                left_q       <= last ? pairs_minus_1 : left_q - 14'd1;
                last         <= left_q == 14'd1;
                first_q      <= last;
                line_q       <= last && wrap ? '0 : line_q + 1'b1;
                column_q     <= last ? '0 : column_q + 1'b1;
                issue_addr_o <= last ? pair_addr_i : issue_addr_o + 1'b1;
            end
        end

    // What belongs to the step, two cycles later.
    logic          step1_q, step2_q, emit1_q, last1_q;
    logic [AW-1:0] line1_q, line2_q, column1_q, column2_q;
    logic [3:0]    edge1_q, edge2_q;
    always_ff @(posedge clk_i)
        if (rst_i) begin
            step1_q <= 1'b0;
            step2_q <= 1'b0;
            emit1_q <= 1'b0;
            valid_o <= 1'b0;
        end else begin
            step1_q <= step;
            step2_q <= step1_q;
            emit1_q <= step && emit;
            valid_o <= emit1_q;
        end
    always_ff @(posedge clk_i) begin
        if (step) begin
            last1_q   <= last;
            line1_q   <= line_q;
            column1_q <= column_q;
            edge1_q   <= {bottom, top, right, left};
        end
        if (step1_q) begin
            last_o    <= last1_q;
            line2_q   <= line1_q;
            column2_q <= column1_q;
            edge2_q   <= edge1_q;
        end
    end
    assign active_o = todo_q || step1_q || step2_q;

    wire [17:0] newest;             // row ky = 2 of column kx = 2
    wire [35:0] above;              // rows {1, 0} of column kx = 2
    wire [107:0] earlier;            // columns {1, 0}, rows {2, 1, 0} of each
    wire [53:0] column = {newest, above};
    dn_ram #(.WIDTH(18), .WORDS(LINE_PAIRS)) fifo_ram (
        .clk_i, .wr_en_i(in_valid_i), .wr_addr_i(fifo_wr_q), .wr_data_i(in_data_i), .rd_en_i(pop), .rd_addr_i(fifo_rd_q), .rd_data_o(newest));
    dn_ram #(.WIDTH(36), .WORDS(LINE_PAIRS)) line_ram (
        .clk_i, .wr_en_i(step2_q), .wr_addr_i(line2_q), .wr_data_i({newest, above[35:18]}), .rd_en_i(step), .rd_addr_i(line_q), .rd_data_o(above));
    dn_ram #(.WIDTH(108), .WORDS(LINE_PAIRS)) column_ram (
        .clk_i, .wr_en_i(step2_q), .wr_addr_i(column2_q), .wr_data_i({column, earlier[107:54]}), .rd_en_i(step), .rd_addr_i(column_q), .rd_data_o(earlier));

    wire [161:0] taps = {column, earlier};  // columns {2, 1, 0}, rows {2, 1, 0} of each, pairs
    for (genvar t = 0; t < 9; t++) begin : g_tap
        localparam int KY = t / 3, KX = t % 3;
        wire outside = (KY == 0 && edge2_q[2]) || (KY == 2 && edge2_q[3]) || (KX == 0 && edge2_q[0]) || (KX == 2 && edge2_q[1]);
        wire [17:0] pair = taps[(KX*3 + KY)*18 +: 18] & {18{depthwise_i && !outside}};
        assign operand_o[t*9 +: 9]      = pair[8:0];
        assign operand_o[81 + t*9 +: 9] = pair[17:9];
    end
    assign centre_o = taps[4*18 +: 18];
endmodule

`default_nettype wire
