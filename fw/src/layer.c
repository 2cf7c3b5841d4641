/* SPDX-License-Identifier: Apache-2.0 */
#include "layer.h"

void layer_start(const uint32_t *entry)
{
    for (uint32_t i = 0; i < QUELL_LAYER_WORDS; i++)
        board_write(REG(layer) + 4 * i, entry[i]);
    board_write(REG(ctrl), QUELL_REGS__CTRL__GO_bm);
}

void layer_abort(void)
{
    board_write(REG(ctrl), QUELL_REGS__CTRL__ABORT_bm);
    while (!layer_ready()) /* the reset lasts a few cycles */
        ;
}

uint32_t layer_cycle_limit(const uint32_t *entry)
{
    /* The array's worst case is a cycle for every input channel of every window and output group, post's 4 pairs a word: 16 times that. */
    uint64_t words = (uint64_t)layer_out_w(entry) * layer_out_h(entry) * layer_out_c8(entry);
    uint64_t cycles = words * (layer_in_c8(entry) * 8 + 4) * 16 + 1000000;
    return cycles > INT32_MAX ? INT32_MAX : (uint32_t)cycles;
}
