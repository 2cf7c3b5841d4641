// SPDX-License-Identifier: Apache-2.0
// column_correct against qa_correct: all differences, zero points, gains and offsets with ties, limits of codes and of the wide ADC; correction off.
#include "Vcolumn_correct.h"
#include "tb.h"
#include <deque>
extern "C" {
#include "arith.h"
}

static void frame(Tb<Vcolumn_correct> &tb, int total)
{
    auto &d = tb.dut;
    d.cfg_correct_i = tb.between(0, 3) != 0;
    int z = tb.between(0, 3) ? tb.between(-128, 127) : tb.between(0, 1) ? -128 : 127, wide = tb.between(0, 1), low = qa_low(z, wide), high = qa_high(z, wide);
    d.d_lo_i = low & 511;
    d.d_hi_i = high & 511;
    std::deque<uint32_t> want;
    int32_t in[2];
    uint32_t a[2];
    int32_t b[2];
    bool have = false, in_valid = false, k_valid = false;
    uint64_t begin = tb.cycle;
    for (int sent = 0, received = 0; received < total;) {
        if (!have && sent < total) {
            for (int i = 0; i < 2; i++) {
                in[i] = tb.between(0, 9) ? tb.between(low, high) : tb.between(0, 1) ? low : high;
                a[i] = tb.between(0, 2) ? tb.between(0x2000, 0x8000) : tb.between(0, 2) ? 0x2000 * tb.between(0, 7) : 0xffff;
                b[i] = tb.between(0, 2) ? tb.between(-2048, 2047) : tb.between(0, 1) ? 128 * tb.between(-256, 255) : tb.between(-32768, 32767);
            }
            have = true;
            d.in_data_i = (uint32_t)(in[1] & 511) << 9 | (in[0] & 511);
            d.k_data_i = (uint64_t)((uint32_t)b[1] << 16 | a[1]) << 32 | ((uint32_t)b[0] << 16 | a[0]);
        }
        in_valid = have && (in_valid || tb.coin(0.7));
        k_valid = have && (k_valid || tb.coin(0.7));
        d.in_valid_i = in_valid;
        d.k_valid_i = k_valid;
        d.out_ready_i = tb.coin(0.6);
        tb.settle();
        TB_CHECK(tb, (d.in_valid_i && d.in_ready_o) == (d.k_valid_i && d.k_ready_o), "data and constants must be taken together");
        if (d.out_valid_o && d.out_ready_i) {
            TB_CHECK(tb, !want.empty() && d.out_data_o == want.front(), "pair %d: got %05x, want %05x", received, d.out_data_o, want.front());
            want.pop_front();
            received++;
        }
        if (d.in_valid_i && d.in_ready_o) {
            uint32_t word = 0;
            for (int i = 0; i < 2; i++)
                word |= (uint32_t)((d.cfg_correct_i ? qa_correct(in[i], a[i], b[i], low, high) : in[i]) & 511) << 9 * i;
            want.push_back(word);
            have = in_valid = k_valid = false;
            sent++;
        }
        tb.tick();
    }
    if (!tb.stalls)
        TB_CHECK(tb, tb.cycle - begin <= (uint64_t)total + 7, "%d pairs took %d cycles", total, (int)(tb.cycle - begin));
}

static void run(Tb<Vcolumn_correct> &tb)
{
    auto &d = tb.dut;
    d.in_valid_i = d.k_valid_i = d.out_ready_i = 0;
    tb.reset();
    for (int i = 0; i < 100; i++)
        frame(tb, 1000);
}

int main(int argc, char **argv) { return tb_main<Vcolumn_correct>(argc, argv, "column_correct", run); }
