/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Gain and offset of a layer's columns from ideal values x and the chip's codes y. y is regressed on x, never the other way round: x has no noise,
 * so random noise in y leaves the slope alone. What is found is shrunk towards "no error" by how well it is known; docs/calibration.md.
 */
#include "calibration.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define ROUNDS 4            /* fits with the range chosen by the fit before */
#define FIRST_MARGIN 16.0   /* codes kept away from the ADC's limits in the first fit */
#define FEWEST 20u          /* samples that make a fit */
#define LEAST_SLOPE 0.25    /* a column below cannot be brought back: the correction's largest gain is 4 */

struct fit {
    double x, y, slope;               /* means, and slope through them */
    double slope_var, offset_var;     /* of the estimates of slope and of y */
    double sigma;                     /* of the residuals */
    double spread;                    /* sum of squares of x around its mean */
    double n;
    int has_slope;
};

static double ideal(const struct qc_samples *s, size_t i) { return s->v[i] / 4096.0; }

/* Least squares over the samples whose expected code under `before` is at least `margin` inside the ADC's range. The choice looks at x only. */
static struct fit regress(const struct qc_samples *s, uint32_t channel, const struct fit *before, double margin)
{
    struct fit f = {.slope = 1};
    double sx = 0, sy = 0, sxx = 0, sxy = 0, syy = 0, pivot = before->x;
    size_t count = (size_t)s->images * s->per_image;
    for (size_t i = 0; i < count; i++) {
        double x = ideal(s, i * s->channels + channel) - pivot, expected = before->y + before->slope * x;
        if (expected < s->low + margin || expected > s->high - margin)
            continue;
        double y = s->code[i * s->channels + channel] - before->y;
        f.n++;
        sx += x, sy += y, sxx += x * x, sxy += x * y, syy += y * y;
    }
    if (f.n < FEWEST)
        return f;
    f.x = pivot + sx / f.n;
    f.y = before->y + sy / f.n;
    f.spread = sxx - sx * sx / f.n;
    f.has_slope = f.spread > 0.25 * f.n; /* x varies by half a code at least */
    if (f.has_slope)
        f.slope = (sxy - sx * sy / f.n) / f.spread;
    double rest = syy - sy * sy / f.n - f.slope * (2 * (sxy - sx * sy / f.n) - f.slope * f.spread);
    f.sigma = sqrt(fmax(rest, 0) / (f.n - 2) + 1.0 / 12); /* rounding to codes at least */
    return f;
}

/* Variances of the estimates. Residuals within an image are not independent (errors of weights): their sums over images tell. */
static void judge(const struct qc_samples *s, uint32_t channel, struct fit *f, double margin)
{
    double slopes = 0, offsets = 0;
    for (uint32_t image = 0; image < s->images; image++) {
        double score = 0, sum = 0;
        for (uint32_t i = 0; i < s->per_image; i++) {
            size_t at = ((size_t)image * s->per_image + i) * s->channels + channel;
            double x = ideal(s, at) - f->x, expected = f->y + f->slope * x, rest = s->code[at] - expected;
            if (expected < s->low + margin || expected > s->high - margin)
                continue;
            score += rest * x;
            sum += rest;
        }
        slopes += score * score;
        offsets += sum * sum;
    }
    double variance = f->sigma * f->sigma;
    f->offset_var = fmax(offsets / (f->n * f->n), variance / f->n);
    if (f->has_slope)
        f->slope_var = fmax(slopes / (f->spread * f->spread), variance / f->spread);
}

/* Samples well inside the range show noise whole; near the ADC's limits it is cut off on one side, which would look like a lower slope. */
static struct fit fit_channel(const struct qc_samples *s, uint32_t channel)
{
    double enough = fmax(FEWEST, 0.05 * s->images * s->per_image), margin = FIRST_MARGIN;
    struct fit start = {.slope = 1}, f = regress(s, channel, &start, margin);
    if (f.n < enough)
        f = regress(s, channel, &start, margin = 0); /* codes are near the limits anyhow */
    for (int round = 0; round < ROUNDS && f.n >= FEWEST; round++) {
        struct fit better = {0};
        double next = 0;
        for (double sigmas = 3; sigmas >= 1 && better.n < enough; sigmas--)
            better = regress(s, channel, &f, next = sigmas * f.sigma);
        if (better.n < enough)
            break;
        f = better;
        margin = next;
    }
    if (f.n >= FEWEST)
        judge(s, channel, &f, margin);
    return f;
}

