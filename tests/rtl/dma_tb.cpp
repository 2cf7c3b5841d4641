// SPDX-License-Identifier: Apache-2.0
// dma against ports that answer as LiteDRAM's do: commands taken when they like, read data that cannot be refused, write data taken without a question. Random
// descriptors, legal and not, in all three streams at once; every word, every command's address, order, counters; what is refused touches nothing. Then the rates.
// With LiteDRAM itself and the memory chip: dma_sdram_tb.cpp.
// verilator: -GADDR_BITS=10
#include "Vdma.h"
#include "tb.h"
#include <algorithm>
#include <deque>
#include <vector>

static const unsigned WORDS = 1024;

struct Descriptor {
    unsigned stream, addr, words;
};

struct Bench {
    Tb<Vdma> &tb;
    Vdma &d;
    std::vector<uint16_t> memory, want_memory; // 16 bits at each address of the ports
    struct {
        unsigned base, limit;
    } region[3] = {};
    bool refusing[3] = {}; // a descriptor was refused
    std::deque<Descriptor> to_send;
    bool offered = false;
    std::deque<std::pair<uint64_t, bool>> want[2]; // words and their `last`
    std::deque<unsigned> want_words;                 // where the next words written belong
    std::deque<unsigned> want_commands[3];
    uint64_t done[3] = {}, want_done[3] = {}, waited[3] = {}, beats[3] = {};
    bool word_offered = false;
    uint64_t word = 0;
    double take = 1, offer = 1;   // how often the chip takes and offers words
    double grant = 1;             // how often the ports take commands
    int latency = 6;              // at least, from a command to its data
    struct Port {
        std::deque<std::pair<uint64_t, unsigned>> due; // cycle, address
        uint64_t last = 0;
        bool stalled = false;
        unsigned stalled_addr = 0;
    } port[3];

    explicit Bench(Tb<Vdma> &bench) : tb(bench), d(bench.dut), memory(WORDS * 4)
    {
        for (auto &m : memory)
            m = (uint16_t)tb.random();
        want_memory = memory;
    }
    uint64_t word_at(unsigned addr)
    {
        uint64_t value = 0;
        for (int lane = 3; lane >= 0; lane--)
            value = value << 16 | want_memory[addr * 4 + (unsigned)lane];
        return value;
    }
    bool legal(const Descriptor &x)
    {
        const auto &r = region[x.stream];
        return x.words > 0 && x.addr >= r.base && x.addr + x.words <= r.limit;
    }
    void accepted(const Descriptor &x)
    {
        if (x.stream > 2)
            return;
        refusing[x.stream] |= !legal(x);
        if (refusing[x.stream])
            return;
        want_done[x.stream]++;
        for (unsigned i = 0; i < x.words; i++) {
            for (unsigned lane = 0; lane < 4; lane++)
                want_commands[x.stream].push_back((x.addr + i) * 4 + lane);
            if (x.stream == 2)
                want_words.push_back(x.addr + i);
            else
                want[x.stream].push_back({word_at(x.addr + i), i + 1 == x.words});
        }
    }
    void command(int i, bool valid, bool ready, unsigned addr)
    {
        Port &p = port[i];
        TB_CHECK(tb, !p.stalled || (valid && addr == p.stalled_addr), "stream %d: a command changed while it waited", i);
        p.stalled = valid && !ready;
        p.stalled_addr = addr;
        if (!valid || !ready)
            return;
        TB_CHECK(tb, addr >= region[i].base * 4 && addr < region[i].limit * 4, "stream %d: command at %x, outside its region", i, addr);
        TB_CHECK(tb, !want_commands[i].empty() && want_commands[i].front() == addr, "stream %d: command at %x, which nobody asked for now", i, addr);
        want_commands[i].pop_front();
        uint64_t wait = i == 2 ? 1 : (uint64_t)latency; // write data may be taken in the next cycle
        if (tb.stalls)
            wait += (uint64_t)tb.between(0, 20);
        p.last = std::max(p.last + 1, tb.cycle + wait);
        p.due.push_back({p.last, addr});
    }
    bool due(int i) { return !port[i].due.empty() && port[i].due.front().first <= tb.cycle; }

