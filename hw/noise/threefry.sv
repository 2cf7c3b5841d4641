// SPDX-License-Identifier: Apache-2.0
// Threefry-2x32 with 20 rounds (Random123), fully pipelined: the random bits of every noise sample.
// Contract: equals qa_threefry2x32. Latency 26 enabled clocks, one block a clock, ce_i = 0 holds everything. Only counter word 1 travels: the
// key and counter word 0 stand still from two clocks before the first enabled clock of a run until its last block is out.
`default_nettype none

module threefry (
    input  wire logic        clk_i,
    input  wire logic        ce_i,

    // Constant during a run
    input  wire logic [31:0] key0_i,
    input  wire logic [31:0] key1_i,
    input  wire logic [31:0] ctr0_i,

    // One block a clock
    input  wire logic [31:0] ctr1_i,
    output      logic [31:0] x0_o,
    output      logic [31:0] x1_o
);
    // The key schedule, added up once a run and not once a block.
    wire [31:0] key2 = 32'h1BD1_1BDA ^ key0_i ^ key1_i;
    logic [31:0] first_q, key2_q, key2_1_q, key0_2_q, key1_3_q, key2_4_q, key0_5_q;

    always_ff @(posedge clk_i) begin
        first_q  <= ctr0_i + key0_i;
        key2_q   <= key2;
        key2_1_q <= key2 + 32'd1;
        key0_2_q <= key0_i + 32'd2;
        key1_3_q <= key1_i + 32'd3;
        key2_4_q <= key2 + 32'd4;
        key0_5_q <= key0_i + 32'd5;
    end

    logic [31:0] x1_q;
    always_ff @(posedge clk_i) if (ce_i) x1_q <= ctr1_i + key1_i;

    logic [31:0] a0, a1, b0, b1, c0, c1, d0, d1;

    threefry_rounds #(.R0(13), .R1(15), .R2(26), .R3(6)) rounds_0 (
        .clk_i, .ce_i, .key0_i(key1_i), .key1_i(key2_1_q), .x0_i(first_q), .x1_i(x1_q), .x0_o(a0), .x1_o(a1));
    threefry_rounds #(.R0(17), .R1(29), .R2(16), .R3(24)) rounds_1 (
        .clk_i, .ce_i, .key0_i(key2_q), .key1_i(key0_2_q), .x0_i(a0), .x1_i(a1), .x0_o(b0), .x1_o(b1));
    threefry_rounds #(.R0(13), .R1(15), .R2(26), .R3(6)) rounds_2 (
        .clk_i, .ce_i, .key0_i(key0_i), .key1_i(key1_3_q), .x0_i(b0), .x1_i(b1), .x0_o(c0), .x1_o(c1));
    threefry_rounds #(.R0(17), .R1(29), .R2(16), .R3(24)) rounds_3 (
        .clk_i, .ce_i, .key0_i(key1_i), .key1_i(key2_4_q), .x0_i(c0), .x1_i(c1), .x0_o(d0), .x1_o(d1));
    threefry_rounds #(.R0(13), .R1(15), .R2(26), .R3(6)) rounds_4 (
        .clk_i, .ce_i, .key0_i(key2_q), .key1_i(key0_5_q), .x0_i(d0), .x1_i(d1), .x0_o, .x1_o);
endmodule

`default_nettype wire
