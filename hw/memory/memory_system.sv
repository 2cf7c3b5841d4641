// SPDX-License-Identifier: Apache-2.0
// The external memory as the chip has it: registers for the firmware, dma, memory_loader behind its stream 0, and the write ports of the memories that
// processor and loader fill. Outside are LiteDRAM's native ports and its register port: hw/memory/sdram.sv on a board.
// Contract: registers as in hw/regs/quell.rdl, by memory_registers.sv; streams: 0 to the loader, 1 to mem_read_*, 2 from mem_write_*. Nothing here can hold
// up the processor: its lanes pass first (write_mux.sv).
`default_nettype none

module memory_system #(
    // Size of the external memory, 64-bit words: a power of two, up to 4194304
    parameter int EXT_WORDS      = 4194304,
    // Sizes of the chip, as in soc.sv
    parameter int CONV_CORES     = 8,
    parameter int BOTTLENECK_MAX = 8,
    parameter int WEIGHT_WORDS   = 2048,
    parameter int CONST_WORDS    = 512,
    parameter int DN_PAIR_WORDS  = 256,
    parameter int DN_ROW_WORDS   = 64,
    parameter int TABLES         = 8
) (
    input  wire         clk_i,
    input  wire         rst_i,
    // clk_i again, of what moves words: a simulator may hold it from some cycles after the reset until ctrl_rst_o falls
    input  wire         stream_clk_i,

    // Register bus: read data one cycle after the address, 0 for registers of others
    input  wire         reg_wr_i,
    input  wire  [11:0] reg_addr_i,
    input  wire  [31:0] reg_wdata_i,
    output logic [31:0] reg_rdata_o,

    // No layer is under way in the array
    input  wire         array_idle_i,
    // Something moves that will end by itself
    output logic        busy_o,

    // Processor's lanes
    input  wire  [ 4:0] cpu_en_i,
    input  wire  [15:0] cpu_index_i,
    input  wire  [ 5:0] cpu_lane_i,
    input  wire  [31:0] cpu_data_i,
    // To the memories
    output logic [ 4:0] wr_en_o,
    output logic [15:0] wr_index_o,
    output logic [ 5:0] wr_lane_o,
    output logic [31:0] wr_data_o,

    // LiteDRAM's native ports, as dma has them
    output logic        mem_rd0_cmd_valid_o,
    input  wire         mem_rd0_cmd_ready_i,
    output logic [23:0] mem_rd0_cmd_addr_o,
    input  wire         mem_rd0_data_valid_i,
    input  wire  [15:0] mem_rd0_data_i,
    output logic        mem_rd1_cmd_valid_o,
    input  wire         mem_rd1_cmd_ready_i,
    output logic [23:0] mem_rd1_cmd_addr_o,
    input  wire         mem_rd1_data_valid_i,
    input  wire  [15:0] mem_rd1_data_i,
    output logic        mem_wr_cmd_valid_o,
    input  wire         mem_wr_cmd_ready_i,
    output logic [23:0] mem_wr_cmd_addr_o,
    input  wire         mem_wr_data_ready_i,
    output logic [15:0] mem_wr_data_o,

    // Its reset, and writes of its registers (Wishbone: word addresses, ready is the acknowledgement)
    output logic        ctrl_rst_o,
    output logic        ctrl_valid_o,
    input  wire         ctrl_ready_i,
    output logic [29:0] ctrl_addr_o,
    output logic [31:0] ctrl_data_o
);
    localparam int AW = $clog2(EXT_WORDS);

    logic region_valid, desc_valid, desc_ready, misused, count_clear;
    logic [1:0] stream;
    logic [AW-1:0] addr;
    logic [AW:0] words;
    logic [2:0] busy, refused, clear;
    logic job_valid, job_ready, load_busy, load_done, load_refused;
    logic [2:0] job_memory;
    logic [15:0] job_index;
    logic [16:0] job_words;
    logic rd0_valid, rd0_ready, rd1_valid, rd1_ready, wr_valid, wr_ready;
    logic [63:0] rd0_data, rd1_data, wr_data;
    logic [31:0] bytes_read, bytes_written;
    logic [AW+1:0] rd0_addr, rd1_addr, wr_addr;

    memory_registers #(
        .EXT_WORDS(EXT_WORDS)
    ) registers (
        .clk_i                (clk_i),
        .rst_i                (rst_i),
        .reg_wr_i             (reg_wr_i),
        .reg_addr_i           (reg_addr_i),
        .reg_wdata_i          (reg_wdata_i),
        .reg_rdata_o          (reg_rdata_o),
        .region_valid_o       (region_valid),
        .desc_valid_o         (desc_valid),
        .desc_ready_i         (desc_ready),
        .stream_o             (stream),
        .addr_o               (addr),
        .words_o              (words),
        .busy_i               (busy),
        .refused_i            (refused),
        .clear_o              (clear),
        .misused_i            (misused),
        .job_valid_o          (job_valid),
        .job_ready_i          (job_ready),
        .job_memory_o         (job_memory),
        .job_index_o          (job_index),
        .job_words_o          (job_words),
        .load_busy_i          (load_busy),
        .load_done_i          (load_done),
        .load_refused_i       (load_refused),
        .rd_valid_i           (rd1_valid),
        .rd_ready_o           (rd1_ready),
        .rd_data_i            (rd1_data),
        .wr_valid_o           (wr_valid),
        .wr_ready_i           (wr_ready),
        .wr_data_o            (wr_data),
        .ctrl_rst_o           (ctrl_rst_o),
        .ctrl_valid_o         (ctrl_valid_o),
        .ctrl_ready_i         (ctrl_ready_i),
        .ctrl_addr_o          (ctrl_addr_o),
        .ctrl_data_o          (ctrl_data_o),
        .array_idle_i         (array_idle_i),
        .count_clear_o        (count_clear),
        .count_bytes_read_i   (bytes_read),
        .count_bytes_written_i(bytes_written)
    );

    logic [2:0] done;
    logic rd0_last, rd1_last;
    logic [31:0] wait_rd0, wait_rd1, wait_wr;
    wire unused = &{1'b0, done, rd0_last, rd1_last, wait_rd0, wait_rd1, wait_wr};
    dma #(
        .ADDR_BITS(AW)
    ) streams (
        .clk_i                (stream_clk_i),
        .rst_i                (rst_i),
        .region_valid_i       (region_valid),
        .region_stream_i      (stream),
        .region_base_i        (addr),
        .region_limit_i       (words),
        .desc_valid_i         (desc_valid),
        .desc_ready_o         (desc_ready),
        .desc_stream_i        (stream),
        .desc_addr_i          (addr),
        .desc_words_i         (words),
        .busy_o               (busy),
        .done_o               (done),
        .refused_o            (refused),
        .clear_i              (clear),
        .misused_o            (misused),
        .rd0_valid_o          (rd0_valid),
        .rd0_ready_i          (rd0_ready),
        .rd0_data_o           (rd0_data),
        .rd0_last_o           (rd0_last),
        .rd1_valid_o          (rd1_valid),
        .rd1_ready_i          (rd1_ready),
        .rd1_data_o           (rd1_data),
        .rd1_last_o           (rd1_last),
        .wr_valid_i           (wr_valid),
        .wr_ready_o           (wr_ready),
        .wr_data_i            (wr_data),
        .mem_rd0_cmd_valid_o  (mem_rd0_cmd_valid_o),
        .mem_rd0_cmd_ready_i  (mem_rd0_cmd_ready_i),
        .mem_rd0_cmd_addr_o   (rd0_addr),
        .mem_rd0_data_valid_i (mem_rd0_data_valid_i),
        .mem_rd0_data_i       (mem_rd0_data_i),
        .mem_rd1_cmd_valid_o  (mem_rd1_cmd_valid_o),
        .mem_rd1_cmd_ready_i  (mem_rd1_cmd_ready_i),
        .mem_rd1_cmd_addr_o   (rd1_addr),
        .mem_rd1_data_valid_i (mem_rd1_data_valid_i),
        .mem_rd1_data_i       (mem_rd1_data_i),
        .mem_wr_cmd_valid_o   (mem_wr_cmd_valid_o),
        .mem_wr_cmd_ready_i   (mem_wr_cmd_ready_i),
        .mem_wr_cmd_addr_o    (wr_addr),
        .mem_wr_data_ready_i  (mem_wr_data_ready_i),
        .mem_wr_data_o        (mem_wr_data_o),
        .count_clear_i        (count_clear),
        .count_bytes_read_o   (bytes_read),
        .count_bytes_written_o(bytes_written),
        .count_wait_rd0_o     (wait_rd0),
        .count_wait_rd1_o     (wait_rd1),
        .count_wait_wr_o      (wait_wr)
    );
    assign mem_rd0_cmd_addr_o = 24'(rd0_addr);
    assign mem_rd1_cmd_addr_o = 24'(rd1_addr);
    assign mem_wr_cmd_addr_o  = 24'(wr_addr);

    logic [4:0] load_en;
    logic load_ready;
    logic [15:0] load_index;
    logic [5:0] load_lane;
    logic [31:0] load_data;
    memory_loader #(
        .CONV_CORES    (CONV_CORES),
        .BOTTLENECK_MAX(BOTTLENECK_MAX),
        .WEIGHT_WORDS  (WEIGHT_WORDS),
        .CONST_WORDS   (CONST_WORDS),
        .DN_PAIR_WORDS (DN_PAIR_WORDS),
        .DN_ROW_WORDS  (DN_ROW_WORDS),
        .TABLES        (TABLES)
    ) loader (
        .clk_i       (stream_clk_i),
        .rst_i       (rst_i),
        .job_valid_i (job_valid),
        .job_ready_o (job_ready),
        .job_memory_i(job_memory),
        .job_index_i (job_index),
        .job_words_i (job_words),
        .busy_o      (load_busy),
        .done_o      (load_done),
        .refused_o   (load_refused),
        .in_valid_i  (rd0_valid),
        .in_ready_o  (rd0_ready),
        .in_data_i   (rd0_data),
        .wr_en_o     (load_en),
        .wr_ready_i  (load_ready),
        .wr_index_o  (load_index),
        .wr_lane_o   (load_lane),
        .wr_data_o   (load_data)
    );

    write_mux ports (
        .clk_i       (clk_i),
        .rst_i       (rst_i),
        .cpu_en_i    (cpu_en_i),
        .cpu_index_i (cpu_index_i),
        .cpu_lane_i  (cpu_lane_i),
        .cpu_data_i  (cpu_data_i),
        .load_en_i   (load_en),
        .load_ready_o(load_ready),
        .load_index_i(load_index),
        .load_lane_i (load_lane),
        .load_data_i (load_data),
        .wr_en_o     (wr_en_o),
        .wr_index_o  (wr_index_o),
        .wr_lane_o   (wr_lane_o),
        .wr_data_o   (wr_data_o)
    );

    // A loader without a descriptor, or a descriptor of the processor's streams, waits for the firmware.
    always_ff @(posedge clk_i) busy_o <= load_busy && busy[0];
endmodule

`default_nettype wire
