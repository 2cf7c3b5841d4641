// SPDX-License-Identifier: Apache-2.0
//
// A 9 x 8 bit signed multiplier made of carry chains: each digit of 16 of the weight adds up its four shifted operands, then the two digits
// are added. The denoiser and post use it where DSP blocks are not worth spending: many narrow products
// of the bottleneck, the upper bits of a long factor.
//
//   product = operand * weight         exact
//
// Latency: 3 enabled cycles. Throughput: one product an enabled cycle. With en_i low every stage holds. No reset.
`default_nettype none

module mul8 (
    input  wire         clk_i,

    input  wire         en_i,
    input  wire  [8:0]  operand_i,  // s8.0
    input  wire  [7:0]  weight_i,   // s7.0
    output logic [16:0] product_o   // s16.0
);
    logic [8:0]  operand_q;
    logic [7:0]  weight_q;
    logic [12:0] low_q;             // s12.0: weight bits 3...0
    logic [12:0] high_q;            // s12.0: weight bits 7...4, bit 7 negative; to be taken 16 times
    wire  [12:0] low, high;
    mul8_digit #(.SIGNED(0)) low_digit (.operand_i(operand_q), .digit_i(weight_q[3:0]), .product_o(low));
    mul8_digit #(.SIGNED(1)) high_digit (.operand_i(operand_q), .digit_i(weight_q[7:4]), .product_o(high));

    // Bits 3...0 have one term only.
    wire [12:0] upper = {{4{low_q[12]}}, low_q[12:4]} + high_q;

    always_ff @(posedge clk_i)
        if (en_i) begin
            operand_q <= operand_i;
            weight_q  <= weight_i;
            low_q     <= low;
            high_q    <= high;
            product_o <= {upper, low_q[3:0]};
        end
endmodule

`default_nettype wire
