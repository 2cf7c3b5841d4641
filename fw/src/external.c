/* SPDX-License-Identifier: Apache-2.0 */
#include "external.h"
#include "channel.h"

/* The controller's registers, in bytes, and their bits (docs/memory.md, "LiteDRAM"). */
enum { INIT_DONE = 0x000, DFII_CONTROL = 0x800, DFII_COMMAND = 0x804, DFII_ISSUE = 0x808, DFII_ADDRESS = 0x80C, DFII_BANK = 0x810 };
enum { HARDWARE = 1, CLOCK_ON = 0xE };                     /* control: refresh and ports; the clock's enable alone */
enum { CS = 1, WE = 2, CAS = 4, RAS = 8 };                 /* command */
enum { ALL_BANKS = 0x400, MODE_CL2_BURST1 = 0x20 };        /* address */
enum { WAIT = 16000 };                                     /* clocks: 200 us at up to 80 MHz */
enum { STREAM_LOAD = 0, STREAM_READ = 1, STREAM_WRITE = 2 };


static void control(uint32_t address, uint32_t data)
{
    while (external_status() & QUELL_REGS__MEM_STATUS__CTRL_BUSY_bm)
        ;
    board_write(REG(mem_ctrl_addr), address);
    board_write(REG(mem_ctrl_data), data);
}

static void command(uint32_t command, uint32_t address)
{
    control(DFII_ADDRESS, address);
    control(DFII_BANK, 0);
    control(DFII_COMMAND, command);
    control(DFII_ISSUE, 1);
}

static void descriptor(uint32_t stream, uint32_t first, uint32_t words)
{
    while (external_status() & QUELL_REGS__MEM_STATUS__DESC_FULL_bm)
        ;
    board_write(REG(mem_addr), first);
    board_write(REG(mem_words), words);
    board_write(REG(mem_descriptor), stream);
}

void external_open(struct hardware *hw)
{
    if (hw->external_open)
        return;
    hw->external_open = true;
    control(DFII_CONTROL, CLOCK_ON);
    for (uint32_t start = channel_now(); channel_now() - start < WAIT;)
        ;
    command(CS | RAS | WE, ALL_BANKS);
    for (int i = 0; i < 2; i++)
        command(CS | RAS | CAS, 0);
    command(CS | RAS | CAS | WE, MODE_CL2_BURST1);
    control(DFII_CONTROL, HARDWARE);
    control(INIT_DONE, 1);
    board_write(REG(mem_addr), 0);
    board_write(REG(mem_words), hw->info.ext_words);
    for (uint32_t stream = STREAM_LOAD; stream <= STREAM_WRITE; stream++)
        board_write(REG(mem_region), stream);
}

void external_write(uint32_t index, uint32_t words, uint32_t offset)
{
    uint32_t from = MAP_MESSAGE + offset, registers = base_address(REG(mem_addr));
    const uint32_t low = offsetof(quell_regs_t, mem_write_lo) - offsetof(quell_regs_t, mem_addr), high = low + 4;
    if (!words)
        return;
    descriptor(STREAM_WRITE, index, words);
    while (words) {
        uint32_t burst = words < 8 ? words : 8;
        while (!(external_status() & QUELL_REGS__MEM_STATUS__WRITE_ROOM_bm))
            ;
        words -= burst;
        for (; burst; burst--, from += 8) {
            board_write(registers + low, board_read(from));
            board_write(registers + high, board_read(from + 4));
        }
    }
    while (external_status() & 1u << STREAM_WRITE) /* what reads next finds them */
        ;
}

uint32_t external_crc(uint32_t words)
{
    uint32_t registers = base_address(REG(crc_data));
    board_write(REG(crc), UINT32_MAX);
    if (words)
        descriptor(STREAM_READ, 0, words);
    for (; words; words--) {
        while (!(external_status() & QUELL_REGS__MEM_STATUS__READ_VALID_bm))
            ;
        board_write(registers, board_read(REG(mem_read_lo)));
        board_write(registers, board_read(REG(mem_read_hi)));
        board_write(REG(mem_read_next), 1);
    }
    return ~board_read(REG(crc));
}

void external_load(const struct memory *memory, uint32_t number, uint32_t index, uint32_t words, uint32_t source)
{
    board_write(REG(mem_load_words), words);
    board_write(REG(mem_load), index | (number - QP_MEM_WEIGHT) << 16);
    descriptor(STREAM_LOAD, source, (words * memory->lanes + 1) / 2);
}
