/* SPDX-License-Identifier: Apache-2.0 */
/* Samples drawn as the chip draws them, layer after layer, inference after inference, and summed up. For noise_stats. */
#ifndef QUELL_NOISE_DRAW_H
#define QUELL_NOISE_DRAW_H

#include <stdint.h>

#define LAGS 16

struct sums {
    uint64_t histogram[65536]; /* by code + 32768 */
    int64_t lag[LAGS + 1];     /* sum of eps[i]*eps[i + lag]: below 2^28 each, 2^27 samples fit 2^55 */
    uint64_t lag_count[LAGS + 1];
    int64_t pair;              /* sum of eps[2k]*eps[2k + 1] */
    double pair_squares;       /* sum of (eps[2k]^2 - 1)*(eps[2k + 1]^2 - 1), in multiples of 2^-22 that fit a double */
};

/* Add `pairs` pairs to *all; progress on stderr. All sums are integers, so the number of threads changes nothing. Once a program. */
void draw(uint64_t pairs, uint32_t seed, struct sums *all);

#endif
