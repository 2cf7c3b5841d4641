// SPDX-License-Identifier: Apache-2.0
// post_engine against libquell's functions in a chain: batches of frames back to back, each with settings of its own (noise, range of the ADC, correction,
// denoiser, residual, activation table, pooling), the accumulators of the next frame offered early; memory that answers late and refuses.
#include "Vpost_engine.h"
#include "denoiser_model.h"
#include "pool_windows.h"
#include "tb.h"
#include <deque>

struct Constants {
    int32_t bias, offset, b;
    uint32_t m, s, gain, a;
};
static Constants constants[1024]; // by channel
static uint64_t memory[1 << 16];
static uint8_t tables[8][256];

struct Frame {
    DenoiserLayer dn;
    int noise, correct, residual, kind, out_addr, res_addr, const_addr, pair_addr, row_addr, adc_shift, z_res, z_y, z_pool, lo, hi, table_on, table, z_table, pitch, slice_at, slice_skip;
    Side y, x; // pooling
    uint32_t s_add, s_mul, post_a, post_b, pool_m;
    unsigned post_shift, pool_shift;
    std::vector<int32_t> acc;
    std::vector<uint64_t> words; // expected
    int row_words;
    uint64_t min_cycles;
};

static void write_lanes(Tb<Vpost_engine> &tb, CData &enable, int index, const std::vector<uint32_t> &lanes)
{
    enable = 1;
    for (size_t i = 0; i < lanes.size(); i++) {
        tb.dut.wr_index_i = index;
        tb.dut.wr_lane_i = i;
        tb.dut.wr_data_i = lanes[i];
        tb.tick();
    }
    enable = 0;
}

static void write_constants(Tb<Vpost_engine> &tb)
{
    for (int c = 0; c < 1024; c++) {
        Constants &k = constants[c];
        k.bias = (int32_t)tb.between(-1000000, 1000000);
        k.m = 0x800000 | (tb.random() & 0x7fffff);
        k.s = tb.between(14, 30);
        k.gain = tb.between(60000, 72000) << (tb.between(0, 9) == 0);
        k.offset = tb.between(-20000, 20000);
        k.a = tb.between(12000, 22000);
        k.b = tb.between(-1500, 1500);
        if (c & 1) {
            std::vector<uint32_t> lanes;
            for (Constants *p : {&constants[c - 1], &constants[c]})
                lanes.insert(lanes.end(), {(uint32_t)p->bias, p->m | p->s << 24, p->gain, (uint32_t)p->offset & 0xffffff, p->a | (uint32_t)p->b << 16});
            write_lanes(tb, tb.dut.const_wr_en_i, c / 2, lanes);
        }
    }
}

