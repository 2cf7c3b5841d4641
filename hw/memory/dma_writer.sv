// SPDX-License-Identifier: Apache-2.0
// The writing stream of dma.sv: word addresses and 64-bit words in, four writes of 16 bit a word on a native port of LiteDRAM, lowest bits to the
// lowest address.
// Contract: LiteDRAM takes write data some cycles after the command and does not ask whether it is there. So a command enters the port's register in
// the same cycle as its data enters the FIFO in front of the port, which shows its first entry without being asked: up to 16 writes wait there. One
// command a cycle. A word is taken only with a step. done_o is high for a cycle when LiteDRAM has taken the last data of a descriptor.
`default_nettype none

module dma_writer #(
    // Address bits of the memory in words.
    parameter int ADDR_BITS = 22
) (
    input  wire                  clk_i,
    input  wire                  rst_i,

    // Steps
    input  wire                  step_valid_i,
    output logic                 step_ready_o,
    input  wire  [ADDR_BITS-1:0] step_addr_i,
    input  wire                  step_last_i,

    // Words from the chip
    input  wire                  in_valid_i,
    output logic                 in_ready_o,
    input  wire  [         63:0] in_data_i,

    // Native port: address of 16 bit; data is taken when data_ready_i is high
    output logic                 cmd_valid_o,
    input  wire                  cmd_ready_i,
    output logic [ADDR_BITS+1:0] cmd_addr_o,
    input  wire                  data_ready_i,
    output logic [         15:0] data_o,

    // Level: a word or its data is still here
    output logic                 busy_o,
    output logic                 done_o
);
    logic word_valid_q, word_last_q;
    logic [63:0] word_q;
    logic [ADDR_BITS-1:0] addr_q;
    logic [1:0] lane_q;

    logic cmd_ready, fifo_ready, data_valid, data_last;
    wire move = word_valid_q & cmd_ready & fifo_ready;
    wire free = !word_valid_q | (move & lane_q == 2'd3);
    wire take = free & step_valid_i & in_valid_i;

    assign in_ready_o = free & step_valid_i;
    assign step_ready_o = take;

    always_ff @(posedge clk_i) begin
        if (take) begin
            word_q      <= in_data_i;
            addr_q      <= step_addr_i;
            word_last_q <= step_last_i;
        end else if (move) word_q <= {16'd0, word_q[63:16]};
    end

    always_ff @(posedge clk_i) begin
        if (rst_i) begin
            word_valid_q <= 1'b0;
            lane_q       <= '0;
        end else begin
            if (free) word_valid_q <= take;
            if (move) lane_q <= lane_q + 1'b1;
        end
    end

    skid_buffer #(
        .WIDTH(ADDR_BITS + 2)
    ) command (
        .clk_i(clk_i),
        .rst_i(rst_i),
        .in_valid_i(word_valid_q & fifo_ready),
        .in_ready_o(cmd_ready),
        .in_data_i({addr_q, lane_q}),
        .out_valid_o(cmd_valid_o),
        .out_ready_i(cmd_ready_i),
        .out_data_o(cmd_addr_o)
    );

    stream_fifo #(
        .WIDTH(17)
    ) data (
        .clk_i(clk_i),
        .rst_i(rst_i),
        .in_valid_i(word_valid_q & cmd_ready),
        .in_ready_o(fifo_ready),
        .in_data_i({word_last_q & lane_q == 2'd3, word_q[15:0]}),
        .out_valid_o(data_valid),
        .out_ready_i(data_ready_i),
        .out_data_o({data_last, data_o})
    );

    assign busy_o = word_valid_q | data_valid;
    assign done_o = data_valid & data_ready_i & data_last;
endmodule

`default_nettype wire
