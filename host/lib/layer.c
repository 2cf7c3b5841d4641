/* SPDX-License-Identifier: Apache-2.0 */
/* Layer-table entries between struct quell_layer and the words that a device reads; all from the register description. */
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
    int32_t *const codes[] = {&layer->z_in, &layer->z_v, &layer->z_res, &layer->z_y, &layer->z_pool, &layer->lo, &layer->hi};
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
        *codes[i] = (int8_t)*codes[i];
}
