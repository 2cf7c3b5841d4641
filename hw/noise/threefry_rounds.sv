// SPDX-License-Identifier: Apache-2.0
// Four rounds of Threefry-2x32 and the key injection after them, one adder deep a stage.
// Contract: latency 5 enabled clocks, one block a clock; the two key words stand still while blocks that need them are inside.
`default_nettype none

module threefry_rounds #(
    // Rotations of the four rounds, 1...31 bits: free, they are wires.
    parameter int R0 = 13,
    parameter int R1 = 15,
    parameter int R2 = 26,
    parameter int R3 = 6
) (
    input  wire logic        clk_i,
    input  wire logic        ce_i,

    // Key words to add, the number of the injection included in key1
    input  wire logic [31:0] key0_i,
    input  wire logic [31:0] key1_i,

    input  wire logic [31:0] x0_i,
    input  wire logic [31:0] x1_i,
    output      logic [31:0] x0_o,
    output      logic [31:0] x1_o
);
    logic [31:0] a0_q, b0_q, c0_q, d0_q;
    logic [31:0] a1_q, b1_q, c1_q, d1_q;

    wire [31:0] a0_d = x0_i + x1_i;
    wire [31:0] b0_d = a0_q + a1_q;
    wire [31:0] c0_d = b0_q + b1_q;
    wire [31:0] d0_d = c0_q + c1_q;

    always_ff @(posedge clk_i) begin
        if (ce_i) begin
            a0_q <= a0_d;
            a1_q <= {x1_i[31-R0:0], x1_i[31:32-R0]} ^ a0_d;
            b0_q <= b0_d;
            b1_q <= {a1_q[31-R1:0], a1_q[31:32-R1]} ^ b0_d;
            c0_q <= c0_d;
            c1_q <= {b1_q[31-R2:0], b1_q[31:32-R2]} ^ c0_d;
            d0_q <= d0_d;
            d1_q <= {c1_q[31-R3:0], c1_q[31:32-R3]} ^ d0_d;
            x0_o <= d0_q + key0_i;
            x1_o <= d1_q + key1_i;
        end
    end
endmodule

`default_nettype wire
