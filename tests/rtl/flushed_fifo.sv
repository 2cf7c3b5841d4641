// SPDX-License-Identifier: Apache-2.0
// fifo_flush with a FIFO in each direction, as usb_link has them, for its bench.
`default_nettype none

module flushed_fifo (
    input  wire        a_clk_i,
    input  wire        a_rst_i,
    input  wire        a_flush_i,
    output logic       a_hold_o,
    input  wire        b_clk_i,
    input  wire        b_rst_i,
    output logic       b_hold_o,
    // A to B
    input  wire        down_valid_i,
    output logic       down_ready_o,
    input  wire  [7:0] down_data_i,
    output logic       down_valid_o,
    input  wire        down_ready_i,
    output logic [7:0] down_data_o,
    // B to A
    input  wire        up_valid_i,
    output logic       up_ready_o,
    input  wire  [7:0] up_data_i,
    output logic       up_valid_o,
    input  wire        up_ready_i,
    output logic [7:0] up_data_o
);
    fifo_flush i_flush (.a_clk_i, .a_rst_i, .a_flush_i, .a_hold_o, .b_clk_i, .b_rst_i, .b_hold_o);

    async_fifo i_down (
        .wr_clk_i(a_clk_i), .wr_hold_i(a_hold_o), .wr_valid_i(down_valid_i), .wr_ready_o(down_ready_o), .wr_data_i(down_data_i),
        .rd_clk_i(b_clk_i), .rd_hold_i(b_hold_o), .rd_valid_o(down_valid_o), .rd_ready_i(down_ready_i), .rd_data_o(down_data_o));

    async_fifo i_up (
        .wr_clk_i(b_clk_i), .wr_hold_i(b_hold_o), .wr_valid_i(up_valid_i), .wr_ready_o(up_ready_o), .wr_data_i(up_data_i),
        .rd_clk_i(a_clk_i), .rd_hold_i(a_hold_o), .rd_valid_o(up_valid_o), .rd_ready_i(up_ready_i), .rd_data_o(up_data_o));
endmodule

`default_nettype wire
