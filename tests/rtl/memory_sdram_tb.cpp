// SPDX-License-Identifier: Apache-2.0
// memory_system on the generated LiteDRAM and the model of the memory chip, driven through its registers as the firmware does it: initialisation, words written and read back,
// loads into a weight memory with the processor's lanes between, regions, every refusal and what it leaves alone, full queues, counters, registers of others, a reset
// in the middle.
// verilator: -y sim/sdram build/gen/quell_regs_pkg.sv tests/rtl/memory_sdram.sv
#include "Vmemory_sdram.h"
#include "sdram_bench.h"
#include "../../sim/sdram/sdram_chip.cpp"
#include <array>
#include <deque>
#include <vector>

enum Register {
    CNT_CLEAR = 0x0B0, EXT_WORDS = 0x180, MEM_ADDR = 0x184, MEM_WORDS = 0x188, MEM_DESCRIPTOR = 0x18C, MEM_REGION = 0x190, MEM_LOAD_WORDS = 0x194, MEM_LOAD = 0x198,
    MEM_STATUS = 0x19C, MEM_CLEAR = 0x1A0, MEM_WRITE_LO = 0x1A4, MEM_WRITE_HI = 0x1A8, MEM_READ_LO = 0x1AC, MEM_READ_HI = 0x1B0, MEM_READ_NEXT = 0x1B4, MEM_CTRL_ADDR = 0x1B8,
    MEM_CTRL_DATA = 0x1BC, CNT_MEM_READ = 0x1C0, CNT_MEM_WRITTEN = 0x1C4, CNT_LOAD_WAIT = 0x1C8
};
enum Status { REFUSED = 4, DESC_FULL = 8, LOAD_FULL, LOAD_BUSY, LOAD_REFUSED, MISUSED, CTRL_BUSY, READ_VALID, WRITE_ROOM, LOADS_DONE };

static const uint32_t BASE = 1000, LIMIT = 40000, PARTS = 9, WEIGHTS = 2048; // region in words; 64-bit words of a weight word; weight words
struct Lane {
    uint32_t en, index, lane, data;
};

struct Bench : SdramBoard<Vmemory_sdram> {
    std::vector<uint64_t> want = std::vector<uint64_t>(LIMIT); // words of the memory
    std::vector<std::array<uint64_t, PARTS>> loaded{WEIGHTS};
    std::deque<Lane> lanes; // of the processor, on their way
    uint32_t passed = 0, loads = 0;
    bool lanes_wanted = false;

    explicit Bench(Tb<Vmemory_sdram> &bench) : SdramBoard(bench, {}) { d.reg_wr_i = 0, d.reg_addr_i = 0, d.array_idle_i = 1, d.cpu_en_i = 0; }

