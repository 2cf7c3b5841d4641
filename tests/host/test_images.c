/* SPDX-License-Identifier: Apache-2.0 */
/* Image files, labels and noise profiles that are damaged in every place: never a crash, always a status. */
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

#include <jpeglib.h>

#include <cmocka.h>

#include "image_set.h"
#include "input.h"
#include "labels.h"
#include "npy.h"
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
        struct picture p = {0};
        size_t size = make_png(png, channels);
        assert_int_equal(picture_decode(png, size, &p), PICTURE_GOOD);
        assert_int_equal(p.c, channels);
        for (size_t i = 0; i < SIDE * SIDE * p.c; i++)
            assert_int_equal(p.pixels[i], (uint8_t)i);
        picture_free(&p);
        p = (struct picture){.h = SIDE, .w = SIDE + 1};
        assert_int_equal(picture_decode(png, size, &p), PICTURE_OTHER_SIZE);
        assert_int_equal(p.w, SIDE);
    }
}

/* One bit after the other, every cut, and random damage: an answer, never more; a picture that is refused says why. */
static void damage(const uint8_t *file, size_t size, int rounds)
{
    uint64_t random = 1;
    for (int i = 0; i < rounds; i++) {
        size_t cut = i % 4 ? size : random_next(&random) % size;
        uint8_t *copy = malloc(cut + 1);
        struct picture p = {.c = (uint32_t[]){0, 1, 3, 4}[i / 4 % 4]};
        memcpy(copy, file, cut);
        for (int flips = i % 4; flips && cut; flips--)
            copy[random_next(&random) % cut] ^= (uint8_t)(1u << random_next(&random) % 8);
        enum picture_result result = picture_decode(copy, cut, &p);
        assert_true(result == PICTURE_GOOD || (result == PICTURE_BAD && *p.reason));
        assert_true(i % 4 || result == PICTURE_BAD || cut > size - 14); /* only what follows the last pixel may be missing */
        picture_free(&p);
        free(copy);
    }
}

static void test_png_damaged(void **state)
{
    (void)state;
    uint8_t png[2048];
    damage(png, make_png(png, 3), 2000);
}

/* ---- JPEG ---- */

static size_t make_jpeg(uint8_t **out, int side, int progressive)
{
    struct jpeg_compress_struct c;
    struct jpeg_error_mgr error;
    unsigned long size = 0;
    c.err = jpeg_std_error(&error);
    jpeg_create_compress(&c);
    *out = NULL;
    jpeg_mem_dest(&c, out, &size);
    c.image_width = c.image_height = (JDIMENSION)side;
    c.input_components = 3;
    c.in_color_space = JCS_RGB;
    jpeg_set_defaults(&c);
    if (progressive)
        jpeg_simple_progression(&c);
    jpeg_start_compress(&c, TRUE);
    for (int y = 0; y < side; y++) {
        uint8_t row[3 * 64];
        for (int x = 0; x < 3 * side; x++)
            row[x] = (uint8_t)(x * 5 + y * 9);
        JSAMPROW rows[1] = {row};
        jpeg_write_scanlines(&c, rows, 1);
    }
    jpeg_finish_compress(&c);
    jpeg_destroy_compress(&c);
    return size;
}

static void test_jpeg_damaged(void **state)
{
    (void)state;
    for (int progressive = 0; progressive < 2; progressive++) {
        uint8_t *jpeg;
        size_t size = make_jpeg(&jpeg, 37, progressive);
        struct picture p = {0};
        assert_int_equal(picture_decode(jpeg, size, &p), PICTURE_GOOD);
        assert_int_equal(p.c, 3);
        picture_free(&p);
        damage(jpeg, size, 2000);
        free(jpeg);
    }
}

/* ---- NumPy ---- */

static void test_npy(void **state)
{
    (void)state;
    static const struct {
        const char *header;
        quell_status status;
    } CASES[] = {
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3, 4, 5), }", QUELL_OK},
        {"{\"shape\":(7,),'fortran_order':False,'descr':'|u1'}  \n", QUELL_OK},
        {"{'descr': '|i1', 'fortran_order': False, 'shape': (), }", QUELL_OK},
        {"{'descr': '<f4', 'fortran_order': True, 'shape': (2, 3), }", QUELL_E_IMAGES},
        {"{'descr': '<f8', 'fortran_order': False, 'shape': (2, 3), }", QUELL_E_IMAGES},
        {"{'descr': '>f4', 'fortran_order': False, 'shape': (2, 3), }", QUELL_E_IMAGES},
        {"{'descr': '|O', 'fortran_order': False, 'shape': (2, 3), }", QUELL_E_IMAGES},
        {"{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (2, 3), }", QUELL_E_IMAGES},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (7), }", QUELL_E_IMAGES},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (-7, 2), }", QUELL_E_IMAGES},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), 'shape': (2, 3)}", QUELL_E_IMAGES},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), 'more': 1}", QUELL_E_IMAGES},
        {"{'descr': '<f4', 'fortran_order': False}", QUELL_E_IMAGES},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (4294967296, 4294967296, 4294967296)}", QUELL_E_IMAGES},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999, 1)}", QUELL_E_IMAGES},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (1, 1, 1, 1, 1, 1, 1, 1, 1)}", QUELL_E_IMAGES},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3)} x", QUELL_E_IMAGES},
        {"", QUELL_E_IMAGES}, {"{", QUELL_E_IMAGES}, {"{'descr", QUELL_E_IMAGES}, {"os.system('x')", QUELL_E_IMAGES},
    };
    quell_error err;
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        struct npy npy = {0};
        size_t n = strlen(CASES[i].header);
        char *exact = malloc(n + 1); /* without a zero behind it: the sanitizer sees whoever reads on */
        memcpy(exact, CASES[i].header, n);
        char *tight = realloc(exact, n ? n : 1);
        assert_int_equal(npy_parse(&npy, "x.npy", tight, n, &err), CASES[i].status);
        free(tight);
    }
}

