// SPDX-License-Identifier: Apache-2.0
// requantise against qa_requantise: random operands over the whole range, saturation, M = 0, S = 1 and 63; and products a little beside the
// ADC's ties. For every ADC resolution, rounding what comes out must give what rounding the exact product there would have given.
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
    if (tb.between(0, 3) == 0) { // exact powers of two: nothing lost, half a bit lost
        o.m = 0x800000;
        o.s = tb.between(20, 34);
    }
    if (tb.between(0, 3) == 0) { // acc * 2^-k lies on a tie of an ADC of any resolution, or the smallest amount beside it
        int k = tb.between(0, 8), n = tb.between(0, 8);
        o.m = 0x800000;
        o.s = 23 + k;
        o.acc = (int32_t)((2 * tb.between(-(1024 >> n), (1024 >> n) - 1) + 1) << (11 + n + k)) + tb.between(-1, 1);
        o.bias = 0;
    }
    return o;
}

// Round v, s11.12, as an ADC without n bits does; likewise the exact product.
static void rounded_once(Tb<Vrequantise> &tb, const Operand &o, int32_t v)
{
    __int128 product = (__int128)(o.acc + o.bias) * o.m;
    if (v == -(1 << 23) || v == (1 << 23) - 1)
        return; // saturated
    for (int n = 0; n <= 8; n++) {
        int s = o.s + 12 + n;
        __int128 whole = product >> s, rest = product - (whole << s), half = (__int128)1 << (s - 1);
        int64_t want = (int64_t)whole + (rest > half || (rest == half && (whole & 1)));
        TB_CHECK(tb, qa_rhe(v, 12 + n) == want, "%d * %u >> %u with an ADC of %d bits: %d, rounded once %d", o.acc + o.bias, o.m, o.s, 8 - n, (int)qa_rhe(v, 12 + n), (int)want);
    }
}

static void run(Tb<Vrequantise> &tb)
{
    auto &d = tb.dut;
    d.in_valid_i = d.k_valid_i = d.out_ready_i = 0;
    tb.reset();
    const int total = 60000;
    int sent = 0, received = 0;
    std::deque<std::pair<int32_t, int32_t>> want;
    std::deque<Operand> operands;
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
            for (int32_t v : got) {
                rounded_once(tb, operands.front(), v);
                operands.pop_front();
            }
            received++;
        }
        if (d.in_valid_i && d.in_ready_o) {
            operands.insert(operands.end(), {pair[0], pair[1]});
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
