/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <string.h>
#include <zlib.h>
#include "board.h"
#include "fake_board.h"
#include "map.h"

struct fake fake;

void fake_reset(void)
{
    memset(&fake, 0, sizeof fake);
    fake.step = 3;
    fake.layer_time = 2000;
    fake.load_time = 500;
}

void fake_host_sends(const void *bytes, size_t count)
{
    assert(fake.rx_tail + count <= sizeof fake.rx);
    if (count)
        memcpy(fake.rx + fake.rx_tail, bytes, count);
    fake.rx_tail += count;
}

/* CRC state, not inverted, as the hardware keeps it */
static uint32_t crc_step(uint32_t state, const void *bytes, size_t count) { return ~(uint32_t)crc32(~state, bytes, (unsigned)count); }

/* Let time pass: DMA, layers. */
static void pass(void)
{
    fake.time += fake.step;
    while (fake.rx_count && fake.rx_head < fake.rx_tail) {
        uint8_t byte = fake.rx[fake.rx_head++];
        assert(fake.rx_addr < sizeof fake.message);
        fake.message[fake.rx_addr++] = byte;
        fake.rx_crc = crc_step(fake.rx_crc, &byte, 1);
        fake.rx_count--;
    }
    while (fake.tx_left && !fake.line_blocked) {
        assert(fake.tx_addr < sizeof fake.message && fake.tx_count < sizeof fake.tx);
        fake.tx[fake.tx_count++] = fake.message[fake.tx_addr++];
        fake.tx_left--;
    }
    if (fake.done < fake.queued && fake.layer_time && (int32_t)(fake.time - fake.layer_end) >= 0) {
        fake.done++;
        fake.layer_end = fake.time + fake.layer_time;
    }
    while (fake.loads_done < fake.loads && fake.load[fake.loads_done].source != UINT32_MAX && (int32_t)(fake.time - fake.load[fake.loads_done].time) >= 0)
        fake.loads_done++;
}

/* ---- external memory: what the hardware would refuse, and what it does not say, ends the test ---- */

static uint32_t memory_status(void)
{
    return (fake.write_left ? 4u : 0) | (fake.read_left ? 2u : 0) | (fake.loads - fake.loads_done == 2 ? QUELL_REGS__MEM_STATUS__LOAD_FULL_bm : 0) | (fake.loads != fake.loads_done ? QUELL_REGS__MEM_STATUS__LOAD_BUSY_bm : 0)
        | (fake.read_left ? QUELL_REGS__MEM_STATUS__READ_VALID_bm : 0) | QUELL_REGS__MEM_STATUS__WRITE_ROOM_bm | fake.loads_done << 16;
}

static uint32_t read_half(uint32_t upper)
{
    uint32_t value;
    assert(fake.read_left);
    memcpy(&value, fake.ext + fake.read_at * 8 + upper * 4, 4);
    return value;
}

static void begin_descriptor(uint32_t stream)
{
    assert(stream < 3 && fake.region[stream] && fake.ctrl_open && fake.mem_words && fake.mem_addr + fake.mem_words <= fake.ext_words);
    if (stream == 0) {
        struct fake_load *l = &fake.load[fake.loads - 1];
        assert(fake.loads && l->source == UINT32_MAX);
        l->source = fake.mem_addr;
        l->time = fake.time + fake.load_time;
    } else if (stream == 1) {
        assert(!fake.read_left);
        fake.read_at = fake.mem_addr, fake.read_left = fake.mem_words;
    } else {
        assert(!fake.write_left);
        fake.write_at = fake.mem_addr, fake.write_left = fake.mem_words;
    }
}

static void begin_load(uint32_t value)
{
    static const uint32_t limit[5] = {2048, 512, 256, 64, 8};
    struct fake_load *l = &fake.load[fake.loads];
    assert(fake.loads < FAKE_LOADS && fake.loads - fake.loads_done < 2 && (value >> 16) < 5 && fake.load_words && (value & 0xFFFF) + fake.load_words <= limit[value >> 16]);
    *l = (struct fake_load){value >> 16, value & 0xFFFF, fake.load_words, UINT32_MAX, fake.done, 0};
    fake.loads++;
}

