// SPDX-License-Identifier: Apache-2.0
// memory_loader: random jobs for every memory and at the edges of each, legal and not, back to back: every lane's memory, word, place and data, stability under stalls, done and
// refused once for each job, no word of the stream too many; without stalls a lane in every cycle; a reset in the middle of a job.
#include "Vmemory_loader.h"
#include "tb.h"
#include <deque>

struct Job {
    uint32_t memory, index, words;
    bool legal;
};
struct Lane {
    uint32_t memory, index, lane, data;
    bool end;
};
static const uint32_t LANES[5] = {18, 10, 19, 22, 64}, WORDS[5] = {2048, 512, 256, 64, 8}; // quell_protocol.h with 8 cores, BOTTLENECK_MAX 8

struct Bench {
    Tb<Vmemory_loader> &tb;
    std::deque<Job> jobs;
    std::deque<Lane> want;
    std::deque<uint64_t> stream; // of jobs that were taken
    bool job_offered = false, word_offered = false, held = false;
    Lane last{};
    uint32_t done = 0, refused = 0, lanes = 0;
    uint64_t first_lane = 0, last_lane = 0;

    Job choose(bool legal)
    {
        uint32_t memory = (uint32_t)tb.between(0, 4), all = WORDS[memory], words = (uint32_t)tb.between(1, tb.between(0, 9) ? 6 : 40);
        words = words < all ? words : all;
        Job job{memory, (uint32_t)(tb.between(0, 3) ? tb.between(0, all - words) : tb.between(0, 1) ? all - words : 0), words, legal};
        switch (legal ? -1 : tb.between(0, 5)) {
        case 0: job.words = 0; break;
        case 1: job.index = all - words + 1; break;
        case 2: job.memory = (uint32_t)tb.between(5, 7); break;
        case 3: job.words = 0x10000 + (uint32_t)tb.between(0, 0xFFFF); break;
        case 4: job.index = 0xFFFF; break;                    // a sum of 16 bits would begin again at 0
        case 5: job.words = all + 1, job.index = 0; break;
        default: break;
        }
        return job;
    }

    void take(const Job &job)
    {
        uint32_t total = job.legal ? job.words * LANES[job.memory] : 0;
        for (uint32_t i = 0; i < total; i += 2) {
            stream.push_back(tb.random());
            for (uint32_t k = i; k < i + 2 && k < total; k++)
                want.push_back({job.memory, job.index + k / LANES[job.memory], k % LANES[job.memory], (uint32_t)(stream.back() >> 32 * (k - i)), k + 1 == total});
        }
    }

    void check_lane()
    {
        auto &d = tb.dut;
        TB_CHECK(tb, !want.empty() && d.wr_en_o == 1u << want.front().memory, "enables %x, %d lanes wanted", d.wr_en_o, (int)want.size());
        const Lane &w = want.front();
        TB_CHECK(tb, d.wr_index_o == w.index && d.wr_lane_o == w.lane && d.wr_data_o == w.data, "memory %u word %u lane %u: %08x, want word %u lane %u: %08x", w.memory, d.wr_index_o, d.wr_lane_o, d.wr_data_o, w.index, w.lane,
                 w.data);
        TB_CHECK(tb, d.done_o == (d.wr_ready_i && w.end), "done %d at lane %u of word %u", d.done_o, w.lane, w.index);
        held = !d.wr_ready_i;
        done += d.done_o;
        if (held)
            return;
        first_lane = lanes++ ? first_lane : tb.cycle;
        last_lane = tb.cycle;
        want.pop_front();
    }

    void cycle()
    {
        auto &d = tb.dut;
        job_offered = job_offered || (!jobs.empty() && tb.coin(0.3));
        word_offered = word_offered || (!stream.empty() && tb.coin(0.7));
        const Job job = job_offered ? jobs.front() : choose(false);
        d.job_valid_i = job_offered, d.job_memory_i = job.memory, d.job_index_i = job.index, d.job_words_i = job.words;
        d.in_valid_i = word_offered, d.in_data_i = word_offered ? stream.front() : tb.random();
        d.wr_ready_i = tb.coin(0.8);
        tb.settle();
        if (d.wr_en_o)
            check_lane();
        else
            TB_CHECK(tb, !held && !d.done_o, "a lane went away, or was done without one");
        TB_CHECK(tb, d.busy_o || want.empty(), "not busy with %d lanes to do", (int)want.size());
        refused += d.refused_o;
        if (d.in_valid_i && d.in_ready_o) {
            stream.pop_front();
            word_offered = false;
        }
        if (job_offered && d.job_ready_o) {
            take(job);
            jobs.pop_front();
            job_offered = false;
        }
        tb.tick();
    }

    void batch(int count, bool all_legal)
    {
        uint32_t legal = 0;
        done = refused = lanes = 0;
        for (int i = 0; i < count; i++) {
            jobs.push_back(choose(all_legal || tb.between(0, 3)));
            legal += jobs.back().legal;
        }
        while (!jobs.empty() || !want.empty())
            cycle();
        for (int i = 0; i < 4; i++)
            cycle();
        TB_CHECK(tb, stream.empty() && !tb.dut.busy_o, "%d words of the stream are left", (int)stream.size());
        TB_CHECK(tb, done == legal && refused == (uint32_t)count - legal, "%u jobs done, %u refused of %u and %u", done, refused, legal, (uint32_t)count - legal);
        if (all_legal && !tb.stalls)
            TB_CHECK(tb, last_lane - first_lane == lanes - 1, "%u lanes in %u cycles", lanes, (unsigned)(last_lane - first_lane + 1));
    }
};

static void run(Tb<Vmemory_loader> &tb)
{
    Bench bench{tb};
    tb.dut.job_valid_i = tb.dut.in_valid_i = 0;
    tb.dut.wr_ready_i = 1;
    tb.reset();
    for (int i = 0; i < 60; i++)
        bench.batch(20, i % 2);
    bench.jobs.push_back({0, 5, 30, true});
    for (int i = 0; i < 100; i++)
        bench.cycle();
    bench.want.clear();
    bench.stream.clear();
    bench.word_offered = bench.held = false;
    tb.dut.job_valid_i = tb.dut.in_valid_i = 0;
    tb.reset();
    bench.batch(20, false);
}

int main(int argc, char **argv) { return tb_main<Vmemory_loader>(argc, argv, "memory_loader", run); }
