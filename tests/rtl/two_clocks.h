// SPDX-License-Identifier: Apache-2.0
// Two clocks of any ratio for benches of clock crossings, and flip-flops that sample a changing bit either way.
#pragma once
#include "tb.h"
#include <cmath>
#include <functional>
#include <vector>

// Times in picoseconds. A crossing: the source's register, and the first flip-flop of the synchroniser that samples it. If the source's edge came less
// than WINDOW before the sampling edge, each changed bit is taken new or old at random. Null pointers (a netlist without those names): no such doubt.
struct Crossing {
    bool from_a;
    const uint8_t *source;
    uint8_t *sampled;
    uint8_t before = 0;
};

template <class Dut> struct TwoClocks {
    static constexpr double WINDOW = 400;
    Tb<Dut> &tb;
    CData &clk_a, &clk_b;
    double period_a = 1000, period_b = 1000, next_a = 0, next_b = 0, last_a = -1e9, last_b = -1e9;
    std::function<void()> before_a, after_a, before_b, after_b; // set inputs and look at outputs around an edge
    std::vector<Crossing> crossings;
    uint64_t doubts = 0;

    TwoClocks(Tb<Dut> &bench, CData &a, CData &b) : tb(bench), clk_a(a), clk_b(b) {}

    // One period of each somewhere between 5 and 80 ns, in any phase.
    void choose(double a, double b)
    {
        period_a = a;
        period_b = b;
        next_a = next_b + tb.uniform() * a;
    }
    void step() { next_a <= next_b ? edge(true) : edge(false); }

  private:
    void edge(bool a)
    {
        double now = a ? next_a : next_b;
        (a ? before_a : before_b)();
        tb.dut.eval();
        for (Crossing &c : crossings)
            if (c.source && c.from_a == a)
                c.before = *c.source;
        (a ? clk_a : clk_b) = 1;
        tb.dut.eval();
        for (Crossing &c : crossings) {
            if (!c.source || c.from_a == a || now - (a ? last_b : last_a) >= WINDOW)
                continue;
            uint8_t changed = c.before ^ *c.source, old = changed & (uint8_t)tb.random();
            if (!old || *c.sampled != *c.source)
                continue;
            *c.sampled ^= old;
            doubts++;
        }
        tb.dut.eval();
        (a ? after_a : after_b)();
        (a ? clk_a : clk_b) = 0;
        tb.dut.eval();
        tb.advance((uint64_t)now);
        // a thousandth of jitter lets the phase wander
        (a ? last_a : last_b) = now;
        (a ? next_a : next_b) = now + (a ? period_a : period_b) * (0.999 + 0.002 * tb.uniform());
    }
};
