/* SPDX-License-Identifier: Apache-2.0 */
/* Samples of the fixed-point Box-Muller against long double arithmetic. For noise_stats. */
#ifndef QUELL_NOISE_ACCURACY_H
#define QUELL_NOISE_ACCURACY_H

#include <stdint.h>

struct accuracy {
    double worst; /* ulp */
    int reach;    /* code */
    uint64_t tried;
    uint64_t worst_u0;
    uint32_t worst_u1;
};

/* 10^7 random pairs and every corner case; after make_exact_angles(). */
struct accuracy measure_accuracy(void);

#endif
