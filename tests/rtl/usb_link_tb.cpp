// SPDX-License-Identifier: Apache-2.0
// usb_link on its wires: the USB host model of sim/wires enumerates it, reads every descriptor, moves random bytes both ways at full rate, and does to it
// what a bus can do: suspend, reset in the middle, unplug, control transfers given up, flush.
#include "Vusb_link.h"
#include "tb.h"
#include <algorithm>
#include <cctype>
#include <deque>
#include <string>
#include <vector>
#include "../../fw/include/quell_usb.h"
#include "../../sim/wires/usb_frame.cpp"
#include "../../sim/wires/usb_line.cpp"
#include "../../sim/wires/usb_packet.cpp"
#include "../../sim/wires/usb_port.cpp"
#include "../../sim/wires/usb_transaction.cpp"

static const uint64_t MS = 1'000'000'000, US = 1'000'000; // picoseconds

struct Bench {
    Tb<Vusb_link> &tb;
    Vusb_link &d;
    UsbHost host;
    uint64_t now = 0, next_usb = 0, next_system = 3000, half = 0;
    DevicePins pins{};
    std::deque<uint8_t> received, to_send; // at the chip's side
    bool offered = false;
    uint8_t word = 0;

    static HostOptions options(bool rough)
    {
        HostOptions o;
        o.attach_ps /= 20; // the device waits for none of these
        o.reset_ps /= 5;
        if (rough) {
            o.timing.ppm = 450;
            o.timing.jitter_ps = 3000;
            o.timing.asymmetry_ps = 4000;
            o.timing.skew_ps = 5000;
        }
        return o;
    }
    explicit Bench(Tb<Vusb_link> &bench) : tb(bench), d(bench.dut), host(options(bench.stalls)) {}

