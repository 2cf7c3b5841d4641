/* SPDX-License-Identifier: Apache-2.0 */
/* How a chip is made from profile and seed: the numbers themselves, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "arith.h"
#include "calibration.h"
#include "random_model.h"

static const struct quell_profile ideal = {.name = "ideal", .adc_bits = 8};

static quell_program *make(const struct quell_model *model, const struct quell_profile *profile, uint32_t chip)
{
    quell_program *program;
    quell_error err = {0};
    if (quell_program_make(model, profile, chip, NULL, QUELL_DENOISER_OFF, &program, &err) != QUELL_OK)
        fail_msg("%s", err.text);
    return program;
}

static void test_ideal(void **state)
{
    (void)state;
    struct quell_model *model = random_model(11, 5);
    quell_program *program = make(model, NULL, 3);
    for (uint32_t i = 0; i < model->layer_count; i++) {
        const struct quell_model_layer *l = &program->layers[i], *m = &model->layers[i];
        assert_memory_equal(&l->table, &m->table, sizeof l->table);
        assert_memory_equal(l->weights, m->weights, l->channels * l->taps * l->in_channels);
        assert_memory_equal(l->constants, m->constants, l->channels * sizeof *l->constants);
        assert_ptr_not_equal(l->weights, m->weights);
        assert_int_equal(l->table.noise, 0);
    }
    quell_program_free(program);
    random_model_free(model);
}

static void test_flags(void **state)
{
    (void)state;
    struct quell_model *model = random_model(12, 6);
    for (int mode = QUELL_DENOISER_OFF; mode <= QUELL_DENOISER_SAMPLE; mode++) {
        quell_program *program;
        assert_int_equal(quell_program_make(model, &ideal, 0, NULL, (quell_denoiser)mode, &program, NULL), QUELL_OK);
        for (uint32_t i = 0; i < model->layer_count; i++) {
            const struct quell_layer *t = &program->layers[i].table;
            const struct quell_model_layer *m = &model->layers[i];
            assert_int_equal(t->noise, 1);
            assert_int_equal(t->correct, 0);
            assert_int_equal(t->dn_depthwise, mode && m->block ? m->dn_depthwise : 0);
            assert_int_equal(t->dn_bottleneck, mode && m->block ? m->dn_bottleneck : 0);
            assert_int_equal(t->dn_sample, mode == QUELL_DENOISER_SAMPLE && m->block);
        }
        quell_program_free(program);
    }
    quell_program *program;
    assert_int_equal(quell_program_make(model, &ideal, 0, NULL, (quell_denoiser)3, &program, NULL), QUELL_E_USAGE);
    model->layers[1].info.macs = 0; /* the compiler's own pass-through */
    program = make(model, &ideal, 0);
    assert_int_equal(program->layers[1].table.noise, 0);
    quell_program_free(program);
    random_model_free(model);
}

static void test_read_noise(void **state)
{
    (void)state;
    struct quell_model *model = random_model(13, 2);
    struct quell_profile p = ideal;
    p.read_additive = 0.1;
    p.read_multiplicative = 1.0 / 6;
    p.adc_bits = 5;
    quell_program *program = make(model, &p, 0);
    assert_int_equal(program->layers[0].table.sigma_add, 104858); /* 25.6 codes */
    assert_int_equal(program->layers[0].table.sigma_mul, 2731);
    assert_int_equal(program->layers[0].table.adc_shift, 3 + program->layers[0].table.adc_wide);
    quell_program_free(program);
    const struct quell_profile bad[] = {
        {.name = "x", .read_additive = 1.0, .adc_bits = 8}, {.name = "x", .read_multiplicative = 4.0, .adc_bits = 8}, {.name = "x", .read_additive = NAN, .adc_bits = 8},
        {.name = "x", .read_additive = -0.1, .adc_bits = 8}, {.name = "x", .adc_bits = 0}, {.name = "x", .adc_bits = 9},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        quell_error err = {0};
        assert_int_equal(quell_program_make(model, &bad[i], 0, NULL, QUELL_DENOISER_OFF, &program, &err), QUELL_E_PROFILE);
        assert_null(program);
        assert_non_null(strstr(err.text, "out of range"));
    }
    random_model_free(model);
}

