// SPDX-License-Identifier: Apache-2.0
// The models of the ECP5's memories and multiplier (sim/cells) against bits in an array, addressed as Lattice's memory usage guide says, and
// against integers. All widths and write modes at once; bits that the model makes doubtful must be the inverse of what was stored.
// verilator: tests/netlist/cells_models.sv sim/cells/DP16KD.sv sim/cells/MULT18X18D.sv sim/cells/TRELLIS_DPR16X4.sv -Wno-UNUSEDPARAM -Wno-WIDTH
#include "Vcells_models.h"
#include "tb.h"
#include <vector>

using Bench = Tb<Vcells_models>;
enum WriteMode { NORMAL, WRITETHROUGH, READBEFOREWRITE };
static const int WIDTHS[] = {1, 2, 4, 9, 18, 36};
static const int MODES = 86, ROWS = 1024, COLUMNS = 18;

// A row and a column of the array.
struct Place {
    int row, column;
};

// Where bit `bit` of the word at pins `ad` lies. Below 9 bits a row holds 16 bits, the ninth of each byte is not reachable.
static Place place(int width, unsigned ad, int bit)
{
    if (width == 36)
        return {(int)(ad >> 5) * 2 + bit / 18, bit % 18};
    if (width == 18)
        return {(int)(ad >> 4), bit};
    if (width == 9)
        return {(int)(ad >> 4), (int)(ad >> 3 & 1) * 9 + bit};
    int n = (int)(ad / width * width) + bit; // counted in bits without the ninth ones
    return {n / 16, n % 16 / 8 * 9 + n % 8};
}

struct Ram {
    int width_a, width_b;
    WriteMode mode;
    std::vector<bool> bits = std::vector<bool>(ROWS * COLUMNS);
    uint64_t out_a = 0, out_b = 0;

    std::vector<bool>::reference at(int width, unsigned ad, int bit)
    {
        Place p = place(width, ad, bit);
        return bits[p.row * COLUMNS + p.column];
    }
    // Does a write at these pins change that bit? The low pins of wide ports are byte enables.
    bool enabled(unsigned ad, int bit) const { return width_a < 18 || ad >> bit / 9 & 1; }
};

struct Inputs {
    bool rst_a, rst_b, ce_a, ce_b, we;
    unsigned ad_a, ad_b;
    uint64_t di;
};

static bool same(Place p, Place q) { return p.row == q.row && p.column == q.column; }

static void step(Ram &ram, const Inputs &in)
{
    bool writing = in.ce_a && in.we && !in.rst_a;
    auto written = [&](Place p) { // does this cycle change that bit?
        for (int bit = 0; writing && bit < ram.width_a; bit++)
            if (ram.enabled(in.ad_a, bit) && same(p, place(ram.width_a, in.ad_a, bit)))
                return true;
        return false;
    };
    if (in.rst_b || in.ce_b)
        ram.out_b = 0;
    for (int bit = 0; in.ce_b && !in.rst_b && bit < ram.width_b; bit++)
        ram.out_b |= (uint64_t)(ram.at(ram.width_b, in.ad_b, bit) != written(place(ram.width_b, in.ad_b, bit))) << bit;
    bool reading = in.ce_a && !in.rst_a && (!in.we || ram.mode != NORMAL);
    if (in.rst_a || reading)
        ram.out_a = 0;
    for (int bit = 0; in.ce_a && bit < ram.width_a; bit++) {
        auto stored = ram.at(ram.width_a, in.ad_a, bit);
        bool before = stored;
        if (writing && ram.enabled(in.ad_a, bit))
            stored = in.di >> bit & 1;
        bool value = !in.we ? before : ram.mode == WRITETHROUGH ? (bool)stored : before != (ram.width_a < 9);
        ram.out_a |= (uint64_t)(reading && value) << bit;
    }
}

static uint64_t slice(const uint32_t *words, int low, int count)
{
    uint64_t value = 0;
    for (int i = 0; i < count; i++)
        value |= (uint64_t)(words[(low + i) / 32] >> (low + i) % 32 & 1) << i;
    return value;
}

static void check(Bench &tb, const Ram &ram, int m)
{
    uint64_t a = slice(tb.dut.do_a_o.data(), m * 18, 18), b = slice(tb.dut.do_b_o.data(), m * 18, 18);
    uint64_t want_a = ram.width_b == 36 ? ram.out_b & 0x3FFFF : ram.width_a == 36 ? 0 : ram.out_a;
    uint64_t want_b = ram.width_b == 36 ? ram.out_b >> 18 : ram.out_b;
    TB_CHECK(tb, a == want_a && b == want_b, "widths %d and %d, write mode %d: read %05llx %05llx, want %05llx %05llx", ram.width_a, ram.width_b, ram.mode,
             (unsigned long long)a, (unsigned long long)b, (unsigned long long)want_a, (unsigned long long)want_b);
}