    void usb_edge() // a half period of 48 MHz
    {
        d.usb_dp_i = host.lines().dp;
        d.usb_dn_i = host.lines().dn;
        d.eval();
        d.clk_usb_io_i = half % 2 == 0;
        d.clk_usb_i = half % 8 < 4;
        d.eval();
        half++;
        next_usb = half * 1'000'000 / 96;
        DevicePins p{(bool)d.usb_oe_o, {(bool)d.usb_dp_o, (bool)d.usb_dn_o}, (bool)d.usb_pullup_o};
        if (!(p == pins))
            host.device_pins(now, pins = p);
        if (half % 2 == 0)
            tb.advance(now);
    }
    void system_edge() // 80 MHz
    {
        d.rx_ready_i = tb.coin(0.3);
        if (!offered && !to_send.empty() && tb.coin(0.6)) {
            offered = true;
            word = to_send.front();
            to_send.pop_front();
        }
        d.tx_valid_i = offered;
        d.tx_data_i = word;
        d.clk_i = 0;
        d.eval();
        if (d.rx_valid_o && d.rx_ready_i)
            received.push_back(d.rx_data_o);
        offered &= !d.tx_ready_o;
        d.clk_i = 1;
        d.eval();
        next_system += 12'500;
    }
    void step()
    {
        uint64_t wires = host.next_event();
        if (wires <= next_usb && wires <= next_system)
            host.tick(now = std::max(now, wires));
        else if (next_usb <= next_system) {
            now = next_usb;
            usb_edge();
        } else {
            now = next_system;
            system_edge();
        }
    }
    void run(uint64_t ps)
    {
        for (uint64_t end = now + ps; now < end;)
            step();
    }
    UsbHost &at_now()
    {
        host.at(now);
        return host;
    }
    TransferStatus finish(Transfer &t, uint64_t ps = 500 * MS)
    {
        for (uint64_t end = now + ps; t.status == TransferStatus::PENDING && now < end;)
            step();
        if (t.status == TransferStatus::PENDING)
            at_now().cancel(&t);
        return t.status;
    }
    TransferStatus control(uint8_t type, uint8_t request, uint16_t value, uint16_t index, uint16_t length, std::vector<uint8_t> *data = nullptr)
    {
        Transfer t;
        t.setup = {type, request, (uint8_t)value, (uint8_t)(value >> 8), (uint8_t)index, (uint8_t)(index >> 8), (uint8_t)length, (uint8_t)(length >> 8)};
        t.limit = length;
        if (data && !(type & 0x80))
            t.data = *data;
        at_now().submit(&t);
        finish(t);
        if (data && type & 0x80)
            *data = t.data;
        return t.status;
    }
    std::vector<uint8_t> read(uint8_t type, uint8_t request, uint16_t value, uint16_t index, uint16_t length)
    {
        std::vector<uint8_t> data;
        TransferStatus status = control(type, request, value, index, length, &data);
        TB_CHECK(tb, status == TransferStatus::DONE, "request %02x %02x %04x %04x %d: status %d", type, request, value, index, length, (int)status);
        return data;
    }
    void ready()
    {
        host.plug();
        for (uint64_t end = now + 300 * MS; !host.ready();) {
            if (host.attached() && host.state() != PortState::RESETTING && host.state() != PortState::RECOVERING)
                at_now().reset_bus();
            TB_CHECK(tb, now < end, "the device does not attach");
            step();
        }
    }
    void configure()
    {
        TB_CHECK(tb, read(0x80, 6, 0x0100, 0, 64).size() == 18, "device descriptor");
        TB_CHECK(tb, control(0, 5, 9, 0, 0) == TransferStatus::DONE, "SET_ADDRESS");
        run(3 * MS);
        TB_CHECK(tb, control(0, 9, QUSB_CONFIGURATION, 0, 0) == TransferStatus::DONE, "SET_CONFIGURATION");
        TB_CHECK(tb, read(0x80, 8, 0, 0, 1) == std::vector<uint8_t>{QUSB_CONFIGURATION}, "GET_CONFIGURATION");
        TB_CHECK(tb, d.configured_o && !d.suspended_o, "status lines");
    }
    std::vector<uint8_t> noise(size_t length)
    {
        std::vector<uint8_t> bytes(length);
        for (uint8_t &b : bytes)
            b = (uint8_t)tb.random();
        return bytes;
    }
    Transfer bulk_out(std::vector<uint8_t> bytes)
    {
        Transfer t;
        t.kind = TransferKind::BULK_OUT;
        t.endpoint = QUSB_ENDPOINT_OUT;
        t.data = std::move(bytes);
        return t;
    }
    Transfer bulk_in(size_t limit)
    {
        Transfer t;
        t.kind = TransferKind::BULK_IN;
        t.endpoint = QUSB_ENDPOINT_IN;
        t.limit = limit;
        return t;
    }
    // Both directions, one after the other; the least bytes/s of the two.
    double move(size_t length)
    {
        std::vector<uint8_t> bytes = noise(length);
        Transfer out = bulk_out(bytes);
        uint64_t begin = now;
        at_now().submit(&out);
        TB_CHECK(tb, finish(out) == TransferStatus::DONE, "bulk OUT: status %d", (int)out.status);
        double rate = (double)length / ((double)(now - begin) * 1e-12);
        run(200 * US);
        TB_CHECK(tb, received.size() == length && std::equal(bytes.begin(), bytes.end(), received.begin()), "bulk OUT: %d of %d bytes, or other bytes", (int)received.size(), (int)length);
        received.clear();
        to_send.insert(to_send.end(), bytes.begin(), bytes.end());
        Transfer in = bulk_in(length + 1);
        begin = now;
        at_now().submit(&in);
        TB_CHECK(tb, finish(in) == TransferStatus::DONE, "bulk IN: status %d", (int)in.status);
        TB_CHECK(tb, in.data == bytes, "bulk IN: %d of %d bytes, or other bytes", (int)in.data.size(), (int)length);
        return std::min(rate, (double)length / ((double)(now - begin) * 1e-12));
    }
};

using Bytes = std::vector<uint8_t>;

static void put(Bytes &to, const Bytes &more)
{
    to.insert(to.end(), more.begin(), more.end());
}
static Bytes utf16(const std::string &text)
{
    Bytes bytes;
    for (char c : text)
        put(bytes, {(uint8_t)c, 0});
    return bytes;
}
#define U16(value) (uint8_t)((value) & 255), (uint8_t)((value) >> 8)

// The Microsoft OS 2.0 set: WinUSB, and the GUID under which the interface is registered (hw/usb/descriptors.py).
static Bytes ms_os_20_set()
{
    Bytes name = utf16(std::string("DeviceInterfaceGUIDs") + '\0'), guid = utf16(QUSB_INTERFACE_GUID + std::string(2, '\0'));
    Bytes property = {U16(10 + name.size() + guid.size()), U16(4), U16(7), U16(name.size())};
    put(property, name), put(property, {U16(guid.size())}), put(property, guid);
    Bytes set = {U16(10), U16(0), 0, 0, 3, 6, U16(30 + property.size())};
    put(set, {U16(20), U16(3), 'W', 'I', 'N', 'U', 'S', 'B', 0, 0, 0, 0, 0, 0, 0, 0, 0, 0});
    put(set, property);
    return set;
}

