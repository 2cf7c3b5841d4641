/* SPDX-License-Identifier: Apache-2.0 */
/* What this chip has, read once from its registers, and its memories. */
#ifndef QUELL_HARDWARE_H
#define QUELL_HARDWARE_H

#include <stdbool.h>
#include "map.h"

struct memory {
    uint32_t base;  /* address of word 0 */
    uint32_t shift; /* log2 of the bytes from word to word */
    uint32_t lanes; /* 32-bit lanes a word */
    uint32_t words;
};

struct hardware {
    struct qp_info info;
    struct memory memory[QP_MEM_COUNT];
    bool external_open; /* the external memory has been initialised */
};

void hardware_read(struct hardware *hw);

/* Copy whole words from the message buffer (byte offset, multiple of 4) into a memory. */
void memory_write(const struct memory *memory, uint32_t index, uint32_t words, uint32_t offset);

#endif
