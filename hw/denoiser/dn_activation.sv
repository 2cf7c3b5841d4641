// SPDX-License-Identifier: Apache-2.0
//
// A bottleneck accumulator to its uint8 activation: qa_dn_activation of libquell.
//
//   b = clamp( RHE( ((acc + bias) * M) >> S ), 0, 255 )        half to even
//
// Latency: 7 enabled cycles. Throughput: one an enabled cycle. With en_i low every stage holds. No reset. Costs two MULT18X18D.
`default_nettype none

module dn_activation (
    input  wire         clk_i,

    input  wire         en_i,
    input  wire  [31:0] acc_i,      // int32
    input  wire  [31:0] bias_i,     // int32; the sum does not overflow, by contract
    input  wire  [16:0] m_i,
    input  wire  [5:0]  s_i,        // 1...63
    output logic [7:0]  b_o         // uint8
);
    wire [48:0] product, shifted;   // signed
    wire sticky;
    dn_scale #(.A_WIDTH(32)) scale (.clk_i, .en_i, .a_i(acc_i + bias_i), .m_i, .product_o(product));
    dn_shift #(.WIDTH(49), .STICKY(1)) shift (.clk_i, .en_i, .x_i(product), .s_i, .y_o(shifted), .sticky_o(sticky));

    always_ff @(posedge clk_i)
        if (en_i) begin
            if (shifted[48])
                b_o <= 8'd0;
            else if (|shifted[47:9] || &shifted[8:1])
                b_o <= 8'd255;
            else
                b_o <= shifted[8:1] + 8'(shifted[0] && (sticky || shifted[1]));
        end
endmodule

`default_nettype wire
