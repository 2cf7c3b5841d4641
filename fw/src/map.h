/* SPDX-License-Identifier: Apache-2.0 */
/* The processor's address map (docs/architecture.md) and the layout of the message buffer. */
#ifndef QUELL_MAP_H
#define QUELL_MAP_H

#include <stddef.h>
#include <stdint.h>
#include "board.h"
#include "quell_protocol.h"
#include "quell_regs.h"

#define MAP_MESSAGE 0x10000000u
#define MAP_REGISTERS 0x20000000u
#define MAP_ACTIVATION 0x30000000u
#define MAP_ACTIVATION_LOW 0x30080000u /* written: the word with upper half 0 */
#define MAP_WEIGHT 0x40000000u
#define MAP_CONSTANT 0x50000000u
#define MAP_DN_PAIR 0x60000000u
#define MAP_DN_ROW 0x70000000u
#define MAP_TABLE 0x80000000u

/* Message buffer: a request from 0 on (and the answer to a READ, which may be as large), small answers from MESSAGE_ANSWER on. */
#define MESSAGE_REQUEST 0u
#define MESSAGE_PAYLOAD ((uint32_t)sizeof(struct qp_header))
#define MESSAGE_ANSWER 8448u
#define MESSAGE_BYTES 16384u
static_assert(MESSAGE_PAYLOAD + QP_MAX_PAYLOAD <= MESSAGE_ANSWER, "a request overlaps the answers");

/* Bytes of logits that fit behind the header and struct qp_result. */
#define MESSAGE_MAX_CLASSES (MESSAGE_BYTES - MESSAGE_ANSWER - MESSAGE_PAYLOAD - (uint32_t)sizeof(struct qp_result))

/* The address of a register of struct quell_regs_t. */
#define REG(name) (MAP_REGISTERS + (uint32_t)offsetof(quell_regs_t, name))

static inline uint32_t message_word(uint32_t offset) { return board_read(MAP_MESSAGE + offset); }

/* An address of which the compiler knows no more than its value: it stays in one register, and what lies near it is reached by the instructions' own
 * offsets. Otherwise compilers make every address anew from its constant parts, each in its own way; the processor needs four clocks an instruction. */
static inline uint32_t base_address(uint32_t address)
{
    __asm__("" : "+r"(address));
    return address;
}

/* Copy words, eight at a time: the processor needs three to five clocks an instruction, so loop control must not be most of them. */
static inline void copy_words(uint32_t to, uint32_t from, uint32_t words)
{
    for (; words >= 8; words -= 8, to += 32, from += 32) {
        uint32_t a = board_read(from), b = board_read(from + 4), c = board_read(from + 8), d = board_read(from + 12);
        board_write(to, a), board_write(to + 4, b), board_write(to + 8, c), board_write(to + 12, d);
        a = board_read(from + 16), b = board_read(from + 20), c = board_read(from + 24), d = board_read(from + 28);
        board_write(to + 16, a), board_write(to + 20, b), board_write(to + 24, c), board_write(to + 28, d);
    }
    for (; words; words--, to += 4, from += 4)
        board_write(to, board_read(from));
}

#endif
