// SPDX-License-Identifier: Apache-2.0
// bulk_in: a host that asks, loses acknowledgements, acknowledges others, clears toggles, restarts and flushes; it keeps the toggle as USB 2.0 chapter 8
// says, and what it accepts must be the bytes put in, in packets that end a transfer when the stream pauses.
// verilator: -GIDLE=40 -GSLOTS_LOG2=1
#include "Vbulk_in.h"
#include "tb.h"
#include <deque>
#include <vector>

struct Bench {
    Tb<Vbulk_in> &tb;
    Vbulk_in &d;
    std::deque<uint8_t> inside; // taken by the endpoint, not yet accepted by the host
    bool offered = false, toggle = false; // toggle: the host expects this
    uint8_t word = 0;
    double offer = 0, ready = 1;
    int budget = -1; // bytes that may still be offered; -1: no limit
    bool nak = false, started = false, ended = false, empty = false;
    std::vector<uint8_t> packet;
    bool packet_toggle = false;
    uint64_t quiet = 0; // clocks since a byte went in
    int packets = 0, repeats = 0, empties = 0, naks = 0;
    bool last_full = false, may_be_empty = false;

    explicit Bench(Tb<Vbulk_in> &bench) : tb(bench), d(bench.dut) {}

    void clock()
    {
        if (!offered && budget && offer > 0 && tb.coin(offer)) {
            budget -= budget > 0;
            offered = true;
            word = (uint8_t)tb.random();
        }
        d.in_valid_i = offered;
        d.in_data_i = word;
        tb.settle();
        if (offered && d.in_ready_o && !d.restart_i) {
            TB_CHECK(tb, !d.hold_i, "a byte was taken in hold");
            inside.push_back(word);
            offered = false;
            quiet = 0;
        } else
            quiet++;
        nak |= d.nak_o;
        TB_CHECK(tb, !d.nak_o || d.in_token_i, "NAK without a token");
        // the transmitter of LUNA: `last` without `first` is an empty packet
        d.tx_ready_i = 0;
        if (d.tx_valid_o && !started && !ended) {
            if (d.tx_first_o)
                started = true;
            else {
                TB_CHECK(tb, d.tx_last_o, "a packet without a beginning");
                empty = ended = true;
            }
            packet_toggle = d.tx_toggle_o;
        } else if (started && tb.coin(ready)) {
            TB_CHECK(tb, d.tx_valid_o, "a packet with a hole");
            TB_CHECK(tb, d.tx_first_o == packet.empty(), "first at byte %d", (int)packet.size());
            TB_CHECK(tb, packet_toggle == d.tx_toggle_o, "toggle changes in a packet");
            d.tx_ready_i = 1;
            tb.settle();
            packet.push_back(d.tx_data_o);
            if (d.tx_last_o) {
                started = false;
                ended = true;
            }
        }
        tb.tick();
    }
    void wait(int clocks)
    {
        while (clocks-- > 0)
            clock();
    }
    void strobe(CData &signal)
    {
        signal = 1;
        clock();
        signal = 0;
    }
    void other_packet() // a packet that has nothing to do with us
    {
        strobe(d.packet_end_i);
        wait(2);
    }
    // An IN transaction. Returns false on NAK; else the packet is in `packet`.
    bool ask()
    {
        nak = started = ended = empty = false;
        packet.clear();
        strobe(d.packet_end_i);
        clock();
        strobe(d.in_token_i);
        for (int i = 0; i < 3 && !nak && !started && !ended; i++)
            clock();
        if (nak) {
            naks++;
            TB_CHECK(tb, !started && !ended, "NAK and data");
            return false;
        }
        for (int i = 0; i < 5000 && !ended; i++)
            clock();
        TB_CHECK(tb, ended, "no answer");
        wait(tb.between(1, 10));
        return true;
    }
    void acknowledge()
    {
        strobe(d.packet_end_i);
        strobe(d.host_ack_i);
        clock();
    }
    // What a host does with a packet; `heard`: its ACK reaches the device.
    void accept(bool heard)
    {
        if (packet_toggle == toggle) {
            TB_CHECK(tb, packet.size() <= inside.size(), "%d bytes, %d were put in", (int)packet.size(), (int)inside.size());
            for (uint8_t b : packet) {
                TB_CHECK(tb, b == inside.front(), "got %02x, want %02x", b, inside.front());
                inside.pop_front();
            }
            TB_CHECK(tb, !packet.empty() || last_full || may_be_empty, "an empty packet that ends nothing");
            empties += packet.empty();
            last_full = packet.size() == 64;
            may_be_empty = false;
            toggle = !toggle;
            packets++;
        } else
            repeats++;
        if (heard)
            acknowledge();
    }
};

