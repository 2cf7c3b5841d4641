// SPDX-License-Identifier: Apache-2.0
// Everything between the array's accumulators and activation memory, for one layer at a time:
//
//   acc ─► requantise ─► skid ─► analog ─► column_correct ─► skid ─► denoiser ─► skid ─► post ─► act_table ─► pool ─► store ─► memory
//             └────────── const_memory ──────────┘  └ gaussian_source                     └ residual ◄ memory
//
// Contract: start_i begins a frame of cfg_out_h_i * cfg_out_w_i * cfg_out_c8_i * 4 pairs, of which not one more is taken; done_o answers when
// all of them have been taken and the last word is in memory, and the next start_i may come in that cycle. One pair a clock when nothing
// blocks and pooling windows do not overlap; first pair 4 cycles after start_i (42 with noise: the generator fills). Latency without denoiser: some 50 cycles, with pooling 64, with an activation table 2 more.
`default_nettype none

module post_engine #(
    // Words of constant memory, one a channel pair; power of two.
    parameter int CONST_WORDS = 512,
    // Widest bottleneck of the denoiser, 4 or 8.
    parameter int BOTTLENECK_MAX = 4,
    // Words of the denoiser's memories, powers of two.
    parameter int DN_PAIR_WORDS = 256,
    parameter int DN_ROW_WORDS = 64,
    // Channel pairs of the lines in denoiser and pool, power of two: limits out_w * out_c8 * 4 and ceil(kh / sy) * pooled_w * out_c8 * 4.
    parameter int LINE_PAIRS = 1024,
    // Activation tables: a power of two up to 64, or 0
    parameter int TABLES = 8
) (
    input  wire          clk_i,
    input  wire          rst_i,
    // A frame begins; its last word is in activation memory (one cycle each)
    input  wire          start_i,
    output logic         done_o,
    // Layer, constant from start_i to done_o: fields of hw/regs/quell.rdl
    input  wire          cfg_noise_i,
    input  wire          cfg_correct_i,
    input  wire          cfg_dn_depthwise_i,
    input  wire          cfg_dn_bottleneck_i,
    input  wire          cfg_residual_i,
    input  wire          cfg_dn_sample_i,
    input  wire  [ 1:0]  cfg_pool_kind_i,
    input  wire  [ 7:0]  cfg_rng_layer_i,
    input  wire  [15:0]  cfg_out_addr_i,
    input  wire  [15:0]  cfg_res_addr_i,
    input  wire  [ 9:0]  cfg_out_w_i,
    input  wire  [ 9:0]  cfg_out_h_i,
    input  wire  [11:0]  cfg_out_c8_i,
    input  wire  [15:0]  cfg_const_addr_i,
    input  wire  [ 7:0]  cfg_z_v_i,
    input  wire  [ 7:0]  cfg_z_res_i,
    input  wire  [ 7:0]  cfg_z_y_i,
    input  wire  [19:0]  cfg_sigma_add_i,
    input  wire  [15:0]  cfg_sigma_mul_i,
    input  wire  [ 3:0]  cfg_adc_shift_i,
    input  wire          cfg_adc_wide_i,
    input  wire  [23:0]  cfg_post_a_i,
    input  wire  [ 4:0]  cfg_post_shift_i,
    input  wire  [23:0]  cfg_post_b_i,
    input  wire  [ 7:0]  cfg_lo_i,
    input  wire  [ 7:0]  cfg_hi_i,
    input  wire          cfg_table_on_i,
    input  wire  [ 5:0]  cfg_table_index_i,
    input  wire  [ 7:0]  cfg_z_table_i,
    input  wire  [11:0]  cfg_out_pitch_i,
    input  wire  [11:0]  cfg_slice_at_i,
    input  wire  [11:0]  cfg_slice_skip_i,
    input  wire  [ 7:0]  cfg_z_pool_i,
    input  wire  [23:0]  cfg_pool_m_i,
    input  wire  [ 5:0]  cfg_pool_shift_i,
    input  wire  [ 9:0]  cfg_pool_kh_i,
    input  wire  [ 9:0]  cfg_pool_kw_i,
    input  wire  [ 9:0]  cfg_pool_sy_i,
    input  wire  [ 9:0]  cfg_pool_sx_i,
    input  wire  [ 3:0]  cfg_pool_pad_top_i,
    input  wire  [ 3:0]  cfg_pool_pad_left_i,
    input  wire  [ 9:0]  cfg_pooled_h_i,
    input  wire  [ 9:0]  cfg_pooled_w_i,
    input  wire  [15:0]  cfg_dn_pair_addr_i,
    input  wire  [15:0]  cfg_dn_row_addr_i,
    input  wire  [ 3:0]  cfg_dn_width_i,
    input  wire  [16:0]  cfg_dn_m1_i,
    input  wire  [ 5:0]  cfg_dn_s1_i,
    input  wire  [16:0]  cfg_dn_m2_i,
    input  wire  [ 5:0]  cfg_dn_s2_i,
    input  wire  [16:0]  cfg_dn_md_i,
    input  wire  [ 5:0]  cfg_dn_sd_i,
    input  wire  [16:0]  cfg_dn_mu_i,
    input  wire  [ 5:0]  cfg_dn_su_i,
    input  wire  [16:0]  cfg_dn_mv_i,
    input  wire  [ 5:0]  cfg_dn_sv_i,
    // Noise seed and inference number, constant likewise
    input  wire  [31:0]  seed_i,
    input  wire  [31:0]  inference_i,
    // Accumulators {acc[c+1], acc[c]}; the next frame's are left waiting until its start
    input  wire          acc_valid_i,
    output logic         acc_ready_o,
    input  wire  [63:0]  acc_data_i,
    // CPU writes into constant memory, the denoiser's two memories and the activation tables
    input  wire          const_wr_en_i,
    input  wire          dn_pair_wr_en_i,
    input  wire          dn_row_wr_en_i,
    input  wire          table_wr_en_i,
    input  wire  [15:0]  wr_index_i,
    input  wire  [ 5:0]  wr_lane_i,
    input  wire  [31:0]  wr_data_i,
    // Residual: activation-memory reads
    output logic         req_valid_o,
    input  wire          req_ready_i,
    output logic [15:0]  req_addr_o,
    input  wire          rsp_valid_i,
    input  wire  [63:0]  rsp_data_i,
    // Store: activation-memory writes
    output logic         wr_valid_o,
    input  wire          wr_ready_i,
    output logic [15:0]  wr_addr_o,
    output logic [63:0]  wr_data_o,
    // Complete output rows of the frame in activation memory
    output logic [ 9:0]  rows_done_o,
    // For counters: a pair leaves requantise; no accumulators offered while active; offered and not taken; pairs of samples used; denoiser
    output logic         cnt_busy_o,
    output logic         cnt_starved_o,
    output logic         cnt_blocked_o,
    output logic [ 1:0]  cnt_samples_o,
    output logic         cnt_dn_busy_o,
    output logic         cnt_dn_blocked_o
);
    // ---- frame: its size, then one start for all units
    logic [19:0] pixels_q;
    logic [31:0] words_q;
    logic [31:0] left_q;  // pairs still to be taken
    logic more_q;  // left_q is not 0
    logic [28:0] low_q;  // words: pixels_q's lower 17 bits and the others, times c8
    logic [14:0] high_q;
    logic size_q, sum_q, start_q;  // the three cycles after start_i
    logic active_q, stored_q, denoised_q;
    logic store_done, dn_done, pool_taken;

    wire finished = active_q & stored_q & denoised_q & pool_taken;
    wire take = acc_valid_i & acc_ready_o;

    always_ff @(posedge clk_i) begin
        if (start_i) pixels_q <= cfg_out_w_i * cfg_out_h_i;
        if (size_q) begin
            low_q  <= pixels_q[16:0] * cfg_out_c8_i;
            high_q <= {3'd0, cfg_out_c8_i & {12{pixels_q[17]}}} + {2'd0, cfg_out_c8_i & {12{pixels_q[18]}}, 1'd0} + {1'd0, cfg_out_c8_i & {12{pixels_q[19]}}, 2'd0};
        end
        if (sum_q) words_q <= {3'd0, low_q} + {high_q, 17'd0};
        if (start_q) left_q <= {words_q[29:0], 2'd0};
        else if (take) left_q <= left_q - 32'd1;
    end

    always_ff @(posedge clk_i) begin
        if (rst_i) begin
            {size_q, sum_q, start_q, active_q, more_q, stored_q, denoised_q, done_o} <= '0;
        end else begin
            size_q <= start_i;
            sum_q <= size_q;
            start_q <= sum_q;
            done_o <= finished;
            if (start_i) active_q <= 1'b1;
            else if (finished) active_q <= 1'b0;
            if (start_q) more_q <= 1'b1;
            else if (take & (left_q == 32'd1)) more_q <= 1'b0;
            stored_q <= !start_i & (stored_q | store_done);
            denoised_q <= !start_i & (denoised_q | dn_done);
        end
    end

    // ---- streams between the units
    logic rq_ready, rq_k_valid, rq_k_ready;
    logic [123:0] rq_k_data;
    logic v_valid, v_ready, vs_valid, vs_ready;
    logic [47:0] v_data, vs_data;
    logic an_k_valid, an_k_ready, cc_k_valid, cc_k_ready;
    logic [83:0] an_k_data;
    logic [63:0] cc_k_data;
    logic gauss_valid, gauss_ready, gauss_idle;
    logic [31:0] gauss_data;
    logic an_valid, an_ready, cc_valid, cc_ready, dni_valid, dni_ready, dno_valid, dno_ready;
    logic [17:0] an_data, cc_data, dni_data, dno_data, pi_data;
    logic [8:0] d_lo, d_hi;
    logic pi_valid, pi_ready, ti_valid, ti_ready, po_valid, po_ready, st_valid, st_ready, st_row_end, st_frame_end;
    logic [15:0] ti_data, po_data, st_data;
    logic [1:0] dn_samples;
    wire unused = &{1'b0, gauss_idle, words_q[31:30], dn_samples[0]};

    assign acc_ready_o = rq_ready & more_q;

    assign cnt_busy_o = v_valid & v_ready;
    assign cnt_starved_o = active_q & !acc_valid_i;
    assign cnt_blocked_o = acc_valid_i & !acc_ready_o;
    assign cnt_samples_o = {1'b0, gauss_valid & gauss_ready} + {1'b0, dn_samples[1]};

    const_memory #(
        .CONST_WORDS(CONST_WORDS)
    ) u_const (
        .clk_i, .rst_i, .start_i, .cfg_const_addr_i, .cfg_out_c8_i, .wr_en_i(const_wr_en_i), .wr_index_i, .wr_lane_i,
        .wr_data_i, .rq_valid_o(rq_k_valid), .rq_ready_i(rq_k_ready), .rq_data_o(rq_k_data), .an_valid_o(an_k_valid),
        .an_ready_i(an_k_ready), .an_data_o(an_k_data), .cc_valid_o(cc_k_valid), .cc_ready_i(cc_k_ready), .cc_data_o(cc_k_data)
    );

    requantise u_requantise (
        .clk_i, .rst_i, .in_valid_i(acc_valid_i & more_q), .in_ready_o(rq_ready), .in_data_i(acc_data_i),
        .k_valid_i(rq_k_valid), .k_ready_o(rq_k_ready), .k_data_i(rq_k_data), .out_valid_o(v_valid), .out_ready_i(v_ready),
        .out_data_o(v_data)
    );

    skid_buffer #(
        .WIDTH(48)
    ) u_skid_v (
        .clk_i, .rst_i, .in_valid_i(v_valid), .in_ready_o(v_ready), .in_data_i(v_data), .out_valid_o(vs_valid),
        .out_ready_i(vs_ready), .out_data_o(vs_data)
    );

    gaussian_source u_gauss (
        .clk_i, .rst_i, .start_i(start_q), .seed_i, .purpose_i(3'd0), .layer_i(cfg_rng_layer_i), .inference_i,
        .pairs_i(cfg_noise_i ? {words_q[29:0], 2'd0} : 32'd0), .at_i(cfg_slice_at_i), .run_i(cfg_out_c8_i), .skip_i(cfg_slice_skip_i), .idle_o(gauss_idle), .gauss_valid_o(gauss_valid),
        .gauss_ready_i(gauss_ready), .gauss_data_o(gauss_data)
    );

    code_limits u_limits (.clk_i, .cfg_z_v_i, .cfg_adc_wide_i, .d_lo_o(d_lo), .d_hi_o(d_hi));

    analog u_analog (
        .clk_i, .rst_i, .cfg_noise_i, .cfg_sigma_add_i, .cfg_sigma_mul_i, .cfg_adc_shift_i, .d_lo_i(d_lo), .d_hi_i(d_hi), .in_valid_i(vs_valid),
        .in_ready_o(vs_ready), .in_data_i(vs_data), .k_valid_i(an_k_valid), .k_ready_o(an_k_ready), .k_data_i(an_k_data),
        .gauss_valid_i(gauss_valid), .gauss_ready_o(gauss_ready), .gauss_data_i(gauss_data), .out_valid_o(an_valid),
        .out_ready_i(an_ready), .out_data_o(an_data)
    );

    column_correct u_correct (
        .clk_i, .rst_i, .cfg_correct_i, .d_lo_i(d_lo), .d_hi_i(d_hi), .in_valid_i(an_valid), .in_ready_o(an_ready), .in_data_i(an_data),
        .k_valid_i(cc_k_valid), .k_ready_o(cc_k_ready), .k_data_i(cc_k_data), .out_valid_o(cc_valid), .out_ready_i(cc_ready),
        .out_data_o(cc_data)
    );

    skid_buffer #(
        .WIDTH(18)
    ) u_skid_d (
        .clk_i, .rst_i, .in_valid_i(cc_valid), .in_ready_o(cc_ready), .in_data_i(cc_data), .out_valid_o(dni_valid),
        .out_ready_i(dni_ready), .out_data_o(dni_data)
    );

    denoiser #(
        .BOTTLENECK_MAX(BOTTLENECK_MAX), .LINE_PAIRS(LINE_PAIRS), .LINE_PIXELS(LINE_PAIRS / 4), .PAIR_WORDS(DN_PAIR_WORDS),
        .ROW_WORDS(DN_ROW_WORDS)
    ) u_denoiser (
        .clk_i, .rst_i, .start_i(start_q), .done_o(dn_done), .cfg_dn_depthwise_i, .cfg_dn_bottleneck_i, .cfg_dn_sample_i,
        .cfg_w_i(cfg_out_w_i), .cfg_h_i(cfg_out_h_i), .cfg_c8_i(cfg_out_c8_i), .d_lo_i(d_lo), .d_hi_i(d_hi),
        .cfg_layer_i(cfg_rng_layer_i), .seed_i, .inference_i, .cfg_dn_pair_addr_i, .cfg_dn_row_addr_i, .cfg_dn_width_i,
        .cfg_dn_m1_i, .cfg_dn_s1_i, .cfg_dn_m2_i, .cfg_dn_s2_i, .cfg_dn_md_i, .cfg_dn_sd_i, .cfg_dn_mu_i, .cfg_dn_su_i,
        .cfg_dn_mv_i, .cfg_dn_sv_i, .in_valid_i(dni_valid), .in_ready_o(dni_ready), .in_data_i(dni_data),
        .out_valid_o(dno_valid), .out_ready_i(dno_ready), .out_data_o(dno_data), .pair_wr_en_i(dn_pair_wr_en_i),
        .pair_wr_index_i(wr_index_i), .pair_wr_lane_i(wr_lane_i), .pair_wr_data_i(wr_data_i), .row_wr_en_i(dn_row_wr_en_i),
        .row_wr_index_i(wr_index_i), .row_wr_lane_i(wr_lane_i), .row_wr_data_i(wr_data_i), .busy_o(cnt_dn_busy_o),
        .blocked_o(cnt_dn_blocked_o), .samples_o(dn_samples)
    );

    skid_buffer #(
        .WIDTH(18)
    ) u_skid_post (
        .clk_i, .rst_i, .in_valid_i(dno_valid), .in_ready_o(dno_ready), .in_data_i(dno_data), .out_valid_o(pi_valid),
        .out_ready_i(pi_ready), .out_data_o(pi_data)
    );

    post u_post (
        .clk_i, .rst_i, .start_i(start_q), .cfg_residual_i, .cfg_res_addr_i, .cfg_out_c8_i, .cfg_slice_skip_i, .cfg_z_res_i, .cfg_z_y_i,
        .cfg_post_a_i, .cfg_post_b_i, .cfg_post_shift_i, .cfg_lo_i, .cfg_hi_i, .words_i(words_q), .in_valid_i(pi_valid),
        .in_ready_o(pi_ready), .in_data_i(pi_data), .res_req_valid_o(req_valid_o), .res_req_ready_i(req_ready_i),
        .res_req_addr_o(req_addr_o), .res_rsp_valid_i(rsp_valid_i), .res_rsp_data_i(rsp_data_i), .out_valid_o(ti_valid),
        .out_ready_i(ti_ready), .out_data_o(ti_data)
    );

    act_table #(
        .TABLES(TABLES)
    ) u_table (
        .clk_i, .rst_i, .cfg_table_on_i, .cfg_table_index_i, .in_valid_i(ti_valid), .in_ready_o(ti_ready), .in_data_i(ti_data),
        .out_valid_o(po_valid), .out_ready_i(po_ready), .out_data_o(po_data), .wr_en_i(table_wr_en_i), .wr_index_i, .wr_lane_i, .wr_data_i
    );
    wire [7:0] z_codes = cfg_table_on_i ? cfg_z_table_i : cfg_z_y_i;  // zero point of what pool reads

    pool #(
        .LINE_PAIRS(LINE_PAIRS)
    ) u_pool (
        .clk_i, .rst_i, .start_i(start_q), .cfg_pool_kind_i, .cfg_pool_kh_i, .cfg_pool_kw_i, .cfg_pool_sy_i, .cfg_pool_sx_i,
        .cfg_pool_pad_top_i, .cfg_pool_pad_left_i, .cfg_pooled_h_i, .cfg_pooled_w_i, .cfg_pool_m_i, .cfg_pool_shift_i, .cfg_z_y_i(z_codes), .cfg_z_pool_i, .cfg_out_w_i, .cfg_out_h_i, .cfg_out_c8_i, .in_valid_i(po_valid), .in_ready_o(po_ready),
        .in_data_i(po_data), .out_valid_o(st_valid), .out_ready_i(st_ready), .out_data_o(st_data), .out_row_end_o(st_row_end),
        .out_frame_end_o(st_frame_end), .taken_o(pool_taken)
    );

    // Started with start_i itself: rows_done_o must not show the last frame's rows any longer than needed.
    store u_store (
        .clk_i, .rst_i, .start_i, .done_o(store_done), .cfg_out_addr_i, .cfg_out_c8_i, .cfg_out_pitch_i, .in_valid_i(st_valid),
        .in_ready_o(st_ready), .in_data_i(st_data), .in_row_end_i(st_row_end), .in_frame_end_i(st_frame_end), .wr_valid_o, .wr_ready_i, .wr_addr_o,
        .wr_data_o, .rows_done_o
    );
endmodule

`default_nettype wire
