// SPDX-License-Identifier: Apache-2.0
//
// Row accumulators in two banks: the array adds partial sums into one while the other, a complete output row, leaves as acc stream.
// A word holds CONV_CORES int32 sums of one pixel and output group, at address x*groups + group.
//
// Add port, never stalled: add_valid_i with address and flags in cycle t, the sums in t+2. add_first_i stores them, otherwise they are
// added to what is there. A second access to an address must come 4 cycles or more after the first (the array sees to it).
// add_row_last_i hands the bank over with this word; the next one goes to the other bank. The array asks first: it takes a bank
// with claim_i while free_o is high (free_o does not know of what is under way in the add pipeline, claims do).
// stored_last_o: the word with add_layer_last_i is stored and its row handed over.
// acc stream: {acc[c+1], acc[c]}, memory order (x, channel pair), out_w*out_c8*4 beats a row; the sizes are latched at the hand-over.
`default_nettype none

module row_buffer #(
    // Accumulators a word. 8 or 16.
    parameter int CONV_CORES = 8,
    // Words a bank, a power of two: limits out_w * groups. Up to 512, a bank is one block RAM a core.
    parameter int ROW_WORDS = 512,
    localparam int HALVES = CONV_CORES / 8,
    localparam int AW = $clog2(ROW_WORDS),
    localparam int BW = $clog2(CONV_CORES / 2)
) (
    input  wire                      clk_i,
    input  wire                      rst_i,

    // Layer
    input  wire  [9:0]               cfg_out_w_i,
    input  wire  [11:0]              cfg_out_c8_i,

    // Banks
    output logic                     free_o,
    input  wire                      claim_i,

    // Add
    input  wire                      add_valid_i,
    input  wire  [AW-1:0]            add_addr_i,
    input  wire                      add_first_i,
    input  wire  [HALVES-1:0]        add_half_i,        // which groups of eight accumulators are written
    input  wire                      add_row_last_i,
    input  wire                      add_layer_last_i,
    input  wire  [CONV_CORES*32-1:0] add_data_i,        // two cycles later
    output logic                     stored_last_o,

    // Accumulators out
    output logic                     acc_valid_o,
    input  wire                      acc_ready_i,
    output logic [63:0]              acc_data_o
);
    // --- Add pipeline: read (add_valid_i), block-RAM output, register and sum, write -----------------------------------------
    logic                     fill_q;                   // bank being filled
    logic [2:0]               valid_q, bank_q, row_last_q, layer_last_q;            // bit n: n+1 cycles after add_valid_i
    logic [1:0]               first_q;
    logic [3*AW-1:0]          addr_q;
    logic [3*HALVES-1:0]      half_q;
    logic [CONV_CORES*32-1:0] total_q;
    wire  [CONV_CORES*32-1:0] read0, read1;             // registered words of the banks
    wire  [CONV_CORES*32-1:0] old = bank_q[1] ? read1 : read0;
    wire  store = valid_q[2];
    wire  stored_row = store && row_last_q[2];

    always_ff @(posedge clk_i) begin
        valid_q      <= {valid_q[1:0], add_valid_i};
        first_q      <= {first_q[0], add_first_i};
        bank_q       <= {bank_q[1:0], fill_q};
        row_last_q   <= {row_last_q[1:0], add_row_last_i};
        layer_last_q <= {layer_last_q[1:0], add_layer_last_i};
        addr_q       <= {addr_q[2*AW-1:0], add_addr_i};
        half_q       <= {half_q[2*HALVES-1:0], add_half_i};
        for (int k = 0; k < CONV_CORES; k++)
            total_q[k*32 +: 32] <= add_data_i[k*32 +: 32] + (first_q[1] ? 32'd0 : old[k*32 +: 32]);
        if (add_valid_i && add_row_last_i)
            fill_q <= !fill_q;
        stored_last_o <= stored_row && layer_last_q[2];
        if (rst_i) begin
            valid_q       <= 3'b0;
            fill_q        <= 1'b0;
            stored_last_o <= 1'b0;
        end
    end

    // --- Drain: block-RAM output, word register, skid buffer of pairs; each moves on when the next is empty or emptied. The skid buffer
    // keeps the ready of post-processing out of this chain.
    logic [1:0]  full_q;                 // row complete, still to be read
    logic [9:0]  width0_q, width1_q;
    logic [11:0] c80_q, c81_q;
    logic        drain_q;                // bank being drained
    logic        run_q;                  // words left to read
    logic [9:0]  x_q;                    // pixels left
    logic [11:0] c_q;                    // channel words left in this pixel
    logic [AW-1:0] read_q;
    logic        raw_valid_q, raw_last_q, raw_short_q;
    logic        word_valid_q, word_last_q, word_short_q;
    logic [2:0]  beat_q;

    wire [9:0]   width   = drain_q ? width1_q : width0_q;
    wire [11:0]  c8      = drain_q ? c81_q : c80_q;
    wire         short_w = HALVES == 1 || c_q == 12'd1;      // the word carries eight channels
    wire         pixel_end = c_q <= 12'(HALVES);
    wire         row_end = pixel_end && x_q == 10'd1;
    wire         pair_move;              // the skid buffer takes a pair
    wire         word_end  = word_valid_q && pair_move && beat_q == (word_short_q ? 3'd3 : 3'd7);
    wire         word_move = !word_valid_q || word_end;
    wire         raw_move  = !raw_valid_q || word_move;
    wire         read      = run_q && raw_move;
    wire         release_bank = word_end && word_last_q;

    always_ff @(posedge clk_i) begin
        if (stored_row && !bank_q[2]) begin
            width0_q <= cfg_out_w_i;
            c80_q    <= cfg_out_c8_i;
        end
        if (stored_row && bank_q[2]) begin
            width1_q <= cfg_out_w_i;
            c81_q    <= cfg_out_c8_i;
        end

        if (!run_q) begin
            x_q    <= width;
            c_q    <= c8;
            read_q <= '0;
        end else if (read) begin
            read_q <= read_q + AW'(1);
            c_q    <= pixel_end ? c8 : c_q - 12'(HALVES);
            if (pixel_end) x_q <= x_q - 10'd1;
        end
        if (raw_move) begin
            raw_last_q  <= row_end;
            raw_short_q <= short_w;
        end
        if (word_move) begin
            word_last_q  <= raw_last_q;
            word_short_q <= raw_short_q;
        end

        if (!run_q)
            run_q <= full_q[drain_q] && !raw_valid_q && !word_valid_q;
        else if (read && row_end)
            run_q <= 1'b0;
        if (raw_move) raw_valid_q <= read;
        if (word_move) word_valid_q <= raw_valid_q;
        if (word_valid_q && pair_move) beat_q <= word_end ? 3'd0 : beat_q + 3'd1;

        if (stored_row) full_q[bank_q[2]] <= 1'b1;
        if (release_bank) begin
            full_q[drain_q] <= 1'b0;
            drain_q         <= !drain_q;
        end
        if (rst_i) begin
            full_q       <= 2'b0;
            drain_q      <= 1'b0;
            run_q        <= 1'b0;
            raw_valid_q  <= 1'b0;
            word_valid_q <= 1'b0;
            beat_q       <= 3'd0;
        end
    end

    wire [63:0] pair = drain_q ? read1[{beat_q[BW-1:0], 6'b0} +: 64] : read0[{beat_q[BW-1:0], 6'b0} +: 64];
    skid_buffer #(.WIDTH(64)) pairs (
        .clk_i, .rst_i, .in_valid_i(word_valid_q), .in_ready_o(pair_move), .in_data_i(pair),
        .out_valid_o(acc_valid_o), .out_ready_i(acc_ready_i), .out_data_o(acc_data_o));

    // --- Banks claimed by the array and not yet drained ----------------------------------------------------------------------
    logic [1:0] claimed_q;
    assign free_o = !claimed_q[1];
    always_ff @(posedge clk_i) begin
        if (claim_i != release_bank)
            claimed_q <= claim_i ? claimed_q + 2'd1 : claimed_q - 2'd1;
        if (rst_i)
            claimed_q <= 2'd0;
    end

    // --- The banks: one read port, used by the add pipeline or by the drain ----------------------------------------------------
    for (genvar b = 0; b < 2; b++) begin : g_bank
        wire draining = full_q[b] && drain_q == 1'(b);
        wire en = draining ? read : 1'b1;
        wire reg_en = draining ? word_move : 1'b1;
        wire [AW-1:0] addr = draining ? read_q : add_addr_i;
        logic [CONV_CORES*32-1:0] out_q;
        for (genvar h = 0; h < HALVES; h++) begin : g_half
            (* no_rw_check *) logic [255:0] memory [0:ROW_WORDS-1];
            logic [255:0] raw_q;
            wire we = store && bank_q[2] == 1'(b) && half_q[2*HALVES + h];
            always_ff @(posedge clk_i) begin
                if (we)
                    memory[addr_q[2*AW +: AW]] <= total_q[h*256 +: 256];
                if (en)
                    raw_q <= memory[addr];
                if (reg_en)
                    out_q[h*256 +: 256] <= raw_q;
            end
        end
        if (b == 0) begin : g_out
            assign read0 = out_q;
        end else begin : g_out
            assign read1 = out_q;
        end
    end
endmodule

`default_nettype wire
