// SPDX-License-Identifier: Apache-2.0
// The simulated board: the whole chip in Verilator, its command channel on stdin and stdout, messages on stderr. Ends when stdin has ended and
// the chip is idle. While the chip is idle and no byte is there it sleeps instead of simulating; its clock stands still then.
// Its SDRAM is sim/sdram's model on the controller's pins: a rule of its data sheet that is broken ends the simulation. Nothing of both is simulated until
// the firmware wakes the controller.
// NETLIST: the chip is Yosys's netlist, whose block RAMs hold the firmware, without SDRAM (docs/netlist.md).
// Built twice: waveforms cost speed even when not asked for, so --trace continues in the program beside this one whose name ends in -trace.
#include <cerrno>
#include <climits>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <deque>
#include <memory>
#include <poll.h>
#include <string>
#include <unistd.h>
#include <vector>
#include <verilated.h>
#if VM_TRACE_FST
#include <verilated_fst_c.h>
#endif
#ifdef NETLIST
#include "Vsoc.h"
using Chip = Vsoc;
#else
#include "Vsimboard_top.h"
#include "Vsimboard_top___024root.h"
#include "firmware.h"
#include "sdram/sdram_chip.h"
using Chip = Vsimboard_top;
#endif

// Clock cycles between looks at stdin, and of idleness before the board may sleep: the firmware must have had time to notice the last byte.
static const unsigned POLL_CYCLES = 512, SLEEP_CYCLES = 4096;
// Bytes: a good deal less than the FIFO of the USB link (hw/usb/bulk_out.sv).
static const size_t LINK_FIFO = 128;
// On a slow link the clock stands still for so many milliseconds after all that the host has sent is used up and after each answer: how busy the PC is
// must not change how many cycles a run takes. What the host does next depends only on what it has got, so it need not be awaited again before that.
static const int HOST_MS = 50;

#ifndef NETLIST
// 66.67 MHz: the SDRAM's clock a quarter later than its pins; from the FPGA's clock to its pins and from the pins to its flip-flops (tests/rtl/sdram_bench.h).
static const Picoseconds CLOCK = 15000, LAG = 3750, OUT = 2500, IN = 1500;
// The controller's reset comes in through two flip-flops.
static const uint64_t MEMORY_RESET_CYCLES = 16;
#endif

struct Options {
    std::string trace, firmware;
    unsigned link = 0; // clock cycles a byte on the link, in each direction; 0: a link of endless speed
    bool stats = false;
};

[[noreturn]] static void fail(const std::string &message, int code)
{
    fprintf(stderr, "quell-simboard: %s\n", message.c_str());
    exit(code);
}

static const char USAGE[] = "usage: quell-simboard [--firmware FILE.hex] [--trace FILE.fst] [--link N] [--stats]\n"
                            "Simulates the chip; its command channel (docs/protocol.md) is on stdin and stdout.\n"
                            "  --firmware FILE  use this instead of the built-in firmware: 32-bit hexadecimal words, one a line\n"
                            "  --trace FILE     write a waveform (GTKWave's FST; large: some MB for a million cycles)\n"
                            "  --link N         the link takes N clock cycles a byte in each direction (54: full-speed USB at 66 MHz)\n"
                            "  --stats          say at the end how many cycles were simulated, and how fast\n"
                            "  --version        print the version of the hardware\n";

static Options parse(int argc, char **argv)
{
    Options options;
    for (int i = 1; i < argc; i++) {
        std::string word = argv[i];
        if ((word == "--trace" || word == "--firmware") && i + 1 < argc)
            (word == "--trace" ? options.trace : options.firmware) = argv[++i];
        else if (word == "--link" && i + 1 < argc && atoi(argv[i + 1]) > 0)
            options.link = atoi(argv[++i]);
        else if (word == "--stats")
            options.stats = true;
        else if (word == "--help" || word == "--version") {
            fputs(word == "--help" ? USAGE : "quell-simboard " QUELL_VERSION "\n", stdout);
            exit(0);
        } else {
            fputs(USAGE, stderr);
            exit(2);
        }
    }
    return options;
}

