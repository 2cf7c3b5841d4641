// SPDX-License-Identifier: Apache-2.0
// The model of the SDRAM chip: each rule of the data sheet is broken once, by as little as a clock can, and must be reported by name, bank and time; the
// same commands one clock later must pass. Then random legal traffic: every word read is compared. One line a rule.
#include "../../sim/sdram/sdram_chip.h"
#include <cstdio>
#include <functional>
#include <map>
#include <random>

static const Picoseconds NS = 1000;

// Commands a clock apart, from the power-up on.
struct Controller {
    SdramChip chip;
    Picoseconds period, now = 0, lead = 0;
    explicit Controller(const SdramTimings &t, Picoseconds clock) : chip(t), period(clock) {}

    void edge(const SdramPins &pins)
    {
        now += period;
        chip.clock(now, pins, lead);
    }
    void idle(int clocks)
    {
        for (int i = 0; i < clocks; i++)
            edge({});
    }
    void command(bool ras_n, bool cas_n, bool we_n, unsigned bank, unsigned address, int data = -1, unsigned mask = 0)
    {
        SdramPins pins;
        pins.cs_n = false, pins.ras_n = ras_n, pins.cas_n = cas_n, pins.we_n = we_n, pins.ba = bank, pins.a = address, pins.dqm = mask;
        pins.driven = data >= 0, pins.dq = (uint16_t)data;
        edge(pins);
    }
    void activate(unsigned bank, unsigned row) { command(0, 1, 1, bank, row); }
    void read(unsigned bank, unsigned column) { command(1, 0, 1, bank, column); }
    void write(unsigned bank, unsigned column, int data = 0x1234) { command(1, 0, 0, bank, column, data); }
    void precharge(unsigned bank) { command(0, 1, 0, bank, 0); }
    void precharge_all() { command(0, 1, 0, 0, 0x400); }
    void refresh() { command(0, 0, 1, 0, 0); }
    void mode(unsigned value) { command(0, 0, 0, 0, value); }

