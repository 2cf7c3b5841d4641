// SPDX-License-Identifier: Apache-2.0
// Activation memory: WORDS words of eight int8 codes, one read and one write port, shared by priority:
// reads: residual, then window, then processor; writes: store, then processor.
// A request is accepted when valid and ready meet; its answer comes three cycles later (arbiter register, block RAM, output register) and
// cannot be refused. Answers keep their order. A read accepted after a write was accepted sees the word written.
`default_nettype none

module act_memory #(
    // 64-bit words, at most 65536; 2 block RAMs of an ECP5 for each 512
    parameter int WORDS = 8192
) (
    input  wire logic        clk_i,
    input  wire logic        rst_i,

    // residual reads
    input  wire logic        res_req_valid_i,
    output logic             res_req_ready_o,
    input  wire logic [15:0] res_req_addr_i,
    output logic             res_rsp_valid_o,

    // window reads
    input  wire logic        win_req_valid_i,
    output logic             win_req_ready_o,
    input  wire logic [15:0] win_req_addr_i,
    output logic             win_rsp_valid_o,

    // processor reads
    input  wire logic        cpu_req_valid_i,
    output logic             cpu_req_ready_o,
    input  wire logic [15:0] cpu_req_addr_i,
    output logic             cpu_rsp_valid_o,

    // the answer, for whose rsp_valid is set
    output logic      [63:0] rsp_data_o,

    // store writes
    input  wire logic        store_valid_i,
    output logic             store_ready_o,
    input  wire logic [15:0] store_addr_i,
    input  wire logic [63:0] store_data_i,

    // processor writes
    input  wire logic        cpu_wr_valid_i,
    output logic             cpu_wr_ready_o,
    input  wire logic [15:0] cpu_wr_addr_i,
    input  wire logic [63:0] cpu_wr_data_i
);
  localparam int AW = $clog2(WORDS);
  // Addresses beyond the memory are the firmware's to refuse; here they wrap.
  wire unused = &{1'b0, res_req_addr_i, win_req_addr_i, cpu_req_addr_i, store_addr_i, cpu_wr_addr_i};

  assign res_req_ready_o = 1'b1;
  assign win_req_ready_o = !res_req_valid_i;
  assign cpu_req_ready_o = !res_req_valid_i && !win_req_valid_i;
  assign store_ready_o   = 1'b1;
  assign cpu_wr_ready_o  = !store_valid_i;

  // The harmless collision: a read and a write of one address in one cycle happen only when nobody needs that word.
  (* no_rw_check *) logic [63:0] memory[WORDS];
  logic [AW-1:0] rd_addr_q, wr_addr_q;
  logic [63:0] wr_data_q, read_q;
  logic wr_en_q;
  logic [2:0] from0_q, from1_q, from2_q;  // residual, window, processor: of the request one, two, three cycles old

  always_ff @(posedge clk_i) begin
    rd_addr_q <= res_req_valid_i ? res_req_addr_i[AW-1:0] : win_req_valid_i ? win_req_addr_i[AW-1:0] : cpu_req_addr_i[AW-1:0];
    wr_addr_q <= store_valid_i ? store_addr_i[AW-1:0] : cpu_wr_addr_i[AW-1:0];
    wr_data_q <= store_valid_i ? store_data_i : cpu_wr_data_i;
    if (wr_en_q) memory[wr_addr_q] <= wr_data_q;
    read_q <= memory[rd_addr_q];
    rsp_data_o <= read_q;
  end

  always_ff @(posedge clk_i) begin
    if (rst_i) begin
      wr_en_q <= 1'b0;
      from0_q <= '0;
      from1_q <= '0;
      from2_q <= '0;
    end else begin
      wr_en_q <= store_valid_i || cpu_wr_valid_i;
      from0_q <= {res_req_valid_i, win_req_valid_i && win_req_ready_o, cpu_req_valid_i && cpu_req_ready_o};
      from1_q <= from0_q;
      from2_q <= from1_q;
    end
  end
  assign {res_rsp_valid_o, win_rsp_valid_o, cpu_rsp_valid_o} = from2_q;
endmodule

`default_nettype wire