static void test_columns(void **state)
{
    (void)state;
    struct quell_model *model = random_resnet8(14, 0);
    struct quell_profile p = ideal;
    p.column_gain_sigma = 0.2;
    p.column_offset_sigma = 0.05;
    quell_program *one = make(model, &p, 1), *same = make(model, &p, 1), *other = make(model, &p, 2);
    double gain = 0, gain2 = 0, offset = 0, offset2 = 0, n = 0;
    int differ = 0;
    for (uint32_t i = 0; i < model->layer_count; i++)
        for (uint32_t c = 0; c < model->layers[i].channels; c++) {
            const struct quell_channel *k = &one->layers[i].constants[c];
            assert_memory_equal(k, &same->layers[i].constants[c], sizeof *k);
            if (c >= model->layers[i].real_channels) {
                assert_memory_equal(k, &model->layers[i].constants[c], sizeof *k);
                continue;
            }
            int16_t eps[2];
            qa_gaussian_pair(1, QA_COLUMN_GAIN, i, 0, c / 2, eps);
            assert_int_equal(k->gain, (uint32_t)lrint(65536 * (1 + 0.2 * eps[c & 1] / 2048)));
            qa_gaussian_pair(1, QA_COLUMN_OFFSET, i, 0, c / 2, eps);
            assert_int_equal(k->offset, lrint(0.05 * 256 * 4096 * eps[c & 1] / 2048));
            differ += k->gain != other->layers[i].constants[c].gain;
            double g = k->gain / 65536.0 - 1, o = k->offset / 4096.0;
            gain += g, gain2 += g * g, offset += o, offset2 += o * o, n++;
        }
    assert_true(differ > 0.95 * n);
    assert_true(fabs(gain / n) < 4 * 0.2 / sqrt(n) && fabs(sqrt(gain2 / n) / 0.2 - 1) < 4 / sqrt(2 * n));
    assert_true(fabs(offset / n) < 4 * 12.8 / sqrt(n) && fabs(sqrt(offset2 / n) / 12.8 - 1) < 4 / sqrt(2 * n));
    quell_program_free(one);
    quell_program_free(same);
    quell_program_free(other);
    p.column_gain_sigma = 3; /* clamped at both ends */
    one = make(model, &p, 1);
    uint32_t least = UINT32_MAX, most = 0;
    for (uint32_t i = 0; i < model->layer_count; i++)
        for (uint32_t c = 0; c < model->layers[i].real_channels; c++) {
            uint32_t g = one->layers[i].constants[c].gain;
            least = g < least ? g : least;
            most = g > most ? g : most;
        }
    assert_int_equal(least, 0);
    assert_int_equal(most, 261488);
    quell_program_free(one);
    random_model_free(model);
}

static void test_weights(void **state)
{
    (void)state;
    struct quell_model *model = random_resnet8(15, 0);
    struct quell_profile p = ideal;
    p.weight_programming_sigma = 0.05;
    quell_program *program = make(model, &p, 9);
    double sum = 0, squares = 0, n = 0;
    for (uint32_t i = 0; i < model->layer_count; i++) {
        const struct quell_model_layer *m = &model->layers[i], *l = &program->layers[i];
        uint32_t real = m->input_layer < 0 ? model->info.image_c : model->layers[m->input_layer].real_channels, padded = (real + 7) / 8 * 8;
        for (uint32_t k = 0; k < m->channels * m->taps * m->in_channels; k++) {
            if (k / (m->taps * m->in_channels) >= m->real_channels || k % m->in_channels % padded >= real) {
                assert_int_equal(l->weights[k], 0);
                continue;
            }
            int16_t eps[2];
            qa_gaussian_pair(9, QA_WEIGHT, i, 0, k / 2, eps);
            assert_int_equal(l->weights[k], qa_sat8(lrint(m->weights[k] + 0.05 * 127 * eps[k & 1] / 2048)));
            double d = l->weights[k] - m->weights[k];
            sum += d, squares += d * d, n++;
        }
    }
    assert_true(fabs(sum / n) < 0.1);
    assert_true(fabs(sqrt(squares / n) - 6.35) < 0.1);
    quell_program_free(program);
    random_model_free(model);
}

