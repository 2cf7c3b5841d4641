// SPDX-License-Identifier: Apache-2.0
// dma, the generated LiteDRAM and the model of the memory chip together: initialisation, every word of random descriptors in all streams with and without
// stalls, refused descriptors against the chip's whole content; chips slower than the controller was made for are noticed; then the bytes a clock.
// verilator: -y sim/sdram tests/rtl/dma_sdram.sv
#include "Vdma_sdram.h"
#include "sdram_bench.h"
#include "../../sim/sdram/sdram_chip.cpp"
#include <deque>
#include <vector>

static const uint32_t WORDS = 1 << 22;

struct Descriptor {
    uint32_t stream, addr, words;
};

struct Bench : SdramBoard<Vdma_sdram> {
    std::vector<uint64_t> want; // the memory's words
    std::deque<Descriptor> to_send;
    bool offered = false, word_offered = false;
    std::deque<uint32_t> reading[2], writing; // addresses of the words to come
    uint64_t last_word[2] = {}, longest = 0; // cycle of each reading stream's last word, longest time between two
    double take = 1, offer = 1;

    explicit Bench(Tb<Vdma_sdram> &bench, const SdramTimings &timings = {}) : SdramBoard(bench, timings)
    {
        d.ctrl_valid_i = d.region_valid_i = d.desc_valid_i = d.rd0_ready_i = d.rd1_ready_i = d.wr_valid_i = d.clear_i = d.count_clear_i = 0;
    }
    void remember()
    {
        want.resize(WORDS);
        for (uint32_t word = 0; word < WORDS; word++)
            want[word] = stored(word);
    }
    uint64_t stored(uint32_t word)
    {
        uint64_t value = 0;
        for (int lane = 3; lane >= 0; lane--)
            value = value << 16 | chip.cell(word * 4 + (uint32_t)lane);
        return value;
    }
    void cycle()
    {
        if (!offered && !to_send.empty() && tb.coin(0.7))
            offered = true;
        d.desc_valid_i = offered;
        if (offered)
            d.desc_stream_i = to_send.front().stream, d.desc_addr_i = to_send.front().addr, d.desc_words_i = to_send.front().words;
        d.rd0_ready_i = tb.coin(take), d.rd1_ready_i = tb.coin(take);
        if (!word_offered && tb.coin(offer))
            word_offered = true, d.wr_data_i = tb.random();
        d.wr_valid_i = word_offered;
        tb.settle();
        word(0, d.rd0_valid_o && d.rd0_ready_i, d.rd0_data_o);
        word(1, d.rd1_valid_o && d.rd1_ready_i, d.rd1_data_o);
        if (d.wr_valid_i && d.wr_ready_o) {
            TB_CHECK(tb, !writing.empty(), "a word was taken that no descriptor wants");
            want[writing.front()] = d.wr_data_i;
            writing.pop_front();
            word_offered = false;
        }
        bool sent = d.desc_valid_i && d.desc_ready_o;
        tick();
        if (sent) {
            to_send.pop_front();
            offered = false;
        }
    }
    void word(int stream, bool moves, uint64_t data)
    {
        if (!moves)
            return;
        TB_CHECK(tb, !reading[stream].empty(), "stream %d: a word that nobody asked for", stream);
        uint32_t addr = reading[stream].front();
        TB_CHECK(tb, data == want[addr], "stream %d, word %06x: got %016llx, want %016llx", stream, addr, (unsigned long long)data, (unsigned long long)want[addr]);
        reading[stream].pop_front();
        if (last_word[stream])
            longest = std::max(longest, tb.cycle - last_word[stream]);
        last_word[stream] = reading[stream].empty() ? 0 : tb.cycle;
    }
    void send(const Descriptor &x, bool legal = true)
    {
        to_send.push_back(x);
        for (uint32_t i = 0; legal && i < x.words; i++)
            (x.stream == 2 ? writing : reading[x.stream]).push_back(x.addr + i);
    }
    void finish()
    {
        for (int i = 0; !to_send.empty() || d.busy_o; i++) {
            TB_CHECK(tb, i < 2'000'000, "the descriptors do not come to an end");
            cycle();
        }
        TB_CHECK(tb, reading[0].empty() && reading[1].empty() && writing.empty(), "words are missing");
    }
    void set_region(unsigned stream, uint32_t base, uint32_t limit)
    {
        d.region_valid_i = 1, d.region_stream_i = stream, d.region_base_i = base, d.region_limit_i = limit;
        tick();
        d.region_valid_i = 0;
        TB_CHECK(tb, !d.misused_o, "region of stream %u", stream);
    }
    void refused(const Descriptor &x)
    {
        SdramChip::Counts before = chip.counts;
        send(x, false);
        finish();
        TB_CHECK(tb, d.refused_o == 1u << x.stream, "stream %u, %x + %x: refused_o %d", x.stream, x.addr, x.words, d.refused_o);
        TB_CHECK(tb, chip.counts.read == before.read && chip.counts.write == before.write, "a refused descriptor has read or written");
        d.clear_i = 7;
        cycle();
        d.clear_i = 0;
    }
    // The whole chip.
    void compare()
    {
        for (uint32_t word = 0; word < WORDS; word++)
            TB_CHECK(tb, stored(word) == want[word], "word %06x holds %016llx, want %016llx", word, (unsigned long long)stored(word), (unsigned long long)want[word]);
    }
    // Bytes a clock of these descriptors, from the first one's acceptance to the last one's end.
    double rate(const char *what, const std::vector<Descriptor> &descriptors, double least)
    {
        for (int i = 0; i < 300; i++) // the controller closes what it was at
            cycle();
        d.count_clear_i = 1;
        cycle();
        d.count_clear_i = 0;
        uint64_t begin = tb.cycle, bytes = 0;
        for (const Descriptor &x : descriptors) {
            send(x);
            bytes += 8 * x.words;
        }
        longest = 0;
        SdramChip::Counts before = chip.counts;
        finish();
        double cycles = (double)(tb.cycle - begin), result = (double)bytes / cycles;
        cycle(), cycle();
        TB_CHECK(tb, d.count_bytes_read_o + d.count_bytes_written_o == bytes, "counted %u and %u of %d bytes", d.count_bytes_read_o, d.count_bytes_written_o, (int)bytes);
        printf("     %-34s %8d bytes %7.3f a clock %6.1f MB/s   longest wait for a word %3d, refreshes %d, rows opened %d\n", what, (int)bytes, result,
               result * 200 / 3, (int)longest, (int)(chip.counts.refresh - before.refresh), (int)(chip.counts.activate - before.activate));
        TB_CHECK(tb, result >= least, "%s: %.3f bytes a clock", what, result);
        return result;
    }
};

