// SPDX-License-Identifier: Apache-2.0
// Mode --campaign: random faults on the wires, one at a time, in the middle of conversations whose answers are known. A fault is survived if USB's retries
// repaired it, or a new session did where that is what a host would need; if every answer delivered as valid was right; and if the next conversation is.
#include <algorithm>
#include <cstdio>
#include <ctime>
#include <map>
#include <stdexcept>

#include "faults.h"
#include "modes.h"
#include "quell_usb.h"
#include "talk.h"

namespace {

enum { CLEAR_FEATURE = 1, SET_CONFIGURATION = 9 };
const unsigned TRIES = 40;                       // conversations until an armed fault strikes
const unsigned SHARE[] = {3, 3, 4, 2, 2, 4, 3, 3, 2, 3, 1, 1, 3, 4, 4, 3, 3, 1, 2, 2, 3, 3, 2, 1, 2}; // how often each kind is drawn
static_assert(sizeof SHARE / sizeof *SHARE == (size_t)Fault::COUNT, "a share for every fault");

struct Tally {
    unsigned injected = 0, survived = 0;
};

class Campaign {
  public:
    Campaign(Board &board, const Options &options) : board(board), options(options), random(options.seed), injector(random), talk(board, random) { board.host().inject(&injector); }
    ~Campaign() { board.host().inject(nullptr); }
    int run();

  private:
    Fault draw();
    void vary_timing();
    std::string one(Fault fault);
    std::string packet_fault(Fault fault);
    std::string port_fault(Fault fault);
    void act(Fault fault);
    std::string recover(bool reset);
    std::string sleep_and_wake();
    std::string report(double seconds) const;
    size_t below(size_t limit) { return std::uniform_int_distribution<size_t>(0, limit - 1)(random); }

