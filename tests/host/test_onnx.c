/* SPDX-License-Identifier: Apache-2.0 */
/* Reading and compiling models: damaged files never crash and always give a status; memories, addresses, compiled files. Run in the repository's root. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include <cmocka.h>

#include "compiled.h"
#include "file.h"
#include "parameters.h"

static const char MODEL[] = "models/resnet8_fmnist.onnx";

static uint8_t *good;
static size_t good_size;

static int set_up(void **state)
{
    (void)state;
    return quell_file_read(MODEL, 1 << 24, &good, &good_size, NULL);
}

static int tear_down(void **state)
{
    (void)state;
    free(good);
    return 0;
}

/* As quell_model_load, from memory. */
static quell_status load(const uint8_t *data, size_t size, const quell_limits *limits, struct quell_model **model, quell_error *err)
{
    struct quell_model *m = calloc(1, sizeof *m);
    m->limits = *limits;
    memset(err, 0, sizeof *err);
    quell_status status = quell_is_compiled(data, size) ? quell_model_read("file", data, size, m, err) : quell_compile_onnx("file", data, size, NULL, m, err);
    if (status == QUELL_OK)
        status = quell_model_check(m, err);
    if (status == QUELL_OK)
        status = quell_model_fit(m, err);
    if (status == QUELL_OK)
        quell_model_summarise(m);
    if (status != QUELL_OK || !model) {
        quell_model_free(m);
        m = NULL;
    }
    if (model)
        *model = m;
    return status;
}

static void must_fail_well(quell_status status, const quell_error *err)
{
    if (status == QUELL_OK)
        return;
    assert_true(status == QUELL_E_MODEL || status == QUELL_E_UNSUPPORTED || status == QUELL_E_TOO_LARGE);
    assert_true(*err->text != 0);
    assert_int_equal(err->status, status);
}

static uint32_t random_next(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(*state >> 33);
}

static struct quell_model *load_good(void)
{
    quell_error err;
    quell_limits limits = quell_default_limits();
    struct quell_model *m;
    assert_int_equal(load(good, good_size, &limits, &m, &err), QUELL_OK);
    return m;
}

/* ---- sound files ---- */

static void test_model(void **state)
{
    (void)state;
    struct quell_model *m = load_good();
    assert_int_equal(m->info.classes, 10);
    assert_int_equal(m->info.image_h, 28);
    assert_int_equal(m->info.image_pad, 2);
    assert_int_equal(m->info.parameters, 77418);
    assert_int_equal(m->info.layers, 10);
    assert_string_equal(quell_model_class_name(m, 9), "Ankle boot");
    assert_null(quell_model_class_name(m, 10));
    assert_int_not_equal(m->input_addr[0], m->input_addr[1]);
    quell_model_free(m);
}

static int overlap(uint32_t a, uint32_t a_words, uint32_t b, uint32_t b_words) { return a < b + b_words && b < a + a_words; }

static uint32_t output_words(const struct quell_model_layer *l) { return l->info.out_h * l->info.out_w * l->channels / 8; }

static void test_addresses_do_not_overlap(void **state)
{
    (void)state;
    struct quell_model *m = load_good();
    uint32_t image = 32 * 32;
    for (uint32_t i = 0; i < m->layer_count; i++) {
        const struct quell_model_layer *l = &m->layers[i];
        uint32_t out = (uint32_t)l->table.out_addr, words = output_words(l);
        assert_true(out + words <= m->limits.act_words);
        for (int b = 0; b < 2; b++)
            assert_false(overlap(out, words, m->input_addr[b], image));
        /* everything written before and read by this layer or a later one, or as residual by the one before */
        for (uint32_t k = 0; k < i; k++) {
            int live = 0;
            for (uint32_t r = i; r < m->layer_count; r++)
                live |= m->layers[r].input_layer == (int)k || m->layers[r].residual_layer == (int)k;
            live |= m->layers[i - 1].residual_layer == (int)k;
            if (live)
                assert_false(overlap(out, words, (uint32_t)m->layers[k].table.out_addr, output_words(&m->layers[k])));
        }
        if (l->input_layer >= 0)
            assert_int_equal(l->table.in_addr, m->layers[l->input_layer].table.out_addr);
        if (l->residual_layer >= 0)
            assert_int_equal(l->table.res_addr, m->layers[l->residual_layer].table.out_addr);
    }
    quell_model_free(m);
}

static void test_one_image_buffer_if_two_do_not_fit(void **state)
{
    (void)state;
    quell_limits limits = quell_default_limits();
    quell_error err;
    struct quell_model *m;
    limits.act_words -= 1;
    assert_int_equal(load(good, good_size, &limits, &m, &err), QUELL_OK);
    assert_int_equal(m->input_addr[0], m->input_addr[1]);
    quell_model_free(m);
}

/* ---- too large ---- */

static void expect_too_large(const quell_limits *limits, const char *memory, uint64_t bytes)
{
    quell_error err;
    char number[40];
    assert_int_equal(load(good, good_size, limits, NULL, &err), QUELL_E_TOO_LARGE);
    snprintf(number, sizeof number, "by %llu bytes", (unsigned long long)bytes);
    if (!strstr(err.text, memory) || !strstr(err.text, number))
        fail_msg("no '%s' and '%s' in: %s", memory, number, err.text);
}

