// SPDX-License-Identifier: Apache-2.0
// The insides of UsbHost, in the order in which they know each other: usb_transaction.cpp holds what a transaction is, usb_frame.cpp which one is next and
// what becomes of its transfer, usb_port.cpp the port and the wires, from which all events come.
#pragma once

#include <deque>
#include <map>

#include "usb_host.h"

struct Pipe {
    std::deque<Transfer *> queue;
    size_t packet_size = 64;
    bool toggle = false;
    unsigned errors = 0;     // failed transactions in a row
    unsigned naks = 0;       // in a row
    uint64_t not_before = 0; // after NAK
};

// Where the transaction under way is. GAP phases wait for `deadline` and then go on; OVER: settle() will see to its transfer.
enum class Phase { IDLE, SOF, TOKEN, DATA_GAP, DATA, ANSWER, ACK_GAP, ACK, OVER };
enum class Stage { SETUP, DATA, STATUS };

struct UsbHost::Impl {
    explicit Impl(const HostOptions &o) : options(o), random(o.seed) {}

    HostOptions options;
    std::mt19937_64 random;
    HostCounts counts;
    PacketFaults *faults = nullptr;
    uint64_t now = 0;

    // ---- port (usb_port.cpp) ----
    PortState port = PortState::DETACHED;
    DevicePins pins;
    bool driving = false;
    Line drive = LINE_J;
    uint64_t port_deadline = NEVER, detach_deadline = NEVER;
    bool suspend_wanted = false, resume_eop = false;

    void port_event();
    void pullup_changed();
    void detached(PortState state);
    void bus_reset();
    void enter_suspend();
    void begin_resume();
    void abandon();   // nothing is under way any more, all transfers end with GONE
    bool awake() const { return port == PortState::ENABLED || port == PortState::RECOVERING; }

    // ---- frames and transfers (usb_frame.cpp) ----
    uint8_t address = 0;
    uint16_t frame = 0;
    uint64_t next_sof = 0;
    std::map<uint8_t, Pipe> pipes;
    uint8_t last_served = 0;
    Stage stage = Stage::SETUP; // of the control transfer at the head of pipe 0
    bool control_toggle = false;

    void choose();    // nothing is under way and `deadline` has come
    void begin(Pipe &p, Transfer &t);
    void settle();    // after each event of the transaction: what it means for its transfer
    Pipe *next_pipe(uint64_t &earliest);
    bool is_in(const Transfer &t) const;
    std::vector<uint8_t> outgoing(const Transfer &t, const Pipe &pipe) const;
    void progress(size_t bytes); // the transaction's data were accepted
    void control_progress(Transfer &t, size_t bytes);
    void control_done(const Transfer &t);
    void end(Pipe &pipe, Transfer *t, TransferStatus status);
    void clear_toggles();

    // ---- a transaction (usb_transaction.cpp) ----
    Phase phase = Phase::IDLE;
    uint64_t deadline = NEVER;
    LineTransmitter tx;
    LineReceiver rx;
    Pipe *pipe = nullptr;
    Transfer *transfer = nullptr;
    bool cancelled = false; // the transfer under way
    Pid token = PID_OUT;
    bool toggle = false, intact = true; // intact: the host's last packet reached the device as it should
    std::vector<uint8_t> payload; // sent, or come
    size_t room = 0;        // of an IN: what the transfer may still take
    bool accepted = false;  // the payload was taken by its receiver
    TransferStatus verdict = TransferStatus::PENDING; // the transfer ends so

    double bit() const { return bit_ps(options.timing.ppm); }
    uint64_t bits(double n) const { return (uint64_t)(n * bit()); }
    uint64_t gap() { return bits(2 + std::uniform_real_distribution<>(0, options.gap_spread)(random)); }
    void note(const char *who, const std::vector<uint8_t> &bytes, const char *what) const; // into the log
    void send(const std::vector<uint8_t> &bytes, Phase as);
    void start(uint8_t endpoint);
    void sent();
    void waited();
    void packet();
    void answered(const std::vector<uint8_t> &bytes);
    void data_came(const std::vector<uint8_t> &bytes);
    void failed();
    void babbled();
    void over(uint64_t gap_ps);
};
