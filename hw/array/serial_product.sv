// SPDX-License-Identifier: Apache-2.0
// A product in as many cycles as the factor has pairs of bits, for sizes that are worked out once a layer: Horner's scheme in base 4, modulo 2^16.
// clear_i sets the product to 0; en_i takes the next digit of the factor, the highest first.
`default_nettype none

module serial_product (
    input  wire         clk_i,
    input  wire         clear_i,
    input  wire         en_i,
    input  wire  [1:0]  digit_i,
    input  wire  [15:0] by_i,
    output logic [15:0] product_o
);
    wire [15:0] part = (digit_i[0] ? by_i : 16'd0) + (digit_i[1] ? {by_i[14:0], 1'b0} : 16'd0);
    always_ff @(posedge clk_i)
        if (clear_i)
            product_o <= 16'd0;
        else if (en_i)
            product_o <= {product_o[13:0], 2'b0} + part;
endmodule

`default_nettype wire
