/* SPDX-License-Identifier: Apache-2.0 */
/* Threefry-2x32 with 20 rounds (Salmon et al., SC'11; Random123), one block. The array form is in box_muller.h. */
#include "arith.h"
#include "threefry_rounds.h"

void qa_threefry2x32(const uint32_t key[2], const uint32_t ctr[2], uint32_t out[2])
{
    const uint32_t ks[3] = {key[0], key[1], THREEFRY_PARITY ^ key[0] ^ key[1]};
    uint32_t x0 = ctr[0] + ks[0], x1 = ctr[1] + ks[1];
#define ROUND(r) THREEFRY_ROUND(x0, x1, r);
#define KEY(a, b) (x0 += (a), x1 += (b));
    THREEFRY_20(ROUND, KEY, ks)
    out[0] = x0;
    out[1] = x1;
}
