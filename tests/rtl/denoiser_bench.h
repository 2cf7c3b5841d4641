// SPDX-License-Identifier: Apache-2.0
// What the denoiser benches of both bottleneck widths do: frames of random size and settings back to back, each compared with the model.
#pragma once
#include "denoiser_model.h"
#include "tb.h"

template <class Dut> void denoiser_write(Tb<Dut> &tb, const DenoiserLayer &l, int mb, int pair_addr, int row_addr)
{
    auto &dut = tb.dut;
    auto junk = [&] { return tb.random(); };
    for (int pair = 0; pair < l.channels() / 2; pair++) {
        auto word = denoiser_pair_word(l, pair, mb, junk);
        for (size_t lane = 0; lane < word.size(); lane++) {
            dut.pair_wr_en_i = 1;
            dut.pair_wr_index_i = pair_addr + pair;
            dut.pair_wr_lane_i = lane;
            dut.pair_wr_data_i = word[lane];
            tb.tick();
        }
    }
    dut.pair_wr_en_i = 0;
    for (int k = 0; k < l.m; k++) {
        auto word = denoiser_row_word(l, k, mb, junk);
        for (size_t lane = 0; lane < word.size(); lane++) {
            dut.row_wr_en_i = 1;
            dut.row_wr_index_i = row_addr + k;
            dut.row_wr_lane_i = lane;
            dut.row_wr_data_i = word[lane];
            tb.tick();
        }
    }
    dut.row_wr_en_i = 0;
}

template <class Dut> void denoiser_configure(Dut &dut, const DenoiserLayer &l, int pair_addr, int row_addr)
{
    dut.cfg_dn_depthwise_i = l.depthwise, dut.cfg_dn_bottleneck_i = l.bottleneck, dut.cfg_dn_sample_i = l.sample;
    dut.cfg_w_i = l.w, dut.cfg_h_i = l.h, dut.cfg_c8_i = l.c8, dut.d_lo_i = l.low() & 511, dut.d_hi_i = l.high() & 511, dut.cfg_layer_i = l.layer;
    dut.seed_i = l.seed, dut.inference_i = l.inference;
    dut.cfg_dn_pair_addr_i = pair_addr, dut.cfg_dn_row_addr_i = row_addr, dut.cfg_dn_width_i = l.m;
    dut.cfg_dn_m1_i = l.m1, dut.cfg_dn_s1_i = l.s1, dut.cfg_dn_m2_i = l.m2, dut.cfg_dn_s2_i = l.s2;
    dut.cfg_dn_md_i = l.md, dut.cfg_dn_sd_i = l.sd, dut.cfg_dn_mu_i = l.mu, dut.cfg_dn_su_i = l.su;
    dut.cfg_dn_mv_i = l.mv, dut.cfg_dn_sv_i = l.sv;
}

inline uint32_t denoiser_beat(const std::vector<int16_t> &d, size_t beat)
{
    return (uint32_t)(d[beat * 2] & 511) | (uint32_t)(d[beat * 2 + 1] & 511) << 9;
}

// One frame; returns its cycles from start to done. offer, accept: how often the bench offers and takes in the run with stalls.
template <class Dut> uint64_t denoiser_frame(Tb<Dut> &tb, const DenoiserLayer &l, const std::vector<int16_t> &in, double offer, double accept)
{
    auto &dut = tb.dut;
    std::vector<int16_t> want = denoise(l, in);
    size_t beats = in.size() / 2, sent = 0, got = 0, samples = 0;
    uint64_t begin = tb.cycle, done = 0, limit = 2000 + beats * 40;
    bool offered = false;
    dut.start_i = 1;
    tb.tick();
    dut.start_i = 0;
    while (!done) {
        if (!offered)
            offered = sent < beats ? tb.coin(offer) : tb.coin(0.5); // beats of the next frame must wait
        dut.in_valid_i = offered;
        dut.in_data_i = sent < beats ? denoiser_beat(in, sent) : 0x2A5A5;
        dut.out_ready_i = tb.coin(accept);
        tb.settle();
        TB_CHECK(tb, !(sent >= beats && dut.in_ready_o), "a beat beyond the frame is accepted");
        TB_CHECK(tb, dut.blocked_o == (dut.in_valid_i && !dut.in_ready_o) || dut.done_o, "blocked_o");
        if (dut.out_valid_o && dut.out_ready_i) {
            TB_CHECK(tb, got < beats, "more beats come out than went in");
            TB_CHECK(tb, dut.out_data_o == denoiser_beat(want, got), "beat %zu of %zu (w %d h %d c8 %d m %d, depthwise %d bottleneck %d sample %d): got %05x, want %05x", got, beats,
                     l.w, l.h, l.c8, l.m, l.depthwise, l.bottleneck, l.sample, dut.out_data_o, denoiser_beat(want, got));
            got++;
        }
        samples += dut.samples_o;
        if (dut.in_valid_i && dut.in_ready_o) {
            sent++;
            offered = false;
        }
        done = dut.done_o ? tb.cycle : 0;
        tb.tick();
        TB_CHECK(tb, tb.cycle - begin < limit, "no end: %zu of %zu sent, %zu got (w %d h %d c8 %d m %d, depthwise %d bottleneck %d sample %d)", sent, beats, got, l.w, l.h, l.c8, l.m,
                 l.depthwise, l.bottleneck, l.sample);
    }
    dut.in_valid_i = 0;
    TB_CHECK(tb, got == beats, "done after %zu of %zu beats", got, beats);
    TB_CHECK(tb, samples == (l.sample && (l.depthwise || l.bottleneck) ? beats * 2 : 0), "%zu samples used", samples);
    return done - begin;
}