    // A clock; the processor's lanes (for the constants) are on the ports one clock later, whatever the loader does.
    void clock()
    {
        d.cpu_en_i = lanes_wanted && tb.between(0, 3) == 0 ? 2 : 0;
        d.cpu_index_i = (uint32_t)tb.between(0, 511), d.cpu_lane_i = (uint32_t)tb.between(0, 9), d.cpu_data_i = (uint32_t)tb.random();
        Lane lane{d.cpu_en_i, d.cpu_index_i, d.cpu_lane_i, d.cpu_data_i};
        tick();
        tb.settle();
        if (lane.en) {
            TB_CHECK(tb, d.wr_en_o == lane.en && d.wr_index_o == lane.index && d.wr_lane_o == lane.lane && d.wr_data_o == lane.data, "the processor's lane did not pass");
            passed++;
        } else
            TB_CHECK(tb, !(d.wr_en_o & ~1u), "a lane for another memory: %x", d.wr_en_o);
    }
    void clocks(int64_t n)
    {
        while (n-- > 0)
            clock();
    }
    // The processor's accesses are six clocks apart at least.
    void put(uint32_t reg, uint32_t data)
    {
        d.reg_wr_i = 1, d.reg_addr_i = reg, d.reg_wdata_i = data;
        clock();
        d.reg_wr_i = 0, d.reg_wdata_i = (uint32_t)tb.random();
        clocks(tb.stalls ? tb.between(5, 12) : 5);
    }
    uint32_t get(uint32_t reg)
    {
        d.reg_addr_i = reg;
        clock();
        uint32_t value = d.reg_rdata_o;
        clocks(2);
        return value;
    }
    bool status(unsigned bit) { return get(MEM_STATUS) >> bit & 1; }
    void until(unsigned bit, bool value)
    {
        for (int i = 0; status(bit) != value; i++)
            TB_CHECK(tb, i < 50000, "status bit %u does not become %d", bit, value);
    }
    void control(uint32_t reg, uint32_t data)
    {
        put(MEM_CTRL_ADDR, reg), put(MEM_CTRL_DATA, data);
        until(CTRL_BUSY, false);
    }
    void command(unsigned command, unsigned address) { control(DFII_ADDRESS, address), control(DFII_BANK, 0), control(DFII_COMMAND, command), control(DFII_ISSUE, 1); }
    void initialise(bool wait)
    {
        tb.settle();
        TB_CHECK(tb, d.ctrl_rst_o, "the controller runs before anybody has written to it");
        control(DFII_CONTROL, CKE_ON);
        TB_CHECK(tb, !d.ctrl_rst_o, "the controller does not run");
        for (Picoseconds t = 0; wait && t <= 200'000'000; t += CLOCK)
            clock();
        command(CS | RAS | WE, ALL_BANKS);
        for (int i = 0; i < 2; i++)
            command(CS | RAS | CAS, 0);
        command(CS | RAS | CAS | WE, MODE_CL2_BURST1);
        control(DFII_CONTROL, HARDWARE), control(INIT_DONE, 1);
    }
    void reset()
    {
        d.rst_i = 1, d.cpu_en_i = 0;
        for (int i = 0; i < 8; i++)
            tick();
        d.rst_i = 0;
        clocks(3);
        TB_CHECK(tb, get(MEM_STATUS) == 1u << WRITE_ROOM, "status after a reset: %08x", get(MEM_STATUS));
    }
    void regions()
    {
        put(MEM_ADDR, BASE), put(MEM_WORDS, LIMIT);
        for (unsigned stream = 0; stream < 3; stream++)
            put(MEM_REGION, stream);
        TB_CHECK(tb, !status(MISUSED), "a region was refused");
    }
    void describe(unsigned stream, uint32_t addr, uint32_t words)
    {
        put(MEM_ADDR, addr), put(MEM_WORDS, words), put(MEM_DESCRIPTOR, stream);
        TB_CHECK(tb, get(MEM_ADDR) == addr && get(MEM_WORDS) == words, "address and words read back");
    }
    void put_word(uint64_t word) { put(MEM_WRITE_LO, (uint32_t)word), put(MEM_WRITE_HI, (uint32_t)(word >> 32)); }
    void write(uint32_t addr, uint32_t words)
    {
        describe(2, addr, words);
        for (uint32_t i = 0; i < words; i++) {
            if (i % 8 == 0)
                until(WRITE_ROOM, true);
            put_word(want[addr + i] = tb.random());
        }
        until(2, false);
    }
    void read(uint32_t addr, uint32_t words)
    {
        describe(1, addr, words);
        for (uint32_t i = 0; i < words; i++) {
            until(READ_VALID, true);
            uint64_t got = get(MEM_READ_LO) | (uint64_t)get(MEM_READ_HI) << 32;
            TB_CHECK(tb, got == want[addr + i], "word %u: %016llx, want %016llx", addr + i, (unsigned long long)got, (unsigned long long)want[addr + i]);
            put(MEM_READ_NEXT, 1);
        }
        TB_CHECK(tb, !status(1) && !status(READ_VALID), "a word more than were asked for");
    }
    uint64_t stored(uint32_t word)
    {
        uint64_t value = 0;
        for (int lane = 3; lane >= 0; lane--)
            value = value << 16 | chip.cell(word * 4 + (uint32_t)lane);
        return value;
    }
    void remember()
    {
        for (uint32_t word = 0; word < LIMIT; word++)
            want[word] = stored(word);
    }
    void check_memory()
    {
        for (uint32_t word = 0; word < LIMIT; word++)
            TB_CHECK(tb, stored(word) == want[word], "word %u of the memory", word);
    }
    void job(uint32_t memory, uint32_t index, uint32_t words) { put(MEM_LOAD_WORDS, words), put(MEM_LOAD, memory << 16 | index); }
    void load(uint32_t addr, uint32_t index, uint32_t words)
    {
        describe(0, addr, words * PARTS);
        job(0, index, words);
        loads++;
        for (uint32_t i = 0; i < words; i++)
            for (uint32_t part = 0; part < PARTS; part++)
                loaded[index + i][part] = want[addr + i * PARTS + part];
    }
    void check_loads()
    {
        until(LOAD_BUSY, false);
        TB_CHECK(tb, get(MEM_STATUS) >> LOADS_DONE == loads, "%u loads done, %u were given", get(MEM_STATUS) >> LOADS_DONE, loads);
        for (uint32_t word = 0; word < WEIGHTS; word++) {
            d.rd_addr_i = word;
            clock();
            for (uint32_t i = 0; i < PARTS; i++)
                TB_CHECK(tb, (d.rd_data_o[2 * i] | (uint64_t)d.rd_data_o[2 * i + 1] << 32) == loaded[word][i], "weight word %u, part %u", word, i);
        }
    }
};

