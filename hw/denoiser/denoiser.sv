// SPDX-License-Identifier: Apache-2.0
//
// The streaming denoiser: predicts mean and spread of the noise on a layer's codes and takes it out, two channels a clock. Bit for bit
// the "Denoising block" of docs/arithmetic.md; docs/denoiser.md is its page. Pairs of d = code - zero point come in and go out, a frame of
// h*w*c8*4 pairs a start.
//
//   in ─┬─► dn_window ─────────────────────────────────┬─► dn_combine ─► out      depthwise path, mean, sigma, sample
//       └─► dn_bottleneck_in ─► dn_bottleneck_mid ─────┘  ▲ gaussian_source       bottleneck path
//
// Either path may be off; with both off pairs pass as they are, two cycles later. Weights not used (rows or columns beyond the bottleneck
// width, a path that is off) never matter. All cfg inputs are constant from start_i to done_o.
// Rate: a pixel takes max(c8*4, m*ceil(m/2) + 2) cycles. Delay: a row and a pixel, and some 60 cycles. The end of a frame needs no input.
// Nothing inside stalls: what enters the pipelines has room reserved in the FIFO behind them.
`default_nettype none

module denoiser #(
    // Widest bottleneck, 4 or 8. Its LUT multipliers: 18 + 6 * BOTTLENECK_MAX
    parameter int BOTTLENECK_MAX = 4,
    // Channel pairs in a line, a power of two: w*c8*4 <= LINE_PAIRS. 9 block RAMs at 1024
    parameter int LINE_PAIRS = 1024,
    // Pixels in a line, a power of two: w <= LINE_PIXELS. 2 block RAMs up to 512
    parameter int LINE_PIXELS = 256,
    // Words of the pair memory, a power of two. 3*BOTTLENECK_MAX/2 + 7 block RAMs up to 512
    parameter int PAIR_WORDS = 256,
    // Words of the row memory, a power of two. 7 block RAMs up to 512 * 2 / BOTTLENECK_MAX
    parameter int ROW_WORDS = 64
) (
    input  wire         clk_i,
    input  wire         rst_i,

    input  wire         start_i,
    output logic        done_o,

    // Limits of d, s8.0, from code_limits
    input  wire  [8:0]  d_lo_i,
    input  wire  [8:0]  d_hi_i,

    // The layer: fields of hw/regs/quell.rdl
    input  wire         cfg_dn_depthwise_i,
    input  wire         cfg_dn_bottleneck_i,
    input  wire         cfg_dn_sample_i,
    input  wire  [9:0]  cfg_w_i,
    input  wire  [9:0]  cfg_h_i,
    input  wire  [11:0] cfg_c8_i,
    input  wire  [7:0]  cfg_layer_i,        // layer number in the random key
    input  wire  [31:0] seed_i,
    input  wire  [31:0] inference_i,
    input  wire  [15:0] cfg_dn_pair_addr_i,
    input  wire  [15:0] cfg_dn_row_addr_i,
    input  wire  [3:0]  cfg_dn_width_i,     // m, 0...BOTTLENECK_MAX
    input  wire  [16:0] cfg_dn_m1_i,
    input  wire  [5:0]  cfg_dn_s1_i,        // 1...63, as all S
    input  wire  [16:0] cfg_dn_m2_i,
    input  wire  [5:0]  cfg_dn_s2_i,
    input  wire  [16:0] cfg_dn_md_i,
    input  wire  [5:0]  cfg_dn_sd_i,
    input  wire  [16:0] cfg_dn_mu_i,
    input  wire  [5:0]  cfg_dn_su_i,
    input  wire  [16:0] cfg_dn_mv_i,
    input  wire  [5:0]  cfg_dn_sv_i,

    // {d odd channel, d even channel}, s8.0
    input  wire         in_valid_i,
    output wire         in_ready_o,
    input  wire  [17:0] in_data_i,
    output wire         out_valid_o,
    input  wire         out_ready_i,
    output wire  [17:0] out_data_o,

    // Weight memories (layouts: fw/include/quell_protocol.h), not while a frame runs
    input  wire         pair_wr_en_i,
    input  wire  [15:0] pair_wr_index_i,
    input  wire  [5:0]  pair_wr_lane_i,
    input  wire  [31:0] pair_wr_data_i,
    input  wire         row_wr_en_i,
    input  wire  [15:0] row_wr_index_i,
    input  wire  [5:0]  row_wr_lane_i,
    input  wire  [31:0] row_wr_data_i,

    // For counters
    output wire         busy_o,             // takes or gives a pair
    output wire         blocked_o,          // an offered pair is refused
    output wire  [1:0]  samples_o           // samples used
);
    localparam int PW = $clog2(PAIR_WORDS), RW = $clog2(ROW_WORDS);
    if (BOTTLENECK_MAX != 4 && BOTTLENECK_MAX != 8) begin : g_illegal
        initial $fatal(1, "denoiser: BOTTLENECK_MAX must be 4 or 8");
    end

    // What the settings mean, and the start with them: registered, for they decide with the streams' state whether a pair may start.
    logic start_q, on, bottleneck, sample;
    always_ff @(posedge clk_i) begin
        start_q    <= start_i && !rst_i;
        on         <= cfg_dn_depthwise_i || cfg_dn_bottleneck_i;
        bottleneck <= cfg_dn_bottleneck_i && cfg_dn_width_i != 0;
        sample     <= (cfg_dn_depthwise_i || cfg_dn_bottleneck_i) && cfg_dn_sample_i;
    end
    wire pair_wr_en = pair_wr_en_i && 32'(pair_wr_index_i) < PAIR_WORDS;
    wire row_wr_en  = row_wr_en_i && 32'(row_wr_index_i) < ROW_WORDS;
    wire [15:PW] unused_pair_addr = cfg_dn_pair_addr_i[15:PW];
    wire [15:RW] unused_row_addr = cfg_dn_row_addr_i[15:RW];

    // ---- input: counts the frame's pairs, keeps a register
    logic active_q;                         // from start to done
    wire  todo;                             // pairs of the frame are still to come
    wire  pixel_last, unused_last, window_room, a1_room, out_room;
    wire  room = on ? window_room && (!bottleneck || !pixel_last || a1_room) : out_room;
    wire  accept = in_valid_i && in_ready_o;
    assign in_ready_o = todo && room;

    dn_beats in_beats (
        .clk_i, .rst_i, .load_i(start_q), .beat_i(accept), .w_i(cfg_w_i), .h_i(cfg_h_i), .c8_i(cfg_c8_i),
        .todo_o(todo), .pixel_last_o(pixel_last), .last_o(unused_last));

    logic        pass_q, push_q;            // the register holds a pair to pass, a pair to denoise
    logic [17:0] in_q;                      // {d odd, d even}, s8.0
    always_ff @(posedge clk_i)
        if (rst_i) begin
            pass_q <= 1'b0;
            push_q <= 1'b0;
        end else begin
            pass_q <= accept && !on;
            push_q <= accept && on;
        end
    always_ff @(posedge clk_i)
        if (accept)
            in_q <= in_data_i;

    // ---- depthwise path; it also decides when a pair starts through the common end
    wire want_first, permit, issue, issue_first, window_valid, window_last, window_active;
    wire [PW-1:0] issue_addr;
    wire [161:0] operand;
    wire [17:0] centre;
    dn_window #(.LINE_PAIRS(LINE_PAIRS), .PAIR_WORDS(PAIR_WORDS)) windows (
        .clk_i, .rst_i, .start_i(start_q && on), .w_i(cfg_w_i), .h_i(cfg_h_i), .c8_i(cfg_c8_i), .pair_addr_i(cfg_dn_pair_addr_i[PW-1:0]),
        .depthwise_i(cfg_dn_depthwise_i), .reserve_i(accept && on), .room_o(window_room), .in_valid_i(push_q), .in_data_i(in_q),
        .want_first_o(want_first), .permit_i(permit), .issue_o(issue), .issue_first_o(issue_first), .issue_addr_o(issue_addr),
        .valid_o(window_valid), .last_o(window_last), .operand_o(operand), .centre_o(centre), .active_o(window_active));

    // ---- bottleneck path
    wire b1_valid, b1_pop, b2_avail;
    wire [BOTTLENECK_MAX*8-1:0] b1, b2;
    dn_bottleneck_in #(.BOTTLENECK_MAX(BOTTLENECK_MAX), .PAIR_WORDS(PAIR_WORDS), .ROW_WORDS(ROW_WORDS)) bottleneck_in (
        .clk_i, .rst_i, .start_i(start_q && bottleneck), .c8_i(cfg_c8_i), .width_i(cfg_dn_width_i), .m1_i(cfg_dn_m1_i), .s1_i(cfg_dn_s1_i),
        .pair_addr_i(cfg_dn_pair_addr_i[PW-1:0]), .row_addr_i(cfg_dn_row_addr_i[RW-1:0]),
        .room_o(a1_room), .reserve_i(accept && bottleneck && pixel_last), .in_valid_i(push_q && bottleneck), .in_data_i(in_q),
        .b1_valid_o(b1_valid), .b1_pop_i(b1_pop), .b1_o(b1),
        .pair_wr_en_i(pair_wr_en), .pair_wr_index_i(pair_wr_index_i[PW-1:0]), .pair_wr_lane_i, .pair_wr_data_i,
        .row_wr_en_i(row_wr_en), .row_wr_index_i(row_wr_index_i[RW-1:0]), .row_wr_lane_i, .row_wr_data_i);
    dn_bottleneck_mid #(.BOTTLENECK_MAX(BOTTLENECK_MAX), .LINE_PIXELS(LINE_PIXELS), .ROW_WORDS(ROW_WORDS)) bottleneck_mid (
        .clk_i, .rst_i, .start_i(start_q && bottleneck), .w_i(cfg_w_i), .h_i(cfg_h_i), .width_i(cfg_dn_width_i), .m2_i(cfg_dn_m2_i),
        .s2_i(cfg_dn_s2_i), .row_addr_i(cfg_dn_row_addr_i[RW-1:0]), .b1_valid_i(b1_valid), .b1_pop_o(b1_pop), .b1_i(b1),
        .b2_avail_o(b2_avail), .b2_take_i(issue && issue_first && bottleneck), .b2_pop_i(window_valid && window_last && bottleneck), .b2_o(b2),
        .row_wr_en_i(row_wr_en), .row_wr_index_i(row_wr_index_i[RW-1:0]), .row_wr_lane_i, .row_wr_data_i);

    // ---- samples: a pair a pair of codes. The source would give more than a frame needs; the next start drops what is left over.
    wire gauss_valid, gauss_ready, eps_avail, eps_pop, unused_idle, unused_eps_empty;
    wire [31:0] gauss, eps;
    gaussian_source source (
        .clk_i, .rst_i, .start_i(start_q && sample), .seed_i, .purpose_i(3'd1), .layer_i(cfg_layer_i), .inference_i, .pairs_i(32'hFFFF_FFFF), .at_i(12'd0), .run_i(12'd1), .skip_i(12'd0),
        .idle_o(unused_idle), .gauss_valid_o(gauss_valid), .gauss_ready_i(gauss_ready), .gauss_data_o(gauss));
    dn_fifo #(.WIDTH(32), .LOG2(5)) eps_fifo (
        .clk_i, .rst_i(rst_i || start_q), .reserve_i(gauss_valid && gauss_ready), .room_o(gauss_ready), .push_i(gauss_valid && gauss_ready),
        .data_i(gauss), .take_i(issue && sample), .avail_o(eps_avail), .pop_i(eps_pop && sample), .data_o(eps), .empty_o(unused_eps_empty));

    // ---- common end
    wire combined_valid, out_empty;
    wire [17:0] combined;
    assign permit = out_room && (!sample || eps_avail) && (!bottleneck || !want_first || b2_avail);
    dn_combine #(.BOTTLENECK_MAX(BOTTLENECK_MAX), .PAIR_WORDS(PAIR_WORDS)) combine (
        .clk_i, .rst_i, .d_lo_i, .d_hi_i, .md_i(cfg_dn_md_i), .sd_i(cfg_dn_sd_i), .mu_i(cfg_dn_mu_i), .su_i(cfg_dn_su_i), .mv_i(cfg_dn_mv_i),
        .sv_i(cfg_dn_sv_i), .issue_i(issue), .issue_addr_i(issue_addr), .valid_i(window_valid), .operand_i(operand), .centre_i(centre),
        .b2_i(b2 & {(BOTTLENECK_MAX*8){bottleneck}}), .eps_pop_o(eps_pop), .eps_i(eps & {32{sample}}),
        .out_valid_o(combined_valid), .out_data_o(combined),
        .pair_wr_en_i(pair_wr_en), .pair_wr_index_i(pair_wr_index_i[PW-1:0]), .pair_wr_lane_i, .pair_wr_data_i);
    dn_fifo #(.WIDTH(18), .LOG2(5)) out_fifo (
        .clk_i, .rst_i, .reserve_i(issue || (accept && !on)), .room_o(out_room), .push_i(combined_valid || pass_q),
        .data_i(pass_q ? in_q : combined), .take_i(out_valid_o && out_ready_i), .avail_o(out_valid_o),
        .pop_i(out_valid_o && out_ready_i), .data_o(out_data_o), .empty_o(out_empty));

    // ---- end of the frame: nothing to come, nothing inside
    wire finished = active_q && !todo && !window_active && out_empty;
    always_ff @(posedge clk_i)
        if (rst_i) begin
            active_q <= 1'b0;
            done_o   <= 1'b0;
        end else begin
            active_q <= (active_q || start_q) && !finished;
            done_o   <= finished;
        end

    assign busy_o    = accept || (out_valid_o && out_ready_i);
    assign blocked_o = (active_q || start_q) && in_valid_i && !in_ready_o;
    assign samples_o = {eps_pop && sample, 1'b0};
endmodule

`default_nettype wire
