// SPDX-License-Identifier: Apache-2.0
//
// The common end of the denoiser: two channels a clock from windows, b2 vectors and samples to d. Holds the weights D, Wu, Wv and Cv.
// A pair announced by issue_i leaves 22 cycles later, always: who issues has room for it, a b2 vector and a sample.
`default_nettype none

module dn_combine #(
    // Widest bottleneck
    parameter int BOTTLENECK_MAX = 4,
    // Words of the pair memory, a power of two
    parameter int PAIR_WORDS = 256
) (
    input  wire                           clk_i,
    input  wire                           rst_i,

    input  wire  [8:0]                    d_lo_i,       // limits of d, s8.0
    input  wire  [8:0]                    d_hi_i,
    input  wire  [16:0]                   md_i,
    input  wire  [5:0]                    sd_i,
    input  wire  [16:0]                   mu_i,
    input  wire  [5:0]                    su_i,
    input  wire  [16:0]                   mv_i,
    input  wire  [5:0]                    sv_i,

    input  wire                           issue_i,      // cycle t
    input  wire  [$clog2(PAIR_WORDS)-1:0] issue_addr_i,
    input  wire                           valid_i,      // cycle t + 2: stage 0
    input  wire  [161:0]                  operand_i,    // {odd, even}
    input  wire  [17:0]                   centre_i,     // {d odd, d even}
    input  wire  [BOTTLENECK_MAX*8-1:0]   b2_i,

    output wire                           eps_pop_o,    // stage 14
    input  wire  [31:0]                   eps_i,        // {odd, even}, s4.11; 0 in mean mode

    output wire                           out_valid_o,  // stage 20
    output wire  [17:0]                   out_data_o,   // {d odd, d even}, s8.0

    input  wire                           pair_wr_en_i,
    input  wire  [$clog2(PAIR_WORDS)-1:0] pair_wr_index_i,
    input  wire  [5:0]                    pair_wr_lane_i,
    input  wire  [31:0]                   pair_wr_data_i
);
    localparam int MB = BOTTLENECK_MAX;
    localparam int AW = $clog2(PAIR_WORDS);
    localparam int LAST = 20;

    logic issued_q;                     // cycle t + 1
    logic [LAST:1] valid_q;             // stages
    always_ff @(posedge clk_i)
        if (rst_i) begin
            issued_q <= 1'b0;
            valid_q  <= '0;
        end else begin
            issued_q <= issue_i;
            valid_q  <= {valid_q[LAST-1:1], valid_i};
        end
    assign eps_pop_o   = valid_q[14];
    assign out_valid_o = valid_q[LAST];

    // Weights in stage 0. Wu and Wv: byte k*2 + parity; D: byte parity*9 + tap.
    wire [MB*16-1:0] wu, wv;
    wire [159:0] d_weight;
    wire [15:0] unused_d = d_weight[159:144];
    dn_memory #(.WORDS(PAIR_WORDS), .FIRST(MB/2), .LANES(MB + 5)) weight_memory (
        .clk_i, .wr_en_i(pair_wr_en_i), .wr_index_i(pair_wr_index_i), .wr_lane_i(pair_wr_lane_i), .wr_data_i(pair_wr_data_i),
        .rd_en_i(issue_i), .rd_addr_i(issue_addr_i), .rd_data_o({d_weight, wv, wu}));

    // Cv in stage 5: its address follows the pair for five cycles, which is cheaper than the two words.
    logic [AW-1:0] addr_m1_q, addr0_q, addr1_q, addr2_q, addr3_q;
    always_ff @(posedge clk_i) begin
        if (issue_i)
            addr_m1_q <= issue_addr_i;
        if (issued_q)
            addr0_q <= addr_m1_q;
        if (valid_i)
            addr1_q <= addr0_q;
        if (valid_q[1])
            addr2_q <= addr1_q;
        if (valid_q[2])
            addr3_q <= addr2_q;
    end
    wire [63:0] cv;
    wire [15:0] unused_cv = {cv[63:56], cv[31:24]};
    dn_memory #(.WORDS(PAIR_WORDS), .FIRST(MB/2*3 + 5), .LANES(2)) cv_memory (
        .clk_i, .wr_en_i(pair_wr_en_i), .wr_index_i(pair_wr_index_i), .wr_lane_i(pair_wr_lane_i), .wr_data_i(pair_wr_data_i),
        .rd_en_i(valid_q[3]), .rd_addr_i(addr3_q), .rd_data_o(cv));

    // d waits from stage 0 to stage 16.
    wire [17:0] d;
    wire unused_room, unused_avail, unused_empty;
    dn_fifo #(.WIDTH(18), .LOG2(5)) d_fifo (
        .clk_i, .rst_i, .reserve_i(valid_i), .room_o(unused_room), .push_i(valid_i), .data_i(centre_i),
        .take_i(valid_q[16]), .avail_o(unused_avail), .pop_i(valid_q[16]), .data_o(d), .empty_o(unused_empty));

    for (genvar c = 0; c < 2; c++) begin : g_channel
        wire [MB*8-1:0] wu_channel, wv_channel;
        for (genvar k = 0; k < MB; k++) begin : g_k
            assign wu_channel[k*8 +: 8] = wu[(k*2 + c)*8 +: 8];
            assign wv_channel[k*8 +: 8] = wv[(k*2 + c)*8 +: 8];
        end
        dn_channel #(.BOTTLENECK_MAX(MB)) channel (
            .clk_i, .valid_i({valid_q[LAST-1:1], valid_i}), .d_lo_i, .d_hi_i, .md_i, .sd_i, .mu_i, .su_i, .mv_i, .sv_i,
            .operand_i(operand_i[c*81 +: 81]), .d_weight_i(d_weight[c*72 +: 72]), .b2_i, .wu_i(wu_channel), .wv_i(wv_channel),
            .cv_i(cv[c*32 +: 24]), .eps_i(eps_i[c*16 +: 16]), .d_i(d[c*9 +: 9]), .d_o(out_data_o[c*9 +: 9]));
    end
endmodule

`default_nettype wire
