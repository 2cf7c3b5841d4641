// SPDX-License-Identifier: Apache-2.0
// Modes of quell-wires: the command channel on stdin and stdout, and --enumerate.
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <poll.h>
#include <stdexcept>
#include <unistd.h>

#include "figures.h"
#include "modes.h"

static const uint64_t LOOK_PS = 20 * PS_PER_US; // simulated time between looks at stdin
static const uint64_t QUIET_PS = 500 * PS_PER_US; // without a byte on the wires, the chip idle; IN is asked for several times in it
static const size_t MAX_UNSENT = 65536;          // more is left in the pipe

std::string status_name(TransferStatus status)
{
    static const char *const NAMES[] = {"pending", "done", "stall", "babble", "timeout", "cancelled", "gone"};
    return NAMES[(int)status];
}

void write_json(const std::string &path, const std::string &text)
{
    if (path.empty())
        return;
    FILE *file = path == "-" ? stdout : fopen(path.c_str(), "w");
    if (!file || fputs(text.c_str(), file) < 0 || (file == stdout ? fflush(file) : fclose(file)) != 0)
        throw std::runtime_error(path + ": " + strerror(errno));
}

// Takes what is on stdin; waits so many milliseconds for it (-1: for ever). False once stdin has ended.
static bool take(Stream &stream, int timeout)
{
    struct pollfd in = {STDIN_FILENO, POLLIN, 0};
    if (poll(&in, 1, timeout) <= 0)
        return true;
    uint8_t bytes[65536];
    ssize_t n = read(STDIN_FILENO, bytes, sizeof bytes);
    if (n > 0)
        stream.write(bytes, (size_t)n);
    return n > 0 || (n < 0 && (errno == EINTR || errno == EAGAIN));
}

static void give(const std::vector<uint8_t> &bytes)
{
    for (size_t at = 0; at < bytes.size();) {
        ssize_t n = write(STDOUT_FILENO, bytes.data() + at, bytes.size() - at);
        if (n < 0 && errno != EINTR)
            throw std::runtime_error(std::string("cannot send: ") + strerror(errno));
        at += n > 0 ? (size_t)n : 0;
    }
}

int run_stream(Board &board, const Options &options)
{
    std::string problem = enumerate(board, 5);
    if (!problem.empty() || flush(board) != TransferStatus::DONE)
        throw std::runtime_error(problem.empty() ? "QUSB_FLUSH failed" : problem);
    Stream stream(board);
    Figures figures(board);
    bool quiet = false;
    uint64_t moved = 0, last_event = 0; // bytes over the bulk endpoints; when one moved last, or the chip worked
    for (bool open = true; open || !quiet;) {
        // While nothing happens the simulation stands still.
        if (open && stream.unsent() < MAX_UNSENT)
            open = take(stream, quiet ? -1 : 0);
        board.run_for(LOOK_PS);
        std::vector<uint8_t> bytes = stream.read();
        const HostCounts &counts = board.host().counts();
        if (counts.bytes_in + counts.bytes_out != moved || !board.idle() || stream.unsent()) {
            moved = counts.bytes_in + counts.bytes_out;
            last_event = board.now();
        }
        quiet = board.now() - last_event > QUIET_PS;
        figures.came(bytes);
        give(bytes);
        if (stream.broken())
            throw std::runtime_error("a transfer failed: " + status_name(stream.why()));
    }
    write_json(options.json, figures.json());
    return 0;
}

static std::string hex(const std::vector<uint8_t> &bytes)
{
    std::string text;
    char two[3];
    for (uint8_t byte : bytes) {
        snprintf(two, sizeof two, "%02x", byte);
        text += two;
    }
    return text;
}

int run_enumerate(Board &board, const Options &options)
{
    Descriptors d;
    std::string problem = enumerate(board, 5, &d);
    if (!problem.empty())
        throw std::runtime_error(problem);
    std::string json = "{\"manufacturer\": \"" + d.manufacturer + "\", \"product\": \"" + d.product + "\", \"serial\": \"" + d.serial + "\",\n \"device\": \"" + hex(d.device) +
                       "\",\n \"configuration\": \"" + hex(d.configuration) + "\",\n \"bos\": \"" + hex(d.bos) + "\",\n \"ms_os_20\": \"" + hex(d.ms_os_20) + "\"}\n";
    write_json(options.json.empty() ? "-" : options.json, json);
    return 0;
}
