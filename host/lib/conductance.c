/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Weights as pairs of conducting devices hold them: one device of a pair is programmed to a positive weight, the other to a negative
 * one; each misses its target, drifts, and is read with an error. Formulas: docs/profiles.md; samples: docs/arithmetic.md, purpose 7.
 *
 * What all devices of a column have in common, above all their decay, becomes the column's gain, so that the integers that stand for the
 * weights keep their resolution.
 */
#include "arith.h"
#include "program.h"
#include "real.h"

#include <math.h>
#include <stdlib.h>

#define EPS_ONE 2048.0 /* s4.11 */
#define ZERO_G 1e-7    /* of g_max: stands for zero in logarithms and powers */
#define GAIN_MIN 0.25  /* the column correction's gain ends at 4 */
#define GAIN_MAX 3.99

enum { PROGRAMMING, DRIFT, READ, DRAWS };

static double bounded(double x, double least, double most) { return fmin(fmax(x, least), most); }

/* Conductance when it is read, microsiemens, of a device programmed to `target`. */
static double conductance(const struct quell_conductance *g, double target, const double eps[DRAWS])
{
    double share = target / g->g_max_us, sigma = 0, power = 1;
    for (int i = 0; i < QUELL_PROGRAMMING_TERMS; i++, power *= share)
        sigma += g->programming_us[i] * power;
    double programmed = fmax(target + fmax(sigma, 0) * eps[PROGRAMMING], 0);
    const double *mean = g->drift_exponent, *spread = g->drift_exponent_sigma;
    double log_share = quell_log(fmax(share, ZERO_G)), now = g->age_s + g->start_s;
    double exponent = fabs(bounded(mean[0] * log_share + mean[1], mean[2], mean[3]) + bounded(spread[0] * log_share + spread[1], spread[2], spread[3]) * eps[DRIFT]);
    double drifted = programmed * quell_pow(now / g->start_s, -exponent);
    double read = fmin(g->read[0] / quell_pow(fmax(programmed / g->g_max_us, ZERO_G), g->read[1]), g->read[2]) * sqrt(quell_log((now + g->read_s) / (2 * g->read_s)));
    return fmax(drifted * (1 + read * eps[READ]), 0);
}

/* The gain that fits what a column holds best to its weights. */
static double common_gain(const double *held, const int8_t *weights, size_t n)
{
    double product = 0, square = 0;
    for (size_t i = 0; i < n; i++) {
        product += held[i] * weights[i];
        square += (double)weights[i] * weights[i];
    }
    return square > 0 ? bounded(product / square, GAIN_MIN, GAIN_MAX) : 1;
}

quell_status quell_conduct(struct quell_model_layer *layer, const struct quell_conductance *g, uint32_t chip, double *factor, quell_error *err)
{
    size_t n = (size_t)layer->taps * layer->in_channels;
    int16_t *samples = malloc(DRAWS * 2 * n * sizeof *samples);
    double *held = malloc(n * sizeof *held);
    for (uint32_t c = 0; samples && held && c < layer->real_channels; c++) {
        int8_t *weights = layer->weights + c * n;
        for (uint32_t k = 0; k < DRAWS; k++)
            qa_gaussian_fill(chip, QA_DEVICE, (uint32_t)layer->table.rng_layer, k, (uint32_t)(c * n), (uint32_t)n, samples + k * 2 * n);
        for (size_t i = 0; i < n; i++) {
            held[i] = 0;
            if (!quell_weight_exists(layer, c, (uint32_t)(i / layer->in_channels), (uint32_t)(i % layer->in_channels)))
                continue; /* stands for no device */
            for (int device = 0; device < 2; device++) {
                double eps[DRAWS], target = (device ? -1 : 1) * weights[i] / 127.0 * g->g_max_us;
                for (int k = 0; k < DRAWS; k++)
                    eps[k] = samples[k * 2 * n + 2 * i + (size_t)device] / EPS_ONE;
                held[i] += (device ? -1 : 1) * conductance(g, fmax(target, 0), eps) / g->g_max_us * 127;
            }
        }
        factor[c] = common_gain(held, weights, n);
        for (size_t i = 0; i < n; i++)
            weights[i] = (int8_t)bounded(rint(held[i] / factor[c]), -128, 127);
    }
    int failed = !samples || !held;
    free(samples);
    free(held);
    return failed ? quell_fail(err, QUELL_E_MEMORY, "out of memory for a chip") : QUELL_OK;
}
