/* SPDX-License-Identifier: Apache-2.0 */
/* Column correction: what it finds on chips whose errors are known, what it leaves alone, and its file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "calibration.h"
#include "program.h"
#include "random_model.h"
#include "ref.h"

enum { IMAGES = 40, TESTED = 20 };

/* Root mean square difference of logits between the chip and an ideal one, on images that calibration did not see. */
static double logit_error(const struct quell_model *model, const quell_images *images, const struct quell_profile *profile, uint32_t chip, const quell_calibration *calibration)
{
    int8_t want[TESTED * 10], have[TESTED * 10];
    quell_device *device;
    assert_int_equal(quell_device_open("ref", NULL, &device, NULL), QUELL_OK);
    for (int round = 0; round < 2; round++) {
        quell_program *program;
        assert_int_equal(quell_program_make(model, round ? profile : NULL, chip, round ? calibration : NULL, QUELL_DENOISER_OFF, &program, NULL), QUELL_OK);
        assert_int_equal(quell_device_load(device, program, NULL), QUELL_OK);
        assert_int_equal(quell_device_run(device, images, IMAGES, TESTED, 5, 1000, round ? have : want, NULL, NULL, NULL, NULL), QUELL_OK);
        quell_program_free(program);
    }
    quell_device_close(device);
    double sum = 0;
    for (int i = 0; i < TESTED * 10; i++)
        sum += (want[i] - have[i]) * (want[i] - have[i]);
    return sqrt(sum / (TESTED * 10));
}

struct bench {
    struct quell_model *model;
    quell_images *images;
    quell_calibration *calibration;
    double before, after;
};

static struct bench calibrated(const struct quell_profile *profile, uint32_t chip)
{
    struct bench b = {.model = random_resnet8(chip, 0)};
    b.images = random_images(chip + 1, IMAGES + TESTED, b.model);
    quell_device *device;
    quell_error err = {0};
    assert_int_equal(quell_device_open("ref", NULL, &device, NULL), QUELL_OK);
    if (quell_calibrate(device, b.model, profile, chip, b.images, 0, IMAGES, 77, &b.calibration, NULL, NULL, &err) != QUELL_OK)
        fail_msg("%s", err.text);
    quell_device_close(device);
    b.before = logit_error(b.model, b.images, profile, chip, NULL);
    b.after = logit_error(b.model, b.images, profile, chip, b.calibration);
    print_message("logits off by %.2f codes before, %.2f after\n", b.before, b.after);
    return b;
}

static void free_bench(struct bench *b)
{
    quell_calibration_free(b->calibration);
    random_images_free(b->images);
    random_model_free(b->model);
}

static int ascending(const void *a, const void *b) { return (*(const double *)a > *(const double *)b) - (*(const double *)a < *(const double *)b); }

/* What 80 % of the columns stay below: total gain a*g - 1, total offset a*o + b in codes; and what was there. (In a random network some
 * columns lie at the ADC's limits, where nothing can be measured and nothing matters.) */
static void left_over(const struct bench *b, const struct quell_profile *profile, uint32_t chip, double left[2], double before[2])
{
    static double errors[4][1024];
    quell_program *program;
    size_t n = 0;
    assert_int_equal(quell_program_make(b->model, profile, chip, b->calibration, QUELL_DENOISER_OFF, &program, NULL), QUELL_OK);
    for (uint32_t i = 0; i < b->model->layer_count; i++)
        for (uint32_t c = 0; c < b->model->layers[i].real_channels; c++, n++) {
            const struct quell_channel *k = &program->layers[i].constants[c];
            double a = k->a / 16384.0, g = k->gain / 65536.0, o = k->offset / 4096.0;
            errors[0][n] = fabs(a * g - 1);
            errors[1][n] = fabs(a * o + k->b / 256.0);
            errors[2][n] = fabs(g - 1);
            errors[3][n] = fabs(o);
        }
    for (int i = 0; i < 4; i++) {
        qsort(errors[i], n, sizeof **errors, ascending);
        (i < 2 ? left : before)[i % 2] = errors[i][n * 8 / 10];
    }
    quell_program_free(program);
    print_message("gain errors %.4f -> %.4f, offsets %.2f -> %.2f codes\n", before[0], left[0], before[1], left[1]);
}