// A rule that LiteDRAM was not told of must end the simulation by its name.
static void slow_chip(const char *rule, void (*change)(SdramTimings &))
{
    SdramTimings timings;
    timings.t_init = 1'000'000;
    change(timings);
    Tb<Vdma_sdram> tb(1, "");
    Bench b(tb, timings);
    std::string got = "nothing";
    try {
        b.initialise(timings.t_init);
        b.remember();
        b.set_region(2, 0, WORDS);
        b.send({2, 0, 2048});
        b.finish();
        for (int i = 0; i < 5000; i++)
            b.cycle();
    } catch (const SdramViolation &violation) {
        got = violation.rule;
    }
    TB_CHECK(tb, got == rule, "a chip with another %s: %s was noticed", rule, got.c_str());
}

static void traffic(Bench &b, int descriptors)
{
    auto &tb = b.tb;
    b.take = tb.random() % 2 ? 0.1 : 0.9, b.offer = tb.random() % 2 ? 0.1 : 0.9;
    // The streams keep to 64 rows each; what is written now is read in the next round.
    static const uint32_t BASE[3] = {0x001000, 0x100000, 0x200000};
    uint32_t turn = (uint32_t)tb.between(0, 2); // which stream's place is written
    for (int i = 0; i < descriptors; i++) {
        uint32_t stream = (uint32_t)tb.between(0, 2), words = (uint32_t)(1 + tb.random() % (tb.random() % 4 ? 40 : 600));
        uint32_t place = (stream + turn) % 3;
        b.send({stream, BASE[place] + (uint32_t)tb.between(0, 32768 - words), words});
    }
    b.finish();
}

static void run(Tb<Vdma_sdram> &tb)
{
    Bench b(tb);
    b.initialise();
    b.remember();
    const uint32_t limit = 0x300000;
    b.set_region(0, 0, limit), b.set_region(1, 0, limit), b.set_region(2, 0x1000, limit);
    b.take = b.offer = 1;
    b.send({2, 0x1000, 4}), b.finish(), b.send({0, 0x1000, 4}), b.send({1, 0x1000, 4}), b.finish(); // what is done is seen by whoever comes later
    for (const Descriptor &x : {Descriptor{0, limit, 1}, {1, limit - 1, 2}, {2, 0xFFF, 1}, {2, limit - 1, 2}, {2, 0x1000, 0}, {2, WORDS - 1, 2 * WORDS - 1}})
        b.refused(x);
    for (int i = 0; i < (tb.stalls ? 20 : 4); i++)
        traffic(b, 24);
    b.compare();

    if (!tb.stalls) {
        b.take = b.offer = 1;
        const uint32_t size = 4096, row = 0x200; // 32 KB; a row of all banks is 4 KB
        b.rate("read", {{0, 0x10000, size}}, 1.8);
        b.rate("write", {{2, 0x110000, size}}, 1.8);
        b.rate("read + write", {{0, 0x10000, size}, {2, 0x110000, size}}, 1.75);
        b.rate("read + read", {{0, 0x10000, size}, {1, 0x210000, size}}, 1.8);
        b.rate("read + read + write", {{0, 0x10000, size}, {1, 0x210000, size}, {2, 0x110000, size}}, 1.75);
        std::vector<Descriptor> pieces;
        for (uint32_t i = 0; i < 64; i++)
            pieces.push_back({0, 0x10000 + i * row, 16});
        b.rate("read, 64 times 128 bytes", pieces, 1.6);
        b.compare();
        slow_chip("tRCD", [](SdramTimings &t) { t.t_rcd = 31000; });
        slow_chip("tRP", [](SdramTimings &t) { t.t_rp = 31000; });
        slow_chip("tRFC", [](SdramTimings &t) { t.t_rfc = 150000; });
        slow_chip("refresh", [](SdramTimings &t) { t.t_refi = 7'000'000; });
    }
}

int main(int argc, char **argv) { return tb_main<Vdma_sdram>(argc, argv, "dma_sdram", run); }
