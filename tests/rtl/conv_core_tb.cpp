// SPDX-License-Identifier: Apache-2.0
// conv_core: nine products summed, latency of four enabled cycles, clock enable as random stall.
#include "Vconv_core.h"
#include "tb.h"
#include <deque>

static void put(VlWide<3> &words, int bit, int width, int value)
{
    for (int i = 0; i < width; i++, bit++)
        words[bit / 32] = (words[bit / 32] & ~(1u << bit % 32)) | (uint32_t)(value >> i & 1) << bit % 32;
}

static void run(Tb<Vconv_core> &tb)
{
    static const int corner_a[] = {-255, -256, 255, 0, 1, -1}, corner_b[] = {-128, 127, 0, 1, -1};
    std::deque<int> pipe;               // sums of the enabled cycles, the newest at the back
    for (int i = 0; i < 40000; i++) {
        bool corners = tb.between(0, 3) == 0, same = tb.between(0, 3) == 0;
        int want = 0, a = 0, b = 0;
        for (int t = 0; t < 9; t++) {
            if (t == 0 || !same) {
                a = corners ? corner_a[tb.between(0, 5)] : (int)tb.between(-256, 255);
                b = corners ? corner_b[tb.between(0, 4)] : (int)tb.between(-128, 127);
            }
            put(tb.dut.operand_i, t * 9, 9, a);
            put(tb.dut.weight_i, t * 8, 8, b);
            want += a * b;
        }
        tb.dut.en_i = tb.coin(0.7);
        if (tb.dut.en_i)
            pipe.push_back(want);
        tb.tick();
        if (pipe.size() > 4)
            pipe.pop_front();
        int got = (int32_t)(tb.dut.sum_o << 11) >> 11;
        TB_CHECK(tb, pipe.size() < 4 || got == pipe.front(), "got %d, want %d", got, pipe.front());
    }
}

int main(int argc, char **argv) { return tb_main<Vconv_core>(argc, argv, "conv_core", run); }
