// SPDX-License-Identifier: Apache-2.0
// Small FIFO in distributed RAM (16 words cost as much as fewer on ECP5).
// Contract: order kept, latency 1 cycle, one beat a clock, data stable while stalled.
`default_nettype none

module stream_fifo #(
    // Width of a beat in bits.
    parameter int WIDTH = 64,
    // log2 of the number of words; 1...6.
    parameter int DEPTH_LOG2 = 4
) (
    input  wire              clk_i,
    input  wire              rst_i,
    // Stream in
    input  wire              in_valid_i,
    output logic             in_ready_o,
    input  wire  [WIDTH-1:0] in_data_i,
    // Stream out
    output logic             out_valid_o,
    input  wire              out_ready_i,
    output logic [WIDTH-1:0] out_data_o
);
    logic [WIDTH-1:0] memory[2**DEPTH_LOG2];
    // One bit more than an address: equal = empty, equal but for the top bit = full.
    logic [DEPTH_LOG2:0] head_q, tail_q;

    assign out_valid_o = head_q != tail_q;
    assign in_ready_o = (head_q ^ tail_q) != {1'b1, {DEPTH_LOG2{1'b0}}};
    assign out_data_o = memory[head_q[DEPTH_LOG2-1:0]];

    always_ff @(posedge clk_i) begin
        if (in_valid_i & in_ready_o) memory[tail_q[DEPTH_LOG2-1:0]] <= in_data_i;
    end

    always_ff @(posedge clk_i) begin
        if (rst_i) begin
            head_q <= '0;
            tail_q <= '0;
        end else begin
            if (in_valid_i & in_ready_o) tail_q <= tail_q + 1'b1;
            if (out_valid_o & out_ready_i) head_q <= head_q + 1'b1;
        end
    end
endmodule

`default_nettype wire