    void cycle()
    {
        if (!offered && !to_send.empty() && tb.coin(0.7))
            offered = true;
        d.desc_valid_i = offered;
        if (offered)
            d.desc_stream_i = to_send.front().stream, d.desc_addr_i = to_send.front().addr, d.desc_words_i = to_send.front().words;
        d.rd0_ready_i = tb.coin(take), d.rd1_ready_i = tb.coin(take);
        if (!word_offered && tb.coin(offer))
            word_offered = true, word = tb.random();
        d.wr_valid_i = word_offered, d.wr_data_i = word;
        d.mem_rd0_cmd_ready_i = tb.coin(grant), d.mem_rd1_cmd_ready_i = tb.coin(grant), d.mem_wr_cmd_ready_i = tb.coin(grant);
        d.mem_rd0_data_valid_i = due(0), d.mem_rd0_data_i = due(0) ? memory[port[0].due.front().second] : (uint16_t)tb.random();
        d.mem_rd1_data_valid_i = due(1), d.mem_rd1_data_i = due(1) ? memory[port[1].due.front().second] : (uint16_t)tb.random();
        d.mem_wr_data_ready_i = due(2);
        tb.settle();

        // Data of earlier commands, before those of this cycle
        for (int i = 0; i < 3; i++) {
            if (!due(i))
                continue;
            if (i == 2)
                memory[port[2].due.front().second] = d.mem_wr_data_o;
            beats[i]++;
            port[i].due.pop_front();
        }
        command(0, d.mem_rd0_cmd_valid_o, d.mem_rd0_cmd_ready_i, d.mem_rd0_cmd_addr_o);
        command(1, d.mem_rd1_cmd_valid_o, d.mem_rd1_cmd_ready_i, d.mem_rd1_cmd_addr_o);
        command(2, d.mem_wr_cmd_valid_o, d.mem_wr_cmd_ready_i, d.mem_wr_cmd_addr_o);

        words(0, d.rd0_valid_o, d.rd0_ready_i, d.rd0_data_o, d.rd0_last_o);
        words(1, d.rd1_valid_o, d.rd1_ready_i, d.rd1_data_o, d.rd1_last_o);
        if (d.wr_valid_i && d.wr_ready_o) {
            TB_CHECK(tb, !want_words.empty(), "a word was taken that no descriptor wants");
            for (unsigned lane = 0; lane < 4; lane++)
                want_memory[want_words.front() * 4 + lane] = (uint16_t)(word >> 16 * lane);
            want_words.pop_front();
            word_offered = false;
        }
        waited[0] += (d.busy_o & 1) && d.rd0_ready_i && !d.rd0_valid_o;
        waited[1] += (d.busy_o & 2) && d.rd1_ready_i && !d.rd1_valid_o;
        waited[2] += (d.busy_o & 4) && d.wr_valid_i && !d.wr_ready_o;
        for (int i = 0; i < 3; i++)
            done[i] += d.done_o >> i & 1;
        bool sent = d.desc_valid_i && d.desc_ready_o, misused = sent && d.desc_stream_i == 3;
        tb.tick();
        TB_CHECK(tb, d.misused_o == misused, "misused_o %d", d.misused_o);
        if (sent) {
            accepted(to_send.front());
            to_send.pop_front();
            offered = false;
        }
    }
    struct {
        bool waiting;
        uint64_t data;
    } held[2] = {};
    void words(int i, bool valid, bool ready, uint64_t data, bool last)
    {
        TB_CHECK(tb, !held[i].waiting || (valid && data == held[i].data), "stream %d: a word changed while it waited", i);
        held[i] = {valid && !ready, data};
        if (!valid || !ready)
            return;
        TB_CHECK(tb, !want[i].empty(), "stream %d: a word that nobody asked for", i);
        TB_CHECK(tb, data == want[i].front().first && last == want[i].front().second, "stream %d: got %016llx, last %d, want %016llx", i, (unsigned long long)data, last,
                 (unsigned long long)want[i].front().first);
        want[i].pop_front();
    }
    // Until everything is done; then nothing may be left.
    void finish()
    {
        for (int i = 0; !to_send.empty() || d.busy_o; i++) {
            TB_CHECK(tb, i < 400000, "the descriptors do not come to an end");
            cycle();
        }
        for (int i = 0; i < 40; i++)
            cycle();
        for (int i = 0; i < 3; i++) {
            TB_CHECK(tb, want_commands[i].empty() && port[i].due.empty() && done[i] == want_done[i], "stream %d: %d commands missing, %d of %d descriptors done", i,
                     (int)want_commands[i].size(), (int)done[i], (int)want_done[i]);
            TB_CHECK(tb, (d.refused_o >> i & 1) == refusing[i], "stream %d: refused_o %d", i, d.refused_o >> i & 1);
        }
        TB_CHECK(tb, want[0].empty() && want[1].empty() && want_words.empty(), "words are missing");
        TB_CHECK(tb, memory == want_memory, "the memory holds other words than were written");
        TB_CHECK(tb, d.count_bytes_read_o == 2 * (beats[0] + beats[1]) && d.count_bytes_written_o == 2 * beats[2], "bytes: counted %u and %u",
                 d.count_bytes_read_o, d.count_bytes_written_o);
        TB_CHECK(tb, d.count_wait_rd0_o == waited[0] && d.count_wait_rd1_o == waited[1] && d.count_wait_wr_o == waited[2], "waits: counted %u, %u, %u",
                 d.count_wait_rd0_o, d.count_wait_rd1_o, d.count_wait_wr_o);
    }
    void clear()
    {
        d.clear_i = 7, d.count_clear_i = 1;
        cycle();
        d.clear_i = 0, d.count_clear_i = 0;
        for (int i = 0; i < 3; i++)
            refusing[i] = false, waited[i] = beats[i] = 0;
        cycle();
        TB_CHECK(tb, d.refused_o == 0, "refused_o after clear_i");
        for (int i = 0; i < 3; i++) // the cycle above may count already
            waited[i] = 0;
        d.count_clear_i = 1;
        cycle();
        d.count_clear_i = 0;
        for (int i = 0; i < 3; i++)
            waited[i] = 0;
    }
    void set_region(unsigned stream, unsigned base, unsigned limit, bool good)
    {
        d.region_valid_i = 1, d.region_stream_i = stream, d.region_base_i = base, d.region_limit_i = limit;
        tb.tick();
        d.region_valid_i = 0;
        TB_CHECK(tb, d.misused_o == !good, "region %u of stream %u: misused_o %d", base, stream, d.misused_o);
        if (good)
            region[stream] = {base, limit};
    }
    // Words asked for, in a descriptor of its own kind; cycles it takes.
    uint64_t time(std::initializer_list<Descriptor> descriptors)
    {
        uint64_t begin = tb.cycle;
        to_send.insert(to_send.end(), descriptors);
        while (!to_send.empty() || d.busy_o)
            cycle();
        uint64_t cycles = tb.cycle - begin;
        finish();
        return cycles;
    }
};

