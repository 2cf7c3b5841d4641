// SPDX-License-Identifier: Apache-2.0
// Which transaction comes next, and what becomes of the transfer it belonged to. Chapters are those of USB 2.0.
#include "usb_host_impl.h"

#include <algorithm>
#include <utility>

static const double FRAME_BITS = 12000;
// No transaction may still be on the wires so many bit times before the frame's end (11.2.5: EOF1 at 32).
static const double GUARD_BITS = 32;
// After SET_ADDRESS the device has so long to listen to its new address (9.2.6.3).
static const uint64_t SET_ADDRESS_PS = 2'000'000'000;

enum { REQUEST_CLEAR_FEATURE = 1, REQUEST_SET_ADDRESS = 5, REQUEST_SET_CONFIGURATION = 9, REQUEST_SET_INTERFACE = 11 };

static uint8_t pipe_of(const Transfer &t)
{
    return t.kind == TransferKind::CONTROL ? 0 : t.endpoint;
}

void UsbHost::submit(Transfer *transfer)
{
    transfer->status = TransferStatus::PENDING;
    transfer->actual = 0;
    if (transfer->kind == TransferKind::BULK_IN || (transfer->kind == TransferKind::CONTROL && transfer->setup[0] & 0x80))
        transfer->data.clear();
    if (impl->port == PortState::UNPLUGGED || impl->port == PortState::DETACHED || impl->port == PortState::DEBOUNCING) {
        transfer->status = TransferStatus::GONE;
        if (transfer->on_end)
            transfer->on_end(*transfer);
        return;
    }
    impl->pipes[pipe_of(*transfer)].queue.push_back(transfer);
    if (impl->phase == Phase::IDLE && impl->awake())
        impl->deadline = std::min(impl->deadline, impl->now + impl->bits(2));
}

void UsbHost::cancel(Transfer *transfer)
{
    if (transfer->status != TransferStatus::PENDING)
        return;
    if (transfer == impl->transfer)
        impl->cancelled = true;
    else
        impl->end(impl->pipes[pipe_of(*transfer)], transfer, TransferStatus::CANCELLED);
}

// Control first, then the bulk pipes in turn. `earliest`: when one that now waits may be asked again.
Pipe *UsbHost::Impl::next_pipe(uint64_t &earliest)
{
    auto ready = [&](Pipe &p) {
        if (!p.queue.empty() && p.not_before > now)
            earliest = std::min(earliest, p.not_before);
        return !p.queue.empty() && p.not_before <= now;
    };
    if (ready(pipes[0]))
        return &pipes[0];
    Pipe *first = nullptr;
    for (auto &[number, p] : pipes) {
        if (number == 0 || !ready(p))
            continue;
        if (number > last_served) {
            last_served = number;
            return &p;
        }
        if (!first)
            first = &p;
    }
    if (first)
        last_served = pipe_of(*first->queue.front());
    return first;
}

// Bit times of a transaction from its token to its handshake, all gaps at their longest; what is not yet known with all stuffing.
static double cost(bool in, size_t packet_size, size_t out_bits)
{
    const double token = 35, gaps = 4 + 7.5 + 4 + 3, handshake = 19;
    return token + gaps + handshake + (in ? 19 + (double)(packet_size + 2) * 8 * 7 / 6 : (double)out_bits);
}

void UsbHost::Impl::choose()
{
    if (!awake()) {
        deadline = NEVER;
        return;
    }
    if (now + bits(1) >= next_sof) {
        send(sof_packet(frame++ & 0x7FF), Phase::SOF);
        counts.frames++;
        next_sof += bits(FRAME_BITS);
        return;
    }
    uint64_t earliest = next_sof;
    Pipe *p = port == PortState::ENABLED ? next_pipe(earliest) : nullptr;
    if (!p) {
        deadline = std::min(earliest, next_sof);
        return;
    }
    Transfer &t = *p->queue.front();
    std::vector<uint8_t> data = outgoing(t, *p);
    size_t out_bits = is_in(t) ? 0 : encode(data_packet(PID_DATA0, data.data(), data.size())).size();
    if (now + bits(cost(is_in(t), p->packet_size, out_bits) + GUARD_BITS) > next_sof)
        deadline = next_sof;
    else
        begin(*p, t);
}

void UsbHost::Impl::begin(Pipe &p, Transfer &t)
{
    pipe = &p;
    transfer = &t;
    cancelled = false;
    bool control = t.kind == TransferKind::CONTROL, setup = control && stage == Stage::SETUP;
    toggle = setup ? false : control ? control_toggle : p.toggle;
    payload = outgoing(t, p);
    token = setup ? PID_SETUP : is_in(t) ? PID_IN : PID_OUT;
    room = !control ? t.limit - t.actual : stage == Stage::STATUS ? 0 : (size_t)(t.setup[6] | t.setup[7] << 8) - t.actual;
    start(control ? 0 : t.endpoint & 15);
}