static void refused_descriptors(Bench &b)
{
    Tb<Vmemory_sdram> &tb = b.tb;
    struct { uint32_t addr, words; } wrong[] = {{BASE - 1, 2}, {LIMIT - 3, 4}, {BASE, 0}, {LIMIT, 1}, {BASE | 1u << 22, 4}, {BASE | 1u << 31, 4}, {BASE, 4 | 1u << 23}, {BASE, 4 | 1u << 31}, {0, 1u << 22}};
    for (auto &w : wrong)
        for (unsigned stream = 1; stream < 3; stream++) {
            b.describe(stream, w.addr, w.words);
            b.describe(stream, BASE, 1); // dropped: what it belongs to has lost its order
            b.clocks(20);
            uint32_t status = b.get(MEM_STATUS);
            TB_CHECK(tb, (status >> REFUSED & 7) == 1u << stream && !(status & 7), "descriptor %u, %u: status %08x", w.addr, w.words, status);
            b.put(MEM_CLEAR, 1u << stream);
            TB_CHECK(tb, !(b.get(MEM_STATUS) >> REFUSED & 7), "a refusal is remembered");
        }
    b.put(MEM_DESCRIPTOR, 3);
    TB_CHECK(tb, b.status(MISUSED), "a descriptor for stream 3");
    b.put(MEM_CLEAR, 8);
    b.put(MEM_ADDR, 0), b.put(MEM_WORDS, 1u << 22);
    for (unsigned stream = 0; stream < 4; stream++) {
        b.put(MEM_REGION, stream);
        TB_CHECK(tb, b.status(MISUSED), "region %u was set twice", stream);
        b.put(MEM_CLEAR, 8);
        TB_CHECK(tb, !b.status(MISUSED), "misuse is remembered");
    }
    b.describe(1, 0, 1);
    b.clocks(20);
    TB_CHECK(tb, b.status(REFUSED + 1), "a region became wider");
    b.put(MEM_CLEAR, 2);
}

static void full_queues(Bench &b)
{
    Tb<Vmemory_sdram> &tb = b.tb;
    // Words without a descriptor: room for 16.
    for (uint32_t i = 0; i < 17; i++) {
        TB_CHECK(tb, b.status(WRITE_ROOM) == (i <= 8) && !b.status(MISUSED), "room with %u words", i);
        uint64_t word = tb.random();
        if (i < 16)
            b.want[BASE + i] = word;
        b.put_word(word);
    }
    TB_CHECK(tb, b.status(MISUSED), "the seventeenth word");
    b.put(MEM_CLEAR, 8);
    b.describe(2, BASE, 16);
    b.until(2, false);
    // Descriptors without words: a queue of 16, one in work, one in the register.
    uint32_t given = 0;
    for (; !b.status(DESC_FULL); given++)
        b.describe(2, BASE + 100 + given, 1);
    TB_CHECK(tb, given == 18, "%u descriptors until full", given);
    b.describe(2, BASE, 1);
    TB_CHECK(tb, b.status(MISUSED), "a descriptor too many");
    b.put(MEM_CLEAR, 8);
    for (uint32_t i = 0; i < given; i++) {
        b.until(WRITE_ROOM, true);
        b.put_word(b.want[BASE + 100 + i] = tb.random());
    }
    b.until(2, false);
    b.check_memory();
    // Loads: one in work, one in the register.
    b.job(0, 3, 1), b.job(0, 7, 1);
    TB_CHECK(tb, b.status(LOAD_FULL) && b.status(LOAD_BUSY) && !b.status(LOAD_REFUSED), "two loads");
    b.job(0, 9, 1);
    TB_CHECK(tb, b.status(LOAD_REFUSED), "a load too many");
    b.put(MEM_CLEAR, 8);
    tb.settle();
    TB_CHECK(tb, !b.d.busy_o, "busy without words");
    b.describe(0, BASE, 2 * PARTS);
    b.loads += 2;
    for (uint32_t part = 0; part < PARTS; part++)
        b.loaded[3][part] = b.want[BASE + part], b.loaded[7][part] = b.want[BASE + PARTS + part];
    b.check_loads();
    const uint32_t wrong[][3] = {{0, WEIGHTS, 1}, {0, 5, WEIGHTS}, {0, 5, 0}, {5, 0, 1}, {0, 5, 0x10001}};
    for (auto &w : wrong) {
        b.job(w[0], w[1], w[2]);
        TB_CHECK(tb, b.status(LOAD_REFUSED) && !b.status(LOAD_BUSY), "load %u %u %u", w[0], w[1], w[2]);
        b.put(MEM_CLEAR, 8);
        TB_CHECK(tb, !b.status(LOAD_REFUSED), "a refused load is remembered");
    }
    b.check_loads();
}

