// SPDX-License-Identifier: Apache-2.0
// The noise of one layer: pairs of normal samples from Threefry and Box-Muller, for the pair numbers of a slice of its channels: 4 * at_i and those behind it,
// 4 * run_i of a pixel, then 4 * skip_i are left out. skip_i = at_i = 0: pair numbers 0...pairs_i - 1.
// Contract: start_i latches the parameters; then exactly pairs_i beats in order, the first 40 clocks after the start, then one a clock. A start while
// pairs are left drops them; pairs_i = 0 gives none. idle_o: nothing left to hand over. The whole pipeline stands still (one clock enable)
// while nobody takes samples and when idle.
`default_nettype none

module gaussian_source (
    input  wire logic        clk_i,
    input  wire logic        rst_i,

    input  wire logic        start_i,
    input  wire logic [31:0] seed_i,
    input  wire logic [2:0]  purpose_i,    // enum qa_purpose
    input  wire logic [7:0]  layer_i,
    input  wire logic [31:0] inference_i,
    input  wire logic [31:0] pairs_i,
    input  wire logic [11:0] at_i,         // words of four pairs; likewise
    input  wire logic [11:0] run_i,        // at least 1 where skip_i is not 0
    input  wire logic [11:0] skip_i,
    output      logic        idle_o,

    // {eps[2k + 1], eps[2k]}, 2 x s4.11
    output      logic        gauss_valid_o,
    input  wire logic        gauss_ready_i,
    output      logic [31:0] gauss_data_o
);
    // Clocks from a pair number to its samples: 26 in threefry, 11 in box_muller.
    localparam logic [5:0] LATENCY = 6'd37;

    logic [31:0] seed_q, inference_q, pair_q, left_q;
    logic [10:0] layer_q;                  // {purpose, layer}
    logic [5:0]  filling_q;                // enabled clocks until the first pair is at the pipeline's end
    logic [11:0] words_q, skip_q;          // run_i, skip_i
    logic [13:0] run_left_q;               // pairs left in this run, minus 1
    logic        run_end_q;                // run_left_q = 0
    logic        settle_q, run_q;          // the key schedule needs one clock before the first enabled one
    logic        primed_q, last_q;         // filling_q = 0; left_q = 1
    // run_q, and room in the skid buffer. A flip-flop of its own, because it enables some 2000 others: neither they nor the counters wait for
    // logic behind the skid buffer's valid.
    logic        advance_q;
    logic        room;

    wire taken  = advance_q & primed_q;
    wire room_d = !gauss_valid_o | gauss_ready_i | (room & !taken);
    wire run_d  = !start_i & (settle_q | (run_q & !(taken & last_q)));

    always_ff @(posedge clk_i) begin
        if (start_i) begin
            seed_q      <= seed_i;
            inference_q <= inference_i;
            layer_q     <= {purpose_i, layer_i};
            pair_q      <= {18'd0, at_i, 2'd0};
            words_q     <= run_i;
            skip_q      <= skip_i;
            run_left_q  <= {run_i - 12'd1, 2'd3};
            run_end_q   <= 1'b0;           // a run has four pairs or more
            left_q      <= pairs_i;
            filling_q   <= LATENCY;
            primed_q    <= 1'b0;
        end else if (advance_q) begin
            pair_q <= pair_q + {18'd0, skip_q & {12{run_end_q}}, 2'd1};
            run_left_q <= run_end_q ? {words_q - 12'd1, 2'd3} : run_left_q - 14'd1;
            run_end_q  <= run_left_q == 14'd1;
            if (primed_q) left_q <= left_q - 32'd1;
            else filling_q <= filling_q - 6'd1;
            if (filling_q == 6'd1) primed_q <= 1'b1;
        end
        if (settle_q) last_q <= left_q == 32'd1;
        else if (taken) last_q <= left_q == 32'd2;
    end

    always_ff @(posedge clk_i) begin
        if (rst_i) begin
            settle_q  <= 1'b0;
            run_q     <= 1'b0;
            advance_q <= 1'b0;
        end else begin
            settle_q  <= start_i & (pairs_i != 32'd0);
            run_q     <= run_d;
            advance_q <= run_d & room_d;
        end
    end

    logic [31:0] x0, x1;
    threefry threefry (
        .clk_i, .ce_i(advance_q),
        .key0_i(seed_q), .key1_i({5'd0, layer_q[10:8], 16'd0, layer_q[7:0]}), .ctr0_i(inference_q), .ctr1_i(pair_q),
        .x0_o(x0), .x1_o(x1));

    logic [31:0] eps;
    box_muller box_muller (.clk_i, .ce_i(advance_q), .u0_i({x1[15:0], x0}), .u1_i(x1[31:16]), .eps_o(eps));

    // room_d says what its ready will be.
    skid_buffer #(.WIDTH(32)) skid (
        .clk_i, .rst_i(rst_i | start_i),
        .in_valid_i(taken), .in_ready_o(room), .in_data_i(eps),
        .out_valid_o(gauss_valid_o), .out_ready_i(gauss_ready_i), .out_data_o(gauss_data_o));

    assign idle_o = !run_q & !settle_q & !gauss_valid_o;
endmodule

`default_nettype wire
