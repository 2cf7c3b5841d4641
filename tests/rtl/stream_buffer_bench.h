// SPDX-License-Identifier: Apache-2.0
// The bench of a stream buffer (skid_buffer, stream_fifo): order and data kept, one beat a clock, latency 1, data stable while stalled.
#pragma once
#include "tb.h"
#include <deque>

template <class Dut> void stream_buffer_phase(Tb<Dut> &tb, int total, double offer, double take)
{
    auto &d = tb.dut;
    std::deque<uint16_t> want;
    bool have = false, waited = false;
    uint16_t before = 0;
    uint64_t begin = tb.cycle;
    for (int sent = 0, received = 0; received < total;) {
        if (!have && sent < total && tb.coin(offer)) {
            have = true;
            d.in_data_i = (uint16_t)tb.random();
        }
        d.in_valid_i = have;
        d.out_ready_i = tb.coin(take);
        tb.settle();
        TB_CHECK(tb, !waited || (d.out_valid_o && d.out_data_o == before), "beat %d changed while stalled", received);
        TB_CHECK(tb, d.out_valid_o == !want.empty(), "valid %d with %d inside", d.out_valid_o, (int)want.size());
        waited = d.out_valid_o && !d.out_ready_i;
        before = d.out_data_o;
        if (d.out_valid_o && d.out_ready_i) {
            TB_CHECK(tb, d.out_data_o == want.front(), "beat %d: got %04x, want %04x", received, d.out_data_o, want.front());
            want.pop_front();
            received++;
        }
        if (d.in_valid_i && d.in_ready_o) {
            want.push_back(d.in_data_i);
            have = false;
            sent++;
        }
        tb.tick();
    }
    d.in_valid_i = 0;
    if (!tb.stalls)
        TB_CHECK(tb, tb.cycle - begin == (uint64_t)total + 1, "%d beats took %d cycles", total, (int)(tb.cycle - begin));
}

template <class Dut> void run_stream_buffer(Tb<Dut> &tb)
{
    tb.dut.in_valid_i = tb.dut.out_ready_i = 0;
    tb.reset();
    for (int i = 0; i < 60; i++)
        stream_buffer_phase(tb, 200, 0.1 + 0.9 * tb.uniform(), 0.1 + 0.9 * tb.uniform());
}
