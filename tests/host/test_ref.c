/* SPDX-License-Identifier: Apache-2.0 */
/* The reference device: plain and vector paths give identical bytes, runs are independent of threads, stopping keeps a prefix. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "arith.h"
#include "random_model.h"
#include "ref.h"

static const struct quell_profile noisy = {.name = "noisy", .read_additive = 0.05, .read_multiplicative = 0.15, .column_gain_sigma = 0.1, .column_offset_sigma = 0.03, .weight_programming_sigma = 0.02, .stuck_columns = 0.05, .adc_bits = 7};

static struct quell_calibration *random_calibration(const struct quell_model *model, uint32_t chip, struct random *random)
{
    struct quell_calibration *c = calloc(1, sizeof *c);
    *c = (struct quell_calibration){model->hash, chip, model->layer_count, calloc(model->layer_count, sizeof *c->channels), calloc(model->layer_count, sizeof *c->a), calloc(model->layer_count, sizeof *c->b)};
    for (uint32_t i = 0; i < model->layer_count; i++) {
        c->channels[i] = model->layers[i].channels;
        c->a[i] = calloc(c->channels[i], sizeof **c->a);
        c->b[i] = calloc(c->channels[i], sizeof **c->b);
        for (uint32_t k = 0; k < c->channels[i]; k++) {
            c->a[i][k] = random_range(random, 0, 3) ? (uint32_t)random_range(random, 12000, 20000) : (uint32_t)random_range(random, 0, 65535);
            c->b[i][k] = random_range(random, 0, 3) ? random_range(random, -2000, 2000) : random_range(random, -32768, 32767);
        }
    }
    return c;
}

/* One layer, plain and on every kernel set that this machine has. -> whether these have computed it, and not left it to the plain way */
static int compare_layer(const struct quell_model_layer *layer, struct random *random)
{
    size_t in_size = qr_input_size(layer), out_size = qr_output_size(layer), conv = (size_t)layer->table.out_h * (size_t)layer->table.out_w * layer->channels;
    int8_t *in = malloc(in_size), *residual = malloc(conv + QR_LANES), *plain = malloc(out_size), *vector = malloc(out_size);
    for (size_t i = 0; i < in_size; i++)
        in[i] = (int8_t)random_range(random, -128, 127);
    for (size_t i = 0; i < conv; i++)
        residual[i] = (int8_t)random_range(random, -128, 127);
    uint32_t seed = random_next(random), inference = random_next(random);
    int vectors = 0;
    assert_int_equal(qr_plain_layer(layer, in, residual, seed, inference, plain), QUELL_OK);
    for (enum qr_path path = QR_SCALAR + 1; path < QR_PATHS; path++) {
        struct qr_layer packed;
        struct qr_scratch scratch;
        if (!qr_kernels_of(path))
            continue;
        assert_true(qr_pack(&packed, layer));
        assert_true(qr_scratch_make(&scratch, &packed, 1));
        memset(vector, 0x55, out_size);
        vectors = packed.narrow;
        assert_int_equal(qr_run_layer(qr_kernels_of(path), &packed, &scratch, in, residual, seed, inference, vector), QUELL_OK);
        for (size_t i = 0; i < out_size; i++)
            if (plain[i] != vector[i])
                fail_msg("%s, path %d: element %zu of %zu (channel %zu of %u): plain %d, vector %d", layer->info.name, path, i, out_size, i % layer->channels, layer->channels, plain[i], vector[i]);
        qr_scratch_free(&scratch);
        qr_unpack(&packed);
    }
    free(in);
    free(residual);
    free(plain);
    free(vector);
    return vectors;
}

/* Layers of one window an output; the others are left to the plain way. */
static uint32_t for_vectors(const struct quell_model_layer *l) { return quell_layer_windows(&l->table) == 1 && l->table.stride_y == l->table.stride_x; }

/* At least half of those layers must have been computed with vectors, where there are any. */
static void expect_vectors(uint32_t layers, uint32_t vectors)
{
    for (enum qr_path path = QR_SCALAR + 1; path < QR_PATHS; path++)
        if (qr_kernels_of(path))
            assert_in_range(vectors, (layers + 1) / 2, layers);
}