    Board &board;
    const Options &options;
    std::mt19937_64 random;
    Injector injector;
    Conversation talk;
    std::map<Fault, Tally> tallies;
    unsigned injected = 0, survived = 0, sessions = 0;
    std::string act_problem;
};

Fault Campaign::draw()
{
    for (size_t f = 0; f < (size_t)Fault::COUNT; f++)
        if (options.fault == fault_name((Fault)f))
            return (Fault)f;
    std::discrete_distribution<unsigned> kinds(std::begin(SHARE), std::end(SHARE));
    return (Fault)kinds(random);
}

// Anything within the limits of usb_host.h.
void Campaign::vary_timing()
{
    BitTiming &t = board.host().settings().timing;
    t.ppm = std::uniform_real_distribution<>(-500, 500)(random);
    t.jitter_ps = (int32_t)below(4500);
    t.asymmetry_ps = (int32_t)below(2 * 4750) - 4750;
    t.skew_ps = (int32_t)below(10000);
}

// As a host does after an error: the port, an address, both toggles, QUSB_FLUSH, then INFO.
std::string Campaign::recover(bool reset)
{
    UsbHost &host = board.host();
    talk.end();
    sessions++;
    if (host.state() == PortState::SUSPENDED)
        host.resume();
    if (reset || host.address() == 0) {
        if (!host.attached() && !wait_for(board, PortState::ATTACHED, host.settings().attach_ps + 20 * PS_PER_MS))
            return "the device does not attach";
        if (host.state() != PortState::RESETTING && host.state() != PortState::RECOVERING)
            host.reset_bus();
    }
    if (!wait_for(board, PortState::ENABLED, host.settings().reset_ps + host.settings().recovery_ps + 20 * PS_PER_MS))
        return "the port does not become ready";
    if (host.address() == 0) {
        std::string problem = below(8) ? configure(board, (uint8_t)(1 + below(127))) : enumerate(board, (uint8_t)(1 + below(127)));
        if (!problem.empty())
            return problem;
    }
    for (uint16_t endpoint : {QUSB_ENDPOINT_OUT, QUSB_ENDPOINT_IN})
        if (TransferStatus status = control(board, 0x02, CLEAR_FEATURE, 0, endpoint); status != TransferStatus::DONE)
            return "CLEAR_FEATURE(ENDPOINT_HALT): " + status_name(status);
    if (TransferStatus status = flush(board); status != TransferStatus::DONE)
        return "QUSB_FLUSH: " + status_name(status);
    return talk.begin(below(16) == 0);
}

std::string Campaign::sleep_and_wake()
{
    board.host().suspend();
    board.run_for(3 * PS_PER_MS + (200 + below(1500)) * PS_PER_US);
    bool noticed = board.leds() & 4;
    board.host().resume();
    if (!wait_for(board, PortState::ENABLED, 60 * PS_PER_MS))
        return "the port does not wake up";
    return noticed ? "" : "the device did not notice the suspended bus";
}

// A fault of the port or of the host's program, in the middle of a conversation.
void Campaign::act(Fault fault)
{
    UsbHost &host = board.host();
    switch (fault) {
    case Fault::SUSPEND: act_problem = sleep_and_wake(); break;
    case Fault::BUS_RESET: host.reset_bus(); break;
    case Fault::UNPLUG:
        host.unplug();
        board.run_for((1 + below(below(8) ? 200 : 5000)) * PS_PER_US);
        host.plug();
        break;
    case Fault::CONFIGURE_AGAIN:
        talk.end();
        if (control(board, 0, SET_CONFIGURATION, QUSB_CONFIGURATION, 0) != TransferStatus::DONE)
            act_problem = "SET_CONFIGURATION failed";
        break;
    case Fault::CUT_MESSAGE:
        talk.cut(1 + below(150));
        board.run_for(below(400) * PS_PER_US);
        talk.end();
        break;
    default: talk.end(); // CANCEL
    }
}

std::string Campaign::port_fault(Fault fault)
{
    const uint64_t moment = board.now() + below(600) * PS_PER_US;
    bool done = false;
    act_problem.clear();
    talk.while_waiting = [&] {
        if (!done && board.now() >= moment) {
            done = true;
            act(fault);
        }
    };
    Talk heard = Talk::RIGHT;
    while (!done && heard == Talk::RIGHT)
        heard = talk.run(4);
    talk.while_waiting = nullptr;
    if (!act_problem.empty())
        return act_problem;
    if (heard == Talk::WRONG || (fault < FIRST_SESSION_FAULT && heard != Talk::RIGHT))
        return talk.problem;
    return fault < FIRST_SESSION_FAULT ? "" : recover(false);
}

std::string Campaign::packet_fault(Fault fault)
{
    bool of_frame = fault == Fault::SOF_LOST || fault == Fault::SOF_DAMAGED;
    injector.arm(fault, (unsigned)below(of_frame ? 1 : 16));
    Talk heard = Talk::RIGHT;
    for (unsigned tries = 0; tries < TRIES && !injector.struck() && heard == Talk::RIGHT; tries++)
        heard = talk.run(3);
    bool struck = injector.struck();
    if (heard == Talk::RIGHT && fault != Fault::THREE_ERRORS)
        heard = talk.run(1); // an answer behind the fault
    injector.disarm();
    if (!struck)
        return "the fault did not strike";
    if (heard == Talk::RIGHT)
        return "";
    if (heard == Talk::WRONG || fault < FIRST_SESSION_FAULT)
        return talk.problem;
    return recover(false);
}

std::string Campaign::one(Fault fault)
{
    vary_timing();
    std::string problem = is_packet_fault(fault) ? packet_fault(fault) : port_fault(fault);
    if (!problem.empty())
        return problem;
    return talk.run(2) == Talk::RIGHT ? "" : "afterwards: " + talk.problem;
}

std::string Campaign::report(double seconds) const
{
    const HostCounts &c = board.host().counts();
    char text[1024];
    snprintf(text, sizeof text,
             "{\"seed\": %llu, \"usb_faults_injected\": %u, \"usb_faults_survived\": %u, \"wrong_results\": %u, \"sessions\": %u,\n \"simulated_s\": %.6f, \"processor_s\": %.1f, \"chip_cycles\": %llu, "
             "\"transactions\": %llu,\n \"device_packets\": %llu, \"device_outside_standard\": {\"turnaround\": %llu, \"eop\": %llu, \"bit_width\": %llu, \"contention\": %llu},\n \"kinds\": {",
             (unsigned long long)options.seed, injected, survived, talk.wrong_answers, sessions, (double)board.now() * 1e-12, seconds, (unsigned long long)board.cycles(), (unsigned long long)c.transactions,
             (unsigned long long)c.device_packets, (unsigned long long)c.bad_turnaround, (unsigned long long)c.bad_eop, (unsigned long long)c.bad_bit_width, (unsigned long long)c.contention);
    std::string json = text;
    const char *comma = "";
    for (const auto &[fault, tally] : tallies) {
        snprintf(text, sizeof text, "%s\n  \"%s\": [%u, %u]", comma, fault_name(fault), tally.injected, tally.survived);
        json += text;
        comma = ",";
    }
    return json + "}}\n";
}

int Campaign::run()
{
    if (!options.fault.empty() && options.fault != fault_name(draw()))
        throw std::runtime_error("there is no fault '" + options.fault + "'");
    fprintf(stderr, "campaign: %u faults, seed %llu\n", options.faults, (unsigned long long)options.seed);
    std::string problem = enumerate(board, 9);
    if (problem.empty())
        problem = recover(false);
    if (!problem.empty())
        throw std::runtime_error("before the first fault: " + problem);
    while (injected < options.faults) {
        Fault fault = draw();
        uint64_t start = board.now();
        problem = one(fault);
        Tally &tally = tallies[fault];
        injected++, tally.injected++;
        if (problem.empty())
            survived++, tally.survived++;
        if (options.verbose || !problem.empty())
            fprintf(stderr, "%s fault %u, %s, %.6f s to %.6f s%s%s\n", problem.empty() ? "ok  " : "FAIL", injected, fault_name(fault), (double)start * 1e-12, (double)board.now() * 1e-12, problem.empty() ? "" : ": ",
                    problem.c_str());
        if (!problem.empty()) {
            injector.disarm();
            problem = recover(true);
            if (!problem.empty()) {
                fprintf(stderr, "FAIL the device is lost: %s\n", problem.c_str());
                break;
            }
        }
    }
    talk.end();
    write_json(options.json.empty() ? "-" : options.json, report((double)clock() / CLOCKS_PER_SEC));
    return survived == options.faults && talk.wrong_answers == 0 ? 0 : 1;
}

} // namespace

int run_campaign(Board &board, const Options &options)
{
    return Campaign(board, options).run();
}
