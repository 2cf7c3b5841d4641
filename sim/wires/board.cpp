// SPDX-License-Identifier: Apache-2.0
// The Verilated board and its clocks; the contract is in board.h.
#include "board.h"

#include <cstdio>
#include <random>
#include <stdexcept>
#include <vector>

#include <verilated.h>
#if VM_TRACE_FST
#include <verilated_fst_c.h>
#endif
#include "Vwires_top.h"
#include "Vwires_top___024root.h"
#include "firmware.h"

static const double OSCILLATOR_HZ = 25e6;
static const uint64_t LOCK_FS = 2'000'000'000; // PLLs lock after 2 us (real ones may take 15 ms)
static const unsigned SLEEP_CYCLES = 4096;     // of idleness, before the chip's clock is stopped: the firmware must have noticed the last byte
static const unsigned USB_DIVIDER = 4;         // 48 MHz to 12 MHz, edges aligned

// Public variables of the two PLL stand-ins.
#define SYSTEM_PLL(name) dut.rootp->wires_top__DOT__i_ulx3s__DOT__i_clocks__DOT__i_system_pll__DOT__i_ehxplll__DOT__##name
#define USB_PLL(name) dut.rootp->wires_top__DOT__i_ulx3s__DOT__i_clocks__DOT__i_usb_pll__DOT__i_ehxplll__DOT__##name

struct Board::Impl {
    explicit Impl(const BoardOptions &o) : options(o), host(o.host), dut(&context)
    {
        load();
        open_trace();
        dut.eval();
        // Both PLLs hang on one oscillator; which way their edges lie to each other at the start is chance.
        double system_vco = OSCILLATOR_HZ * SYSTEM_PLL(vco_multiplier) / SYSTEM_PLL(vco_divider);
        double usb_vco = system_vco / SYSTEM_PLL(op_divider) * USB_PLL(vco_multiplier) / USB_PLL(vco_divider); // fed by CLKOP of the other
        hertz = system_vco / SYSTEM_PLL(os_divider);
        double io = usb_vco / USB_PLL(os_divider);
        if (USB_PLL(os2_divider) != USB_DIVIDER * USB_PLL(os_divider) || io != 48e6)
            throw std::runtime_error("the USB PLL does not make 48 and 12 MHz");
        double off = 1 + options.oscillator_ppm * 1e-6;
        chip_fs = (uint64_t)(1e15 / hertz / off + 0.5);
        io_fs = (uint64_t)(1e15 / io / off + 0.5);
        std::mt19937_64 random(options.host.seed);
        chip_next = chip_fs + random() % chip_fs;
        io_next = io_fs;
    }

    void load()
    {
        store_firmware(options.firmware, dut.rootp->wires_top__DOT__i_ulx3s__DOT__i_board__DOT__g_chip__DOT__i_soc__DOT__i_ram__DOT__memory);
    }

    void open_trace()
    {
        if (options.trace.empty())
            return;
#if VM_TRACE_FST
        context.traceEverOn(true);
        trace = std::make_unique<VerilatedFstC>();
        trace->set_time_unit("1ps");
        trace->set_time_resolution("1ps");
        dut.trace(trace.get(), 99);
        trace->open(options.trace.c_str());
        if (!trace->isOpen())
            throw std::runtime_error(options.trace + ": cannot be written");
#else
        throw std::runtime_error("built without waveforms");
#endif
    }

    void eval(uint64_t at_ps)
    {
        (void)at_ps;
        dut.eval();
#if VM_TRACE_FST
        if (trace)
            trace->dump(at_ps);
#endif
    }

    // To the next rising edge of the chip's or the USB clock. A clock falls with the next edge of the other one: nothing uses falling edges.
    void step()
    {
        uint64_t fs = asleep ? io_next : std::min(chip_next, io_next);
        uint64_t ps = fs / 1000;
        bool chip_rises = !asleep && chip_next == fs, io_rises = io_next == fs;
        if ((chip_rises && SYSTEM_PLL(os)) || (io_rises && USB_PLL(os))) {
            SYSTEM_PLL(os) = USB_PLL(os) = 0;
            eval(ps - 1);
        }
        wires(ps);
        if (fs >= LOCK_FS)
            SYSTEM_PLL(lock) = USB_PLL(lock) = 1;
        SYSTEM_PLL(os) = chip_rises;
        USB_PLL(os) = io_rises;
        if (io_rises) {
            USB_PLL(os2) = io_count % USB_DIVIDER < USB_DIVIDER / 2;
            io_count++;
            io_next += io_fs;
        }
        eval(ps);
        now_ps = ps;
        if (chip_rises)
            chip_stepped();
        if (io_rises)
            usb_stepped(ps);
    }

    void chip_stepped()
    {
        chip_next += chip_fs;
        cycles++;
        idle_cycles = dut.idle_o ? idle_cycles + 1 : 0;
        asleep = options.sleep && idle_cycles >= SLEEP_CYCLES;
        if (dut.trap_o)
            throw std::runtime_error("the processor stopped: illegal instruction or access");
    }

    void usb_stepped(uint64_t ps)
    {
        DevicePins pins{dut.device_oe_o != 0, {dut.device_dp_o != 0, dut.device_dn_o != 0}, dut.pullup_o != 0};
        if (!pins.oe)
            pins.out = {};
        if (!(pins == device)) {
            device = pins;
            host.device_pins(ps, pins);
        }
        if (asleep && (dut.wake_o || !dut.idle_o)) {
            asleep = false;
            idle_cycles = 0;
            chip_next += ((ps * 1000 - chip_next) / chip_fs + 1) * chip_fs;
        }
    }

    // What the host did up to this moment.
    void wires(uint64_t ps)
    {
        for (uint64_t at = host.next_event(); at <= ps; at = host.next_event())
            host.tick(std::max(at, now_ps));
        Line line = host.lines();
        dut.line_dp_i = line.dp;
        dut.line_dn_i = line.dn;
    }

    const BoardOptions options;
    UsbHost host;
    VerilatedContext context;
    Vwires_top dut;
#if VM_TRACE_FST
    std::unique_ptr<VerilatedFstC> trace;
#endif
    double hertz = 0;
    uint64_t now_ps = 0, chip_fs = 0, io_fs = 0, chip_next = 0, io_next = 0, io_count = 0, cycles = 0;
    unsigned idle_cycles = 0;
    bool asleep = false;
    DevicePins device;
};

Board::Board(const BoardOptions &options) : impl(std::make_unique<Impl>(options)) {}
Board::~Board() = default;
UsbHost &Board::host() { return impl->host; }
uint64_t Board::now() const { return impl->now_ps; }
uint64_t Board::cycles() const { return impl->cycles; }
uint8_t Board::leds() const { return impl->dut.led_o; }
double Board::system_hz() const { return impl->hertz; }
bool Board::idle() const { return impl->idle_cycles >= SLEEP_CYCLES; }

void Board::run_until(uint64_t ps)
{
    while (impl->now_ps < ps)
        impl->step();
    impl->host.at(impl->now_ps);
}

void Board::finish()
{
#if VM_TRACE_FST
    if (impl->trace)
        impl->trace->close();
#endif
    impl->dut.final();
}
