// SPDX-License-Identifier: Apache-2.0
// async_fifo: random words at clocks of any ratio, with bits of the pointers sampled while they change; order, nothing lost, nothing twice, data stable while
// stalled, one word a clock of the slower side, and a hold of both sides empties it.
// verilator: tests/rtl/usb_crossings.vlt
#include "Vasync_fifo.h"
#include "Vasync_fifo___024root.h"
#include "two_clocks.h"
#include <deque>
#include <vector>

// The crossings' registers, where the model has them (a netlist has other names).
template <class Root> auto crossings_of(Root *r, int) -> decltype((void)r->async_fifo__DOT__cross_wr_pointer__DOT__meta_q, std::vector<Crossing>())
{
    return {{true, &r->async_fifo__DOT__wr_gray_q, &r->async_fifo__DOT__cross_wr_pointer__DOT__meta_q},
            {false, &r->async_fifo__DOT__rd_gray_q, &r->async_fifo__DOT__cross_rd_pointer__DOT__meta_q}};
}
template <class Root> std::vector<Crossing> crossings_of(Root *, long) { return {}; }

struct Bench {
    Tb<Vasync_fifo> &tb;
    Vasync_fifo &d;
    TwoClocks<Vasync_fifo> clocks;
    std::deque<uint8_t> inside;
    bool offered = false, hold = false, waited = false;
    uint8_t word = 0, before = 0;
    int sent = 0, received = 0, total = 0;
    double offer = 1, take = 1;

    explicit Bench(Tb<Vasync_fifo> &bench) : tb(bench), d(bench.dut), clocks(bench, bench.dut.wr_clk_i, bench.dut.rd_clk_i)
    {
        clocks.crossings = crossings_of(d.rootp, 0);
        clocks.before_a = [this] {
            if (!offered && sent < total && !hold && tb.coin(offer)) {
                offered = true;
                word = (uint8_t)tb.random();
            }
            d.wr_valid_i = offered;
            d.wr_data_i = word;
            d.wr_hold_i = hold;
            d.eval();
            if (d.wr_valid_i && d.wr_ready_o) {
                TB_CHECK(tb, !hold, "a word was taken in hold");
                TB_CHECK(tb, inside.size() < 17, "%d words inside", (int)inside.size());
                inside.push_back(word);
                offered = false;
                sent++;
            }
        };
        clocks.after_a = [] {};
        clocks.before_b = [this] {
            d.rd_ready_i = tb.coin(take);
            d.rd_hold_i = hold;
            d.eval();
            TB_CHECK(tb, !waited || hold || (d.rd_valid_o && d.rd_data_o == before), "word %d changed while stalled", received);
            waited = d.rd_valid_o && !d.rd_ready_i && !hold;
            before = d.rd_data_o;
            if (d.rd_valid_o && d.rd_ready_i && !hold) {
                TB_CHECK(tb, !inside.empty(), "a word too many: %02x", d.rd_data_o);
                TB_CHECK(tb, d.rd_data_o == inside.front(), "word %d: got %02x, want %02x", received, d.rd_data_o, inside.front());
                inside.pop_front();
                received++;
            }
        };
        clocks.after_b = [] {};
    }
    void wait(int edges_a, int edges_b)
    {
        double until = std::max(clocks.next_a + edges_a * clocks.period_a, clocks.next_b + edges_b * clocks.period_b);
        while (clocks.next_a < until || clocks.next_b < until)
            clocks.step();
    }
    void empty()
    {
        hold = true;
        wait(4, 4);
        TB_CHECK(tb, !d.rd_valid_o, "a word is offered in hold");
        inside.clear();
        offered = waited = hold = false;
    }
    void phase(double a, double b, int words)
    {
        clocks.choose(a, b);
        offer = 0.05 + 0.95 * tb.uniform();
        take = 0.05 + 0.95 * tb.uniform();
        empty();
        sent = received = 0;
        total = words;
        double begin = clocks.next_a;
        while (received < total)
            clocks.step();
        double took = clocks.next_a - begin, slower = std::max(a, b);
        if (!tb.stalls)
            TB_CHECK(tb, took < (words + 12) * slower * 1.002, "%d words took %.0f ns at %.1f and %.1f ns a clock", words, took / 1000, a / 1000, b / 1000);
    }
};

void run(Tb<Vasync_fifo> &tb)
{
    Bench bench(tb);
    for (int i = 0; i < 200; i++) {
        double a = 5000 * std::exp2(4 * tb.uniform()), b = 5000 * std::exp2(4 * tb.uniform());
        bench.phase(a, b, 100 + (int)tb.between(0, 200));
        bench.total = 1 << 30; // and some words are thrown away by the next hold
        bench.wait(20, 20);
    }
    // the clocks of the boards: 48 MHz and 80 MHz
    bench.phase(20833, 12500, 2000);
    bench.phase(12500, 20833, 2000);
    if (!bench.clocks.crossings.empty())
        TB_CHECK(tb, bench.clocks.doubts > 100, "only %d bits were sampled while they changed", (int)bench.clocks.doubts);
}

int main(int argc, char **argv) { return tb_main<Vasync_fifo>(argc, argv, "async_fifo", run); }
