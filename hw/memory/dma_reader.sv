// SPDX-License-Identifier: Apache-2.0
// A reading stream of dma.sv: word addresses in, 64-bit words out. Each word is four reads of 16 bit on a native port of LiteDRAM, lowest address in
// the lowest bits.
// Contract: a command a cycle while there is room, with up to 4 * 2**DEPTH_LOG2 reads in flight; the port's data, which cannot be refused, always
// finds room, because a word is asked for only when the FIFO has a place that nobody was promised. All outputs to the port come from registers. Words
// keep their order and come with their step's `last`; valid never waits for ready, data stable while stalled, a word in four cycles at best.
`default_nettype none

module dma_reader #(
    // Address bits of the memory in words.
    parameter int ADDR_BITS  = 22,
    // log2 of the words the FIFO holds; 2...6. 64 words are 68 LUT RAM cells.
    parameter int DEPTH_LOG2 = 4
) (
    input  wire                  clk_i,
    input  wire                  rst_i,

    // Steps
    input  wire                  step_valid_i,
    output logic                 step_ready_o,
    input  wire  [ADDR_BITS-1:0] step_addr_i,
    input  wire                  step_last_i,

    // Native port: address of 16 bit; data without ready
    output logic                 cmd_valid_o,
    input  wire                  cmd_ready_i,
    output logic [ADDR_BITS+1:0] cmd_addr_o,
    input  wire                  data_valid_i,
    input  wire  [         15:0] data_i,

    // Words to the chip
    output logic                 out_valid_o,
    input  wire                  out_ready_i,
    output logic [         63:0] out_data_o,
    output logic                 out_last_o,

    // Level: a word is under way or waits
    output logic                 busy_o
);
    // ---- commands

    logic [1:0] lane_q;
    logic [DEPTH_LOG2:0] room_q;  // places of the FIFO that nobody was promised
    logic room_for_one_q;         // room_q != 0, from a register: it is in the way of every command
    logic cmd_ready;

    wire ask = step_valid_i & (lane_q != 2'd0 | room_for_one_q);
    wire asked = ask & cmd_ready;
    wire promise = asked & lane_q == 2'd0;
    wire taken = out_valid_o & out_ready_i;
    wire [DEPTH_LOG2:0] room = room_q - (DEPTH_LOG2 + 1)'(promise) + (DEPTH_LOG2 + 1)'(taken);

    assign step_ready_o = asked & lane_q == 2'd3;
    assign busy_o = !room_q[DEPTH_LOG2];

    skid_buffer #(
        .WIDTH(ADDR_BITS + 2)
    ) command (
        .clk_i(clk_i),
        .rst_i(rst_i),
        .in_valid_i(ask),
        .in_ready_o(cmd_ready),
        .in_data_i({step_addr_i, lane_q}),
        .out_valid_o(cmd_valid_o),
        .out_ready_i(cmd_ready_i),
        .out_data_o(cmd_addr_o)
    );

    always_ff @(posedge clk_i) begin
        if (rst_i) begin
            lane_q         <= '0;
            room_q         <= {1'b1, {DEPTH_LOG2{1'b0}}};
            room_for_one_q <= 1'b1;
        end else begin
            if (asked) lane_q <= lane_q + 1'b1;
            room_q         <= room;
            room_for_one_q <= room != '0;
        end
    end

    // ---- `last` of the words under way

    logic last, word_valid_q;
    /* verilator lint_off PINCONNECTEMPTY */
    stream_fifo #(
        .WIDTH(1),
        .DEPTH_LOG2(DEPTH_LOG2)
    ) lasts (
        .clk_i(clk_i),
        .rst_i(rst_i),
        .in_valid_i(promise),
        .in_ready_o(),  // no more than places in the FIFO of words
        .in_data_i(step_last_i),
        .out_valid_o(),
        .out_ready_i(word_valid_q),
        .out_data_o(last)
    );

    // ---- data: four make a word

    logic data_valid_q;
    logic [15:0] data_q;
    logic [1:0] part_q;
    logic [63:0] word_q;

    always_ff @(posedge clk_i) begin
        data_q <= data_i;
        if (data_valid_q) word_q <= {data_q, word_q[63:16]};
    end

    always_ff @(posedge clk_i) begin
        if (rst_i) begin
            data_valid_q <= 1'b0;
            part_q       <= '0;
            word_valid_q <= 1'b0;
        end else begin
            data_valid_q <= data_valid_i;
            if (data_valid_q) part_q <= part_q + 1'b1;
            word_valid_q <= data_valid_q & part_q == 2'd3;
        end
    end

    stream_fifo #(
        .WIDTH(65),
        .DEPTH_LOG2(DEPTH_LOG2)
    ) words (
        .clk_i(clk_i),
        .rst_i(rst_i),
        .in_valid_i(word_valid_q),
        .in_ready_o(),  // promised
        .in_data_i({last, word_q}),
        .out_valid_o(out_valid_o),
        .out_ready_i(out_ready_i),
        .out_data_o({out_last_o, out_data_o})
    );
    /* verilator lint_on PINCONNECTEMPTY */
endmodule

`default_nettype wire
