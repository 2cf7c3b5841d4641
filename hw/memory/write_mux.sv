// SPDX-License-Identifier: Apache-2.0
// The write ports of the memories that processor (cpu_bus) and memory_loader both fill: weights, constants, denoiser pairs and rows, activation tables.
// Contract: the processor's lane always passes, and the loader waits that cycle; what passes is on the ports a cycle later. Each memory collects the lanes
// of its own words, so that lanes for different memories may come in any mixture; two writers of one memory at a time spoil both their words.
`default_nettype none

module write_mux (
    input  wire         clk_i,
    input  wire         rst_i,

    // Processor
    input  wire  [ 4:0] cpu_en_i,
    input  wire  [15:0] cpu_index_i,
    input  wire  [ 5:0] cpu_lane_i,
    input  wire  [31:0] cpu_data_i,

    // Loader
    input  wire  [ 4:0] load_en_i,
    output logic        load_ready_o,
    input  wire  [15:0] load_index_i,
    input  wire  [ 5:0] load_lane_i,
    input  wire  [31:0] load_data_i,

    // Memories
    output logic [ 4:0] wr_en_o,
    output logic [15:0] wr_index_o,
    output logic [ 5:0] wr_lane_o,
    output logic [31:0] wr_data_o
);
    wire cpu = cpu_en_i != 5'd0;
    assign load_ready_o = !cpu;

    always_ff @(posedge clk_i) begin
        wr_en_o    <= rst_i ? 5'd0 : cpu ? cpu_en_i : load_en_i;
        wr_index_o <= cpu ? cpu_index_i : load_index_i;
        wr_lane_o  <= cpu ? cpu_lane_i : load_lane_i;
        wr_data_o  <= cpu ? cpu_data_i : load_data_i;
    end
endmodule

`default_nettype wire
