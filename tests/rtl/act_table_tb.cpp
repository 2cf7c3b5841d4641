// SPDX-License-Identifier: Apache-2.0
// act_table: pairs of a layer through one of the tables, or past them; tables written anew between layers, one beyond the last written too; order, gaps, cycles.
#include "Vact_table.h"
#include "tb.h"
#include <deque>
#include <vector>

static const int TABLES = 8;
static uint8_t tables[TABLES][256];

static void write(Tb<Vact_table> &tb, int index, bool kept)
{
    auto &d = tb.dut;
    for (int lane = 0; lane < 64; lane++) {
        d.wr_en_i = 1, d.wr_index_i = index, d.wr_lane_i = lane, d.wr_data_i = (uint32_t)tb.random();
        for (int i = 0; kept && i < 4; i++)
            tables[index][lane * 4 + i] = d.wr_data_i >> 8 * i;
        tb.tick();
        d.wr_en_i = 0;
        if (!tb.coin(0.7))
            tb.tick();
    }
}

static void layer(Tb<Vact_table> &tb, bool every_code)
{
    auto &d = tb.dut;
    bool on = every_code || tb.between(0, 2);
    int index = tb.between(0, TABLES - 1), total = every_code ? 256 : tb.between(1, 200), sent = 0, got = 0;
    std::deque<uint16_t> want;
    bool have = false;
    double slow = tb.between(0, 1) ? 0.9 : 0.3;
    d.cfg_table_on_i = on, d.cfg_table_index_i = index;
    uint64_t begin = tb.cycle;
    while (got < total) {
        if (!have && sent < total && tb.coin(0.8)) {
            have = true;
            d.in_data_i = every_code ? (uint16_t)(sent | (255 - sent) << 8) : (uint16_t)tb.random();
        }
        d.in_valid_i = have;
        d.out_ready_i = tb.coin(slow);
        d.wr_index_i = tb.between(0, 7), d.wr_lane_i = tb.between(0, 63), d.wr_data_i = (uint32_t)tb.random(); // not written
        tb.settle();
        bool taken = d.in_valid_i && d.in_ready_o;
        if (taken) {
            const uint8_t *t = tables[index];
            want.push_back(on ? (uint16_t)(t[d.in_data_i & 255] | t[d.in_data_i >> 8] << 8) : (uint16_t)d.in_data_i);
            sent++;
        }
        if (!on)
            TB_CHECK(tb, d.out_valid_o == d.in_valid_i && d.in_ready_o == d.out_ready_i, "without a table the stream passes");
        if (d.out_valid_o) {
            uint16_t expected = !on ? d.in_data_i : want.empty() ? 0 : want.front();
            TB_CHECK(tb, (!on || !want.empty()) && d.out_data_o == expected, "pair %d of table %d (%d): %04x, want %04x", got, index, on, d.out_data_o, expected);
            if (d.out_ready_i) {
                want.pop_front();
                got++;
            }
        }
        have = have && !taken;
        tb.tick();
    }
    d.in_valid_i = 0;
    if (!tb.stalls)
        TB_CHECK(tb, tb.cycle - begin == (uint64_t)total + (on ? 2 : 0), "%d pairs took %d cycles", total, (int)(tb.cycle - begin));
    tb.settle();
    TB_CHECK(tb, !d.out_valid_o && want.empty(), "more came out than went in");
}

static void run(Tb<Vact_table> &tb)
{
    auto &d = tb.dut;
    d.in_valid_i = d.out_ready_i = d.wr_en_i = d.cfg_table_on_i = 0;
    tb.reset();
    for (int i = 0; i < TABLES; i++)
        write(tb, i, true);
    write(tb, TABLES, false); // not there: would be table 0 if the upper bits of the index were dropped
    for (int i = 0; i < 300; i++) {
        layer(tb, i % 30 == 0);
        if (tb.between(0, 9) == 0)
            write(tb, tb.between(0, TABLES - 1), true);
    }
}

int main(int argc, char **argv) { return tb_main<Vact_table>(argc, argv, "act_table", run); }
