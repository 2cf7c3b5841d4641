// SPDX-License-Identifier: Apache-2.0
// bulk_out: packets as usb_device hands them on, good, damaged, repeated, too long, without a token or between those of others, against a model of
// USB 2.0 chapter 8; the stream must be the payload of the accepted packets. Restart, cleared toggle and hold in between.
// verilator: -GDEPTH_LOG2=8
#include "Vbulk_out.h"
#include "tb.h"
#include <deque>
#include <vector>

enum Answer { NONE, ACK, NAK };

struct Bench {
    Tb<Vbulk_out> &tb;
    Vbulk_out &d;
    std::deque<uint8_t> want;
    bool toggle = false, waited = false; // of the device
    uint8_t before = 0;
    double take = 1;
    Answer answer = NONE;
    int in_ring = 0, refused = 0;

    explicit Bench(Tb<Vbulk_out> &bench) : tb(bench), d(bench.dut) {}

    void clock()
    {
        d.out_ready_i = take > 0 && tb.coin(take);
        tb.settle();
        bool quiet = !d.hold_i && !d.restart_i;
        TB_CHECK(tb, !waited || !quiet || (d.out_valid_o && d.out_data_o == before), "the stream changed while stalled");
        waited = d.out_valid_o && !d.out_ready_i && quiet;
        before = d.out_data_o;
        if (d.out_valid_o && d.out_ready_i && quiet) {
            TB_CHECK(tb, !want.empty() && d.out_data_o == want.front(), "byte %02x, want %02x (%d expected)", d.out_data_o, want.empty() ? 0 : want.front(), (int)want.size());
            want.pop_front();
        }
        TB_CHECK(tb, !(d.ack_o && d.nak_o), "two answers");
        if (d.ack_o || d.nak_o) {
            TB_CHECK(tb, answer == NONE, "a second answer");
            answer = d.ack_o ? ACK : NAK;
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
    void token()
    {
        wait(tb.between(0, 20));
        strobe(d.packet_end_i);
        tb.settle();
        in_ring = (int)want.size() - d.out_valid_o; // one more byte is in the stream's register
        strobe(d.out_token_i);
    }
    // A packet on the wires; `good`: DATA with the right CRC. Returns what the endpoint answered.
    Answer data(const std::vector<uint8_t> &bytes, bool data1, bool good)
    {
        answer = NONE;
        wait(tb.between(8, 20));
        d.packet_i = 1;
        wait(tb.between(30, 200));
        d.rx_toggle_i = data1;
        for (uint8_t b : bytes) {
            d.rx_valid_i = 1;
            d.rx_data_i = b;
            clock();
            d.rx_valid_i = 0;
            wait(tb.stalls ? tb.between(0, 8) : 3);
        }
        d.packet_i = 0;
        strobe(d.packet_end_i);
        d.rx_good_i = good;
        clock();
        d.rx_good_i = 0;
        wait(2);
        if (good)
            strobe(d.rx_answer_i);
        wait(3);
        return answer;
    }
    void expect(Answer got, Answer wanted, const char *what)
    {
        static const char *const names[] = {"no answer", "ACK", "NAK"};
        TB_CHECK(tb, got == wanted, "%s: %s, want %s", what, names[got], names[wanted]);
    }
    std::vector<uint8_t> payload(int length)
    {
        std::vector<uint8_t> bytes(length);
        for (uint8_t &b : bytes)
            b = (uint8_t)tb.random();
        return bytes;
    }
    // The right packet, offered until it is taken. Its bytes may leave in the clocks after the ACK, so they are expected before it.
    void send(int length)
    {
        std::vector<uint8_t> bytes = payload(length);
        for (;;) {
            token();
            bool room = in_ring <= 256 - 64;
            want.insert(want.end(), bytes.begin(), bytes.end());
            Answer got = data(bytes, toggle, true);
            expect(got, room ? ACK : NAK, "packet");
            if (got == ACK)
                break;
            want.erase(want.end() - length, want.end());
            refused++;
            wait(100);
        }
        toggle = !toggle;
    }
};

static void run(Tb<Vbulk_out> &tb)
{
    Bench b(tb);
    auto &d = b.d;
    d.restart_i = d.clear_i = d.hold_i = d.out_token_i = d.packet_i = d.packet_end_i = d.rx_valid_i = d.rx_good_i = d.rx_answer_i = d.out_ready_i = 0;
    tb.reset();
    for (int i = 0; i < 3000; i++) {
        if (i % 16 == 0) // a slow chip now and then
            b.take = tb.coin(0.3) && tb.stalls ? 0.01 : 0.2 + 0.8 * tb.uniform();
        int length = (int)tb.between(0, 3) ? 64 : (int)tb.between(0, 64);
        switch (tb.between(0, 15)) {
        case 0: // damaged
            b.token();
            b.expect(b.data(b.payload(length), b.toggle, false), NONE, "damaged packet");
            break;
        case 1: // repeated: the host has not heard the ACK
            b.token();
            b.expect(b.data(b.payload(length), !b.toggle, true), ACK, "repeated packet");
            break;
        case 2: // too long
            b.token();
            b.expect(b.data(b.payload(65 + (int)tb.between(0, 80)), b.toggle, true), NONE, "packet too long");
            break;
        case 3: // no token of ours before it
            b.expect(b.data(b.payload(length), b.toggle, true), NONE, "data without a token");
            break;
        case 4: // token, then another packet, then data
            b.token();
            b.expect(b.data({}, b.toggle, false), NONE, "token of another");
            b.expect(b.data(b.payload(length), b.toggle, true), NONE, "data after the token of another");
            break;
        case 9: // the data after the token gets lost, and the token of the next data packet
            b.token();
            b.wait(100 + (int)tb.between(0, 100));
            b.expect(b.data(b.payload(length), b.toggle, true), NONE, "data too late");
            break;
        case 5: // the token twice
            b.token();
            b.send(length);
            break;
        case 6:
            b.wait(3);
            if (tb.coin(0.2)) {
                b.strobe(d.clear_i);
                b.toggle = false;
            }
            break;
        case 7:
            if (tb.coin(0.2)) {
                b.strobe(d.restart_i);
                b.want.clear();
                b.toggle = false;
            }
            break;
        case 8:
            if (tb.coin(0.2)) {
                d.hold_i = 1;
                b.wait(5);
                b.want.clear();
                b.token();
                b.expect(b.data(b.payload(length), b.toggle, true), NAK, "packet in hold");
                d.hold_i = 0;
                b.waited = false;
                TB_CHECK(tb, !d.out_valid_o, "bytes after a hold");
            }
            break;
        default:
            b.send(length);
        }
    }
    b.take = 1;
    b.wait(600);
    TB_CHECK(tb, b.want.empty(), "%d bytes are missing", (int)b.want.size());
    if (tb.stalls)
        TB_CHECK(tb, b.refused > 100, "only %d packets met a full ring", b.refused);
    // At full speed, with the chip reading, no packet is refused.
    if (!tb.stalls)
        TB_CHECK(tb, b.refused == 0, "%d packets refused", b.refused);
}

int main(int argc, char **argv) { return tb_main<Vbulk_out>(argc, argv, "bulk_out", run); }
