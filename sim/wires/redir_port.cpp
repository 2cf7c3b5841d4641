// SPDX-License-Identifier: Apache-2.0
#include "redir_port.h"

namespace {
const uint8_t TO_DEVICE = 0x00, FROM_DEVICE = 0x80;
const uint8_t SET_ADDRESS = 5, GET_DESCRIPTOR = 6;
const uint16_t DEVICE = 1 << 8, CONFIGURATION = 2 << 8;
const uint16_t DEVICE_LENGTH = 18, CONFIGURATION_LIMIT = 255;
const uint16_t ADDRESS = 1; // the only device on this bus
const unsigned ATTEMPTS = 3; // bus resets before a device that does not answer is given up
} // namespace

std::array<uint8_t, 8> setup_packet(uint8_t type, uint8_t request, uint16_t value, uint16_t index, uint16_t length)
{
    auto low = [](uint16_t word) { return (uint8_t)word; };
    auto high = [](uint16_t word) { return (uint8_t)(word >> 8); };
    return {type, request, low(value), high(value), low(index), high(index), low(length), high(length)};
}

void RedirPort::plug(uint64_t now_ps)
{
    if (state_ != State::UNPLUGGED)
        return;
    host.plug();
    device.clear();
    configuration.clear();
    attempts = 0;
    deadline = now_ps + attach_limit_ps;
    state_ = State::ATTACHING;
}

void RedirPort::unplug()
{
    state_ = State::UNPLUGGED; // before the transfer under way ends with GONE
    host.unplug();
}

void RedirPort::reset()
{
    if (state_ != State::READY)
        return; // nobody there, or it is being reset already
    attempts = 0;
    start_reset();
}

void RedirPort::start_reset()
{
    state_ = State::RESETTING;
    host.reset_bus();
}

void RedirPort::ask(State next, uint8_t type, uint8_t request, uint16_t value, uint16_t length)
{
    state_ = next;
    transfer = Transfer();
    transfer.setup = setup_packet(type, request, value, 0, length);
    host.submit(&transfer);
}

void RedirPort::give_up(const std::string &why)
{
    problem_ = why;
    state_ = State::SILENT;
}

void RedirPort::step(uint64_t now_ps)
{
    switch (state_) {
    case State::ATTACHING:
        if (host.state() == PortState::ATTACHED)
            start_reset();
        else if (now_ps > deadline)
            give_up("no pull-up on D+");
        break;
    case State::RESETTING:
        if (host.ready())
            ask(State::ADDRESSING, TO_DEVICE, SET_ADDRESS, ADDRESS, 0);
        break;
    case State::ADDRESSING:
    case State::READING_DEVICE:
    case State::READING_CONFIGURATION:
        answered();
        break;
    case State::READY:
        if (!host.ready()) {
            deadline = now_ps + attach_limit_ps; // the device itself took its pull-up away
            state_ = State::ATTACHING;
        }
        break;
    case State::UNPLUGGED:
    case State::SILENT:
        break;
    }
}

// Go on where the answer to the request of this state has come.
void RedirPort::answered()
{
    if (transfer.status == TransferStatus::PENDING)
        return;
    if (transfer.status != TransferStatus::DONE) {
        if (++attempts < ATTEMPTS)
            start_reset();
        else
            give_up("no answer to the requests of the enumeration");
    } else if (state_ == State::ADDRESSING && device.empty()) {
        ask(State::READING_DEVICE, FROM_DEVICE, GET_DESCRIPTOR, DEVICE, DEVICE_LENGTH);
    } else if (state_ == State::READING_DEVICE) {
        if (transfer.data.size() != DEVICE_LENGTH)
            return give_up("the device descriptor has " + std::to_string(transfer.data.size()) + " bytes");
        device = transfer.data;
        ask(State::READING_CONFIGURATION, FROM_DEVICE, GET_DESCRIPTOR, CONFIGURATION, CONFIGURATION_LIMIT);
    } else {
        if (state_ == State::READING_CONFIGURATION)
            configuration = transfer.data;
        if (configuration.size() < 9 || configuration.size() != (size_t)(configuration[2] | configuration[3] << 8))
            return give_up("the configuration descriptor has " + std::to_string(configuration.size()) + " bytes");
        state_ = State::READY;
    }
}
