// SPDX-License-Identifier: Apache-2.0
// gaussian_source against qa_gaussian_pair: every beat of every frame, their exact number, starts that cut a frame short, empty frames; without
// stalls also the promised latency and one pair a clock.
#include "Vgaussian_source.h"
#include "tb.h"
extern "C" {
#include "arith.h"
}

namespace {
constexpr uint64_t FIRST_BEAT = 40; // the first beat is taken that many clocks after the start

struct Frame {
    uint32_t seed, purpose, layer, inference, pairs, at, run, skip; // at, run, skip: words of four pairs
};

uint32_t sample(const Frame &f, uint32_t beat)
{
    uint32_t pair = 4 * f.at + beat + 4 * f.skip * (beat / (4 * f.run));
    int16_t eps[2];
    qa_gaussian_pair(f.seed, (enum qa_purpose)f.purpose, f.layer, f.inference, pair, eps);
    return (uint16_t)eps[0] | (uint32_t)(uint16_t)eps[1] << 16;
}

void start(Tb<Vgaussian_source> &tb, const Frame &f)
{
    tb.dut.seed_i = f.seed;
    tb.dut.purpose_i = f.purpose;
    tb.dut.layer_i = f.layer;
    tb.dut.inference_i = f.inference;
    tb.dut.pairs_i = f.pairs;
    tb.dut.at_i = f.at, tb.dut.run_i = f.run, tb.dut.skip_i = f.skip;
    tb.dut.gauss_ready_i = 0;
    tb.dut.start_i = 1;
    tb.tick();
    tb.dut.start_i = 0;
    // Latched: what the ports say from now on must not matter.
    tb.dut.seed_i = tb.dut.inference_i = tb.dut.pairs_i = (uint32_t)tb.random();
    tb.dut.layer_i = (uint8_t)tb.random();
    tb.dut.purpose_i = tb.random() & 7;
    tb.dut.at_i = tb.random() & 0xFFF, tb.dut.run_i = tb.random() & 0xFFF, tb.dut.skip_i = tb.random() & 0xFFF;
}

// Take `count` beats and compare; then, if the frame is over, see that nothing follows.
void take(Tb<Vgaussian_source> &tb, const Frame &f, uint32_t count)
{
    uint64_t begin = tb.cycle;
    double eager = tb.uniform();
    bool refused = false;
    for (uint32_t pair = 0; pair < count;) {
        tb.dut.gauss_ready_i = tb.coin(0.05 + 0.95 * eager);
        tb.settle();
        TB_CHECK(tb, !tb.dut.idle_o, "idle with %u of %u pairs handed over", pair, f.pairs);
        TB_CHECK(tb, tb.dut.gauss_valid_o || !refused, "valid was taken back at pair %u", pair);
        if (tb.dut.gauss_valid_o) {
            uint32_t want = sample(f, pair);
            TB_CHECK(tb, tb.dut.gauss_data_o == want, "pair %u of %u: got %08x, want %08x", pair, f.pairs, tb.dut.gauss_data_o, want);
            pair += tb.dut.gauss_ready_i;
        }
        refused = tb.dut.gauss_valid_o && !tb.dut.gauss_ready_i;
        tb.tick();
        TB_CHECK(tb, tb.cycle - begin < 200 + 100 * (uint64_t)count, "no beat comes");
    }
    if (!tb.stalls && count > 0)
        TB_CHECK(tb, tb.cycle - begin == count + FIRST_BEAT - 1, "%u pairs took %llu clocks", count, (unsigned long long)(tb.cycle - begin));
    if (count < f.pairs)
        return;
    tb.dut.gauss_ready_i = 1;
    for (int i = 0; i < 60; i++) {
        tb.settle();
        TB_CHECK(tb, !tb.dut.gauss_valid_o, "a beat too many");
        TB_CHECK(tb, tb.dut.idle_o, "not idle after %u pairs", f.pairs);
        tb.tick();
    }
}

void run(Tb<Vgaussian_source> &tb)
{
    tb.reset();
    const uint32_t sizes[] = {0, 1, 2, 3, 0, 36, 37, 38, 39, 40, 41, 42, 64, 1000, 5000};
    for (uint32_t pairs : sizes) {
        Frame f{(uint32_t)tb.random(), (uint32_t)tb.between(0, 5), (uint32_t)tb.between(0, 255), (uint32_t)tb.random(), pairs, 0, 1, 0};
        start(tb, f);
        take(tb, f, pairs);
    }
    for (int i = 0; i < 200; i++) { // half of the frames are cut short by the next start
        Frame f{(uint32_t)tb.random(), (uint32_t)tb.between(0, 1), (uint32_t)tb.between(0, 255), (uint32_t)tb.random(), (uint32_t)tb.between(0, 200), 0, (uint32_t)tb.between(1, tb.between(0, 1) ? 4 : 4095), 0};
        if (tb.between(0, 1))
            f.at = (uint32_t)tb.between(0, 4095), f.skip = (uint32_t)tb.between(0, 4095);
        start(tb, f);
        take(tb, f, tb.uniform() < 0.5 ? f.pairs : (uint32_t)tb.between(0, f.pairs));
        for (int64_t wait = tb.between(0, 3) * tb.between(0, 30); wait > 0; wait--) {
            tb.dut.gauss_ready_i = 0;
            tb.tick();
        }
    }
}
} // namespace

int main(int argc, char **argv) { return tb_main<Vgaussian_source>(argc, argv, "gaussian_source", run); }