static void draw(Tb<Vpost_engine> &tb, Frame &f)
{
    DenoiserLayer &l = f.dn;
    l.c8 = tb.between(1, 4), l.w = tb.between(1, 14), l.h = tb.between(1, 9);
    if (tb.between(0, 4) == 0)
        l.w = l.h = 1;
    l.depthwise = tb.between(0, 2) == 0;
    l.bottleneck = tb.between(0, 2) == 0;
    l.sample = tb.between(0, 1);
    l.m = l.bottleneck ? tb.between(1, 4) : 0;
    l.z = tb.between(0, 3) ? tb.between(-128, 127) : tb.between(0, 1) ? -128 : 127;
    l.wide = tb.between(0, 2) == 0;
    l.layer = tb.between(0, 255);
    l.seed = tb.random(), l.inference = tb.random();
    denoiser_randomise(tb, l, false);
    f.noise = tb.between(0, 1), f.correct = tb.between(0, 1), f.residual = tb.between(0, 1), f.kind = tb.between(0, 2);
    do
        f.y = random_side(tb, l.h), f.x = random_side(tb, l.w);
    while (f.y.at_once() * f.x.windows * l.c8 * 4 > 1024);
    f.res_addr = tb.between(0, 30000), f.out_addr = tb.between(32768, 65535 - 1300), f.const_addr = tb.between(0, 512 - 4 * l.c8);
    f.adc_shift = tb.between(0, 2) ? 0 : tb.between(0, 8);
    f.z_res = tb.between(-128, 127), f.z_y = tb.between(-128, 127), f.z_pool = tb.between(-128, 127);
    f.table_on = tb.between(0, 2) == 0, f.table = tb.between(0, 7), f.z_table = tb.between(-128, 127);
    f.pitch = l.c8 + (tb.between(0, 1) ? tb.between(0, 6) : 0);
    f.slice_at = f.slice_skip = 0;
    if (tb.between(0, 2) == 0)
        f.slice_at = tb.between(0, 9), f.slice_skip = tb.between(0, 12);
    f.lo = tb.between(0, 1) ? f.z_y : -128, f.hi = 127;
    f.s_add = tb.between(0, 20000), f.s_mul = tb.between(0, 4000);
    f.post_a = tb.between(0x400000, 0xffffff), f.post_b = tb.between(0x800000, 0xffffff), f.post_shift = tb.between(23, 25);
    f.pool_m = tb.between(0x800000, 0xffffff), f.pool_shift = 23;
    for (int n = f.kind == 1 ? f.x.kernel * f.y.kernel : 1; n > 1; n /= 2)
        f.pool_shift++;
    f.acc.resize(l.size());
    for (size_t e = 0; e < l.size(); e++) {
        const Constants &k = constants[f.const_addr * 2 + e % l.channels()];
        double code = tb.between(-300, 300) + (tb.between(0, 1) ? tb.uniform() : 0.5); // often close to a tie of the ADC
        f.acc[e] = (int32_t)qa_clamp((int64_t)(code * (double)(1ull << (k.s + 12)) / k.m), -(1 << 30), 1 << 30) - k.bias;
        if (tb.between(0, 50) == 0)
            f.acc[e] = (int32_t)tb.random() >> 2;
    }
    // cycles that the stream needs: pairs, or more where the bottleneck is wider than the pixel; then what the pipelines hold
    int pixel = l.c8 * 4, slow = l.m * ((l.m + 1) / 2) + 2;
    if (l.bottleneck && slow > pixel)
        pixel = slow;
    f.min_cycles = (uint64_t)l.w * l.h * pixel + (f.noise ? 41 : 0) + (l.depthwise || l.bottleneck ? (l.w + 1) * pixel + 90 : 0) + 73 + 2 * f.table_on;
    if (f.kind) // and the clocks in which a pair stays with the pooling for further windows
        f.min_cycles += pool_clocks(f.y, f.x, l.c8 * 4) - (uint64_t)l.w * l.h * l.c8 * 4;
}

static void expect(Frame &f)
{
    DenoiserLayer &l = f.dn;
    int c = l.channels();
    std::vector<int16_t> d(l.size());
    std::vector<int8_t> code(l.size()), out;
    for (size_t e = 0; e < l.size(); e++) {
        const Constants &k = constants[f.const_addr * 2 + e % c];
        int32_t v = qa_requantise(f.acc[e] + k.bias, k.m, k.s);
        if (f.noise) {
            int16_t eps[2];
            qa_gaussian_pair(l.seed, QA_READ_NOISE, l.layer, l.inference, (uint32_t)(4 * (f.slice_at + e / c * f.slice_skip) + e / 2), eps);
            v = qa_analog(v, k.gain, k.offset, f.s_add, f.s_mul, eps[e % 2]);
        }
        d[e] = (int16_t)qa_adc(v, f.adc_shift, l.low(), l.high());
        if (f.correct)
            d[e] = (int16_t)qa_correct(d[e], k.a, k.b, l.low(), l.high());
    }
    d = denoise(l, d);
    for (size_t e = 0; e < l.size(); e++) {
        int32_t r = f.residual ? (int8_t)(memory[f.res_addr + e / c * f.slice_skip + e / 8] >> 8 * (e % 8)) : f.z_res;
        code[e] = qa_post(d[e], r - f.z_res, f.post_a, f.post_b, f.post_shift, f.z_y, f.lo, f.hi);
        if (f.table_on)
            code[e] = (int8_t)tables[f.table][(uint8_t)code[e]];
    }
    int ow = f.kind ? f.x.windows : l.w, oh = f.kind ? f.y.windows : l.h;
    if (f.kind == 0)
        out = code;
    else
        for (int i = 0; i < oh * ow * c; i++) {
            int y = f.y.begin(i / c / ow), x = f.x.begin(i / c % ow);
            int32_t p = f.kind == 1 ? 0 : -1000;
            for (int row = std::max(y, 0); row < std::min(y + f.y.kernel, l.h); row++)
                for (int column = std::max(x, 0); column < std::min(x + f.x.kernel, l.w); column++) {
                    int q = code[l.element(row, column, i % c)] - (f.table_on ? f.z_table : f.z_y);
                    p = f.kind == 1 ? p + q : std::max(q, p);
                }
            out.push_back(qa_pool(p, f.pool_m, f.pool_shift, f.z_pool));
        }
    f.row_words = ow * l.c8;
    f.words.assign(out.size() / 8, 0);
    for (size_t i = 0; i < out.size(); i++)
        f.words[i / 8] |= (uint64_t)(uint8_t)out[i] << 8 * (i % 8);
}