static void test_paths(void **state)
{
    (void)state;
    uint32_t layers = 0, vectors = 0;
    for (uint32_t seed = 1; seed <= 60; seed++) {
        struct random random = {seed * 77};
        struct quell_model *model = random_model(seed, 5);
        struct quell_calibration *calibration = seed % 3 ? random_calibration(model, seed, &random) : NULL;
        quell_program *program;
        quell_error err = {0};
        struct quell_profile profile = noisy;
        profile.adc_bits = 1 + (int)seed % 8;
        profile.weight_programming_sigma = 0; /* wild biases could overflow */
        if (seed % 5 == 0)
            profile.read_additive = 0.999, profile.read_multiplicative = 3.99;
        if (quell_program_make(model, seed % 4 ? &profile : NULL, seed, calibration, (quell_denoiser)(seed % 3), &program, &err) != QUELL_OK)
            fail_msg("%s", err.text);
        for (uint32_t i = 0; i < model->layer_count; i++)
            vectors += (uint32_t)compare_layer(&program->layers[i], &random), layers += for_vectors(&program->layers[i]);
        quell_program_free(program);
        quell_calibration_free(calibration);
        random_model_free(model);
    }
    expect_vectors(layers, vectors);
}

/* Numbers at the ends of every field. */
static void test_extremes(void **state)
{
    (void)state;
    uint32_t layers = 0, vectors = 0;
    for (uint32_t seed = 100; seed < 140; seed++) {
        struct random r = {seed};
        int bias = seed % 2 ? 1 << 30 : 1 << 24, least = seed % 4 == 3 ? 1 : seed % 2 ? 25 : 20; /* shifts that 32-bit lanes have room for, and all */
        struct quell_model *model = random_model(seed, 4);
        for (uint32_t i = 0; i < model->layer_count; i++) {
            struct quell_model_layer *l = &model->layers[i];
            struct quell_layer *t = &l->table;
            t->noise = t->correct = 1;
            t->sigma_add = random_range(&r, 0, 1) ? (1 << 20) - 1 : random_range(&r, 0, (1 << 20) - 1);
            t->sigma_mul = seed % 3 == 0 ? 0 : random_range(&r, 0, 1) ? 65535 : random_range(&r, 0, 65535);
            t->adc_shift = random_range(&r, 0, 8);
            t->adc_wide = random_range(&r, 0, 1);
            t->z_v = random_range(&r, 0, 1) ? 127 : -128;
            t->dn_depthwise = l->dn_depthwise;
            t->dn_bottleneck = l->dn_bottleneck;
            t->dn_sample = 1;
            for (uint32_t c = 0; c < l->channels; c++) {
                struct quell_channel *k = &l->constants[c];
                k->bias = random_range(&r, 0, 1) ? bias : -bias;
                k->m = random_range(&r, 0, 7) ? (uint32_t)random_range(&r, 1 << 23, (1 << 24) - 1) : 0;
                k->s = (uint32_t)random_range(&r, least, 63);
                k->gain = random_range(&r, 0, 1) ? (1 << 18) - 1 : (uint32_t)random_range(&r, 0, (1 << 18) - 1);
                k->offset = random_range(&r, -(1 << 23), (1 << 23) - 1);
                k->a = random_range(&r, 0, 1) ? 65535 : 0;
                k->b = random_range(&r, 0, 1) ? 32767 : -32768;
            }
            vectors += (uint32_t)compare_layer(l, &r), layers += for_vectors(l);
        }
        random_model_free(model);
    }
    expect_vectors(layers, vectors);
}