static void test_overflow(void **state)
{
    (void)state;
    struct quell_model *model = random_model(16, 2);
    struct quell_profile p = ideal;
    p.weight_programming_sigma = 0.02;
    model->layers[1].constants[0].bias = INT32_MAX - 1000;
    quell_program *program;
    quell_error err;
    assert_int_equal(quell_program_make(model, &p, 0, NULL, QUELL_DENOISER_OFF, &program, &err), QUELL_E_TOO_LARGE);
    assert_non_null(strstr(err.text, "layer1"));
    random_model_free(model);
}

static void test_column_drift(void **state)
{
    (void)state;
    struct quell_model *model = random_resnet8(21, 0);
    struct quell_profile p = ideal;
    p.column_gain_sigma = 0.1;
    p.drifts = 1;
    p.column_drift = (struct quell_column_drift){.exponent = 0.05, .exponent_sigma = 0.01, .start_s = 20, .age_s = 86400};
    quell_program *program = make(model, &p, 4);
    for (uint32_t i = 0; i < model->layer_count; i++)
        for (uint32_t c = 0; c < model->layers[i].real_channels; c++) {
            int16_t gain[2], drift[2];
            qa_gaussian_pair(4, QA_COLUMN_GAIN, i, 0, c / 2, gain);
            qa_gaussian_pair(4, QA_COLUMN_DRIFT, i, 0, c / 2, drift);
            double wanted = (1 + 0.1 * gain[c & 1] / 2048) * pow(86400 / 20.0, -(0.05 + 0.01 * drift[c & 1] / 2048));
            assert_true(fabs(program->layers[i].constants[c].gain - 65536 * wanted) <= 0.51);
            assert_int_equal(program->layers[i].constants[c].offset, 0);
        }
    quell_program_free(program);
    random_model_free(model);
}

/* Phase-change memory by the published formulas (docs/profiles.md), no time for drift. */
static const struct quell_conductance pcm = {.g_max_us = 25, .programming_us = {0.26348, 1.9650, -1.1731}, .drift_exponent = {-0.0155, 0.0244, 0.049, 0.1},
                                             .drift_exponent_sigma = {-0.0125, -0.0059, 0.008, 0.045}, .read = {0.0088, 0.65, 0.2}, .read_s = 250e-9, .start_s = 20};

/* Every weight is `code`: mean and spread of what the chips hold, the columns' gains included. */
static void held(struct quell_model *model, const struct quell_profile *p, int code, double *mean, double *spread)
{
    double sum = 0, squares = 0, n = 0;
    for (uint32_t i = 0; i < model->layer_count; i++)
        for (uint32_t k = 0; k < model->layers[i].channels * model->layers[i].taps * model->layers[i].in_channels; k++)
            model->layers[i].weights[k] = model->layers[i].weights[k] ? (int8_t)code : 0;
    quell_program *program = make(model, p, 5), *same = make(model, p, 5);
    for (uint32_t i = 0; i < model->layer_count; i++) {
        const struct quell_model_layer *m = &model->layers[i], *l = &program->layers[i];
        assert_memory_equal(l->weights, same->layers[i].weights, l->channels * l->taps * l->in_channels);
        assert_memory_equal(l->constants, same->layers[i].constants, l->channels * sizeof *l->constants);
        for (uint32_t k = 0; k < m->real_channels * m->taps * m->in_channels; k++)
            if (m->weights[k]) {
                double w = l->weights[k] * (l->constants[k / (m->taps * m->in_channels)].gain / 65536.0);
                sum += w, squares += w * w, n++;
            }
    }
    assert_true(n > 10000);
    *mean = sum / n;
    *spread = sqrt(fmax(squares / n - *mean * *mean, 0));
    quell_program_free(program);
    quell_program_free(same);
}