class Board {
  public:
    explicit Board(const Options &options) : options(options), dut(&context)
    {
        put_firmware();
#if VM_TRACE_FST
        open_trace();
#endif
        dut.tx_ready_i = 1;
        dut.rst_i = 1;
        for (int i = 0; i < 8; i++)
            cycle();
        dut.rst_i = 0;
    }

    int run()
    {
        while (true) {
            if (rx_at == rx.size()) {
                if (idle >= SLEEP_CYCLES) {
                    flush();
                    if (ended)
                        return 0;
                    fill(-1);
                } else if (options.link && !awaited && cycles > tx_next + options.link) {
                    flush();
                    fill(HOST_MS);
                    awaited = rx_at == rx.size();
                } else if (cycles % POLL_CYCLES == 0) {
                    flush();
                    fill(0);
                }
            }
            if (options.link)
                slow_link();
            else
                fast_link();
            cycle();
            idle = dut.idle_o && !dut.rx_valid_i && rx_at == rx.size() ? idle + 1 : 0;
            if (dut.trap_o) {
                flush();
                fail("the processor stopped: illegal instruction or access", 3);
            }
        }
    }

    void finish()
    {
#if VM_TRACE_FST
        if (trace)
            trace->close();
#endif
        dut.final();
        double seconds = (double)clock() / CLOCKS_PER_SEC;
        if (options.stats)
            fprintf(stderr, "%llu cycles in %.2f s: %.2f million cycles/s\n", (unsigned long long)cycles, seconds, cycles / seconds / 1e6);
    }

  private:
    void fast_link()
    {
        dut.rx_valid_i = rx_at < rx.size();
        dut.rx_data_i = dut.rx_valid_i ? rx[rx_at] : 0;
        rx_at += dut.rx_valid_i && dut.rx_ready_o;
        if (dut.tx_valid_o)
            tx.push_back(dut.tx_data_o);
    }

    // Bytes come and go one in options.link cycles; those that have come wait in a small FIFO.
    void slow_link()
    {
        if (rx_at < rx.size() && cycles >= rx_next && fifo.size() < LINK_FIFO) {
            fifo.push_back(rx[rx_at++]);
            rx_next = cycles + options.link;
        }
        dut.rx_valid_i = !fifo.empty();
        dut.rx_data_i = fifo.empty() ? 0 : fifo.front();
        if (dut.rx_valid_i && dut.rx_ready_o)
            fifo.pop_front();
        dut.tx_ready_i = cycles >= tx_next;
        if (dut.tx_valid_o && dut.tx_ready_i) {
            tx.push_back(dut.tx_data_o);
            tx_next = cycles + options.link;
            awaited = false;
        }
    }

    void put_firmware()
    {
#ifdef NETLIST
        if (!options.firmware.empty())
            fail("the netlist has its own firmware", 2);
#else
        try {
            store_firmware(options.firmware, dut.rootp->simboard_top__DOT__i_soc__DOT__i_ram__DOT__memory);
        } catch (const std::runtime_error &problem) {
            fail(problem.what(), 2);
        }
#endif
    }

#if VM_TRACE_FST
    void open_trace()
    {
        if (options.trace.empty())
            return;
        context.traceEverOn(true);
        trace = std::make_unique<VerilatedFstC>();
        dut.trace(trace.get(), 99);
        trace->open(options.trace.c_str());
        if (!trace->isOpen())
            fail(options.trace + ": cannot be written", 2);
    }
#endif