static void write_word(uint32_t upper)
{
    assert(fake.write_left);
    memcpy(fake.ext + fake.write_at * 8, &fake.write_low, 4);
    memcpy(fake.ext + fake.write_at * 8 + 4, &upper, 4);
    fake.write_at++, fake.write_left--;
}

static void write_controller(uint32_t data)
{
    assert(fake.ctrl_count < FAKE_CTRL);
    fake.ctrl[fake.ctrl_count][0] = fake.ctrl_addr;
    fake.ctrl[fake.ctrl_count++][1] = data;
    fake.ctrl_open |= fake.ctrl_addr == 0 && data == 1;
}

static uint32_t read_register(uint32_t offset)
{
    switch (offset) {
    case offsetof(quell_regs_t, version): return 0x000100;
    case offsetof(quell_regs_t, build): return 0x12345678;
    case offsetof(quell_regs_t, caps): return 8 | 4 << 8 | 8 << 16;
    case offsetof(quell_regs_t, act_words): return FAKE_ACT_WORDS;
    case offsetof(quell_regs_t, weight_words): return 2048;
    case offsetof(quell_regs_t, const_words): return 512;
    case offsetof(quell_regs_t, row_words): return 512;
    case offsetof(quell_regs_t, dn_pair_words): return 256;
    case offsetof(quell_regs_t, dn_row_words): return 64;
    case offsetof(quell_regs_t, line_words): return 1024;
    case offsetof(quell_regs_t, time): return fake.time;
    case offsetof(quell_regs_t, time_start): return 1000;
    case offsetof(quell_regs_t, time_end): return 1777;
    case offsetof(quell_regs_t, status): return (fake.queued - fake.done < 2) | fake.done << 16; /* one runs, one may be queued */
    case offsetof(quell_regs_t, rx_count): return fake.rx_count;
    case offsetof(quell_regs_t, rx_crc): return fake.rx_crc;
    case offsetof(quell_regs_t, tx_count): return fake.tx_left;
    case offsetof(quell_regs_t, leds): return fake.leds;
    case offsetof(quell_regs_t, crc): return fake.crc;
    case offsetof(quell_regs_t, ext_words): return fake.ext_words;
    case offsetof(quell_regs_t, mem_status): return memory_status();
    case offsetof(quell_regs_t, mem_read_lo): return read_half(0);
    case offsetof(quell_regs_t, mem_read_hi): return read_half(1);
    default: return offset >= offsetof(quell_regs_t, cnt_array_busy) && offset < offsetof(quell_regs_t, cnt_clear) ? offset : 0;
    }
}