template <class Dut> std::vector<int16_t> denoiser_random_frame(Tb<Dut> &tb, const DenoiserLayer &l, bool extreme)
{
    std::vector<int16_t> in(l.size());
    for (int16_t &d : in)
        d = (int16_t)(extreme && tb.between(0, 3) ? (tb.between(0, 1) ? l.high() : l.low()) : tb.between(l.low(), l.high()));
    return in;
}

// A frame that a reset cuts off somewhere: the next one must not notice.
template <class Dut> void denoiser_abort(Tb<Dut> &tb)
{
    auto &dut = tb.dut;
    dut.start_i = 1;
    tb.tick();
    dut.start_i = 0;
    for (int64_t i = tb.between(1, 400); i > 0; i--) {
        dut.in_valid_i = tb.coin(0.8), dut.out_ready_i = tb.coin(0.5);
        dut.in_data_i = tb.random() & 0x3ffff;
        tb.tick();
    }
    dut.in_valid_i = 0;
    tb.reset(1);
}

template <class Dut, int MB> void denoiser_bench(Tb<Dut> &tb)
{
    constexpr int LINE_PAIRS = 256, PAIR_WORDS = 64, ROW_WORDS = 16;
    tb.reset();
    for (int run = 0; run < 140; run++) {
        DenoiserLayer l;
        bool extreme = run % 4 == 3;
        l.w = (int)tb.between(1, 12), l.h = (int)tb.between(1, 8), l.c8 = (int)tb.between(1, 4);
        l.m = (int)tb.between(0, MB);
        if (run == 0) // one pixel that fills the line, and a full line
            l.w = 1, l.h = 2, l.c8 = PAIR_WORDS / 4, l.m = MB;
        if (run == 1)
            l.w = LINE_PAIRS / 4, l.h = 3, l.c8 = 1, l.m = MB;
        int paths = run < 2 ? 3 : (int)tb.between(0, 7);
        l.depthwise = paths & 1 || paths > 4, l.bottleneck = paths & 2 || paths > 4;
        l.sample = tb.between(0, 1);
        l.z = (int)tb.between(-128, 127), l.wide = (int)tb.between(0, 1), l.layer = (int)tb.between(0, 255);
        l.seed = (uint32_t)tb.random(), l.inference = (uint32_t)tb.random();
        denoiser_randomise(tb, l, extreme);
        int pair_addr = (int)tb.between(0, PAIR_WORDS - l.channels() / 2), row_addr = (int)tb.between(0, ROW_WORDS - l.m);
        denoiser_write(tb, l, MB, pair_addr, row_addr);
        denoiser_configure(tb.dut, l, pair_addr, row_addr);
        if (run % 7 == 6)
            denoiser_abort(tb);
        double offer = tb.between(0, 2) ? 0.8 : 0.2, accept = tb.between(0, 2) ? 0.8 : 0.2;
        int frames = run % 5 == 0 ? 2 : 1; // the same layer twice without a gap
        for (int i = 0; i < frames; i++) {
            l.inference += i, tb.dut.inference_i = l.inference;
            auto in = denoiser_random_frame(tb, l, extreme);
            uint64_t cycles = denoiser_frame(tb, l, in, offer, accept);
            bool on = l.depthwise || l.bottleneck;
            uint64_t pixel = (uint64_t)l.c8 * 4, mid = l.bottleneck && l.m ? l.m * ((l.m + 1) / 2) + 2 : 0;
            // The promised rate: so many cycles a pixel, one row and one pixel more, and a constant
            uint64_t bound = (pixel > mid ? pixel : mid) * (l.w * l.h + (on ? l.w + 1 : 0)) + pixel + 150;
            if (!tb.stalls)
                TB_CHECK(tb, cycles <= bound, "%llu cycles, %llu promised (w %d h %d c8 %d m %d, depthwise %d bottleneck %d)", (unsigned long long)cycles,
                         (unsigned long long)bound, l.w, l.h, l.c8, l.m, l.depthwise, l.bottleneck);
        }
    }
}
