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
    default: return offset >= offsetof(quell_regs_t, cnt_array_busy) && offset < offsetof(quell_regs_t, cnt_clear) ? offset : 0;
    }
}

static void write_register(uint32_t offset, uint32_t value)
{
    if (offset >= offsetof(quell_regs_t, layer)) {
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