static void configure(Vpost_engine &d, const Frame &f)
{
    const DenoiserLayer &l = f.dn;
    d.cfg_noise_i = f.noise, d.cfg_correct_i = f.correct, d.cfg_residual_i = f.residual, d.cfg_pool_kind_i = f.kind;
    d.cfg_dn_depthwise_i = l.depthwise, d.cfg_dn_bottleneck_i = l.bottleneck, d.cfg_dn_sample_i = l.sample, d.cfg_dn_width_i = l.m;
    d.cfg_rng_layer_i = l.layer, d.seed_i = l.seed, d.inference_i = l.inference;
    d.cfg_out_addr_i = f.out_addr, d.cfg_res_addr_i = f.res_addr, d.cfg_const_addr_i = f.const_addr, d.cfg_slice_at_i = f.slice_at, d.cfg_slice_skip_i = f.slice_skip;
    d.cfg_dn_pair_addr_i = f.pair_addr, d.cfg_dn_row_addr_i = f.row_addr;
    d.cfg_out_w_i = l.w, d.cfg_out_h_i = l.h, d.cfg_out_c8_i = l.c8;
    d.cfg_z_v_i = l.z & 255, d.cfg_z_res_i = f.z_res & 255, d.cfg_z_y_i = f.z_y & 255, d.cfg_z_pool_i = f.z_pool & 255;
    d.cfg_lo_i = f.lo & 255, d.cfg_hi_i = f.hi & 255;
    d.cfg_table_on_i = f.table_on, d.cfg_table_index_i = f.table, d.cfg_z_table_i = f.z_table & 255, d.cfg_out_pitch_i = f.pitch;
    d.cfg_sigma_add_i = f.s_add, d.cfg_sigma_mul_i = f.s_mul, d.cfg_adc_shift_i = f.adc_shift, d.cfg_adc_wide_i = l.wide;
    d.cfg_post_a_i = f.post_a, d.cfg_post_b_i = f.post_b, d.cfg_post_shift_i = f.post_shift;
    d.cfg_pool_m_i = f.pool_m, d.cfg_pool_shift_i = f.pool_shift, d.cfg_pool_kh_i = f.y.kernel, d.cfg_pool_kw_i = f.x.kernel;
    d.cfg_pool_sy_i = f.y.stride, d.cfg_pool_sx_i = f.x.stride, d.cfg_pool_pad_top_i = f.y.pad, d.cfg_pool_pad_left_i = f.x.pad;
    d.cfg_pooled_h_i = f.y.windows, d.cfg_pooled_w_i = f.x.windows;
    d.cfg_dn_m1_i = l.m1, d.cfg_dn_s1_i = l.s1, d.cfg_dn_m2_i = l.m2, d.cfg_dn_s2_i = l.s2, d.cfg_dn_md_i = l.md, d.cfg_dn_sd_i = l.sd;
    d.cfg_dn_mu_i = l.mu, d.cfg_dn_su_i = l.su, d.cfg_dn_mv_i = l.mv, d.cfg_dn_sv_i = l.sv;
}

