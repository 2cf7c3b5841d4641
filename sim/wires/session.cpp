// SPDX-License-Identifier: Apache-2.0
// Enumeration and byte streams; the contract is in session.h. Request numbers are those of USB 2.0, table 9-4 and 9-5.
#include "session.h"

#include <algorithm>
#include <utility>

#include "quell_usb.h"

enum { GET_DESCRIPTOR = 6, SET_ADDRESS = 5, SET_CONFIGURATION = 9 };
enum { DEVICE = 1, CONFIGURATION = 2, STRING = 3, BOS = 15 };
static const uint16_t ENGLISH = 0x0409;
static const uint64_t STEP_PS = 20 * PS_PER_US; // how often the waiting functions look

TransferStatus transact(Board &board, Transfer &transfer, uint64_t limit_ps)
{
    const uint64_t end = board.now() + limit_ps;
    board.host().submit(&transfer);
    while (transfer.status == TransferStatus::PENDING && board.now() < end)
        board.run_for(STEP_PS);
    if (transfer.status == TransferStatus::PENDING) {
        board.host().cancel(&transfer);
        while (transfer.status == TransferStatus::PENDING)
            board.run_for(STEP_PS);
        return transfer.status == TransferStatus::CANCELLED ? TransferStatus::TIMEOUT : transfer.status;
    }
    return transfer.status;
}

TransferStatus control(Board &board, uint8_t type, uint8_t request, uint16_t value, uint16_t index, std::vector<uint8_t> &data, uint16_t length)
{
    Transfer t;
    t.setup = {type, request, (uint8_t)value, (uint8_t)(value >> 8), (uint8_t)index, (uint8_t)(index >> 8), (uint8_t)length, (uint8_t)(length >> 8)};
    t.data = data;
    TransferStatus status = transact(board, t);
    data = t.data;
    return status;
}

TransferStatus control(Board &board, uint8_t type, uint8_t request, uint16_t value, uint16_t index)
{
    std::vector<uint8_t> none;
    return control(board, type, request, value, index, none, 0);
}

bool wait_for(Board &board, PortState state, uint64_t limit_ps)
{
    for (const uint64_t end = board.now() + limit_ps; board.now() < end; board.run_for(STEP_PS))
        if (board.host().state() == state)
            return true;
    return false;
}

static TransferStatus descriptor(Board &board, uint8_t type, uint8_t index, uint16_t language, uint16_t length, std::vector<uint8_t> &data)
{
    data.clear();
    return control(board, 0x80, GET_DESCRIPTOR, (uint16_t)(type << 8 | index), language, data, length);
}

static std::string text(Board &board, uint8_t index)
{
    std::vector<uint8_t> data;
    std::string result;
    if (!index || descriptor(board, STRING, index, ENGLISH, 255, data) != TransferStatus::DONE)
        return "";
    for (size_t i = 2; i + 1 < data.size(); i += 2)
        result += (char)data[i]; // Quell's are ASCII
    return result;
}

static bool reset_and_wait(Board &board)
{
    const HostOptions &o = board.host().settings();
    board.host().reset_bus();
    return wait_for(board, PortState::ENABLED, o.reset_ps + o.recovery_ps + 20 * PS_PER_MS);
}

std::string configure(Board &board, uint8_t address)
{
    if (control(board, 0, SET_ADDRESS, address, 0) != TransferStatus::DONE)
        return "SET_ADDRESS failed";
    if (control(board, 0, SET_CONFIGURATION, QUSB_CONFIGURATION, 0) != TransferStatus::DONE)
        return "SET_CONFIGURATION failed";
    return "";
}

static std::string long_descriptor(Board &board, uint8_t type, size_t header, std::vector<uint8_t> &data)
{
    if (descriptor(board, type, 0, 0, (uint16_t)header, data) != TransferStatus::DONE || data.size() != header)
        return "descriptor " + std::to_string(type) + ": no answer";
    size_t length = (size_t)data[2] | (size_t)data[3] << 8;
    if (descriptor(board, type, 0, 0, (uint16_t)length, data) != TransferStatus::DONE || data.size() != length)
        return "descriptor " + std::to_string(type) + ": too short";
    return "";
}

