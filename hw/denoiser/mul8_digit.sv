// SPDX-License-Identifier: Apache-2.0
//
// Operand times a four-bit digit: two rows of two shifted operands, then their sum; combinational, a part of mul8.
//
//   product = operand * digit          exact
//
// On ECP5 the AND with the digit's bits lies in the look-up tables of the carry chain itself (CCU2C), which Yosys does not find by
// itself: half the area. Other tools, and Yosys with QUELL_NO_CCU2C defined, take the plain product.
`default_nettype none

module mul8_digit #(
    // 1: the digit is s3.0, 0: it is unsigned
    parameter bit SIGNED = 0
) (
    input  wire  [8:0]  operand_i,  // s8.0
    input  wire  [3:0]  digit_i,
    output wire  [12:0] product_o   // s12.0
);
`ifdef YOSYS
`ifndef QUELL_NO_CCU2C
`define QUELL_CCU2C
`endif
`endif

`ifdef QUELL_CCU2C
    wire [10:0] row0, row1;         // s10.0
    mul8_row #(.NEGATE(0))      lower (.operand_i, .bits_i(digit_i[1:0]), .sum_o(row0));
    mul8_row #(.NEGATE(SIGNED)) upper (.operand_i, .bits_i(digit_i[3:2]), .sum_o(row1));
    wire [10:0] sum = {{2{row0[10]}}, row0[10:2]} + row1;
    assign product_o = {sum, row0[1:0]};
`else
    wire signed [4:0] digit = {SIGNED & digit_i[3], digit_i};
    assign product_o = 13'($signed(operand_i)) * 13'(digit);
`endif
endmodule

`default_nettype wire