/* Analog tile around every tie and limit: accumulators from the bias alone, so that each lane has its own. */
static void test_values(void **state)
{
    (void)state;
    uint32_t layers = 0, vectors = 0;
    for (uint32_t seed = 0; seed < 300; seed++) {
        struct random r = {seed};
        struct quell_model *model = random_model_new(8, 8, 1, 0, 1, &r);
        struct random_spec spec = {.mode = 1, .stride = 1, .input = -1, .residual = -2, .channels = 40};
        random_model_add(model, &spec, &r);
        random_model_finish(model, &r);
        struct quell_model_layer *l = &model->layers[0];
        memset(l->weights, 0, l->channels * l->taps * l->in_channels);
        l->table.noise = 1;
        l->table.sigma_add = random_range(&r, 0, 1) * 40000;
        l->table.sigma_mul = random_range(&r, 0, 1) * 3000;
        for (uint32_t c = 0; c < l->channels; c++) {
            struct quell_channel *k = &l->constants[c];
            k->s = (uint32_t)random_range(&r, 1, 40);
            int64_t half = INT64_C(1) << (k->s - 1), odd = (2 * random_range(&r, -200, 200) + 1) * half;
            k->m = 1u << 23;
            int64_t bias = odd >> 23;
            k->bias = bias > INT32_MAX || bias < INT32_MIN ? -1 : (int32_t)bias + random_range(&r, -1, 1);
            k->gain = 65536 + (uint32_t)random_range(&r, -2, 2);
            if (seed % 3 == 0) { /* what is lost of a value far below one decides a tie of the converter */
                *k = (struct quell_channel){.bias = random_range(&r, -1, 1) * 1000, .m = (1u << 23) + 1, .s = (uint32_t)random_range(&r, 30, 63), .gain = 1 << 16, .a = 1 << 14};
                k->offset = 2048 * (2 * random_range(&r, -50, 50) + 1);
            }
        }
        vectors += (uint32_t)compare_layer(l, &r), layers += for_vectors(l);
        random_model_free(model);
    }
    expect_vectors(layers, vectors);
}

/* docs/arithmetic.md: to odd, then to nearest even, is rounding once; to nearest twice is not. */
static void test_rounded_once(void **state)
{
    (void)state;
    assert_int_equal(qa_rto(5, 1), 3);
    assert_int_equal(qa_rto(4, 1), 2);
    assert_int_equal(qa_rto(-5, 1), -3);
    assert_int_equal(qa_rto(-5, 2), -1);
    /* just above and just below half a code: 0.5 + 2^-20 and 1.5 - 2^-20 */
    int64_t above = (INT64_C(1) << 19) + 1, below = (INT64_C(3) << 19) - 1;
    assert_int_equal(qa_rhe(qa_rhe(above, 8), 12), 0); /* what rounding twice gave */
    assert_int_equal(qa_rhe(qa_rto(above, 8), 12), 1);
    assert_int_equal(qa_rhe(qa_rhe(below, 8), 12), 2);
    assert_int_equal(qa_rhe(qa_rto(below, 8), 12), 1);
    struct random r = {7};
    for (int i = 0; i < 200000; i++) {
        int64_t x = ((int64_t)random_next(&r) << 20 ^ random_next(&r)) >> random_range(&r, 0, 30);
        x = random_range(&r, 0, 1) ? x : -x;
        unsigned s = (unsigned)random_range(&r, 1, 30), t = (unsigned)random_range(&r, 2, 20);
        if (random_range(&r, 0, 1)) /* around a tie of the last rounding */
            x = (2 * (x >> 24) + 1) * ((int64_t)1 << (s + t - 1)) + random_range(&r, -1, 1);
        assert_int_equal(qa_rhe(qa_rto(x, s), t), qa_rhe(x, s + t));
    }
}

