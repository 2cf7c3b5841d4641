// SPDX-License-Identifier: Apache-2.0
// store: pairs in, words out, pixels at a pitch of their own; rows_done never runs ahead of the memory; done once, after the last word.
#include "Vstore.h"
#include "tb.h"
#include <vector>

static void frame(Tb<Vstore> &tb, int rows, int columns, int c8, int pitch)
{
    int row_words = columns * c8;
    auto &d = tb.dut;
    int address = tb.between(0, 65535), total = rows * row_words * 4, written = 0, dones = 0;
    std::vector<uint64_t> words(rows * row_words, 0);
    d.cfg_out_addr_i = address;
    d.cfg_out_c8_i = c8, d.cfg_out_pitch_i = pitch;
    d.start_i = 1;
    tb.tick();
    d.start_i = 0;
    bool have = false;
    uint64_t begin = tb.cycle;
    double slow = tb.between(0, 1) ? 0.8 : 0.15;
    for (int sent = 0; dones == 0;) {
        if (!have && sent < total && tb.coin(0.8)) {
            have = true;
            d.in_data_i = (uint16_t)tb.random();
            d.in_row_end_i = (sent + 1) % (row_words * 4) == 0;
            d.in_frame_end_i = sent + 1 == total;
        }
        d.in_valid_i = have;
        d.wr_ready_i = tb.coin(slow);
        tb.settle();
        dones += d.done_o;
        TB_CHECK(tb, d.rows_done_o == written / row_words, "rows_done %d with %d words of %d a row", d.rows_done_o, written, row_words);
        TB_CHECK(tb, d.done_o == (written == rows * row_words), "done %d after %d words", d.done_o, written);
        if (d.wr_valid_o && d.wr_ready_i) {
            TB_CHECK(tb, written < sent / 4 && d.wr_addr_o == ((address + written / c8 * pitch + written % c8) & 65535) && d.wr_data_o == words[written], "word %d: %016llx at %04x", written,
                     (unsigned long long)d.wr_data_o, d.wr_addr_o);
            written++;
        }
        if (d.in_valid_i && d.in_ready_o) {
            words[sent / 4] |= (uint64_t)d.in_data_i << (16 * (sent % 4));
            have = false;
            sent++;
        }
        tb.tick();
    }
    if (!tb.stalls)
        TB_CHECK(tb, tb.cycle - begin <= (uint64_t)total + 3, "%d pairs took %d cycles", total, (int)(tb.cycle - begin));
    for (int i = tb.between(0, 2); i > 0; i--) {
        tb.tick();
        TB_CHECK(tb, !d.done_o && d.rows_done_o == rows, "idle: done %d, rows_done %d", d.done_o, d.rows_done_o);
    }
}

static void run(Tb<Vstore> &tb)
{
    auto &d = tb.dut;
    d.start_i = d.in_valid_i = d.wr_ready_i = d.in_row_end_i = d.in_frame_end_i = 0;
    tb.reset();
    for (int i = 0; i < 200; i++) {
        int c8 = tb.between(1, 5), more = tb.between(0, 1) ? tb.between(0, 9) : 0;
        frame(tb, tb.between(1, 8), tb.between(1, 5), c8, i % 40 == 0 ? 4095 : c8 + more);
    }
}

int main(int argc, char **argv) { return tb_main<Vstore>(argc, argv, "store", run); }
