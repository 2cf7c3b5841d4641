/* SPDX-License-Identifier: Apache-2.0 */
/* Stands in for fw/target/board.h on the PC: every access goes to the fake hardware of fake_board.c. */
#ifndef QUELL_BOARD_H
#define QUELL_BOARD_H

#include <stdint.h>

uint32_t board_read(uint32_t address);
uint32_t board_read8(uint32_t address);
void board_write(uint32_t address, uint32_t value);

#endif