static void test_known_answer(void **state)
{
    /* One 1x1 layer by hand: d = q - z_in, acc = 3 d + 5, v = acc/2 in codes, post: identity, z_v = 10. */
    (void)state;
    struct random r = {1};
    struct quell_model *model = random_model_new(1, 1, 1, 0, 1, &r);
    struct random_spec spec = {.mode = 1, .stride = 1, .input = -1, .residual = -2, .channels = 1};
    random_model_add(model, &spec, &r);
    random_model_finish(model, &r);
    struct quell_model_layer *l = &model->layers[0];
    struct quell_layer *t = &l->table;
    memset(l->weights, 0, l->channels * l->in_channels);
    l->weights[0] = 3;
    l->constants[0] = (struct quell_channel){.bias = 5, .m = 1 << 23, .s = 12, .gain = 0x10000, .a = 0x4000}; /* 2^23 / 2^12 = half a code */
    t->z_in = -4;
    t->z_v = t->z_y = 10;
    t->post_a = 1 << 23;
    t->post_shift = 23;
    t->lo = -128;
    t->hi = 127;
    quell_program *program;
    assert_int_equal(quell_program_make(model, NULL, 0, NULL, QUELL_DENOISER_OFF, &program, NULL), QUELL_OK);
    const int8_t in[4] = {-4, 0, 1, 100}, want[4] = {12, 18, 20, 127}; /* 2.5 -> 2, 8.5 -> 8, 10, 158.5 -> saturated */
    for (int i = 0; i < 4; i++) {
        int8_t out = 0;
        assert_int_equal(quell_reference_layer(program, 0, &in[i], NULL, 0, 0, &out, NULL), QUELL_OK);
        assert_int_equal(out, want[i]);
    }
    quell_error err;
    assert_int_equal(quell_reference_layer(program, 1, in, NULL, 0, 0, (int8_t[1]){0}, &err), QUELL_E_USAGE);
    quell_program_free(program);
    random_model_free(model);
}

/* ---- The device ---- */

struct set {
    struct quell_model *model;
    quell_images *images;
    quell_program *program;
};

static struct set make_set(uint32_t count)
{
    struct set set = {random_model(7, 6), NULL, NULL};
    struct quell_profile profile = noisy;
    profile.weight_programming_sigma = 0;
    set.images = random_images(3, count, set.model);
    assert_int_equal(quell_program_make(set.model, &profile, 5, NULL, QUELL_DENOISER_SAMPLE, &set.program, NULL), QUELL_OK);
    return set;
}

static void free_set(struct set *set)
{
    quell_program_free(set->program);
    random_images_free(set->images);
    random_model_free(set->model);
}

/* What QUELL_CPU says, or the best: the tests of the device run with every path (tests/run.py). */
static enum qr_path chosen_path(void)
{
    enum qr_path path;
    assert_int_equal(qr_choose_path(&path, NULL), QUELL_OK);
    return path;
}

static quell_device *open_ref(uint32_t threads, enum qr_path path, const quell_program *program)
{
    quell_device_options options = {.threads = threads};
    quell_device *device;
    assert_int_equal(quell_device_open("ref", &options, &device, NULL), QUELL_OK);
    assert_int_equal(qr_set_path(device, path), QUELL_OK);
    assert_int_equal(quell_device_load(device, program, NULL), QUELL_OK);
    return device;
}

static void test_threads(void **state)
{
    (void)state;
    enum { COUNT = 23 };
    struct set set = make_set(COUNT);
    int8_t want[COUNT * 10], have[COUNT * 10];
    quell_device *device = open_ref(1, QR_SCALAR, set.program);
    assert_int_equal(quell_device_run(device, set.images, 0, COUNT, 9, 100, want, NULL, NULL, NULL, NULL), QUELL_OK);
    quell_device_close(device);
    for (uint32_t threads = 0; threads <= 4; threads++) {
        uint32_t done = 0;
        memset(have, 0x55, sizeof have);
        device = open_ref(threads, chosen_path(), set.program);
        assert_int_equal(quell_device_run(device, set.images, 0, COUNT, 9, 100, have, &done, NULL, NULL, NULL), QUELL_OK);
        assert_int_equal(done, COUNT);
        assert_memory_equal(want, have, sizeof have);
        /* a part of the images, with the inference numbers they had */
        assert_int_equal(quell_device_run(device, set.images, 5, 10, 9, 105, have, &done, NULL, NULL, NULL), QUELL_OK);
        assert_memory_equal(want + 50, have, 100);
        quell_counters counters;
        assert_int_equal(quell_device_get_counters(device, &counters, NULL), QUELL_OK);
        assert_int_equal(counters.images, COUNT + 10);
        assert_int_equal(counters.macs, (COUNT + 10) * set.model->info.macs);
        quell_device_close(device);
    }
    free_set(&set);
}

