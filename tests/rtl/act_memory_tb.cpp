// SPDX-License-Identifier: Apache-2.0
// Random requests of all five users against a map of what was written; order of answers, priorities, and a read right after a write.
// verilator: -GWORDS=64
#include "Vact_memory.h"
#include "tb.h"
#include <deque>

static const unsigned WORDS = 64;

static void run(Tb<Vact_memory> &tb)
{
    auto &d = tb.dut;
    uint64_t model[WORDS] = {};
    bool known[WORDS] = {};
    std::deque<std::pair<bool, uint64_t>> expected[3];
    tb.reset();
    for (unsigned i = 0; i < WORDS; i++) { // fill
        d.store_valid_i = 1, d.store_addr_i = i, d.store_data_i = model[i] = tb.random(), known[i] = true;
        tb.tick();
    }
    for (int cycle = 0; cycle < 20000; cycle++) {
        bool want[5];
        for (bool &w : want)
            w = tb.coin(0.4);
        if (!tb.stalls) // every user in turn has the memory for itself
            for (int i = 0; i < 5; i++)
                want[i] = i == cycle % 3 || i == 3 + cycle % 2;
        d.res_req_valid_i = want[0], d.win_req_valid_i = want[1], d.cpu_req_valid_i = want[2];
        d.store_valid_i = want[3], d.cpu_wr_valid_i = want[4];
        d.res_req_addr_i = tb.random() % WORDS, d.win_req_addr_i = tb.random() % WORDS, d.cpu_req_addr_i = tb.random() % WORDS;
        d.store_addr_i = tb.random() % WORDS, d.cpu_wr_addr_i = tb.random() % WORDS;
        d.store_data_i = tb.random(), d.cpu_wr_data_i = tb.random();
        // A read and a write of one word in one cycle may give either: keep them apart, as the chip does.
        unsigned reading = want[0] ? d.res_req_addr_i : want[1] ? d.win_req_addr_i : d.cpu_req_addr_i;
        unsigned writing = want[3] ? d.store_addr_i : d.cpu_wr_addr_i;
        if (reading == writing)
            d.store_addr_i = d.cpu_wr_addr_i = writing = (reading + 1) % WORDS;
        tb.settle();
        TB_CHECK(tb, d.res_req_ready_o, "residual refused");
        TB_CHECK(tb, d.win_req_ready_o == !want[0], "window's ready");
        TB_CHECK(tb, d.cpu_req_ready_o == !(want[0] || want[1]), "processor's ready");
        TB_CHECK(tb, d.store_ready_o && d.cpu_wr_ready_o == !want[3], "write ready");
        int who = want[0] ? 0 : want[1] ? 1 : want[2] ? 2 : -1;
        if (who >= 0)
            expected[who].push_back({known[reading], model[reading]});
        if (want[3] || want[4])
            model[writing] = want[3] ? d.store_data_i : d.cpu_wr_data_i;
        tb.tick();
        const bool valid[3] = {(bool)d.res_rsp_valid_o, (bool)d.win_rsp_valid_o, (bool)d.cpu_rsp_valid_o};
        for (int i = 0; i < 3; i++) {
            if (!valid[i])
                continue;
            TB_CHECK(tb, !expected[i].empty(), "user %d: an answer nobody asked for", i);
            TB_CHECK(tb, d.rsp_data_o == expected[i].front().second, "user %d: got %016llx, want %016llx", i, (unsigned long long)d.rsp_data_o,
                     (unsigned long long)expected[i].front().second);
            expected[i].pop_front();
        }
        for (auto &queue : expected)
            TB_CHECK(tb, queue.size() <= 3, "an answer is missing");
    }
}

int main(int argc, char **argv) { return tb_main<Vact_memory>(argc, argv, "act_memory", run); }