static void test_npy_damaged(void **state)
{
    (void)state;
    static const char HEADER[] = "{'descr': '|u1', 'fortran_order': False, 'shape': (3, 12, 12, 1), }                 \n";
    enum { HEAD = 10 + sizeof HEADER - 1, BYTES = HEAD + 3 * SIDE * SIDE };
    uint8_t data[BYTES] = {0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0, sizeof HEADER - 1, 0};
    char path[64];
    uint64_t random = 6;
    memcpy(data + 10, HEADER, sizeof HEADER - 1);
    temporary(path);
    struct quell_model model = {.info = {.image_h = SIDE, .image_w = SIDE, .image_c = 1, .classes = 10}};
    model.input.meaning.nhwc = 1;
    model.input.type = model.input.code_type = 2;
    model.input.scale = 1;
    model.input.zero = -128;
    for (int i = 0; i < 600; i++) {
        uint8_t copy[BYTES];
        size_t size = i % 3 == 2 ? random_next(&random) % BYTES : BYTES;
        quell_images *images;
        quell_error err = {0};
        memcpy(copy, data, BYTES);
        if (i)
            copy[random_next(&random) % HEAD] ^= (uint8_t)(1u << random_next(&random) % 8);
        write_file(path, copy, size);
        quell_status status = quell_images_open_for(&model, path, NULL, 0, 0, &images, &err);
        assert_true(status == QUELL_OK || (status == QUELL_E_IMAGES && *err.text && !images));
        assert_true(i || status == QUELL_OK);
        if (status == QUELL_OK)
            assert_true(images->info.count == 3 && images->codes);
        quell_images_free(images);
    }
    unlink(path);
}

/* ---- labels ---- */

static void test_labels(void **state)
{
    (void)state;
    static char *names[] = {"cat", "T-shirt/top", "dog"};
    struct quell_model model = {.info = {.classes = 3}, .class_names = names};
    static const struct {
        const char *text;
        int count; /* -1: refused */
        int first;
    } CASES[] = {
        {"3\n1\n\n65534\n", 3, 3}, {"file,label\na.png,dog\nb.png,2\n", 2, 2}, {"\xEF\xBB\xBFx.png , t_shirt_top\r\n", 1, 1}, {"\"a,\"\"b.png\",cat", 1, 0}, {"file,label,author\na.png,2,\"me, you\"\n", 1, 2}, {"label\n7", 1, 7},
        {"65535\n", -1, 0}, {"-1\n", -1, 0}, {"1.5\n", -1, 0}, {"a.png,fish\n", -1, 0}, {"a,1\na,2\n", -1, 0}, {"a,1\n2\n", -1, 0}, {"a,1,2\n", -1, 0}, {"\"a,1\n", -1, 0}, {"\"a\"b,1\n", -1, 0}, {",1\n", -1, 0},
        {"a,\n", -1, 0}, {"", -1, 0}, {"\n\n", -1, 0}, {"99999999999999999999\n", -1, 0}, {"1,\n", -1, 0},
    };
    char path[64];
    quell_error err;
    temporary(path);
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        struct labels labels;
        write_file(path, (const uint8_t *)CASES[i].text, strlen(CASES[i].text));
        quell_status status = labels_read(&labels, path, &model, &err);
        assert_int_equal(status, CASES[i].count < 0 ? QUELL_E_IMAGES : QUELL_OK);
        if (status != QUELL_OK)
            continue;
        assert_int_equal(labels.count, CASES[i].count);
        assert_int_equal(labels.entries[0].label, CASES[i].first);
        labels_free(&labels);
    }
    uint64_t random = 8;
    static const char TEXT[] = "file,label\n\"a,b\".png,1\n./c.png,cat\n\xC3\xA9.png,2\n";
    for (int i = 0; i < 1000; i++) {
        uint8_t copy[sizeof TEXT];
        struct labels labels;
        memcpy(copy, TEXT, sizeof TEXT);
        for (int k = 0; k < 3; k++)
            copy[random_next(&random) % (sizeof TEXT - 1)] ^= (uint8_t)(1u << random_next(&random) % 8);
        write_file(path, copy, i % 2 ? sizeof TEXT - 1 : random_next(&random) % sizeof TEXT);
        if (labels_read(&labels, path, &model, &err) == QUELL_OK)
            labels_free(&labels);
        else
            assert_true(err.status == QUELL_E_IMAGES && *err.text);
    }
    unlink(path);
}

