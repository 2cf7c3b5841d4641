// SPDX-License-Identifier: Apache-2.0
// The control processor's memory: firmware, data and layer table. One access a clock; read data two cycles after the address, because the
// block RAM's output is registered. A read gives the word before a write of the same cycle.
`default_nettype none

module ram #(
    // 32-bit words, a power of two
    parameter int WORDS = 8192,
    // $readmemh file of 32-bit words; empty: whoever simulates fills `memory`
    parameter INIT = ""
) (
    input  wire logic                     clk_i,

    input  wire logic                     en_i,
    input  wire logic [3:0]               wstrb_i,
    input  wire logic [$clog2(WORDS)-1:0] addr_i,
    input  wire logic [31:0]              wdata_i,
    output logic      [31:0]              rdata_o
);
  (* no_rw_check *) logic [31:0] memory[WORDS];
  logic [31:0] read_q;

  if (INIT != "") begin : gen_init
    initial $readmemh(INIT, memory);
  end

  always_ff @(posedge clk_i) begin
    if (en_i) begin
      read_q <= memory[addr_i];
      for (int i = 0; i < 4; i++) if (wstrb_i[i]) memory[addr_i][8*i+:8] <= wdata_i[8*i+:8];
    end
    rdata_o <= read_q;
  end
endmodule

`default_nettype wire
