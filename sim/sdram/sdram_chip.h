// SPDX-License-Identifier: Apache-2.0
// An SDR SDRAM chip on its pins: 4 banks x 8192 rows x 512 columns x 16 bit (docs/memory.md). Called once a clock, of constant length, it does what the commands say and
// keeps the data sheet: the first rule that is broken is thrown as an SdramViolation, which ends a simulation that does not catch it.
#pragma once
#include <array>
#include <cstdint>
#include <deque>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

using Picoseconds = int64_t;

// The worst of the data sheets of the chips on ULX3S boards (AS4C32M16SB-7, AS4C16M16, IS42S16160), in ps.
struct SdramTimings {
    Picoseconds t_rcd = 21000, t_rp = 21000, t_ras = 42000, t_ras_max = 100'000'000, t_rc = 63000, t_rrd = 14000, t_rfc = 63000, t_wr = 14000;
    int t_mrd = 2;                                    // clocks
    Picoseconds t_ck_cl2 = 10000, t_ck_cl3 = 7000;    // shortest clock
    Picoseconds t_refi = 7'812'500;                   // 8192 rows in 64 ms
    Picoseconds t_init = 200'000'000;                 // from the first clock to the first command
    Picoseconds t_ac_cl2 = 6000, t_ac_cl3 = 5400;     // clock to valid data
    Picoseconds t_oh = 2500, t_lz = 0, t_hz = 6000;   // valid data after the next clock; the outputs drive from here, to there after their last clock
};

struct SdramViolation : std::runtime_error {
    std::string rule; // as in docs/memory.md
    int bank;         // -1: all of them, or none
    Picoseconds time;
    SdramViolation(const std::string &broken, int at_bank, Picoseconds at, const std::string &text) : std::runtime_error(text), rule(broken), bank(at_bank), time(at) {}
};

// The pins as the chip sees them at a rising edge of its clock.
struct SdramPins {
    bool cke = true, cs_n = true, ras_n = true, cas_n = true, we_n = true;
    unsigned ba = 0, a = 0, dqm = 0;
    bool driven = false; // the other side drives the data pins
    uint16_t dq = 0;
};

class SdramChip {
  public:
    static const int BANKS = 4, ROWS = 8192, COLUMNS = 512;

    explicit SdramChip(const SdramTimings &timings = {});

    // A rising edge of the chip's clock at this time. The other side drives its data pins from `lead` before the edge for as long as a clock lasts.
    void clock(Picoseconds now, const SdramPins &pins, Picoseconds lead = 0);
    // What a flip-flop on the data pins stores that samples at this time: wrong data where the chip promises none.
    uint16_t sample(Picoseconds at) const;

    // Its content, for the program around it. A row takes memory from its first use on.
    uint16_t &cell(uint32_t word)
    {
        std::unique_ptr<uint16_t[]> &row = rows[word / COLUMNS];
        if (!row)
            fill(word / COLUMNS);
        return row[word % COLUMNS];
    }

    struct Counts {
        uint64_t activate, precharge, read, write, refresh, mode;
    } counts{};

  private:
    enum Command { MODE, REFRESH, PRECHARGE, ACTIVATE, WRITE, READ, STOP, NOTHING }; // {ras_n, cas_n, we_n}
    struct Bank {
        bool open;
        unsigned row;
        Picoseconds activated, precharged, written; // the last time of each
        Picoseconds precharge_due;                  // the precharge that a command has brought with it; NEVER: none
    };
    struct Burst {
        int left; // beats to come
        unsigned bank, column, beat;
    };
    struct Output {
        Picoseconds edge; // at which the other side may store it
        uint16_t data, hidden;
        Picoseconds valid;
    };
    static const Picoseconds NEVER = INT64_MIN / 4;
    enum Initialisation { WAITING, WAITED, PRECHARGED, DONE };

    [[noreturn]] void broken(const char *rule, int bank, const std::string &what) const;
    void at_least(const char *rule, int bank, Picoseconds since, Picoseconds limit) const;
    void close(unsigned bank, Picoseconds when);
    void due_precharges();
    void activate(const SdramPins &pins);
    void column(const SdramPins &pins, bool writing);
    void precharge(const SdramPins &pins);
    void refresh();
    void mode(const SdramPins &pins);
    void move(const SdramPins &pins, Picoseconds lead);
    uint32_t address(const Burst &burst) const;
    void fill(uint32_t row);

    SdramTimings t;
    std::vector<std::unique_ptr<uint16_t[]>> rows;
    std::array<Bank, BANKS> banks;
    Burst reading{}, writing{};
    std::deque<Output> outputs;
    Picoseconds now = 0, first = NEVER, period = 0, last_activate = NEVER, last_refresh = NEVER, refresh_due = 0;
    uint64_t edge = 0, mode_edge = 0; // counted clocks
    Initialisation state = WAITING;
    int cl = 0, burst = 0, refreshes = 0;
    bool mode_set = false;
};
