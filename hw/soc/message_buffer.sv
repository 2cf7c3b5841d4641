// SPDX-License-Identifier: Apache-2.0
// Memory between the command channel's DMA and the processor: one write and one read port, each shared; the DMA goes first. The DMA writes
// single bytes and reads words; it is never refused. The processor waits for ready. Read data comes two cycles after acceptance.
`default_nettype none

module message_buffer #(
    // 32-bit words, at most 16384
    parameter int WORDS = 4096
) (
    input  wire logic        clk_i,

    input  wire logic        dma_wr_en_i,
    input  wire logic [15:0] dma_wr_addr_i,  // byte
    input  wire logic [7:0]  dma_wr_data_i,
    input  wire logic        dma_rd_en_i,
    input  wire logic [13:0] dma_rd_addr_i,  // word

    input  wire logic        cpu_valid_i,
    output logic             cpu_ready_o,
    input  wire logic [3:0]  cpu_wstrb_i,    // 0: a read
    input  wire logic [13:0] cpu_addr_i,
    input  wire logic [31:0] cpu_wdata_i,

    output logic      [31:0] rdata_o
);
  localparam int AW = $clog2(WORDS);
  // Addresses beyond the memory are the firmware's mistake; they wrap.
  wire unused = &{1'b0, dma_wr_addr_i, dma_rd_addr_i, cpu_addr_i};

  (* no_rw_check *) logic [31:0] memory[WORDS];
  logic [AW-1:0] wr_addr, rd_addr;
  logic [31:0] wr_data, read_q;
  logic [3:0] wr_strb;
  logic cpu_write;

  always_comb begin
    cpu_write   = cpu_wstrb_i != 4'd0;
    cpu_ready_o = cpu_write ? !dma_wr_en_i : !dma_rd_en_i;
    wr_addr     = dma_wr_en_i ? dma_wr_addr_i[AW+1:2] : cpu_addr_i[AW-1:0];
    wr_data     = dma_wr_en_i ? {4{dma_wr_data_i}} : cpu_wdata_i;
    wr_strb     = dma_wr_en_i ? 4'd1 << dma_wr_addr_i[1:0] : cpu_valid_i ? cpu_wstrb_i : 4'd0;
    rd_addr     = dma_rd_en_i ? dma_rd_addr_i[AW-1:0] : cpu_addr_i[AW-1:0];
  end

  always_ff @(posedge clk_i) begin
    for (int i = 0; i < 4; i++) if (wr_strb[i]) memory[wr_addr][8*i+:8] <= wr_data[8*i+:8];
    read_q  <= memory[rd_addr];
    rdata_o <= read_q;
  end
endmodule

`default_nettype wire
