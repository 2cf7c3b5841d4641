/* SPDX-License-Identifier: Apache-2.0 */
#include "image.h"

/* `count` pixels of padding from word address `at` on: pad_code in every channel, also those that do not exist (their weights are 0). */
static uint32_t put_padding(uint32_t at, uint32_t pixels, uint32_t c8, uint32_t code)
{
    uint32_t lanes = (code & 0xFF) * 0x01010101u;
    for (uint32_t i = pixels * c8; i > 0; i--, at += 8) {
        board_write(at, lanes);
        board_write(at + 4, lanes);
    }
    return at;
}

/* Up to four codes, the first in the lowest byte. */
static inline uint32_t get_lane(uint32_t from, uint32_t count)
{
    uint32_t lane = board_read8(from);
    if (count > 1)
        lane |= board_read8(from + 1) << 8;
    if (count > 2)
        lane |= board_read8(from + 2) << 16;
    if (count > 3)
        lane |= board_read8(from + 3) << 24;
    return lane;
}

/* A row of pixels of c channels each. */
static uint32_t put_row(uint32_t at, uint32_t from, uint32_t pixels, uint32_t c)
{
    if (c == 1) { /* the usual case, worth its own loop */
        for (uint32_t end = from + pixels; from != end; from++, at += 8) {
            board_write(at, board_read8(from));
            board_write(at + 4, 0);
        }
        return at;
    }
    for (; pixels > 0; pixels--)
        for (uint32_t left = c; left > 0; at += 8) {
            uint32_t n = left < 8 ? left : 8;
            board_write(at, get_lane(from, n));
            board_write(at + 4, n > 4 ? get_lane(from + 4, n - 4) : 0);
            from += n;
            left -= n;
        }
    return at;
}

void image_expand(const struct qp_table *table, uint32_t offset, uint32_t address, void (*background)(void))
{
    uint32_t c8 = (table->image_c + 7) / 8, pad = table->image_pad, code = (uint32_t)table->pad_code;
    uint32_t at = MAP_ACTIVATION + address * 8, from = MAP_MESSAGE + offset, width = table->image_w + 2 * pad;
    for (uint32_t y = 0; y < pad; y++, background())
        at = put_padding(at, width, c8, code);
    for (uint32_t y = 0; y < table->image_h; y++, background()) {
        at = put_padding(at, pad, c8, code);
        at = put_row(at, from, table->image_w, table->image_c);
        at = put_padding(at, pad, c8, code);
        from += table->image_w * table->image_c;
    }
    for (uint32_t y = 0; y < pad; y++, background())
        at = put_padding(at, width, c8, code);
}
