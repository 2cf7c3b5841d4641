// SPDX-License-Identifier: Apache-2.0
// Moves 64-bit words between the chip and the external memory by descriptors: two reading streams (0 and 1) and a writing one (2), each on a native
// port of LiteDRAM (docs/memory.md).
// Contract: descriptors (stream, first word, number of words) are worked off in order, one after the other in each stream. Nothing outside a stream's
// region, set once after reset, is ever touched: a descriptor that is not wholly inside is refused, refused_o of its stream stays high and all behind it
// are dropped, until clear_i. done_o is high for a cycle for each descriptor: reading, when the chip takes its last word; writing, when the memory has
// taken its last data. Streams keep valid/ready's rules; a word in four cycles. misused_o: high for a cycle after a region or a stream number that was
// not accepted. Reset dma and memory together, or dma alone while busy_o is 0: data that comes afterwards would be taken for new.
`default_nettype none

module dma #(
    // Address bits of the memory in words: 22 for 32 MB.
    parameter int ADDR_BITS  = 22,
    // log2 of the words that a reading stream fetches ahead; 2...6.
    parameter int DEPTH_LOG2 = 4
) (
    input  wire                  clk_i,
    input  wire                  rst_i,

    // Regions, set once: first word, first word behind
    input  wire                  region_valid_i,
    input  wire  [          1:0] region_stream_i,
    input  wire  [ADDR_BITS-1:0] region_base_i,
    input  wire  [  ADDR_BITS:0] region_limit_i,

    // Descriptors
    input  wire                  desc_valid_i,
    output logic                 desc_ready_o,
    input  wire  [          1:0] desc_stream_i,
    input  wire  [ADDR_BITS-1:0] desc_addr_i,
    input  wire  [  ADDR_BITS:0] desc_words_i,

    // State, a bit a stream
    output logic [          2:0] busy_o,     // level: a descriptor or a word of it is here
    output logic [          2:0] done_o,     // strobe
    output logic [          2:0] refused_o,  // level
    input  wire  [          2:0] clear_i,    // level, obeyed when the stream's queue is empty
    output logic                 misused_o,  // strobe

    // Words read
    output logic                 rd0_valid_o,
    input  wire                  rd0_ready_i,
    output logic [         63:0] rd0_data_o,
    output logic                 rd0_last_o,  // of its descriptor
    output logic                 rd1_valid_o,
    input  wire                  rd1_ready_i,
    output logic [         63:0] rd1_data_o,
    output logic                 rd1_last_o,

    // Words to write
    input  wire                  wr_valid_i,
    output logic                 wr_ready_o,
    input  wire  [         63:0] wr_data_i,

    // LiteDRAM's native ports: addresses of 16 bit
    output logic                 mem_rd0_cmd_valid_o,
    input  wire                  mem_rd0_cmd_ready_i,
    output logic [ADDR_BITS+1:0] mem_rd0_cmd_addr_o,
    input  wire                  mem_rd0_data_valid_i,
    input  wire  [         15:0] mem_rd0_data_i,
    output logic                 mem_rd1_cmd_valid_o,
    input  wire                  mem_rd1_cmd_ready_i,
    output logic [ADDR_BITS+1:0] mem_rd1_cmd_addr_o,
    input  wire                  mem_rd1_data_valid_i,
    input  wire  [         15:0] mem_rd1_data_i,
    output logic                 mem_wr_cmd_valid_o,
    input  wire                  mem_wr_cmd_ready_i,
    output logic [ADDR_BITS+1:0] mem_wr_cmd_addr_o,
    input  wire                  mem_wr_data_ready_i,
    output logic [         15:0] mem_wr_data_o,

    // Counters, see dma_counters.sv
    input  wire                  count_clear_i,
    output logic [         31:0] count_bytes_read_o,
    output logic [         31:0] count_bytes_written_o,
    output logic [         31:0] count_wait_rd0_o,
    output logic [         31:0] count_wait_rd1_o,
    output logic [         31:0] count_wait_wr_o
);
    localparam int AW = ADDR_BITS;

    initial if (DEPTH_LOG2 < 2 || DEPTH_LOG2 > 6) $fatal(1, "dma: DEPTH_LOG2 is 2 to 6");

    logic region_refused;
    logic [3*AW-1:0] base;
    logic [3*(AW+1)-1:0] limit;
    dma_regions #(
        .ADDR_BITS(AW)
    ) regions (
        .clk_i(clk_i),
        .rst_i(rst_i),
        .valid_i(region_valid_i),
        .stream_i(region_stream_i),
        .base_i(region_base_i),
        .limit_i(region_limit_i),
        .refused_o(region_refused),
        .base_o(base),
        .limit_o(limit)
    );

    // ---- descriptors; one for a stream that does not exist is taken and dropped

    logic [2:0] desc_ready, sequencer_busy, mover_busy, step_valid, step_ready, step_last;
    logic [3*AW-1:0] step_addr;
    wire no_stream = desc_stream_i == 2'd3;
    assign desc_ready_o = no_stream | desc_ready[desc_stream_i[1:0] & {2{!no_stream}}];

    for (genvar i = 0; i < 3; i++) begin : g_sequencer
        dma_sequencer #(
            .ADDR_BITS(AW)
        ) sequencer (
            .clk_i(clk_i),
            .rst_i(rst_i),
            .base_i(base[i*AW+:AW]),
            .limit_i(limit[i*(AW+1)+:AW+1]),
            .desc_valid_i(desc_valid_i & desc_stream_i == 2'(i)),
            .desc_ready_o(desc_ready[i]),
            .desc_addr_i(desc_addr_i),
            .desc_words_i(desc_words_i),
            .step_valid_o(step_valid[i]),
            .step_ready_i(step_ready[i]),
            .step_addr_o(step_addr[i*AW+:AW]),
            .step_last_o(step_last[i]),
            .busy_o(sequencer_busy[i]),
            .refused_o(refused_o[i]),
            .clear_i(clear_i[i])
        );
    end
    assign busy_o = sequencer_busy | mover_busy;

    always_ff @(posedge clk_i) misused_o <= !rst_i & (region_refused | (desc_valid_i & no_stream));

    // ---- streams

    dma_reader #(
        .ADDR_BITS(AW),
        .DEPTH_LOG2(DEPTH_LOG2)
    ) reader0 (
        .clk_i(clk_i),
        .rst_i(rst_i),
        .step_valid_i(step_valid[0]),
        .step_ready_o(step_ready[0]),
        .step_addr_i(step_addr[0+:AW]),
        .step_last_i(step_last[0]),
        .cmd_valid_o(mem_rd0_cmd_valid_o),
        .cmd_ready_i(mem_rd0_cmd_ready_i),
        .cmd_addr_o(mem_rd0_cmd_addr_o),
        .data_valid_i(mem_rd0_data_valid_i),
        .data_i(mem_rd0_data_i),
        .out_valid_o(rd0_valid_o),
        .out_ready_i(rd0_ready_i),
        .out_data_o(rd0_data_o),
        .out_last_o(rd0_last_o),
        .busy_o(mover_busy[0])
    );

    dma_reader #(
        .ADDR_BITS(AW),
        .DEPTH_LOG2(DEPTH_LOG2)
    ) reader1 (
        .clk_i(clk_i),
        .rst_i(rst_i),
        .step_valid_i(step_valid[1]),
        .step_ready_o(step_ready[1]),
        .step_addr_i(step_addr[AW+:AW]),
        .step_last_i(step_last[1]),
        .cmd_valid_o(mem_rd1_cmd_valid_o),
        .cmd_ready_i(mem_rd1_cmd_ready_i),
        .cmd_addr_o(mem_rd1_cmd_addr_o),
        .data_valid_i(mem_rd1_data_valid_i),
        .data_i(mem_rd1_data_i),
        .out_valid_o(rd1_valid_o),
        .out_ready_i(rd1_ready_i),
        .out_data_o(rd1_data_o),
        .out_last_o(rd1_last_o),
        .busy_o(mover_busy[1])
    );

    dma_writer #(
        .ADDR_BITS(AW)
    ) writer (
        .clk_i(clk_i),
        .rst_i(rst_i),
        .step_valid_i(step_valid[2]),
        .step_ready_o(step_ready[2]),
        .step_addr_i(step_addr[2*AW+:AW]),
        .step_last_i(step_last[2]),
        .in_valid_i(wr_valid_i),
        .in_ready_o(wr_ready_o),
        .in_data_i(wr_data_i),
        .cmd_valid_o(mem_wr_cmd_valid_o),
        .cmd_ready_i(mem_wr_cmd_ready_i),
        .cmd_addr_o(mem_wr_cmd_addr_o),
        .data_ready_i(mem_wr_data_ready_i),
        .data_o(mem_wr_data_o),
        .busy_o(mover_busy[2]),
        .done_o(done_o[2])
    );
    assign done_o[0] = rd0_valid_o & rd0_ready_i & rd0_last_o;
    assign done_o[1] = rd1_valid_o & rd1_ready_i & rd1_last_o;

    dma_counters counters (
        .clk_i(clk_i),
        .rst_i(rst_i),
        .clear_i(count_clear_i),
        .beat_i({mem_wr_data_ready_i, mem_rd1_data_valid_i, mem_rd0_data_valid_i}),
        .wait_i({
            busy_o[2] & wr_valid_i & !wr_ready_o, busy_o[1] & rd1_ready_i & !rd1_valid_o, busy_o[0] & rd0_ready_i & !rd0_valid_o
        }),
        .bytes_read_o(count_bytes_read_o),
        .bytes_written_o(count_bytes_written_o),
        .wait_rd0_o(count_wait_rd0_o),
        .wait_rd1_o(count_wait_rd1_o),
        .wait_wr_o(count_wait_wr_o)
    );
endmodule

`default_nettype wire
