/* SPDX-License-Identifier: Apache-2.0 */
/* See noise_draw.h. */
#include "noise_draw.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "arith.h"
#include "noise_exact.h"

#define THREADS 2
#define CHUNK 65536u /* pairs of one layer */

static uint64_t wanted_pairs;
static uint32_t seed;
static atomic_uint_fast64_t next_chunk;

static void add_chunk(struct sums *s, const int16_t *eps, uint32_t samples)
{
    for (uint32_t i = 0; i < samples; i++)
        s->histogram[eps[i] + 32768]++;
    for (uint32_t lag = 1; lag <= LAGS; lag++) {
        int64_t sum = 0;
        for (uint32_t i = lag; i < samples; i++)
            sum += (int32_t)eps[i] * eps[i - lag];
        s->lag[lag] += sum;
        s->lag_count[lag] += samples > lag ? samples - lag : 0;
    }
    int64_t sum = 0, squares = 0;
    for (uint32_t i = 0; i + 1 < samples; i += 2) {
        int32_t a = eps[i], b = eps[i + 1];
        sum += a * b;
        /* Squares with 11 fractional bits: whole numbers all through, so that the order of summing does not matter. */
        squares += (int64_t)(((a * a) >> 11) - ULPS) * (((b * b) >> 11) - ULPS);
    }
    s->pair += sum;
    s->pair_squares += (double)squares;
}

static void *statistics_thread(void *argument)
{
    static const enum qa_purpose PURPOSE[2] = {QA_READ_NOISE, QA_DENOISER};
    struct sums *s = argument;
    int16_t *eps = malloc(2 * CHUNK * sizeof *eps);
    if (eps == NULL)
        exit(2);
    for (;;) {
        uint64_t chunk = atomic_fetch_add(&next_chunk, 1), first = chunk * CHUNK;
        if (first >= wanted_pairs)
            break;
        uint32_t pairs = wanted_pairs - first < CHUNK ? (uint32_t)(wanted_pairs - first) : CHUNK;
        /* Seven layers an inference, both kinds of noise. */
        qa_gaussian_fill(seed, PURPOSE[chunk % 2], (uint32_t)(chunk / 2 % 7), (uint32_t)(chunk / 14), 0, pairs, eps);
        add_chunk(s, eps, 2 * pairs);
    }
    free(eps);
    return NULL;
}

static double wall(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void report_progress(double start)
{
    double last = start;
    for (;;) {
        nanosleep(&(struct timespec){0, 50000000}, NULL);
        uint64_t done = atomic_load(&next_chunk) * CHUNK;
        if (done >= wanted_pairs)
            return;
        double now = wall();
        if (now - last >= 2) {
            fprintf(stderr, "noise_stats: %.0f %%, %.0f s left\n", 100.0 * (double)done / (double)wanted_pairs, (now - start) * ((double)wanted_pairs / (double)done - 1));
            last = now;
        }
    }
}

void draw(uint64_t pairs, uint32_t with_seed, struct sums *all)
{
    struct sums *part = calloc(THREADS, sizeof *part);
    wanted_pairs = pairs;
    seed = with_seed;
    pthread_t thread[THREADS];
    if (part == NULL)
        exit(2);
    for (int i = 0; i < THREADS; i++)
        if (pthread_create(&thread[i], NULL, statistics_thread, &part[i]) != 0)
            exit(2);
    report_progress(wall());
    for (int i = 0; i < THREADS; i++) {
        pthread_join(thread[i], NULL);
        for (int c = 0; c < 65536; c++)
            all->histogram[c] += part[i].histogram[c];
        for (int l = 1; l <= LAGS; l++) {
            all->lag[l] += part[i].lag[l];
            all->lag_count[l] += part[i].lag_count[l];
        }
        all->pair += part[i].pair;
        all->pair_squares += part[i].pair_squares;
    }
    free(part);
}
