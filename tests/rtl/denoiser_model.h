// SPDX-License-Identifier: Apache-2.0
// The denoising block of docs/arithmetic.md as plain loops over libquell's qa_dn_*: what the denoiser benches compare with; on differences
// d = code - zero point. Also makes random layers and the memory words (fw/include/quell_protocol.h) that hold one.
#pragma once
#include <array>
#include <cstdint>
#include <vector>
extern "C" {
#include "arith.h"
}

struct DenoiserLayer {
    bool depthwise = false, bottleneck = false, sample = false;
    int w = 1, h = 1, c8 = 1, m = 0, z = 0, wide = 0, layer = 0; // wide: limits of adc_wide, not of codes
    uint32_t seed = 0, inference = 0;
    uint32_t m1 = 0, m2 = 0, md = 0, mu = 0, mv = 0;
    unsigned s1 = 1, s2 = 1, sd = 1, su = 1, sv = 1;
    std::vector<std::array<int8_t, 9>> d;    // [channel][tap]
    std::vector<std::vector<int8_t>> w1;     // [row][channel]
    std::vector<std::vector<std::array<int8_t, 9>>> w2; // [row][input][tap]
    std::vector<std::vector<int8_t>> wu, wv; // [channel][row]
    std::vector<int32_t> b1, b2, cv;

    int low() const { return qa_low(z, wide); }
    int high() const { return qa_high(z, wide); }
    int channels() const { return c8 * 8; }
    size_t size() const { return (size_t)w * h * channels(); }
    bool inside(int y, int x) const { return y >= 0 && y < h && x >= 0 && x < w; }
    size_t element(int y, int x, int c) const { return ((size_t)y * w + x) * channels() + c; }
};

inline std::vector<int16_t> denoise(const DenoiserLayer &l, const std::vector<int16_t> &in)
{
    if (!l.depthwise && !l.bottleneck)
        return in;
    int m = l.bottleneck ? l.m : 0, channels = l.channels();
    std::vector<int16_t> out(in.size());
    std::vector<std::vector<uint8_t>> b1(l.w * l.h, std::vector<uint8_t>(m));
    for (int p = 0; p < l.w * l.h; p++)
        for (int j = 0; j < m; j++) {
            int32_t acc = l.b1[j];
            for (int c = 0; c < channels; c++)
                acc += l.w1[j][c] * in[(size_t)p * channels + c];
            b1[p][j] = qa_dn_activation(acc, l.m1, l.s1);
        }
    for (int y = 0; y < l.h; y++)
        for (int x = 0; x < l.w; x++) {
            std::vector<uint8_t> b2(m);
            for (int k = 0; k < m; k++) {
                int32_t acc = l.b2[k];
                for (int t = 0; t < 9; t++)
                    for (int j = 0; j < m && l.inside(y + t / 3 - 1, x + t % 3 - 1); j++)
                        acc += l.w2[k][j][t] * b1[(y + t / 3 - 1) * l.w + x + t % 3 - 1][j];
                b2[k] = qa_dn_activation(acc, l.m2, l.s2);
            }
            for (int c = 0; c < channels; c++) {
                int32_t ad = 0, au = 0, av = l.cv[c];
                for (int t = 0; t < 9 && l.depthwise; t++)
                    if (l.inside(y + t / 3 - 1, x + t % 3 - 1))
                        ad += l.d[c][t] * in[l.element(y + t / 3 - 1, x + t % 3 - 1, c)];
                for (int k = 0; k < m; k++) {
                    au += l.wu[c][k] * b2[k];
                    av += l.wv[c][k] * b2[k];
                }
                size_t e = l.element(y, x, c);
                int16_t eps[2] = {0, 0};
                if (l.sample)
                    qa_gaussian_pair(l.seed, QA_DENOISER, l.layer, l.inference, (uint32_t)(e / 2), eps);
                out[e] = (int16_t)qa_dn_apply(in[e], qa_dn_mu(ad, l.md, l.sd, au, l.mu, l.su), qa_dn_sigma(av, l.mv, l.sv), eps[e % 2], l.low(), l.high());
            }
        }
    return out;
}

