// SPDX-License-Identifier: Apache-2.0
//
// Nine multipliers and an adder tree: one 3x3 window of one channel, or up to nine channels of a 1x1 convolution, a cycle.
// The array uses CONV_CORES of them, the denoiser its own.
//
//   sum = operand[0]*weight[0] + ... + operand[8]*weight[8]     exact, no rounding, no saturation
//
// Latency: exactly 4 enabled cycles (operands, products, sums of three, sum). Throughput: one result an enabled cycle.
// Stall rule: with en_i low every stage holds. No reset: the user tracks which results are valid.
// |operand*weight| <= 2^15, so nine of them stay below 2^19 and the 21 bits never overflow.
`default_nettype none

module conv_core (
    input  wire         clk_i,

    input  wire         en_i,
    input  wire  [80:0] operand_i,  // nine s8.0 (9 bits), number t at bit t*9
    input  wire  [71:0] weight_i,   // nine s7.0 (8 bits), number t at bit t*8
    output logic [20:0] sum_o       // s20.0
);
    // Registers directly before and after each product, so that they can move into the DSP block.
    logic [80:0]  operand_q;        // nine s8.0
    logic [71:0]  weight_q;         // nine s7.0
    logic [152:0] product_q;        // nine s16.0 (17 bits)
    logic [56:0]  third_q;          // three s18.0 (19 bits): rows of the window

    for (genvar t = 0; t < 9; t++) begin : g_product
        wire signed [8:0]  a = operand_q[t*9 +: 9];
        wire signed [7:0]  b = weight_q[t*8 +: 8];
        wire signed [16:0] p = a * b;
        always_ff @(posedge clk_i)
            if (en_i) begin
                operand_q[t*9 +: 9]   <= operand_i[t*9 +: 9];
                weight_q[t*8 +: 8]    <= weight_i[t*8 +: 8];
                product_q[t*17 +: 17] <= p;
            end
    end

    for (genvar r = 0; r < 3; r++) begin : g_third
        wire signed [16:0] p0 = product_q[(r*3 + 0)*17 +: 17];
        wire signed [16:0] p1 = product_q[(r*3 + 1)*17 +: 17];
        wire signed [16:0] p2 = product_q[(r*3 + 2)*17 +: 17];
        // Two carry chains one after the other: written as one sum, or with signed widening, Yosys makes an adder of three inputs of it, which
        // costs two LUTs a bit more.
        wire signed [17:0] p01 = 18'(p0) + 18'(p1);
        wire [18:0] s = {p01[17], p01} + {{2{p2[16]}}, p2};
        always_ff @(posedge clk_i)
            if (en_i)
                third_q[r*19 +: 19] <= s;
    end

    wire signed [18:0] s0 = third_q[18:0];
    wire signed [18:0] s1 = third_q[37:19];
    wire signed [18:0] s2 = third_q[56:38];
    wire signed [19:0] s01 = 20'(s0) + 20'(s1);
    always_ff @(posedge clk_i)
        if (en_i)
            sum_o <= {s01[19], s01} + {{2{s2[18]}}, s2};
endmodule

`default_nettype wire
