// SPDX-License-Identifier: Apache-2.0
//
// Block RAM with one write and one read port and a registered output. Read: address in cycle t with rd_en_i, data from t + 2 until the
// read after. Reading a word in the very cycle in which it is written gives either value: no user does it.
`default_nettype none

module dn_ram #(
    // Bits a word
    parameter int WIDTH = 32,
    // Words
    parameter int WORDS = 256
) (
    input  wire                      clk_i,

    input  wire                      wr_en_i,
    input  wire  [$clog2(WORDS)-1:0] wr_addr_i,
    input  wire  [WIDTH-1:0]         wr_data_i,

    input  wire                      rd_en_i,
    input  wire  [$clog2(WORDS)-1:0] rd_addr_i,
    output logic [WIDTH-1:0]         rd_data_o
);
    (* ram_style = "block", no_rw_check *) logic [WIDTH-1:0] memory [0:WORDS-1];
    logic [WIDTH-1:0] read_q;
    logic read_valid_q;

    always_ff @(posedge clk_i)
        if (wr_en_i)
            memory[wr_addr_i] <= wr_data_i;

    always_ff @(posedge clk_i) begin
        if (rd_en_i)
            read_q <= memory[rd_addr_i];
        read_valid_q <= rd_en_i;
        if (read_valid_q)
            rd_data_o <= read_q;
    end
endmodule

`default_nettype wire