static void descriptors(Bench &b)
{
    auto &tb = b.tb;
    // As much as is asked for, and every byte of it
    auto whole = [&](const char *what, uint16_t value, uint16_t index, const Bytes &want, std::initializer_list<size_t> lengths) {
        for (size_t length : lengths) {
            Bytes got = index == 7 ? b.read(0xC0, QUSB_MS_OS_20, value, index, (uint16_t)length) : b.read(0x80, 6, value, index, (uint16_t)length);
            TB_CHECK(tb, got == Bytes(want.begin(), want.begin() + (long)std::min(length, want.size())), "%s: other bytes, or %zu of %zu", what, got.size(), length);
        }
    };
    Bytes set = ms_os_20_set();
    whole("device descriptor", 0x0100, 0, {18, 1, 1, 2, 0, 0, 0, QUSB_PACKET_SIZE, U16(QUSB_VID), U16(QUSB_PID), U16(QUSB_DEVICE_BCD), 1, 2, 3, 1},
          {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 64, 255});
    whole("configuration", 0x0200, 0,
          {9, 2, 32, 0, 1, QUSB_CONFIGURATION, 0, 0x80, QUSB_MAX_POWER_MA / 2, 9, 4, QUSB_INTERFACE, 0, 2, QUSB_CLASS, QUSB_CLASS, QUSB_CLASS, 0,
           7, 5, QUSB_ENDPOINT_OUT, 2, U16(QUSB_PACKET_SIZE), 0, 7, 5, QUSB_ENDPOINT_IN, 2, U16(QUSB_PACKET_SIZE), 0}, {9, 16, 31, 32, 48, 255});
    whole("languages", 0x0300, 0, {4, 3, 9, 4}, {255});
    const char *strings[] = {QUSB_MANUFACTURER, QUSB_PRODUCT};
    for (int i = 0; i < 2; i++) {
        Bytes want = {(uint8_t)(2 + 2 * strlen(strings[i])), 3};
        put(want, utf16(strings[i]));
        whole(strings[i], (uint16_t)(0x0301 + i), 0x0409, want, {2, 255});
    }
    Bytes serial = b.read(0x80, 6, 0x0303, 0x0409, 255); // another one a board
    TB_CHECK(tb, serial.size() > 2 && serial[0] == serial.size() && serial[1] == 3, "serial number");
    for (size_t k = 2; k < serial.size(); k += 2)
        TB_CHECK(tb, isalnum(serial[k]) && serial[k + 1] == 0, "serial number, byte %zu", k);
    whole("BOS", 0x0F00, 0,
          {5, 15, 33, 0, 1, 28, 16, 5, 0, 0xDF, 0x60, 0xDD, 0xD8, 0x89, 0x45, 0xC7, 0x4C, 0x9C, 0xD2, 0x65, 0x9D, 0x9E, 0x64, 0x8A, 0x9F, 0, 0, 3, 6, U16(set.size()),
           QUSB_MS_OS_20, 0}, {5, 33, 255});
    whole("Microsoft OS 2.0 set", 0, 7, set, {1, 10, 63, 64, 65, 128, set.size(), 500});
    // what there is not
    TB_CHECK(tb, b.control(0x80, 6, 0x0600, 0, 10) == TransferStatus::STALL, "device qualifier of a full-speed device");
    TB_CHECK(tb, b.control(0x80, 6, 0x0306, 0x0409, 255) == TransferStatus::STALL, "string 6");
    TB_CHECK(tb, b.control(0xC0, 0x77, 0, 0, 4) == TransferStatus::STALL, "unknown vendor request");
    std::vector<uint8_t> data(20);
    TB_CHECK(tb, b.control(0x40, 0x77, 0, 0, 20, &data) == TransferStatus::STALL, "unknown vendor request with data");
    TB_CHECK(tb, b.control(0x21, 0x20, 0, 0, 0) == TransferStatus::STALL, "class request");
    TB_CHECK(tb, b.read(0x81, 10, 0, 0, 1) == std::vector<uint8_t>{0}, "GET_INTERFACE");
    TB_CHECK(tb, b.control(0x01, 11, 1, 0, 0) == TransferStatus::STALL, "SET_INTERFACE to a setting that is none");
    TB_CHECK(tb, b.control(0x01, 11, 0, 0, 0) == TransferStatus::DONE, "SET_INTERFACE");
    TB_CHECK(tb, b.read(0x80, 0, 0, 0, 2) == (std::vector<uint8_t>{0, 0}), "GET_STATUS");
}

