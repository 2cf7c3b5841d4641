// SPDX-License-Identifier: Apache-2.0
// What each packet fault does to the symbols; the contract is in faults.h.
#include "faults.h"

#include <algorithm>

#include "quell_usb.h"

const char *fault_name(Fault fault)
{
    static const char *const NAMES[] = {"token_crc5", "data_crc16", "host_bit_error", "token_lost", "data_lost", "ack_lost_at_device", "cut_with_eop", "cut_without_eop", "packet_too_long", "bad_pid", "sof_lost",
                                        "sof_damaged", "noise", "ack_lost_at_host", "device_bit_error", "data_lost_at_host", "data_repeated", "suspend_resume", "three_errors", "babble", "bus_reset", "unplug_replug",
                                        "cancel", "configured_again", "message_cut"};
    static_assert(sizeof NAMES / sizeof *NAMES == (size_t)Fault::COUNT, "a name for every fault");
    return NAMES[(size_t)fault];
}

static unsigned pid(const std::vector<uint8_t> &bytes) { return bytes[0] & 15; }
static bool is_data(unsigned p) { return p == PID_DATA0 || p == PID_DATA1; }
static bool is_token(unsigned p) { return p == PID_OUT || p == PID_IN || p == PID_SETUP; }

void Injector::arm(Fault f, unsigned packets)
{
    fault = f;
    wait = packets;
    active = true;
    done = false;
    strikes = f == Fault::THREE_ERRORS ? 6 : f == Fault::DATA_REPEATED ? 2 : 1; // six in a row are three on one of the two pipes
}

bool Injector::due()
{
    if (wait) {
        wait--;
        return false;
    }
    done = true;
    active = --strikes > 0;
    return true;
}

bool Injector::fits(const HostPacket &packet) const
{
    unsigned p = pid(packet.bytes);
    switch (fault) {
    case Fault::TOKEN_CRC5: case Fault::TOKEN_LOST: return is_token(p);
    case Fault::DATA_CRC16: case Fault::DATA_LOST: case Fault::TOO_LONG: return is_data(p);
    case Fault::ACK_LOST_AT_DEVICE: return p == PID_ACK;
    case Fault::SOF_LOST: case Fault::SOF_DAMAGED: return p == PID_SOF;
    case Fault::HOST_BIT: case Fault::CUT_WITH_EOP: case Fault::CUT_WITHOUT_EOP: case Fault::BAD_PID: case Fault::NOISE: return p != PID_SOF;
    default: return false;
    }
}

void Injector::sending(HostPacket &packet)
{
    if (pid(packet.bytes) != PID_SOF && pid(packet.bytes) != PID_ACK)
        last_pid = (uint8_t)pid(packet.bytes);
    if (active && fits(packet) && due())
        change(packet);
}

void Injector::change(HostPacket &packet)
{
    std::vector<uint8_t> &b = packet.bytes;
    std::vector<Line> &s = packet.symbols;
    const size_t sync = 8, eop = 3;
    switch (fault) {
    case Fault::TOKEN_CRC5: case Fault::SOF_DAMAGED:
        b.back() ^= (uint8_t)(8u << below(5)); // the CRC's five bits
        s = encode(b);
        break;
    case Fault::DATA_CRC16:
        b[b.size() - 1 - below(2)] ^= (uint8_t)(1u << below(8));
        s = encode(b);
        break;
    case Fault::BAD_PID:
        b[0] ^= (uint8_t)(1u << below(8));
        s = encode(b);
        break;
    case Fault::HOST_BIT: { // one wrong symbol behind SYNC, or a single-ended one
        Line &symbol = s[sync + below(s.size() - sync - eop)];
        Line wrong[] = {symbol == LINE_J ? LINE_K : LINE_J, LINE_SE1, symbol == LINE_J ? LINE_K : LINE_J};
        symbol = wrong[below(3)];
        break;
    }
    case Fault::CUT_WITH_EOP:
        s.resize(sync + below(s.size() - sync - eop));
        s.insert(s.end(), {LINE_SE0, LINE_SE0, LINE_J});
        break;
    case Fault::CUT_WITHOUT_EOP:
        s.resize(1 + below(s.size() - eop));
        break;
    case Fault::TOO_LONG: { // valid but for its length
        std::vector<uint8_t> longer(b.begin() + 1, b.end() - 2);
        longer.resize(QUSB_PACKET_SIZE + 1 + below(200));
        for (size_t i = b.size() - 3; i < longer.size(); i++)
            longer[i] = (uint8_t)random();
        s = encode(data_packet((Pid)pid(b), longer.data(), longer.size()));
        break;
    }
    case Fault::NOISE: // nothing that makes sense, for as long as the packet
        for (Line &symbol : s)
            symbol = below(2) ? LINE_J : LINE_K;
        break;
    default:
        packet.drop = true;
    }
}

bool Injector::hearing(std::vector<Line> &symbols)
{
    std::vector<uint8_t> bytes;
    if (!active || decode(symbols, bytes) != Decoded::GOOD)
        return true;
    unsigned p = pid(bytes);
    switch (fault) {
    case Fault::ACK_LOST_AT_HOST: case Fault::DATA_REPEATED: return !(p == PID_ACK && last_pid != PID_SETUP && due());
    case Fault::DATA_LOST_AT_HOST: return !(is_data(p) && due());
    case Fault::THREE_ERRORS: return !due();
    case Fault::DEVICE_BIT:
        if (due()) {
            Line &symbol = symbols[10 + below(symbols.size() - 10)];
            symbol = symbol == LINE_J ? LINE_K : LINE_J;
        }
        return true;
    case Fault::BABBLE:
        if (is_data(p) && due()) { // the device's transmitter goes on
            std::vector<uint8_t> longer(QUSB_PACKET_SIZE + 1 + below(100));
            symbols = encode(data_packet((Pid)p, longer.data(), longer.size()));
            symbols.resize(symbols.size() - 3);
        }
        return true;
    default: return true;
    }
}