static void test_too_large(void **state)
{
    (void)state;
    struct quell_model *m = load_good();
    quell_limits limits = quell_default_limits();
    limits.ext_words = 0;
    limits.weight_words = m->info.weight_words - 2;
    expect_too_large(&limits, "weight memory", 2 * 72);
    limits = quell_default_limits();
    limits.ext_words = 0;
    limits.const_words = m->info.const_words - 1;
    expect_too_large(&limits, "constant memory", 40);
    limits = quell_default_limits();
    limits.act_words = 6144 - 3;
    expect_too_large(&limits, "activation memory", 3 * 8);
    limits = quell_default_limits();
    limits.row_words = 63;
    expect_too_large(&limits, "row buffer", 8 * 4);
    limits = quell_default_limits();
    limits.max_payload = 28 * 28 + 11;
    expect_too_large(&limits, "message buffer", 1);
    quell_model_free(m);
}

/* ---- parameters from the external memory ---- */

/* Every unit's words lie inside the memory, all channels of all layers are there once, and no words are written that an earlier unit still needs. */
static void check_units(const struct quell_model *m)
{
    const uint32_t capacity[QUELL_KINDS] = {m->limits.weight_words, m->limits.const_words, m->limits.dn_pair_words, m->limits.dn_row_words};
    const int count = (int)m->unit_count;
    uint32_t layer = 0, at = 0;
    for (int i = 0; i < count; i++) {
        const struct quell_unit *u = &m->units[i];
        assert_int_equal(u->layer, layer);
        assert_int_equal(u->at, at);
        at += u->c8;
        if (at == (uint32_t)m->layers[layer].table.out_c8)
            layer++, at = 0;
        for (int k = 0; k < QUELL_KINDS; k++) {
            const struct quell_span s = u->span[k];
            const int after = quell_load_after(m, (enum qp_memory)(QP_MEM_WEIGHT + k), (uint32_t)i);
            assert_true(s.words <= capacity[k] && s.first <= capacity[k] - s.words);
            assert_in_range(after + count, i + 1, i + count);
            for (int before = after; before < i; before++) { /* what may still run does not read what is written */
                const struct quell_span o = m->units[(before + count) % count].span[k];
                assert_true(s.first + s.words <= o.first || o.first + o.words <= s.first || !s.words || !o.words);
            }
        }
    }
    assert_int_equal(layer, m->layer_count);
    assert_int_equal(at, 0);
}

static void test_from_outside(void **state)
{
    (void)state;
    struct quell_model *whole = load_good(), *m;
    quell_error err;
    check_units(whole);
    assert_int_equal(whole->unit_count, whole->layer_count);
    assert_int_equal(whole->from_outside, 0);
    uint32_t least = whole->info.weight_words, sliced = 0;
    for (uint32_t words = 4; words < whole->info.weight_words; words += 1 + words / 8) {
        quell_limits limits = quell_default_limits();
        limits.weight_words = words;
        limits.const_words = whole->info.const_words * 2 / 3;
        quell_status status = load(good, good_size, &limits, &m, &err);
        if (status != QUELL_OK) {
            assert_int_equal(status, QUELL_E_TOO_LARGE);
            continue;
        }
        if (words < least)
            least = words;
        check_units(m);
        assert_int_equal(m->from_outside, 1u << QP_MEM_WEIGHT | 1u << QP_MEM_CONSTANT);
        sliced += m->unit_count > m->layer_count;
        uint64_t outside = 0;
        for (uint32_t i = 0; i < m->unit_count; i++)
            outside += m->units[i].span[0].words * 9 + m->units[i].span[1].words * 5;
        assert_int_equal(m->info.ext_words, outside);
        limits.ext_words = (uint32_t)outside - 1;
        expect_too_large(&limits, "external memory", 8);
        quell_model_free(m);
    }
    assert_true(sliced > 0 && least < whole->info.weight_words / 2);
    quell_model_free(whole);
}

/* ---- damaged ONNX ---- */

static void test_empty_and_truncated(void **state)
{
    (void)state;
    quell_limits limits = quell_default_limits();
    quell_error err;
    assert_int_equal(load(good, 0, &limits, NULL, &err), QUELL_E_MODEL);
    assert_non_null(strstr(err.text, "empty"));
    for (int i = 1; i < 200; i++) {
        size_t size = good_size * (size_t)i / 202;
        uint8_t *cut = malloc(size); /* its own block: reading beyond it is found */
        memcpy(cut, good, size);
        assert_int_equal(load(cut, size, &limits, NULL, &err), QUELL_E_MODEL);
        must_fail_well(QUELL_E_MODEL, &err);
        free(cut);
    }
    static const uint8_t TEXT[] = "this is not a model at all, but some text";
    assert_int_equal(load(TEXT, sizeof TEXT, &limits, NULL, &err), QUELL_E_MODEL);
}