/* Activations of every layer are what the reference arithmetic of that layer gives on the activations it reads. */
static void test_activations(void **state)
{
    (void)state;
    struct set set = make_set(2);
    quell_device *device = open_ref(1, chosen_path(), set.program);
    int8_t *outputs[6], *image = malloc(qr_image_size(set.model)), *packed = malloc(qr_image_size(set.model));
    qr_image_codes(set.model, set.images, 1, image);
    qr_drop_padding(image, qr_image_size(set.model) / 8, set.model->info.image_c, packed);
    for (int i = 0; i < 6; i++) {
        const struct quell_model_layer *l = &set.model->layers[i];
        size_t size = (size_t)l->info.out_h * l->info.out_w * l->info.out_c;
        int8_t *again = malloc(size);
        outputs[i] = malloc(size);
        assert_int_equal(quell_device_activations(device, set.images, 1, 4, 44, (uint32_t)i, outputs[i], NULL), QUELL_OK);
        const int8_t *in = l->input_layer < 0 ? packed : outputs[l->input_layer], *res = l->residual_layer == -1 ? packed : l->residual_layer >= 0 ? outputs[l->residual_layer] : NULL;
        assert_int_equal(quell_reference_layer(set.program, (uint32_t)i, in, res, 4, 44, again, NULL), QUELL_OK);
        assert_memory_equal(again, outputs[i], size);
        free(again);
    }
    int8_t logits[10];
    assert_int_equal(quell_device_run(device, set.images, 1, 1, 4, 44, logits, NULL, NULL, NULL, NULL), QUELL_OK);
    assert_memory_equal(logits, outputs[5], 10);
    for (int i = 0; i < 6; i++)
        free(outputs[i]);
    free(image);
    free(packed);
    quell_device_close(device);
    free_set(&set);
}

struct watcher {
    uint32_t last, stop_at, calls;
};

static int watch(void *context, uint32_t done)
{
    struct watcher *w = context;
    assert_true(done > w->last);
    w->last = done;
    w->calls++;
    return w->stop_at && done >= w->stop_at;
}

static void test_progress(void **state)
{
    (void)state;
    enum { COUNT = 60 };
    struct set set = make_set(COUNT);
    int8_t want[COUNT * 10], have[COUNT * 10];
    uint32_t done;
    quell_error err;
    quell_device *device = open_ref(3, chosen_path(), set.program);
    struct watcher all = {0};
    assert_int_equal(quell_device_run(device, set.images, 0, COUNT, 1, 0, want, &done, watch, &all, NULL), QUELL_OK);
    assert_int_equal(all.last, COUNT);
    struct watcher some = {.stop_at = 7};
    memset(have, 0x55, sizeof have);
    assert_int_equal(quell_device_run(device, set.images, 0, COUNT, 1, 0, have, &done, watch, &some, &err), QUELL_E_INTERRUPTED);
    assert_int_equal(err.status, QUELL_E_INTERRUPTED);
    assert_in_range(done, 7, COUNT);
    assert_memory_equal(want, have, done * 10);
    for (uint32_t i = done * 10; i < sizeof have; i++)
        assert_int_equal(have[i], 0x55);
    quell_device_close(device);
    free_set(&set);
}

