// SPDX-License-Identifier: Apache-2.0
//
// The convolution array with everything around it, under one layer context: activation words in, accumulators out.
//
//   act memory ─► window ─► conv_array ─► row_buffer ─► acc stream
//                 weight_memory ─┘
//
// start_i (one cycle) begins the layer that the cfg_ ports describe; they are constant until done_o. done_o (one cycle): the last
// row is in the row buffer; the next layer may start at once, the acc stream goes on by itself. rows_ready_i counts the rows of this layer's input that
// are in memory and must be valid 10 cycles after start_i. After rst_i no answer to an older read request may arrive.
// Weight words of the running layer must not be written. docs/array.md has the formats.
`default_nettype none

module array_engine #(
    // Convolution cores, nine multipliers each; an output-channel group is so many channels. 8 or 16.
    parameter int CONV_CORES = 8,
    // Words of a row bank, a power of two: out_w * ceil(out_c8*8/CONV_CORES) may be at most this.
    parameter int ROW_WORDS = 512,
    // Words of weight memory (CONV_CORES*9 bytes each), a power of two.
    parameter int WEIGHT_WORDS = 2048
) (
    input  wire         clk_i,
    input  wire         rst_i,

    // Layer
    input  wire         start_i,
    output logic        done_o,
    input  wire  [1:0]  cfg_mode_i,
    input  wire  [2:0]  cfg_stride_y_i, // minus 1
    input  wire  [2:0]  cfg_stride_x_i,
    input  wire  [3:0]  cfg_win_h_i,   // minus 1
    input  wire  [3:0]  cfg_win_w_i,
    input  wire  [5:0]  cfg_step_y_i,
    input  wire  [5:0]  cfg_step_x_i,
    input  wire  [5:0]  cfg_pad_top_i,
    input  wire  [5:0]  cfg_pad_left_i,
    input  wire  [1:0]  cfg_wait_prev_i,
    input  wire  [15:0] cfg_in_addr_i,
    input  wire  [15:0] cfg_w_addr_i,
    input  wire  [9:0]  cfg_in_w_i,
    input  wire  [9:0]  cfg_in_h_i,
    input  wire  [9:0]  cfg_out_w_i,
    input  wire  [9:0]  cfg_out_h_i,
    input  wire  [11:0] cfg_in_c8_i,
    input  wire  [2:0]  cfg_in_last_i,
    input  wire  [11:0] cfg_out_c8_i,
    input  wire  [7:0]  cfg_z_in_i,     // s7.0
    input  wire  [9:0]  rows_ready_i,

    // Activation memory, read
    output logic        req_valid_o,
    input  wire         req_ready_i,
    output logic [15:0] req_addr_o,
    input  wire         rsp_valid_i,
    input  wire  [63:0] rsp_data_i,

    // Weight memory, write
    input  wire         wr_en_i,
    input  wire  [15:0] wr_index_i,
    input  wire  [5:0]  wr_lane_i,
    input  wire  [31:0] wr_data_i,

    // Accumulators: {acc[c+1], acc[c]}, 2 x int32
    output logic        acc_valid_o,
    input  wire         acc_ready_i,
    output logic [63:0] acc_data_o,

    // Counters: high in each cycle that counts; macs_o is a number to add
    output logic        busy_o,
    output logic        starved_o,
    output logic        blocked_o,
    output logic        window_wait_o,
    output logic [7:0]  macs_o
);
    localparam int HALVES = CONV_CORES / 8;
    localparam int RW = $clog2(ROW_WORDS);
    localparam int WW = $clog2(WEIGHT_WORDS);

    logic         window_valid, window_ready;
    logic [647:0] window_data;
    logic [5:0]   window_flags;
    window #(.CONV_CORES(CONV_CORES)) window_unit (
        .clk_i, .rst_i, .start_i, .wait_o(window_wait_o),
        .cfg_mode_i, .cfg_stride_y_i, .cfg_stride_x_i, .cfg_win_h_i, .cfg_win_w_i, .cfg_step_y_i, .cfg_step_x_i, .cfg_pad_top_i, .cfg_pad_left_i, .cfg_wait_prev_i, .cfg_in_addr_i,
        .cfg_in_w_i, .cfg_in_h_i, .cfg_out_w_i, .cfg_out_h_i, .cfg_in_c8_i, .cfg_out_c8_i, .cfg_z_in_i, .rows_ready_i,
        .req_valid_o, .req_ready_i, .req_addr_o, .rsp_valid_i, .rsp_data_i,
        .window_valid_o(window_valid), .window_ready_i(window_ready), .window_data_o(window_data), .window_flags_o(window_flags)
    );

    logic [WW-1:0]            weight_addr;
    logic [CONV_CORES*72-1:0] weight_data;
    weight_memory #(.CONV_CORES(CONV_CORES), .WEIGHT_WORDS(WEIGHT_WORDS)) weights (
        .clk_i, .rst_i, .wr_en_i, .wr_index_i, .wr_lane_i, .wr_data_i,
        .rd_addr_i(weight_addr), .rd_data_o(weight_data)
    );

    logic                     bank_free, bank_claim, add_valid, add_first, add_row_last, add_layer_last;
    logic [RW-1:0]            add_addr;
    logic [HALVES-1:0]        add_half;
    logic [CONV_CORES*32-1:0] add_data;
    conv_array #(.CONV_CORES(CONV_CORES), .ROW_WORDS(ROW_WORDS), .WEIGHT_WORDS(WEIGHT_WORDS)) cores (
        .clk_i, .rst_i, .start_i, .cfg_mode_i, .cfg_w_addr_i, .cfg_out_w_i, .cfg_in_last_i, .cfg_out_c8_i,
        .window_valid_i(window_valid), .window_ready_o(window_ready), .window_data_i(window_data), .window_flags_i(window_flags),
        .weight_addr_o(weight_addr), .weight_data_i(weight_data),
        .bank_free_i(bank_free), .bank_claim_o(bank_claim),
        .add_valid_o(add_valid), .add_addr_o(add_addr), .add_first_o(add_first), .add_half_o(add_half),
        .add_row_last_o(add_row_last), .add_layer_last_o(add_layer_last), .add_data_o(add_data),
        .busy_o, .starved_o, .blocked_o, .macs_o
    );

    row_buffer #(.CONV_CORES(CONV_CORES), .ROW_WORDS(ROW_WORDS)) rows (
        .clk_i, .rst_i, .cfg_out_w_i, .cfg_out_c8_i, .free_o(bank_free), .claim_i(bank_claim),
        .add_valid_i(add_valid), .add_addr_i(add_addr), .add_first_i(add_first), .add_half_i(add_half),
        .add_row_last_i(add_row_last), .add_layer_last_i(add_layer_last), .add_data_i(add_data),
        .stored_last_o(done_o), .acc_valid_o, .acc_ready_i, .acc_data_o
    );
endmodule

`default_nettype wire
