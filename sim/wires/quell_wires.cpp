// SPDX-License-Identifier: Apache-2.0
// quell-wires: the Verilated ULX3S with a USB host on D+ and D-. Options and modes; docs/wires.md.
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <stdexcept>
#include <unistd.h>

#include "modes.h"
#include "redir.h"

static const char USAGE[] = "usage: quell-wires [MODE] [OPTIONS]\n"
                            "Simulates the ULX3S board with a USB host on its D+ and D- wires. Without a mode the chip's command channel (docs/protocol.md) is on\n"
                            "stdin and stdout, as with quell-simboard.\n"
                            "  --enumerate      attach, enumerate, print the descriptors\n"
                            "  --throughput     bulk rates in simulated time\n"
                            "  --campaign N     N random faults on the wires\n"
                            "  --redir SOCKET   wait there for QEMU's usb-redir\n"
                            "options:\n"
                            "  --fault NAME     of the campaign: only this kind (the names are in its figures)\n"
                            "  --seed S         of everything random: faults, jitter, phase of the clocks\n"
                            "  --ppm X          offset of the host's clock (at most 500)\n"
                            "  --device-ppm X   offset of the board's oscillator (at most 2500)\n"
                            "  --jitter PS      random displacement of the host's edges (at most 4500)\n"
                            "  --asymmetry PS   J to K edges late, K to J edges early (2 * asymmetry + 2 * jitter at most 18500)\n"
                            "  --skew PS        between D+ and D- (below 14000)\n"
                            "  --no-sleep       the chip's clock runs also while the chip waits\n"
                            "  --break WHAT     a host that ignores data toggles (toggles) or CRC16 (crc): the campaign must fail\n"
                            "  --json FILE      figures (- is stdout)\n"
                            "  --trace FILE     write a waveform (FST)\n"
                            "  --log FILE       write every packet on the wires\n"
                            "  --firmware FILE  use this instead of the built-in firmware\n"
                            "  --stats          say at the end what was simulated, and how fast\n"
                            "  --verbose        say every fault\n"
                            "  --version        print the version of the hardware\n";

[[noreturn]] static void usage()
{
    fputs(USAGE, stderr);
    exit(2);
}

static double number(const char *text, double limit)
{
    char *end;
    double value = strtod(text, &end);
    if (*end || end == text || value > limit || value < -limit)
        usage();
    return value;
}

static void exec_trace(char **argv)
{
    // Waveforms need another build of the model; it lies beside this program.
    std::string self(4096, 0);
    ssize_t n = readlink("/proc/self/exe", self.data(), self.size());
    self.resize(n > 0 ? (size_t)n : 0);
    if (self.size() > 6 && self.substr(self.size() - 6) == "-trace")
        return;
    self += "-trace";
    execv(self.c_str(), argv);
    fprintf(stderr, "quell-wires: cannot start %s: %s (make wires)\n", self.c_str(), strerror(errno));
    exit(2);
}

static bool board_option(const std::string &word, const char *value, Options &options)
{
    BoardOptions &b = options.board;
    if (word == "--ppm")
        b.host.timing.ppm = number(value, 500);
    else if (word == "--device-ppm")
        b.oscillator_ppm = number(value, 2500);
    else if (word == "--jitter")
        b.host.timing.jitter_ps = (int32_t)number(value, 4500);
    else if (word == "--asymmetry")
        b.host.timing.asymmetry_ps = (int32_t)number(value, 9250);
    else if (word == "--skew")
        b.host.timing.skew_ps = (int32_t)number(value, 14000);
    else if (word == "--break" && (!strcmp(value, "toggles") || !strcmp(value, "crc")))
        (!strcmp(value, "crc") ? b.host.ignore_crc : b.host.ignore_toggles) = true;
    else if (word == "--log") {
        if (!(b.host.log = fopen(value, "w")))
            usage();
        setvbuf(b.host.log, nullptr, _IOLBF, 1 << 16);
    } else if (word == "--trace")
        b.trace = value;
    else if (word == "--firmware")
        b.firmware = value;
    else
        return false;
    return true;
}

