// SPDX-License-Identifier: Apache-2.0
// The way of a layer's weights from the memory chip into the weight memory: words of random weights are written to the chip, jobs bring them to random places, the weight memory
// holds what it should, all of it; while the processor takes the write port now and then; and the clocks a word.
// verilator: -y sim/sdram -y hw/array -y tests/rtl tests/rtl/loader_sdram.sv
#include "Vloader_sdram.h"
#include "sdram_bench.h"
#include "../../sim/sdram/sdram_chip.cpp"
#include <array>
#include <vector>

static const uint32_t WORDS = 2048, PARTS = 9; // of the weight memory; 64-bit words each
using Word = std::array<uint64_t, PARTS>;

struct Bench : SdramBoard<Vloader_sdram> {
    std::vector<Word> stored, loaded{WORDS}; // in the chip from address 0 on; in the weight memory

    explicit Bench(Tb<Vloader_sdram> &bench) : SdramBoard(bench, {})
    {
        d.ctrl_valid_i = d.region_valid_i = d.desc_valid_i = d.wr_valid_i = d.job_valid_i = 0;
        d.port_free_i = 1;
    }
    void set_region(unsigned stream, uint32_t words)
    {
        d.region_valid_i = 1, d.region_stream_i = stream, d.region_base_i = 0, d.region_limit_i = words;
        tick();
        d.region_valid_i = 0;
    }
    void describe(unsigned stream, uint32_t first, uint32_t words)
    {
        d.desc_valid_i = 1, d.desc_stream_i = stream, d.desc_addr_i = first * PARTS, d.desc_words_i = words * PARTS;
        for (bool taken = false; !taken; tick()) {
            tb.settle();
            taken = d.desc_ready_o;
        }
        d.desc_valid_i = 0;
    }
    void store(uint32_t words)
    {
        describe(2, 0, words);
        stored.resize(words);
        for (Word &word : stored)
            for (uint64_t &part : word) {
                part = tb.random();
                d.wr_valid_i = 1, d.wr_data_i = part;
                for (bool taken = false; !taken; tick()) {
                    tb.settle();
                    taken = d.wr_ready_o;
                }
            }
        d.wr_valid_i = 0;
        while (d.busy_o)
            tick();
    }
    // Words first ... of the chip to words index ... of the weight memory -> clocks.
    uint64_t load(uint32_t first, uint32_t index, uint32_t words)
    {
        uint64_t begin = tb.cycle;
        describe(0, first, words);
        d.job_valid_i = 1, d.job_index_i = index, d.job_words_i = words;
        tb.settle();
        TB_CHECK(tb, d.job_ready_o, "the loader is not ready");
        tick();
        d.job_valid_i = 0;
        for (bool done = false; !done; tick()) {
            d.port_free_i = tb.coin(0.9);
            tb.settle();
            done = d.load_done_o;
            TB_CHECK(tb, tb.cycle - begin < 100000, "the job does not come to an end");
        }
        d.port_free_i = 1;
        TB_CHECK(tb, !d.refused_o && !d.load_refused_o, "refused");
        for (uint32_t i = 0; i < words; i++)
            loaded[index + i] = stored[first + i];
        return tb.cycle - begin;
    }
    void compare()
    {
        tick(), tick(); // the last word is stored two cycles after its last lane
        for (uint32_t word = 0; word < WORDS; word++) {
            d.rd_addr_i = word;
            tick();
            tb.settle();
            for (uint32_t i = 0; i < PARTS; i++) {
                uint64_t got = d.rd_data_o[2 * i] | (uint64_t)d.rd_data_o[2 * i + 1] << 32;
                TB_CHECK(tb, got == loaded[word][i], "word %u, part %u: %016llx, want %016llx", word, i, (unsigned long long)got, (unsigned long long)loaded[word][i]);
            }
        }
    }
};

static void run(Tb<Vloader_sdram> &tb)
{
    Bench b(tb);
    b.initialise();
    b.set_region(0, 4096 * PARTS), b.set_region(2, 4096 * PARTS);
    b.store(4096);
    b.load(0, 0, WORDS); // every word once
    for (int i = 0; i < 40; i++) {
        uint32_t words = (uint32_t)tb.between(1, i % 4 ? 40 : 400);
        b.load((uint32_t)tb.between(0, 4096 - words), (uint32_t)tb.between(0, WORDS - words), words);
    }
    b.compare();
    if (!tb.stalls) {
        uint64_t clocks = b.load(2048, 0, WORDS);
        double rate = 72.0 * WORDS / (double)clocks;
        printf("     %u weight words of 72 bytes in %llu clocks: %.3f bytes a clock, %.1f MB/s\n", WORDS, (unsigned long long)clocks, rate, rate * 200 / 3);
        TB_CHECK(tb, rate > 1.85, "%.3f bytes a clock", rate);
        b.compare();
    }
}

int main(int argc, char **argv) { return tb_main<Vloader_sdram>(argc, argv, "loader_sdram", run); }
