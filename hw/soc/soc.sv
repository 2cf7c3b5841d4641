// SPDX-License-Identifier: Apache-2.0
// The whole chip: PicoRV32 with its RAM and bus, command channel, registers, layer queue, activation memory, and the two engines.
// Its outside is a byte stream in each direction, LEDs, and `idle`: nothing happens until the next byte comes.
// All sizes are set here and reach firmware and host through the registers. An external memory is a controller's ports; without one they are still.
`default_nettype none

module soc #(
    // major << 16 | minor << 8 | patch, from the file VERSION
    parameter int    VERSION        = 0,
    // hash of the hardware's sources
    parameter int    BUILD          = 0,
    // $readmemh file of the firmware; empty: whoever simulates fills i_ram.memory
    parameter        FIRMWARE       = "",
    // RAM of the processor, 32-bit words
    parameter int    RAM_WORDS      = 8192,
    // message buffer, 32-bit words: a request of QP_MAX_PAYLOAD + 24 bytes, then room for an answer
    parameter int    MESSAGE_WORDS  = 4096,
    // cores of the array: nine multipliers and a 32-bit row accumulator each; 8
    parameter int    CONV_CORES     = 8,
    // channels of the denoiser's bottleneck; 4 or 8
    parameter int    BOTTLENECK_MAX = 4,
    // activation memory, 64-bit words
    parameter int    ACT_WORDS      = 8192,
    // weight memory, words of CONV_CORES * 72 bits
    parameter int    WEIGHT_WORDS   = 2048,
    // constants, channel pairs
    parameter int    CONST_WORDS    = 512,
    // one bank of row accumulators, words of CONV_CORES * 32 bits
    parameter int    ROW_WORDS      = 512,
    // denoiser weights, channel pairs
    parameter int    DN_PAIR_WORDS  = 256,
    // denoiser weights, bottleneck rows
    parameter int    DN_ROW_WORDS   = 64,
    // lines of denoiser and pooling, channel pairs
    parameter int    LINE_PAIRS     = 1024,
    // activation tables of 256 codes, a power of two up to 64; 0: none
    parameter int    TABLES         = 8,
    // external memory, 64-bit words, a power of two up to 4194304; 0: none
    parameter int    EXT_WORDS      = 0
) (
    input  wire logic       clk_i,
    input  wire logic       rst_i,

    // byte stream from the host
    input  wire logic       rx_valid_i,
    output logic            rx_ready_o,
    input  wire logic [7:0] rx_data_i,

    // byte stream to the host
    output logic            tx_valid_o,
    input  wire logic       tx_ready_i,
    output logic      [7:0] tx_data_o,

    // LED 0: firmware works on something
    output logic      [7:0] leds_o,
    // no unit works, and the firmware has nothing to do until a byte comes
    output logic            idle_o,
    // the processor stopped at an illegal instruction or access
    output logic            trap_o,

    // external memory (memory/memory_system.sv): its clock, which is clk_i; native ports, registers and reset of LiteDRAM
    input  wire logic        mem_clk_i,
    output logic             mem_rd0_cmd_valid_o,
    input  wire logic        mem_rd0_cmd_ready_i,
    output logic      [23:0] mem_rd0_cmd_addr_o,
    input  wire logic        mem_rd0_data_valid_i,
    input  wire logic [15:0] mem_rd0_data_i,
    output logic             mem_rd1_cmd_valid_o,
    input  wire logic        mem_rd1_cmd_ready_i,
    output logic      [23:0] mem_rd1_cmd_addr_o,
    input  wire logic        mem_rd1_data_valid_i,
    input  wire logic [15:0] mem_rd1_data_i,
    output logic             mem_wr_cmd_valid_o,
    input  wire logic        mem_wr_cmd_ready_i,
    output logic      [23:0] mem_wr_cmd_addr_o,
    input  wire logic        mem_wr_data_ready_i,
    output logic      [15:0] mem_wr_data_o,
    output logic             ctrl_rst_o,
    output logic             ctrl_valid_o,
    input  wire logic        ctrl_ready_i,
    output logic      [29:0] ctrl_addr_o,
    output logic      [31:0] ctrl_data_o
);
  // ---- processor --------------------------------------------------------------------------------------------------------------------------
  logic mem_valid, mem_ready;
  logic [31:0] mem_addr, mem_wdata, mem_rdata;
  logic [3:0] mem_wstrb;

  picorv32 #(
      .ENABLE_COUNTERS  (1'b0),
      .ENABLE_COUNTERS64(1'b0),
      .BARREL_SHIFTER   (1'b1),
      .TWO_CYCLE_COMPARE(1'b1),
      .TWO_CYCLE_ALU    (1'b1),
      .STACKADDR        (RAM_WORDS * 4)
  ) i_cpu (
      .clk         (clk_i),
      .resetn      (!rst_i),
      .trap        (trap_o),
      .mem_valid   (mem_valid),
      .mem_ready   (mem_ready),
      .mem_addr    (mem_addr),
      .mem_wdata   (mem_wdata),
      .mem_wstrb   (mem_wstrb),
      .mem_rdata   (mem_rdata),
      .pcpi_wr     (1'b0),
      .pcpi_rd     (32'd0),
      .pcpi_wait   (1'b0),
      .pcpi_ready  (1'b0),
      .irq         (32'd0)
  );

  logic ram_en, msg_valid, msg_ready, reg_wr;
  logic [31:0] ram_rdata, msg_rdata, channel_rdata, queue_rdata, registers_rdata, memory_rdata;
  logic cpu_req_valid, cpu_req_ready, cpu_rsp_valid, cpu_wr_valid, cpu_wr_ready;
  logic [15:0] cpu_act_addr;
  logic [63:0] cpu_wr_data, act_rsp_data;
  logic [4:0] cpu_wr_en, wr_en;
  logic [15:0] cpu_wr_index, wr_index;
  logic [5:0] cpu_wr_lane, wr_lane;
  logic [31:0] cpu_wr_lane_data, wr_data;

  cpu_bus i_bus (
      .clk_i          (clk_i),
      .rst_i          (rst_i),
      .mem_valid_i    (mem_valid),
      .mem_ready_o    (mem_ready),
      .mem_addr_i     (mem_addr),
      .mem_wdata_i    (mem_wdata),
      .mem_wstrb_i    (mem_wstrb),
      .mem_rdata_o    (mem_rdata),
      .ram_en_o       (ram_en),
      .ram_rdata_i    (ram_rdata),
      .msg_valid_o    (msg_valid),
      .msg_ready_i    (msg_ready),
      .msg_rdata_i    (msg_rdata),
      .reg_wr_o       (reg_wr),
      .reg_rdata_i    (channel_rdata | queue_rdata | registers_rdata | memory_rdata),
      .act_req_valid_o(cpu_req_valid),
      .act_req_ready_i(cpu_req_ready),
      .act_addr_o     (cpu_act_addr),
      .act_rsp_valid_i(cpu_rsp_valid),
      .act_rsp_data_i (act_rsp_data),
      .act_wr_valid_o (cpu_wr_valid),
      .act_wr_ready_i (cpu_wr_ready),
      .act_wr_data_o  (cpu_wr_data),
      .wr_en_o        (cpu_wr_en),
      .wr_index_o     (cpu_wr_index),
      .wr_lane_o      (cpu_wr_lane),
      .wr_data_o      (cpu_wr_lane_data)
  );

  ram #(
      .WORDS(RAM_WORDS),
      .INIT (FIRMWARE)
  ) i_ram (
      .clk_i  (clk_i),
      .en_i   (ram_en),
      .wstrb_i(mem_wstrb),
      .addr_i (mem_addr[$clog2(RAM_WORDS)+1:2]),
      .wdata_i(mem_wdata),
      .rdata_o(ram_rdata)
  );

  // ---- command channel, registers -----------------------------------------------------------------------------------------------------------
  logic rx_armed, tx_busy, queue_busy, array_busy, memory_busy;
  assign idle_o = !leds_o[0] && rx_armed && !tx_busy && !queue_busy && !memory_busy;

  command_channel #(
      .WORDS(MESSAGE_WORDS)
  ) i_channel (
      .clk_i      (clk_i),
      .rst_i      (rst_i),
      .rx_valid_i (rx_valid_i),
      .rx_ready_o (rx_ready_o),
      .rx_data_i  (rx_data_i),
      .tx_valid_o (tx_valid_o),
      .tx_ready_i (tx_ready_i),
      .tx_data_o  (tx_data_o),
      .reg_wr_i   (reg_wr),
      .reg_addr_i (mem_addr[11:0]),
      .reg_wdata_i(mem_wdata),
      .reg_rdata_o(channel_rdata),
      .cpu_valid_i(msg_valid),
      .cpu_ready_o(msg_ready),
      .cpu_wstrb_i(mem_wstrb),
      .cpu_addr_i (mem_addr[15:2]),
      .cpu_wdata_i(mem_wdata),
      .cpu_rdata_o(msg_rdata),
      .rx_armed_o (rx_armed),
      .tx_busy_o  (tx_busy)
  );

  logic [31:0] now;
  logic [9:0] pulse;
  logic [1:0] samples;
  logic [7:0] macs;

  registers #(
      .VERSION       (VERSION),
      .BUILD         (BUILD),
      .CONV_CORES    (CONV_CORES),
      .BOTTLENECK_MAX(BOTTLENECK_MAX),
      .ACT_WORDS     (ACT_WORDS),
      .WEIGHT_WORDS  (WEIGHT_WORDS),
      .CONST_WORDS   (CONST_WORDS),
      .ROW_WORDS     (ROW_WORDS),
      .DN_PAIR_WORDS (DN_PAIR_WORDS),
      .DN_ROW_WORDS  (DN_ROW_WORDS),
      .LINE_WORDS    (LINE_PAIRS),
      .TABLES        (TABLES)
  ) i_registers (
      .clk_i      (clk_i),
      .rst_i      (rst_i),
      .reg_wr_i   (reg_wr),
      .reg_addr_i (mem_addr[11:0]),
      .reg_wdata_i(mem_wdata),
      .reg_rdata_o(registers_rdata),
      .pulse_i    (pulse),
      .samples_i  (samples),
      .macs_i     (macs),
      .time_o     (now),
      .leds_o     (leds_o)
  );

  // ---- layers -------------------------------------------------------------------------------------------------------------------------------
  logic array_start, array_done, post_start, post_done, units_rst;
  logic [32*quell_regs_pkg::LAYER_WORDS-1:0] al, pl;  // array's and post's layer
  logic [31:0] seed, inference;
  logic [9:0] rows_ready, rows_done;

  layer_queue i_queue (
      .clk_i        (clk_i),
      .rst_i        (rst_i),
      .reg_wr_i     (reg_wr),
      .reg_addr_i   (mem_addr[11:0]),
      .reg_wdata_i  (mem_wdata),
      .reg_rdata_o  (queue_rdata),
      .time_i       (now),
      .array_start_o(array_start),
      .array_done_i (array_done),
      .array_layer_o(al),
      .rows_ready_o (rows_ready),
      .post_start_o (post_start),
      .post_done_i  (post_done),
      .post_layer_o (pl),
      .seed_o       (seed),
      .inference_o  (inference),
      .rows_done_i  (rows_done),
      .units_rst_o  (units_rst),
      .array_busy_o (array_busy),
      .busy_o       (queue_busy)
  );
  // Each engine uses its share of the fields.
  wire unused = &{1'b0, al, pl, mem_addr};

  // ---- activation memory ----------------------------------------------------------------------------------------------------------------------
  logic win_req_valid, win_req_ready, win_rsp_valid, res_req_valid, res_req_ready, res_rsp_valid, store_valid, store_ready;
  logic [15:0] win_req_addr, res_req_addr, store_addr;
  logic [63:0] store_data;

  act_memory #(
      .WORDS(ACT_WORDS)
  ) i_act (
      .clk_i          (clk_i),
      .rst_i          (units_rst),
      .res_req_valid_i(res_req_valid),
      .res_req_ready_o(res_req_ready),
      .res_req_addr_i (res_req_addr),
      .res_rsp_valid_o(res_rsp_valid),
      .win_req_valid_i(win_req_valid),
      .win_req_ready_o(win_req_ready),
      .win_req_addr_i (win_req_addr),
      .win_rsp_valid_o(win_rsp_valid),
      .cpu_req_valid_i(cpu_req_valid),
      .cpu_req_ready_o(cpu_req_ready),
      .cpu_req_addr_i (cpu_act_addr),
      .cpu_rsp_valid_o(cpu_rsp_valid),
      .rsp_data_o     (act_rsp_data),
      .store_valid_i  (store_valid),
      .store_ready_o  (store_ready),
      .store_addr_i   (store_addr),
      .store_data_i   (store_data),
      .cpu_wr_valid_i (cpu_wr_valid),
      .cpu_wr_ready_o (cpu_wr_ready),
      .cpu_wr_addr_i  (cpu_act_addr),
      .cpu_wr_data_i  (cpu_wr_data)
  );

  // ---- external memory ------------------------------------------------------------------------------------------------------------------------
  if (EXT_WORDS != 0) begin : g_memory
    memory_system #(
        .EXT_WORDS     (EXT_WORDS),
        .CONV_CORES    (CONV_CORES),
        .BOTTLENECK_MAX(BOTTLENECK_MAX),
        .WEIGHT_WORDS  (WEIGHT_WORDS),
        .CONST_WORDS   (CONST_WORDS),
        .DN_PAIR_WORDS (DN_PAIR_WORDS),
        .DN_ROW_WORDS  (DN_ROW_WORDS),
        .TABLES        (TABLES)
    ) i_memory (
        .clk_i               (clk_i),
        .rst_i               (rst_i),
        .stream_clk_i        (mem_clk_i),
        .reg_wr_i            (reg_wr),
        .reg_addr_i          (mem_addr[11:0]),
        .reg_wdata_i         (mem_wdata),
        .reg_rdata_o         (memory_rdata),
        .array_idle_i        (!array_busy),
        .busy_o              (memory_busy),
        .cpu_en_i            (cpu_wr_en),
        .cpu_index_i         (cpu_wr_index),
        .cpu_lane_i          (cpu_wr_lane),
        .cpu_data_i          (cpu_wr_lane_data),
        .wr_en_o             (wr_en),
        .wr_index_o          (wr_index),
        .wr_lane_o           (wr_lane),
        .wr_data_o           (wr_data),
        .mem_rd0_cmd_valid_o (mem_rd0_cmd_valid_o),
        .mem_rd0_cmd_ready_i (mem_rd0_cmd_ready_i),
        .mem_rd0_cmd_addr_o  (mem_rd0_cmd_addr_o),
        .mem_rd0_data_valid_i(mem_rd0_data_valid_i),
        .mem_rd0_data_i      (mem_rd0_data_i),
        .mem_rd1_cmd_valid_o (mem_rd1_cmd_valid_o),
        .mem_rd1_cmd_ready_i (mem_rd1_cmd_ready_i),
        .mem_rd1_cmd_addr_o  (mem_rd1_cmd_addr_o),
        .mem_rd1_data_valid_i(mem_rd1_data_valid_i),
        .mem_rd1_data_i      (mem_rd1_data_i),
        .mem_wr_cmd_valid_o  (mem_wr_cmd_valid_o),
        .mem_wr_cmd_ready_i  (mem_wr_cmd_ready_i),
        .mem_wr_cmd_addr_o   (mem_wr_cmd_addr_o),
        .mem_wr_data_ready_i (mem_wr_data_ready_i),
        .mem_wr_data_o       (mem_wr_data_o),
        .ctrl_rst_o          (ctrl_rst_o),
        .ctrl_valid_o        (ctrl_valid_o),
        .ctrl_ready_i        (ctrl_ready_i),
        .ctrl_addr_o         (ctrl_addr_o),
        .ctrl_data_o         (ctrl_data_o)
    );
  end else begin : g_no_memory
    assign {wr_en, wr_index, wr_lane, wr_data} = {cpu_wr_en, cpu_wr_index, cpu_wr_lane, cpu_wr_lane_data};
    assign {memory_rdata, memory_busy} = '0;
    assign {mem_rd0_cmd_valid_o, mem_rd0_cmd_addr_o, mem_rd1_cmd_valid_o, mem_rd1_cmd_addr_o, mem_wr_cmd_valid_o, mem_wr_cmd_addr_o, mem_wr_data_o,
            ctrl_rst_o, ctrl_valid_o, ctrl_addr_o, ctrl_data_o} = '0;
    wire unused_memory = &{1'b0, array_busy, mem_clk_i, mem_rd0_cmd_ready_i, mem_rd0_data_valid_i, mem_rd0_data_i, mem_rd1_cmd_ready_i, mem_rd1_data_valid_i,
            mem_rd1_data_i, mem_wr_cmd_ready_i, mem_wr_data_ready_i, ctrl_ready_i};
  end

  // ---- engines ------------------------------------------------------------------------------------------------------------------------------
  logic acc_valid, acc_ready;
  logic [63:0] acc_data;

  array_engine #(
      .CONV_CORES  (CONV_CORES),
      .WEIGHT_WORDS(WEIGHT_WORDS),
      .ROW_WORDS   (ROW_WORDS)
  ) i_array (
      .clk_i               (clk_i),
      .rst_i               (units_rst),
      .start_i             (array_start),
      .done_o              (array_done),
      .cfg_mode_i          (al[quell_regs_pkg::MODE_BIT+:2]),
      .cfg_stride_y_i      (al[quell_regs_pkg::STRIDE_Y_BIT+:3]),
      .cfg_stride_x_i      (al[quell_regs_pkg::STRIDE_X_BIT+:3]),
      .cfg_win_h_i         (al[quell_regs_pkg::WIN_H_BIT+:4]),
      .cfg_win_w_i         (al[quell_regs_pkg::WIN_W_BIT+:4]),
      .cfg_step_y_i        (al[quell_regs_pkg::STEP_Y_BIT+:6]),
      .cfg_step_x_i        (al[quell_regs_pkg::STEP_X_BIT+:6]),
      .cfg_pad_top_i       (al[quell_regs_pkg::PAD_TOP_BIT+:6]),
      .cfg_pad_left_i      (al[quell_regs_pkg::PAD_LEFT_BIT+:6]),
      .cfg_wait_prev_i     (al[quell_regs_pkg::WAIT_PREV_BIT+:2]),
      .cfg_in_addr_i       (al[quell_regs_pkg::IN_ADDR_BIT+:16]),
      .cfg_w_addr_i        (al[quell_regs_pkg::W_ADDR_BIT+:16]),
      .cfg_in_w_i          (al[quell_regs_pkg::IN_W_BIT+:10]),
      .cfg_in_h_i          (al[quell_regs_pkg::IN_H_BIT+:10]),
      .cfg_out_w_i         (al[quell_regs_pkg::OUT_W_BIT+:10]),
      .cfg_out_h_i         (al[quell_regs_pkg::OUT_H_BIT+:10]),
      .cfg_in_c8_i         (al[quell_regs_pkg::IN_C8_BIT+:12]),
      .cfg_in_last_i       (al[quell_regs_pkg::IN_LAST_BIT+:3]),
      .cfg_out_c8_i        (al[quell_regs_pkg::OUT_C8_BIT+:12]),
      .cfg_z_in_i          (al[quell_regs_pkg::Z_IN_BIT+:8]),
      .rows_ready_i        (rows_ready),
      .req_valid_o         (win_req_valid),
      .req_ready_i         (win_req_ready),
      .req_addr_o          (win_req_addr),
      .rsp_valid_i         (win_rsp_valid),
      .rsp_data_i          (act_rsp_data),
      .wr_en_i             (wr_en[0]),
      .wr_index_i          (wr_index),
      .wr_lane_i           (wr_lane),
      .wr_data_i           (wr_data),
      .acc_valid_o         (acc_valid),
      .acc_ready_i         (acc_ready),
      .acc_data_o          (acc_data),
      .busy_o              (pulse[0]),
      .starved_o           (pulse[1]),
      .blocked_o           (pulse[2]),
      .window_wait_o       (pulse[9]),
      .macs_o              (macs)
  );

  post_engine #(
      .CONST_WORDS   (CONST_WORDS),
      .BOTTLENECK_MAX(BOTTLENECK_MAX),
      .DN_PAIR_WORDS (DN_PAIR_WORDS),
      .DN_ROW_WORDS  (DN_ROW_WORDS),
      .LINE_PAIRS    (LINE_PAIRS),
      .TABLES        (TABLES)
  ) i_post (
      .clk_i               (clk_i),
      .rst_i               (units_rst),
      .start_i             (post_start),
      .done_o              (post_done),
      .cfg_noise_i         (pl[quell_regs_pkg::NOISE_BIT+:1]),
      .cfg_correct_i       (pl[quell_regs_pkg::CORRECT_BIT+:1]),
      .cfg_dn_depthwise_i  (pl[quell_regs_pkg::DN_DEPTHWISE_BIT+:1]),
      .cfg_dn_bottleneck_i (pl[quell_regs_pkg::DN_BOTTLENECK_BIT+:1]),
      .cfg_residual_i      (pl[quell_regs_pkg::RESIDUAL_BIT+:1]),
      .cfg_dn_sample_i     (pl[quell_regs_pkg::DN_SAMPLE_BIT+:1]),
      .cfg_pool_kind_i     (pl[quell_regs_pkg::POOL_KIND_BIT+:2]),
      .cfg_rng_layer_i     (pl[quell_regs_pkg::RNG_LAYER_BIT+:8]),
      .cfg_out_addr_i      (pl[quell_regs_pkg::OUT_ADDR_BIT+:16]),
      .cfg_res_addr_i      (pl[quell_regs_pkg::RES_ADDR_BIT+:16]),
      .cfg_out_w_i         (pl[quell_regs_pkg::OUT_W_BIT+:10]),
      .cfg_out_h_i         (pl[quell_regs_pkg::OUT_H_BIT+:10]),
      .cfg_out_c8_i        (pl[quell_regs_pkg::OUT_C8_BIT+:12]),
      .cfg_const_addr_i    (pl[quell_regs_pkg::CONST_ADDR_BIT+:16]),
      .cfg_z_v_i           (pl[quell_regs_pkg::Z_V_BIT+:8]),
      .cfg_z_res_i         (pl[quell_regs_pkg::Z_RES_BIT+:8]),
      .cfg_z_y_i           (pl[quell_regs_pkg::Z_Y_BIT+:8]),
      .cfg_sigma_add_i     (pl[quell_regs_pkg::SIGMA_ADD_BIT+:20]),
      .cfg_sigma_mul_i     (pl[quell_regs_pkg::SIGMA_MUL_BIT+:16]),
      .cfg_adc_shift_i     (pl[quell_regs_pkg::ADC_SHIFT_BIT+:4]),
      .cfg_adc_wide_i      (pl[quell_regs_pkg::ADC_WIDE_BIT+:1]),
      .cfg_post_a_i        (pl[quell_regs_pkg::POST_A_BIT+:24]),
      .cfg_post_shift_i    (pl[quell_regs_pkg::POST_SHIFT_BIT+:5]),
      .cfg_post_b_i        (pl[quell_regs_pkg::POST_B_BIT+:24]),
      .cfg_lo_i            (pl[quell_regs_pkg::LO_BIT+:8]),
      .cfg_hi_i            (pl[quell_regs_pkg::HI_BIT+:8]),
      .cfg_table_on_i      (pl[quell_regs_pkg::TABLE_ON_BIT+:1]),
      .cfg_table_index_i   (pl[quell_regs_pkg::TABLE_INDEX_BIT+:6]),
      .cfg_z_table_i       (pl[quell_regs_pkg::Z_TABLE_BIT+:8]),
      .cfg_out_pitch_i     (pl[quell_regs_pkg::OUT_PITCH_BIT+:12]),
      .cfg_z_pool_i        (pl[quell_regs_pkg::Z_POOL_BIT+:8]),
      .cfg_pool_m_i        (pl[quell_regs_pkg::POOL_M_BIT+:24]),
      .cfg_pool_shift_i    (pl[quell_regs_pkg::POOL_SHIFT_BIT+:6]),
      .cfg_pool_kh_i       (pl[quell_regs_pkg::POOL_KH_BIT+:10]),
      .cfg_pool_kw_i       (pl[quell_regs_pkg::POOL_KW_BIT+:10]),
      .cfg_pool_sy_i       (pl[quell_regs_pkg::POOL_SY_BIT+:10]),
      .cfg_pool_sx_i       (pl[quell_regs_pkg::POOL_SX_BIT+:10]),
      .cfg_pool_pad_top_i  (pl[quell_regs_pkg::POOL_PAD_TOP_BIT+:4]),
      .cfg_pool_pad_left_i (pl[quell_regs_pkg::POOL_PAD_LEFT_BIT+:4]),
      .cfg_pooled_h_i      (pl[quell_regs_pkg::POOLED_H_BIT+:10]),
      .cfg_pooled_w_i      (pl[quell_regs_pkg::POOLED_W_BIT+:10]),
      .cfg_dn_pair_addr_i  (pl[quell_regs_pkg::DN_PAIR_ADDR_BIT+:16]),
      .cfg_dn_row_addr_i   (pl[quell_regs_pkg::DN_ROW_ADDR_BIT+:16]),
      .cfg_dn_width_i      (pl[quell_regs_pkg::DN_WIDTH_BIT+:4]),
      .cfg_dn_m1_i         (pl[quell_regs_pkg::DN_M1_BIT+:17]),
      .cfg_dn_s1_i         (pl[quell_regs_pkg::DN_S1_BIT+:6]),
      .cfg_dn_m2_i         (pl[quell_regs_pkg::DN_M2_BIT+:17]),
      .cfg_dn_s2_i         (pl[quell_regs_pkg::DN_S2_BIT+:6]),
      .cfg_dn_md_i         (pl[quell_regs_pkg::DN_MD_BIT+:17]),
      .cfg_dn_sd_i         (pl[quell_regs_pkg::DN_SD_BIT+:6]),
      .cfg_dn_mu_i         (pl[quell_regs_pkg::DN_MU_BIT+:17]),
      .cfg_dn_su_i         (pl[quell_regs_pkg::DN_SU_BIT+:6]),
      .cfg_dn_mv_i         (pl[quell_regs_pkg::DN_MV_BIT+:17]),
      .cfg_dn_sv_i         (pl[quell_regs_pkg::DN_SV_BIT+:6]),
      .seed_i              (seed),
      .inference_i         (inference),
      .acc_valid_i         (acc_valid),
      .acc_ready_o         (acc_ready),
      .acc_data_i          (acc_data),
      .const_wr_en_i       (wr_en[1]),
      .dn_pair_wr_en_i     (wr_en[2]),
      .dn_row_wr_en_i      (wr_en[3]),
      .table_wr_en_i       (wr_en[4]),
      .wr_index_i          (wr_index),
      .wr_lane_i           (wr_lane),
      .wr_data_i           (wr_data),
      .req_valid_o         (res_req_valid),
      .req_ready_i         (res_req_ready),
      .req_addr_o          (res_req_addr),
      .rsp_valid_i         (res_rsp_valid),
      .rsp_data_i          (act_rsp_data),
      .wr_valid_o          (store_valid),
      .wr_ready_i          (store_ready),
      .wr_addr_o           (store_addr),
      .wr_data_o           (store_data),
      .rows_done_o         (rows_done),
      .cnt_busy_o          (pulse[3]),
      .cnt_starved_o       (pulse[4]),
      .cnt_blocked_o       (pulse[5]),
      .cnt_samples_o       (samples),
      .cnt_dn_busy_o       (pulse[7]),
      .cnt_dn_blocked_o    (pulse[8])
  );
  assign pulse[6] = 1'b0;  // samples are counted by pairs
endmodule

`default_nettype wire