static void test_flipped_bits(void **state)
{
    (void)state;
    quell_limits limits = quell_default_limits();
    quell_error err;
    uint64_t random = 1;
    for (int i = 0; i < 600; i++) {
        uint8_t *copy = malloc(good_size);
        memcpy(copy, good, good_size);
        /* nodes and names come first in the file, weights after them: half of the flips in each */
        size_t range = i % 2 ? good_size : good_size / 8;
        for (int flips = 1 + i % 3; flips; flips--)
            copy[random_next(&random) % range] ^= (uint8_t)(1u << random_next(&random) % 8);
        must_fail_well(load(copy, good_size, &limits, NULL, &err), &err);
        free(copy);
    }
}

/* Messages nested in messages deeper than any stack would bear. */
static void test_deep_nesting(void **state)
{
    (void)state;
    enum { LEVELS = 200000 };
    quell_limits limits = quell_default_limits();
    quell_error err;
    size_t size = 0, room = (size_t)LEVELS * 6;
    uint8_t *data = malloc(room), *p = data + room;
    for (int i = 0; i < LEVELS; i++) { /* from the innermost: graph(7) { node(1) { attribute(5) { g(6) { node ... */
        uint8_t tag = i == LEVELS - 1 ? 7 << 3 | 2 : i % 3 == 0 ? 6 << 3 | 2 : i % 3 == 1 ? 5 << 3 | 2 : 1 << 3 | 2;
        size_t length = size;
        uint8_t bytes[6];
        int n = 0;
        bytes[n++] = tag;
        do {
            bytes[n++] = (uint8_t)(length & 0x7F) | (length > 0x7F ? 0x80 : 0);
            length >>= 7;
        } while (length);
        p -= n;
        memcpy(p, bytes, (size_t)n);
        size += (size_t)n;
    }
    assert_int_equal(load(p, size, &limits, NULL, &err), QUELL_E_MODEL);
    free(data);
}

/* ---- compiled files ---- */

static uint8_t *compiled(const struct quell_model *m, size_t *size)
{
    char path[] = "/tmp/quell_test_XXXXXX";
    uint8_t *data;
    close(mkstemp(path));
    assert_int_equal(quell_model_save(m, path, NULL), QUELL_OK);
    assert_int_equal(quell_file_read(path, 1 << 24, &data, size, NULL), QUELL_OK);
    unlink(path);
    return data;
}

static void test_compiled(void **state)
{
    (void)state;
    struct quell_model *m = load_good(), *again;
    size_t size, size_again;
    uint8_t *data = compiled(m, &size);
    quell_limits limits = quell_default_limits();
    quell_error err;
    assert_int_equal(load(data, size, &limits, &again, &err), QUELL_OK);
    assert_true(m->hash == again->hash);
    uint8_t *data_again = compiled(again, &size_again);
    assert_int_equal(size, size_again);
    assert_memory_equal(data, data_again, size);
    quell_model_free(again);
    /* for other hardware: other addresses, the same hash */
    limits = quell_endless_limits();
    limits.cores = 16;
    assert_int_equal(load(data, size, &limits, &again, &err), QUELL_OK);
    assert_true(m->hash == again->hash);
    assert_true(again->info.weight_words < m->info.weight_words);
    quell_model_free(again);
    quell_model_free(m);
    free(data);
    free(data_again);
}

static void test_compiled_damaged(void **state)
{
    (void)state;
    struct quell_model *m = load_good();
    size_t size;
    uint8_t *data = compiled(m, &size);
    quell_limits limits = quell_default_limits();
    quell_error err;
    uint64_t random = 2;
    for (size_t i = 8; i < size; i += size / 100)
        assert_int_equal(load(data, i, &limits, NULL, &err), QUELL_E_MODEL);
    for (int i = 0; i < 100; i++) { /* the CRC finds every flip */
        size_t at = random_next(&random) % size;
        data[at] ^= 1;
        assert_int_equal(load(data, size, &limits, NULL, &err), QUELL_E_MODEL);
        data[at] ^= 1;
    }
    for (int i = 0; i < 1500; i++) { /* and where it is made right, the checks behind it hold */
        uint8_t *copy = malloc(size);
        memcpy(copy, data, size);
        size_t range = i % 3 ? 24 + 800 : size;
        copy[24 + random_next(&random) % (range - 24)] ^= (uint8_t)(1u << random_next(&random) % 8);
        uint32_t crc = (uint32_t)crc32(0, copy + 24, (uInt)(size - 24));
        memcpy(copy + 12, &crc, 4);
        must_fail_well(load(copy, size, &limits, NULL, &err), &err);
        free(copy);
    }
    free(data);
    quell_model_free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_model),
        cmocka_unit_test(test_addresses_do_not_overlap),
        cmocka_unit_test(test_one_image_buffer_if_two_do_not_fit),
        cmocka_unit_test(test_too_large),
        cmocka_unit_test(test_from_outside),
        cmocka_unit_test(test_empty_and_truncated),
        cmocka_unit_test(test_flipped_bits),
        cmocka_unit_test(test_deep_nesting),
        cmocka_unit_test(test_compiled),
        cmocka_unit_test(test_compiled_damaged),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