static void batch(Tb<Vpost_engine> &tb)
{
    auto &d = tb.dut;
    std::vector<Frame> frames(6);
    int pairs = 0, rows = 0;
    for (Frame &f : frames) {
        draw(tb, f);
        expect(f);
        f.pair_addr = pairs, f.row_addr = rows;
        for (int i = 0; i < f.dn.c8 * 4; i++)
            write_lanes(tb, d.dn_pair_wr_en_i, pairs++, denoiser_pair_word(f.dn, i, 4, [&] { return tb.random(); }));
        for (int i = 0; i < f.dn.m; i++)
            write_lanes(tb, d.dn_row_wr_en_i, rows++, denoiser_row_word(f.dn, i, 4, [&] { return tb.random(); }));
    }
    size_t source = 0, sent = 0; // accumulator pair offered: of which frame
    bool have = false;
    std::deque<std::pair<uint64_t, uint64_t>> answers;
    for (size_t n = 0; n < frames.size(); n++) {
        Frame &f = frames[n];
        for (int i = n && tb.between(0, 1) ? 0 : tb.between(0, 5); i > 0; i--)
            tb.tick();
        size_t total = f.dn.size() / 2, written = 0, busy = 0, samples = 0;
        double in_rate = 0.2 + 0.8 * tb.uniform(), out_rate = 0.2 + 0.8 * tb.uniform(), residual_rate = 0.3 + 0.7 * tb.uniform();
        uint64_t begin = tb.cycle;
        for (bool start = true, done = false; !done; start = false) {
            if (start)
                configure(d, f);
            d.start_i = start;
            if (!have && source < frames.size() && tb.coin(in_rate)) {
                have = true;
                d.acc_data_i = (uint64_t)(uint32_t)frames[source].acc[sent * 2 + 1] << 32 | (uint32_t)frames[source].acc[sent * 2];
            }
            d.acc_valid_i = have;
            d.req_ready_i = tb.coin(residual_rate);
            d.wr_ready_i = tb.coin(out_rate);
            d.rsp_valid_i = !answers.empty() && answers.front().first <= tb.cycle && tb.coin(residual_rate);
            if (d.rsp_valid_i) {
                d.rsp_data_i = answers.front().second;
                answers.pop_front();
            }
            tb.settle();
            done = d.done_o && !start;
            TB_CHECK(tb, start || d.rows_done_o == written / f.row_words, "frame %d: rows_done %d after %d words of %d", (int)n, d.rows_done_o, (int)written, f.row_words);
            TB_CHECK(tb, !done || written == f.words.size(), "frame %d: done after %d of %d words", (int)n, (int)written, (int)f.words.size());
            TB_CHECK(tb, d.cnt_blocked_o == (d.acc_valid_i && !d.acc_ready_o) && !(d.cnt_starved_o && d.acc_valid_i), "blocked or starved is wrong");
            busy += d.cnt_busy_o;
            samples += d.cnt_samples_o;
            if (d.req_valid_o && d.req_ready_i)
                answers.push_back({tb.cycle + 2, memory[d.req_addr_o]});
            if (d.wr_valid_o && d.wr_ready_i) {
                TB_CHECK(tb, written < f.words.size() && d.wr_addr_o == f.out_addr + written / f.dn.c8 * f.pitch + written % f.dn.c8 && d.wr_data_o == f.words[written],
                         "frame %d (%dx%dx%d, noise %d, correct %d, denoiser %d%d%d, residual %d, table %d, pool %d %dx%d/%dx%d), word %d of %d: got %016llx at %04x, want %016llx", (int)n,
                         f.dn.h, f.dn.w, f.dn.c8 * 8, f.noise, f.correct, f.dn.depthwise, f.dn.bottleneck, f.dn.sample, f.residual, f.table_on, f.kind, f.y.kernel, f.x.kernel, f.y.stride, f.x.stride, (int)written,
                         (int)f.words.size(), (unsigned long long)d.wr_data_o, d.wr_addr_o, (unsigned long long)(written < f.words.size() ? f.words[written] : 0));
                written++;
            }
            if (d.acc_valid_i && d.acc_ready_o) {
                TB_CHECK(tb, source == n, "frame %d takes a pair of frame %d", (int)n, (int)source);
                have = false;
                if (++sent == total) {
                    sent = 0;
                    source++;
                }
            }
            if (!done)
                tb.tick();
        }
        d.acc_valid_i = have;
        TB_CHECK(tb, busy == total, "frame %d: busy counted %d of %d pairs", (int)n, (int)busy, (int)total);
        size_t want = total * (f.noise + (f.dn.sample && (f.dn.depthwise || f.dn.bottleneck)));
        TB_CHECK(tb, samples == want, "frame %d: %d pairs of samples counted, want %d", (int)n, (int)samples, (int)want);
        if (!tb.stalls)
            TB_CHECK(tb, tb.cycle - begin <= f.min_cycles, "frame %d: %d pairs took %d cycles, at most %d expected", (int)n, (int)total, (int)(tb.cycle - begin), (int)f.min_cycles);
    }
}

static void run(Tb<Vpost_engine> &tb)
{
    auto &d = tb.dut;
    for (auto &w : memory)
        w = tb.random();
    d.start_i = d.acc_valid_i = d.const_wr_en_i = d.dn_pair_wr_en_i = d.dn_row_wr_en_i = d.table_wr_en_i = d.req_ready_i = d.rsp_valid_i = d.wr_ready_i = 0;
    tb.reset();
    write_constants(tb);
    for (int t = 0; t < 8; t++) {
        std::vector<uint32_t> lanes;
        for (int i = 0; i < 256; i++) {
            tables[t][i] = tb.random();
            if (i % 4 == 3)
                lanes.push_back((uint32_t)tables[t][i] << 24 | tables[t][i - 1] << 16 | tables[t][i - 2] << 8 | tables[t][i - 3]);
        }
        write_lanes(tb, d.table_wr_en_i, t, lanes);
    }
    for (int i = 0; i < 40; i++)
        batch(tb);
}

int main(int argc, char **argv) { return tb_main<Vpost_engine>(argc, argv, "post_engine", run); }
