// SPDX-License-Identifier: Apache-2.0
// One transaction: token, data, handshake, and what the host does when one of them is missing or damaged. What it came to is left in `accepted` and
// `verdict` for usb_frame.cpp. Chapters are those of USB 2.0.
#include "usb_host_impl.h"

#include <algorithm>

// The host gives up 16 to 18 bit times after its own EOP (8.7.2); so long it also stays silent after a damaged packet.
static const double TIMEOUT_BITS = 17;
static const unsigned MAX_ERRORS = 3; // failed transactions in a row end a transfer, as in EHCI's and xHCI's error counters
static const double TURNAROUND_MIN = 2, TURNAROUND_MAX = 7.5;
static const double EOF_BITS = 10; // a device that still sends then babbles (11.2.5, EOF2)

void UsbHost::Impl::note(const char *who, const std::vector<uint8_t> &bytes, const char *what) const
{
    static const char *const PIDS[] = {"0", "OUT", "ACK", "DATA0", "4", "SOF", "6", "7", "8", "IN", "NAK", "DATA1", "12", "SETUP", "STALL", "15"};
    if (!options.log)
        return;
    fprintf(options.log, "%.3f us %s %s", (double)now * 1e-6, who, bytes.empty() ? "nothing" : PIDS[bytes[0] & 15]);
    for (size_t i = 1; i < bytes.size(); i++)
        fprintf(options.log, " %02x", bytes[i]);
    fprintf(options.log, "%s\n", what);
}

void UsbHost::Impl::send(const std::vector<uint8_t> &bytes, Phase as)
{
    HostPacket packet{bytes, encode(bytes), false};
    if (faults)
        faults->sending(packet);
    if (packet.drop)
        packet.symbols.assign(packet.symbols.size(), LINE_J);
    intact = packet.symbols == encode(bytes);
    note("host  ", bytes, packet.drop ? " (lost)" : intact ? "" : " (damaged)");
    tx.start(now, packet.symbols, options.timing, random);
    driving = !packet.drop;
    drive = LINE_J;
    phase = as;
    deadline = NEVER;
}

void UsbHost::Impl::start(uint8_t endpoint)
{
    counts.transactions++;
    send(token_packet(token, address, endpoint), Phase::TOKEN);
}

// The host's packet has left.
void UsbHost::Impl::sent()
{
    if (phase == Phase::SOF || phase == Phase::ACK) {
        over(tx.eop_ps() + gap() - now);
    } else if (phase == Phase::TOKEN && token != PID_IN) {
        phase = Phase::DATA_GAP;
        deadline = tx.eop_ps() + gap();
    } else {
        phase = Phase::ANSWER;
        rx.clear();
        deadline = tx.eop_ps() + bits(TIMEOUT_BITS);
    }
}

// `deadline` has come.
void UsbHost::Impl::waited()
{
    switch (phase) {
    case Phase::DATA_GAP:
        send(data_packet(toggle ? PID_DATA1 : PID_DATA0, payload.data(), payload.size()), Phase::DATA);
        break;
    case Phase::ACK_GAP:
        send({pid_byte(PID_ACK)}, Phase::ACK);
        break;
    case Phase::ANSWER:
        if (rx.active() && next_sof > now + bits(EOF_BITS)) {
            deadline = next_sof - bits(EOF_BITS);
        } else if (rx.active()) {
            babbled();
        } else {
            counts.no_answer++;
            note("device", {}, "");
            failed();
        }
        break;
    default:
        deadline = NEVER;
    }
}

// The device's packet is whole.
void UsbHost::Impl::packet()
{
    double turnaround = (double)(rx.first_ps() - tx.eop_ps()) / bit();
    counts.device_packets++;
    counts.turnaround_bits += turnaround;
    counts.bad_turnaround += intact && (turnaround < TURNAROUND_MIN || turnaround > TURNAROUND_MAX);
    std::vector<Line> symbols = rx.symbols(counts);
    rx.clear();
    if (faults && !faults->hearing(symbols)) {
        counts.no_answer++;
        note("device", {}, " (lost)");
        failed();
        return;
    }
    std::vector<uint8_t> bytes;
    Decoded verdict = decode(symbols, bytes);
    note("device", bytes, verdict == Decoded::GOOD ? "" : " (damaged)");
    if (verdict == Decoded::GOOD || (verdict == Decoded::BAD_CRC && options.ignore_crc)) {
        answered(bytes);
    } else {
        counts.bad_packets++;
        failed();
    }
}

void UsbHost::Impl::answered(const std::vector<uint8_t> &bytes)
{
    switch (bytes[0] & 15) {
    case PID_ACK:
        if (token == PID_IN)
            break;
        pipe->errors = pipe->naks = 0;
        accepted = true;
        over(gap());
        return;
    case PID_NAK:
        if (token == PID_SETUP)
            break;
        counts.naks++;
        counts.naks_out += token == PID_OUT;
        pipe->errors = 0;
        pipe->not_before = now + (options.nak_ps << std::min(pipe->naks++, 3u));
        over(gap());
        return;
    case PID_STALL:
        if (token == PID_SETUP)
            break;
        counts.stalls++;
        verdict = TransferStatus::STALL;
        over(gap());
        return;
    case PID_DATA0: case PID_DATA1:
        if (token != PID_IN)
            break;
        data_came(bytes);
        return;
    }
    counts.bad_packets++;
    failed();
}

void UsbHost::Impl::data_came(const std::vector<uint8_t> &bytes)
{
    size_t length = bytes.size() - 3;
    bool same = options.ignore_toggles || ((bytes[0] & 15) == PID_DATA1) == toggle;
    if (length > pipe->packet_size || (same && length > room)) {
        babbled();
        return;
    }
    pipe->errors = pipe->naks = 0;
    if (same) {
        payload.assign(bytes.begin() + 1, bytes.begin() + 1 + (ptrdiff_t)length);
        accepted = true;
    } else {
        counts.repeated_in++; // our ACK was lost: acknowledged again, dropped (8.6.4)
    }
    phase = Phase::ACK_GAP;
    deadline = now + gap();
}

void UsbHost::Impl::failed()
{
    if (++pipe->errors >= MAX_ERRORS)
        verdict = TransferStatus::TIMEOUT;
    over(bits(TIMEOUT_BITS));
}

void UsbHost::Impl::babbled()
{
    counts.babble++;
    verdict = TransferStatus::BABBLE;
    over(bits(TIMEOUT_BITS));
}

void UsbHost::Impl::over(uint64_t gap_ps)
{
    phase = Phase::OVER;
    deadline = now + gap_ps;
}
