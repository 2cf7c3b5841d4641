// SPDX-License-Identifier: Apache-2.0
// Floating-point form of a 47-bit number, for the radius table: three stages of two bits of the exponent each.
// Contract: v = 2^e * (1 + fraction/2^17 + less): exponent_o = 17 + e; v = 0 gives 0 and 0. Latency 3 enabled clocks.
`default_nettype none

module box_muller_normalise (
    input  wire logic        clk_i,
    input  wire logic        ce_i,
    input  wire logic [46:0] v_i,
    output      logic [5:0]  exponent_o,
    output      logic [16:0] fraction_o
);
    // By 32 and 16: only the 33 bits that later shifts can bring to the top are kept.
    wire high = |v_i[46:31];
    wire mid  = |v_i[30:15];
    wire low  = |v_i[14:0];
    logic [1:0]  exponent_a_q;
    logic [32:0] a_q;

    always_ff @(posedge clk_i) begin
        if (ce_i) begin
            exponent_a_q <= {high | mid, high | (!mid & low)};
            a_q <= high ? v_i[46:14] : mid ? {v_i[30:0], 2'b0} : {v_i[14:0], 18'b0};
        end
    end

    // By 8 and 4
    wire a3 = |a_q[32:29];
    wire a2 = |a_q[28:25];
    wire a1 = |a_q[24:21];
    logic [3:0]  exponent_b_q;
    logic [20:0] b_q;

    always_ff @(posedge clk_i) begin
        if (ce_i) begin
            exponent_b_q <= {exponent_a_q, a3 | a2, a3 | (!a2 & a1)};
            b_q <= a3 ? a_q[32:12] : a2 ? a_q[28:8] : a1 ? a_q[24:4] : a_q[20:0];
        end
    end

    // By 2 and 1; the leading one itself is dropped.
    always_ff @(posedge clk_i) begin
        if (ce_i) begin
            exponent_o <= {exponent_b_q, b_q[20] | b_q[19], b_q[20] | (!b_q[19] & b_q[18])};
            fraction_o <= b_q[20] ? b_q[19:3] : b_q[19] ? b_q[18:2] : b_q[18] ? b_q[17:1] : b_q[16:0];
        end
    end
endmodule

`default_nettype wire
