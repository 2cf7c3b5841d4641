// SPDX-License-Identifier: Apache-2.0
// post against qa_post: frames with and without residual, factors of 24 bits and their extremes, ties, clamps; the residual memory answers late
// and in bursts.
#include "Vpost.h"
#include "tb.h"
#include <deque>
extern "C" {
#include "arith.h"
}

static uint64_t memory[1 << 16];

static void frame(Tb<Vpost> &tb, int words)
{
    auto &d = tb.dut;
    int z_res = tb.between(-128, 127), z_y = tb.between(-128, 127), lo = tb.between(-128, 127), hi = tb.between(lo, 127);
    if (tb.between(0, 1))
        lo = -128, hi = 127;
    auto factor = [&]() -> uint32_t {
        switch (tb.between(0, 5)) {
        case 0: return 0x800000 >> tb.between(0, 2); // ties
        case 1: return tb.between(0, 1) ? 0xffffff : (uint32_t)tb.between(0, 1) << tb.between(16, 18);
        case 2: return tb.between(0, 0xffffff);
        default: return tb.between(0x800000, 0xffffff);
        }
    };
    uint32_t a = factor(), b = factor();
    unsigned s = tb.between(0, 3) ? tb.between(21, 25) : tb.between(1, 31);
    if (tb.between(0, 3) == 0) // sums that end close to a tie: the factors' last bits decide
        a = 0x800000, b = (1u << tb.between(0, 16)) + tb.between(-1, 1), s = 24;
    bool extreme = tb.between(0, 3) == 0;
    int residual = tb.between(0, 2) != 0, address = tb.between(0, 65535), total = words * 4;
    d.cfg_residual_i = residual;
    d.cfg_res_addr_i = address;
    // words of a pixel and those of other slices between two pixels
    int run = tb.between(1, tb.between(0, 1) ? 3 : 200), skip = tb.between(0, 1) ? 0 : tb.between(0, 4095);
    d.cfg_out_c8_i = run;
    d.cfg_slice_skip_i = skip;
    auto place = [&](int word) { return (address + word + word / run * skip) & 65535; };
    d.cfg_z_res_i = z_res & 255;
    d.cfg_z_y_i = z_y & 255;
    d.cfg_post_a_i = a;
    d.cfg_post_b_i = b;
    d.cfg_post_shift_i = s;
    d.cfg_lo_i = lo & 255;
    d.cfg_hi_i = hi & 255;
    d.words_i = words;
    d.start_i = 1;
    tb.tick();
    d.start_i = 0;
    std::deque<uint16_t> want;
    std::deque<std::pair<uint64_t, uint64_t>> answers; // not before cycle, data
    bool have = false;
    int requests = 0, latency = tb.stalls ? 20 : 2;
    uint64_t begin = tb.cycle;
    for (int sent = 0, received = 0; received < total;) {
        if (!have && sent < total && tb.coin(0.7)) {
            have = true;
            d.in_data_i = tb.random() & 0x3ffff;
            if (extreme && tb.coin(0.7))
                d.in_data_i = tb.between(0, 1) ? 0x100 << 9 | 0xff : 0xff << 9 | 0x100; // -256 and 255
        }
        d.in_valid_i = have;
        d.out_ready_i = tb.coin(0.8);
        d.res_req_ready_i = tb.coin(0.5);
        d.res_rsp_valid_i = !answers.empty() && answers.front().first <= tb.cycle && tb.coin(0.5);
        if (d.res_rsp_valid_i) {
            d.res_rsp_data_i = answers.front().second;
            answers.pop_front();
        }
        tb.settle();
        if (d.res_req_valid_o && d.res_req_ready_i) {
            TB_CHECK(tb, residual && d.res_req_addr_o == place(requests) && requests < words, "request %d for %04x", requests, d.res_req_addr_o);
            answers.push_back({tb.cycle + latency, memory[d.res_req_addr_o]});
            requests++;
        }
        if (d.out_valid_o && d.out_ready_i) {
            TB_CHECK(tb, !want.empty() && d.out_data_o == want.front(), "pair %d: got %04x, want %04x", received, d.out_data_o, want.front());
            want.pop_front();
            received++;
        }
        if (d.in_valid_i && d.in_ready_o) {
            uint16_t word = 0;
            for (int i = 0; i < 2; i++) {
                int32_t r = residual ? (int8_t)(memory[place(sent / 4)] >> (16 * (sent & 3) + 8 * i)) : z_res;
                word |= (uint16_t)((uint8_t)qa_post((int32_t)((uint32_t)d.in_data_i >> 9 * i << 23) >> 23, r - z_res, a, b, s, z_y, lo, hi) << 8 * i);
            }
            want.push_back(word);
            have = false;
            sent++;
        }
        tb.tick();
    }
    TB_CHECK(tb, requests == (residual ? words : 0), "%d requests", requests);
    d.in_valid_i = 0;
    if (!tb.stalls)
        TB_CHECK(tb, tb.cycle - begin <= (uint64_t)total + 20, "%d pairs took %d cycles", total, (int)(tb.cycle - begin));
}

static void run(Tb<Vpost> &tb)
{
    auto &d = tb.dut;
    for (auto &w : memory)
        w = tb.random();
    d.start_i = d.in_valid_i = d.res_req_ready_i = d.res_rsp_valid_i = d.out_ready_i = 0;
    tb.reset();
    for (int i = 0; i < 300; i++)
        frame(tb, tb.between(1, 150));
}

int main(int argc, char **argv) { return tb_main<Vpost>(argc, argv, "post", run); }
