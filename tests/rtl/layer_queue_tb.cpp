// SPDX-License-Identifier: Apache-2.0
// Random layers through both contexts with array and post of random speed: every layer reaches both once, in order and whole; the array is never
// more than one ahead; rows_ready is right in every cycle; abort empties everything.
// verilator: build/gen/quell_regs_pkg.sv
#include "Vlayer_queue.h"
#include "quell_regs.h"
#include "tb.h"
#include <array>
#include <cstddef>
#include <vector>

#define REG(name) ((unsigned)offsetof(quell_regs_t, name))
constexpr int WORDS = sizeof(quell_regs_t::layer) / 4;
using Layer = std::array<uint32_t, WORDS>;

static void run(Tb<Vlayer_queue> &tb)
{
    auto &d = tb.dut;
    std::vector<Layer> layers;
    std::vector<uint32_t> seeds;
    int array = -1, post = -1; // the layer in each context
    bool array_busy = false, post_busy = false, ready = false;
    int array_left = 0, post_left = 0, word = 0, done = 0;
    uint32_t first_start = 0, last_end = 0;
    tb.reset();
    for (int cycle = 0; cycle < 60000; cycle++) {
        d.time_i = cycle;
        d.rows_done_i = tb.random() & 0x1FF;
        // The engines: post ends a layer only after the array has ended it.
        bool array_ends = array_busy && array_left-- <= 0;
        bool post_ends = post_busy && post_left-- <= 0 && (array != post || !array_busy);
        d.array_done_i = array_ends, d.post_done_i = post_ends;
        // The processor: reads status until it is ready, writes the words, seed, inference, go; now and then an abort.
        bool abort = tb.stalls && tb.uniform() < 0.001;
        d.reg_wr_i = abort || word > 0;
        d.reg_addr_i = tb.coin(0.7) ? REG(status) : tb.coin() ? REG(time_start) : REG(time_end);
        if (abort)
            d.reg_addr_i = REG(ctrl), d.reg_wdata_i = 2;
        else if (word >= 1 && word <= WORDS)
            d.reg_addr_i = REG(layer) + 4 * (word - 1), d.reg_wdata_i = layers.back()[word - 1];
        else if (word == WORDS + 1)
            d.reg_addr_i = REG(seed), d.reg_wdata_i = seeds.back();
        else if (word == WORDS + 2)
            d.reg_addr_i = REG(inference), d.reg_wdata_i = ~seeds.back();
        else if (word == WORDS + 3)
            d.reg_addr_i = REG(ctrl), d.reg_wdata_i = 1;
        word = word == 0 || word == WORDS + 3 ? 0 : word + 1;
        bool behind = array_busy && post_busy && post == array - 1;
        tb.settle();
        if (array_busy)
            TB_CHECK(tb, d.rows_ready_o == (behind ? d.rows_done_i : 0x3FF), "rows_ready %d, behind %d", d.rows_ready_o, behind);
        uint32_t want_start = first_start, want_end = last_end;
        tb.tick();

        // What was read.
        bool resetting = d.units_rst_o;
        if (!d.reg_wr_i && d.reg_addr_i == REG(status)) {
            ready = d.reg_rdata_o & 1;
            TB_CHECK(tb, d.reg_rdata_o >> 16 == (uint32_t)done, "layers_done is %u, not %d", d.reg_rdata_o >> 16, done);
        } else {
            ready = false;
            if (!d.reg_wr_i && post > 0 && done > 0)
                TB_CHECK(tb, d.reg_rdata_o == (d.reg_addr_i == REG(time_end) ? want_end : want_start), "time stamp %x: %u", d.reg_addr_i, d.reg_rdata_o);
        }
        if (array_ends)
            array_busy = false;
        if (post_ends)
            post_busy = false, done++, last_end = cycle;
        if (abort) {
            TB_CHECK(tb, resetting && !d.busy_o && !d.array_start_o && !d.post_start_o, "abort");
            array_busy = post_busy = ready = false;
            done = word = 0;
            array = post = (int)layers.size() - 1;
            continue;
        }
        TB_CHECK(tb, !(resetting && (d.array_start_o || d.post_start_o)), "a layer starts during the reset");
        bool idle = !post_busy;
        if (d.post_start_o) {
            TB_CHECK(tb, !post_busy && post + 1 < (int)layers.size(), "post starts wrongly");
            post++, post_busy = true, post_left = tb.between(1, 80);
            TB_CHECK(tb, !memcmp(d.post_layer_o.data(), layers[post].data(), sizeof(Layer)), "layer %d: post's fields", post);
            TB_CHECK(tb, d.seed_o == seeds[post] && d.inference_o == ~seeds[post], "layer %d: seed", post);
        }
        if (d.array_start_o) {
            TB_CHECK(tb, !array_busy && array + 1 < (int)layers.size(), "array starts wrongly");
            array++, array_busy = true, array_left = tb.between(1, 80);
            TB_CHECK(tb, !memcmp(d.array_layer_o.data(), layers[array].data(), sizeof(Layer)), "layer %d: array's fields", array);
            if (idle && !post_ends)
                first_start = cycle;
        }
        TB_CHECK(tb, array - post <= 1 && post <= array, "array at layer %d, post at %d", array, post);
        if (ready && word == 0 && !d.reg_wr_i && tb.coin(0.3)) {
            Layer layer;
            for (auto &w : layer)
                w = tb.random();
            layers.push_back(layer);
            seeds.push_back(tb.random());
            word = 1;
        }
    }
    TB_CHECK(tb, layers.size() > 100, "only %zu layers ran", layers.size());
}

int main(int argc, char **argv) { return tb_main<Vlayer_queue>(argc, argv, "layer_queue", run); }
