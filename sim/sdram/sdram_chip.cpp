// SPDX-License-Identifier: Apache-2.0
// The commands of sdram_chip.h and the rules they must keep.
#include "sdram_chip.h"
#include <algorithm>

SdramChip::SdramChip(const SdramTimings &timings) : t(timings), rows(BANKS * ROWS)
{
    banks.fill({false, 0, NEVER, NEVER, NEVER, NEVER});
}

void SdramChip::broken(const char *rule, int bank, const std::string &what) const
{
    std::string where = bank < 0 ? "" : ", bank " + std::to_string(bank), when = std::to_string(now / 1000) + "." + std::to_string(now / 100 % 10);
    throw SdramViolation(rule, bank, now, std::string("SDRAM: ") + rule + where + " at " + when + " ns: " + what);
}

void SdramChip::at_least(const char *rule, int bank, Picoseconds since, Picoseconds limit) const
{
    if (now - since < limit)
        broken(rule, bank, std::to_string((now - since) / 1000) + " ns, at least " + std::to_string(limit / 1000) + " wanted");
}

// What a memory holds before it is written: not zero.
void SdramChip::fill(uint32_t row)
{
    rows[row] = std::make_unique<uint16_t[]>(COLUMNS);
    for (size_t i = 0; i < COLUMNS; i++)
        rows[row][i] = (uint16_t)((((size_t)row * COLUMNS + i) * 0x9E3779B1u) >> 13);
}

// Precharge at `when`, which for one that a command brought with it lies before now.
void SdramChip::close(unsigned number, Picoseconds when)
{
    Bank &bank = banks[number];
    if (!bank.open)
        return;
    Picoseconds present = now;
    now = when;
    at_least("tRAS", (int)number, bank.activated, t.t_ras);
    at_least("tWR", (int)number, bank.written, t.t_wr);
    if (when - bank.activated > t.t_ras_max)
        broken("tRAS", (int)number, "open for more than " + std::to_string(t.t_ras_max / 1'000'000) + " us");
    now = present;
    bank.open = false;
    bank.precharged = when;
}

void SdramChip::due_precharges()
{
    for (unsigned number = 0; number < BANKS; number++) {
        Picoseconds due = banks[number].precharge_due;
        if (due == NEVER || due > now)
            continue;
        banks[number].precharge_due = NEVER;
        close(number, due);
    }
}

void SdramChip::activate(const SdramPins &pins)
{
    Bank &bank = banks[pins.ba];
    if (bank.open)
        broken("bank open", (int)pins.ba, "activated twice");
    at_least("tRP", (int)pins.ba, bank.precharged, t.t_rp);
    at_least("tRC", (int)pins.ba, bank.activated, t.t_rc);
    at_least("tRRD", (int)pins.ba, last_activate, t.t_rrd);
    bank.open = true;
    bank.row = pins.a;
    bank.activated = last_activate = now;
    counts.activate++;
}

void SdramChip::column(const SdramPins &pins, bool is_write)
{
    Bank &bank = banks[pins.ba];
    if (!bank.open)
        broken("bank closed", (int)pins.ba, "read or write without a row");
    if (bank.precharge_due != NEVER)
        broken("bank closed", (int)pins.ba, "read or write of a bank that precharges itself");
    at_least("tRCD", (int)pins.ba, bank.activated, t.t_rcd);
    if (pins.a & 0x1A00u) // A10 asks for the precharge
        broken("mode", (int)pins.ba, "a column that the chip does not have");
    Burst begun = {burst, pins.ba, pins.a & 0x1FFu, 0};
    reading = is_write ? Burst{} : begun; // the new one ends what was under way
    writing = is_write ? begun : Burst{};
    (is_write ? counts.write : counts.read)++;
    if (pins.a & 0x400u) { // as soon as the chip may; the data sheet counts tWR up to a clock
        Picoseconds recovery = (t.t_wr + period - 1) / period * period;
        bank.precharge_due = now + (is_write ? (burst - 1) * period + recovery : burst * period);
    }
}

void SdramChip::precharge(const SdramPins &pins)
{
    bool all = pins.a & 0x400u;
    for (unsigned number = 0; number < BANKS; number++) {
        if (!all && number != pins.ba)
            continue;
        banks[number].precharge_due = NEVER;
        close(number, now);
        if (state == WAITED) // whatever power-up left behind
            banks[number].precharged = now;
        if (writing.bank == number)
            writing.left = 0;
        if (reading.bank == number)
            reading.left = 0;
    }
    if (state == WAITED && all)
        state = PRECHARGED;
    counts.precharge++;
}

void SdramChip::refresh()
{
    if (state == WAITED)
        broken("initialisation", -1, "refresh before all banks are precharged");
    for (unsigned number = 0; number < BANKS; number++) {
        if (banks[number].open)
            broken("bank open", (int)number, "refresh");
        at_least("tRP", (int)number, banks[number].precharged, t.t_rp);
        at_least("tRC", (int)number, banks[number].activated, t.t_rc);
    }
    last_refresh = now;
    refreshes++;
    counts.refresh++;
    // One more interval, but no more than eight in advance.
    refresh_due = std::min(refresh_due + t.t_refi, now + 9 * t.t_refi);
}

