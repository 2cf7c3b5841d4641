/* SPDX-License-Identifier: Apache-2.0 */
/* Driver of hw/memory/memory_system.sv: the external memory's initialisation, its words to and from the message buffer, the loader. docs/memory.md. */
#ifndef QUELL_EXTERNAL_H
#define QUELL_EXTERNAL_H

#include <stdbool.h>
#include "hardware.h"

/* Initialise the memory, if that has not been done since the last reset: 200 us. Until the first write to its registers the controller is in reset. */
void external_open(struct hardware *hw);

/* Copy whole words from the message buffer; they lie within the memory. */
void external_write(uint32_t index, uint32_t words, uint32_t offset);

/* CRC-32 of the first words' bytes. */
uint32_t external_crc(uint32_t words);

static inline uint32_t external_status(void) { return board_read(REG(mem_status)); }

/* May a load be given to the loader? */
static inline bool external_load_ready(uint32_t status) { return !(status & (QUELL_REGS__MEM_STATUS__LOAD_FULL_bm | QUELL_REGS__MEM_STATUS__DESC_FULL_bm)); }

/* Words from `source` on into one of the chip's memories. */
void external_load(const struct memory *memory, uint32_t number, uint32_t index, uint32_t words, uint32_t source);

/* Loads that the loader has done since the reset, modulo 2^16. */
static inline uint32_t external_loads_done(uint32_t status) { return status >> QUELL_REGS__MEM_STATUS__LOADS_DONE_bp; }

#endif
