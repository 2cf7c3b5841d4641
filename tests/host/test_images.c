/* SPDX-License-Identifier: Apache-2.0 */
/* Image files and noise profiles that are damaged in every place: never a crash, always a status. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <cmocka.h>

#include "images.h"
#include "model.h"
#include "picture.h"

enum { SIDE = 12 };

static uint32_t random_next(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(*state >> 33);
}

static void write_file(const char *path, const uint8_t *data, size_t size)
{
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(data, 1, size, f), size);
    fclose(f);
}

static void temporary(char path[64])
{
    strcpy(path, "/tmp/quell_images_XXXXXX");
    close(mkstemp(path));
}

static void open_must_answer(const char *path)
{
    quell_images *images;
    quell_error err = {0};
    for (int skip = 0; skip < 2; skip++) {
        quell_status status = quell_images_open(path, NULL, 0, skip, &images, &err);
        assert_true(status == QUELL_OK || status == QUELL_E_IMAGES);
        if (status == QUELL_OK)
            assert_true(images != NULL);
        else
            assert_true(*err.text != 0 && images == NULL);
        quell_images_free(images);
    }
}

/* ---- PNG ---- */

static size_t put_chunk(uint8_t *p, const char *type, const uint8_t *data, size_t size)
{
    const uint8_t length[4] = {(uint8_t)(size >> 24), (uint8_t)(size >> 16), (uint8_t)(size >> 8), (uint8_t)size};
    memcpy(p, length, 4);
    memcpy(p + 4, type, 4);
    if (size)
        memcpy(p + 8, data, size);
    uint32_t crc = (uint32_t)crc32(crc32(0, NULL, 0), p + 4, (uInt)size + 4);
    for (int i = 0; i < 4; i++)
        p[8 + size + i] = (uint8_t)(crc >> (24 - 8 * i));
    return size + 12;
}

/* A grey or RGB PNG of SIDE x SIDE pixels 0, 1, 2, ...; -> bytes. */
static size_t make_png(uint8_t *out, int channels)
{
    static const uint8_t MAGIC[8] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n'};
    uint8_t head[13] = {0, 0, 0, SIDE, 0, 0, 0, SIDE, 8, channels == 3 ? 2 : 0, 0, 0, 0}, rows[SIDE * (1 + 3 * SIDE)], packed[1024];
    uLongf packed_size = sizeof packed;
    size_t n = 0, value = 0;
    for (int y = 0; y < SIDE; y++) {
        rows[n++] = 0;
        for (int x = 0; x < SIDE * channels; x++)
            rows[n++] = (uint8_t)value++;
    }
    assert_int_equal(compress(packed, &packed_size, rows, n), Z_OK);
    memcpy(out, MAGIC, 8);
    n = 8;
    n += put_chunk(out + n, "IHDR", head, 13);
    n += put_chunk(out + n, "IDAT", packed, packed_size);
    return n + put_chunk(out + n, "IEND", NULL, 0);
}

static void test_png(void **state)
{
    (void)state;
    for (int channels = 1; channels <= 3; channels += 2) {
        uint8_t png[2048];
        struct picture p;
        size_t size = make_png(png, channels);
        assert_null(picture_decode(png, size, 0, &p));
        assert_int_equal(p.c, channels);
        for (size_t i = 0; i < SIDE * SIDE * p.c; i++)
            assert_int_equal(p.pixels[i], (uint8_t)i);
        picture_free(&p);
    }
}

static void test_png_damaged(void **state)
{
    (void)state;
    uint8_t png[2048];
    size_t size = make_png(png, 3);
    uint64_t random = 1;
    for (int i = 0; i < 2000; i++) {
        size_t cut = i % 4 ? size : random_next(&random) % size;
        uint8_t *copy = malloc(cut + 1);
        struct picture p;
        memcpy(copy, png, cut);
        for (int flips = i % 4; flips && cut; flips--)
            copy[random_next(&random) % cut] ^= (uint8_t)(1u << random_next(&random) % 8);
        if (!picture_decode(copy, cut, 0, &p))
            picture_free(&p);
        free(copy);
    }
}

/* ---- IDX, CIFAR-10 ---- */

