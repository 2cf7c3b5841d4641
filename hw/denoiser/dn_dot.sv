// SPDX-License-Identifier: Apache-2.0
//
// Dot product of N operands and N weights: N LUT multipliers (mul8) and a registered tree of three-input adders.
//
//   sum = operand[0]*weight[0] + ... + operand[N-1]*weight[N-1]     exact
//
// Latency: 3 + ceil(log3 N) enabled cycles (N = 2: 4, 4 and 8: 5, 18: 6). Throughput: one an enabled cycle.
// With en_i low every stage holds. No reset.
`default_nettype none

module dn_dot #(
    // Number of products, 2 or more; costs N mul8 (82 LUTs each) and about 15 N LUTs of adders
    parameter int N = 2
) (
    input  wire                      clk_i,

    input  wire                      en_i,
    input  wire  [N*9-1:0]           operand_i,  // N x s8.0
    input  wire  [N*8-1:0]           weight_i,   // N x s7.0
    output wire  [16+$clog2(N):0]    sum_o       // s(16 + log2 N).0: never overflows
);
    localparam int WIDTH = 17 + $clog2(N);

    // Nodes of tree level l; level 0 are the products, each level has a third of the nodes of the one before.
    function automatic int nodes(input int level);
        begin
            nodes = N;
            for (int i = 0; i < level; i++)
                nodes = (nodes + 2) / 3;
        end
    endfunction
    // First node of level l in the flat vector.
    function automatic int base(input int level);
        begin
            base = 0;
            for (int i = 0; i < level; i++)
                base = base + nodes(i);
        end
    endfunction
    localparam int LEVELS = N > 9 ? 3 : N > 3 ? 2 : 1;
    if (N < 2 || N > 27) begin : g_illegal
        initial $fatal(1, "dn_dot: N must be 2...27");
    end

    localparam int LAST = base(LEVELS);

    wire [(LAST + 1)*WIDTH-1:0] node;

    for (genvar n = 0; n < N; n++) begin : g_product
        wire [16:0] product;
        mul8 multiplier (.clk_i, .en_i, .operand_i(operand_i[n*9 +: 9]), .weight_i(weight_i[n*8 +: 8]), .product_o(product));
        assign node[n*WIDTH +: WIDTH] = {{(WIDTH - 17){product[16]}}, product};
    end

    for (genvar l = 1; l <= LEVELS; l++) begin : g_level
        for (genvar n = 0; n < nodes(l); n++) begin : g_node
            localparam int TO = base(l) + n;
            localparam int FROM = base(l - 1) + 3*n;
            localparam int HAVE = nodes(l - 1) - 3*n;  // nodes left on the level below: 1, 2 or at least 3
            logic [WIDTH-1:0] sum_q;
            if (HAVE >= 3) begin : g_three
                // Two carry chains one after the other, half the area of the adder of three inputs that Yosys makes of one sum. Two of
                // three nodes need a bit less than all.
                wire signed [WIDTH-2:0] two = (WIDTH - 1)'($signed(node[FROM*WIDTH +: WIDTH]) + $signed(node[(FROM + 1)*WIDTH +: WIDTH]));
                always_ff @(posedge clk_i)
                    if (en_i)
                        sum_q <= {two[WIDTH-2], two} + node[(FROM + 2)*WIDTH +: WIDTH];
            end else if (HAVE == 2) begin : g_two
                always_ff @(posedge clk_i)
                    if (en_i)
                        sum_q <= node[FROM*WIDTH +: WIDTH] + node[(FROM + 1)*WIDTH +: WIDTH];
            end else begin : g_one
                always_ff @(posedge clk_i)
                    if (en_i)
                        sum_q <= node[FROM*WIDTH +: WIDTH];
            end
            assign node[TO*WIDTH +: WIDTH] = sum_q;
        end
    end
    assign sum_o = node[LAST*WIDTH +: WIDTH];
endmodule

`default_nettype wire
