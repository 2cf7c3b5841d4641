// SPDX-License-Identifier: Apache-2.0
//
// Weights that are written 32 bits at a time and read a wide word at a time: lanes FIRST...FIRST+LANES-1 of a memory word, a block RAM
// each. A lane is stored as it comes; a word is complete with its last lane. Reads as dn_ram: data two cycles after the address.
`default_nettype none

module dn_memory #(
    // Words, a power of two
    parameter int WORDS = 256,
    // First of the lanes kept here
    parameter int FIRST = 0,
    // Number of lanes kept here; each costs a block RAM (up to 512 words)
    parameter int LANES = 2
) (
    input  wire                      clk_i,

    input  wire                      wr_en_i,
    input  wire  [$clog2(WORDS)-1:0] wr_index_i,
    input  wire  [5:0]               wr_lane_i,
    input  wire  [31:0]              wr_data_i,

    input  wire                      rd_en_i,
    input  wire  [$clog2(WORDS)-1:0] rd_addr_i,
    output wire  [LANES*32-1:0]      rd_data_o
);
    for (genvar l = 0; l < LANES; l++) begin : g_lane
        dn_ram #(.WIDTH(32), .WORDS(WORDS)) ram (
            .clk_i, .wr_en_i(wr_en_i && wr_lane_i == 6'(FIRST + l)), .wr_addr_i(wr_index_i), .wr_data_i,
            .rd_en_i, .rd_addr_i, .rd_data_o(rd_data_o[l*32 +: 32]));
    end
endmodule

`default_nettype wire
