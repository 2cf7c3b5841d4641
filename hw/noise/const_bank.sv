// SPDX-License-Identifier: Apache-2.0
// One block RAM of per-channel constants and the reader that walks through it: the words base, base+1, ... base+last, base, ... as a
// stream, so that the word of the next beat is always ready and the beat itself need not wait for the RAM.
// Contract: first word three cycles after start_i, then one a clock; start_i drops what was prefetched.
`default_nettype none

module const_bank #(
    // Words (channel pairs); power of two.
    parameter int WORDS = 512,
    // Bits of a word; a block RAM takes 36 at 512 words.
    parameter int WIDTH = 64
) (
    input  wire                      clk_i,
    input  wire                      rst_i,
    input  wire                      start_i,
    // First word and number of words minus 1 of the cycle
    input  wire  [$clog2(WORDS)-1:0] base_i,
    input  wire  [             13:0] last_i,
    // Write port
    input  wire                      wr_en_i,
    input  wire  [$clog2(WORDS)-1:0] wr_addr_i,
    input  wire  [        WIDTH-1:0] wr_data_i,
    // Constants, a word a beat
    output logic                     out_valid_o,
    input  wire                      out_ready_i,
    output logic [        WIDTH-1:0] out_data_o
);
    (* no_rw_check, ram_style = "block" *)
    logic [WIDTH-1:0] memory[WORDS];
    logic [WIDTH-1:0] ram_q, out_q;
    logic [$clog2(WORDS)-1:0] addr_q;
    logic [13:0] left_q;
    logic [1:0] prime_q;  // a one walks through: the two cycles that fill ram_q and out_q
    logic valid_q;

    wire advance = (prime_q != 2'd0) | (valid_q & out_ready_i);

    assign out_valid_o = valid_q;
    assign out_data_o  = out_q;

    always_ff @(posedge clk_i) begin
        if (wr_en_i) memory[wr_addr_i] <= wr_data_i;
    end

    always_ff @(posedge clk_i) begin
        if (advance) begin
            ram_q <= memory[addr_q];
            out_q <= ram_q;
        end
    end

    always_ff @(posedge clk_i) begin
        if (start_i) begin
            addr_q <= base_i;
            left_q <= last_i;
        end else if (advance) begin
            addr_q <= (left_q == 14'd0) ? base_i : addr_q + 1'b1;
            left_q <= (left_q == 14'd0) ? last_i : left_q - 1'b1;
        end
    end

    always_ff @(posedge clk_i) begin
        if (rst_i) begin
            prime_q <= 2'd0;
            valid_q <= 1'b0;
        end else if (start_i) begin
            prime_q <= 2'd1;
            valid_q <= 1'b0;
        end else begin
            prime_q <= {prime_q[0], 1'b0};
            if (prime_q[1]) valid_q <= 1'b1;
        end
    end
endmodule

`default_nettype wire