/* Share of an estimate to believe when the layer's true errors have variance `truth`. */
static double believe(double truth, double variance) { return truth > 0 ? truth / (truth + variance) : 0; }

/* Estimates of one kind over a layer: sum of squares in units of their variance, sum of 1/variance. */
struct pool {
    double n, q, weight;
};

static void pool_add(struct pool *pool, double error, double variance)
{
    pool->n++;
    pool->q += error * error / variance;
    pool->weight += 1 / variance;
}

/* Variance of the columns' true errors: what is beyond the estimates' own noise, if that is beyond three standard deviations of chance. */
static double pool_truth(const struct pool *pool) { return pool->n > 0 && pool->q > pool->n + 3 * sqrt(2 * pool->n) ? (pool->q - pool->n) / pool->weight : 0; }

static void layer_truth(const struct fit *fits, uint32_t channels, double *slope, double *offset)
{
    struct pool slopes = {0}, offsets = {0};
    for (uint32_t c = 0; c < channels; c++) {
        const struct fit *f = &fits[c];
        if (f->n < FEWEST || f->slope < LEAST_SLOPE)
            continue;
        pool_add(&offsets, f->y - f->x, f->offset_var);
        if (f->has_slope)
            pool_add(&slopes, f->slope - 1, f->slope_var);
    }
    *slope = pool_truth(&slopes);
    *offset = pool_truth(&offsets);
}

static double mean_ideal(const struct qc_samples *s, uint32_t channel)
{
    double sum = 0;
    size_t count = (size_t)s->images * s->per_image;
    for (size_t i = 0; i < count; i++)
        sum += fmin(fmax(ideal(s, i * s->channels + channel), s->low), s->high);
    return count ? sum / (double)count : 0;
}

static int64_t rounded(double x, int64_t low, int64_t high) { return x <= (double)low ? low : x >= (double)high ? high : llrint(x); }

/* y = x_mean + error + slope (x - x_mean), undone: x = a y + b. */
static void correction(const struct fit *f, double slope_truth, double offset_truth, uint32_t *a, int32_t *b)
{
    double slope = f->has_slope ? 1 + believe(slope_truth, f->slope_var) * (f->slope - 1) : 1;
    double error = believe(offset_truth, f->offset_var) * (f->y - f->x);
    *a = (uint32_t)rounded(16384 / slope, 0, 65535);
    *b = (int32_t)rounded(256 * (f->x - (f->x + error) / slope), -32768, 32767);
}

int qc_fit(const struct qc_samples *samples, uint32_t *a, int32_t *b)
{
    struct fit *fits = malloc(samples->channels * sizeof *fits);
    double slope, offset;
    if (!fits)
        return 0;
    for (uint32_t c = 0; c < samples->channels; c++)
        fits[c] = fit_channel(samples, c);
    layer_truth(fits, samples->channels, &slope, &offset);
    for (uint32_t c = 0; c < samples->channels; c++) {
        const struct fit *f = &fits[c];
        a[c] = 0x4000;
        b[c] = 0;
        if (f->n < FEWEST)
            continue;
        if (f->slope >= LEAST_SLOPE) {
            correction(f, slope, offset, &a[c], &b[c]);
        } else if (f->slope + 3 * sqrt(f->slope_var) < LEAST_SLOPE) { /* stuck: its codes say nothing, the usual value is the best guess */
            a[c] = 0;
            b[c] = (int32_t)rounded(256 * mean_ideal(samples, c), -32768, 32767);
        }
    }
    free(fits);
    return 1;
}
