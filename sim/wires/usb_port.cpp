// SPDX-License-Identifier: Apache-2.0
// The host's port: attach detection by the pull-up, reset, suspend, resume, and who drives the wires. Chapters are those of USB 2.0.
#include "usb_host_impl.h"

#include <algorithm>

static const uint64_t DETACH_PS = 2'500'000;   // SE0 for so long is a disconnect (7.1.7.3)
static const uint64_t RESUME_EOP_PS = 1'333'333; // two low-speed bit times of SE0 end a resume (7.1.7.7)

UsbHost::UsbHost(const HostOptions &options) : impl(std::make_unique<Impl>(options)) {}
UsbHost::~UsbHost() = default;
PortState UsbHost::state() const { return impl->port; }
bool UsbHost::attached() const { return impl->port > PortState::DEBOUNCING; }
uint8_t UsbHost::address() const { return impl->address; }
void UsbHost::set_address(uint8_t address) { impl->address = address; }
void UsbHost::set_packet_size(uint8_t endpoint, size_t bytes) { impl->pipes[endpoint].packet_size = bytes; }
void UsbHost::clear_toggles() { impl->clear_toggles(); }
const HostCounts &UsbHost::counts() const { return impl->counts; }
HostOptions &UsbHost::settings() { return impl->options; }
void UsbHost::inject(PacketFaults *faults) { impl->faults = faults; }
void UsbHost::at(uint64_t now_ps) { impl->now = now_ps; }

void UsbHost::reset_bus()
{
    if (state() != PortState::UNPLUGGED && state() != PortState::DETACHED && state() != PortState::DEBOUNCING)
        impl->bus_reset();
}

void UsbHost::suspend()
{
    if (!impl->awake())
        return;
    impl->suspend_wanted = true;
    if (impl->phase == Phase::IDLE)
        impl->enter_suspend();
}

void UsbHost::resume()
{
    impl->suspend_wanted = false;
    if (state() == PortState::SUSPENDED)
        impl->begin_resume();
}

void UsbHost::unplug()
{
    impl->detached(PortState::UNPLUGGED);
}

void UsbHost::plug()
{
    if (state() != PortState::UNPLUGGED)
        return;
    impl->port = PortState::DETACHED;
    impl->pullup_changed();
}

uint64_t UsbHost::next_event() const
{
    uint64_t wires = impl->tx.busy() ? impl->tx.next_event() : impl->deadline;
    return std::min({wires, impl->port_deadline, impl->detach_deadline});
}

void UsbHost::tick(uint64_t now_ps)
{
    Impl &i = *impl;
    i.now = now_ps;
    if (std::min(i.port_deadline, i.detach_deadline) <= now_ps)
        i.port_event();
    else if (i.tx.busy() && i.tx.next_event() <= now_ps) {
        i.drive = i.tx.take();
        i.driving = i.tx.busy();
        if (!i.driving) {
            i.sent();
            i.settle();
        }
    } else if (!i.tx.busy() && i.deadline <= now_ps) {
        if (i.phase != Phase::IDLE) {
            i.waited();
            i.settle();
        } else if (i.suspend_wanted)
            i.enter_suspend();
        else
            i.choose();
    }
}

void UsbHost::device_pins(uint64_t now_ps, const DevicePins &pins)
{
    Impl &i = *impl;
    i.now = now_ps;
    DevicePins before = i.pins;
    i.pins = pins;
    if (pins.pullup != before.pullup)
        i.pullup_changed();
    if (pins.oe && i.driving && i.port != PortState::UNPLUGGED)
        i.counts.contention += !before.oe;
    else if (i.phase == Phase::ANSWER && (pins.oe || before.oe) && i.rx.edge(now_ps, pins.oe ? pins.out : LINE_J, pins.oe)) {
        i.packet();
        i.settle();
    }
}

Line UsbHost::lines() const
{
    const Impl &i = *impl;
    if (i.driving && i.port != PortState::UNPLUGGED)
        return i.drive;
    if (i.pins.oe)
        return i.pins.out;
    return {i.pins.pullup, false}; // pull-up of the device against the host's pull-downs
}

void UsbHost::Impl::pullup_changed()
{
    if (port == PortState::UNPLUGGED || port == PortState::RESETTING)
        return;
    detach_deadline = NEVER;
    if (pins.pullup && port == PortState::DETACHED) {
        port = PortState::DEBOUNCING;
        port_deadline = now + options.attach_ps;
    } else if (!pins.pullup && port != PortState::DETACHED)
        detach_deadline = now + DETACH_PS;
}

void UsbHost::Impl::port_event()
{
    if (detach_deadline <= now) {
        detached(PortState::DETACHED);
        return;
    }
    port_deadline = NEVER;
    switch (port) {
    case PortState::DEBOUNCING:
        port = PortState::ATTACHED;
        break;
    case PortState::RESUMING:
        if (!resume_eop) {
            resume_eop = true;
            drive = LINE_SE0;
            port_deadline = now + RESUME_EOP_PS;
            break;
        }
        [[fallthrough]];
    case PortState::RESETTING:
        driving = resume_eop = false;
        if (!pins.pullup) {
            detached(PortState::DETACHED);
            break;
        }
        port = PortState::RECOVERING;
        port_deadline = now + options.recovery_ps;
        next_sof = now + bits(100);
        deadline = now + bits(10);
        break;
    case PortState::RECOVERING:
        port = PortState::ENABLED;
        if (phase == Phase::IDLE)
            deadline = now;
        break;
    default:
        break;
    }
}

void UsbHost::Impl::detached(PortState state)
{
    abandon();
    port = state;
    port_deadline = detach_deadline = NEVER;
    address = 0;
    clear_toggles();
    if (state == PortState::DETACHED)
        pullup_changed();
}

void UsbHost::Impl::bus_reset()
{
    note("host  ", {}, ": bus reset");
    abandon();
    address = 0;
    clear_toggles();
    port = PortState::RESETTING;
    port_deadline = now + options.reset_ps;
    detach_deadline = NEVER;
    driving = true;
    drive = LINE_SE0;
}

void UsbHost::Impl::enter_suspend()
{
    suspend_wanted = false;
    port = PortState::SUSPENDED;
    deadline = port_deadline = NEVER;
}

void UsbHost::Impl::begin_resume()
{
    port = PortState::RESUMING;
    driving = true;
    drive = LINE_K;
    resume_eop = false;
    port_deadline = now + options.resume_ps;
}

void UsbHost::Impl::abandon()
{
    tx.stop();
    rx.clear();
    driving = suspend_wanted = resume_eop = cancelled = false;
    drive = LINE_J;
    phase = Phase::IDLE;
    deadline = NEVER;
    pipe = nullptr;
    transfer = nullptr;
    port_deadline = NEVER;
    std::vector<Transfer *> all;
    for (auto &p : pipes) {
        all.insert(all.end(), p.second.queue.begin(), p.second.queue.end());
        p.second.queue.clear();
        p.second.errors = 0;
        p.second.not_before = 0;
    }
    stage = Stage::SETUP;
    for (Transfer *t : all) {
        t->status = TransferStatus::GONE;
        if (t->on_end)
            t->on_end(*t);
    }
}
