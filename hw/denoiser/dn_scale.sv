// SPDX-License-Identifier: Apache-2.0
//
// Accumulator times multiplier: the M of an M, S pair, 17 bits. Wider accumulators than a DSP block takes are cut at bit 17; an upper
// part of up to three bits is added up from shifted multipliers, so that A_WIDTH 19 and 20 still cost one DSP block.
//
//   product = a * m                    exact
//
// Latency: 3 enabled cycles. With en_i low every stage holds. No reset. m_i is constant while it matters.
`default_nettype none

module dn_scale #(
    // Bits of the signed accumulator: up to 20 costs one MULT18X18D, more costs two
    parameter int A_WIDTH = 20
) (
    input  wire                 clk_i,

    input  wire                 en_i,
    input  wire  [A_WIDTH-1:0]  a_i,        // signed
    input  wire  [16:0]         m_i,        // unsigned
    output logic [A_WIDTH+16:0] product_o   // signed
);
    localparam int P_WIDTH = A_WIDTH + 17;
    localparam int HIGH = A_WIDTH - 17;

    logic signed [A_WIDTH-1:0] a_q;
    wire signed [17:0] m = {1'b0, m_i};

    always_ff @(posedge clk_i)
        if (en_i)
            a_q <= a_i;

    if (A_WIDTH <= 18) begin : g_one
        logic signed [P_WIDTH-1:0] product_q;
        always_ff @(posedge clk_i)
            if (en_i) begin
                product_q <= P_WIDTH'(a_q * m);
                product_o <= product_q;
            end
    end else begin : g_two
        wire signed [17:0] low = {1'b0, a_q[16:0]};
        wire signed [HIGH-1:0] high = a_q[A_WIDTH-1:17];
        logic signed [35:0] low_q;
        logic signed [HIGH+17:0] high_q;
        always_ff @(posedge clk_i)
            if (en_i) begin
                low_q     <= low * m;
                product_o <= P_WIDTH'(low_q) + {high_q[HIGH+16:0], {17{1'b0}}};
            end
        wire unused_high = high_q[HIGH+17];
        if (HIGH <= 3) begin : g_small
            wire signed [2:0] bits = 3'(high);
            always_ff @(posedge clk_i)
                if (en_i)
                    high_q <= (HIGH + 18)'((bits[0] ? 21'(m) : 21'sd0) + (bits[1] ? 21'(m) <<< 1 : 21'sd0) - (bits[2] ? 21'(m) <<< 2 : 21'sd0));
        end else begin : g_large
            always_ff @(posedge clk_i)
                if (en_i)
                    high_q <= high * m;
        end
    end
endmodule

`default_nettype wire
