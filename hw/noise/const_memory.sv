// SPDX-License-Identifier: Apache-2.0
// The constants of every channel pair, written by the CPU and read as three streams, one for each unit that needs some: bias, M, S
// for requantise; G, o for analog; a, b for column_correct. Separate banks, because the units need their part at different times and
// delaying 272 bits would cost more than three small address counters.
// Contract: after start_i each stream gives the words cfg_const_addr_i + (beat modulo 4 * cfg_out_c8_i), see const_bank.
// A word is stored with lane 9; lanes as QP_MEM_CONSTANT in quell_protocol.h.
`default_nettype none

module const_memory #(
    // Words, one a channel pair; power of two; nine block RAMs per 512.
    parameter int CONST_WORDS = 512
) (
    input  wire          clk_i,
    input  wire          rst_i,
    input  wire          start_i,
    input  wire  [ 15:0] cfg_const_addr_i,
    input  wire  [ 11:0] cfg_out_c8_i,
    // CPU write port
    input  wire          wr_en_i,
    input  wire  [ 15:0] wr_index_i,
    input  wire  [  5:0] wr_lane_i,
    input  wire  [ 31:0] wr_data_i,
    // {S, M, bias} of channels c+1 and c, 62 bits each
    output logic         rq_valid_o,
    input  wire          rq_ready_i,
    output logic [123:0] rq_data_o,
    // {o, G} of channels c+1 and c, 42 bits each
    output logic         an_valid_o,
    input  wire          an_ready_i,
    output logic [ 83:0] an_data_o,
    // {b, a} of channels c+1 and c, 32 bits each
    output logic         cc_valid_o,
    input  wire          cc_ready_i,
    output logic [ 63:0] cc_data_o
);
    localparam int A_W = $clog2(CONST_WORDS);

    logic [31:0] bias0_q, ab0_q, bias1_q;
    logic [29:0] ms0_q, ms1_q;
    logic [17:0] g0_q, g1_q;
    logic [23:0] o0_q, o1_q;

    always_ff @(posedge clk_i) begin
        if (wr_en_i) begin
            case (wr_lane_i)
                6'd0: bias0_q <= wr_data_i;
                6'd1: ms0_q <= wr_data_i[29:0];
                6'd2: g0_q <= wr_data_i[17:0];
                6'd3: o0_q <= wr_data_i[23:0];
                6'd4: ab0_q <= wr_data_i;
                6'd5: bias1_q <= wr_data_i;
                6'd6: ms1_q <= wr_data_i[29:0];
                6'd7: g1_q <= wr_data_i[17:0];
                6'd8: o1_q <= wr_data_i[23:0];
                default: ;
            endcase
        end
    end

    wire store = wr_en_i & (wr_lane_i == 6'd9) & (wr_index_i < 16'(CONST_WORDS));
    wire [A_W-1:0] base = cfg_const_addr_i[A_W-1:0];
    wire [13:0] last = {cfg_out_c8_i, 2'd0} - 14'd1;
    wire unused = &{1'b0, cfg_const_addr_i[15:A_W]};

    const_bank #(
        .WORDS(CONST_WORDS),
        .WIDTH(124)
    ) u_requantise (
        .clk_i,
        .rst_i,
        .start_i,
        .base_i(base),
        .last_i(last),
        .wr_en_i(store),
        .wr_addr_i(wr_index_i[A_W-1:0]),
        .wr_data_i({ms1_q, bias1_q, ms0_q, bias0_q}),
        .out_valid_o(rq_valid_o),
        .out_ready_i(rq_ready_i),
        .out_data_o(rq_data_o)
    );
    const_bank #(
        .WORDS(CONST_WORDS),
        .WIDTH(84)
    ) u_analog (
        .clk_i,
        .rst_i,
        .start_i,
        .base_i(base),
        .last_i(last),
        .wr_en_i(store),
        .wr_addr_i(wr_index_i[A_W-1:0]),
        .wr_data_i({o1_q, g1_q, o0_q, g0_q}),
        .out_valid_o(an_valid_o),
        .out_ready_i(an_ready_i),
        .out_data_o(an_data_o)
    );
    const_bank #(
        .WORDS(CONST_WORDS),
        .WIDTH(64)
    ) u_correct (
        .clk_i,
        .rst_i,
        .start_i,
        .base_i(base),
        .last_i(last),
        .wr_en_i(store),
        .wr_addr_i(wr_index_i[A_W-1:0]),
        .wr_data_i({wr_data_i, ab0_q}),
        .out_valid_o(cc_valid_o),
        .out_ready_i(cc_ready_i),
        .out_data_o(cc_data_o)
    );
endmodule

`default_nettype wire
