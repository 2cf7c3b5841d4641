/* SPDX-License-Identifier: Apache-2.0 */
/*
 * noise_stats [samples] [--seed N] [--json FILE]: is the fixed-point Box-Muller as accurate, and are its samples as normal, as docs/noise.md says?
 *
 * 1. without drawing (noise_exact.c): the worst error possible, and how far the exact probability of each code is from the normal one;
 * 2. accuracy: samples against long double arithmetic, 10^7 random ones and every corner case;
 * 3. statistics of `samples` (default 10^7) samples as the chip draws them: layer after layer, inference after inference.
 * Every figure is printed with its limit. All sums are integers, so the number of threads changes nothing.
 * Exit code 0: all within limits; 1: not; 2: bad call.
 */
#include "arith.h"
#include "noise_exact.h"
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define THREADS 2
#define CHUNK 65536u /* pairs of one layer */
#define LAGS 16
#define RANDOM_PAIRS 10000000u
#define Z_LIMIT 3.29 /* normal quantile: 0.1 % on both sides together */

static double wall(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* ---- 2. accuracy ------------------------------------------------------------------------------------------------------- */

struct accuracy {
    double worst; /* ulp */
    int reach;    /* code */
    uint64_t tried;
    uint64_t worst_u0;
    uint32_t worst_u1;
};

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

static struct accuracy measure_accuracy(void)
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

/* ---- 3. statistics ----------------------------------------------------------------------------------------------------- */

struct sums {
    uint64_t histogram[65536]; /* by code + 32768 */
    int64_t lag[LAGS + 1];     /* sum of eps[i]*eps[i + lag]: below 2^28 each, 2^27 samples fit 2^55 */
    uint64_t lag_count[LAGS + 1];
    int64_t pair;              /* sum of eps[2k]*eps[2k + 1] */
    double pair_squares;       /* sum of (eps[2k]^2 - 1)*(eps[2k + 1]^2 - 1), in multiples of 2^-22 that fit a double */
};

static uint64_t wanted_pairs;
static uint32_t seed = 1;
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

static void draw(struct sums *all)
{
    struct sums *part = calloc(THREADS, sizeof *part);
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

/* Probability that a normal variable rounded to s4.11 is below the code's lower edge. */
static double below(int code) { return 0.5 * erfc(-(code - 0.5) / ULPS * M_SQRT1_2); }

/* Probability of one code, without cancellation in the upper tail. */
static double probability(int code)
{
    int magnitude = abs(code);
    return below(-magnitude + 1) - below(-magnitude);
}

/* Wilson and Hilferty: quantile z of chi-square with k degrees of freedom (error below 0.1 at the thousands that occur here). */
static double chi2_quantile(double k, double z)
{
    double c = 1 - 2 / (9 * k) + z * sqrt(2 / (9 * k));
    return k * c * c * c;
}

struct result {
    double mean, variance, kurtosis, ks, chi2, chi2_lo, chi2_hi, bins;
    double tail4, tail4_expected, tail5, tail5_expected, autocorrelation, pair_correlation, pair_squares;
};

static void evaluate_moments(const struct sums *s, double n, struct result *r)
{
    long double m1 = 0, m2 = 0, m4 = 0;
    for (int code = -32768; code < 32768; code++)
        m1 += (long double)s->histogram[code + 32768] * code / ULPS;
    m1 /= n;
    for (int code = -32768; code < 32768; code++) {
        long double d = (long double)code / ULPS - m1, weight = (long double)s->histogram[code + 32768];
        m2 += weight * d * d;
        m4 += weight * d * d * d * d;
    }
    m2 /= n;
    r->mean = (double)m1;
    r->variance = (double)m2;
    r->kurtosis = (double)(m4 / n / (m2 * m2));
}

static void evaluate_distribution(const struct sums *s, double n, struct result *r)
{
    double cumulative = 0, worst = 0, chi2 = 0, bins = 0;
    double count = 0, expected = 0; /* of the bin that is being collected: both tails give one bin of at least 10 */
    int last = 0;
    while (last < 32766 && n * below(-last) >= 10)
        last++;
    last--; /* codes -last...last have bins, at both ends with all that lies beyond */
    for (int code = -32768; code < 32768; code++) {
        double here = (double)s->histogram[code + 32768];
        cumulative += here;
        worst = fmax(worst, fabs(cumulative / n - below(code + 1)));
        count += here;
        expected += n * probability(code);
        if ((code >= -last && code < last && expected >= 10) || code == 32767) {
            chi2 += (count - expected) * (count - expected) / expected;
            bins++;
            count = expected = 0;
        }
    }
    r->ks = sqrt(n) * worst;
    r->chi2 = chi2;
    r->bins = bins;
    r->chi2_lo = chi2_quantile(bins - 1, -2.5758);
    r->chi2_hi = chi2_quantile(bins - 1, 2.5758);
}

static double tail(const struct sums *s, int sigma)
{
    uint64_t count = 0;
    for (int code = sigma * ULPS + 1; code <= 32767; code++)
        count += s->histogram[32768 + code] + s->histogram[32768 - code];
    return (double)count;
}

static void evaluate_correlations(const struct sums *s, double n, struct result *r)
{
    const double one = (double)ULPS * ULPS;
    for (int l = 1; l <= LAGS; l++) {
        double rho = (double)s->lag[l] / (double)s->lag_count[l] / one;
        if (fabs(rho) > fabs(r->autocorrelation))
            r->autocorrelation = rho;
    }
    r->pair_correlation = (double)s->pair / (n / 2) / one;
    r->pair_squares = s->pair_squares / (n / 2) / one / 2; /* the variance of eps^2 is 2 */
}

/* ---- the report -------------------------------------------------------------------------------------------------------- */

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

static bool check_statistics(double n, struct result *r)
{
    static struct sums s;
    draw(&s);
    evaluate_moments(&s, n, r);
    evaluate_distribution(&s, n, r);
    evaluate_correlations(&s, n, r);
    r->tail4 = tail(&s, 4);
    r->tail5 = tail(&s, 5);
    r->tail4_expected = 2 * n * below(-4 * ULPS);
    r->tail5_expected = 2 * n * below(-5 * ULPS);
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
    struct result r = {0};
    wanted_pairs = (uint64_t)(n / 2);
    n = 2 * (double)wanted_pairs;
    setvbuf(stdout, NULL, _IOLBF, 0);
    make_exact_angles();
    bool passed = check_without_drawing();
    passed &= check_accuracy(&a);
    passed &= check_statistics(n, &r);
    if (json != NULL && !write_json(json, &a, n, &r, passed)) {
        fprintf(stderr, "noise_stats: cannot write %s: %s\n", json, strerror(errno));
        return 2;
    }
    printf("noise_stats: %s\n", passed ? "all within limits" : "NOT within limits");
    return passed ? 0 : 1;
}