void SdramChip::mode(const SdramPins &pins)
{
    if (state == WAITED)
        broken("initialisation", -1, "mode register before all banks are precharged");
    for (unsigned number = 0; number < BANKS; number++) {
        if (banks[number].open)
            broken("bank open", (int)number, "mode register");
        at_least("tRP", (int)number, banks[number].precharged, t.t_rp);
    }
    unsigned length = pins.a & 7u, latency = pins.a >> 4 & 7u;
    // Sequential bursts of 1 to 8, write bursts as long as reads: the rest is reserved or not modelled.
    if (length > 3 || (latency != 2 && latency != 3) || pins.a & ~0x77u || pins.ba)
        broken("mode", -1, "mode register " + std::to_string(pins.a) + ": reserved, or not modelled");
    cl = (int)latency;
    burst = 1 << length;
    mode_set = true;
    mode_edge = edge;
    counts.mode++;
}

uint32_t SdramChip::address(const Burst &b) const
{
    unsigned mask = (unsigned)burst - 1; // a burst wraps within its length
    return ((banks[b.bank].row * BANKS + b.bank) * COLUMNS) + ((b.column & ~mask) | ((b.column + b.beat) & mask));
}

// The data of this clock.
void SdramChip::move(const SdramPins &pins, Picoseconds lead)
{
    for (const Output &o : outputs) { // what the chip drives, against what the other side drives during this clock
        Picoseconds from = o.edge - period + t.t_lz, to = o.edge + t.t_hz, other = now - lead;
        if (pins.driven && other < to && from < other + period)
            broken("contention", -1, "both sides drive the data pins");
    }
    if (writing.left) {
        if (!pins.driven)
            broken("no data", (int)writing.bank, "a write without data");
        uint16_t keep = (uint16_t)((pins.dqm & 1 ? 0xFF : 0) | (pins.dqm & 2 ? 0xFF00 : 0)), &word = cell(address(writing));
        word = (uint16_t)((word & keep) | (pins.dq & ~keep));
        banks[writing.bank].written = now;
        writing.left--, writing.beat++;
    }
    if (reading.left) {
        outputs.push_back({now + cl * period, cell(address(reading)), 0, now + (cl - 1) * period + (cl == 2 ? t.t_ac_cl2 : t.t_ac_cl3)});
        reading.left--, reading.beat++;
    }
    for (Output &o : outputs) // the mask hides what comes two clocks later
        if (o.edge == now + 2 * period)
            o.hidden = (uint16_t)((pins.dqm & 1 ? 0xFF : 0) | (pins.dqm & 2 ? 0xFF00 : 0));
    while (!outputs.empty() && outputs.front().edge + 4 * period < now)
        outputs.pop_front();
}

void SdramChip::clock(Picoseconds time, const SdramPins &pins, Picoseconds lead)
{
    if (first == NEVER)
        first = time;
    else
        period = time - now;
    now = time;
    edge++;
    due_precharges();
    Command command = pins.cs_n ? NOTHING : (Command)(pins.ras_n << 2 | pins.cas_n << 1 | pins.we_n);
    if (state == WAITING && (command != NOTHING || !pins.cke)) {
        if (command == NOTHING) { // the wait begins when the clock is enabled
            first = now;
            return;
        }
        at_least("initialisation", -1, first, t.t_init);
        state = WAITED;
    }
    if (!pins.cke)
        broken("clock enable", -1, "low: power-down and self-refresh are not modelled");
    if (cl && period < (cl == 2 ? t.t_ck_cl2 : t.t_ck_cl3))
        broken("tCK", -1, "a clock of " + std::to_string(period) + " ps");
    if (command != NOTHING) {
        at_least("tRFC", -1, last_refresh, t.t_rfc);
        if (mode_set && edge - mode_edge < (uint64_t)t.t_mrd)
            broken("tMRD", -1, "a command right after the mode register");
    }
    if (state == PRECHARGED && mode_set && refreshes >= 2) {
        state = DONE;
        refresh_due = now + 2 * t.t_refi;
    }
    if (state != DONE && (command == ACTIVATE || command == READ || command == WRITE))
        broken("initialisation", (int)pins.ba, "an access before it is complete");
    if (state == DONE && now > refresh_due)
        broken("refresh", -1, "more than an interval late, " + std::to_string(counts.refresh) + " came so far");
    switch (command) {
    case MODE: mode(pins); break;
    case REFRESH: refresh(); break;
    case PRECHARGE: precharge(pins); break;
    case ACTIVATE: activate(pins); break;
    case WRITE: column(pins, true); break;
    case READ: column(pins, false); break;
    case STOP: reading.left = writing.left = 0; break;
    case NOTHING: break;
    }
    move(pins, lead);
}

uint16_t SdramChip::sample(Picoseconds at) const
{
    for (const Output &o : outputs)
        if (at >= o.valid && at < o.edge + t.t_oh)
            return (uint16_t)(o.data ^ o.hidden);
    return (uint16_t)(at / 100 * 0x9E37); // nothing that anybody stored
}
