// SPDX-License-Identifier: Apache-2.0
//
// array_engine with 16 cores under a name of its own, for its bench. Same ports as array_engine.
`default_nettype none

module array_engine_16 (
    input  wire         clk_i,
    input  wire         rst_i,

    // Layer
    input  wire         start_i,
    output logic        done_o,
    input  wire  [1:0]  cfg_mode_i,
    input  wire  [2:0]  cfg_stride_y_i,
    input  wire  [2:0]  cfg_stride_x_i,
    input  wire  [3:0]  cfg_win_h_i,
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
    array_engine #(.CONV_CORES(16)) engine (.*);
endmodule

`default_nettype wire
