// SPDX-License-Identifier: Apache-2.0
// What a host's operating system and driver do with the model of usb_host.h: enumerate, configure, and a byte stream each way over the bulk endpoints.
// The functions here run the simulation until they have what they want.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "board.h"

constexpr uint64_t PS_PER_US = 1'000'000, PS_PER_MS = 1'000'000'000;

struct Descriptors {
    std::vector<uint8_t> device, configuration, bos, ms_os_20;
    std::string manufacturer, product, serial;
};

// A transfer, start to end; TIMEOUT also when the device only says NAK for so long (then it is cancelled).
TransferStatus transact(Board &board, Transfer &transfer, uint64_t limit_ps = 1000 * PS_PER_MS);
TransferStatus control(Board &board, uint8_t type, uint8_t request, uint16_t value, uint16_t index, std::vector<uint8_t> &data, uint16_t length);
TransferStatus control(Board &board, uint8_t type, uint8_t request, uint16_t value, uint16_t index);

// Wait until a device is attached and `state` is reached; false if it is not within `limit_ps`.
bool wait_for(Board &board, PortState state, uint64_t limit_ps);

// Reset, first look, address, descriptors, configuration: as Linux does it. "" or what went wrong.
std::string enumerate(Board &board, uint8_t address, Descriptors *descriptors = nullptr);
// The short form after a reset: address and configuration only.
std::string configure(Board &board, uint8_t address);
TransferStatus flush(Board &board); // QUSB_FLUSH

// Bytes over the two bulk endpoints, with transfers of `chunk` bytes, two in flight each way. write() queues; the rest happens as the board runs.
class Stream {
  public:
    explicit Stream(Board &board, size_t chunk = 16384);
    ~Stream();
    void write(const uint8_t *data, size_t size);
    std::vector<uint8_t> read();        // of transfers that have ended: a short packet ends one, as for a real driver
    size_t unsent() const;              // bytes not yet acknowledged by the device
    bool broken() const { return failed; } // a transfer ended otherwise than DONE
    TransferStatus why() const { return reason; }
    void stop();                        // cancels what is under way

  private:
    void pump_out();
    void pump_in();
    Board &board;
    size_t chunk;
    std::deque<std::vector<uint8_t>> waiting;
    std::vector<uint8_t> came;
    std::array<Transfer, 2> out, in;
    std::array<bool, 2> out_busy{}, in_busy{};
    size_t in_first = 0;
    bool failed = false, stopped = false;
    TransferStatus reason = TransferStatus::DONE;
};