// Anything wrong with a descriptor, and a good one behind it: nothing happens until clear_i.
static void refusals(Bench &b, unsigned stream)
{
    auto &tb = b.tb;
    const unsigned base = b.region[stream].base, limit = b.region[stream].limit, size = limit - base;
    const unsigned bad[][2] = {{base - 1, 1}, {limit, 1}, {limit - 1, 2}, {base, 0}, {base, size + 1}, {base - 1, size + 1}, {0, 1}, {WORDS - 1, 1},
                               {WORDS - 1, 2 * WORDS - 1}, {base, 2 * WORDS - 1}, {WORDS - 1, base + 2}};
    for (const auto &words : bad) {
        Descriptor x = {stream, words[0], words[1]};
        TB_CHECK(tb, !b.legal(x), "the bench takes %x + %x words for legal", x.addr, x.words);
        uint64_t done_before = b.done[stream];
        b.to_send = {{stream, base, 1}, x, {stream, base, 1}, {stream, base, 2}};
        b.finish();
        TB_CHECK(tb, b.refusing[stream] && b.done[stream] == done_before + 1, "stream %u: %x + %x words was not refused", stream, x.addr, x.words);
        b.clear();
    }
    b.to_send = {{stream, base, size}, {stream, limit - 1, 1}, {stream, base, 1}}; // the edges themselves
    b.finish();
    TB_CHECK(tb, !b.refusing[stream], "the whole region was refused");
}

