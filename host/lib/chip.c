/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Manufacture a chip, layer by layer. What is static on it (column gains and offsets, weights as programmed, stuck columns) is drawn
 * here from the chip seed, purposes 2 to 7 of docs/arithmetic.md, and written into a program's copies of weights and constants;
 * docs/arithmetic.md says how a profile's numbers become integers.
 */
#include "arith.h"
#include "program.h"
#include "real.h"
#include "ref.h"

#include <math.h>
#include <stdlib.h>

#define CODES 256.0     /* shares of the code range are of so many codes */
#define EPS_ONE 2048.0  /* s4.11 */
#define RAIL (256 << 12) /* further than any zero point is from the ADC's limits */

static int64_t clamped(double x, int64_t lo, int64_t hi) { return x <= (double)lo ? lo : x >= (double)hi ? hi : llrint(x); }

/* n samples (rounded up to a pair) of one purpose; NULL: no memory. */
static int16_t *draw(uint32_t chip, enum qa_purpose purpose, const struct quell_layer *t, size_t n)
{
    int16_t *eps = malloc(((n + 1) / 2 * 2 + 2) * sizeof *eps);
    if (eps)
        qa_gaussian_fill(chip, purpose, (uint32_t)t->rng_layer, 0, 0, (uint32_t)((n + 1) / 2), eps);
    return eps;
}

/* ---- Read noise ------------------------------------------------------------------------------------------------------------------ */

static quell_status set_read_noise(struct quell_layer *t, const struct quell_profile *profile, quell_error *err)
{
    double add = rint(profile->read_additive * CODES * 4096), mul = rint(profile->read_multiplicative * 16384);
    if (!(add >= 0 && add < 1 << 20))
        return quell_fail(err, QUELL_E_PROFILE, "profile %s: read_additive %g is out of range, it must be at least 0 and below 1", profile->name, profile->read_additive);
    if (!(mul >= 0 && mul < 1 << 16))
        return quell_fail(err, QUELL_E_PROFILE, "profile %s: read_multiplicative %g is out of range, it must be at least 0 and below 4", profile->name, profile->read_multiplicative);
    if (profile->adc_bits < 1 || profile->adc_bits > 8)
        return quell_fail(err, QUELL_E_PROFILE, "profile %s: adc_bits %d is out of range, it must be 1 to 8", profile->name, profile->adc_bits);
    t->noise = 1;
    t->sigma_add = (int32_t)add;
    t->sigma_mul = (int32_t)mul;
    t->adc_shift = 8 + t->adc_wide - profile->adc_bits;
    return QUELL_OK;
}

/* ---- What stays on a chip ---------------------------------------------------------------------------------------------------------- */

/* factor: what the weights' devices add to the columns' gains; NULL: nothing. */
static quell_status set_columns(struct quell_model_layer *layer, const struct quell_profile *profile, uint32_t chip, const double *factor, quell_error *err)
{
    const struct quell_column_drift *aged = &profile->column_drift;
    int16_t *gain = draw(chip, QA_COLUMN_GAIN, &layer->table, layer->channels), *offset = draw(chip, QA_COLUMN_OFFSET, &layer->table, layer->channels);
    int16_t *drift = draw(chip, QA_COLUMN_DRIFT, &layer->table, layer->channels);
    if (!gain || !offset || !drift) {
        free(gain);
        free(offset);
        free(drift);
        return quell_fail(err, QUELL_E_MEMORY, "out of memory for a chip");
    }
    for (uint32_t c = 0; c < layer->real_channels; c++) {
        struct quell_channel *k = &layer->constants[c];
        double g = 65536 * (1 + profile->column_gain_sigma * gain[c] / EPS_ONE);
        if (profile->drifts)
            g *= quell_pow(aged->age_s / aged->start_s, -(aged->exponent + aged->exponent_sigma * drift[c] / EPS_ONE));
        k->gain = (uint32_t)clamped(factor ? g * factor[c] : g, 0, (int64_t)(3.99 * 65536));
        k->offset = (int32_t)clamped(profile->column_offset_sigma * CODES * 4096 * offset[c] / EPS_ONE, -(1 << 23), (1 << 23) - 1);
    }
    free(gain);
    free(offset);
    free(drift);
    return QUELL_OK;
}

static void set_stuck(struct quell_model_layer *layer, const struct quell_profile *profile, uint32_t chip)
{
    for (uint32_t c = 0; c < layer->real_channels; c++) {
        uint32_t key[2] = {chip, ((uint32_t)QA_STUCK << 24) + (uint32_t)layer->table.rng_layer}, counter[2] = {0, c}, x[2];
        qa_threefry2x32(key, counter, x);
        double u0 = (double)(x[0] + ((uint64_t)(x[1] & 0xFFFF) << 32)) / (double)(UINT64_C(1) << 48);
        if (u0 < profile->stuck_columns) {
            layer->constants[c].gain = 0;
            layer->constants[c].offset = (x[1] >> 16 & 1) ? RAIL : -RAIL;
        }
    }
}

static quell_status set_weights(struct quell_model_layer *layer, const struct quell_profile *profile, uint32_t chip, quell_error *err)
{
    size_t n = (size_t)layer->taps * layer->in_channels;
    int16_t *eps = draw(chip, QA_WEIGHT, &layer->table, n * layer->channels);
    if (!eps)
        return quell_fail(err, QUELL_E_MEMORY, "out of memory for a chip");
    for (size_t i = 0; i < n * layer->real_channels; i++)
        if (quell_weight_exists(layer, (uint32_t)(i / n), (uint32_t)(i % n / layer->in_channels), (uint32_t)(i % layer->in_channels)))
            layer->weights[i] = (int8_t)clamped(rint(layer->weights[i] + profile->weight_programming_sigma * 127 * eps[i] / EPS_ONE), -128, 127);
    free(eps);
    return QUELL_OK;
}

static quell_status check_reach(const struct quell_model_layer *layer, quell_error *err)
{
    for (uint32_t c = 0; c < layer->real_channels; c++)
        if (quell_channel_reach(layer, c, 255) > INT32_MAX)
            return quell_fail(err, QUELL_E_TOO_LARGE, "layer %s, channel %u: with this chip's programming errors the 32-bit accumulator could overflow", layer->info.name, c);
    return QUELL_OK;
}

quell_status quell_manufacture(struct quell_model_layer *layer, const struct quell_profile *profile, uint32_t chip, quell_error *err)
{
    double *factor = NULL;
    if (layer->info.macs == 0)
        return QUELL_OK; /* the compiler's own pass-through: no tile */
    quell_status status = set_read_noise(&layer->table, profile, err);
    if (status == QUELL_OK && profile->conducts) {
        factor = malloc(layer->real_channels * sizeof *factor);
        status = factor ? quell_conduct(layer, &profile->conductance, chip, factor, err) : quell_fail(err, QUELL_E_MEMORY, "out of memory for a chip");
    }
    if (status == QUELL_OK && (profile->column_gain_sigma > 0 || profile->column_offset_sigma > 0 || profile->drifts || factor))
        status = set_columns(layer, profile, chip, factor, err);
    free(factor);
    if (status == QUELL_OK && profile->weight_programming_sigma > 0)
        status = set_weights(layer, profile, chip, err);
    if (status == QUELL_OK && (profile->weight_programming_sigma > 0 || profile->conducts))
        status = check_reach(layer, err);
    if (status == QUELL_OK && profile->stuck_columns > 0)
        set_stuck(layer, profile, chip);
    return status;
}
