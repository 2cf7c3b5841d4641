// SPDX-License-Identifier: Apache-2.0
// fifo_flush with the FIFOs it empties, at clocks of any ratio: after a flush no word from before it comes out at either end, every word from after it does,
// in order, and the flush ends.
// verilator: tests/rtl/flushed_fifo.sv tests/rtl/usb_crossings.vlt
#include "Vflushed_fifo.h"
#include "Vflushed_fifo___024root.h"
#include "two_clocks.h"
#include <algorithm>
#include <deque>

#define CROSSING(name) flushed_fifo__DOT__##name

struct Bench {
    Tb<Vflushed_fifo> &tb;
    Vflushed_fifo &d;
    TwoClocks<Vflushed_fifo> clocks;
    // One direction: `old` was inside when side A stopped; it may come out until B stops too.
    std::deque<uint8_t> down, old_down, up;
    bool down_offered = false, up_offered = false, a_held = true, b_held = true;
    uint8_t down_word = 0, up_word = 0;
    double offer = 1, take = 1;
    int arrived = 0;
    bool flush = false, reset = false;

    explicit Bench(Tb<Vflushed_fifo> &bench) : tb(bench), d(bench.dut), clocks(bench, bench.dut.a_clk_i, bench.dut.b_clk_i)
    {
        auto *r = d.rootp;
        clocks.crossings = {
            {true, &r->CROSSING(i_down__DOT__wr_gray_q), &r->CROSSING(i_down__DOT__cross_wr_pointer__DOT__meta_q)},
            {false, &r->CROSSING(i_down__DOT__rd_gray_q), &r->CROSSING(i_down__DOT__cross_rd_pointer__DOT__meta_q)},
            {false, &r->CROSSING(i_up__DOT__wr_gray_q), &r->CROSSING(i_up__DOT__cross_wr_pointer__DOT__meta_q)},
            {true, &r->CROSSING(i_up__DOT__rd_gray_q), &r->CROSSING(i_up__DOT__cross_rd_pointer__DOT__meta_q)},
            {true, &r->CROSSING(i_flush__DOT__a_request_q), &r->CROSSING(i_flush__DOT__cross_request__DOT__meta_q)},
            {false, &r->CROSSING(i_flush__DOT__b_agree_q), &r->CROSSING(i_flush__DOT__cross_agree__DOT__meta_q)},
        };
        clocks.before_a = [this] { side_a(); };
        clocks.before_b = [this] { side_b(); };
        clocks.after_a = [this] {
            if (d.a_hold_o && !a_held)
                old_down.swap(down);
            a_held = d.a_hold_o;
        };
        clocks.after_b = [this] {
            if (d.b_hold_o && !b_held) {
                old_down.clear();
                up.clear();
            }
            b_held = d.b_hold_o;
        };
    }
    void side_a()
    {
        d.a_flush_i = flush;
        d.a_rst_i = reset;
        flush = false;
        if (!down_offered && tb.coin(offer)) {
            down_offered = true;
            down_word = (uint8_t)tb.random();
        }
        d.down_valid_i = down_offered;
        d.down_data_i = down_word;
        d.up_ready_i = tb.coin(take);
        d.eval();
        if (down_offered && d.down_ready_o) {
            TB_CHECK(tb, !a_held, "a word was taken in hold");
            down.push_back(down_word);
            down_offered = false;
        }
        if (d.up_valid_o && d.up_ready_i && !a_held && !reset) {
            TB_CHECK(tb, !up.empty() && d.up_data_o == up.front(), "up: got %02x, want %02x (%d inside)", d.up_data_o, up.empty() ? 0 : up.front(), (int)up.size());
            up.pop_front();
            arrived++;
        }
    }
    void side_b()
    {
        d.b_rst_i = reset;
        if (!up_offered && tb.coin(offer)) {
            up_offered = true;
            up_word = (uint8_t)tb.random();
        }
        d.up_valid_i = up_offered;
        d.up_data_i = up_word;
        d.down_ready_i = tb.coin(take);
        d.eval();
        if (up_offered && d.up_ready_o) {
            TB_CHECK(tb, !b_held, "a word was taken in hold");
            up.push_back(up_word);
            up_offered = false;
        }
        if (d.down_valid_o && d.down_ready_i && !b_held && !reset) {
            std::deque<uint8_t> &from = old_down.empty() ? down : old_down;
            TB_CHECK(tb, !from.empty() && d.down_data_o == from.front(), "down: got %02x, want %02x (%d inside)", d.down_data_o, from.empty() ? 0 : from.front(), (int)from.size());
            from.pop_front();
            arrived++;
        }
    }
    void wait(int edges)
    {
        double until = clocks.next_a + edges * std::max(clocks.period_a, clocks.period_b);
        while (clocks.next_a < until)
            clocks.step();
    }
    void phase(double a, double b)
    {
        clocks.choose(a, b);
        offer = 0.1 + 0.9 * tb.uniform();
        take = 0.1 + 0.9 * tb.uniform();
        reset = true;
        wait(10);
        down.clear();
        old_down.clear();
        up.clear();
        reset = false;
        wait(40);
        for (int i = 0; i < 8; i++) {
            flush = true;
            if (tb.coin(0.3) && tb.stalls) { // again while it is under way
                wait((int)tb.between(1, 12));
                flush = true;
            }
            wait((int)tb.between(40, 120));
            TB_CHECK(tb, !d.a_hold_o && !d.b_hold_o, "a flush does not end");
        }
    }
};

static void run(Tb<Vflushed_fifo> &tb)
{
    Bench bench(tb);
    for (int i = 0; i < 300; i++)
        bench.phase(5000 * std::exp2(4 * tb.uniform()), 5000 * std::exp2(4 * tb.uniform()));
    TB_CHECK(tb, bench.arrived > 20000 && bench.clocks.doubts > 100, "too little happened: %d words, %d doubtful bits", bench.arrived, (int)bench.clocks.doubts);
}

int main(int argc, char **argv) { return tb_main<Vflushed_fifo>(argc, argv, "flushed_fifo", run); }
