// SPDX-License-Identifier: Apache-2.0
// Keeps the device on the simulated wires where QEMU expects a redirected device to be: attached, reset, with an address, its descriptors known.
// QEMU never forwards SET_ADDRESS and asks for a bus reset with a message of its own, so both are done here. Nothing blocks: step() is called
// between stretches of simulated time.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "usb_host.h"

// The eight bytes that begin a control transfer (USB 2.0, 9.3).
std::array<uint8_t, 8> setup_packet(uint8_t type, uint8_t request, uint16_t value, uint16_t index, uint16_t length);

class RedirPort {
  public:
    // SILENT: it did not answer, or not as a device that can be redirected; problem() says how. Only plugging it in again helps.
    enum class State { UNPLUGGED, ATTACHING, RESETTING, ADDRESSING, READING_DEVICE, READING_CONFIGURATION, READY, SILENT };

    explicit RedirPort(UsbHost &host, uint64_t attach_limit_ps) : host(host), attach_limit_ps(attach_limit_ps) {}
    void plug(uint64_t now_ps);
    void unplug();
    void reset();               // some steps later the device is READY again, with an address and without a configuration
    void step(uint64_t now_ps);

    State state() const { return state_; }
    bool moving() const { return state_ != State::UNPLUGGED && state_ != State::READY && state_ != State::SILENT; }
    const std::string &problem() const { return problem_; }
    const std::vector<uint8_t> &device_descriptor() const { return device; }
    const std::vector<uint8_t> &configuration_descriptor() const { return configuration; }

  private:
    void start_reset();
    void ask(State next, uint8_t type, uint8_t request, uint16_t value, uint16_t length);
    void answered();
    void give_up(const std::string &why);

    UsbHost &host;
    uint64_t attach_limit_ps;
    State state_ = State::UNPLUGGED;
    std::string problem_;
    std::vector<uint8_t> device, configuration;
    Transfer transfer;
    uint64_t deadline = 0;
    unsigned attempts = 0;
};