static void write_register(uint32_t offset, uint32_t value)
{
    if (offset >= offsetof(quell_regs_t, layer) && offset < offsetof(quell_regs_t, layer) + sizeof fake.layer) {
        assert(fake.queued - fake.done < 2); /* the shadow is free */
        fake.layer[(offset - offsetof(quell_regs_t, layer)) / 4] = value;
        return;
    }
    switch (offset) {
    case offsetof(quell_regs_t, ctrl):
        if (value & QUELL_REGS__CTRL__ABORT_bm) {
            fake.aborts++;
            fake.queued = fake.done = 0;
        } else if (value & QUELL_REGS__CTRL__GO_bm) {
            assert(fake.queued - fake.done < 2 && fake.starts < FAKE_STARTED);
            if (fake.queued == fake.done)
                fake.layer_end = fake.time + fake.layer_time;
            memcpy(fake.started[fake.starts], fake.layer, sizeof fake.layer);
            fake.started_loads[fake.starts] = fake.loads_done;
            fake.started_inference[fake.starts++] = fake.inference;
            fake.queued++;
        }
        break;
    case offsetof(quell_regs_t, seed): fake.seed = value; break;
    case offsetof(quell_regs_t, inference): fake.inference = value; break;
    case offsetof(quell_regs_t, rx_count): fake.rx_count = value; break;
    case offsetof(quell_regs_t, rx_addr): fake.rx_addr = value; break;
    case offsetof(quell_regs_t, rx_crc): fake.rx_crc = value; break;
    case offsetof(quell_regs_t, tx_count): fake.tx_left = value; break;
    case offsetof(quell_regs_t, tx_addr): fake.tx_addr = value; break;
    case offsetof(quell_regs_t, leds): fake.leds = value; break;
    case offsetof(quell_regs_t, crc): fake.crc = value; break;
    case offsetof(quell_regs_t, crc_data): fake.crc = crc_step(fake.crc, &value, 4); break;
    case offsetof(quell_regs_t, cnt_clear): fake.clears++; break;
    case offsetof(quell_regs_t, mem_addr): fake.mem_addr = value; break;
    case offsetof(quell_regs_t, mem_words): fake.mem_words = value; break;
    case offsetof(quell_regs_t, mem_descriptor): begin_descriptor(value); break;
    case offsetof(quell_regs_t, mem_region):
        assert(value < 3 && !fake.region[value] && fake.mem_addr == 0 && fake.mem_words == fake.ext_words);
        fake.region[value] = true;
        break;
    case offsetof(quell_regs_t, mem_load_words): fake.load_words = value; break;
    case offsetof(quell_regs_t, mem_load): begin_load(value); break;
    case offsetof(quell_regs_t, mem_write_lo): fake.write_low = value; break;
    case offsetof(quell_regs_t, mem_write_hi): write_word(value); break;
    case offsetof(quell_regs_t, mem_read_next): fake.read_at++, fake.read_left--; break;
    case offsetof(quell_regs_t, mem_ctrl_addr): fake.ctrl_addr = value; break;
    case offsetof(quell_regs_t, mem_ctrl_data): write_controller(value); break;
    default: assert(!"write to a register that is not there");
    }
}

/* Where an address of the two readable memories lies; everything outside them is a bug of the firmware. */
static uint8_t *find(uint32_t address)
{
    uint32_t offset = address & 0x0FFFFFFF;
    if (address >> 28 == MAP_MESSAGE >> 28 && offset < sizeof fake.message)
        return fake.message + offset;
    assert(address >> 28 == MAP_ACTIVATION >> 28 && offset < sizeof fake.activation);
    return fake.activation + offset;
}

uint32_t board_read(uint32_t address)
{
    pass();
    assert(address % 4 == 0);
    if (address >> 28 == MAP_REGISTERS >> 28)
        return read_register(address & 0x0FFFFFFF);
    uint32_t value;
    memcpy(&value, find(address), 4);
    return value;
}

uint32_t board_read8(uint32_t address)
{
    pass();
    return *find(address);
}

void board_write(uint32_t address, uint32_t value)
{
    pass();
    assert(address % 4 == 0);
    uint32_t region = address >> 28, offset = address & 0x0FFFFFFF;
    static const uint32_t limit[9] = {0, 0, 0, 0, 2048u << 8, 512u << 6, 256u << 7, 64u << 7, 8u << 8};
    assert(region < 9);
    fake.written[region]++;
    fake.last_address[region] = offset;
    if (region == MAP_REGISTERS >> 28)
        write_register(offset, value);
    else if (region >= MAP_WEIGHT >> 28)
        assert(offset < limit[region]);
    else if (region == MAP_ACTIVATION >> 28) { /* a word is stored with its upper half */
        uint32_t alias = MAP_ACTIVATION_LOW - MAP_ACTIVATION;
        if (offset & alias) {
            assert(address % 8 == 0);
            memcpy(find(address - alias), &value, 4);
            memset(find(address - alias + 4), 0, 4);
        } else if (address % 8 == 0)
            fake.lower_half = value;
        else {
            memcpy(find(address), &value, 4);
            memcpy(find(address - 4), &fake.lower_half, 4);
        }
    } else
        memcpy(find(address), &value, 4);
}