static void test_idx_damaged(void **state)
{
    (void)state;
    enum { IMAGES = 5, BYTES = 16 + IMAGES * SIDE * SIDE };
    uint8_t data[BYTES] = {0, 0, 8, 3, 0, 0, 0, IMAGES, 0, 0, 0, SIDE, 0, 0, 0, SIDE};
    char path[64];
    uint64_t random = 3;
    temporary(path);
    write_file(path, data, BYTES);
    quell_images *images;
    assert_int_equal(quell_images_open(path, NULL, 3, 0, &images, NULL), QUELL_OK);
    /* not through the functions that read a set: random_model.c brings its own, and one program cannot have both */
    assert_int_equal(images->info.count, 3);
    assert_int_equal(images->info.labelled, 0);
    assert_int_equal(images->labels[0], -1);
    quell_images_free(images);
    for (int i = 0; i < 300; i++) {
        uint8_t copy[BYTES];
        memcpy(copy, data, BYTES);
        copy[random_next(&random) % 16] ^= (uint8_t)(1u << random_next(&random) % 8);
        write_file(path, copy, i % 3 ? BYTES : random_next(&random) % BYTES);
        open_must_answer(path);
    }
    /* a header that promises four thousand million images */
    memset(data + 4, 0xFF, 4);
    write_file(path, data, BYTES);
    open_must_answer(path);
    unlink(path);
}

static void test_gzip_damaged(void **state)
{
    (void)state;
    enum { IMAGES = 40, BYTES = 16 + IMAGES * SIDE * SIDE };
    static uint8_t data[BYTES] = {0, 0, 8, 3, 0, 0, 0, IMAGES, 0, 0, 0, SIDE, 0, 0, 0, SIDE}, packed[BYTES * 2];
    char path[64];
    uint64_t random = 4;
    for (int i = 16; i < BYTES; i++)
        data[i] = (uint8_t)random_next(&random);
    temporary(path);
    gzFile gz = gzopen(path, "wb");
    assert_int_equal(gzwrite(gz, data, BYTES), BYTES);
    gzclose(gz);
    FILE *f = fopen(path, "rb");
    size_t size = fread(packed, 1, sizeof packed, f);
    fclose(f);
    for (int i = 0; i < 200; i++) {
        size_t at = random_next(&random) % size;
        packed[at] ^= 4;
        write_file(path, packed, i % 2 ? size : at);
        open_must_answer(path);
        packed[at] ^= 4;
    }
    unlink(path);
}

static void test_cifar_sizes(void **state)
{
    (void)state;
    static uint8_t data[3 * 3073 + 1];
    char path[64], file[80];
    strcpy(path, "/tmp/quell_cifar_XXXXXX");
    assert_non_null(mkdtemp(path));
    snprintf(file, sizeof file, "%s/test_batch.bin", path);
    for (size_t size = 0; size < sizeof data; size += 1 + size % 997) {
        write_file(file, data, size);
        open_must_answer(file);
        open_must_answer(path);
    }
    unlink(file);
    rmdir(path);
}

/* ---- profiles ---- */

static void test_profile_damaged(void **state)
{
    (void)state;
    static const char TEXT[] = "{\"name\": \"x\", \"description\": \"y\", \"sources\": {\"adc_bits\": \"z\"}, \"read_additive\": 0.1, \"read_multiplicative\": 0.2, \"column_gain_sigma\": 0, "
                               "\"column_offset_sigma\": 0, \"weight_programming_sigma\": 0, \"stuck_columns\": 0, \"adc_bits\": 8}";
    char path[64];
    uint64_t random = 5;
    quell_profile *profile;
    quell_error err;
    temporary(path);
    write_file(path, (const uint8_t *)TEXT, sizeof TEXT - 1);
    assert_int_equal(quell_profile_load(path, &profile, &err), QUELL_OK);
    assert_string_equal(quell_profile_name(profile), "x");
    assert_int_equal(quell_profile_is_static(profile), 0);
    quell_profile_free(profile);
    for (int i = 0; i < 500; i++) {
        uint8_t copy[sizeof TEXT];
        memcpy(copy, TEXT, sizeof TEXT);
        copy[random_next(&random) % (sizeof TEXT - 1)] ^= (uint8_t)(1u << random_next(&random) % 8);
        write_file(path, copy, i % 2 ? sizeof TEXT - 1 : random_next(&random) % sizeof TEXT);
        quell_status status = quell_profile_load(path, &profile, &err);
        assert_true(status == QUELL_OK || status == QUELL_E_PROFILE);
        if (status == QUELL_OK)
            quell_profile_free(profile);
        else
            assert_true(*err.text != 0 && profile == NULL);
    }
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_png), cmocka_unit_test(test_png_damaged), cmocka_unit_test(test_idx_damaged), cmocka_unit_test(test_gzip_damaged), cmocka_unit_test(test_cifar_sizes), cmocka_unit_test(test_profile_damaged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