// A transfer's end may call its owner, who may submit again, and reset the bus or pull the cable: then nothing is under way any more.
void UsbHost::Impl::settle()
{
    TransferStatus ended = std::exchange(verdict, TransferStatus::PENDING);
    if (std::exchange(accepted, false)) {
        if (token == PID_IN)
            transfer->data.insert(transfer->data.end(), payload.begin(), payload.end());
        progress(payload.size());
    } else if (ended != TransferStatus::PENDING)
        end(*pipe, transfer, ended);
    if (phase != Phase::OVER)
        return;
    if (transfer && cancelled)
        end(*pipe, transfer, TransferStatus::CANCELLED);
    if (phase != Phase::OVER)
        return;
    phase = Phase::IDLE;
    pipe = nullptr;
    transfer = nullptr;
    cancelled = false;
}

// Direction of the next transaction.
bool UsbHost::Impl::is_in(const Transfer &t) const
{
    if (t.kind != TransferKind::CONTROL)
        return t.kind == TransferKind::BULK_IN;
    bool reads = t.setup[0] & 0x80, has_data = t.setup[6] || t.setup[7];
    return stage == Stage::DATA ? reads : stage == Stage::STATUS && !(reads && has_data);
}

// Data of the next transaction if it is SETUP or OUT.
std::vector<uint8_t> UsbHost::Impl::outgoing(const Transfer &t, const Pipe &p) const
{
    bool control = t.kind == TransferKind::CONTROL;
    if (control && stage == Stage::SETUP)
        return {t.setup.begin(), t.setup.end()};
    if (is_in(t) || (control && stage == Stage::STATUS))
        return {};
    auto from = t.data.begin() + (ptrdiff_t)t.actual;
    return {from, from + (ptrdiff_t)std::min(p.packet_size, t.data.size() - t.actual)};
}

void UsbHost::Impl::progress(size_t bytes)
{
    Transfer &t = *transfer;
    if (t.kind == TransferKind::CONTROL) {
        control_progress(t, bytes);
        return;
    }
    pipe->toggle = !pipe->toggle;
    t.actual += bytes;
    bool in = t.kind == TransferKind::BULK_IN, full = bytes == pipe->packet_size;
    (in ? counts.bytes_in : counts.bytes_out) += bytes;
    if (in ? !full || t.actual >= t.limit : t.actual == t.data.size() && !(full && t.zero_packet))
        end(*pipe, &t, TransferStatus::DONE);
}

void UsbHost::Impl::control_progress(Transfer &t, size_t bytes)
{
    size_t length = (size_t)t.setup[6] | (size_t)t.setup[7] << 8;
    if (stage == Stage::STATUS) {
        control_done(t);
        end(*pipe, &t, TransferStatus::DONE);
        return;
    }
    control_toggle = stage == Stage::SETUP ? true : !control_toggle;
    if (stage == Stage::DATA)
        t.actual += bytes;
    bool last = stage == Stage::SETUP ? length == 0 : t.actual >= length || bytes < pipe->packet_size;
    stage = last ? Stage::STATUS : Stage::DATA;
    if (last)
        control_toggle = true;
}

void UsbHost::Impl::control_done(const Transfer &t)
{
    if (t.setup[0] == 0x00 && t.setup[1] == REQUEST_SET_ADDRESS) {
        address = t.setup[2];
        pipes[0].not_before = now + SET_ADDRESS_PS;
    }
    if ((t.setup[0] == 0x00 && t.setup[1] == REQUEST_SET_CONFIGURATION) || (t.setup[0] == 0x01 && t.setup[1] == REQUEST_SET_INTERFACE))
        clear_toggles();
    if (t.setup[0] == 0x02 && t.setup[1] == REQUEST_CLEAR_FEATURE && t.setup[2] == 0)
        pipes[t.setup[4]].toggle = false;
}

void UsbHost::Impl::end(Pipe &p, Transfer *t, TransferStatus status)
{
    auto place = std::find(p.queue.begin(), p.queue.end(), t);
    if (place == p.queue.begin() && t->kind == TransferKind::CONTROL)
        stage = Stage::SETUP;
    if (place != p.queue.end())
        p.queue.erase(place);
    if (t == transfer) {
        transfer = nullptr;
        cancelled = false;
    }
    p.errors = 0;
    t->status = status;
    if (t->on_end)
        t->on_end(*t);
}

void UsbHost::Impl::clear_toggles()
{
    for (auto &p : pipes)
        p.second.toggle = false;
}
