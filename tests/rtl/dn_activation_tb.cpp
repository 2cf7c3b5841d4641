// SPDX-License-Identifier: Apache-2.0
#include "Vdn_activation.h"
#include "tb.h"
extern "C" {
#include "arith.h"
}

static void run(Tb<Vdn_activation> &tb)
{
    auto &dut = tb.dut;
    constexpr int LATENCY = 7;
    for (int layer = 0; layer < 300; layer++) { // M and S are constant while numbers flow
        uint32_t m = tb.between(0, 2) ? (uint32_t)tb.between(65536, 131071) : tb.between(0, 3) ? 65536 : 131071;
        unsigned s = (unsigned)tb.between(1, 63);
        int want[LATENCY], filled = 0;
        dut.m_i = m, dut.s_i = s;
        for (int i = 0; i < 400; i++) {
            // Sums of all sizes, most of them where the result is between 0 and 255; halves exactly, often
            int64_t sum = (int64_t)tb.random() >> tb.between(33, 63);
            if (tb.between(0, 3) && s > 16) {
                int64_t half = (int64_t)tb.between(-4, 2 * 260) << (s - 1);
                sum = half / m + tb.between(-1, 1);
            }
            sum = qa_clamp(sum, INT32_MIN, INT32_MAX);
            int32_t bias = (int32_t)tb.random() >> tb.between(1, 31);
            if (sum - bias != (int32_t)(sum - bias))
                bias = 0;
            dut.acc_i = (uint32_t)(sum - bias), dut.bias_i = (uint32_t)bias;
            dut.en_i = tb.coin(0.7);
            tb.tick();
            if (dut.en_i) {
                for (int k = LATENCY - 1; k > 0; k--)
                    want[k] = want[k - 1];
                want[0] = qa_dn_activation((int32_t)sum, m, s);
                filled++;
            }
            if (filled >= LATENCY)
                TB_CHECK(tb, dut.b_o == want[LATENCY - 1], "M %u S %u: got %d, want %d", m, s, dut.b_o, want[LATENCY - 1]);
        }
    }
}

int main(int argc, char **argv) { return tb_main<Vdn_activation>(argc, argv, "dn_activation", run); }
