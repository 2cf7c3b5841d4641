// SPDX-License-Identifier: Apache-2.0
// FIFO between two clocks of any ratio: Gray-coded pointers through synchronisers, data in distributed RAM, output registered.
// Contract: order kept; data stable while stalled; one beat a clock of the slower side when the FIFO is 8 words deep or more.
// `hold` empties a side: its pointer goes to zero and it neither takes nor gives. Both sides must be in hold at the same time before either leaves it
// (fifo_flush.sv); reset counts as hold. A side in hold tolerates any movement of the other side's pointer.
`default_nettype none

module async_fifo #(
    // Width of a beat in bits.
    parameter int WIDTH = 8,
    // log2 of the number of words; 2...6. 16 words cost as much RAM as fewer.
    parameter int DEPTH_LOG2 = 4
) (
    // Writing side
    input  wire              wr_clk_i,
    input  wire              wr_hold_i,
    input  wire              wr_valid_i,
    output logic             wr_ready_o,
    input  wire  [WIDTH-1:0] wr_data_i,
    // Reading side
    input  wire              rd_clk_i,
    input  wire              rd_hold_i,
    output logic             rd_valid_o,
    input  wire              rd_ready_i,
    output logic [WIDTH-1:0] rd_data_o
);
    localparam int PW = DEPTH_LOG2 + 1;  // one bit more than an address: tells full from empty

    logic [WIDTH-1:0] memory[2**DEPTH_LOG2];
    logic [PW-1:0] wr_bin_q, wr_gray_q, rd_bin_q, rd_gray_q;  // wr_gray_q, rd_gray_q: the other side samples these, so they are flip-flops
    wire [PW-1:0] wr_gray_sync, rd_gray_sync;

    // ---- writing side ----
    wire [PW-1:0] wr_next = wr_bin_q + 1'b1;
    wire push = wr_valid_i & wr_ready_o;

    // Full: the pointers differ by the depth, which in Gray code means the two top bits differ and the others agree.
    assign wr_ready_o = !wr_hold_i & ((wr_gray_q ^ rd_gray_sync) != {2'b11, {PW - 2{1'b0}}});

    always_ff @(posedge wr_clk_i) begin
        if (push) memory[wr_bin_q[DEPTH_LOG2-1:0]] <= wr_data_i;
    end

    always_ff @(posedge wr_clk_i) begin
        if (wr_hold_i) begin
            wr_bin_q  <= '0;
            wr_gray_q <= '0;
        end else if (push) begin
            wr_bin_q  <= wr_next;
            wr_gray_q <= wr_next ^ (wr_next >> 1);
        end
    end

    synchroniser #(.WIDTH(PW)) cross_rd_pointer (.clk_i(wr_clk_i), .rst_i(wr_hold_i), .async_i(rd_gray_q), .sync_o(rd_gray_sync));

    // ---- reading side ----
    wire [PW-1:0] rd_next = rd_bin_q + 1'b1;
    wire pull = (wr_gray_sync != rd_gray_q) & (!rd_valid_o | rd_ready_i);

    always_ff @(posedge rd_clk_i) begin
        if (pull) rd_data_o <= memory[rd_bin_q[DEPTH_LOG2-1:0]];
    end

    always_ff @(posedge rd_clk_i) begin
        if (rd_hold_i) begin
            rd_valid_o <= 1'b0;
            rd_bin_q   <= '0;
            rd_gray_q  <= '0;
        end else begin
            rd_valid_o <= pull | (rd_valid_o & !rd_ready_i);
            if (pull) begin
                rd_bin_q  <= rd_next;
                rd_gray_q <= rd_next ^ (rd_next >> 1);
            end
        end
    end

    synchroniser #(.WIDTH(PW)) cross_wr_pointer (.clk_i(rd_clk_i), .rst_i(rd_hold_i), .async_i(wr_gray_q), .sync_o(wr_gray_sync));
endmodule

`default_nettype wire
