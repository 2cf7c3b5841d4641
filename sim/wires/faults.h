// SPDX-License-Identifier: Apache-2.0
// Faults on single packets, for the campaign: one is armed, waits for its moment, strikes once.
#pragma once

#include <random>
#include <string>
#include <vector>

#include "usb_host.h"

// TRANSPARENT faults must be repaired by USB's own retries, unseen by the session; after the others the host begins a new session.
enum class Fault {
    // a packet of the host, as it reaches the device
    TOKEN_CRC5, DATA_CRC16, HOST_BIT, TOKEN_LOST, DATA_LOST, ACK_LOST_AT_DEVICE, CUT_WITH_EOP, CUT_WITHOUT_EOP, TOO_LONG, BAD_PID, SOF_LOST, SOF_DAMAGED, NOISE,
    // a packet of the device, as it reaches the host
    ACK_LOST_AT_HOST, DEVICE_BIT, DATA_LOST_AT_HOST, DATA_REPEATED,
    SUSPEND,
    // what ends a session
    THREE_ERRORS, BABBLE, BUS_RESET, UNPLUG, CANCEL, CONFIGURE_AGAIN, CUT_MESSAGE,
    COUNT
};
constexpr Fault FIRST_PORT_FAULT = Fault::SUSPEND, FIRST_SESSION_FAULT = Fault::THREE_ERRORS;
const char *fault_name(Fault fault);
inline bool is_packet_fault(Fault f) { return f < FIRST_PORT_FAULT || f == Fault::THREE_ERRORS || f == Fault::BABBLE; }

class Injector : public PacketFaults {
  public:
    explicit Injector(std::mt19937_64 &random) : random(random) {}
    void arm(Fault fault, unsigned packets); // strikes at the first packet that fits, after so many others that would have fitted
    bool armed() const { return active; }
    bool struck() const { return done; }
    void disarm() { active = done = false; }

    void sending(HostPacket &packet) override;
    bool hearing(std::vector<Line> &symbols) override;

  private:
    bool due();
    bool fits(const HostPacket &packet) const;
    void change(HostPacket &packet);
    size_t below(size_t limit) { return std::uniform_int_distribution<size_t>(0, limit - 1)(random); }
    std::mt19937_64 &random;
    Fault fault = Fault::COUNT;
    bool active = false, done = false;
    unsigned wait = 0, strikes = 0;
    uint8_t last_pid = 0;  // of the host's packet that the device answers
};
