// SPDX-License-Identifier: Apache-2.0
// requantise against qa_requantise: random operands over the whole range, ties, saturation, M = 0, S = 1 and 63.
#include "Vrequantise.h"
#include "tb.h"
#include <deque>
extern "C" {
#include "arith.h"
}

struct Operand {
    int32_t acc, bias;
    uint32_t m, s;
};

template <class T> static Operand draw(T &tb)
{
    static const int32_t edges[] = {0, 1, -1, 2, -2, INT32_MAX, INT32_MIN, 65535, 65536, -65536, -65535};
    Operand o;
    int32_t sum = tb.between(0, 3) ? (int32_t)tb.random() >> tb.between(0, 31) : edges[tb.between(0, 10)];
    o.bias = (int32_t)tb.random() >> tb.between(0, 31);
    o.acc = (int32_t)((uint32_t)sum - (uint32_t)o.bias);
    if ((int64_t)o.acc + o.bias != sum) { // would overflow: not legal
        o.acc = sum;
        o.bias = 0;
    }
    o.m = tb.between(0, 30) ? 0x800000 | (tb.random() & 0x7fffff) : 0;
    if (tb.between(0, 3) == 0)
        o.m = o.m & (tb.between(0, 1) ? 0x800000 : 0xfff000);
    o.s = tb.between(0, 2) ? tb.between(10, 40) : tb.between(1, 63);
    if (tb.between(0, 3) == 0) { // exact ties: sum * 2^23 / 2^S with S = 24 + trailing zeros
        o.m = 0x800000;
        o.s = tb.between(20, 34);
    }
    return o;
}

static void run(Tb<Vrequantise> &tb)
{
    auto &d = tb.dut;
    d.in_valid_i = d.k_valid_i = d.out_ready_i = 0;
    tb.reset();
    const int total = 60000;
    int sent = 0, received = 0;
    std::deque<std::pair<int32_t, int32_t>> want;
    Operand pair[2];
    bool have = false, in_valid = false, k_valid = false;
    uint64_t begin = tb.cycle;
    while (received < total) {
        if (!have && sent < total) {
            for (auto &o : pair)
                o = draw(tb);
            have = true;
            d.in_data_i = (uint64_t)(uint32_t)pair[1].acc << 32 | (uint32_t)pair[0].acc;
            unsigned __int128 k = 0;
            for (int i = 1; i >= 0; i--)
                k = k << 62 | (uint64_t)pair[i].s << 56 | (uint64_t)pair[i].m << 32 | (uint32_t)pair[i].bias;
            for (int w = 0; w < 4; w++)
                d.k_data_i[w] = (uint32_t)(k >> 32 * w);
        }
        in_valid = have && (in_valid || tb.coin(0.7));
        k_valid = have && (k_valid || tb.coin(0.7));
        d.in_valid_i = in_valid;
        d.k_valid_i = k_valid;
        d.out_ready_i = tb.coin(0.6);
        tb.settle();
        TB_CHECK(tb, (d.in_valid_i && d.in_ready_o) == (d.k_valid_i && d.k_ready_o), "data and constants must be taken together");
        if (d.out_valid_o && d.out_ready_i) {
            int32_t got[2] = {(int32_t)(d.out_data_o << 8) >> 8, (int32_t)(d.out_data_o >> 16) >> 8};
            TB_CHECK(tb, !want.empty() && got[0] == want.front().first && got[1] == want.front().second, "pair %d: got %d %d, want %d %d", received, got[0], got[1],
                     want.front().first, want.front().second);
            want.pop_front();
            received++;
        }
        if (d.in_valid_i && d.in_ready_o) {
            want.push_back({qa_requantise(pair[0].acc + pair[0].bias, pair[0].m, pair[0].s), qa_requantise(pair[1].acc + pair[1].bias, pair[1].m, pair[1].s)});
            have = in_valid = k_valid = false;
            sent++;
        }
        tb.tick();
    }
    if (!tb.stalls)
        TB_CHECK(tb, tb.cycle - begin <= (uint64_t)total + 12, "%d pairs took %d cycles", total, (int)(tb.cycle - begin));
}

int main(int argc, char **argv) { return tb_main<Vrequantise>(argc, argv, "requantise", run); }
