// SPDX-License-Identifier: Apache-2.0
// The insides of UsbHost: usb_port.cpp holds the port and the wires, usb_frame.cpp which transaction is next, usb_transaction.cpp what one is.
#pragma once

#include <deque>
#include <map>

#include "usb_host.h"
#include "usb_line.h"

struct Pipe {
    std::deque<Transfer *> queue;
    size_t packet_size = 64;
    bool toggle = false;
    unsigned errors = 0;     // failed transactions in a row
    unsigned naks = 0;       // in a row
    uint64_t not_before = 0; // after NAK
};

// Where the transaction under way is. GAP phases wait for `deadline` and then go on.
enum class Phase { IDLE, SOF, TOKEN, DATA_GAP, DATA, ANSWER, ACK_GAP, ACK };
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

    void choose();
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
    std::vector<uint8_t> payload;

    double bit() const { return bit_ps(options.timing.ppm); }
    uint64_t bits(double n) const { return (uint64_t)(n * bit()); }
    uint64_t gap() { return bits(2 + std::uniform_real_distribution<>(0, options.gap_spread)(random)); }
    void note(const char *who, const std::vector<uint8_t> &bytes, const char *what) const; // into the log
    void send(const std::vector<uint8_t> &bytes, Phase as);
    void begin(Pipe &p, Transfer &t);
    void sent();
    void waited();
    void packet();
    void answered(const std::vector<uint8_t> &bytes);
    void data_came(const std::vector<uint8_t> &bytes);
    void failed();
    void babbled();
    void idle(uint64_t gap_ps); // the transaction has ended
};
