// SPDX-License-Identifier: Apache-2.0
// The SDRAM's controller as a board has it: LiteDRAM's core (tools/gen_litedram.py) between the ports of memory_system.sv and the pins of the chip. The
// chip's clock is the board's: a quarter of a clock later than these pins (docs/memory.md).
`default_nettype none

module sdram (
    input  wire         clk_i,
    // Registers: ctrl_rst_i resets the core
    input  wire         ctrl_rst_i,
    input  wire         ctrl_valid_i,
    output wire         ctrl_ready_o,
    input  wire  [29:0] ctrl_addr_i,
    input  wire  [31:0] ctrl_data_i,

    // Native ports
    input  wire         mem_rd0_cmd_valid_i,
    output wire         mem_rd0_cmd_ready_o,
    input  wire  [23:0] mem_rd0_cmd_addr_i,
    output wire         mem_rd0_data_valid_o,
    output wire  [15:0] mem_rd0_data_o,
    input  wire         mem_rd1_cmd_valid_i,
    output wire         mem_rd1_cmd_ready_o,
    input  wire  [23:0] mem_rd1_cmd_addr_i,
    output wire         mem_rd1_data_valid_o,
    output wire  [15:0] mem_rd1_data_o,
    input  wire         mem_wr_cmd_valid_i,
    output wire         mem_wr_cmd_ready_o,
    input  wire  [23:0] mem_wr_cmd_addr_i,
    output wire         mem_wr_data_ready_o,
    input  wire  [15:0] mem_wr_data_i,

    // The chip
    output wire  [12:0] sdram_a_o,
    output wire  [ 1:0] sdram_ba_o,
    output wire         sdram_ras_n_o,
    output wire         sdram_cas_n_o,
    output wire         sdram_we_n_o,
    output wire         sdram_cs_n_o,
    output wire         sdram_cke_o,
    output wire  [ 1:0] sdram_dm_o,
    inout  wire  [15:0] sdram_dq_io
);
    wire init_done, init_error, ctrl_err;
    wire [31:0] ctrl_data;
    wire unused = &{1'b0, init_done, init_error, ctrl_err, ctrl_data};
    litedram_core core (
        .clk            (clk_i),
        .rst            (ctrl_rst_i),
        .init_done      (init_done),
        .init_error     (init_error),
        .wb_ctrl_adr    (ctrl_addr_i),
        .wb_ctrl_dat_w  (ctrl_data_i),
        .wb_ctrl_dat_r  (ctrl_data),
        .wb_ctrl_sel    (4'hF),
        .wb_ctrl_cyc    (ctrl_valid_i),
        .wb_ctrl_stb    (ctrl_valid_i),
        .wb_ctrl_we     (1'b1),
        .wb_ctrl_ack    (ctrl_ready_o),
        .wb_ctrl_err    (ctrl_err),
        .wb_ctrl_cti    (3'd0),
        .wb_ctrl_bte    (2'd0),
        .rd0_cmd_valid  (mem_rd0_cmd_valid_i),
        .rd0_cmd_ready  (mem_rd0_cmd_ready_o),
        .rd0_cmd_addr   (mem_rd0_cmd_addr_i),
        .rd0_rdata_valid(mem_rd0_data_valid_o),
        .rd0_rdata_data (mem_rd0_data_o),
        .rd1_cmd_valid  (mem_rd1_cmd_valid_i),
        .rd1_cmd_ready  (mem_rd1_cmd_ready_o),
        .rd1_cmd_addr   (mem_rd1_cmd_addr_i),
        .rd1_rdata_valid(mem_rd1_data_valid_o),
        .rd1_rdata_data (mem_rd1_data_o),
        .wr_cmd_valid   (mem_wr_cmd_valid_i),
        .wr_cmd_ready   (mem_wr_cmd_ready_o),
        .wr_cmd_addr    (mem_wr_cmd_addr_i),
        .wr_wdata_ready (mem_wr_data_ready_o),
        .wr_wdata_data  (mem_wr_data_i),
        .sdram_a        (sdram_a_o),
        .sdram_ba       (sdram_ba_o),
        .sdram_ras_n    (sdram_ras_n_o),
        .sdram_cas_n    (sdram_cas_n_o),
        .sdram_we_n     (sdram_we_n_o),
        .sdram_cs_n     (sdram_cs_n_o),
        .sdram_cke      (sdram_cke_o),
        .sdram_dm       (sdram_dm_o),
        .sdram_dq       (sdram_dq_io)
    );
endmodule

`default_nettype wire
