/* SPDX-License-Identifier: Apache-2.0 */
/* See noise_accuracy.h. */
#include "noise_accuracy.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>

#include "arith.h"
#include "noise_exact.h"

#define THREADS 2
#define RANDOM_PAIRS 10000000u

static void try_pair(struct accuracy *a, uint64_t u0, uint32_t u1, long double r)
{
    int16_t eps[2];
    qa_box_muller(u0, u1, eps);
    double c = fabs((double)((long double)eps[0] - ULPS * r * exact_cos[u1])), s = fabs((double)((long double)eps[1] - ULPS * r * exact_sin[u1]));
    double worst = c > s ? c : s;
    int reach = abs(eps[0]) > abs(eps[1]) ? abs(eps[0]) : abs(eps[1]);
    if (worst > a->worst) {
        a->worst = worst;
        a->worst_u0 = u0;
        a->worst_u1 = u1;
    }
    if (reach > a->reach)
        a->reach = reach;
    a->tried += 2;
}

static void try_all_angles(struct accuracy *a, uint64_t u0)
{
    long double r = exact_radius(u0);
    for (uint32_t u1 = 0; u1 < ALL_U1; u1++)
        try_pair(a, u0, u1, r);
}

/* Angles at the borders of quadrants and of table segments, and in between. */
static void try_some_angles(struct accuracy *a, uint64_t u0)
{
    long double r = exact_radius(u0);
    for (uint32_t u1 = 0; u1 < ALL_U1; u1 += 1024)
        for (uint32_t d = 0; d < 3; d++)
            try_pair(a, u0, (u1 + d * 15 - d / 2 * 31) & 0xFFFF, r); /* + 0, + 15, - 1 */
}

static void try_corners(struct accuracy *a)
{
    const uint64_t all = 0xFFFFFFFFFFFF;
    for (uint64_t u0 = 0; u0 < 4; u0++) {
        try_all_angles(a, u0);
        try_all_angles(a, all - u0);
        try_all_angles(a, ((uint64_t)1 << 47) - 2 + u0);
    }
    for (unsigned e = 2; e < 47; e++) { /* u0 + 1 and 2^48 - 1 - u0 around every power of two */
        for (uint64_t d = 0; d < 4; d++) {
            try_all_angles(a, ((uint64_t)1 << e) - 3 + d);
            try_all_angles(a, all - (((uint64_t)1 << e) - 3 + d));
        }
        for (uint64_t segment = 0; e >= 3 && segment < 8; segment++) {
            uint64_t border = ((uint64_t)8 + segment) << (e - 3);
            for (uint64_t d = 0; d < 3; d++) {
                try_some_angles(a, border - 1 + d);
                try_some_angles(a, all - (border - 1 + d));
            }
        }
    }
}

static void *random_thread(void *argument)
{
    struct accuracy *a = argument;
    const uint32_t key[2] = {0x51554C4C, a->worst_u1}; /* worst_u1 comes in as the thread's number */
    for (uint32_t i = 0; i < RANDOM_PAIRS / THREADS; i++) {
        uint32_t x[2];
        qa_threefry2x32(key, (uint32_t[]){0, i}, x);
        uint64_t u0 = x[0] | (uint64_t)(x[1] & 0xFFFF) << 32;
        try_pair(a, u0, x[1] >> 16, exact_radius(u0));
    }
    return NULL;
}

struct accuracy measure_accuracy(void)
{
    struct accuracy part[THREADS + 1] = {{0}}, all;
    pthread_t thread[THREADS];
    for (uint32_t i = 0; i < THREADS; i++) {
        part[i].worst_u1 = i;
        if (pthread_create(&thread[i], NULL, random_thread, &part[i]) != 0)
            exit(2);
    }
    try_corners(&part[THREADS]);
    all = part[THREADS];
    for (int i = 0; i < THREADS; i++) {
        pthread_join(thread[i], NULL);
        uint64_t tried = all.tried + part[i].tried;
        int reach = all.reach > part[i].reach ? all.reach : part[i].reach;
        if (part[i].worst > all.worst)
            all = part[i];
        all.tried = tried;
        all.reach = reach;
    }
    return all;
}
