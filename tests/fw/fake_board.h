/* SPDX-License-Identifier: Apache-2.0 */
/* The hardware as the firmware sees it, in memory. */
#ifndef FAKE_BOARD_H
#define FAKE_BOARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "quell_fields.h"

#define FAKE_ACT_WORDS 8192u
#define FAKE_STARTED 256u
#define FAKE_EXT_WORDS 4096u
#define FAKE_CTRL 64u
#define FAKE_LOADS 1024u

struct fake {
    uint8_t message[16384];
    uint8_t activation[FAKE_ACT_WORDS * 8];
    uint32_t lower_half; /* written, not stored yet */
    uint32_t written[9];                  /* lanes written, by top address digit */
    uint32_t last_address[9];
    uint32_t time, step;                  /* clock; cycles that pass with each access */
    uint8_t rx[65536], tx[65536];         /* what the host has sent, and has got */
    size_t rx_head, rx_tail, tx_count;
    uint32_t rx_count, rx_addr, rx_crc, tx_left, tx_addr, crc, leds, seed, inference;
    uint32_t layer[QUELL_LAYER_WORDS], started[FAKE_STARTED][QUELL_LAYER_WORDS], started_inference[FAKE_STARTED], started_loads[FAKE_STARTED];
    uint32_t starts, aborts, clears;
    uint32_t queued, done;                /* layers since the last abort */
    uint32_t layer_time;                  /* cycles a layer takes; 0: it never ends */
    uint32_t layer_end;
    bool line_blocked;                    /* the host does not read */
    /* external memory; 0 words: none */
    uint32_t ext_words, mem_addr, mem_words, ctrl_addr, load_words;
    uint8_t ext[FAKE_EXT_WORDS * 8];
    uint32_t ctrl[FAKE_CTRL][2], ctrl_count; /* address and data of what was written to the memory's controller */
    bool region[3], ctrl_open;
    uint32_t write_at, write_left, write_low, read_at, read_left;
    struct fake_load {
        uint32_t memory, index, words, source, done_before, time; /* when it was given: layers done; at that time it ends */
    } load[FAKE_LOADS];
    uint32_t loads, loads_done, load_time;
};
extern struct fake fake;

void fake_reset(void);
void fake_host_sends(const void *bytes, size_t count);

#endif
