// SPDX-License-Identifier: Apache-2.0
// box_muller against qa_box_muller: corners of the radius table at corners of the angle, random bits, small and large u0; clock enable at random.
#include "Vbox_muller.h"
#include "tb.h"
#include <deque>
extern "C" {
#include "arith.h"
}

namespace {
constexpr int LATENCY = 11;
constexpr uint64_t ALL = 0xFFFFFFFFFFFF;

struct Feeder {
    Tb<Vbox_muller> &tb;
    struct Input {
        uint64_t u0;
        uint32_t u1;
    };
    std::deque<Input> inside;

    void step(uint64_t u0, uint32_t u1)
    {
        while (!tb.coin(0.8)) {
            tb.dut.ce_i = 0;
            tb.dut.u0_i = tb.random() & ALL;
            tb.dut.u1_i = tb.random() & 0xFFFF;
            tb.tick();
        }
        tb.dut.ce_i = 1;
        tb.dut.u0_i = u0;
        tb.dut.u1_i = u1;
        tb.tick();
        inside.push_back({u0, u1});
        if (inside.size() < LATENCY)
            return;
        int16_t want[2];
        Input in = inside.front();
        inside.pop_front();
        qa_box_muller(in.u0, in.u1, want);
        int16_t cosine = (int16_t)tb.dut.eps_o, sine = (int16_t)(tb.dut.eps_o >> 16);
        TB_CHECK(tb, cosine == want[0] && sine == want[1], "u0 %012llx u1 %04x: got %d %d, want %d %d", (unsigned long long)in.u0, in.u1, cosine, sine, want[0], want[1]);
    }
};

void run(Tb<Vbox_muller> &tb)
{
    Feeder f{tb, {}};
    // Every power of two, every segment border, their neighbours, from both ends.
    for (int e = 0; e < 48; e++)
        for (uint64_t segment = 0; segment < 8; segment++)
            for (uint64_t d = 0; d < 4; d++) {
                uint64_t u0 = (((8 + segment) << e) / 8 - 2 + d) & ALL;
                f.step(u0, (uint32_t)tb.random() & 0xFFFF);
                f.step(ALL - u0, (uint32_t)tb.random() & 0xFFFF);
            }
    // Every angle at the largest radius, which shows each bit of cosine and sine.
    for (uint32_t u1 = 0; u1 < 0x10000; u1++)
        f.step(0, u1);
    for (uint32_t u1 = 0; u1 < 0x10000; u1 += 0x40)
        for (uint64_t u0 : {ALL, ALL - 1, ALL >> 1, (ALL >> 1) + 1})
            f.step(u0, u1 - 1 & 0xFFFF);
    // Random, evenly over all magnitudes of u0 and of its distance from 1.
    for (int i = 0; i < 100000; i++) {
        uint64_t u0 = (tb.random() & ALL) >> (tb.uniform() < 0.5 ? 0 : tb.between(0, 47));
        f.step(tb.uniform() < 0.3 ? ALL - u0 : u0, (uint32_t)tb.random() & 0xFFFF);
    }
    for (int i = 0; i < LATENCY; i++)
        f.step(0, 0);
}
} // namespace

int main(int argc, char **argv) { return tb_main<Vbox_muller>(argc, argv, "box_muller", run); }