static void test_choice(void **state)
{
    (void)state;
    enum qr_path path;
    quell_error err;
    quell_device *device;
    const char *name, *before = getenv("QUELL_CPU");
    char *kept = before ? strdup(before) : NULL;
    for (enum qr_path wanted = QR_SCALAR; wanted < QR_PATHS; wanted++) {
        setenv("QUELL_CPU", qr_path_name(wanted), 1);
        quell_status status = qr_choose_path(&path, &err);
        if (!qr_path_here(wanted)) {
            assert_int_equal(status, QUELL_E_USAGE);
            assert_non_null(strstr(err.text, "it has: scalar"));
            continue;
        }
        assert_int_equal(status, QUELL_OK);
        assert_int_equal(path, wanted);
        assert_int_equal(quell_code_path(&name, NULL), QUELL_OK);
        assert_string_equal(name, qr_path_name(wanted));
    }
    setenv("QUELL_CPU", "mmx", 1);
    assert_int_equal(quell_code_path(&name, &err), QUELL_E_USAGE);
    assert_null(name);
    for (enum qr_path known = QR_SCALAR; known < QR_PATHS; known++)
        assert_non_null(strstr(err.text, qr_path_name(known)));
    assert_int_equal(quell_device_open("ref", NULL, &device, &err), QUELL_E_USAGE);
    setenv("QUELL_CPU", "", 1); /* as if it were not there */
    assert_int_equal(qr_choose_path(&path, NULL), QUELL_OK);
    for (enum qr_path better = path + 1; better < QR_PATHS; better++)
        assert_false(qr_path_here(better));
    if (kept)
        setenv("QUELL_CPU", kept, 1);
    else
        unsetenv("QUELL_CPU");
    free(kept);
}

static void test_refusals(void **state)
{
    (void)state;
    struct set set = make_set(3);
    quell_device *device;
    quell_error err;
    int8_t codes[10];
    assert_int_equal(quell_device_open("gpu", NULL, &device, &err), QUELL_E_DEVICE);
    assert_non_null(strstr(err.text, "ref, sim"));
    assert_null(device);
    assert_int_equal(quell_device_open("ref", NULL, &device, &err), QUELL_OK);
    assert_string_equal(quell_device_name(device), "ref");
    assert_int_equal(quell_device_run(device, set.images, 0, 1, 0, 0, codes, NULL, NULL, NULL, &err), QUELL_E_DEVICE);
    assert_int_equal(quell_device_load(device, set.program, &err), QUELL_OK);
    assert_int_equal(quell_device_run(device, set.images, 1, 3, 0, 0, codes, NULL, NULL, NULL, &err), QUELL_E_USAGE);
    assert_int_equal(quell_device_run(device, set.images, 4, 0, 0, 0, codes, NULL, NULL, NULL, &err), QUELL_E_USAGE);
    assert_int_equal(quell_device_run(device, set.images, 0, 0, 0, 0, codes, NULL, NULL, NULL, &err), QUELL_OK);
    assert_int_equal(quell_device_activations(device, set.images, 0, 0, 0, 6, codes, &err), QUELL_E_USAGE);
    set.model->info.image_h++;
    assert_int_equal(quell_device_run(device, set.images, 0, 1, 0, 0, codes, NULL, NULL, NULL, &err), QUELL_E_IMAGES);
    set.model->info.image_h--;
    quell_device_close(device);
    quell_device_close(NULL);
    free_set(&set);
}

static void test_layer_words(void **state)
{
    (void)state;
    struct random r = {4};
    for (int round = 0; round < 1000; round++) {
        uint32_t words[QUELL_LAYER_WORDS], again[QUELL_LAYER_WORDS];
        struct quell_layer layer, back;
        memset(&layer, 0, sizeof layer);
#define RANDOM_FIELD(name, offset, lsb, width, text) layer.name = (int32_t)(random_next(&r) & ((1u << (width)) - 1));
        QUELL_LAYER_FIELDS(RANDOM_FIELD)
        quell_layer_pack(&layer, words);
        quell_layer_unpack(words, &back);
        assert_int_equal(back.z_in, (int8_t)layer.z_in);
        assert_int_equal(back.z_pool, (int8_t)layer.z_pool);
        assert_int_equal(back.hi, (int8_t)layer.hi);
        assert_int_equal(back.out_addr, layer.out_addr);
        assert_int_equal(back.dn_mv, layer.dn_mv);
        quell_layer_pack(&back, again);
        assert_memory_equal(words, again, sizeof words);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known_answer), cmocka_unit_test(test_rounded_once), cmocka_unit_test(test_paths), cmocka_unit_test(test_extremes), cmocka_unit_test(test_values), cmocka_unit_test(test_threads),
        cmocka_unit_test(test_activations), cmocka_unit_test(test_progress), cmocka_unit_test(test_choice), cmocka_unit_test(test_refusals), cmocka_unit_test(test_layer_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
