/* SPDX-License-Identifier: Apache-2.0 */
#include "layer.h"

static void move(const uint32_t *entry, uint32_t code, uint32_t words)
{
    board_write(REG(layer) + code / 128 * 4, entry[code / 128] + (words << code % 32));
}

void layer_write(const uint32_t *entry, uint32_t move_in, uint32_t move_res)
{
    static_assert(LAYER_FIELD_in_addr / 128 != LAYER_FIELD_res_addr / 128, "one word for both addresses");
    uint32_t to = base_address(REG(layer));
#pragma GCC unroll 32 /* the loop would take three times as long, once a layer of every image */
    for (uint32_t i = 0; i < QUELL_LAYER_WORDS; i++)
        board_write(to + 4 * i, entry[i]);
    if (move_in)
        move(entry, LAYER_FIELD_in_addr, move_in);
    if (move_res)
        move(entry, LAYER_FIELD_res_addr, move_res);
}

void layer_go(void) { board_write(REG(ctrl), QUELL_REGS__CTRL__GO_bm); }

void layer_abort(void)
{
    board_write(REG(ctrl), QUELL_REGS__CTRL__ABORT_bm);
    while (!layer_ready()) /* the reset lasts a few cycles */
        ;
}

/* Clocks of the pooling: every pair of the frame, and of what its windows reach outside of it, as often as windows overlap there. */
static uint64_t pool_cycles(const uint32_t *entry)
{
    if (!layer_pool_kind(entry))
        return 0;
    uint32_t places = (layer_out_h(entry) + layer_pool_kh(entry) + layer_pool_pad_top(entry)) * (layer_out_w(entry) + layer_pool_kw(entry) + layer_pool_pad_left(entry));
    return (uint64_t)places * (layer_out_c8(entry) * 4) * (layer_pool_rows(entry) * layer_pool_columns(entry)); /* 22 + 14 + 12 bits */
}

uint32_t layer_cycle_limit(const uint32_t *entry)
{
    /* The array's worst case is nine words to read or a cycle for every channel of every window, input and output group; post's is 4 pairs a word: 16 times that. */
    uint64_t words = (uint64_t)layer_out_w(entry) * layer_out_h(entry) * layer_out_c8(entry);
    uint64_t cycles = (words * (layer_in_c8(entry) * layer_windows(entry) * 9 + 4) + pool_cycles(entry)) * 16 + 1000000;
    return cycles > INT32_MAX ? INT32_MAX : (uint32_t)cycles;
}