static void test_static(void **state)
{
    (void)state;
    struct quell_profile p = {.name = "static", .column_gain_sigma = 0.15, .column_offset_sigma = 0.04, .adc_bits = 8};
    double left[2], before[2];
    struct bench b = calibrated(&p, 3);
    left_over(&b, &p, 3, left, before);
    assert_true(left[0] < 0.02 * before[0] && left[1] < 0.02 * before[1]);
    assert_true(b.after < 0.35 * b.before); /* what was clipped stays lost */
    free_bench(&b);
}

static void test_static_and_read_noise(void **state)
{
    (void)state;
    struct quell_profile p = {.name = "both", .read_additive = 0.06, .read_multiplicative = 0.1, .column_gain_sigma = 0.15, .column_offset_sigma = 0.04, .adc_bits = 8};
    double left[2], before[2];
    struct bench b = calibrated(&p, 4);
    left_over(&b, &p, 4, left, before);
    assert_true(left[0] < 0.2 * before[0] && left[1] < 0.2 * before[1]);
    assert_true(b.after < b.before);
    free_bench(&b);
}

static void test_read_noise_alone(void **state)
{
    (void)state;
    struct quell_profile p = {.name = "random", .read_additive = 0.1, .read_multiplicative = 0.2, .adc_bits = 8};
    struct bench b = calibrated(&p, 5);
    double gain = 0, offset = 0, n = 0;
    for (uint32_t i = 0; i < b.model->layer_count; i++)
        for (uint32_t c = 0; c < b.model->layers[i].real_channels; c++, n++) {
            double a = b.calibration->a[i][c] / 16384.0 - 1, o = b.calibration->b[i][c] / 256.0;
            gain += a * a;
            offset += o * o;
        }
    print_message("gain %.4f, offset %.3f codes\n", sqrt(gain / n), sqrt(offset / n));
    assert_true(sqrt(gain / n) < 0.02 && sqrt(offset / n) < 0.5);
    assert_true(b.after < 1.05 * b.before);
    free_bench(&b);
}

static void test_stuck(void **state)
{
    (void)state;
    struct quell_profile p = {.name = "stuck", .read_additive = 0.02, .stuck_columns = 0.05, .adc_bits = 8};
    struct bench b = calibrated(&p, 6);
    quell_program *program;
    assert_int_equal(quell_program_make(b.model, &p, 6, b.calibration, QUELL_DENOISER_OFF, &program, NULL), QUELL_OK);
    for (uint32_t i = 0; i < b.model->layer_count; i++)
        for (uint32_t c = 0; c < b.model->layers[i].real_channels; c++) {
            const struct quell_channel *k = &program->layers[i].constants[c];
            if (k->gain == 0)
                assert_int_equal(k->a, 0);
            else
                assert_in_range(k->a, 15500, 17300);
        }
    assert_true(b.after < b.before);
    quell_program_free(program);
    free_bench(&b);
}

/* One column by itself: the estimate under a coarse ADC, few samples, a constant input. */
static void test_fit(void **state)
{
    (void)state;
    enum { PICTURES = 50, PIXELS = 40, N = PICTURES * PIXELS };
    static int32_t v[N * 8];
    static int16_t code[N * 8];
    struct random r = {1};
    for (int i = 0; i < N * 8; i++) {
        int c = i % 8;
        v[i] = c == 7 ? 20 * 4096 : random_range(&r, -60 * 4096, 60 * 4096);
        double x = v[i] / 4096.0, y = (1 + 0.05 * (c - 3)) * x + 4 * (c - 3);
        y = fmax(-128, fmin(127, rint(y / 16) * 16));
        code[i] = (int16_t)y;
    }
    uint32_t a[8];
    int32_t b[8];
    struct qc_samples s = {PICTURES, PIXELS, 8, -128, 127, v, code};
    assert_true(qc_fit(&s, a, b));
    for (int c = 0; c < 7; c++) {
        double gain = 1 + 0.05 * (c - 3);
        assert_true(fabs(a[c] / 16384.0 * gain - 1) < 0.03);
        assert_true(fabs(a[c] / 16384.0 * 4 * (c - 3) + b[c] / 256.0) < 1.5);
    }
    assert_int_equal(a[7], 0x4000); /* a constant tells no gain */
    s.images = 1;
    s.per_image = 5;
    assert_true(qc_fit(&s, a, b));
    for (int c = 0; c < 8; c++)
        assert_true(a[c] == 0x4000 && b[c] == 0);
}

