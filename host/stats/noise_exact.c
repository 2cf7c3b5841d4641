/* SPDX-License-Identifier: Apache-2.0 */
/* What can be known about the generator without drawing a sample: see noise_exact.h. */
#include "noise_exact.h"
#include "box_muller.h" /* its parts are wanted, not only what arith.h offers */
#include <math.h>
#include <stdlib.h>

#define R_CODES 140000 /* codes of the radius, Q4.14: the largest is 133647 */
#define CODES 17000    /* codes of |sample|: the largest is 16706 */
#define QUARTER 16384  /* angles of a quadrant */

long double exact_cos[ALL_U1], exact_sin[ALL_U1];

static uint32_t normalise(uint64_t v) { return bm_normalise(v); }

static uint32_t radius(uint32_t half, uint32_t code)
{
    uint32_t entry = half << 9 | code >> 14;
    return bm_radius(bm_c0_c2[entry], bm_c1[entry], (int32_t)(code & 0x3FFF));
}

static void angle(uint32_t u1, int32_t *cosine, int32_t *sine)
{
    uint32_t place = bm_place(u1);
    bm_angle(bm_cos[place >> 5], bm_sin[place >> 5], (int32_t)(place & 31), cosine, sine);
}

long double exact_radius(uint64_t u0)
{
    /* Near 1 the logarithm needs the distance from 1, which is exact. */
    if (u0 >> 47)
        return sqrtl(-2 * log1pl(-ldexpl((long double)(((uint64_t)1 << 48) - 1 - u0), -48)));
    return sqrtl(-2 * logl(ldexpl((long double)(u0 + 1), -48)));
}

void make_exact_angles(void)
{
    const long double step = 2 * 3.14159265358979323846264338327950288L / ALL_U1;
    for (uint32_t i = 0; i < ALL_U1; i++) {
        exact_cos[i] = cosl((i + 0.5L) * step);
        exact_sin[i] = sinl((i + 0.5L) * step);
    }
}

/* Worst |r' - r| over one octave of one half: r falls or rises steadily, so the two ends of each cell of (segment, t) are enough. */
static double radius_error_octave(uint32_t half, unsigned e)
{
    uint64_t first = (uint64_t)1 << e, cell = e > 17 ? (uint64_t)1 << (e - 17) : 1, flip = half ? 0xFFFFFFFFFFFF : 0;
    double worst = 0;
    for (uint64_t v = first; v < 2 * first; v += cell) {
        long double r = ldexpl((long double)radius(half, normalise(v)), -14);
        double a = fabs((double)(r - exact_radius(v ^ flip))), b = fabs((double)(r - exact_radius((v + cell - 1) ^ flip)));
        worst = fmax(worst, fmax(a, b));
    }
    return worst;
}

double radius_bound(void)
{
    double worst = 0;
    for (uint32_t half = 0; half < 2; half++) {
        long double at_zero = ldexpl((long double)radius(half, normalise(0)), -14);
        worst = fmax(worst, fabs((double)(at_zero - exact_radius(half ? 0xFFFFFFFFFFFF : 0))));
        for (unsigned e = 0; e < 47; e++)
            worst = fmax(worst, radius_error_octave(half, e));
    }
    return worst;
}

double radius_largest(void) { return ldexp((double)radius(0, normalise(0)), -14); }

double angle_bound(void)
{
    double worst = 0;
    for (uint32_t u1 = 0; u1 < ALL_U1; u1++) {
        int32_t c, s;
        angle(u1, &c, &s);
        worst = fmax(worst, fabs((double)(ldexpl(c, -18) - fabsl(exact_cos[u1]))));
        worst = fmax(worst, fabs((double)(ldexpl(s, -18) - fabsl(exact_sin[u1]))));
    }
    return worst;
}

/* above[k]: probability that the radius is k or more. Every cell of (half, octave, segment, t) has one radius and a known number of u0. */
static void radius_distribution(double *above)
{
    for (uint32_t half = 0; half < 2; half++) {
        above[radius(half, normalise(0))] += 0x1p-48;
        for (unsigned e = 0; e < 47; e++) {
            uint64_t first = (uint64_t)1 << e, cell = e > 17 ? (uint64_t)1 << (e - 17) : 1;
            for (uint64_t v = first; v < 2 * first; v += cell)
                above[radius(half, normalise(v))] += ldexp((double)cell, -48);
        }
    }
    for (int k = R_CODES - 2; k >= 0; k--)
        above[k] += above[k + 1];
}

/* Probability that |sample| is k or more, given the radius: for every angle the least radius that rounds to k. The first output uses
 * cosines, the second sines. */
static void sample_distribution(const double *radius_above, bool second, double *above)
{
    above[0] = 1;
    for (uint32_t u1 = 0; u1 < QUARTER; u1++) {
        int32_t cosine, sine;
        angle(u1, &cosine, &sine);
        uint64_t factor = (uint64_t)(second ? sine : cosine);
        for (uint64_t k = 1; k < CODES; k++) {
            uint64_t least = (((2 * k - 1) << 20) + factor - 1) / factor;
            if (least >= R_CODES)
                break;
            above[k] += radius_above[least] / QUARTER;
        }
    }
}

int systematic_deviation(double n, double *chi2, double *ks)
{
    static double radius_above[R_CODES], above[CODES + 1];
    *chi2 = *ks = 0;
    radius_distribution(radius_above);
    for (int output = 0; output < 2; output++) {
        for (int k = 0; k <= CODES; k++)
            above[k] = 0;
        sample_distribution(radius_above, output == 1, above);
        for (int k = 0; k < CODES; k++) {
            /* Of both signs together: the distribution is symmetrical to the last code. */
            double wanted_above = k > 0 ? erfc((k - 0.5) / ULPS * M_SQRT1_2) : 1;
            double wanted = wanted_above - erfc((k + 0.5) / ULPS * M_SQRT1_2), d = above[k] - above[k + 1] - wanted;
            *ks = fmax(*ks, fabs(above[k] - wanted_above) / 2 * sqrt(n));
            if (n * wanted >= 20)
                *chi2 += n / 2 * d * d / wanted;
        }
    }
    return fabs(radius_above[0] - 1) < 1e-12 ? 0 : -1;
}
