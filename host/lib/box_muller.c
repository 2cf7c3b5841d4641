/* SPDX-License-Identifier: Apache-2.0 */
/* Random samples one pair at a time, and many on whatever every processor has; the vector paths have bm_fill compiled for themselves. */
#include "box_muller.h"

void qa_box_muller(uint64_t u0, uint32_t u1, int16_t eps[2])
{
    uint32_t code = bm_normalise(bm_within(u0)), where = bm_where((uint32_t)bm_half(u0), code, u1);
    uint32_t r = bm_radius(bm_c0_c2[where & 0x3FF], bm_c1[where & 0x3FF], (int32_t)(code & 0x3FFF));
    bm_evaluate(r, u1, bm_cos[where >> 15], bm_sin[where >> 15], (int32_t)(where >> 10 & 31), eps);
}

void qa_gaussian_pair(uint32_t seed, enum qa_purpose purpose, uint32_t layer, uint32_t inference, uint32_t pair, int16_t eps[2])
{
    const uint32_t key[2] = {seed, ((uint32_t)purpose << 24) + layer}, ctr[2] = {inference, pair};
    uint32_t x[2];
    qa_threefry2x32(key, ctr, x);
    qa_box_muller(x[0] | (uint64_t)(x[1] & 0xFFFF) << 32, x[1] >> 16, eps);
}

void qa_gaussian_fill(uint32_t seed, enum qa_purpose purpose, uint32_t layer, uint32_t inference, uint32_t first_pair, uint32_t pairs, int16_t *eps)
{
    bm_fill(seed, purpose, layer, inference, first_pair, pairs, eps);
}