static void test_observe(void **state)
{
    (void)state;
    struct quell_model *model = random_resnet8(8, 0);
    quell_program *program, *variant;
    quell_error err;
    assert_int_equal(quell_program_make(model, NULL, 0, NULL, QUELL_DENOISER_OFF, &program, NULL), QUELL_OK);
    quell_limits limits = {.act_words = 65535};
    for (uint32_t i = 0; i < model->layer_count; i++) {
        assert_int_equal(quell_program_observe(program, i, &limits, &variant, &err), QUELL_OK);
        const struct quell_layer *t = &variant->layers[i].table;
        uint32_t size = (uint32_t)(qr_output_size(&variant->layers[i]) / 8), in = (uint32_t)t->in_addr, read = (uint32_t)(qr_input_size(&model->layers[i]) / 8), at = (uint32_t)t->out_addr;
        assert_true(at + size <= in || in + read <= at);
        if (i == 0)
            assert_true(at + size <= model->input_addr[1] || model->input_addr[1] + read <= at);
        assert_int_equal(variant->layers[i].info.out_h, t->out_h);
        assert_true(t->pooled_h == t->out_h && t->pooled_w == t->out_w); /* the firmware refuses a layer that pools nothing and says otherwise */
        quell_program_free(variant);
    }
    limits.act_words = 5000; /* 1024 of input at address 0, then 2048 of output */
    for (uint32_t i = 0; i < 2; i++)
        model->input_addr[i] = 1024 * i;
    assert_int_equal(quell_program_observe(program, 0, &limits, &variant, &err), QUELL_OK);
    assert_int_equal(variant->layers[0].table.out_addr, 2048);
    quell_program_free(variant);
    limits.act_words = 4000;
    assert_int_equal(quell_program_observe(program, 0, &limits, &variant, &err), QUELL_E_TOO_LARGE);
    assert_null(variant);
    quell_program_free(program);
    random_model_free(model);
}

static int stop(void *context, uint32_t done)
{
    uint32_t *last = context;
    *last = done;
    return done >= 15;
}

static void test_refusals(void **state)
{
    (void)state;
    struct quell_model *model = random_resnet8(9, 0);
    quell_images *images = random_images(9, 10, model);
    struct quell_profile p = {.name = "p", .adc_bits = 8};
    quell_device *device;
    quell_calibration *c;
    quell_error err;
    uint32_t last = 0;
    assert_int_equal(quell_device_open("ref", NULL, &device, NULL), QUELL_OK);
    assert_int_equal(quell_calibrate(device, model, &p, 0, images, 0, 11, 0, &c, NULL, NULL, &err), QUELL_E_USAGE);
    assert_int_equal(quell_calibrate(device, model, &p, 0, images, 0, 0, 0, &c, NULL, NULL, &err), QUELL_E_USAGE);
    assert_int_equal(quell_calibrate(device, model, &p, 0, images, 0, 10, 0, &c, stop, &last, &err), QUELL_E_INTERRUPTED);
    assert_int_equal(last, 15);
    assert_null(c);
    model->info.image_h = 27;
    assert_int_equal(quell_calibrate(device, model, &p, 0, images, 0, 10, 0, &c, NULL, NULL, &err), QUELL_E_IMAGES);
    quell_device_close(device);
    random_images_free(images);
    random_model_free(model);
}

/* ---- Files ---- */

static quell_status load_text(const char *text, quell_error *err)
{
    char path[] = "/tmp/quell_test_XXXXXX";
    int file = mkstemp(path);
    assert_true(file >= 0);
    assert_int_equal(write(file, text, strlen(text)), strlen(text));
    close(file);
    quell_calibration *c;
    quell_status status = quell_calibration_load(path, &c, err);
    quell_calibration_free(c);
    unlink(path);
    return status;
}

#define EIGHT(x) "[" x "," x "," x "," x "," x "," x "," x "," x "]"
#define FILE_WITH(model, chip, layers) "{\"format\":\"quell-calibration\",\"version\":1,\"model\":" model ",\"chip\":" chip ",\"layers\":" layers "}"
#define GOOD_LAYER "{\"a\":" EIGHT("16384") ",\"b\":" EIGHT("-5") "}"
#define HASH "\"0123456789abcdef\""

