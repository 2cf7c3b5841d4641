// SPDX-License-Identifier: Apache-2.0
// Transfers of random length and place in both directions, with a processor that reads and writes other places of the buffer meanwhile;
// the CRC against zlib. Covers message_buffer and crc32 too.
// verilator: -GWORDS=256 build/gen/quell_regs_pkg.sv
#include "Vcommand_channel.h"
#include "quell_regs.h"
#include "tb.h"
#include <cstddef>
#include <vector>
#include <zlib.h>

#define REG(name) ((unsigned)offsetof(quell_regs_t, name))
using Bench = Tb<Vcommand_channel>;
static const unsigned BYTES = 1024;
static uint8_t model[BYTES];
static unsigned busy_from, busy_to; // bytes a transfer is at work on: the processor keeps away

static void quiet(Bench &tb)
{
    auto &d = tb.dut;
    d.reg_wr_i = d.rx_valid_i = d.tx_ready_i = d.cpu_valid_i = 0;
}

static void write_register(Bench &tb, unsigned address, uint32_t value)
{
    quiet(tb);
    tb.dut.reg_wr_i = 1, tb.dut.reg_addr_i = address, tb.dut.reg_wdata_i = value;
    tb.tick();
    tb.dut.reg_wr_i = 0;
}

static uint32_t read_register(Bench &tb, unsigned address)
{
    quiet(tb);
    tb.dut.reg_addr_i = address;
    tb.tick();
    return tb.dut.reg_rdata_o;
}

// The processor's access for this cycle; after the clock it is checked.
struct Access {
    bool valid = false, write = false;
    unsigned word = 0;
    uint32_t data = 0, strobe = 0;
};
static Access pipeline[1]; // accepted one cycle ago

static void processor(Bench &tb, Access &a)
{
    auto &d = tb.dut;
    a.valid = tb.coin(0.4);
    a.write = tb.random() & 1;
    a.word = tb.random() % (BYTES / 4);
    a.data = tb.random();
    a.strobe = tb.between(1, 15);
    if (a.write && a.word * 4 + 4 > busy_from && a.word * 4 < busy_to)
        a.valid = false;
    if (!a.write && a.word * 4 + 4 > busy_from && a.word * 4 < busy_to)
        a.valid = false;
    d.cpu_valid_i = a.valid, d.cpu_wstrb_i = a.write ? a.strobe : 0, d.cpu_addr_i = a.word, d.cpu_wdata_i = a.data;
    tb.settle();
    a.valid = a.valid && d.cpu_ready_o;
}

static void clock(Bench &tb, Access a)
{
    uint32_t want;
    if (a.valid && a.write)
        for (int i = 0; i < 4; i++)
            if (a.strobe >> i & 1)
                model[a.word * 4 + i] = a.data >> 8 * i;
    memcpy(&want, model + a.word * 4, 4);
    a.data = want;
    tb.tick();
    if (pipeline[0].valid && !pipeline[0].write)
        TB_CHECK(tb, tb.dut.cpu_rdata_o == pipeline[0].data, "word %u: read %08x, not %08x", pipeline[0].word, tb.dut.cpu_rdata_o, pipeline[0].data);
    pipeline[0] = a;
}

static void receive(Bench &tb, unsigned at, unsigned count)
{
    auto &d = tb.dut;
    std::vector<uint8_t> bytes(count);
    for (auto &b : bytes)
        b = tb.random();
    write_register(tb, REG(rx_addr), at);
    write_register(tb, REG(rx_crc), 0xFFFFFFFF);
    write_register(tb, REG(rx_count), count);
    busy_from = at, busy_to = at + count;
    size_t next = 0;
    pipeline[0].valid = false;
    while (next < count) {
        Access a;
        quiet(tb);
        d.rx_valid_i = tb.coin(0.6), d.rx_data_i = bytes[next];
        processor(tb, a);
        TB_CHECK(tb, d.rx_armed_o && d.rx_ready_o, "not ready for byte %zu of %u", next, count);
        next += d.rx_valid_i;
        clock(tb, a);
    }
    d.rx_valid_i = 1; // one too many
    for (int i = 0; i < 3; i++) {
        d.cpu_valid_i = 0;
        tb.settle();
        TB_CHECK(tb, !d.rx_ready_o, "takes more than %u bytes", count);
        clock(tb, Access());
    }
    memcpy(model + at, bytes.data(), count);
    TB_CHECK(tb, read_register(tb, REG(rx_count)) == 0, "rx_count");
    TB_CHECK(tb, read_register(tb, REG(rx_addr)) == at + count, "rx_addr");
    TB_CHECK(tb, ~read_register(tb, REG(rx_crc)) == crc32(0, bytes.data(), count), "CRC");
}

static void send(Bench &tb, unsigned at, unsigned count)
{
    auto &d = tb.dut;
    write_register(tb, REG(tx_addr), at);
    write_register(tb, REG(tx_count), count);
    busy_from = at, busy_to = at + count;
    pipeline[0].valid = false;
    unsigned next = 0, idle = 0, held = 256;
    while (next < count) {
        Access a;
        quiet(tb);
        d.tx_ready_i = tb.coin(0.5);
        processor(tb, a);
        TB_CHECK(tb, d.tx_busy_o, "not busy");
        if (d.tx_valid_o) {
            TB_CHECK(tb, held == 256 || held == d.tx_data_o, "byte changes while it waits");
            TB_CHECK(tb, d.tx_data_o == model[at + next], "byte %u of %u: %02x, not %02x", next, count, d.tx_data_o, model[at + next]);
            held = d.tx_ready_i ? 256 : d.tx_data_o;
            next += d.tx_ready_i;
            idle = 0;
        } else {
            TB_CHECK(tb, held == 256 && ++idle < 8, "no byte comes");
        }
        clock(tb, a);
    }
    d.tx_ready_i = 1;
    for (int i = 0; i < 8; i++) {
        d.cpu_valid_i = 0;
        tb.settle();
        TB_CHECK(tb, !d.tx_valid_o && !d.tx_busy_o, "sends more than %u bytes", count);
        clock(tb, Access());
    }
    TB_CHECK(tb, read_register(tb, REG(tx_count)) == 0 && read_register(tb, REG(tx_addr)) == at + count, "tx_count, tx_addr");
}

static void run(Bench &tb)
{
    quiet(tb);
    tb.reset();
    busy_from = busy_to = 0;
    memset(model, 0, sizeof model);
    receive(tb, 0, BYTES);
    for (int i = 0; i < 150; i++) {
        unsigned count = tb.between(1, i % 10 ? 40 : 700), at = tb.between(0, BYTES - count);
        if (tb.random() & 1)
            receive(tb, at, count);
        else
            send(tb, at, count);
    }
    write_register(tb, REG(rx_count), 5); // a transfer is taken back
    write_register(tb, REG(rx_count), 0);
    TB_CHECK(tb, !tb.dut.rx_ready_o, "still ready");
}

int main(int argc, char **argv) { return tb_main<Vcommand_channel>(argc, argv, "command_channel", run); }