static void counters(Bench &b)
{
    Tb<Vmemory_sdram> &tb = b.tb;
    b.put(CNT_CLEAR, 1);
    TB_CHECK(tb, !b.get(CNT_MEM_READ) && !b.get(CNT_MEM_WRITTEN) && !b.get(CNT_LOAD_WAIT), "counters after their clearing");
    b.write(BASE + 7, 21), b.read(BASE + 3, 30);
    b.d.array_idle_i = 0;
    b.load(BASE, 0, 5), b.check_loads();
    TB_CHECK(tb, b.get(CNT_MEM_READ) == 8 * (30 + 5 * PARTS) && b.get(CNT_MEM_WRITTEN) == 8 * 21, "%u bytes read, %u written", b.get(CNT_MEM_READ), b.get(CNT_MEM_WRITTEN));
    TB_CHECK(tb, !b.get(CNT_LOAD_WAIT), "nobody waited for the load");
    b.d.array_idle_i = 1;
    uint64_t begin = tb.cycle;
    b.load(BASE, 0, 50), b.until(LOAD_BUSY, false);
    uint32_t waited = b.get(CNT_LOAD_WAIT), most = (uint32_t)(tb.cycle - begin);
    TB_CHECK(tb, waited >= 50 * 37 && waited < most, "%u clocks waited of %u", waited, most);
    b.put(CNT_CLEAR, 0);
    TB_CHECK(tb, b.get(CNT_LOAD_WAIT) == waited, "counters cleared by a zero");
    b.put(CNT_CLEAR, 1);
    TB_CHECK(tb, !b.get(CNT_MEM_READ) && !b.get(CNT_MEM_WRITTEN) && !b.get(CNT_LOAD_WAIT), "counters after their clearing");
}

static void all(Tb<Vmemory_sdram> &tb)
{
    Bench b(tb);
    b.reset();
    b.clocks(3000); // 45 us: nobody refreshes a chip that is not initialised
    b.initialise(true);
    b.regions();
    b.remember();
    TB_CHECK(tb, b.get(EXT_WORDS) == 1u << 22, "size of the memory");
    for (uint32_t reg = 0; reg < 0x1000; reg += 4)
        if (reg < EXT_WORDS || reg > CNT_LOAD_WAIT)
            TB_CHECK(tb, b.get(reg) == 0, "register %03x is another unit's", reg);
    b.load(BASE, 0, WEIGHTS); // every weight word once
    b.check_loads();
    for (int i = 0; i < 12; i++) {
        uint32_t words = (uint32_t)tb.between(1, 90), addr = (uint32_t)tb.between(BASE, LIMIT - words);
        b.write(addr, words);
        b.read(addr, words);
        b.check_memory();
        b.lanes_wanted = i % 2;
        for (int k = 0; k < 3; k++) {
            b.until(LOAD_FULL, false);
            words = (uint32_t)tb.between(1, 60);
            b.load((uint32_t)tb.between(BASE, LIMIT - words * PARTS), (uint32_t)tb.between(0, WEIGHTS - words), words);
        }
        b.check_loads();
    }
    TB_CHECK(tb, b.passed > 100, "%u lanes of the processor", b.passed);
    b.lanes_wanted = false;
    refused_descriptors(b);
    full_queues(b);
    counters(b);
    b.check_memory();
    // A reset while all streams are at it. Nothing refreshes until the chip is initialised again, so at once.
    b.describe(0, BASE, 900), b.job(0, 100, 100), b.describe(1, BASE, 50);
    b.clocks(tb.between(0, 200));
    b.reset();
    b.loads = 0;
    b.initialise(false);
    b.describe(1, BASE, 1);
    b.clocks(20);
    TB_CHECK(tb, b.status(REFUSED + 1), "a region outlived the reset");
    b.put(MEM_CLEAR, 7);
    b.regions();
    b.check_memory();
    b.load(BASE + 50, 100, 100), b.check_loads();
    b.write(BASE, 40), b.read(BASE, 80);
}

static void run(Tb<Vmemory_sdram> &tb)
{
    try {
        all(tb);
    } catch (const SdramViolation &violation) {
        throw TbFailure(violation.what());
    }
}

int main(int argc, char **argv) { return tb_main<Vmemory_sdram>(argc, argv, "memory_sdram", run); }
