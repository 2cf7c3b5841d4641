/* SPDX-License-Identifier: Apache-2.0 */
#include "hardware.h"

void hardware_read(struct hardware *hw)
{
    uint32_t caps = board_read(REG(caps));
    struct qp_info *info = &hw->info;
    info->version = board_read(REG(version));
    info->build = board_read(REG(build));
    info->cores = caps & QUELL_REGS__CAPS__CORES_bm;
    info->bottleneck_max = (caps & QUELL_REGS__CAPS__BOTTLENECK_MAX_bm) >> QUELL_REGS__CAPS__BOTTLENECK_MAX_bp;
    info->tables = (caps & QUELL_REGS__CAPS__TABLES_bm) >> QUELL_REGS__CAPS__TABLES_bp;
    info->act_words = board_read(REG(act_words));
    info->weight_words = board_read(REG(weight_words));
    info->const_words = board_read(REG(const_words));
    info->row_words = board_read(REG(row_words));
    info->dn_pair_words = board_read(REG(dn_pair_words));
    info->dn_row_words = board_read(REG(dn_row_words));
    info->line_words = board_read(REG(line_words));
    info->max_payload = QP_MAX_PAYLOAD;
    info->ext_words = board_read(REG(ext_words));

    uint32_t mb = info->bottleneck_max;
    hw->memory[QP_MEM_ACTIVATION] = (struct memory){MAP_ACTIVATION, 3, 2, info->act_words};
    hw->memory[QP_MEM_WEIGHT] = (struct memory){MAP_WEIGHT, 8, info->cores * 9 / 4, info->weight_words};
    hw->memory[QP_MEM_CONSTANT] = (struct memory){MAP_CONSTANT, 6, 10, info->const_words};
    hw->memory[QP_MEM_DN_PAIR] = (struct memory){MAP_DN_PAIR, 7, 3 * mb / 2 + 7, info->dn_pair_words};
    hw->memory[QP_MEM_DN_ROW] = (struct memory){MAP_DN_ROW, 7, mb / 2 * 5 + 2, info->dn_row_words};
    hw->memory[QP_MEM_TABLE] = (struct memory){MAP_TABLE, 8, 64, info->tables};
    hw->memory[QP_MEM_EXTERNAL] = (struct memory){0, 3, 2, info->ext_words}; /* not in the processor's map: external.h */
}

void memory_write(const struct memory *memory, uint32_t index, uint32_t words, uint32_t offset)
{
    uint32_t address = memory->base + (index << memory->shift), step = 1u << memory->shift;
    if (memory->lanes * 4 == step) /* no gaps between words */
        copy_words(address, MAP_MESSAGE + offset, words * memory->lanes);
    else
        for (; words; words--, address += step, offset += memory->lanes * 4)
            copy_words(address, MAP_MESSAGE + offset, memory->lanes);
}
