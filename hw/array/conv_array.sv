// SPDX-License-Identifier: Apache-2.0
//
// The multipliers: CONV_CORES conv cores, one output channel each, work on the window stream with words of weight memory and send sums
// to the row buffer.
//
//   conv3x3    a window stays for as many cycles as its group has channels; in each the cores get the nine taps of one channel
//   conv1x1    one cycle a window; the cores get its eight channels (padded channels have weight 0)
//   depthwise  one cycle a window; core k gets the nine taps of channel k
//
// Weight words are used in ascending order from cfg_w_addr, one run of them a pass (one row of windows), all again for each output row.
// A window's sum over channels (and, for single-column outputs, over all windows and input groups) is made in a register, then added to the
// row buffer. 32-bit wrap-around: the compiler bounds the final sum. From issue to the row buffer's add port 4 cycles; no stall inside.
// Rate: one cycle a channel or window without gaps, except while no row bank is free, and before a pass that would come back to an
// accumulator within 4 cycles, before its last sum is stored (2 or 3 windows a pass: 2 or 1 cycles).
`default_nettype none

module conv_array #(
    // Convolution cores, nine multipliers each. 8 or 16; depthwise uses eight of them.
    parameter int CONV_CORES = 8,
    // Row buffer words, a power of two.
    parameter int ROW_WORDS = 512,
    // Weight memory words, a power of two.
    parameter int WEIGHT_WORDS = 2048,
    localparam int HALVES = CONV_CORES / 8,
    localparam int RW = $clog2(ROW_WORDS),
    localparam int WW = $clog2(WEIGHT_WORDS)
) (
    input  wire                      clk_i,
    input  wire                      rst_i,

    // Layer
    input  wire                      start_i,
    input  wire  [1:0]               cfg_mode_i,
    input  wire  [15:0]              cfg_w_addr_i,
    input  wire  [9:0]               cfg_out_w_i,
    input  wire  [2:0]               cfg_in_last_i,
    input  wire  [11:0]              cfg_out_c8_i,

    // Windows
    input  wire                      window_valid_i,
    output logic                     window_ready_o,
    input  wire  [647:0]             window_data_i,
    input  wire  [5:0]               window_flags_i,

    // Weight memory, data one cycle after the address
    output logic [WW-1:0]            weight_addr_o,
    input  wire  [CONV_CORES*72-1:0] weight_data_i,

    // Row buffer
    input  wire                      bank_free_i,
    output logic                     bank_claim_o,
    output logic                     add_valid_o,
    output logic [RW-1:0]            add_addr_o,
    output logic                     add_first_o,
    output logic [HALVES-1:0]        add_half_o,
    output logic                     add_row_last_o,
    output logic                     add_layer_last_o,
    output logic [CONV_CORES*32-1:0] add_data_o,

    // Counters
    output logic                     busy_o,
    output logic                     starved_o,
    output logic                     blocked_o,
    output logic [7:0]               macs_o
);
    localparam logic [1:0] CONV3X3 = 2'd0, CONV1X1 = 2'd1, DEPTHWISE = 2'd2;

    if (CONV_CORES != 8 && CONV_CORES != 16) begin : g_illegal
        initial $fatal(1, "CONV_CORES must be 8 or 16");
    end

    // --- Issue: one channel or window a cycle ----------------------------------------------------------------------------------
    wire is_3x3 = cfg_mode_i == CONV3X3;
    wire is_1x1 = cfg_mode_i == CONV1X1;
    wire is_dw  = cfg_mode_i == DEPTHWISE;
    wire sum_first  = window_flags_i[0];
    wire sum_last   = window_flags_i[1];
    wire pass_last  = window_flags_i[2];
    wire row_last   = window_flags_i[3];
    wire layer_last = window_flags_i[4];
    wire group_last = window_flags_i[5];

    logic          active_q;
    logic          row_first_q;          // the next window begins an output row
    logic [2:0]    channel_q;
    logic [WW-1:0] pass_weight_q;        // first weight word of the pass
    logic [11:0]   group_q;              // output group (of eight channels in depthwise)
    logic [RW-1:0] word_q;               // accumulator of the window
    logic [1:0]    hold_q;               // cycles to wait for the add pipeline

    wire blocked = row_first_q && !bank_free_i;
    wire go      = active_q && window_valid_i && !blocked && hold_q == 2'd0;
    wire [2:0] channels_m1 = group_last ? cfg_in_last_i : 3'd7;
    wire window_end = !is_3x3 || channel_q == channels_m1;
    wire [11:0] groups = HALVES == 2 ? 12'((13'(cfg_out_c8_i) + 13'd1) >> 1) : cfg_out_c8_i;
    wire [11:0] group_next = row_last ? 12'd0 : sum_last ? group_q + 12'd1 : group_q;
    wire [11:0] word_next  = HALVES == 2 && is_dw ? group_next >> 1 : group_next;
    // A single output column keeps its sum in the register over all windows and input groups.
    wire single = cfg_out_w_i == 10'd1;
    wire revisit_soon = cfg_out_w_i < 10'd4 && !single && !(is_3x3 && cfg_in_last_i != 3'd0);

    assign window_ready_o = go && window_end;
    assign bank_claim_o   = go && row_first_q;
    assign busy_o         = go;
    assign blocked_o      = active_q && blocked;
    assign starved_o      = active_q && !blocked && !window_valid_i;

    always_ff @(posedge clk_i) begin
        if (hold_q != 2'd0)
            hold_q <= hold_q - 2'd1;
        if (!active_q) begin
            row_first_q   <= 1'b1;
            channel_q     <= 3'd0;
            weight_addr_o <= cfg_w_addr_i[WW-1:0];
            pass_weight_q <= cfg_w_addr_i[WW-1:0];
            group_q       <= 12'd0;
            word_q        <= '0;
            active_q      <= start_i;
        end else if (go) begin
            row_first_q   <= 1'b0;
            channel_q     <= window_end ? 3'd0 : channel_q + 3'd1;
            weight_addr_o <= weight_addr_o + WW'(1);
            if (window_end) begin
                word_q <= word_q + RW'(groups);
                if (!pass_last)
                    weight_addr_o <= pass_weight_q;
                else begin
                    pass_weight_q <= weight_addr_o + WW'(1);
                    group_q       <= group_next;
                    word_q        <= RW'(word_next);
                    if (revisit_soon && !sum_last)
                        hold_q <= cfg_out_w_i[0] ? 2'd1 : 2'd2;
                end
                if (row_last) begin
                    row_first_q   <= 1'b1;
                    weight_addr_o <= cfg_w_addr_i[WW-1:0];
                    pass_weight_q <= cfg_w_addr_i[WW-1:0];
                end
                if (layer_last)
                    active_q <= 1'b0;
            end
        end
        if (rst_i) begin
            active_q <= 1'b0;
            hold_q   <= 2'd0;
        end
    end
    wire unused = ^{cfg_w_addr_i, word_next, groups};

    // --- Operands: registered while the weight word is read ------------------------------------------------------------------------
    logic [80:0]  channel;               // nine taps s8.0 of channel channel_q, by a tree of multiplexers
    for (genvar t = 0; t < 9; t++) begin : g_channel
        wire  [71:0] tap = window_data_i[t*72 +: 72];
        logic [8:0]  of_channel;
        always_comb
            if (channel_q[2])
                if (channel_q[1])
                    of_channel = channel_q[0] ? tap[71:63] : tap[62:54];
                else
                    of_channel = channel_q[0] ? tap[53:45] : tap[44:36];
            else if (channel_q[1])
                of_channel = channel_q[0] ? tap[35:27] : tap[26:18];
            else
                of_channel = channel_q[0] ? tap[17:9] : tap[8:0];
        assign channel[t*9 +: 9] = of_channel;
    end
    // keep: otherwise Yosys multiplies the multiplexers before it by the eight after it (750 LUT4).
    (* keep *) logic [80:0] shared;      // nine s8.0 for every core
    logic [80:0]  shared_q;
    wire  [647:0] own;                   // core k < 8 at k*81: shared, or its own channel
    for (genvar t = 0; t < 9; t++) begin : g_shared
        if (t < 8) begin : g_tap
            assign shared[t*9 +: 9] = is_1x1 ? window_data_i[(5*8 + t)*9 +: 9] : channel[t*9 +: 9];
        end else begin : g_ninth
            assign shared[t*9 +: 9] = is_1x1 ? 9'd0 : channel[t*9 +: 9];
        end
    end
    always_ff @(posedge clk_i)
        shared_q <= shared;
    for (genvar k = 0; k < 8; k++) begin : g_own
        for (genvar t = 0; t < 9; t++) begin : g_tap
            logic [8:0] q;
            always_ff @(posedge clk_i)
                q <= is_dw ? window_data_i[(t*8 + k)*9 +: 9] : shared[t*9 +: 9];
            assign own[k*81 + t*9 +: 9] = q;
        end
    end

    // --- What goes with the sums. Bit or slice n: n+1 cycles after the issue ---------------------------------------------------------
    logic [4:0]          go_q, start_q;
    logic [3:0]          flush_q, first_q, row_last_q, layer_last_q;
    logic [4*RW-1:0]     word_pipe_q;
    logic [4*HALVES-1:0] half_pipe_q;
    wire [HALVES-1:0] half = HALVES == 2 && is_dw ? HALVES'(group_q[0] ? 2 : 1) : '1;
    always_ff @(posedge clk_i) begin
        go_q         <= {go_q[3:0], go};
        start_q      <= {start_q[3:0], channel_q == 3'd0 && (sum_first || !single)};
        flush_q      <= {flush_q[2:0], go && window_end && (sum_last || !single)};
        first_q      <= {first_q[2:0], sum_first || single};
        row_last_q   <= {row_last_q[2:0], row_last};
        layer_last_q <= {layer_last_q[2:0], layer_last};
        word_pipe_q  <= {word_pipe_q[3*RW-1:0], word_q};
        half_pipe_q  <= {half_pipe_q[3*HALVES-1:0], half};
        if (rst_i) begin
            go_q    <= 5'b0;
            flush_q <= 4'b0;
        end
    end
    assign add_valid_o      = flush_q[3];
    assign add_addr_o       = word_pipe_q[3*RW +: RW];
    assign add_first_o      = first_q[3];
    assign add_half_o       = half_pipe_q[3*HALVES +: HALVES];
    assign add_row_last_o   = row_last_q[3];
    assign add_layer_last_o = layer_last_q[3];

    // --- Cores and the sums over channels ---------------------------------------------------------------------------------------------
    wire [CONV_CORES*21-1:0] sum;        // s20.0 each
    for (genvar k = 0; k < CONV_CORES; k++) begin : g_core
        conv_core core (
            .clk_i, .en_i(1'b1),
            .operand_i(k < 8 ? own[(k % 8)*81 +: 81] : shared_q), .weight_i(weight_data_i[k*72 +: 72]),
            .sum_o(sum[k*21 +: 21])
        );
        // Depthwise: the upper half of a word gets its sums from the lower cores too.
        wire signed [20:0] mine = k >= 8 && is_dw ? sum[(k % 8)*21 +: 21] : sum[k*21 +: 21];
        always_ff @(posedge clk_i)
            if (go_q[4])
                add_data_o[k*32 +: 32] <= (start_q[4] ? 32'd0 : add_data_o[k*32 +: 32]) + 32'(mine);
    end
    if (HALVES == 1) begin : g_unused
        wire unused_shared = ^shared_q;
    end

    // --- Useful multiply-accumulates of this cycle: taps or real channels, times the cores in use ---------------------------------------
    wire half_used = HALVES == 1 || is_dw || (cfg_out_c8_i[0] && group_q == groups - 12'd1);
    wire [3:0] per_core = is_1x1 ? {1'b0, channels_m1} + 4'd1 : 4'd9;
    always_ff @(posedge clk_i)
        macs_o <= !go ? 8'd0 : half_used ? {1'b0, per_core, 3'b0} : {per_core, 4'b0};
endmodule

`default_nettype wire
