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

/* Rows of one or of three channels, four pixels at a time: `from` and the row are whole words. The usual cases, worth their own loops: the processor
 * expands an image while the link brings the next one. A pixel is one write, of a word whose upper half is 0. */
static inline void put_row_1(uint32_t at, uint32_t from, uint32_t pixels)
{
    at = base_address(at + (MAP_ACTIVATION_LOW - MAP_ACTIVATION));
    for (uint32_t end = from + pixels; from != end; from += 4, at += 32) {
        uint32_t word = board_read(from);
        board_write(at, word & 0xFF);
        board_write(at + 8, word >> 8 & 0xFF);
        board_write(at + 16, word >> 16 & 0xFF);
        board_write(at + 24, word >> 24);
    }
}

static inline void put_row_3(uint32_t at, uint32_t from, uint32_t pixels)
{
    at = base_address(at + (MAP_ACTIVATION_LOW - MAP_ACTIVATION));
    for (uint32_t end = from + 3 * pixels; from != end; from += 12, at += 32) {
        uint32_t a = board_read(from), b = board_read(from + 4), c = board_read(from + 8);
        board_write(at, a & 0xFFFFFF);
        board_write(at + 8, a >> 24 | (b & 0xFFFF) << 8);
        board_write(at + 16, b >> 16 | (c & 0xFF) << 16);
        board_write(at + 24, c >> 8);
    }
}

/* A row of pixels of c channels each. */
static uint32_t put_row(uint32_t at, uint32_t from, uint32_t pixels, uint32_t c)
{
    bool words = (pixels | from) % 4 == 0;
    if (words && c == 1) {
        put_row_1(at, from, pixels);
        return at + pixels * 8;
    }
    if (words && c == 3) {
        put_row_3(at, from, pixels);
        return at + pixels * 8;
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

void image_expand(const struct qp_table *table, uint32_t offset, uint32_t address, bool fresh, void (*background)(void))
{
    uint32_t c8 = (table->image_c + 7) / 8, pad = table->image_pad, code = (uint32_t)table->pad_code;
    uint32_t at = MAP_ACTIVATION + address * 8, from = MAP_MESSAGE + offset, width = table->image_w + 2 * pad, side = pad * c8 * 8;
    uint32_t row = table->image_w * table->image_c; /* codes; once, as the processor multiplies in software */
    if (!fresh)
        at += pad * width * c8 * 8;
    for (uint32_t y = 0; fresh && y < pad; y++, background())
        at = put_padding(at, width, c8, code);
    for (uint32_t y = 0; y < table->image_h; y++, background()) {
        at = fresh ? put_padding(at, pad, c8, code) : at + side;
        at = put_row(at, from, table->image_w, table->image_c);
        at = fresh ? put_padding(at, pad, c8, code) : at + side;
        from += row;
    }
    if (!fresh)
        return;
    for (uint32_t y = 0; y < pad; y++, background())
        at = put_padding(at, width, c8, code);
}
