// SPDX-License-Identifier: Apache-2.0
// A full-speed USB host at the level of D+ and D-: port (attach, reset, suspend, resume), frames with SOF, transfers cut into transactions with
// toggles, handshakes, time-outs and retries as USB 2.0 chapter 8 prescribes. It never blocks: it is advanced by the simulated clock (board.h),
// transfers are queued with submit() and have ended once their status is not PENDING any more.
// Times are picoseconds of simulated time.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <memory>
#include <vector>

#include "usb_line.h"

enum class TransferKind { CONTROL, BULK_OUT, BULK_IN };

// TIMEOUT: three transactions in a row failed (no answer, or a damaged one). GONE: reset, suspend or unplugging took the device away.
// BABBLE: more data than asked for, or a transmission beyond the frame's end; the endpoint's queue is kept, the toggle is not advanced.
enum class TransferStatus { PENDING, DONE, STALL, BABBLE, TIMEOUT, CANCELLED, GONE };

struct Transfer {
    TransferKind kind = TransferKind::CONTROL;
    uint8_t endpoint = 0;               // 0x01, 0x81; 0 for CONTROL
    std::array<uint8_t, 8> setup{};     // CONTROL only; its direction bit and wLength rule the data stage
    std::vector<uint8_t> data;          // OUT: what is to be sent; IN: what has come so far
    size_t limit = 0;                   // BULK_IN: ends after so many bytes, or at a short packet
    bool zero_packet = false;           // BULK_OUT: a multiple of the packet size is closed by an empty packet
    TransferStatus status = TransferStatus::PENDING;
    size_t actual = 0;                  // bytes acknowledged
    std::function<void(Transfer &)> on_end; // called once, when status has left PENDING; may submit again
};

struct HostOptions {
    uint64_t seed = 1;
    BitTiming timing;
    uint64_t attach_ps = 100'000'000'000; // debounce before a device counts as attached (100 ms, 7.1.7.3)
    uint64_t reset_ps = 10'000'000'000;   // SE0 of a bus reset
    uint64_t resume_ps = 20'000'000'000;  // K of a resume
    uint64_t recovery_ps = 10'000'000'000; // after reset or resume before the first transaction
    uint64_t nak_ps = 20'000'000;         // an endpoint that said NAK is asked again after this, after the next one after twice that, up to 8 times
    FILE *log = nullptr;                  // every packet on the wires, one a line
    bool ignore_toggles = false, ignore_crc = false; // a broken host, to see that the tests notice
    double gap_spread = 2;                // bit times by which the host's own gaps exceed the least ones of 2 (7.1.18), at most, random
};

// ATTACHED: a device is there and waits for reset_bus(). UNPLUGGED: unplug() was called.
enum class PortState { UNPLUGGED, DETACHED, DEBOUNCING, ATTACHED, RESETTING, RECOVERING, ENABLED, SUSPENDED, RESUMING };

// What the campaign may do to a single packet. Default: nothing.
class PacketFaults {
  public:
    virtual ~PacketFaults() = default;
    virtual void sending(HostPacket &) {}                       // may change the symbols, or drop the packet
    virtual bool hearing(std::vector<Line> &) { return true; }  // a packet of the device as the host sampled it; false: the host does not hear it
};

struct HostCounts : LineCounts {
    uint64_t frames = 0, transactions = 0, naks = 0, naks_out = 0, stalls = 0, no_answer = 0, bad_packets = 0, repeated_in = 0, babble = 0;
    uint64_t bytes_out = 0, bytes_in = 0;
    // The device against the standard: its answer came outside 2...7.5 bit times (7.1.18), it drove while the host drove.
    uint64_t device_packets = 0, bad_turnaround = 0, contention = 0;
    double turnaround_bits = 0; // sum
};

class UsbHost {
  public:
    explicit UsbHost(const HostOptions &options);
    ~UsbHost();

    // ---- transfers (the caller owns them until they have ended) ----
    void submit(Transfer *transfer);
    void cancel(Transfer *transfer); // ends at once, or at the end of the transaction under way

    // ---- port; none of these waits, state() tells how far it is. Pending transfers end with GONE (but suspend() keeps them). ----
    void reset_bus();  // the address becomes 0, toggles are cleared
    void suspend();    // no more SOF; a transaction under way ends first
    void resume();
    void unplug();     // the cable is pulled: the device sees its own pull-up only; its board keeps its power
    void plug();
    PortState state() const;
    bool attached() const; // the pull-up has been seen for the debounce time
    bool ready() const { return state() == PortState::ENABLED; }

    // ---- addressing: noted by the host itself when SET_ADDRESS, SET_CONFIGURATION, SET_INTERFACE or CLEAR_FEATURE(HALT) succeed ----
    uint8_t address() const;
    void set_address(uint8_t address);
    void set_packet_size(uint8_t endpoint, size_t bytes); // 64 unless told
    void clear_toggles();

    const HostCounts &counts() const;
    HostOptions &settings();           // changes hold from the next packet on
    void inject(PacketFaults *faults); // nullptr: none

    // ---- the wires: called by Board ----
    void at(uint64_t now_ps);                                  // the time at which the next calls are made
    uint64_t next_event() const;                               // when tick() wants to be called; may be in the past: at once
    void tick(uint64_t now_ps);
    void device_pins(uint64_t now_ps, const DevicePins &pins); // on every change of the device's pins
    Line lines() const;                                        // what the device sees on D+ and D-

  private:
    struct Impl;
    std::unique_ptr<Impl> impl;
};
