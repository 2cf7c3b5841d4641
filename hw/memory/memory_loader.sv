// SPDX-License-Identifier: Apache-2.0
// Fills a memory of the chip (weights, constants, the denoiser's, activation tables) from a stream of 64-bit words, such as those that dma reads.
// Contract: a job (memory, first word, words) is taken with valid and ready. Its data are the lanes of 32 bit that a QP_WRITE of these words carries, in
// the same order, two in a stream word, the first one in the lower half; a job begins with a stream word of its own and leaves out what is over in its last.
// A job that names no memory, no word or one behind the memory's last is refused: refused_o is high for a cycle, nothing is taken or written.
// done_o is high for a cycle when a job's last lane is written. in_* and wr_* keep valid/ready's rules (wr_en_o is wr_*'s valid, one bit a memory, as
// cpu_bus has them); a lane in every cycle, no cycle between jobs. Nobody else may write the same memory meanwhile: words are collected lane by lane.
`default_nettype none

module memory_loader #(
    parameter int CONV_CORES     = 8,
    parameter int BOTTLENECK_MAX = 8,
    // Words of each memory.
    parameter int WEIGHT_WORDS   = 2048,
    parameter int CONST_WORDS    = 512,
    parameter int DN_PAIR_WORDS  = 256,
    parameter int DN_ROW_WORDS   = 64,
    parameter int TABLES         = 8
) (
    input  wire         clk_i,
    input  wire         rst_i,

    // Jobs. Memory: 0 weights, 1 constants, 2 denoiser pairs, 3 denoiser rows, 4 activation tables
    input  wire         job_valid_i,
    output logic        job_ready_o,
    input  wire  [ 2:0] job_memory_i,
    input  wire  [15:0] job_index_i,
    input  wire  [16:0] job_words_i,
    output logic        busy_o,       // level: lanes are still to be written
    output logic        done_o,       // strobe
    output logic        refused_o,    // strobe

    // Data
    input  wire         in_valid_i,
    output logic        in_ready_o,
    input  wire  [63:0] in_data_i,

    // To the memories' write ports
    output logic [ 4:0] wr_en_o,
    input  wire         wr_ready_i,
    output logic [15:0] wr_index_o,
    output logic [ 5:0] wr_lane_o,
    output logic [31:0] wr_data_o
);
    // --- Jobs --------------------------------------------------------------------------------------------------------------
    logic [16:0] limit;
    logic [ 5:0] last;  // lane of a word
    always_comb begin
        unique case (job_memory_i)
            3'd0:    {limit, last} = {17'(WEIGHT_WORDS), 6'(CONV_CORES * 9 / 4 - 1)};
            3'd1:    {limit, last} = {17'(CONST_WORDS), 6'd9};
            3'd2:    {limit, last} = {17'(DN_PAIR_WORDS), 6'(3 * BOTTLENECK_MAX / 2 + 6)};
            3'd3:    {limit, last} = {17'(DN_ROW_WORDS), 6'(BOTTLENECK_MAX / 2 * 5 + 1)};
            3'd4:    {limit, last} = {17'(TABLES), 6'd63};
            default: {limit, last} = {17'd0, 6'd0};
        endcase
    end
    wire legal = job_words_i != 17'd0 && 18'(job_index_i) + 18'(job_words_i) <= 18'(limit);

    logic        run_q;               // lanes are still to be taken from the stream
    logic [ 4:0] memory_q;
    logic [15:0] index_q;
    logic [16:0] words_q;             // still to do
    logic [ 5:0] lane_q, last_q;
    logic        half_q;              // the next lane is the upper half of the word that was taken
    logic [31:0] upper_q;

    wire advance  = wr_en_o == 5'd0 || wr_ready_i;
    wire step     = run_q && advance && (half_q || in_valid_i);
    wire word_end = lane_q == last_q;
    wire job_end  = word_end && words_q == 17'd1;
    logic out_end_q;                  // the lane on wr_* is a job's last

    assign job_ready_o = !run_q || (step && job_end);
    assign in_ready_o  = run_q && advance && !half_q;
    assign busy_o      = run_q || wr_en_o != 5'd0;
    assign done_o      = wr_en_o != 5'd0 && wr_ready_i && out_end_q;

    always_ff @(posedge clk_i) begin
        refused_o <= job_valid_i && job_ready_o && !legal && !rst_i;
        if (step && job_end)
            run_q <= 1'b0;
        if (job_valid_i && job_ready_o && legal)
            run_q <= 1'b1;
        if (rst_i)
            run_q <= 1'b0;
    end

    always_ff @(posedge clk_i)
        if (job_valid_i && job_ready_o) begin
            memory_q <= 5'd1 << job_memory_i;
            index_q  <= job_index_i;
            words_q  <= job_words_i;
            last_q   <= last;
            lane_q   <= 6'd0;
            half_q   <= 1'b0;
        end else if (step) begin
            half_q <= !half_q && !job_end;
            lane_q <= word_end ? 6'd0 : lane_q + 6'd1;
            if (word_end) begin
                index_q <= index_q + 16'd1;
                words_q <= words_q - 17'd1;
            end
        end

    // --- Lanes -------------------------------------------------------------------------------------------------------------
    always_ff @(posedge clk_i) begin
        if (in_valid_i && in_ready_o)
            upper_q <= in_data_i[63:32];
        if (advance) begin
            wr_en_o    <= step ? memory_q : 5'd0;
            wr_index_o <= index_q;
            wr_lane_o  <= lane_q;
            wr_data_o  <= half_q ? upper_q : in_data_i[31:0];
            out_end_q  <= job_end;
        end
        if (rst_i)
            wr_en_o <= 5'd0;
    end
endmodule

`default_nettype wire