static void traffic(Bench &b, int descriptors)
{
    auto &tb = b.tb;
    b.take = tb.random() % 2 ? 0.05 + 0.1 * tb.uniform() : 0.2 + 0.8 * tb.uniform(); // slower than the memory, or faster
    b.offer = 0.1 + 0.9 * tb.uniform(), b.grant = 0.2 + 0.8 * tb.uniform();
    b.latency = (int)tb.between(2, 30);
    for (int i = 0; i < descriptors; i++) {
        unsigned stream = (unsigned)tb.between(0, 2);
        unsigned base = b.region[stream].base, limit = b.region[stream].limit, words = (unsigned)(1 + tb.random() % (tb.random() % 8 ? 8 : 100));
        Descriptor x = {stream, (unsigned)tb.between(base, limit - words), words};
        if (tb.random() % 64 == 0) // anything at all
            x = {(unsigned)tb.between(0, 3), (unsigned)tb.between(0, WORDS - 1), (unsigned)tb.between(0, 2 * WORDS - 1)};
        b.to_send.push_back(x);
    }
    b.finish();
    b.clear();
}

static void run(Tb<Vdma> &tb)
{
    Bench b(tb);
    auto &d = tb.dut;
    d.region_valid_i = d.desc_valid_i = d.wr_valid_i = d.rd0_ready_i = d.rd1_ready_i = d.clear_i = d.count_clear_i = 0;
    d.mem_rd0_data_valid_i = d.mem_rd1_data_valid_i = d.mem_wr_data_ready_i = 0;
    tb.reset();
    // no region yet: nothing may move
    for (unsigned stream = 0; stream < 3; stream++)
        b.to_send.push_back({stream, 0, 1});
    b.finish();
    TB_CHECK(tb, d.refused_o == 7, "streams without a region move words");
    b.clear();

    b.set_region(0, 200, 200, false);
    b.set_region(1, 300, 200, false);
    b.set_region(1, 300, WORDS + 1, false);
    b.set_region(3, 0, 10, false);
    b.set_region(0, 100, 400, true);
    b.set_region(1, 300, 500, true); // shares words with stream 0
    b.set_region(2, 600, WORDS - 10, true);
    b.set_region(0, 0, WORDS, false); // once for all
    b.set_region(2, 600, WORDS - 10, false);
    for (unsigned stream = 0; stream < 3; stream++)
        refusals(b, stream);
    for (int i = 0; i < 30; i++)
        traffic(b, 40);

    if (!tb.stalls) { // the rates: a command a clock, whatever the latency
        b.take = b.offer = b.grant = 1;
        for (int latency : {4, 12, 40}) {
            b.latency = latency;
            uint64_t read = b.time({{0, 100, 300}}), both = b.time({{0, 100, 200}, {1, 300, 200}, {2, 700, 200}}), write = b.time({{2, 600, 300}});
            TB_CHECK(tb, read < 1200 + 20 + (uint64_t)latency && write < 1220 && both < 800 + 30 + (uint64_t)latency,
                     "latency %d: 300 words read in %d cycles, written in %d; 200 of each in %d", latency, (int)read, (int)write, (int)both);
        }
    }
    tb.reset();
    b.region[0] = b.region[1] = b.region[2] = {}; // forgotten
    b.to_send = {{0, 100, 1}, {2, 600, 1}};
    for (int i = 0; i < 3; i++)
        b.waited[i] = b.beats[i] = 0;
    b.finish();
    TB_CHECK(tb, d.refused_o == 5, "a region outlived the reset");
}

int main(int argc, char **argv) { return tb_main<Vdma>(argc, argv, "dma", run); }
