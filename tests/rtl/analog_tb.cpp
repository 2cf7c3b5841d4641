// SPDX-License-Identifier: Apache-2.0
// analog against qa_analog and qa_adc: whole operand ranges, saturation of sg and v', ties and both ranges of the ADC, noise on and off, all shifts.
#include "Vanalog.h"
#include "tb.h"
#include <deque>
extern "C" {
#include "arith.h"
}

struct Element {
    int32_t v, offset, eps;
    uint32_t gain;
};

static int32_t sign(uint64_t bits, unsigned width) { return (int32_t)((int64_t)(bits << (64 - width)) >> (64 - width)); }

static Element draw(Tb<Vanalog> &tb)
{
    static const int32_t edges[] = {0, 1, -1, (1 << 23) - 1, -(1 << 23), 2048, -2048, 6144, 524287, 520192, -524288, 4096};
    Element e;
    switch (tb.between(0, 3)) {
    case 0: e.v = edges[tb.between(0, 11)]; break;
    case 1: e.v = (int32_t)tb.between(-4096, 4095) * 2048 + (tb.between(0, 1) ? (int32_t)tb.between(-1, 1) : 0); break; // ties of the ADC, and beside them
    default: e.v = sign(tb.random(), tb.between(1, 24)); break;
    }
    e.v = (int32_t)qa_sat24(e.v);
    e.offset = tb.between(0, 2) ? sign(tb.random(), tb.between(1, 24)) : 0;
    e.gain = tb.between(0, 3) == 0 ? 65536 : tb.between(0, 7) == 0 ? 261488 : tb.random() & 0x3ffff;
    e.eps = tb.between(0, 9) ? sign(tb.random(), 16) : tb.between(0, 1) ? 32767 : -32768;
    return e;
}

static void frame(Tb<Vanalog> &tb, int total)
{
    auto &d = tb.dut;
    d.cfg_noise_i = tb.between(0, 3) != 0;
    d.cfg_sigma_add_i = tb.between(0, 3) ? tb.random() & 0xfffff : tb.between(0, 1) ? 0 : 0xfffff;
    d.cfg_sigma_mul_i = tb.between(0, 3) ? tb.random() & 0xffff : tb.between(0, 1) ? 0 : 0xffff;
    if (tb.between(0, 1)) { // realistic: little noise, so that the rest is seen
        d.cfg_sigma_add_i = d.cfg_sigma_add_i >> 8;
        d.cfg_sigma_mul_i = d.cfg_sigma_mul_i >> 4;
    }
    d.cfg_adc_shift_i = tb.between(0, 8);
    int z = tb.between(0, 3) ? tb.between(-128, 127) : tb.between(0, 1) ? -128 : 127, wide = tb.between(0, 1), low = qa_low(z, wide), high = qa_high(z, wide);
    d.d_lo_i = low & 511;
    d.d_hi_i = high & 511;
    std::deque<uint32_t> want;
    Element pair[2];
    bool have = false, offered[3] = {false, false, false};
    uint64_t begin = tb.cycle;
    for (int sent = 0, received = 0; received < total;) {
        if (!have && sent < total) {
            for (auto &e : pair)
                e = draw(tb);
            have = true;
            d.in_data_i = ((uint64_t)(pair[1].v & 0xffffff) << 24) | (pair[0].v & 0xffffff);
            unsigned __int128 k = 0;
            for (int i = 1; i >= 0; i--)
                k = k << 42 | (uint64_t)(pair[i].offset & 0xffffff) << 18 | pair[i].gain;
            for (int w = 0; w < 3; w++)
                d.k_data_i[w] = (uint32_t)(k >> 32 * w);
            d.gauss_data_i = (uint32_t)pair[1].eps << 16 | (pair[0].eps & 0xffff);
        }
        for (bool &o : offered)
            o = have && (o || tb.coin(0.7));
        d.in_valid_i = offered[0];
        d.k_valid_i = offered[1];
        d.gauss_valid_i = d.cfg_noise_i && offered[2];
        d.out_ready_i = tb.coin(0.6);
        tb.settle();
        bool taken = d.in_valid_i && d.in_ready_o;
        TB_CHECK(tb, taken == (d.k_valid_i && d.k_ready_o) && (taken && d.cfg_noise_i) == (d.gauss_valid_i && d.gauss_ready_o), "data, constants, samples must be taken together");
        if (d.out_valid_o && d.out_ready_i) {
            TB_CHECK(tb, !want.empty() && d.out_data_o == want.front(), "pair %d: got %05x, want %05x", received, d.out_data_o, want.front());
            want.pop_front();
            received++;
        }
        if (taken) {
            uint32_t word = 0;
            for (int i = 0; i < 2; i++) {
                int32_t v = pair[i].v;
                if (d.cfg_noise_i)
                    v = qa_analog(v, pair[i].gain, pair[i].offset, d.cfg_sigma_add_i, d.cfg_sigma_mul_i, pair[i].eps);
                word |= (uint32_t)(qa_adc(v, d.cfg_adc_shift_i, low, high) & 511) << 9 * i;
            }
            want.push_back(word);
            have = offered[0] = offered[1] = offered[2] = false;
            sent++;
        }
        tb.tick();
    }
    if (!tb.stalls)
        TB_CHECK(tb, tb.cycle - begin <= (uint64_t)total + 15, "%d pairs took %d cycles", total, (int)(tb.cycle - begin));
}

static void run(Tb<Vanalog> &tb)
{
    auto &d = tb.dut;
    d.in_valid_i = d.k_valid_i = d.gauss_valid_i = d.out_ready_i = 0;
    tb.reset();
    for (int i = 0; i < 200; i++)
        frame(tb, 500);
}

int main(int argc, char **argv) { return tb_main<Vanalog>(argc, argv, "analog", run); }
