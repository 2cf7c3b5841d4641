/* SPDX-License-Identifier: Apache-2.0 */
/* Layer-table entries between struct quell_layer and the words that a device reads, all from the register description; what a layer's weights stand for. */
#include "model.h"

#include <string.h>

void quell_layer_pack(const struct quell_layer *layer, uint32_t words[QUELL_LAYER_WORDS])
{
    memset(words, 0, QUELL_LAYER_WORDS * sizeof *words);
#define QUELL_PACK(name, offset, lsb, width, text) words[(offset) / 4] |= ((uint32_t)layer->name & (0xFFFFFFFFu >> (32 - (width)))) << (lsb);
    QUELL_LAYER_FIELDS(QUELL_PACK)
#undef QUELL_PACK
}

void quell_layer_unpack(const uint32_t words[QUELL_LAYER_WORDS], struct quell_layer *layer)
{
#define QUELL_UNPACK(name, offset, lsb, width, text) layer->name = (int32_t)((words[(offset) / 4] >> (lsb)) & (0xFFFFFFFFu >> (32 - (width))));
    QUELL_LAYER_FIELDS(QUELL_UNPACK)
#undef QUELL_UNPACK
    int32_t *const codes[] = {&layer->z_in, &layer->z_v, &layer->z_res, &layer->z_y, &layer->z_pool, &layer->lo, &layer->hi, &layer->z_table};
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
        *codes[i] = (int8_t)*codes[i];
}

int quell_weight_exists(const struct quell_model_layer *l, uint32_t output, uint32_t tap, uint32_t input)
{
    const struct quell_layer *t = &l->table;
    const quell_layer_info *i = &l->info;
    uint32_t side = quell_layer_side(t), window = tap / (side * side), rest = tap % (side * side);
    uint32_t y = window / (uint32_t)(t->win_w + 1), x = window % (uint32_t)(t->win_w + 1);
    if (side == 3 && (i->dilation_y > 1 || i->dilation_x > 1)) { /* one tap a window */
        if (rest)
            return 0;
    } else {
        y = y * side + rest / side;
        x = x * side + rest % side;
    }
    if (y >= i->kernel_h || x >= i->kernel_w || output >= l->real_channels)
        return 0;
    if (t->mode == 2)
        return 1;
    input %= (i->in_c + 7) / 8 * 8; /* fully connected: pixel after pixel */
    return input < i->in_c && input / (i->in_c / i->groups) == output / (l->real_channels / i->groups);
}