static Options parse(int argc, char **argv)
{
    Options options;
    for (int i = 1; i < argc; i++) {
        std::string word = argv[i];
        const char *value = i + 1 < argc ? argv[i + 1] : nullptr;
        if (word == "--enumerate" || word == "--throughput")
            options.mode = word;
        else if (word == "--no-sleep")
            options.board.sleep = false;
        else if (word == "--stats")
            options.stats = true;
        else if (word == "--verbose")
            options.verbose = true;
        else if (word == "--help" || word == "--version") {
            fputs(word == "--help" ? USAGE : "quell-wires " QUELL_VERSION "\n", stdout);
            exit(0);
        } else if (!value)
            usage();
        else if (word == "--campaign") {
            options.mode = word;
            options.faults = (unsigned)number(argv[++i], 1e7);
        } else if (word == "--redir") {
            options.mode = word;
            options.socket = argv[++i];
        } else if (word == "--seed")
            options.seed = strtoull(argv[++i], nullptr, 0);
        else if (word == "--fault")
            options.fault = argv[++i];
        else if (word == "--json")
            options.json = argv[++i];
        else if (board_option(word, value, options))
            i++;
        else
            usage();
    }
    options.board.host.seed = options.seed;
    if (!options.board.trace.empty())
        exec_trace(argv);
    return options;
}

// Waits of a real host that only cost time here: the debounce after attaching, the length of reset and resume. All stay above what the device must accept.
static void hurry(HostOptions &host)
{
    host.attach_ps = 100 * PS_PER_US;
    host.reset_ps = 200 * PS_PER_US;    // a device takes 2.5 us or more of SE0 as reset
    host.recovery_ps = 100 * PS_PER_US;
    host.resume_ps = 1 * PS_PER_MS;
}

static int run(Board &board, const Options &options)
{
    if (options.mode == "--enumerate")
        return run_enumerate(board, options);
    if (options.mode == "--throughput")
        return run_throughput(board, options);
    if (options.mode == "--campaign")
        return run_campaign(board, options);
    if (options.mode == "--redir")
        return redir_run(board, options.socket);
    return run_stream(board, options);
}

static void print_stats(const Board &board, UsbHost &host)
{
    double seconds = (double)clock() / CLOCKS_PER_SEC;
    const HostCounts &c = host.counts();
    fprintf(stderr, "%.6f s simulated, %llu cycles in %.2f s of processor time: %.2f million cycles/s\n", (double)board.now() * 1e-12, (unsigned long long)board.cycles(), seconds, (double)board.cycles() / seconds / 1e6);
    fprintf(stderr, "%llu transactions, %llu NAK (%llu to OUT), %llu without answer, %llu damaged, %llu repeated; %llu bytes out, %llu in\n", (unsigned long long)c.transactions, (unsigned long long)c.naks, (unsigned long long)c.naks_out,
            (unsigned long long)c.no_answer, (unsigned long long)c.bad_packets, (unsigned long long)c.repeated_in, (unsigned long long)c.bytes_out, (unsigned long long)c.bytes_in);
    fprintf(stderr, "device: %llu packets; outside the standard: turnaround %llu, EOP %llu, bit width %llu (worst error %lld ps), contention %llu; mean turnaround %.2f bit times\n", (unsigned long long)c.device_packets,
            (unsigned long long)c.bad_turnaround, (unsigned long long)c.bad_eop, (unsigned long long)c.bad_bit_width, (long long)c.widest_bit_error_ps, (unsigned long long)c.contention, c.device_packets ? c.turnaround_bits / (double)c.device_packets : 0);
}

int main(int argc, char **argv)
{
    Options options = parse(argc, argv);
    hurry(options.board.host);
    try {
        Board board(options.board);
        int code = 3;
        try {
            code = run(board, options);
        } catch (const std::exception &problem) {
            fprintf(stderr, "quell-wires: %s\n", problem.what());
        }
        if (options.stats)
            print_stats(board, board.host());
        board.finish();
        return code;
    } catch (const std::exception &problem) {
        fprintf(stderr, "quell-wires: %s\n", problem.what());
        return 3;
    }
}
