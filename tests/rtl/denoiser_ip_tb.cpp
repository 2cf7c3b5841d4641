// SPDX-License-Identifier: Apache-2.0
// The IP as software sees it, with the wide bottleneck: weights and settings through Wishbone, frames through the streams.
// verilator: -GBOTTLENECK_MAX=8 -GLINE_PAIRS=256 -GLINE_PIXELS=64 -GPAIR_WORDS=64 -GROW_WORDS=16 build/gen/denoiser_regs_pkg.sv
#include "Vdenoiser_ip.h"
#include "denoiser_model.h"
#include "denoiser_regs.h"
#include "tb.h"
#include <cstddef>

using Bench = Tb<Vdenoiser_ip>;
constexpr int MB = 8;
#define REG(name) (uint32_t) offsetof(denoiser_regs_t, name)

// One classic cycle; false if it was answered with err.
static bool bus(Bench &tb, bool write, uint32_t address, uint32_t &data, int select = 15)
{
    auto &dut = tb.dut;
    while (!tb.coin(0.7))
        tb.tick();
    dut.wb_cyc_i = dut.wb_stb_i = 1, dut.wb_we_i = write, dut.wb_adr_i = address, dut.wb_sel_i = select, dut.wb_dat_i = data;
    int waited = 0;
    do {
        tb.tick();
        TB_CHECK(tb, ++waited < 5, "no answer from the bus at %05x", address);
    } while (!dut.wb_ack_o && !dut.wb_err_o);
    TB_CHECK(tb, dut.wb_ack_o != dut.wb_err_o, "ack and err at %05x", address);
    bool ok = dut.wb_ack_o;
    if (!write)
        data = dut.wb_dat_o;
    dut.wb_cyc_i = dut.wb_stb_i = 0;
    tb.tick();
    return ok;
}
static void write(Bench &tb, uint32_t address, uint32_t data)
{
    TB_CHECK(tb, bus(tb, true, address, data), "write to %05x refused", address);
}
static void refuse(Bench &tb, uint32_t address, int select = 15)
{
    uint32_t data = 0xFFFFFFFF;
    TB_CHECK(tb, !bus(tb, true, address, data, select), "write to %05x not refused", address);
}
static void expect(Bench &tb, uint32_t address, uint32_t want)
{
    uint32_t got = 0;
    TB_CHECK(tb, bus(tb, false, address, got), "read of %05x refused", address);
    TB_CHECK(tb, got == want, "%05x: read %08x, want %08x", address, got, want);
}

// Every bit of a setting can be written and read back.
static void keeps(Bench &tb, uint32_t address)
{
    uint32_t before = 0;
    TB_CHECK(tb, bus(tb, false, address, before), "read of %05x refused", address);
    for (uint32_t value : {~before, before}) {
        write(tb, address, value);
        expect(tb, address, value);
    }
}

static void settings(Bench &tb, const DenoiserLayer &l, int pair_addr, int row_addr)
{
    write(tb, REG(op), (uint32_t)(l.depthwise | l.bottleneck << 1 | l.sample << 2 | l.m << 4 | (l.z & 0xff) << 8 | l.layer << 16));
    write(tb, REG(size), (uint32_t)(l.w | l.h << 16));
    write(tb, REG(channels), (uint32_t)l.c8);
    write(tb, REG(addr), (uint32_t)(pair_addr | row_addr << 16));
    write(tb, REG(seed), l.seed);
    write(tb, REG(inference), l.inference);
    write(tb, REG(scale_1), l.m1 | l.s1 << 24);
    write(tb, REG(scale_2), l.m2 | l.s2 << 24);
    write(tb, REG(scale_d), l.md | l.sd << 24);
    write(tb, REG(scale_u), l.mu | l.su << 24);
    write(tb, REG(scale_v), l.mv | l.sv << 24);
}

static void frame(Bench &tb, const DenoiserLayer &l, const std::vector<int8_t> &in, bool wrong_tlast)
{
    auto &dut = tb.dut;
    std::vector<int16_t> d(in.size());
    for (size_t e = 0; e < in.size(); e++)
        d[e] = (int16_t)(in[e] - l.z);
    std::vector<int16_t> want = denoise(l, d);
    size_t beats = in.size() / 2, sent = 0, got = 0;
    bool offered = false;
    uint64_t limit = tb.cycle + 5000 + 40 * beats;
    while (got < beats) {
        if (!offered)
            offered = sent < beats && tb.coin(0.6);
        dut.s_axis_tvalid = offered;
        if (offered) {
            dut.s_axis_tdata = (uint16_t)((uint8_t)in[sent * 2] | (uint8_t)in[sent * 2 + 1] << 8);
            dut.s_axis_tlast = (sent == beats - 1) != wrong_tlast;
        }
        dut.m_axis_tready = tb.coin(0.6);
        tb.settle();
        if (dut.m_axis_tvalid && dut.m_axis_tready) {
            uint16_t expected = (uint16_t)((uint8_t)(want[got * 2] + l.z) | (uint8_t)(want[got * 2 + 1] + l.z) << 8);
            TB_CHECK(tb, dut.m_axis_tdata == expected, "beat %zu of %zu (m %d): got %04x, want %04x", got, beats, l.m, dut.m_axis_tdata, expected);
            TB_CHECK(tb, dut.m_axis_tlast == (got == beats - 1), "tlast at beat %zu of %zu", got, beats);
            got++;
        }
        if (dut.s_axis_tvalid && dut.s_axis_tready)
            sent++, offered = false;
        tb.tick();
        TB_CHECK(tb, tb.cycle < limit, "no end: %zu of %zu beats", got, beats);
    }
    dut.s_axis_tvalid = dut.m_axis_tready = 0;
}

