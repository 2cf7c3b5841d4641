// SPDX-License-Identifier: Apache-2.0
// dma on the generated LiteDRAM, for its bench: the pins of the memory chip go to the bench's model, the data pins as two directions.
`default_nettype none

module dma_sdram (
    input  wire         clk_i,
    input  wire         rst_i,

    // dma's own
    input  wire         region_valid_i,
    input  wire  [ 1:0] region_stream_i,
    input  wire  [21:0] region_base_i,
    input  wire  [22:0] region_limit_i,
    input  wire         desc_valid_i,
    output logic        desc_ready_o,
    input  wire  [ 1:0] desc_stream_i,
    input  wire  [21:0] desc_addr_i,
    input  wire  [22:0] desc_words_i,
    output logic [ 2:0] busy_o,
    output logic [ 2:0] done_o,
    output logic [ 2:0] refused_o,
    input  wire  [ 2:0] clear_i,
    output logic        misused_o,
    output logic        rd0_valid_o,
    input  wire         rd0_ready_i,
    output logic [63:0] rd0_data_o,
    output logic        rd0_last_o,
    output logic        rd1_valid_o,
    input  wire         rd1_ready_i,
    output logic [63:0] rd1_data_o,
    output logic        rd1_last_o,
    input  wire         wr_valid_i,
    output logic        wr_ready_o,
    input  wire  [63:0] wr_data_i,
    input  wire         count_clear_i,
    output logic [31:0] count_bytes_read_o,
    output logic [31:0] count_bytes_written_o,
    output logic [31:0] count_wait_rd0_o,
    output logic [31:0] count_wait_rd1_o,
    output logic [31:0] count_wait_wr_o,

    // LiteDRAM's registers, Wishbone
    input  wire         ctrl_valid_i,
    output logic        ctrl_ready_o,
    input  wire  [29:0] ctrl_addr_i,
    input  wire  [31:0] ctrl_data_i,
    output logic        init_done_o,

    // The memory chip
    output logic [12:0] sdram_a_o,
    output logic [ 1:0] sdram_ba_o,
    output logic        sdram_ras_n_o,
    output logic        sdram_cas_n_o,
    output logic        sdram_we_n_o,
    output logic        sdram_cs_n_o,
    output logic        sdram_cke_o,
    output logic [ 1:0] sdram_dm_o,
    output logic [15:0] sdram_dq_o,
    output logic [15:0] sdram_dq_oe_o,
    input  wire  [15:0] sdram_dq_i
);
    logic mem_rd0_cmd_valid_o, mem_rd0_cmd_ready_i, mem_rd0_data_valid_i;
    logic mem_rd1_cmd_valid_o, mem_rd1_cmd_ready_i, mem_rd1_data_valid_i;
    logic mem_wr_cmd_valid_o, mem_wr_cmd_ready_i, mem_wr_data_ready_i;
    logic [23:0] mem_rd0_cmd_addr_o, mem_rd1_cmd_addr_o, mem_wr_cmd_addr_o;
    logic [15:0] mem_rd0_data_i, mem_rd1_data_i, mem_wr_data_o;
    dma dma (.*);

    wire [15:0] dq;
    for (genvar i = 0; i < 16; i++) begin : g_dq
        assign dq[i] = sdram_dq_oe_o[i] ? 1'bz : sdram_dq_i[i];
    end
    assign sdram_dq_o = dq;
    assign sdram_dq_oe_o = ~core.dq_oe_n;

    logic init_error, ctrl_err;
    logic [31:0] ctrl_data;
    wire unused = &{1'b0, init_error, ctrl_err, ctrl_data};
    litedram_core core (
        .clk(clk_i),
        .rst(rst_i),
        .init_done(init_done_o),
        .init_error(init_error),
        .wb_ctrl_adr(ctrl_addr_i),
        .wb_ctrl_dat_w(ctrl_data_i),
        .wb_ctrl_dat_r(ctrl_data),
        .wb_ctrl_sel(4'hF),
        .wb_ctrl_cyc(ctrl_valid_i),
        .wb_ctrl_stb(ctrl_valid_i),
        .wb_ctrl_we(1'b1),
        .wb_ctrl_ack(ctrl_ready_o),
        .wb_ctrl_err(ctrl_err),
        .wb_ctrl_cti(3'd0),
        .wb_ctrl_bte(2'd0),
        .rd0_cmd_valid(mem_rd0_cmd_valid_o),
        .rd0_cmd_ready(mem_rd0_cmd_ready_i),
        .rd0_cmd_addr(mem_rd0_cmd_addr_o),
        .rd0_rdata_valid(mem_rd0_data_valid_i),
        .rd0_rdata_data(mem_rd0_data_i),
        .rd1_cmd_valid(mem_rd1_cmd_valid_o),
        .rd1_cmd_ready(mem_rd1_cmd_ready_i),
        .rd1_cmd_addr(mem_rd1_cmd_addr_o),
        .rd1_rdata_valid(mem_rd1_data_valid_i),
        .rd1_rdata_data(mem_rd1_data_i),
        .wr_cmd_valid(mem_wr_cmd_valid_o),
        .wr_cmd_ready(mem_wr_cmd_ready_i),
        .wr_cmd_addr(mem_wr_cmd_addr_o),
        .wr_wdata_ready(mem_wr_data_ready_i),
        .wr_wdata_data(mem_wr_data_o),
        .sdram_a(sdram_a_o),
        .sdram_ba(sdram_ba_o),
        .sdram_ras_n(sdram_ras_n_o),
        .sdram_cas_n(sdram_cas_n_o),
        .sdram_we_n(sdram_we_n_o),
        .sdram_cs_n(sdram_cs_n_o),
        .sdram_cke(sdram_cke_o),
        .sdram_dm(sdram_dm_o),
        .sdram_dq(dq)
    );
endmodule

`default_nettype wire
