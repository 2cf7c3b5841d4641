// SPDX-License-Identifier: Apache-2.0
// The memory chip's model on the pins of a Verilated LiteDRAM, and the initialisation that a firmware will do on its registers (docs/memory.md).
#pragma once
#include "../../sim/sdram/sdram_chip.h"
#include "tb.h"

// LiteDRAM's registers (bytes) and their bits
enum { DFII_CONTROL = 0x800, DFII_COMMAND = 0x804, DFII_ISSUE = 0x808, DFII_ADDRESS = 0x80C, DFII_BANK = 0x810, INIT_DONE = 0x000 };
enum { HARDWARE = 1, CKE_ON = 0xE };                        // control: refresh and ports, or clock enable alone
enum { CS = 1, WE = 2, CAS = 4, RAS = 8 };                 // command
enum { ALL_BANKS = 0x400, MODE_CL2_BURST1 = 0x20 };        // address

template <class Dut> struct SdramBoard {
    // 66.67 MHz. The chip's clock comes a quarter later than the pins; from the FPGA's clock to its pins and from the pins to its flip-flops. With tAC the sum
    // must be under the clock.
    static const Picoseconds CLOCK = 15000, LAG = 3750, OUT = 2500, IN = 1500;
    Tb<Dut> &tb;
    Dut &d;
    SdramChip chip;

    explicit SdramBoard(Tb<Dut> &bench, const SdramTimings &timings = {}) : tb(bench), d(bench.dut), chip(timings) {}

    void tick()
    {
        Picoseconds edge = (Picoseconds)tb.cycle * CLOCK;
        d.sdram_dq_i = chip.sample(edge - IN);
        tb.tick();
        SdramPins pins;
        pins.cke = d.sdram_cke_o, pins.cs_n = d.sdram_cs_n_o, pins.ras_n = d.sdram_ras_n_o, pins.cas_n = d.sdram_cas_n_o, pins.we_n = d.sdram_we_n_o;
        pins.ba = d.sdram_ba_o, pins.a = d.sdram_a_o, pins.dqm = d.sdram_dm_o, pins.driven = d.sdram_dq_oe_o != 0, pins.dq = d.sdram_dq_o;
        TB_CHECK(tb, d.sdram_dq_oe_o == 0 || d.sdram_dq_oe_o == 0xFFFF, "the data pins are driven apart");
        chip.clock(edge + OUT + LAG, pins, LAG);
    }
    void write(uint32_t address, uint32_t data)
    {
        d.ctrl_valid_i = 1, d.ctrl_addr_i = address / 4, d.ctrl_data_i = data;
        for (int i = 0;; i++) {
            TB_CHECK(tb, i < 20, "no answer from LiteDRAM's registers");
            tb.settle();
            bool answered = d.ctrl_ready_o;
            tick();
            if (answered)
                break;
        }
        d.ctrl_valid_i = 0;
        tick();
    }
    void command(unsigned command, unsigned address)
    {
        write(DFII_ADDRESS, address), write(DFII_BANK, 0), write(DFII_COMMAND, command), write(DFII_ISSUE, 1);
    }
    // After a reset LiteDRAM has the pins and would refresh a chip that is not initialised: software takes them first.
    void initialise(Picoseconds wait = 200'000'000)
    {
        d.rst_i = 1;
        for (int i = 0; i < 8; i++)
            tick();
        d.rst_i = 0;
        for (int i = 0; i < 4; i++) // the reset comes in through two flip-flops
            tick();
        write(DFII_CONTROL, CKE_ON);
        for (Picoseconds t = 0; t <= wait; t += CLOCK)
            tick();
        command(CS | RAS | WE, ALL_BANKS);
        for (int i = 0; i < 2; i++)
            command(CS | RAS | CAS, 0);
        command(CS | RAS | CAS | WE, MODE_CL2_BURST1);
        write(DFII_CONTROL, HARDWARE);
        write(INIT_DONE, 1);
        tb.settle();
        TB_CHECK(tb, d.init_done_o, "init_done");
    }
};