    void wait_200us() { idle((int)(200'000 * NS / period) + 1); }
    void initialise(unsigned value)
    {
        wait_200us();
        precharge_all(), idle(10), refresh(), idle(10), refresh(), idle(10), mode(value), idle(10);
    }
};

struct Case {
    const char *rule;
    int bank;
    int bad, good;       // the gap in clocks that breaks the rule, and one that does not
    std::function<void(Controller &, int gap)> play; // its last command is the one that breaks the rule
    std::function<void(SdramTimings &)> change = [](SdramTimings &) {};
    Picoseconds period = 7 * NS;
    bool initialised = true;
};

// A refresh after every interval, `count` times.
static void refreshes(Controller &c, int count, int interval)
{
    for (int i = 0; i < count; i++)
        c.idle(interval - 1), c.refresh();
}

static std::vector<Case> cases()
{
    const unsigned CL3 = 0x30, CL3_4 = 0x32;
    std::vector<Case> all = {
        {"tRCD", 2, 2, 3, [](Controller &c, int gap) { c.activate(2, 5), c.idle(gap - 1), c.read(2, 7); }},
        {"tRCD", 1, 2, 3, [](Controller &c, int gap) { c.activate(1, 5), c.idle(gap - 1), c.write(1, 7); }},
        {"tRP", 3, 2, 3, [](Controller &c, int gap) { c.activate(3, 1), c.idle(9), c.precharge(3), c.idle(gap - 1), c.activate(3, 2); }},
        {"tRP", 0, 2, 3, [](Controller &c, int gap) { c.activate(0, 1), c.idle(9), c.precharge_all(), c.idle(gap - 1), c.refresh(); }},
        {"tRP", 1, 2, 3, [](Controller &c, int gap) { c.activate(1, 1), c.idle(9), c.precharge(1), c.idle(gap - 1), c.mode(CL3); }},
        // the precharge of a read with A10: one clock after its only beat
        {"tRP", 1, 3, 4, [](Controller &c, int gap) { c.activate(1, 1), c.idle(9), c.read(1, 0x400), c.idle(gap - 1), c.activate(1, 2); }},
        {"tRAS", 1, 5, 6, [](Controller &c, int gap) { c.activate(1, 1), c.idle(gap - 1), c.precharge(1); }},
        {"tRAS", 1, 4, 5, [](Controller &c, int gap) { c.activate(1, 1), c.idle(gap - 1), c.read(1, 0x403), c.idle(1); }},
        {"tRAS", 0, 1429, 1428, [](Controller &c, int gap) { c.activate(0, 1), c.idle(gap - 1), c.precharge(0); },
         [](SdramTimings &t) { t.t_ras_max = 10'000 * NS, t.t_refi = 100'000 * NS; }},
        {"tRC", 0, 8, 9, [](Controller &c, int gap) { c.activate(0, 1), c.idle(gap - 4), c.precharge(0), c.idle(2), c.activate(0, 2); },
         [](SdramTimings &t) { t.t_ras = 28 * NS; }},
        {"tRC", 0, 8, 9, [](Controller &c, int gap) { c.activate(0, 1), c.idle(gap - 4), c.precharge(0), c.idle(2), c.refresh(); },
         [](SdramTimings &t) { t.t_ras = 28 * NS; }},
        {"tRP", 0, 2, 3, [](Controller &c, int gap) { c.wait_200us(), c.precharge_all(), c.idle(gap - 1), c.refresh(); }, {}, 7 * NS, false},
        {"tRRD", 3, 1, 2, [](Controller &c, int gap) { c.activate(1, 1), c.idle(gap - 1), c.activate(3, 1); }},
        {"tRFC", -1, 8, 9, [](Controller &c, int gap) { c.refresh(), c.idle(gap - 1), c.activate(0, 1); }},
        {"tRFC", -1, 8, 9, [](Controller &c, int gap) { c.refresh(), c.idle(gap - 1), c.refresh(); }},
        {"tWR", 2, 1, 2, [](Controller &c, int gap) { c.activate(2, 1), c.idle(9), c.write(2, 3), c.idle(gap - 1), c.precharge(2); }},
        {"tMRD", -1, 1, 2, [](Controller &c, int gap) { c.mode(CL3), c.idle(gap - 1), c.activate(0, 1); }},
        {"tCK", -1, 0, 1, [](Controller &c, int gap) { c.mode(gap ? 0x30 : 0x20), c.idle(1); }},
        {"refresh", -1, 2233, 2232, [](Controller &c, int gap) { c.idle(gap - 9); }}, // two intervals of 1116 clocks
        {"refresh", -1, 1117, 1116, [](Controller &c, int gap) { refreshes(c, 3000, gap); }},
        {"refresh", -1, 12000, 10000, [](Controller &c, int gap) { refreshes(c, 100, 10), c.idle(gap); }}, // many in advance count as eight
        {"initialisation", -1, 28571, 28572, [](Controller &c, int gap) { c.idle(gap), c.precharge_all(); }, {}, 7 * NS, false},
        {"initialisation", -1, 28571, 28572,
         [](Controller &c, int gap) {
             SdramPins off;
             off.cke = false;
             c.wait_200us(), c.edge(off), c.idle(gap - 1), c.precharge_all();
         }, {}, 7 * NS, false},
        {"initialisation", -1, 0, 1, [](Controller &c, int gap) { c.wait_200us(), (gap ? c.precharge_all() : c.precharge(1)), c.idle(9), c.refresh(); }, {}, 7 * NS, false},
        {"initialisation", -1, 0, 1, [](Controller &c, int gap) { c.wait_200us(), (gap ? c.precharge_all() : c.idle(1)), c.idle(9), c.mode(CL3); }, {}, 7 * NS, false},
        {"initialisation", 1, 1, 2,
         [](Controller &c, int gap) {
             c.wait_200us(), c.precharge_all();
             for (int i = 0; i < gap; i++)
                 c.idle(9), c.refresh();
             c.idle(9), c.mode(CL3), c.idle(9), c.activate(1, 0);
         }, {}, 7 * NS, false},
        {"initialisation", 0, 0, 1,
         [](Controller &c, int gap) {
             c.wait_200us(), c.precharge_all(), c.idle(9), c.refresh(), c.idle(9), c.refresh(), c.idle(9);
             if (gap)
                 c.mode(CL3), c.idle(9);
             c.activate(0, 0);
         }, {}, 7 * NS, false},
        {"mode", -1, 0x130, 0x30, [](Controller &c, int value) { c.mode((unsigned)value); }},
        {"mode", -1, 0x10, 0x30, [](Controller &c, int value) { c.mode((unsigned)value); }},
        {"mode", -1, 0x34, 0x33, [](Controller &c, int value) { c.mode((unsigned)value); }},
        {"mode", -1, 2, 0, [](Controller &c, int bank) { c.command(0, 0, 0, (unsigned)bank, CL3); }},
        {"mode", 0, 0x200, 0x1FF, [](Controller &c, int column) { c.activate(0, 1), c.idle(9), c.read(0, (unsigned)column); }},
        {"clock enable", -1, 0, 1,
         [](Controller &c, int gap) {
             SdramPins pins;
             pins.cke = gap;
             c.edge(pins);
         }},
        {"bank open", 1, 0, 1, [](Controller &c, int gap) { c.activate(1, 1), c.idle(19), c.activate(1 + (unsigned)gap, 2); }},
        {"bank open", 2, 0, 1, [](Controller &c, int gap) { c.activate(2, 1), c.idle(19), (gap ? c.precharge(2) : c.idle(1)), c.idle(9), c.refresh(); }},
        {"bank open", 2, 0, 1, [](Controller &c, int gap) { c.activate(2, 1), c.idle(19), (gap ? c.precharge(2) : c.idle(1)), c.idle(9), c.mode(CL3); }},
        {"bank closed", 3, 3, 1, [](Controller &c, int bank) { c.activate(1, 1), c.idle(9), c.read((unsigned)bank, 0); }},
        {"bank closed", 1, 0x400, 0, [](Controller &c, int flag) { c.activate(1, 1), c.idle(9), c.write(1, (unsigned)flag), c.read(1, 0); }},
        // CL 3: the chip drives from two clocks after the command until tHZ after the third
        {"contention", -1, 3, 4, [](Controller &c, int gap) { c.activate(1, 1), c.idle(9), c.read(1, 0), c.idle(gap - 1), c.write(1, 0); }},
        {"contention", -1, 2, 1, [](Controller &c, int gap) { c.activate(1, 1), c.idle(9), c.read(1, 0), c.idle(gap - 1), c.write(1, 0); }},
        {"contention", -1, 4, 5, [](Controller &c, int gap) { c.lead = 2 * NS, c.activate(1, 1), c.idle(9), c.read(1, 0), c.idle(gap - 1), c.write(1, 0); }},
        {"no data", 1, -1, 7, [](Controller &c, int data) { c.activate(1, 1), c.idle(9), c.write(1, 0, data); }},
        {"no data", 1, 1, 4, [](Controller &c, int beats) { // a burst of four, of which only some beats have data
             c.mode(CL3_4), c.idle(9), c.activate(1, 1), c.idle(9), c.write(1, 0);
             SdramPins pins;
             pins.driven = true;
             for (int i = 1; i < beats; i++)
                 c.edge(pins);
             c.idle(1);
         }},
    };
    return all;
}

static int failed = 0;

static void report(bool ok, const std::string &name, const std::string &text)
{
    printf("%s sim/sdram_chip %s: %s\n", ok ? "ok  " : "FAIL", name.c_str(), text.c_str());
    failed += !ok;
}

// What was reported; an empty rule if nothing was broken.
static SdramViolation play(const Case &c, int gap)
{
    SdramTimings timings;
    if (c.change)
        c.change(timings);
    Controller controller(timings, c.period);
    try {
        if (c.initialised)
            controller.initialise(0x30);
        c.play(controller, gap);
    } catch (const SdramViolation &violation) {
        return violation.time == controller.now ? violation : SdramViolation("another time", 0, 0, violation.what());
    }
    return {"", -1, controller.now, "nothing"};
}

static void violations()
{
    std::map<std::string, std::pair<int, std::string>> rules; // rule: cases, what went wrong
    for (const Case &c : cases()) {
        auto &[number, wrong] = rules[c.rule];
        number++;
        SdramViolation bad = play(c, c.bad), good = play(c, c.good);
        if (bad.rule != c.rule || bad.bank != c.bank)
            wrong += " case " + std::to_string(number) + " with " + std::to_string(c.bad) + " gave: " + bad.what() + ";";
        if (!good.rule.empty())
            wrong += " case " + std::to_string(number) + " with " + std::to_string(c.good) + " is legal, but: " + good.what() + ";";
    }
    for (const auto &[rule, result] : rules)
        report(result.second.empty(), rule, result.second.empty() ? std::to_string(result.first) + " broken, named, and kept" : result.second);
}

// The time and the text are those of the command that broke the rule.
static void words()
{
    Controller c(SdramTimings{}, 7 * NS);
    c.initialise(0x30);
    std::string text;
    try {
        c.activate(2, 5), c.idle(1), c.read(2, 7);
    } catch (const SdramViolation &violation) {
        text = violation.time == c.now ? violation.what() : "another time";
    }
    std::string want = "SDRAM: tRCD, bank 2 at " + std::to_string(c.now / 1000) + ".0 ns: 14 ns, at least 21 wanted";
    report(text == want, "message", text);
}

// Random legal traffic: rows, columns, banks, masks, both latencies, all burst lengths.
static void traffic(unsigned cl, unsigned burst_log2, Picoseconds period)
{
    std::mt19937 random(cl * 8 + burst_log2);
    Controller c(SdramTimings{}, period);
    c.initialise(cl << 4 | burst_log2);
    std::map<uint32_t, uint16_t> want;
    const unsigned burst = 1u << burst_log2;
    uint64_t compared = 0, wrong = 0;
    std::string error;
    try {
        for (int i = 0; i < 3000; i++) {
            unsigned bank = random() % 4, row = random() % 3 * 4095, column = random() % 4 * 8 + random() % 8;
            auto word = [&](unsigned beat) { return (row * 4 + bank) * 512 + ((column & ~(burst - 1)) | ((column + beat) & (burst - 1))); };
            c.activate(bank, row), c.idle(8);
            for (unsigned beat = 0; beat < burst; beat++) {
                SdramPins pins;
                pins.cs_n = beat != 0, pins.cas_n = pins.we_n = beat != 0, pins.ba = bank, pins.a = column;
                pins.driven = true, pins.dq = (uint16_t)random(), pins.dqm = random() % 4;
                c.edge(pins);
                uint16_t keep = (uint16_t)((pins.dqm & 1 ? 0xFF : 0) | (pins.dqm & 2 ? 0xFF00 : 0));
                uint16_t before = want.count(word(beat)) ? want[word(beat)] : c.chip.cell(word(beat));
                want[word(beat)] = (uint16_t)((before & keep) | (pins.dq & ~keep));
            }
            c.idle(4), c.read(bank, column);
            Picoseconds command = c.now;
            for (unsigned beat = 0; beat < burst; beat++) {
                Picoseconds edge = command + (Picoseconds)(cl + beat) * period, access = cl == 2 ? 6000 : 5400;
                while (c.now < edge)
                    c.idle(1);
                uint16_t value = want[word(beat)];
                wrong += c.chip.sample(edge) != value || c.chip.sample(edge - period + access) != value || c.chip.sample(edge + 2499) != value;
                wrong += c.chip.sample(edge - period + access - 1) == value || (beat + 1 == burst && c.chip.sample(edge + 2500) == value);
                compared += 5;
            }
            c.idle(8), c.precharge(bank), c.idle(4), c.refresh(), c.idle(12);
        }
    } catch (const SdramViolation &violation) {
        error = violation.what();
    }
    // what stands on the pins while they promise nothing is random: once in a run it may be the value
    report(error.empty() && wrong <= 1, "legal traffic, CL " + std::to_string(cl) + ", bursts of " + std::to_string(burst),
           error.empty() ? std::to_string(compared) + " samples, " + std::to_string(wrong) + " wrong" : error);
}

// What ends a burst, and what masks one: CL 2, bursts of four.
static void interrupted()
{
    enum Ending { PRECHARGE, STOP };
    for (Ending ending : {PRECHARGE, STOP}) {
        Controller c(SdramTimings{}, 15 * NS);
        std::string wrong;
        auto end = [&] { ending == STOP ? c.command(1, 1, 0, 0, 0) : c.precharge(1); };
        auto row = [&] {
            if (ending == PRECHARGE)
                c.idle(4), c.activate(1, 0);
            c.idle(9);
        };
        auto expect = [&](int beat, bool ok, const char *what) { wrong += ok ? "" : std::string(" ") + what + ", beat " + std::to_string(beat) + ";"; };
        try {
            c.initialise(0x22), c.activate(1, 0), c.idle(9);
            uint16_t before[4];
            for (unsigned beat = 0; beat < 4; beat++)
                before[beat] = c.chip.cell(512 + beat);
            SdramPins data;
            data.driven = true, data.dq = 0x2222;
            c.write(1, 0, 0x1111), c.edge(data), end(), row();
            expect(0, c.chip.cell(512) == 0x1111, "not written"), expect(1, c.chip.cell(513) == 0x2222, "not written");
            expect(2, c.chip.cell(514) == before[2], "written"), expect(3, c.chip.cell(515) == before[3], "written");
            c.read(1, 0), c.idle(1), end(); // data comes two clocks after its beat
            Picoseconds first = c.now;
            expect(0, c.chip.sample(first) == 0x1111, "not read");
            c.idle(1);
            expect(1, c.chip.sample(first + 15 * NS) == 0x2222, "not read");
            c.idle(1);
            expect(2, c.chip.sample(first + 30 * NS) != before[2], "read");
            row();
            c.command(1, 0, 1, 1, 0, -1, 2), c.idle(1);
            SdramPins mask;
            mask.dqm = 1;
            c.edge(mask); // of the beat that comes two clocks later
            uint16_t half = c.chip.sample(c.now);
            expect(0, (half & 0xFF) == 0x11 && half >> 8 != 0x11, "mask");
            c.idle(2);
            half = c.chip.sample(c.now);
            expect(2, (half & 0xFF) != (before[2] & 0xFF) && half >> 8 == before[2] >> 8, "mask");
        } catch (const SdramViolation &violation) {
            wrong += std::string(" ") + violation.what();
        }
        report(wrong.empty(), ending == STOP ? "burst stopped" : "burst ended by a precharge", wrong.empty() ? "two of four beats written and read, masks" : wrong);
    }
}

int main()
{
    violations();
    words();
    interrupted();
    for (unsigned burst = 0; burst < 4; burst++)
        traffic(2, burst, 15 * NS), traffic(3, burst, 7500);
    return failed != 0;
}