static void test_conductance(void **state)
{
    (void)state;
    struct quell_profile p = ideal;
    p.conducts = 1;
    for (int code = 40; code <= 100; code += 30) {
        struct quell_model *model = random_resnet8(22, 0);
        double mean, spread, share = code / 127.0, empty = 0.26348 / 25 * 127, rounding = 1 / sqrt(12);
        p.conductance = pcm;
        held(model, &p, code, &mean, &spread);
        /* Programming error, read noise, and the pair's other device: half a normal distribution. */
        double programming = (0.26348 + 1.9650 * share - 1.1731 * share * share) / 25 * 127;
        double read = 0.0088 / pow(share, 0.65) * sqrt(log(20 / 500e-9)) * code;
        double wanted = sqrt(programming * programming + read * read + empty * empty * (0.5 - 0.5 / 3.14159265) + rounding * rounding);
        assert_true(fabs(spread - wanted) < 0.03 * wanted);
        assert_true(fabs(mean - (code - empty / sqrt(2 * 3.14159265))) < 0.01 * code);
        /* Drift alone, without spread: exactly the power law, and all of it in the columns' gains. */
        p.conductance = (struct quell_conductance){.g_max_us = 25, .drift_exponent = {0, 0.06, 0.049, 0.1}, .read_s = 1e-6, .start_s = 20, .age_s = 86400};
        held(model, &p, code, &mean, &spread);
        assert_true(fabs(mean - code * pow(86420 / 20.0, -0.06)) < 0.001 * code && spread < 0.01);
        random_model_free(model);
    }
}

static void test_severity(void **state)
{
    (void)state;
    struct quell_profile p = {.name = "p", .read_additive = 0.1, .read_multiplicative = 0.2, .column_gain_sigma = 0.3, .weight_programming_sigma = 0.05, .stuck_columns = 0.4, .adc_bits = 5, .drifts = 1, .conducts = 1,
                              .column_drift = {0.05, 0.01, 20, 3600}, .conductance = pcm};
    quell_profile *s;
    quell_error err;
    assert_int_equal(quell_profile_scale(&p, 2, &s, &err), QUELL_OK);
    assert_true(s->read_additive == 0.2 && s->read_multiplicative == 0.4 && s->column_gain_sigma == 0.6 && s->weight_programming_sigma == 0.1 && s->stuck_columns == 0.8);
    assert_int_equal(s->adc_bits, 5);
    assert_true(s->column_drift.exponent == 0.1 && s->column_drift.exponent_sigma == 0.02 && s->column_drift.age_s == 3600);
    assert_true(s->conductance.programming_us[1] == 2 * 1.9650 && s->conductance.drift_exponent[3] == 0.2 && s->conductance.read[0] == 0.0176 && s->conductance.read[1] == 0.65 && s->conductance.read[2] == 0.4);
    quell_profile_free(s);
    /* Severity 0 is an ideal chip but for its ADC. */
    assert_int_equal(quell_profile_scale(&p, 0, &s, &err), QUELL_OK);
    struct quell_model *model = random_resnet8(23, 0);
    quell_program *program = make(model, s, 1);
    for (uint32_t i = 0; i < model->layer_count; i++) {
        const struct quell_model_layer *l = &program->layers[i], *m = &model->layers[i];
        for (uint32_t k = 0; k < m->real_channels * m->taps * m->in_channels; k++)
            assert_int_equal(l->weights[k], m->weights[k]);
        for (uint32_t c = 0; c < m->real_channels; c++)
            assert_int_equal(l->constants[c].gain, 65536);
    }
    quell_program_free(program);
    random_model_free(model);
    quell_profile_free(s);
    const double bad[] = {-1, NAN, INFINITY, 10};
    for (int i = 0; i < 4; i++)
        assert_int_equal(quell_profile_scale(&p, bad[i], &s, &err), i < 3 ? QUELL_E_USAGE : QUELL_E_PROFILE);
    assert_non_null(strstr(err.text, "read_additive"));
}