static void run(Tb<Vbulk_in> &tb)
{
    Bench b(tb);
    auto &d = b.d;
    d.restart_i = d.clear_i = d.hold_i = d.in_token_i = d.packet_end_i = d.host_ack_i = d.tx_ready_i = d.in_valid_i = 0;
    tb.reset();
    for (int i = 0; i < 6000; i++) {
        if (i % 8 == 0) {
            b.offer = tb.coin(0.3) && tb.stalls ? 0 : tb.coin(0.3) && tb.stalls ? 0.01 : 0.1 + 0.9 * tb.uniform();
            b.ready = 0.1 + 0.9 * tb.uniform();
        }
        switch (tb.between(0, 19)) {
        case 0: // the host's ACK gets lost: the same packet comes again
            if (b.ask()) {
                b.accept(false);
                auto first = b.packet;
                if (tb.coin(0.5))
                    b.other_packet();
                TB_CHECK(tb, b.ask() && b.packet == first && b.packet_toggle != b.toggle, "the packet did not come again");
                b.accept(true);
            }
            break;
        case 1: // the packet gets lost, and the next packet is the ACK of another
            if (b.ask()) {
                auto first = b.packet;
                b.other_packet();
                b.acknowledge();
                TB_CHECK(tb, b.ask() && b.packet == first && b.packet_toggle == b.toggle, "taken for acknowledged");
                b.accept(true);
            }
            break;
        case 6: // a transfer of whole packets
            b.offer = 0.5 + 0.5 * tb.uniform();
            b.wait(10);
            b.budget = (64 - ((int)b.inside.size() + b.offered) % 64) % 64 + 64 * (int)tb.between(0, 2);
            [[fallthrough]];
        case 2: // pause: everything comes out, the end of the transfer included
            if (b.budget < 0)
                b.offer = 0;
            b.wait(500);
            while (b.ask()) {
                b.accept(true);
                b.wait(500);
            }
            TB_CHECK(tb, b.inside.empty() && (b.offered || !b.last_full), "%d bytes stay inside, last packet full: %d", (int)b.inside.size(), b.last_full);
            b.budget = -1;
            break;
        case 3:
            if (tb.coin(0.2)) {
                b.strobe(d.clear_i);
                b.toggle = false;
            }
            break;
        case 4: // bus reset, perhaps after a packet without ACK
            if (tb.coin(0.2)) {
                if (tb.coin(0.5) && b.ask())
                    b.accept(false);
                b.strobe(d.restart_i);
                b.inside.clear();
                b.toggle = b.last_full = b.may_be_empty = false;
            }
            break;
        case 5: // flush, perhaps after a packet whose ACK, or which itself, got lost
            if (tb.coin(0.3)) {
                bool lost = tb.coin(0.5) && b.ask();
                if (lost && tb.coin(0.5))
                    b.accept(false);
                b.other_packet();
                d.hold_i = 1;
                b.wait(5);
                d.hold_i = 0;
                b.inside.clear();
                b.last_full = false;
                b.may_be_empty = lost; // in its place: the host may have it already
                if (lost) {
                    TB_CHECK(tb, b.ask() && b.packet.empty(), "after a flush: %d bytes", (int)b.packet.size());
                    b.accept(true);
                }
            }
            break;
        default:
            b.wait(tb.between(0, 200));
            if (b.ask())
                b.accept(true);
        }
    }
    TB_CHECK(tb, b.packets > 1000 && b.repeats > 50 && b.empties > 20 && b.naks > 50, "too little happened: %d packets, %d repeats, %d empty, %d NAK", b.packets, b.repeats, b.empties, b.naks);
}

int main(int argc, char **argv) { return tb_main<Vbulk_in>(argc, argv, "bulk_in", run); }