static std::vector<Ram> rams()
{
    std::vector<Ram> all;
    for (int m = 0; m < MODES; m++) {
        Ram ram;
        ram.width_a = m < 75 ? WIDTHS[m / 15] : m < 81 ? 36 : WIDTHS[m - 81];
        ram.width_b = m < 75 ? WIDTHS[m / 3 % 5] : m < 81 ? WIDTHS[m - 75] : 36;
        ram.mode = m < 75 ? (WriteMode)(m % 3) : NORMAL;
        for (int row = 0; row < ROWS; row++)
            for (int column = 0; column < COLUMNS; column++) {
                int number = row / 16, i = row % 16 * 20 + column;
                ram.bits[row * COLUMNS + column] = (i * i + 7 * i * (number + 3) + number * 13) % 11 < 5;
            }
        all.push_back(ram);
    }
    return all;
}

static void drive(Bench &tb, const Inputs &in)
{
    auto &d = tb.dut;
    d.rst_i = in.rst_a, d.rst_b_i = in.rst_b, d.ce_a_i = in.ce_a, d.ce_b_i = in.ce_b, d.we_i = in.we;
    d.ad_a_i = in.ad_a, d.ad_b_i = in.ad_b, d.di_i = in.di;
}

static void memories(Bench &tb)
{
    std::vector<Ram> all = rams();
    uint8_t small[16];
    for (int i = 0; i < 16; i++)
        small[i] = i;
    for (unsigned ad = 0; ad < 1 << 14; ad++) { // what was there at the start, each place by each port
        Inputs in = {false, false, true, true, false, ad, (1 << 14) - 1 - ad, 0};
        drive(tb, in);
        tb.tick();
        for (int m = 0; m < MODES; m++) {
            step(all[m], in);
            check(tb, all[m], m);
        }
    }
    unsigned near = 0;
    for (int i = 0; i < 20000; i++) { // most accesses in one neighbourhood, so that the ports meet
        if (i % 100 == 0)
            near = (unsigned)tb.between(0, (1 << 14) - 1);
        auto address = [&] { return tb.uniform() < 0.9 ? (near & ~0x3Fu) | ((unsigned)tb.random() & 0x3F) : (unsigned)tb.random() & 0x3FFF; };
        Inputs in = {tb.stalls && tb.uniform() < 0.05, tb.stalls && tb.uniform() < 0.05, tb.coin(0.8), tb.coin(0.8), tb.uniform() < 0.5, address(), address(), tb.random() & 0xFFFFFFFFF};
        drive(tb, in);
        tb.settle();
        TB_CHECK(tb, tb.dut.do_small_o == small[in.ad_b & 15], "distributed memory at %u: read %x, want %x", in.ad_b & 15, tb.dut.do_small_o, small[in.ad_b & 15]);
        tb.tick();
        if (in.we)
            small[in.ad_a & 15] = in.di & 15;
        for (int m = 0; m < MODES; m++) {
            step(all[m], in);
            check(tb, all[m], m);
        }
    }
}

static void multipliers(Bench &tb)
{
    const uint32_t corners[] = {0, 1, 2, 0x1FFFF, 0x20000, 0x20001, 0x3FFFF, 0x15555, 0x2AAAA};
    for (int i = 0; i < 20000; i++) {
        uint32_t a = i < 81 ? corners[i / 9] : (uint32_t)tb.random() & 0x3FFFF, b = i < 81 ? corners[i % 9] : (uint32_t)tb.random() & 0x3FFFF;
        tb.dut.a_i = a, tb.dut.b_i = b;
        tb.settle();
        for (int s = 0; s < 4; s++) {
            int64_t x = s & 1 && a >> 17 ? (int64_t)a - 0x40000 : a, y = s & 2 && b >> 17 ? (int64_t)b - 0x40000 : b;
            uint64_t got = slice(tb.dut.p_o.data(), s * 36, 36), want = (uint64_t)(x * y) & 0xFFFFFFFFF;
            TB_CHECK(tb, got == want, "%05x * %05x, signs %d: got %09llx, want %09llx", a, b, s, (unsigned long long)got, (unsigned long long)want);
        }
    }
}

static void run(Bench &tb)
{
    memories(tb);
    multipliers(tb);
}

int main(int argc, char **argv) { return tb_main<Vcells_models>(argc, argv, "cells_models", run); }
