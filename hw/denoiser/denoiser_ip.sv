// SPDX-License-Identifier: Apache-2.0
//
// The denoiser for use in somebody else's accelerator: denoiser.sv behind Wishbone registers, with AXI-Stream names on its streams.
// A beat is two channels of one pixel, {odd, even}, int8 codes, in the order rows, columns, channel pairs; the zero point is taken away before
// denoiser.sv and added after it. tlast is on the frame's last beat. The frame's length comes from the registers; an input tlast
// elsewhere (or missing) changes nothing and is reported in status.tlast_error.
// Bus and memory map: dn_registers.sv and denoiser.rdl. Use, formats, rate and size: docs/denoiser.md.
`default_nettype none

module denoiser_ip #(
    // Widest bottleneck, 4 or 8
    parameter int BOTTLENECK_MAX = 4,
    // Channel pairs in a line, a power of two: w*c8*4 <= LINE_PAIRS
    parameter int LINE_PAIRS = 1024,
    // Pixels in a line, a power of two: w <= LINE_PIXELS
    parameter int LINE_PIXELS = 256,
    // Words of the pair memory, a power of two up to 512
    parameter int PAIR_WORDS = 256,
    // Words of the row memory, a power of two up to 512
    parameter int ROW_WORDS = 64
) (
    input  wire         clk_i,
    input  wire         rst_i,

    input  wire         wb_cyc_i,
    input  wire         wb_stb_i,
    input  wire         wb_we_i,
    input  wire  [17:0] wb_adr_i,
    input  wire  [3:0]  wb_sel_i,
    input  wire  [31:0] wb_dat_i,
    output wire  [31:0] wb_dat_o,
    output wire         wb_ack_o,
    output wire         wb_err_o,
    output wire         irq_o,          // status.done

    input  wire  [15:0] s_axis_tdata,
    input  wire         s_axis_tvalid,
    output wire         s_axis_tready,
    input  wire         s_axis_tlast,

    output wire  [15:0] m_axis_tdata,
    output wire         m_axis_tvalid,
    input  wire         m_axis_tready,
    output wire         m_axis_tlast
);
    localparam int SETTINGS = 11*32;
    if (PAIR_WORDS > 512 || ROW_WORDS > 512) begin : g_illegal
        initial $fatal(1, "denoiser_ip: the memory windows hold 512 words");
    end

    wire start, done, busy, blocked, pair_wr_en, row_wr_en;
    wire [1:0] samples;
    wire [15:0] wr_index;
    wire [5:0] wr_lane;
    wire [31:0] wr_data;
    wire [SETTINGS-1:0] settings;
    wire in_beat = s_axis_tvalid && s_axis_tready;
    wire in_last, out_last, unused_in_todo, unused_in_pixel, unused_out_todo, unused_out_pixel;

    dn_registers #(
        .BOTTLENECK_MAX(BOTTLENECK_MAX), .LINE_PAIRS(LINE_PAIRS), .LINE_PIXELS(LINE_PIXELS), .PAIR_WORDS(PAIR_WORDS), .ROW_WORDS(ROW_WORDS), .SETTINGS(SETTINGS)
    ) registers (
        .clk_i, .rst_i, .wb_cyc_i, .wb_stb_i, .wb_we_i, .wb_adr_i, .wb_sel_i, .wb_dat_i, .wb_dat_o, .wb_ack_o, .wb_err_o, .irq_o,
        .start_o(start), .settings_o(settings), .done_i(done), .tlast_error_i(in_beat && s_axis_tlast != in_last),
        .busy_i(busy), .blocked_i(blocked), .samples_i(samples),
        .pair_wr_en_o(pair_wr_en), .row_wr_en_o(row_wr_en), .wr_index_o(wr_index), .wr_lane_o(wr_lane), .wr_data_o(wr_data));

    // Where a register lies in the settings.
    function automatic int at(input [11:0] register);
        at = 8*(32'(register) - 32'(denoiser_regs_pkg::OP));
    endfunction
    localparam int OP = 0, ADDR = at(denoiser_regs_pkg::ADDR);
    localparam int SCALE_1 = at(denoiser_regs_pkg::SCALE_1), SCALE_2 = at(denoiser_regs_pkg::SCALE_2);
    localparam int SCALE_D = at(denoiser_regs_pkg::SCALE_D), SCALE_U = at(denoiser_regs_pkg::SCALE_U), SCALE_V = at(denoiser_regs_pkg::SCALE_V);
    localparam int M = denoiser_regs_pkg::SCALE_1_M_LSB, S = denoiser_regs_pkg::SCALE_1_S_LSB;

    wire [9:0]  w  = settings[at(denoiser_regs_pkg::SIZE) + denoiser_regs_pkg::SIZE_WIDTH_LSB +: 10];
    wire [9:0]  h  = settings[at(denoiser_regs_pkg::SIZE) + denoiser_regs_pkg::SIZE_HEIGHT_LSB +: 10];
    wire [11:0] c8 = settings[at(denoiser_regs_pkg::CHANNELS) + denoiser_regs_pkg::CHANNELS_C8_LSB +: 12];
    wire [SETTINGS-1:0] unused_settings = settings;

    // Codes outside, differences from the zero point inside: a difference within the limits is a code again without a carry.
    wire [7:0] z = settings[OP + denoiser_regs_pkg::OP_Z_LSB +: 8];
    wire [8:0] d_lo, d_hi;
    wire [17:0] in_data, out_data;
    code_limits limits (.clk_i, .cfg_z_v_i(z), .cfg_adc_wide_i(1'b0), .d_lo_o(d_lo), .d_hi_o(d_hi));
    for (genvar c = 0; c < 2; c++) begin : g_channel
        assign in_data[c*9 +: 9] = 9'($signed(s_axis_tdata[c*8 +: 8])) - 9'($signed(z));
        assign m_axis_tdata[c*8 +: 8] = out_data[c*9 +: 8] + z;
    end
    wire unused_out = out_data[17] ^ out_data[8];

    denoiser #(
        .BOTTLENECK_MAX(BOTTLENECK_MAX), .LINE_PAIRS(LINE_PAIRS), .LINE_PIXELS(LINE_PIXELS), .PAIR_WORDS(PAIR_WORDS), .ROW_WORDS(ROW_WORDS)
    ) core (
        .clk_i, .rst_i, .start_i(start), .done_o(done),
        .cfg_dn_depthwise_i(settings[OP + denoiser_regs_pkg::OP_DEPTHWISE_LSB]), .cfg_dn_bottleneck_i(settings[OP + denoiser_regs_pkg::OP_BOTTLENECK_LSB]),
        .cfg_dn_sample_i(settings[OP + denoiser_regs_pkg::OP_SAMPLE_LSB]), .cfg_w_i(w), .cfg_h_i(h), .cfg_c8_i(c8),
        .d_lo_i(d_lo), .d_hi_i(d_hi), .cfg_layer_i(settings[OP + denoiser_regs_pkg::OP_LAYER_LSB +: 8]),
        .seed_i(settings[at(denoiser_regs_pkg::SEED) +: 32]), .inference_i(settings[at(denoiser_regs_pkg::INFERENCE) +: 32]),
        .cfg_dn_pair_addr_i(settings[ADDR + denoiser_regs_pkg::ADDR_PAIR_LSB +: 16]), .cfg_dn_row_addr_i(settings[ADDR + denoiser_regs_pkg::ADDR_ROW_LSB +: 16]),
        .cfg_dn_width_i(settings[OP + denoiser_regs_pkg::OP_M_LSB +: 4]),
        .cfg_dn_m1_i(settings[SCALE_1 + M +: 17]), .cfg_dn_s1_i(settings[SCALE_1 + S +: 6]),
        .cfg_dn_m2_i(settings[SCALE_2 + M +: 17]), .cfg_dn_s2_i(settings[SCALE_2 + S +: 6]),
        .cfg_dn_md_i(settings[SCALE_D + M +: 17]), .cfg_dn_sd_i(settings[SCALE_D + S +: 6]),
        .cfg_dn_mu_i(settings[SCALE_U + M +: 17]), .cfg_dn_su_i(settings[SCALE_U + S +: 6]),
        .cfg_dn_mv_i(settings[SCALE_V + M +: 17]), .cfg_dn_sv_i(settings[SCALE_V + S +: 6]),
        .in_valid_i(s_axis_tvalid), .in_ready_o(s_axis_tready), .in_data_i(in_data),
        .out_valid_o(m_axis_tvalid), .out_ready_i(m_axis_tready), .out_data_o(out_data),
        .pair_wr_en_i(pair_wr_en), .pair_wr_index_i(wr_index), .pair_wr_lane_i(wr_lane), .pair_wr_data_i(wr_data),
        .row_wr_en_i(row_wr_en), .row_wr_index_i(wr_index), .row_wr_lane_i(wr_lane), .row_wr_data_i(wr_data),
        .busy_o(busy), .blocked_o(blocked), .samples_o(samples));

    dn_beats in_beats (
        .clk_i, .rst_i, .load_i(start), .beat_i(in_beat), .w_i(w), .h_i(h), .c8_i(c8),
        .todo_o(unused_in_todo), .pixel_last_o(unused_in_pixel), .last_o(in_last));
    dn_beats out_beats (
        .clk_i, .rst_i, .load_i(start), .beat_i(m_axis_tvalid && m_axis_tready), .w_i(w), .h_i(h), .c8_i(c8),
        .todo_o(unused_out_todo), .pixel_last_o(unused_out_pixel), .last_o(out_last));
    assign m_axis_tlast = out_last;
endmodule

`default_nettype wire
