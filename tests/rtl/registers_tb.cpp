// SPDX-License-Identifier: Apache-2.0
// Constants, LEDs, time, CRC against zlib, and every counter against its own count, with a clear now and then.
// verilator: -GVERSION=66051 -GBUILD=19088743 build/gen/quell_regs_pkg.sv
#include "Vregisters.h"
#include "quell_regs.h"
#include "tb.h"
#include <cstddef>
#include <zlib.h>

#define REG(name) ((unsigned)offsetof(quell_regs_t, name))
using Bench = Tb<Vregisters>;
static uint32_t counts[10];
static uint64_t macs;

static void clock(Bench &tb, bool clear = false)
{
    auto &d = tb.dut;
    d.pulse_i = tb.random() & 0x3BF;
    d.samples_i = tb.coin(0.3) ? tb.between(0, 2) : 0;
    d.macs_i = tb.coin(0.6) ? tb.between(0, 144) : 0;
    for (int i = 0; i < 10; i++)
        counts[i] = clear ? 0 : counts[i] + (i == 6 ? 2 * d.samples_i : d.pulse_i >> i & 1);
    macs = clear ? 0 : macs + d.macs_i;
    if (clear)
        d.pulse_i = d.samples_i = d.macs_i = 0;
    tb.tick();
    d.reg_wr_i = 0;
}

static void write(Bench &tb, unsigned address, uint32_t value)
{
    tb.dut.reg_wr_i = 1, tb.dut.reg_addr_i = address, tb.dut.reg_wdata_i = value;
    clock(tb, address == REG(cnt_clear));
}

static uint32_t read(Bench &tb, unsigned address)
{
    tb.dut.reg_wr_i = 0, tb.dut.reg_addr_i = address, tb.dut.pulse_i = 0, tb.dut.samples_i = 0, tb.dut.macs_i = 0;
    for (int i = 0; i < 4; i++) // what was counted last has arrived
        tb.tick();
    return tb.dut.reg_rdata_o;
}

static void run(Bench &tb)
{
    auto &d = tb.dut;
    d.reg_wr_i = 0;
    d.pulse_i = 0, d.samples_i = 0, d.macs_i = 0;
    tb.reset();
    for (int i = 0; i < 2; i++)
        tb.tick();
    memset(counts, 0, sizeof counts);
    macs = 0;
    const struct { unsigned address; uint32_t value; } constants[] = {
        {REG(id), 0x4C455551}, {REG(version), 66051}, {REG(build), 19088743}, {REG(caps), 8 << 16 | 4 << 8 | 8}, {REG(act_words), 8192}, {REG(weight_words), 2048}, {REG(const_words), 512},
        {REG(row_words), 512}, {REG(dn_pair_words), 256}, {REG(dn_row_words), 64}, {REG(line_words), 1024}, {REG(rx_count), 0}, {REG(layer), 0}, {REG(status), 0}};
    for (auto c : constants)
        TB_CHECK(tb, read(tb, c.address) == c.value, "register %03x: %08x, not %08x", c.address, d.reg_rdata_o, c.value);
    for (int round = 0; round < 60; round++) {
        for (int i = tb.between(1, 400); i > 0; i--)
            clock(tb);
        for (int i = 0; i < 10; i++)
            TB_CHECK(tb, read(tb, REG(cnt_array_busy) + 4 * i) == counts[i], "counter %d: %u, not %u", i, d.reg_rdata_o, counts[i]);
        TB_CHECK(tb, read(tb, REG(cnt_macs_lo)) == (uint32_t)macs && read(tb, REG(cnt_macs_hi)) == macs >> 32, "macs");
        if (round % 7 == 6)
            write(tb, REG(cnt_clear), 1);
        uint8_t leds = tb.random();
        write(tb, REG(leds), leds);
        TB_CHECK(tb, d.leds_o == leds && read(tb, REG(leds)) == leds, "LEDs");
        uint32_t before = read(tb, REG(time)), words[5], crc = 0;
        TB_CHECK(tb, read(tb, REG(time)) == before + 4, "time");
        write(tb, REG(crc), 0xFFFFFFFF);
        for (uint32_t &word : words) {
            word = tb.random();
            write(tb, REG(crc_data), word);
            for (int i = 0; i < 4; i++)
                clock(tb);
        }
        crc = crc32(0, (const uint8_t *)words, sizeof words);
        TB_CHECK(tb, ~read(tb, REG(crc)) == crc, "CRC");
    }
}

int main(int argc, char **argv) { return tb_main<Vregisters>(argc, argv, "registers", run); }
