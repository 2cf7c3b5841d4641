// SPDX-License-Identifier: Apache-2.0
// The way of a layer's weights: the memory chip (the bench's model), LiteDRAM, dma's stream 0, memory_loader, weight_memory.
`default_nettype none

module loader_sdram (
    input  wire          clk_i,
    input  wire          rst_i,

    input  wire          region_valid_i,
    input  wire  [  1:0] region_stream_i,
    input  wire  [ 21:0] region_base_i,
    input  wire  [ 22:0] region_limit_i,
    input  wire          desc_valid_i,
    output logic         desc_ready_o,
    input  wire  [  1:0] desc_stream_i,
    input  wire  [ 21:0] desc_addr_i,
    input  wire  [ 22:0] desc_words_i,
    output logic [  2:0] busy_o,
    output logic [  2:0] refused_o,
    input  wire          wr_valid_i,
    output logic         wr_ready_o,
    input  wire  [ 63:0] wr_data_i,

    input  wire          job_valid_i,
    output logic         job_ready_o,
    input  wire  [ 15:0] job_index_i,
    input  wire  [ 16:0] job_words_i,
    output logic         load_busy_o,
    output logic         load_done_o,
    output logic         load_refused_o,
    input  wire          port_free_i,   // low: the processor has the write port
    input  wire  [ 10:0] rd_addr_i,
    output logic [575:0] rd_data_o,

    input  wire          ctrl_valid_i,
    output logic         ctrl_ready_o,
    input  wire  [ 29:0] ctrl_addr_i,
    input  wire  [ 31:0] ctrl_data_i,
    output logic         init_done_o,

    output logic [ 12:0] sdram_a_o,
    output logic [  1:0] sdram_ba_o,
    output logic         sdram_ras_n_o,
    output logic         sdram_cas_n_o,
    output logic         sdram_we_n_o,
    output logic         sdram_cs_n_o,
    output logic         sdram_cke_o,
    output logic [  1:0] sdram_dm_o,
    output logic [ 15:0] sdram_dq_o,
    output logic [ 15:0] sdram_dq_oe_o,
    input  wire  [ 15:0] sdram_dq_i
);
    logic rd0_valid_o, rd0_ready_i, rd0_last_o, rd1_valid_o, rd1_last_o, misused_o;
    logic [63:0] rd0_data_o, rd1_data_o;
    logic [2:0] done_o;
    logic [31:0] count_bytes_read_o, count_bytes_written_o, count_wait_rd0_o, count_wait_rd1_o, count_wait_wr_o;
    dma_sdram memory (.clear_i(3'd0), .count_clear_i(1'b0), .rd1_ready_i(1'b0), .*);

    logic [4:0] wr_en;
    logic [15:0] wr_index;
    logic [5:0] wr_lane;
    logic [31:0] wr_data;
    memory_loader loader (
        .clk_i(clk_i),
        .rst_i(rst_i),
        .job_valid_i(job_valid_i),
        .job_ready_o(job_ready_o),
        .job_memory_i(3'd0),
        .job_index_i(job_index_i),
        .job_words_i(job_words_i),
        .busy_o(load_busy_o),
        .done_o(load_done_o),
        .refused_o(load_refused_o),
        .in_valid_i(rd0_valid_o),
        .in_ready_o(rd0_ready_i),
        .in_data_i(rd0_data_o),
        .wr_en_o(wr_en),
        .wr_ready_i(port_free_i),
        .wr_index_o(wr_index),
        .wr_lane_o(wr_lane),
        .wr_data_o(wr_data)
    );
    weight_memory weights (
        .clk_i(clk_i),
        .rst_i(rst_i),
        .wr_en_i(wr_en[0] && port_free_i),
        .wr_index_i(wr_index),
        .wr_lane_i(wr_lane),
        .wr_data_i(wr_data),
        .rd_addr_i(rd_addr_i),
        .rd_data_o(rd_data_o)
    );
    wire unused = &{1'b0, wr_en, rd0_last_o, rd1_valid_o, rd1_last_o, rd1_data_o, misused_o, done_o, count_bytes_read_o, count_bytes_written_o, count_wait_rd0_o, count_wait_rd1_o, count_wait_wr_o};
endmodule

`default_nettype wire
