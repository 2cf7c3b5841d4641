// SPDX-License-Identifier: Apache-2.0
// Descriptors of one stream of dma.sv to word addresses. A queue of 16; each descriptor is compared with the stream's region before its first address leaves.
// Contract: of a descriptor all addresses leave, ascending, or none. The first one outside the region, or of no words, sets refused_o; it and all that
// come behind it are dropped, one in three cycles, until clear_i is high while the queue is empty. Steps: valid never waits for ready, data stable
// while stalled, one a cycle; three cycles between two descriptors.
`default_nettype none

module dma_sequencer #(
    // Address bits of the memory in words.
    parameter int ADDR_BITS = 22
) (
    input  wire                  clk_i,
    input  wire                  rst_i,

    // Region: first word, first word behind
    input  wire  [ADDR_BITS-1:0] base_i,
    input  wire  [ADDR_BITS  :0] limit_i,

    // Descriptors: first word, number of words
    input  wire                  desc_valid_i,
    output logic                 desc_ready_o,
    input  wire  [ADDR_BITS-1:0] desc_addr_i,
    input  wire  [ADDR_BITS  :0] desc_words_i,

    // Steps: the address of a word, and whether it is its descriptor's last
    output logic                 step_valid_o,
    input  wire                  step_ready_i,
    output logic [ADDR_BITS-1:0] step_addr_o,
    output logic                 step_last_o,

    // Level: a descriptor is in the queue or leaves steps
    output logic                 busy_o,
    // Level: a descriptor was refused
    output logic                 refused_o,
    input  wire                  clear_i
);
    localparam int AW = ADDR_BITS;

    // IDLE -descriptor-> SUM -> CHECK -inside-> RUN -last step-> IDLE
    localparam logic [1:0] IDLE = 2'd0, SUM = 2'd1, CHECK = 2'd2, RUN = 2'd3;

    logic [1:0] state_q;
    logic [AW-1:0] addr_q;
    logic [AW:0] words_q;
    // First word behind the descriptor: one bit more than both, so that nothing wraps.
    logic [AW+1:0] end_q;
    logic refused_q;

    logic head_valid;
    logic [2*AW:0] head;
    stream_fifo #(
        .WIDTH(2 * AW + 1)
    ) queue (
        .clk_i(clk_i),
        .rst_i(rst_i),
        .in_valid_i(desc_valid_i),
        .in_ready_o(desc_ready_o),
        .in_data_i({desc_words_i, desc_addr_i}),
        .out_valid_o(head_valid),
        .out_ready_i(state_q == IDLE),
        .out_data_o(head)
    );

    wire fits = addr_q >= base_i & end_q <= {1'b0, limit_i} & words_q != '0;
    wire step = step_valid_o & step_ready_i;

    assign step_valid_o = state_q == RUN;
    assign step_addr_o = addr_q;
    assign step_last_o = words_q == (AW + 1)'(1);
    assign busy_o = head_valid | state_q != IDLE;
    assign refused_o = refused_q;

    always_ff @(posedge clk_i) begin
        if (state_q == IDLE) {words_q, addr_q} <= head;
        else if (step) begin
            addr_q  <= addr_q + 1'b1;
            words_q <= words_q - 1'b1;
        end
        end_q <= {2'b00, addr_q} + {1'b0, words_q};
    end

    always_ff @(posedge clk_i) begin
        if (rst_i) begin
            state_q   <= IDLE;
            refused_q <= 1'b0;
        end else begin
            unique case (state_q)
                IDLE: if (head_valid) state_q <= SUM;
                SUM: state_q <= CHECK;
                CHECK: state_q <= fits & !refused_q ? RUN : IDLE;
                default: if (step & step_last_o) state_q <= IDLE;
            endcase
            if (state_q == CHECK & !fits) refused_q <= 1'b1;
            else if (clear_i & !busy_o) refused_q <= 1'b0;
        end
    end
endmodule

`default_nettype wire
