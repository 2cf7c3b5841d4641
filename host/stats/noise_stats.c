/* SPDX-License-Identifier: Apache-2.0 */
/*
 * noise_stats [samples] [--seed N] [--json FILE]: is the fixed-point Box-Muller as accurate, and are its samples as normal, as docs/noise.md says?
 *
 * 1. without drawing (noise_exact.c): the worst error possible, and how far the exact probability of each code is from the normal one;
 * 2. accuracy (noise_accuracy.c): samples against long double arithmetic, 10^7 random ones and every corner case;
 * 3. statistics (noise_draw.c, noise_figures.c) of `samples` (default 10^7) samples as the chip draws them: layer after layer, inference after inference.
 * Every figure is printed with its limit.
 * Exit code 0: all within limits; 1: not; 2: bad call.
 */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "noise_accuracy.h"
#include "noise_exact.h"
#include "noise_figures.h"

#define Z_LIMIT 3.29 /* normal quantile: 0.1 % on both sides together */

static bool line(const char *name, double value, double lo, double hi)
{
    bool good = value >= lo && value <= hi;
    printf("%-4s %-34s %16.9g   limits %.9g ... %.9g\n", good ? "ok" : "FAIL", name, value, lo, hi);
    return good;
}

/* Around the expected value by so many standard deviations. */
static bool around(const char *name, double value, double expected, double deviation)
{
    return line(name, value, expected - deviation, expected + deviation);
}

static bool write_json(const char *path, const struct accuracy *a, double n, const struct result *r, bool passed)
{
    FILE *f = fopen(path, "w");
    if (f == NULL)
        return false;
    fprintf(f, "{\"box_muller_max_ulp\": %.4f, \"reach_sigma\": %.4f, \"samples\": %.0f, \"mean\": %.9g, \"variance\": %.9g, \"kurtosis\": %.9g,\n", a->worst, a->reach / (double)ULPS, n,
            r->mean, r->variance, r->kurtosis);
    fprintf(f, " \"ks\": %.4f, \"chi2\": %.1f, \"chi2_lo\": %.1f, \"chi2_hi\": %.1f, \"tail4\": %.0f, \"tail4_expected\": %.1f, \"tail5\": %.0f, \"tail5_expected\": %.1f,\n", r->ks,
            r->chi2, r->chi2_lo, r->chi2_hi, r->tail4, r->tail4_expected, r->tail5, r->tail5_expected);
    fprintf(f, " \"autocorrelation_max\": %.9g, \"pair_correlation\": %.9g, \"passed\": %s}\n", fabs(r->autocorrelation), r->pair_correlation, passed ? "true" : "false");
    bool good = !ferror(f);
    return fclose(f) == 0 && good;
}

static bool check_without_drawing(void)
{
    double r_error = radius_bound(), angle_error = radius_largest() * angle_bound(), chi2, ks;
    printf("worst error: radius %.3f ulp (every cell), cosine and sine %.3f ulp at the largest radius (every angle), rounding 0.5 ulp\n", ULPS * r_error, ULPS * angle_error);
    bool good = line("any sample, bound, ulp", 0.5 + ULPS * (r_error + angle_error), 0, 1);
    if (systematic_deviation(1e8, &chi2, &ks) != 0)
        return false;
    /* A quarter of the standard deviation that chi-square has by chance, and a tenth of the Kolmogorov-Smirnov limit. */
    good &= line("chi-square, systematic, at 10^8", chi2, 0, 45);
    return line("sqrt(n) D, systematic, at 10^8", ks, 0, 0.1358) && good;
}

static bool check_accuracy(struct accuracy *a)
{
    *a = measure_accuracy();
    printf("worst of %" PRIu64 " samples: u0 0x%012" PRIx64 ", u1 0x%04" PRIx32 "\n", a->tried, a->worst_u0, a->worst_u1);
    bool good = line("worst sample tried, ulp", a->worst, 0, 1);
    return line("reach, sigma", a->reach / (double)ULPS, 8.1, 16) && good;
}

static bool check_statistics(double n, uint32_t seed, struct result *r)
{
    static struct sums s;
    draw((uint64_t)(n / 2), seed, &s);
    evaluate(&s, n, r);
    printf("%.0f samples, %.0f bins:\n", n, r->bins);
    bool good = around("mean", r->mean, 0, Z_LIMIT / sqrt(n));
    good &= around("variance", r->variance, 1 + 1.0 / ULPS / ULPS / 12, Z_LIMIT * sqrt(2 / n));
    good &= around("kurtosis", r->kurtosis, 3, Z_LIMIT * sqrt(24 / n));
    good &= line("Kolmogorov-Smirnov, sqrt(n) D", r->ks, 0, 1.358);
    good &= line("chi-square per code", r->chi2, r->chi2_lo, r->chi2_hi);
    /* Poisson; + 1 because it is not quite normal where few are expected. */
    good &= around("beyond 4 sigma", r->tail4, r->tail4_expected, 1 + Z_LIMIT * sqrt(r->tail4_expected));
    good &= around("beyond 5 sigma", r->tail5, r->tail5_expected, 1 + Z_LIMIT * sqrt(r->tail5_expected));
    good &= around("autocorrelation, worst of 16 lags", r->autocorrelation, 0, 4 / sqrt(n));
    good &= around("correlation in a pair", r->pair_correlation, 0, Z_LIMIT / sqrt(n / 2));
    return around("correlation of squares in a pair", r->pair_squares, 0, Z_LIMIT / sqrt(n / 2)) && good;
}

int main(int argc, char **argv)
{
    double n = 1e7;
    uint32_t seed = 1;
    const char *json = NULL;
    for (int i = 1; i < argc; i++) {
        char *end = argv[i];
        if (strcmp(argv[i], "--json") == 0 && i + 1 < argc) {
            json = argv[++i];
            continue;
        }
        if (strcmp(argv[i], "--seed") == 0 && i + 1 < argc) {
            seed = (uint32_t)strtoul(argv[++i], NULL, 0);
            continue;
        }
        n = strtod(argv[i], &end);
        if (*end != 0 || !(n >= 10000 && n <= 1e11)) {
            fprintf(stderr, "usage: noise_stats [samples: 1e4...1e11] [--seed N] [--json FILE]\n");
            return 2;
        }
    }
    struct accuracy a;
    struct result r;
    n = 2 * (double)(uint64_t)(n / 2);
    setvbuf(stdout, NULL, _IOLBF, 0);
    make_exact_angles();
    bool passed = check_without_drawing();
    passed &= check_accuracy(&a);
    passed &= check_statistics(n, seed, &r);
    if (json != NULL && !write_json(json, &a, n, &r, passed)) {
        fprintf(stderr, "noise_stats: cannot write %s: %s\n", json, strerror(errno));
        return 2;
    }
    printf("noise_stats: %s\n", passed ? "all within limits" : "NOT within limits");
    return passed ? 0 : 1;
}
