// SPDX-License-Identifier: Apache-2.0
// The external memory as the chip has it, for its bench: memory_system, the board's controller and a weight memory; the memory chip is the bench's model.
`default_nettype none

module memory_sdram (
    input  wire          clk_i,
    input  wire          rst_i,

    input  wire          reg_wr_i,
    input  wire  [ 11:0] reg_addr_i,
    input  wire  [ 31:0] reg_wdata_i,
    output logic [ 31:0] reg_rdata_o,
    input  wire          array_idle_i,
    output logic         busy_o,
    output logic         ctrl_rst_o,

    input  wire  [  4:0] cpu_en_i,
    input  wire  [ 15:0] cpu_index_i,
    input  wire  [  5:0] cpu_lane_i,
    input  wire  [ 31:0] cpu_data_i,
    output logic [  4:0] wr_en_o,
    output logic [ 15:0] wr_index_o,
    output logic [  5:0] wr_lane_o,
    output logic [ 31:0] wr_data_o,
    input  wire  [ 10:0] rd_addr_i,
    output logic [575:0] rd_data_o,

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
    logic mem_rd0_cmd_valid, mem_rd0_cmd_ready, mem_rd0_data_valid, mem_rd1_cmd_valid, mem_rd1_cmd_ready, mem_rd1_data_valid;
    logic mem_wr_cmd_valid, mem_wr_cmd_ready, mem_wr_data_ready, ctrl_valid, ctrl_ready;
    logic [23:0] mem_rd0_cmd_addr, mem_rd1_cmd_addr, mem_wr_cmd_addr;
    logic [15:0] mem_rd0_data, mem_rd1_data, mem_wr_data;
    logic [29:0] ctrl_addr;
    logic [31:0] ctrl_data;

    memory_system memory (
        .stream_clk_i        (clk_i),
        .mem_rd0_cmd_valid_o (mem_rd0_cmd_valid),
        .mem_rd0_cmd_ready_i (mem_rd0_cmd_ready),
        .mem_rd0_cmd_addr_o  (mem_rd0_cmd_addr),
        .mem_rd0_data_valid_i(mem_rd0_data_valid),
        .mem_rd0_data_i      (mem_rd0_data),
        .mem_rd1_cmd_valid_o (mem_rd1_cmd_valid),
        .mem_rd1_cmd_ready_i (mem_rd1_cmd_ready),
        .mem_rd1_cmd_addr_o  (mem_rd1_cmd_addr),
        .mem_rd1_data_valid_i(mem_rd1_data_valid),
        .mem_rd1_data_i      (mem_rd1_data),
        .mem_wr_cmd_valid_o  (mem_wr_cmd_valid),
        .mem_wr_cmd_ready_i  (mem_wr_cmd_ready),
        .mem_wr_cmd_addr_o   (mem_wr_cmd_addr),
        .mem_wr_data_ready_i (mem_wr_data_ready),
        .mem_wr_data_o       (mem_wr_data),
        .ctrl_valid_o        (ctrl_valid),
        .ctrl_ready_i        (ctrl_ready),
        .ctrl_addr_o         (ctrl_addr),
        .ctrl_data_o         (ctrl_data),
        .*
    );

    wire [15:0] dq;
    for (genvar i = 0; i < 16; i++) begin : g_dq
        assign dq[i] = sdram_dq_oe_o[i] ? 1'bz : sdram_dq_i[i];
    end
    assign sdram_dq_o = dq;
    assign sdram_dq_oe_o = ~controller.core.dq_oe_n;

    sdram controller (
        .ctrl_rst_i          (ctrl_rst_o),
        .ctrl_valid_i        (ctrl_valid),
        .ctrl_ready_o        (ctrl_ready),
        .ctrl_addr_i         (ctrl_addr),
        .ctrl_data_i         (ctrl_data),
        .mem_rd0_cmd_valid_i (mem_rd0_cmd_valid),
        .mem_rd0_cmd_ready_o (mem_rd0_cmd_ready),
        .mem_rd0_cmd_addr_i  (mem_rd0_cmd_addr),
        .mem_rd0_data_valid_o(mem_rd0_data_valid),
        .mem_rd0_data_o      (mem_rd0_data),
        .mem_rd1_cmd_valid_i (mem_rd1_cmd_valid),
        .mem_rd1_cmd_ready_o (mem_rd1_cmd_ready),
        .mem_rd1_cmd_addr_i  (mem_rd1_cmd_addr),
        .mem_rd1_data_valid_o(mem_rd1_data_valid),
        .mem_rd1_data_o      (mem_rd1_data),
        .mem_wr_cmd_valid_i  (mem_wr_cmd_valid),
        .mem_wr_cmd_ready_o  (mem_wr_cmd_ready),
        .mem_wr_cmd_addr_i   (mem_wr_cmd_addr),
        .mem_wr_data_ready_o (mem_wr_data_ready),
        .mem_wr_data_i       (mem_wr_data),
        .sdram_dq_io         (dq),
        .*
    );

    weight_memory weights (
        .wr_en_i   (wr_en_o[0]),
        .wr_index_i(wr_index_o),
        .wr_lane_i (wr_lane_o),
        .wr_data_i (wr_data_o),
        .*
    );
endmodule

`default_nettype wire
