// SPDX-License-Identifier: Apache-2.0
// threefry against qa_threefry2x32: runs of random length under random keys, the clock enable at random; Random123's published vectors first.
#include "Vthreefry.h"
#include "tb.h"
#include <deque>
extern "C" {
#include "arith.h"
}

namespace {
constexpr int LATENCY = 26;

struct Block {
    uint32_t x0, x1;
};

// One run of `blocks` counters; counter word 1 begins at `ctr1` and then steps or jumps.
void run_key(Tb<Vthreefry> &tb, uint32_t key0, uint32_t key1, uint32_t ctr0, uint32_t ctr1, int blocks)
{
    tb.dut.key0_i = key0;
    tb.dut.key1_i = key1;
    tb.dut.ctr0_i = ctr0;
    tb.dut.ce_i = 0;
    tb.tick();
    tb.tick();
    std::deque<Block> expected;
    for (int enabled = 0; enabled < blocks + LATENCY;) {
        const uint32_t key[2] = {key0, key1}, ctr[2] = {ctr0, ctr1};
        uint32_t out[2];
        tb.dut.ctr1_i = ctr1;
        tb.dut.ce_i = tb.coin(0.7);
        if (tb.dut.ce_i) {
            qa_threefry2x32(key, ctr, out);
            expected.push_back({out[0], out[1]});
            ctr1 = tb.uniform() < 0.8 ? ctr1 + 1 : (uint32_t)tb.random();
            enabled++;
        }
        tb.tick();
        if ((int)expected.size() < LATENCY || enabled < LATENCY)
            continue;
        if ((int)expected.size() > LATENCY)
            expected.pop_front();
        TB_CHECK(tb, tb.dut.x0_o == expected[0].x0 && tb.dut.x1_o == expected[0].x1, "block %d: got %08x %08x, want %08x %08x", enabled - LATENCY, tb.dut.x0_o,
                 tb.dut.x1_o, expected[0].x0, expected[0].x1);
    }
}

void known(Tb<Vthreefry> &tb, uint32_t key0, uint32_t key1, uint32_t ctr0, uint32_t ctr1, uint32_t x0, uint32_t x1)
{
    tb.dut.key0_i = key0;
    tb.dut.key1_i = key1;
    tb.dut.ctr0_i = ctr0;
    tb.dut.ctr1_i = ctr1;
    tb.dut.ce_i = 0;
    tb.tick();
    tb.tick();
    tb.dut.ce_i = 1;
    for (int i = 0; i < LATENCY; i++)
        tb.tick();
    TB_CHECK(tb, tb.dut.x0_o == x0 && tb.dut.x1_o == x1, "known answer: got %08x %08x, want %08x %08x", tb.dut.x0_o, tb.dut.x1_o, x0, x1);
}

void run(Tb<Vthreefry> &tb)
{
    known(tb, 0, 0, 0, 0, 0x6b200159, 0x99ba4efe);
    known(tb, ~0u, ~0u, ~0u, ~0u, 0x1cb996fc, 0xbb002be7);
    known(tb, 0x13198a2e, 0x03707344, 0x243f6a88, 0x85a308d3, 0xc4923a9c, 0x483df7a0);
    run_key(tb, 0, 0, 0, 0xFFFFFFF0u, 100);
    for (int i = 0; i < 60; i++)
        run_key(tb, (uint32_t)tb.random(), (uint32_t)tb.random(), (uint32_t)tb.random(), (uint32_t)tb.random(), (int)tb.between(1, 800));
}
} // namespace

int main(int argc, char **argv) { return tb_main<Vthreefry>(argc, argv, "threefry", run); }
