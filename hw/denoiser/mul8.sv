// SPDX-License-Identifier: Apache-2.0
//
// A 9 x 8 bit signed multiplier made of LUTs: radix-4 Booth over the weight, four partial products, three register stages.
// The denoiser uses it where DSP blocks are not worth spending: its bottleneck has many narrow products.
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
    logic [12:0] low_q;             // s12.0: digits 0 and 1, |.| <= 10 * 256
    logic [12:0] high_q;            // s12.0: digits 2 and 3, to be taken 16 times
    logic        low_missing_q;     // what two_digits leaves out of low_q

    // A Booth digit is -2...2. Its multiple of a comes as ones' complement if negative; negative() is the missing 1.
    // The three weight bits and two operand bits of each result bit fit a LUT5.
    function automatic [9:0] multiple(input [8:0] a, input [2:0] w);
        reg [9:0] m;
        begin
            m = (w[1] ^ w[0]) ? {a[8], a} : (w[2] ^ w[1]) ? {a, 1'b0} : 10'd0;
            multiple = negative(w) ? ~m : m;
        end
    endfunction

    function automatic negative(input [2:0] w);
        negative = w[2] & ~(w[1] & w[0]);
    endfunction

    // Two digits, short of the upper one's missing 1 (which is worth 4): the lower one's fits below the upper multiple.
    function automatic [12:0] two_digits(input [8:0] a, input [4:0] w);
        reg [9:0] m0, m1;
        begin
            m0 = multiple(a, w[2:0]);
            m1 = multiple(a, w[4:2]);
            two_digits = {{3{m0[9]}}, m0} + {m1[9], m1, 1'b0, negative(w[2:0])};
        end
    endfunction

    always_ff @(posedge clk_i)
        if (en_i) begin
            operand_q <= operand_i;
            weight_q  <= weight_i;
            low_q     <= two_digits(operand_q, {weight_q[3:0], 1'b0});
            high_q    <= two_digits(operand_q, weight_q[7:3]) + {10'd0, negative(weight_q[7:5]), 2'd0};
            product_o <= {{4{low_q[12]}}, low_q} + {high_q, 1'b0, low_missing_q, 2'd0};
            low_missing_q <= negative(weight_q[3:1]);
        end
endmodule

`default_nettype wire