/* ---- what a pixel means ---- */

/* scale, zero (of int8 codes) -> the range that is found, "" for none. */
static void test_input_found(void **state)
{
    (void)state;
    static const struct {
        float scale;
        int zero;
        double wanted_scale, wanted_mean; /* scale 0: not known */
        int doubt;
    } CASES[] = {
        {1 / 255.0f, -128, 1 / 255.0, 0, 0},       {1.0f, -128, 1, 0, 0},          {2 / 255.0f, -1, 1 / 127.5, 1, 0},     {2 / 255.0f, 0, 1 / 127.5, 1, 0}, {1.0f, 0, 1, 128, 0},
        {1 / 127.0f, 0, 1 / 255.0, 0, 1},          {1 / 128.0f, 0, 1 / 255.0, 0, 1}, {255 / 127.0f, 0, 1, 0, 0},          {128 / 127.0f, 0, 1, 128, 0},     {1 / 257.02f, -128, 1 / 255.0, 0, 1},
        {0.005f, -128, 1 / 255.0, 0, 1},           {0.018658448f, -14, 0, 0, 1},   {1.0774f, -13, 0, 0, 1},               {0.0127f, -95, 0, 0, 1},          {1e-6f, 0, 0, 0, 1},
        {0.0118f, 0, 0, 0, 1},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        struct quell_model m = {.info = {.image_c = 3}};
        static const quell_input nothing;
        char text[400];
        quell_input found;
        input_join(&m.input.meaning, &nothing, &nothing);
        m.input.type = 1;
        m.input.scale = CASES[i].scale;
        m.input.zero = CASES[i].zero;
        input_find(&m.input, 3);
        assert_int_equal(input_fill(&m, NULL), QUELL_OK);
        quell_input_source source = quell_model_input(&m, &found, text);
        assert_int_equal(source == QUELL_INPUT_UNKNOWN, CASES[i].wanted_scale == 0);
        if (CASES[i].wanted_scale > 0)
            assert_true(found.scale == CASES[i].wanted_scale && found.mean[0] == CASES[i].wanted_mean);
        assert_int_equal(quell_model_input_doubt(&m, text), CASES[i].doubt);
        assert_int_equal(input_check(&m, NULL), CASES[i].wanted_scale > 0 ? QUELL_OK : QUELL_E_IMAGES);
    }
}

/* pixel / 255 in float32, as NumPy and PyTorch compute it, for all pixels: the scale in double and one rounding give the same. */
static void test_input_values(void **state)
{
    (void)state;
    struct quell_model_input in = {.type = 1, .source = QUELL_INPUT_SAID};
    assert_int_equal(quell_input_say(&in.meaning, "range", "0..1", NULL), QUELL_OK);
    for (int p = 0; p < 256; p++)
        assert_true(input_element(&in, 3, 0, p) == (float)p / 255.0f);
    in.meaning = (quell_input){0};
    assert_int_equal(quell_input_say(&in.meaning, "range", "imagenet", NULL), QUELL_OK);
    assert_int_equal(quell_input_say(&in.meaning, "order", "bgr", NULL), QUELL_OK);
    for (int p = 0; p < 256; p++)
        assert_true(input_element(&in, 3, 2, p) == ((float)p / 255.0f - 0.485f) / 0.229f);
    static const char *const BAD[][2] = {{"range", "1..2"}, {"scale", "x"}, {"scale", "1,2"}, {"scale", "0"}, {"std", "1,0"}, {"mean", "1,2,3,4,5"}, {"mean", "nan"}, {"order", "RGB"}, {"layout", ""}, {"depth", "1"}, {"mean", "1,"}};
    for (size_t i = 0; i < sizeof BAD / sizeof *BAD; i++) {
        quell_input input = {0};
        assert_int_equal(quell_input_say(&input, BAD[i][0], BAD[i][1], NULL), QUELL_E_USAGE);
    }
    quell_input both = {0};
    assert_int_equal(quell_input_say(&both, "range", "0..1", NULL), QUELL_OK);
    assert_int_equal(quell_input_say(&both, "mean", "3", NULL), QUELL_E_USAGE);
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
        cmocka_unit_test(test_png), cmocka_unit_test(test_png_damaged), cmocka_unit_test(test_jpeg_damaged), cmocka_unit_test(test_npy), cmocka_unit_test(test_npy_damaged), cmocka_unit_test(test_labels),
        cmocka_unit_test(test_input_found), cmocka_unit_test(test_input_values), cmocka_unit_test(test_idx_damaged), cmocka_unit_test(test_gzip_damaged), cmocka_unit_test(test_cifar_sizes), cmocka_unit_test(test_profile_damaged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