// What was under way when the host flushes never comes out, what comes after does, and toggles stay right.
static void flush(Bench &b)
{
    auto &tb = b.tb;
    for (int i = 0; i < 6; i++) {
        Transfer out = b.bulk_out(b.noise(1 + tb.between(0, 300))), in = b.bulk_in(1000);
        std::vector<uint8_t> stale = b.noise(1 + tb.between(0, 200));
        b.to_send.insert(b.to_send.end(), stale.begin(), stale.end());
        b.at_now().submit(&out);
        b.at_now().submit(&in);
        b.run((uint64_t)tb.between(1, 200) * US);
        for (Transfer *t : {&out, &in})
            if (t->status == TransferStatus::PENDING)
                b.at_now().cancel(t);
        b.to_send.clear();
        b.run(20 * US);
        TB_CHECK(tb, b.control(QUSB_REQUEST_TYPE_FLUSH, QUSB_FLUSH, 0, QUSB_INTERFACE, 0) == TransferStatus::DONE, "flush");
        b.offered = false;
        b.received.clear();
        Transfer rest = b.bulk_in(64);
        b.at_now().submit(&rest);
        b.finish(rest, 2 * MS);
        TB_CHECK(tb, rest.data.empty(), "%d bytes after a flush", (int)rest.data.size());
        b.move(200);
    }
}

// A control transfer that the host gives up, in any of its stages, leaves nothing behind.
static void given_up(Bench &b)
{
    auto &tb = b.tb;
    for (int i = 0; i < 20; i++) {
        Transfer t;
        t.setup = {0x80, 6, 0, (uint8_t)(i % 2 ? 2 : 15), 0, 0, 255, 0};
        t.limit = 255;
        b.at_now().submit(&t);
        b.run((uint64_t)tb.between(1, 90) * US);
        if (t.status == TransferStatus::PENDING)
            b.at_now().cancel(&t);
        b.run(80 * US); // the transaction under way ends
        TB_CHECK(tb, b.read(0x80, 6, 0x0100, 0, 18).size() == 18, "after a transfer given up");
    }
}

static void run(Tb<Vusb_link> &tb)
{
    Bench b(tb);
    auto &d = b.d;
    d.rst_i = d.rst_usb_i = 1;
    b.run(2 * US);
    d.rst_i = d.rst_usb_i = 0;
    b.ready();
    b.configure();
    descriptors(b);
    given_up(b);
    for (size_t length : {1, 63, 64, 65, 128, 1000})
        b.move(length);
    double rate = b.move(20000);
    printf("     %.0f bytes/s in the slower direction\n", rate);
    TB_CHECK(tb, rate > 1.1e6, "%.0f bytes/s", rate);
    flush(b);

    // toggles after CLEAR_FEATURE(ENDPOINT_HALT), with packets of either toggle before
    for (int i = 0; i < 4; i++) {
        b.move(64 * (1 + i % 2));
        TB_CHECK(tb, b.control(0x02, 1, 0, i < 2 ? QUSB_ENDPOINT_IN : QUSB_ENDPOINT_OUT, 0) == TransferStatus::DONE, "CLEAR_FEATURE");
        b.move(10);
    }

    b.at_now().suspend();
    b.run(4 * MS);
    TB_CHECK(tb, d.suspended_o && d.configured_o, "not suspended");
    b.at_now().resume();
    while (!b.host.ready())
        b.step();
    b.move(500);
    TB_CHECK(tb, !d.suspended_o, "still suspended");

    const HostCounts &c = b.host.counts();
    TB_CHECK(tb, c.bad_packets + c.no_answer + c.repeated_in == 0, "%d bad packets, %d without an answer, %d repeated", (int)c.bad_packets, (int)c.no_answer, (int)c.repeated_in);

    for (int i = 0; i < 4; i++) {
        Transfer out = b.bulk_out(b.noise(10000)), in = b.bulk_in(10000);
        std::vector<uint8_t> bytes = b.noise(5000);
        b.to_send.insert(b.to_send.end(), bytes.begin(), bytes.end());
        b.at_now().submit(&out);
        b.at_now().submit(&in);
        b.run(2 * MS + (uint64_t)tb.between(0, 100) * US);
        i % 2 ? b.at_now().unplug() : b.at_now().reset_bus();
        b.to_send.clear();
        b.run(i % 2 ? 20 * MS : 1 * MS);
        TB_CHECK(tb, out.status == TransferStatus::GONE && in.status == TransferStatus::GONE, "transfers outlive the device");
        b.ready();
        b.offered = false;
        b.received.clear();
        b.configure();
        b.move(300);
    }

    // a reset of the chip looks like an unplugging
    (tb.stalls ? d.rst_i : d.rst_usb_i) = 1;
    b.run(2 * US);
    d.rst_i = d.rst_usb_i = 0;
    b.run(1 * MS);
    TB_CHECK(tb, !d.usb_pullup_o && !d.configured_o, "still attached after a reset");
    b.ready();
    b.configure();
    b.move(300);

    TB_CHECK(tb, c.bad_turnaround + c.bad_eop + c.bad_bit_width + c.babble == 0, "timing of the device: %d answers, %d ends, %d bits", (int)c.bad_turnaround,
             (int)c.bad_eop, (int)c.bad_bit_width);
}

int main(int argc, char **argv) { return tb_main<Vusb_link>(argc, argv, "usb_link", run); }
