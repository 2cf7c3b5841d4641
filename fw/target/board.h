/* SPDX-License-Identifier: Apache-2.0 */
/* How the firmware reaches the hardware: plain loads and stores. tests/fw/board.h takes this file's place on the PC. */
#ifndef QUELL_BOARD_H
#define QUELL_BOARD_H

#include <stdint.h>

static inline uint32_t board_read(uint32_t address) { return *(volatile uint32_t *)(uintptr_t)address; }
static inline uint32_t board_read8(uint32_t address) { return *(volatile uint8_t *)(uintptr_t)address; }
static inline void board_write(uint32_t address, uint32_t value) { *(volatile uint32_t *)(uintptr_t)address = value; }

#endif