static void test_stuck(void **state)
{
    (void)state;
    struct quell_model *model = random_resnet8(17, 0);
    struct quell_profile p = ideal;
    p.stuck_columns = 0.2;
    uint32_t stuck = 0, high = 0, n = 0;
    for (uint32_t chip = 0; chip < 20; chip++) {
        quell_program *program = make(model, &p, chip);
        for (uint32_t i = 0; i < model->layer_count; i++)
            for (uint32_t c = 0; c < model->layers[i].real_channels; c++, n++) {
                const struct quell_channel *k = &program->layers[i].constants[c];
                if (k->gain)
                    continue;
                assert_int_equal(abs(k->offset), 256 << 12);
                stuck++;
                high += k->offset > 0;
            }
        quell_program_free(program);
    }
    assert_true(fabs(stuck / (double)n - 0.2) < 4 * 0.4 / sqrt(n));
    assert_true(fabs(high / (double)stuck - 0.5) < 4 * 0.5 / sqrt(stuck));
    p.stuck_columns = 1;
    quell_program *program = make(model, &p, 0);
    for (uint32_t c = 0; c < 16; c++)
        assert_int_equal(program->layers[0].constants[c].gain, 0);
    quell_program_free(program);
    random_model_free(model);
}

static void test_calibration(void **state)
{
    (void)state;
    struct quell_model *model = random_model(18, 3);
    uint32_t channels[3];
    for (int i = 0; i < 3; i++)
        channels[i] = model->layers[i].channels;
    struct quell_calibration *c = qc_new(3, channels);
    c->model_hash = model->hash;
    c->chip = 5;
    c->a[1][0] = 20000;
    c->b[1][0] = -77;
    quell_program *program;
    quell_error err;
    assert_int_equal(quell_program_make(model, &ideal, 5, c, QUELL_DENOISER_OFF, &program, &err), QUELL_OK);
    assert_int_equal(program->layers[1].table.correct, 1);
    assert_int_equal(program->layers[1].constants[0].a, 20000);
    assert_int_equal(program->layers[1].constants[0].b, -77);
    assert_int_equal(program->layers[2].constants[0].a, 0x4000);
    quell_program_free(program);
    assert_int_equal(quell_program_make(model, &ideal, 6, c, QUELL_DENOISER_OFF, &program, &err), QUELL_E_CALIBRATION);
    c->model_hash++;
    assert_int_equal(quell_program_make(model, &ideal, 5, c, QUELL_DENOISER_OFF, &program, &err), QUELL_E_CALIBRATION);
    c->model_hash--;
    c->layer_count = 2;
    assert_int_equal(quell_program_make(model, &ideal, 5, c, QUELL_DENOISER_OFF, &program, &err), QUELL_E_CALIBRATION);
    c->layer_count = 3;
    c->channels[2] += 8;
    assert_int_equal(quell_program_make(model, &ideal, 5, c, QUELL_DENOISER_OFF, &program, &err), QUELL_E_CALIBRATION);
    quell_calibration_free(c);
    random_model_free(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ideal), cmocka_unit_test(test_flags), cmocka_unit_test(test_read_noise), cmocka_unit_test(test_columns),
        cmocka_unit_test(test_weights), cmocka_unit_test(test_overflow), cmocka_unit_test(test_stuck), cmocka_unit_test(test_calibration),
        cmocka_unit_test(test_column_drift), cmocka_unit_test(test_conductance), cmocka_unit_test(test_severity),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
