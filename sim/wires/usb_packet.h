// SPDX-License-Identifier: Apache-2.0
// Packets of full-speed USB as bits on the wires: CRC5, CRC16, NRZI, bit stuffing, SYNC and EOP, both ways.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

// What a wire pair carries. J (idle of full speed): D+ high, D- low.
struct Line {
    bool dp = false, dn = false;
    bool operator==(const Line &o) const { return dp == o.dp && dn == o.dn; }
    bool operator!=(const Line &o) const { return !(*this == o); }
};
constexpr Line LINE_J{true, false}, LINE_K{false, true}, LINE_SE0{false, false}, LINE_SE1{true, true};

// The device's pins: its driver, and its pull-up on D+.
struct DevicePins {
    bool oe = false;
    Line out;
    bool pullup = false;
    bool operator==(const DevicePins &o) const { return oe == o.oe && out == o.out && pullup == o.pullup; }
};

enum Pid : uint8_t { PID_OUT = 1, PID_IN = 9, PID_SOF = 5, PID_SETUP = 13, PID_DATA0 = 3, PID_DATA1 = 11, PID_ACK = 2, PID_NAK = 10, PID_STALL = 14 };

// A packet that the host sends: one entry of `symbols` a bit time, SYNC to the J of the EOP.
struct HostPacket {
    std::vector<uint8_t> bytes;  // PID with its complement, payload, CRC
    std::vector<Line> symbols;
    bool drop = false;           // a fault: nothing is sent, the bus stays idle for that time
};

uint8_t pid_byte(Pid pid);
uint8_t crc5(uint16_t eleven_bits);                          // of address and endpoint, or of the frame number
uint16_t crc16(const uint8_t *data, size_t length);

std::vector<uint8_t> token_packet(Pid pid, uint8_t address, uint8_t endpoint);
std::vector<uint8_t> sof_packet(uint16_t frame);
std::vector<uint8_t> data_packet(Pid pid, const uint8_t *data, size_t length);

std::vector<Line> encode(const std::vector<uint8_t> &bytes); // SYNC, stuffed NRZI, SE0 SE0 J

enum class Decoded { GOOD, BAD_SYNC, BAD_STUFFING, NOT_BYTES, BAD_PID, BAD_CRC, BAD_LENGTH };
// Bits between idle and SE0, sampled once a bit time, back to bytes; GOOD only if PID and CRC are right.
Decoded decode(const std::vector<Line> &symbols, std::vector<uint8_t> &bytes);
