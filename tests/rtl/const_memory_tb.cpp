// SPDX-License-Identifier: Apache-2.0
// const_memory: words written lane by lane come back on the three streams, wrapping at each pixel, from any base.
#include "Vconst_memory.h"
#include "tb.h"

static void run(Tb<Vconst_memory> &tb)
{
    static uint32_t image[512][10];
    auto &d = tb.dut;
    d.start_i = d.wr_en_i = d.rq_ready_i = d.an_ready_i = d.cc_ready_i = 0;
    tb.reset();
    for (int w = 0; w < 512; w++)
        for (int lane = 0; lane < 10; lane++) {
            d.wr_en_i = 1;
            d.wr_index_i = w;
            d.wr_lane_i = lane;
            d.wr_data_i = image[w][lane] = (uint32_t)tb.random();
            tb.tick();
        }
    d.wr_index_i = 512; // outside: must not wrap
    tb.tick();
    d.wr_en_i = 0;
    for (int frame = 0; frame < 40; frame++) {
        int c8 = frame == 0 ? 128 : tb.between(1, 12), base = tb.between(0, 512 - c8 * 4), count[3] = {0, 0, 0}, total = tb.between(1, c8 * 10);
        d.cfg_const_addr_i = base;
        d.cfg_out_c8_i = c8;
        d.start_i = 1;
        tb.tick();
        d.start_i = 0;
        uint64_t begin = tb.cycle;
        while (count[0] < total || count[1] < total || count[2] < total) {
            d.rq_ready_i = count[0] < total && tb.coin(0.7);
            d.an_ready_i = count[1] < total && tb.coin(0.5);
            d.cc_ready_i = count[2] < total && tb.coin(0.3);
            tb.settle();
            uint32_t *k;
            for (int i = 0; i < 2; i++) {
                if (d.rq_valid_o && d.rq_ready_i) {
                    k = &image[base + count[0] % (c8 * 4)][5 * i];
                    uint64_t high = ((uint64_t)d.rq_data_o[3] << 32) | d.rq_data_o[2], low = ((uint64_t)d.rq_data_o[1] << 32) | d.rq_data_o[0];
                    uint64_t got = i ? (low >> 62 | high << 2) & ((1ull << 62) - 1) : low & ((1ull << 62) - 1);
                    TB_CHECK(tb, got == (((uint64_t)(k[1] & 0x3fffffff) << 32) | k[0]), "requantise word %d channel %d", count[0], i);
                }
                if (d.an_valid_o && d.an_ready_i) {
                    k = &image[base + count[1] % (c8 * 4)][5 * i];
                    uint64_t low = ((uint64_t)d.an_data_o[1] << 32) | d.an_data_o[0];
                    uint64_t got = i ? (low >> 42 | (uint64_t)d.an_data_o[2] << 22) : low & ((1ull << 42) - 1);
                    TB_CHECK(tb, got == (((uint64_t)(k[3] & 0xffffff) << 18) | (k[2] & 0x3ffff)), "analog word %d channel %d", count[1], i);
                }
                if (d.cc_valid_o && d.cc_ready_i) {
                    k = &image[base + count[2] % (c8 * 4)][5 * i];
                    TB_CHECK(tb, (uint32_t)(d.cc_data_o >> 32 * i) == k[4], "correct word %d channel %d", count[2], i);
                }
            }
            count[0] += d.rq_valid_o && d.rq_ready_i;
            count[1] += d.an_valid_o && d.an_ready_i;
            count[2] += d.cc_valid_o && d.cc_ready_i;
            tb.tick();
        }
        if (!tb.stalls)
            TB_CHECK(tb, tb.cycle - begin <= (uint64_t)total + 3, "%d words took %d cycles", total, (int)(tb.cycle - begin));
        d.rq_ready_i = d.an_ready_i = d.cc_ready_i = 0;
        for (int i = tb.between(0, 3); i > 0; i--)
            tb.tick();
    }
}

int main(int argc, char **argv) { return tb_main<Vconst_memory>(argc, argv, "const_memory", run); }
