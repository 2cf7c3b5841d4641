// SPDX-License-Identifier: Apache-2.0
// Bits on the wires; the contract is in usb_packet.h. Chapters are those of USB 2.0.
#include "usb_packet.h"

uint8_t pid_byte(Pid pid)
{
    return (uint8_t)(pid | (~pid & 15) << 4);
}

// x^5 + x^2 + 1, least significant bit first, starts with ones, sent inverted (8.3.5.1).
uint8_t crc5(uint16_t eleven_bits)
{
    unsigned crc = 0x1F;
    for (int bit = 0; bit < 11; bit++) {
        bool feedback = ((eleven_bits >> bit) ^ crc) & 1;
        crc = crc >> 1 ^ (feedback ? 0x14 : 0);
    }
    return (uint8_t)(crc ^ 0x1F);
}

// x^16 + x^15 + x^2 + 1, as above (8.3.5.2).
uint16_t crc16(const uint8_t *data, size_t length)
{
    unsigned crc = 0xFFFF;
    for (size_t i = 0; i < length; i++) {
        crc ^= data[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? 0xA001 : 0);
    }
    return (uint16_t)(crc ^ 0xFFFF);
}

static std::vector<uint8_t> eleven_bit_packet(Pid pid, uint16_t bits)
{
    unsigned both = bits | crc5(bits) << 11;
    return {pid_byte(pid), (uint8_t)both, (uint8_t)(both >> 8)};
}

std::vector<uint8_t> token_packet(Pid pid, uint8_t address, uint8_t endpoint)
{
    return eleven_bit_packet(pid, (uint16_t)((address & 0x7F) | (endpoint & 15) << 7));
}

std::vector<uint8_t> sof_packet(uint16_t frame)
{
    return eleven_bit_packet(PID_SOF, frame & 0x7FF);
}

std::vector<uint8_t> data_packet(Pid pid, const uint8_t *data, size_t length)
{
    std::vector<uint8_t> bytes{pid_byte(pid)};
    bytes.insert(bytes.end(), data, data + length);
    uint16_t crc = crc16(data, length);
    bytes.push_back((uint8_t)crc);
    bytes.push_back((uint8_t)(crc >> 8));
    return bytes;
}

// A 0 changes the level, a 1 keeps it; after six ones a 0 is stuffed, also behind the last bit (7.1.8, 7.1.9). SYNC is KJKJKJKK (7.1.10), and its last
// bit counts as the first one.
std::vector<Line> encode(const std::vector<uint8_t> &bytes)
{
    std::vector<Line> symbols;
    Line level = LINE_J;
    unsigned ones = 0;
    auto put = [&](bool bit) {
        if (!bit)
            level = level == LINE_J ? LINE_K : LINE_J;
        symbols.push_back(level);
        ones = bit ? ones + 1 : 0;
    };
    auto put_byte = [&](uint8_t byte) {
        for (int bit = 0; bit < 8; bit++) {
            put(byte >> bit & 1);
            if (ones == 6)
                put(false);
        }
    };
    put_byte(0x80);
    for (uint8_t byte : bytes)
        put_byte(byte);
    symbols.insert(symbols.end(), {LINE_SE0, LINE_SE0, LINE_J});
    return symbols;
}

static Decoded check(const std::vector<uint8_t> &bytes)
{
    unsigned pid = bytes[0] & 15;
    if ((bytes[0] >> 4 ^ pid) != 15)
        return Decoded::BAD_PID;
    switch (pid) {
    case PID_ACK: case PID_NAK: case PID_STALL:
        return bytes.size() == 1 ? Decoded::GOOD : Decoded::BAD_LENGTH;
    case PID_OUT: case PID_IN: case PID_SETUP: case PID_SOF: {
        if (bytes.size() != 3)
            return Decoded::BAD_LENGTH;
        unsigned both = bytes[1] | bytes[2] << 8;
        return crc5(both & 0x7FF) == both >> 11 ? Decoded::GOOD : Decoded::BAD_CRC;
    }
    case PID_DATA0: case PID_DATA1: {
        if (bytes.size() < 3)
            return Decoded::BAD_LENGTH;
        size_t length = bytes.size() - 3;
        unsigned sent = bytes[length + 1] | bytes[length + 2] << 8;
        return crc16(bytes.data() + 1, length) == sent ? Decoded::GOOD : Decoded::BAD_CRC;
    }
    default:
        return Decoded::BAD_PID;
    }
}

Decoded decode(const std::vector<Line> &symbols, std::vector<uint8_t> &bytes)
{
    bytes.clear();
    // A receiver may miss the beginning of SYNC; its end, KK after J, is what counts.
    size_t at = 1;
    while (at < symbols.size() && !(at >= 2 && symbols[at] == LINE_K && symbols[at - 1] == LINE_K && symbols[at - 2] == LINE_J))
        at++;
    if (at >= symbols.size())
        return Decoded::BAD_SYNC;
    unsigned ones = 1, count = 0, byte = 0;
    Line level = LINE_K;
    for (at++; at < symbols.size(); at++) {
        if (symbols[at] != LINE_J && symbols[at] != LINE_K)
            return Decoded::BAD_STUFFING;
        bool bit = symbols[at] == level;
        level = symbols[at];
        if (ones == 6) { // a stuffed bit
            if (bit)
                return Decoded::BAD_STUFFING;
            ones = 0;
            continue;
        }
        ones = bit ? ones + 1 : 0;
        byte |= (unsigned)bit << count % 8;
        if (++count % 8 == 0) {
            bytes.push_back((uint8_t)byte);
            byte = 0;
        }
    }
    if (count % 8 != 0 || bytes.empty())
        return Decoded::NOT_BYTES;
    return check(bytes);
}
