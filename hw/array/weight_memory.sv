// SPDX-License-Identifier: Apache-2.0
//
// The weights of the array: one word holds nine int8 weights for each core, byte core*9 + tap.
//
// Write port: 32-bit lanes, CONV_CORES*9/4 a word, in ascending order, one a cycle at most. Nine lanes are four cores' weights;
// they are collected and stored as one chunk a cycle after the ninth came, so the word is complete with its last lane.
// Read port: address in cycle t, word in t+1 straight from the block RAM: the register after it is the operand register of the
// conv cores. A word that is read in the cycle of its writing is undefined: nobody writes weights of a running layer.
`default_nettype none

module weight_memory #(
    // Convolution cores: 72 bits of the word each. 8 or 16.
    parameter int CONV_CORES = 8,
    // Words, a power of two, at most 65536. 2048 words cost 8 block RAMs a core.
    parameter int WEIGHT_WORDS = 2048,
    localparam int AW = $clog2(WEIGHT_WORDS)
) (
    input  wire                      clk_i,
    input  wire                      rst_i,

    // Write
    input  wire                      wr_en_i,
    input  wire  [15:0]              wr_index_i,
    input  wire  [5:0]               wr_lane_i,
    input  wire  [31:0]              wr_data_i,

    // Read
    input  wire  [AW-1:0]            rd_addr_i,
    output logic [CONV_CORES*72-1:0] rd_data_o
);
    localparam int CHUNKS = CONV_CORES / 4;

    logic [287:0]    collect_q;          // the last nine lanes, the newest on top
    logic [AW-1:0]   index_q;
    logic [CHUNKS-1:0] store_q;

    always_ff @(posedge clk_i) begin
        if (wr_en_i) begin
            collect_q <= {wr_data_i, collect_q[287:32]};
            index_q   <= wr_index_i[AW-1:0];
        end
        for (int c = 0; c < CHUNKS; c++)
            store_q[c] <= !rst_i && wr_en_i && wr_lane_i == 6'(c*9 + 8);
    end
    wire unused_index = ^wr_index_i;

    for (genvar c = 0; c < CHUNKS; c++) begin : g_chunk
        (* no_rw_check *) logic [287:0] memory [0:WEIGHT_WORDS-1];
        always_ff @(posedge clk_i) begin
            if (store_q[c])
                memory[index_q] <= collect_q;
            rd_data_o[c*288 +: 288] <= memory[rd_addr_i];
        end
    end
endmodule

`default_nettype wire
