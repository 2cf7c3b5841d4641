// SPDX-License-Identifier: Apache-2.0
// The host model's encoder and decoder against packets known from elsewhere, and against each other through edges with jitter.
// Known values: USB-IF's white paper "Cyclic Redundancy Checks in USB", and the first packets that any host sends.
#include <cstdio>
#include <random>
#include <string>

#include "usb_line.h"
#include "usb_packet.h"

static unsigned failures;

static void check(bool right, const char *what)
{
    printf("%s %s\n", right ? "ok  " : "FAIL", what);
    failures += !right;
}

static std::string text(const std::vector<Line> &symbols)
{
    std::string result;
    for (Line s : symbols)
        result += s == LINE_J ? 'J' : s == LINE_K ? 'K' : s == LINE_SE0 ? '0' : '1';
    return result;
}

static std::vector<Line> body(std::vector<Line> symbols)
{
    symbols.resize(symbols.size() - 3); // without EOP, behind an idle bit, as the receiver hands it on
    symbols.insert(symbols.begin(), LINE_J);
    return symbols;
}

static void known_values()
{
    check(crc5(0x15 | 0xE << 7) == 0x1D && crc5(0x3A | 0xA << 7) == 0x07 && crc5(0x70 | 0x4 << 7) == 0x0E && crc5(0x001) == 0x1D, "CRC5: the white paper's four");
    const uint8_t a[] = {0, 1, 2, 3}, b[] = {0x23, 0x45, 0x67, 0x89};
    check(crc16(a, 4) == 0x7AEF && crc16(b, 4) == 0x1C0E && crc16(nullptr, 0) == 0, "CRC16: the white paper's two, and no data");
    check(token_packet(PID_SETUP, 0, 0) == std::vector<uint8_t>({0x2D, 0x00, 0x10}), "SETUP to address 0");
    const uint8_t get_descriptor[] = {0x80, 0x06, 0x00, 0x01, 0x00, 0x00, 0x40, 0x00};
    check(data_packet(PID_DATA0, get_descriptor, 8) == std::vector<uint8_t>({0xC3, 0x80, 0x06, 0x00, 0x01, 0x00, 0x00, 0x40, 0x00, 0xDD, 0x94}), "GET_DESCRIPTOR of Windows");
    check(text(encode({pid_byte(PID_ACK)})) == "KJKJKJKKJJKJJKKK00J", "ACK on the wires");
    check(text(encode({0xFF, 0xFF})) == "KJKJKJKKKKKKKJJJJJJJKKKKKK00J", "stuffing counts SYNC's last bit");
    check(text(encode({0xFC})) == "KJKJKJKKJKKKKKKKJ00J", "stuffing behind the last bit");
}

static void there_and_back()
{
    std::mt19937_64 random(1);
    bool same = true, runs = true;
    for (int n = 0; n < 3000; n++) {
        std::vector<uint8_t> data(random() % 65), bytes;
        for (uint8_t &byte : data)
            byte = random() % 3 ? (uint8_t)random() : 0xFF;
        std::vector<uint8_t> packet = data_packet(n % 2 ? PID_DATA1 : PID_DATA0, data.data(), data.size());
        std::vector<Line> symbols = encode(packet);
        runs &= text(symbols).find("JJJJJJJJ") == std::string::npos && text(symbols).find("KKKKKKKK") == std::string::npos;
        same &= decode(body(symbols), bytes) == Decoded::GOOD && bytes == packet;
    }
    check(same, "3000 data packets decode to what was encoded");
    check(runs, "no level lasts longer than seven bits");
}

static void errors_are_seen()
{
    std::mt19937_64 random(2);
    std::vector<uint8_t> data(64), bytes;
    unsigned missed = 0, tried = 0;
    for (int n = 0; n < 40; n++) {
        for (uint8_t &byte : data)
            byte = (uint8_t)random();
        std::vector<Line> symbols = body(encode(data_packet(PID_DATA0, data.data(), data.size())));
        for (size_t i = 9; i < symbols.size(); i++, tried++) {
            std::vector<Line> wrong = symbols;
            wrong[i] = wrong[i] == LINE_J ? LINE_K : LINE_J;
            missed += decode(wrong, bytes) == Decoded::GOOD;
        }
    }
    // A wrong symbol that moves stuffed bits looks random to the CRC: one in 65536 passes.
    check(missed <= 2, ("wrong symbols: " + std::to_string(missed) + " of " + std::to_string(tried) + " unnoticed").c_str());
    std::vector<Line> ack = body(encode({pid_byte(PID_ACK)}));
    ack.push_back(LINE_J);
    check(decode(ack, bytes) == Decoded::NOT_BYTES, "a bit too many");
    check(decode(body(encode({0xD3})), bytes) == Decoded::BAD_PID, "PID that is not its own complement");
    check(decode(body(encode({0x2D, 0x00, 0x18})), bytes) == Decoded::BAD_CRC, "CRC5 off by a bit");
    check(decode({LINE_J, LINE_K, LINE_J}, bytes) == Decoded::BAD_SYNC, "no SYNC");
}

// Through edges in time and the ideal clock recovery, at the limits of jitter and frequency.
static void through_time()
{
    std::mt19937_64 random(3);
    bool same = true;
    uint64_t now = 1'000'000;
    for (int n = 0; n < 500; n++) {
        BitTiming timing{n % 2 ? 2500.0 : -2500.0, 4500, n % 4 < 2 ? 4700 : -4700, 0};
        std::vector<uint8_t> data(random() % 65), bytes;
        for (uint8_t &byte : data)
            byte = (uint8_t)random();
        std::vector<uint8_t> packet = data_packet(PID_DATA0, data.data(), data.size());
        LineTransmitter tx;
        LineReceiver rx;
        LineCounts counts;
        tx.start(now, encode(packet), timing, random);
        bool whole = false;
        uint64_t first = 0, at = 0;
        while (tx.busy()) {
            at = tx.next_event();
            Line line = tx.take();
            first = first ? first : at;
            whole = whole || rx.edge(at, line, tx.busy() || line != LINE_J);
        }
        double bits = (double)(tx.eop_ps() - first) / bit_ps(timing.ppm);
        same &= whole && decode(rx.symbols(counts), bytes) == Decoded::GOOD && bytes == packet && std::abs(bits - (double)(encode(packet).size() - 1)) < 0.3;
        now = at + 1'000'000;
    }
    check(same, "500 packets through edges with the greatest jitter and offset");
}

int main()
{
    known_values();
    there_and_back();
    errors_are_seen();
    through_time();
    return failures != 0;
}