static void test_file(void **state)
{
    (void)state;
    const uint32_t channels[2] = {8, 16};
    struct quell_calibration *c = qc_new(2, channels);
    c->model_hash = 0x0123456789ABCDEFu;
    c->chip = UINT32_MAX;
    for (uint32_t i = 0; i < 16; i++) {
        c->a[1][i] = i * 4369;
        c->b[1][i] = (int32_t)i * 4369 - 32768;
    }
    char path[] = "/tmp/quell_test_XXXXXX";
    close(mkstemp(path));
    quell_error err = {0};
    assert_int_equal(quell_calibration_save(c, path, &err), QUELL_OK);
    quell_calibration *back;
    if (quell_calibration_load(path, &back, &err) != QUELL_OK)
        fail_msg("%s", err.text);
    assert_true(back->model_hash == c->model_hash && back->chip == c->chip && back->layer_count == 2);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(back->channels[i], channels[i]);
        assert_memory_equal(back->a[i], c->a[i], channels[i] * sizeof **c->a);
        assert_memory_equal(back->b[i], c->b[i], channels[i] * sizeof **c->b);
    }
    quell_calibration_free(back);
    unlink(path);
    assert_int_equal(quell_calibration_save(c, "/nonexistent/x.json", &err), QUELL_E_FILE);
    assert_int_equal(quell_calibration_save(c, "/dev/full", &err), QUELL_E_FILE);
    assert_int_equal(quell_calibration_load("/nonexistent/x.json", &back, &err), QUELL_E_FILE);
    quell_calibration_free(c);
}

static void test_bad_files(void **state)
{
    (void)state;
    quell_error err = {0};
    if (load_text(FILE_WITH(HASH, "7", "[" GOOD_LAYER "]"), &err) != QUELL_OK)
        fail_msg("%s", err.text);
    static const char *const bad[] = {
        "", "{", "[]", "null", "{}", "{\"format\":\"quell-calibration\"}",
        FILE_WITH(HASH, "7", "[" GOOD_LAYER "]") " x",
        FILE_WITH("\"0123456789abcdeg\"", "7", "[" GOOD_LAYER "]"), FILE_WITH("\"0123456789abcde\"", "7", "[" GOOD_LAYER "]"), FILE_WITH("5", "7", "[" GOOD_LAYER "]"),
        FILE_WITH(HASH, "-1", "[" GOOD_LAYER "]"), FILE_WITH(HASH, "4294967296", "[" GOOD_LAYER "]"), FILE_WITH(HASH, "1.5", "[" GOOD_LAYER "]"), FILE_WITH(HASH, "\"7\"", "[" GOOD_LAYER "]"),
        FILE_WITH(HASH, "7", "[]"), FILE_WITH(HASH, "7", "{}"), FILE_WITH(HASH, "7", "[5]"), FILE_WITH(HASH, "7", "[{\"a\":" EIGHT("1") "}]"),
        FILE_WITH(HASH, "7", "[{\"a\":" EIGHT("1") ",\"b\":[1]}]"), FILE_WITH(HASH, "7", "[{\"a\":[1],\"b\":[1]}]"), FILE_WITH(HASH, "7", "[{\"a\":[],\"b\":[]}]"),
        FILE_WITH(HASH, "7", "[{\"a\":" EIGHT("65536") ",\"b\":" EIGHT("1") "}]"), FILE_WITH(HASH, "7", "[{\"a\":" EIGHT("-1") ",\"b\":" EIGHT("1") "}]"),
        FILE_WITH(HASH, "7", "[{\"a\":" EIGHT("1") ",\"b\":" EIGHT("32768") "}]"), FILE_WITH(HASH, "7", "[{\"a\":" EIGHT("1") ",\"b\":" EIGHT("1e999") "}]"),
        FILE_WITH(HASH, "7", "[{\"a\":" EIGHT("1") ",\"b\":" EIGHT("null") "}]"), FILE_WITH(HASH, "7", "[{\"a\":" EIGHT("1") ",\"b\":" EIGHT("1") ",\"c\":1}]"),
        FILE_WITH(HASH, "7", "[{\"a\":" EIGHT("1") ",\"b\":" EIGHT("1") ",\"b\":" EIGHT("1") "}]"), FILE_WITH(HASH, "7,\"chip\":8", "[" GOOD_LAYER "]"), FILE_WITH(HASH, "7,\"extra\":8", "[" GOOD_LAYER "]"),
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        memset(&err, 0, sizeof err);
        if (load_text(bad[i], &err) != QUELL_E_CALIBRATION || err.status != QUELL_E_CALIBRATION || !err.text[0])
            fail_msg("accepted or wrong status %d: %s", (int)err.status, bad[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fit), cmocka_unit_test(test_static), cmocka_unit_test(test_static_and_read_noise), cmocka_unit_test(test_read_noise_alone), cmocka_unit_test(test_stuck),
        cmocka_unit_test(test_observe), cmocka_unit_test(test_refusals), cmocka_unit_test(test_file), cmocka_unit_test(test_bad_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
