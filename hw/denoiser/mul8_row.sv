// SPDX-License-Identifier: Apache-2.0
//
// Two shifted operands in one ECP5 carry chain, a part of mul8_digit: half of a LUT a bit, the ANDs included.
//
//   sum = operand * bits[0] + 2 * operand * bits[1]         NEGATE: operand * bits[0] - 2 * operand * bits[1]
//
// A CCU2C's look-up table gives the sum without carry, A&B ^ C&D; where that is 0 the carry is what the table gives with C = D = 0: A&B.
`default_nettype none

module mul8_row #(
    // 1: the second term is subtracted
    parameter bit NEGATE = 0
) (
    input  wire  [8:0]  operand_i,  // s8.0
    input  wire  [1:0]  bits_i,
    output wire  [10:0] sum_o       // s10.0
);
    wire [11:0] a = {{3{operand_i[8]}}, operand_i};
    wire [5:0]  carry;
    // The complement of the negated term must be A&B's; its missing 1 is the carry into bit 1, where it is worth as much as below bit 0.
    localparam [15:0] INIT = NEGATE ? 16'h8777 : 16'h7888;
    wire x = NEGATE ? bits_i[1] : bits_i[0], y = NEGATE ? bits_i[0] : bits_i[1];
    assign sum_o[0] = operand_i[0] & bits_i[0];
    assign carry[0] = NEGATE;
    for (genvar i = 0; i < 5; i++) begin : g_slice
        localparam int B = 2*i + 1;
        localparam int P = NEGATE ? B - 1 : B, Q = NEGATE ? B : B - 1;
        CCU2C #(.INIT0(INIT), .INIT1(INIT), .INJECT1_0("NO"), .INJECT1_1("NO")) slice (
            .CIN(carry[i]), .A0(a[P]), .B0(x), .C0(a[Q]), .D0(y), .A1(a[P+1]), .B1(x), .C1(a[Q+1]), .D1(y),
            .S0(sum_o[B]), .S1(sum_o[B+1]), .COUT(carry[i+1]));
    end
    wire unused = &{1'b0, carry[5], a[11]};
endmodule

`default_nettype wire