static void run(Bench &tb)
{
    tb.reset();
    expect(tb, REG(id), 0x53494F4E);
    expect(tb, REG(version), 0x10000);
    expect(tb, REG(caps), MB);
    expect(tb, REG(line_pairs), 256);
    expect(tb, REG(line_pixels), 64);
    expect(tb, REG(pair_words), 64);
    expect(tb, REG(row_words), 16);
    expect(tb, REG(status), 2); // ready
    expect(tb, 0x1000, 0);      // no register
    refuse(tb, REG(size), 3);   // half a word
    expect(tb, REG(size), 0);
    for (int frames = 0; frames < 120;) {
        DenoiserLayer l;
        l.w = (int)tb.between(1, 10), l.h = (int)tb.between(1, 6), l.c8 = (int)tb.between(1, 4), l.m = frames == 0 ? MB : (int)tb.between(0, MB);
        int paths = frames == 0 ? 7 : (int)tb.between(0, 7);
        l.depthwise = paths & 1, l.bottleneck = paths & 2, l.sample = paths & 4;
        l.z = (int)tb.between(-128, 127), l.layer = (int)tb.between(0, 255), l.seed = (uint32_t)tb.random(), l.inference = (uint32_t)tb.random();
        denoiser_randomise(tb, l, frames % 4 == 3);
        int pair_addr = (int)tb.between(0, 64 - l.c8 * 4), row_addr = (int)tb.between(0, 16 - l.m);
        auto junk = [&] { return tb.random(); };
        for (int p = 0; p < l.c8 * 4; p++) {
            auto word = denoiser_pair_word(l, p, MB, junk);
            for (size_t lane = 0; lane < word.size(); lane++)
                write(tb, (uint32_t)(0x10000 + (pair_addr + p) * 128 + lane * 4), word[lane]);
        }
        for (int k = 0; k < l.m; k++) {
            auto word = denoiser_row_word(l, k, MB, junk);
            for (size_t lane = 0; lane < word.size(); lane++)
                write(tb, (uint32_t)(0x20000 + (row_addr + k) * 128 + lane * 4), word[lane]);
        }
        settings(tb, l, pair_addr, row_addr);
        expect(tb, REG(scale_v), l.mv | l.sv << 24);
        for (uint32_t setting = REG(op); setting <= REG(scale_v); setting += 4)
            keeps(tb, setting);
        write(tb, REG(ctrl), 1);
        refuse(tb, 0x10000), refuse(tb, 0x20000); // a frame runs
        // The next frame may be set up and queued while this one runs; then the settings are closed.
        DenoiserLayer next = l;
        next.sample = !l.sample, next.inference++, next.h = (int)tb.between(1, 6);
        settings(tb, next, pair_addr, row_addr);
        write(tb, REG(ctrl), 1);
        refuse(tb, REG(size)), refuse(tb, REG(ctrl));
        bool wrong = tb.between(0, 1);
        for (const DenoiserLayer *layer : {&l, &next}) {
            std::vector<int8_t> in(layer->size());
            for (int8_t &code : in)
                code = (int8_t)tb.between(-128, 127);
            frame(tb, *layer, in, wrong);
            frames++;
        }
        for (int i = 0; i < 10; i++)
            tb.tick();
        TB_CHECK(tb, tb.dut.irq_o, "no interrupt");
        expect(tb, REG(status), (uint32_t)(2 | 4 | wrong << 3 | frames << 16));
        write(tb, REG(status), 4 | 8);
        expect(tb, REG(status), (uint32_t)(2 | frames << 16));
        expect(tb, REG(cnt_samples), next.sample && (next.depthwise || next.bottleneck) ? (uint32_t)next.size() : 0);
    }
}

int main(int argc, char **argv) { return tb_main<Vdenoiser_ip>(argc, argv, "denoiser_ip", run); }