std::string enumerate(Board &board, uint8_t address, Descriptors *found)
{
    Descriptors d;
    UsbHost &host = board.host();
    if (!host.attached() && !wait_for(board, PortState::ATTACHED, host.settings().attach_ps + 50 * PS_PER_MS))
        return "no device is attached";
    if (!reset_and_wait(board))
        return "no device after reset";
    // Size of endpoint 0, from a request longer than the answer; then once more from the start.
    if (descriptor(board, DEVICE, 0, 0, 64, d.device) != TransferStatus::DONE || d.device.size() < 8)
        return "no device descriptor";
    host.set_packet_size(0, d.device[7]);
    if (!reset_and_wait(board))
        return "no device after the second reset";
    if (control(board, 0, SET_ADDRESS, address, 0) != TransferStatus::DONE)
        return "SET_ADDRESS failed";
    if (descriptor(board, DEVICE, 0, 0, 18, d.device) != TransferStatus::DONE || d.device.size() != 18)
        return "no device descriptor at the new address";
    std::string problem = long_descriptor(board, CONFIGURATION, 9, d.configuration);
    if (problem.empty() && (d.device[3] << 8 | d.device[2]) > 0x0200)
        problem = long_descriptor(board, BOS, 5, d.bos);
    if (!problem.empty())
        return problem;
    d.manufacturer = text(board, d.device[14]);
    d.product = text(board, d.device[15]);
    d.serial = text(board, d.device[16]);
    control(board, 0xC0, QUSB_MS_OS_20, 0, 7, d.ms_os_20, 1024);
    if (control(board, 0, SET_CONFIGURATION, d.configuration[5], 0) != TransferStatus::DONE)
        return "SET_CONFIGURATION failed";
    if (found)
        *found = d;
    return "";
}

TransferStatus flush(Board &board)
{
    return control(board, QUSB_REQUEST_TYPE_FLUSH, QUSB_FLUSH, 0, QUSB_INTERFACE);
}

// ---- byte streams ---------------------------------------------------------------------------------------------------------------------------

Stream::Stream(Board &board, size_t chunk) : board(board), chunk(chunk)
{
    pump_in();
}

Stream::~Stream()
{
    stop();
}

void Stream::stop()
{
    stopped = true;
    for (auto *both : {&out, &in})
        for (Transfer &t : *both)
            board.host().cancel(&t);
    auto pending = [&] { return out_busy[0] || out_busy[1] || in_busy[0] || in_busy[1]; };
    while (pending())
        board.run_for(STEP_PS);
}

void Stream::write(const uint8_t *data, size_t size)
{
    for (size_t at = 0; at < size; at += chunk)
        waiting.emplace_back(data + at, data + std::min(size, at + chunk));
    pump_out();
}

void Stream::pump_out()
{
    for (size_t i = 0; i < 2 && !waiting.empty() && !failed && !stopped; i++) {
        if (out_busy[i])
            continue;
        Transfer &t = out[i];
        t.kind = TransferKind::BULK_OUT;
        t.endpoint = QUSB_ENDPOINT_OUT;
        t.data = std::move(waiting.front());
        waiting.pop_front();
        t.on_end = [this, i](Transfer &ended) {
            out_busy[i] = false;
            if (ended.status != TransferStatus::DONE && !stopped) {
                failed = true;
                reason = ended.status;
            }
            pump_out();
        };
        out_busy[i] = true;
        board.host().submit(&t);
    }
}

void Stream::pump_in()
{
    for (size_t n = 0; n < 2 && !failed && !stopped; n++) {
        size_t i = (in_first + n) % 2;
        if (in_busy[i])
            continue;
        Transfer &t = in[i];
        t.kind = TransferKind::BULK_IN;
        t.endpoint = QUSB_ENDPOINT_IN;
        t.limit = chunk;
        t.on_end = [this, i](Transfer &ended) {
            came.insert(came.end(), ended.data.begin(), ended.data.end());
            in_busy[i] = false;
            in_first = 1 - i;
            if (ended.status != TransferStatus::DONE && !stopped) {
                failed = true;
                reason = ended.status;
            }
            pump_in();
        };
        in_busy[i] = true;
        board.host().submit(&t);
    }
}

std::vector<uint8_t> Stream::read()
{
    return std::exchange(came, {});
}

size_t Stream::unsent() const
{
    size_t sum = 0;
    for (const auto &w : waiting)
        sum += w.size();
    for (size_t i = 0; i < 2; i++)
        sum += out_busy[i] ? out[i].data.size() - out[i].actual : 0;
    return sum;
}
