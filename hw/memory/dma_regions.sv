// SPDX-License-Identifier: Apache-2.0
// The regions of the external memory that the streams of dma.sv may touch: base and limit (the first word behind), in words, one a stream.
// Contract: a region is set once between two resets, so that no later write, of whatever origin, widens it; until then it is empty. A second setting,
// an empty region, one that ends behind the memory, a stream that does not exist: ignored, and refused_o is high for that cycle. New values count one
// cycle later.
`default_nettype none

module dma_regions #(
    // Address bits of the memory in words.
    parameter int ADDR_BITS = 22,
    // Streams; 2...3.
    parameter int STREAMS   = 3
) (
    input  wire                                clk_i,
    input  wire                                rst_i,

    // Setting
    input  wire                                valid_i,
    input  wire  [                        1:0] stream_i,
    input  wire  [              ADDR_BITS-1:0] base_i,
    input  wire  [                ADDR_BITS:0] limit_i,
    output logic                               refused_o,

    // All regions side by side, stream 0 lowest. An empty one has limit 0.
    output logic [      STREAMS*ADDR_BITS-1:0] base_o,
    output logic [  STREAMS*(ADDR_BITS+1)-1:0] limit_o
);
    logic [STREAMS-1:0] set_q;

    wire legal = {1'b0, base_i} < limit_i & limit_i <= {1'b1, {ADDR_BITS{1'b0}}};
    logic [STREAMS-1:0] take;

    always_comb begin
        for (int i = 0; i < STREAMS; i++) take[i] = valid_i & legal & stream_i == 2'(i) & !set_q[i];
    end
    assign refused_o = valid_i & take == '0;

    always_ff @(posedge clk_i) begin
        for (int i = 0; i < STREAMS; i++) begin
            if (rst_i) limit_o[i*(ADDR_BITS+1)+:ADDR_BITS+1] <= '0;
            else if (take[i]) limit_o[i*(ADDR_BITS+1)+:ADDR_BITS+1] <= limit_i;
            if (take[i]) base_o[i*ADDR_BITS+:ADDR_BITS] <= base_i;
        end
        set_q <= rst_i ? '0 : set_q | take;
    end
endmodule

`default_nettype wire