    void cycle()
    {
        dut.clk_i = 1;
        memory_clock(true);
        dut.eval();
        dump(10 * cycles);
        memory_chip();
        dut.clk_i = 0;
        memory_clock(false);
        dut.eval();
        dump(10 * cycles + 5);
        cycles++;
    }

#ifdef NETLIST
    void memory_clock(bool) {}
    void memory_chip() {}
#else
    void memory_clock(bool high)
    {
        if (high && !memory_runs)
            memory_runs = cycles >= MEMORY_RESET_CYCLES && !dut.mem_rst_o;
        dut.mem_clk_i = high && (memory_runs || cycles < MEMORY_RESET_CYCLES);
    }

    // The pins after this edge, and what is on them at the next one.
    void memory_chip()
    {
        if (!memory_runs)
            return;
        if (!sdram)
            sdram = std::make_unique<SdramChip>();
        Picoseconds edge = (Picoseconds)cycles * CLOCK;
        SdramPins pins;
        pins.cke = dut.sdram_cke_o, pins.cs_n = dut.sdram_cs_n_o, pins.ras_n = dut.sdram_ras_n_o, pins.cas_n = dut.sdram_cas_n_o, pins.we_n = dut.sdram_we_n_o;
        pins.ba = dut.sdram_ba_o, pins.a = dut.sdram_a_o, pins.dqm = dut.sdram_dm_o, pins.driven = dut.sdram_dq_oe_o, pins.dq = dut.sdram_dq_o;
        try {
            sdram->clock(edge + OUT + LAG, pins, LAG);
        } catch (const SdramViolation &violation) {
            flush();
            fail(violation.what(), 5);
        }
        dut.sdram_dq_i = sdram->sample(edge + CLOCK - IN);
    }
#endif

    void dump(uint64_t time)
    {
        (void)time;
#if VM_TRACE_FST
        if (trace)
            trace->dump(time);
#endif
    }

    // Take what is on stdin; waits so many milliseconds for it (-1: for ever).
    void fill(int timeout)
    {
        struct pollfd in = {STDIN_FILENO, POLLIN, 0};
        if (ended || poll(&in, 1, timeout) <= 0)
            return;
        rx.resize(65536);
        ssize_t n = read(STDIN_FILENO, rx.data(), rx.size());
        ended = n == 0 || (n < 0 && errno != EINTR && errno != EAGAIN);
        rx.resize(n > 0 ? n : 0);
        rx_at = 0;
        idle = 0;
    }

    void flush()
    {
        for (size_t at = 0; at < tx.size();) {
            ssize_t n = write(STDOUT_FILENO, tx.data() + at, tx.size() - at);
            if (n < 0 && errno == EINTR)
                continue;
            if (n < 0)
                fail(std::string("cannot send: ") + strerror(errno), 4);
            at += n;
        }
        tx.clear();
    }

    const Options &options;
    VerilatedContext context;
    Chip dut;
#ifndef NETLIST
    std::unique_ptr<SdramChip> sdram;
    bool memory_runs = false;
#endif
#if VM_TRACE_FST
    std::unique_ptr<VerilatedFstC> trace;
#endif
    std::vector<uint8_t> rx, tx;
    size_t rx_at = 0;
    std::deque<uint8_t> fifo; // of the slow link
    uint64_t cycles = 0, rx_next = 0, tx_next = 0;
    unsigned idle = 0;
    bool ended = false, awaited = false; // the host has had its time
};

#if !VM_TRACE_FST
[[noreturn]] static void continue_with_trace(char **argv)
{
    char self[PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", self, sizeof self);
    if (length <= 0 || length == sizeof self)
        fail("cannot find its own program", 2);
    std::string program = std::string(self, length) + "-trace";
    execv(program.c_str(), argv);
    fail(program + ": " + strerror(errno), 2);
}
#endif

int main(int argc, char **argv)
{
    Options options = parse(argc, argv);
#if !VM_TRACE_FST
    if (!options.trace.empty())
        continue_with_trace(argv);
#endif
    auto board = std::make_unique<Board>(options);
    int code = board->run();
    board->finish();
    return code;
}