// Memory words as 32-bit lanes, for BOTTLENECK_MAX mb. What the layer does not use is filled with `junk()`.
template <class Junk> std::vector<uint32_t> denoiser_pair_word(const DenoiserLayer &l, int pair, int mb, Junk junk)
{
    std::vector<uint32_t> lanes(3 * mb / 2 + 7);
    auto put = [&](int byte, int value) { ((uint8_t *)lanes.data())[byte] = (uint8_t)value; };
    for (uint32_t &lane : lanes)
        lane = (uint32_t)junk();
    for (int parity = 0; parity < 2; parity++) {
        int c = pair * 2 + parity;
        for (int j = 0; j < l.m; j++) {
            put(j * 2 + parity, l.w1[j][c]);
            put((mb + j) * 2 + parity, l.wu[c][j]);
            put((2 * mb + j) * 2 + parity, l.wv[c][j]);
        }
        for (int t = 0; t < 9; t++)
            put(3 * mb * 2 + parity * 9 + t, l.d[c][t]);
        lanes[3 * mb / 2 + 5 + parity] = (uint32_t)l.cv[c];
    }
    return lanes;
}

template <class Junk> std::vector<uint32_t> denoiser_row_word(const DenoiserLayer &l, int k, int mb, Junk junk)
{
    std::vector<uint32_t> lanes(mb / 2 * 5 + 2);
    for (uint32_t &lane : lanes)
        lane = (uint32_t)junk();
    for (int j = 0; j < l.m; j++)
        for (int t = 0; t < 9; t++)
            ((uint8_t *)lanes.data())[j / 2 * 20 + (j & 1) * 9 + t] = (uint8_t)l.w2[k][j][t];
    lanes[mb / 2 * 5] = (uint32_t)l.b1[k];
    lanes[mb / 2 * 5 + 1] = (uint32_t)l.b2[k];
    return lanes;
}

// A layer whose accumulators land in the interesting range, or (extreme) are driven to the ends of every format.
template <class Tb> void denoiser_randomise(Tb &tb, DenoiserLayer &l, bool extreme)
{
    auto byte = [&] { return (int8_t)(extreme ? (tb.between(0, 1) ? 127 : -128) : tb.between(-128, 127)); };
    auto taps = [&] {
        std::array<int8_t, 9> a;
        for (int8_t &v : a)
            v = byte();
        return a;
    };
    int c = l.channels();
    l.d.assign(c, {});
    l.w1.assign(l.m, std::vector<int8_t>(c));
    l.w2.assign(l.m, std::vector<std::array<int8_t, 9>>(l.m));
    l.wu.assign(c, std::vector<int8_t>(l.m));
    l.wv = l.wu;
    l.b1.assign(l.m, 0);
    l.b2 = l.b1;
    l.cv.assign(c, 0);
    for (auto &v : l.d) v = taps();
    for (auto &r : l.w1) for (auto &v : r) v = byte();
    for (auto &r : l.w2) for (auto &v : r) v = taps();
    for (auto &r : l.wu) for (auto &v : r) v = byte();
    for (auto &r : l.wv) for (auto &v : r) v = byte();
    for (auto &v : l.b1) v = (int32_t)tb.between(-30000, 60000);
    for (auto &v : l.b2) v = (int32_t)tb.between(-30000, 60000);
    for (auto &v : l.cv) v = (int32_t)(!extreme ? tb.between(-60000, 120000) : tb.between(0, 1) ? tb.between(0x400000, 0x7fffff) : tb.between(0, 1) ? 0x7fffff : -0x800000);
    auto multiplier = [&] { return (uint32_t)(extreme ? 131071 : tb.between(65536, 131071)); };
    l.m1 = multiplier(), l.m2 = multiplier(), l.md = multiplier(), l.mu = multiplier(), l.mv = multiplier();
    // 17 bits of multiplier leave 2^-16...: sums of 2^16...2^19 become 0...255, or some codes with 12 or 8 fractional bits.
    l.s1 = (unsigned)tb.between(22, 27), l.s2 = (unsigned)tb.between(23, 27);
    l.sd = (unsigned)tb.between(17, 22), l.su = (unsigned)tb.between(16, 21), l.sv = (unsigned)tb.between(20, 26);
    if (extreme) { // any shift, and small multipliers, which make ties
        for (unsigned *s : {&l.s1, &l.s2, &l.sd, &l.su, &l.sv})
            *s = (unsigned)tb.between(1, 63);
        if (tb.between(0, 1)) // sigma just below and above its limit
            l.sv = (unsigned)tb.between(22, 25);
        for (uint32_t *m : {&l.m1, &l.m2, &l.md, &l.mu, &l.mv})
            *m = tb.between(0, 2) ? *m : 65536;
    } else if (!tb.between(0, 3)) { // ties are common with these
        l.m1 = l.m2 = l.md = l.mu = 65536;
        l.s1 = 16 + 2, l.s2 = 16 + 3, l.sd = 16 - 1, l.su = 16 - 2;
        for (auto &v : l.b1) v = (int32_t)tb.between(-500, 500);
    }
}
