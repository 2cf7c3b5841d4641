/* SPDX-License-Identifier: Apache-2.0 */
/* Calibrations in memory and as JSON files. A file that is not exactly as docs/calibration.md says is refused. */
#include "calibration.h"
#include "file.h"

#include <cjson/cJSON.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define FORMAT "quell-calibration"
#define FORMAT_VERSION 1
#define MOST_BYTES (64u << 20)
#define MOST_LAYERS 256
#define MOST_CHANNELS 32760

/* ---- In memory ----------------------------------------------------------------------------------------------------------------------- */

static int add_layer(struct quell_calibration *c, uint32_t layer, uint32_t channels)
{
    c->channels[layer] = channels;
    c->a[layer] = malloc(channels * sizeof **c->a);
    c->b[layer] = calloc(channels, sizeof **c->b);
    for (uint32_t i = 0; c->a[layer] && i < channels; i++)
        c->a[layer][i] = 0x4000;
    return c->a[layer] && c->b[layer];
}

struct quell_calibration *qc_new(uint32_t layers, const uint32_t *channels)
{
    struct quell_calibration *c = calloc(1, sizeof *c);
    if (!c)
        return NULL;
    c->layer_count = layers;
    c->channels = calloc(layers, sizeof *c->channels);
    c->a = calloc(layers, sizeof *c->a);
    c->b = calloc(layers, sizeof *c->b);
    int good = c->channels && c->a && c->b;
    for (uint32_t i = 0; good && i < layers; i++)
        good = add_layer(c, i, channels[i]);
    if (good)
        return c;
    quell_calibration_free(c);
    return NULL;
}

void quell_calibration_free(quell_calibration *calibration)
{
    if (!calibration)
        return;
    for (uint32_t i = 0; i < calibration->layer_count; i++) {
        if (calibration->a)
            free(calibration->a[i]);
        if (calibration->b)
            free(calibration->b[i]);
    }
    free(calibration->channels);
    free(calibration->a);
    free(calibration->b);
    free(calibration);
}

/* ---- Writing --------------------------------------------------------------------------------------------------------------------------- */

quell_status quell_calibration_save(const quell_calibration *c, const char *path, quell_error *err)
{
    struct quell_file_out out;
    quell_status status = quell_file_create(&out, path, err);
    if (status != QUELL_OK)
        return status;
    fprintf(out.stream, "{\n  \"format\": \"%s\",\n  \"version\": %d,\n  \"model\": \"%016" PRIx64 "\",\n  \"chip\": %" PRIu32 ",\n  \"layers\": [", FORMAT, FORMAT_VERSION, c->model_hash, c->chip);
    for (uint32_t i = 0; i < c->layer_count; i++) {
        fprintf(out.stream, "%s\n    {\"a\": [", i ? "," : "");
        for (uint32_t k = 0; k < c->channels[i]; k++)
            fprintf(out.stream, "%s%" PRIu32, k ? ", " : "", c->a[i][k]);
        fprintf(out.stream, "],\n     \"b\": [");
        for (uint32_t k = 0; k < c->channels[i]; k++)
            fprintf(out.stream, "%s%" PRId32, k ? ", " : "", c->b[i][k]);
        fprintf(out.stream, "]}");
    }
    fprintf(out.stream, "\n  ]\n}\n");
    return quell_file_commit(&out, err);
}

/* ---- Reading ---------------------------------------------------------------------------------------------------------------------------- */

/* What is read, for messages. */
struct reader {
    const char *path;
    quell_error *err;
};

#define REFUSE(reader, ...) quell_fail((reader)->err, QUELL_E_CALIBRATION, __VA_ARGS__)

/* The object has exactly these keys, each once. */
static quell_status check_keys(const struct reader *r, const cJSON *object, const char *what, const char *const *keys, int count)
{
    if (!cJSON_IsObject(object))
        return REFUSE(r, "%s: %s is not an object", r->path, what);
    for (int i = 0; i < count; i++)
        if (!cJSON_GetObjectItemCaseSensitive(object, keys[i]))
            return REFUSE(r, "%s: %s has no key \"%s\"", r->path, what, keys[i]);
    const cJSON *item;
    cJSON_ArrayForEach(item, object)
    {
        int known = 0;
        for (int i = 0; i < count; i++)
            known |= strcmp(item->string, keys[i]) == 0;
        if (!known)
            return REFUSE(r, "%s: %s has an unknown key \"%.60s\"", r->path, what, item->string);
    }
    return cJSON_GetArraySize(object) == count ? QUELL_OK : REFUSE(r, "%s: %s has a key twice", r->path, what);
}

static quell_status read_integer(const struct reader *r, const cJSON *item, const char *what, int64_t low, int64_t high, int64_t *value)
{
    if (!cJSON_IsNumber(item) || !(item->valuedouble >= (double)low && item->valuedouble <= (double)high) || item->valuedouble != (double)(int64_t)item->valuedouble)
        return REFUSE(r, "%s: %s must be an integer from %lld to %lld", r->path, what, (long long)low, (long long)high);
    *value = (int64_t)item->valuedouble;
    return QUELL_OK;
}

static quell_status read_hash(const struct reader *r, const cJSON *item, uint64_t *hash)
{
    const char *text = cJSON_GetStringValue(item);
    if (!text || strlen(text) != 16 || strspn(text, "0123456789abcdef") != 16)
        return REFUSE(r, "%s: \"model\" must be 16 hexadecimal digits", r->path);
    *hash = strtoull(text, NULL, 16);
    return QUELL_OK;
}

/* One array of a layer: its length is `channels`. */
static quell_status read_array(const struct reader *r, const cJSON *array, const char *name, uint32_t layer, uint32_t channels, int64_t low, int64_t high, int32_t *values)
{
    char what[80];
    snprintf(what, sizeof what, "\"%s\" of layer %u", name, layer);
    if (!cJSON_IsArray(array) || (uint32_t)cJSON_GetArraySize(array) != channels)
        return REFUSE(r, "%s: %s must be an array of %u numbers, as long as \"a\"", r->path, what, channels);
    const cJSON *item;
    cJSON_ArrayForEach(item, array)
    {
        int64_t value = 0;
        quell_status status = read_integer(r, item, what, low, high, &value);
        if (status != QUELL_OK)
            return status;
        *values++ = (int32_t)value;
    }
    return QUELL_OK;
}

static quell_status read_layer(const struct reader *r, const cJSON *object, uint32_t layer, struct quell_calibration *c)
{
    uint32_t channels = c->channels[layer];
    quell_status status = read_array(r, cJSON_GetObjectItemCaseSensitive(object, "a"), "a", layer, channels, 0, 65535, (int32_t *)c->a[layer]);
    if (status == QUELL_OK)
        status = read_array(r, cJSON_GetObjectItemCaseSensitive(object, "b"), "b", layer, channels, -32768, 32767, c->b[layer]);
    return status;
}

/* Shape of the layers: how many channels each has. */
static quell_status read_shape(const struct reader *r, const cJSON *layers, uint32_t channels[MOST_LAYERS], uint32_t *count)
{
    static const char *const keys[] = {"a", "b"};
    int size = cJSON_IsArray(layers) ? cJSON_GetArraySize(layers) : 0;
    if (size < 1 || size > MOST_LAYERS)
        return REFUSE(r, "%s: \"layers\" must be an array of 1 to %d layers", r->path, MOST_LAYERS);
    *count = 0;
    const cJSON *layer;
    cJSON_ArrayForEach(layer, layers)
    {
        char what[32];
        snprintf(what, sizeof what, "layer %u", *count);
        quell_status status = check_keys(r, layer, what, keys, 2);
        if (status != QUELL_OK)
            return status;
        int n = cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(layer, "a"));
        if (n < 8 || n > MOST_CHANNELS || n % 8)
            return REFUSE(r, "%s: layer %u has %d channels; a multiple of 8 up to %d is possible", r->path, *count, n, MOST_CHANNELS);
        channels[(*count)++] = (uint32_t)n;
    }
    return QUELL_OK;
}

static quell_status read_json(const struct reader *r, const cJSON *root, struct quell_calibration **calibration)
{
    static const char *const keys[] = {"format", "version", "model", "chip", "layers"};
    quell_status status = check_keys(r, root, "the file", keys, 5);
    if (status != QUELL_OK)
        return status;
    const char *format = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(root, "format"));
    if (!format || strcmp(format, FORMAT) != 0)
        return REFUSE(r, "%s: \"format\" is not \"%s\": not a calibration file", r->path, FORMAT);
    const cJSON *layers = cJSON_GetObjectItemCaseSensitive(root, "layers");
    uint32_t channels[MOST_LAYERS] = {0}, count = 0;
    int64_t version = 0, chip = 0;
    uint64_t hash = 0;
    if ((status = read_integer(r, cJSON_GetObjectItemCaseSensitive(root, "version"), "\"version\"", FORMAT_VERSION, FORMAT_VERSION, &version)) != QUELL_OK ||
        (status = read_hash(r, cJSON_GetObjectItemCaseSensitive(root, "model"), &hash)) != QUELL_OK ||
        (status = read_integer(r, cJSON_GetObjectItemCaseSensitive(root, "chip"), "\"chip\"", 0, UINT32_MAX, &chip)) != QUELL_OK || (status = read_shape(r, layers, channels, &count)) != QUELL_OK)
        return status;
    struct quell_calibration *c = qc_new(count, channels);
    if (!c)
        return quell_fail(r->err, QUELL_E_MEMORY, "out of memory for a calibration");
    c->model_hash = hash;
    c->chip = (uint32_t)chip;
    const cJSON *layer;
    uint32_t i = 0;
    cJSON_ArrayForEach(layer, layers)
    {
        if (status == QUELL_OK)
            status = read_layer(r, layer, i++, c);
    }
    if (status == QUELL_OK)
        *calibration = c;
    else
        quell_calibration_free(c);
    return status;
}

quell_status quell_calibration_load(const char *path, quell_calibration **calibration, quell_error *err)
{
    struct reader reader = {path, err};
    uint8_t *text;
    size_t size;
    *calibration = NULL;
    quell_status status = quell_file_read(path, MOST_BYTES, &text, &size, err);
    if (status != QUELL_OK)
        return status;
    const char *end = NULL;
    cJSON *root = strlen((char *)text) == size ? cJSON_ParseWithOpts((char *)text, &end, 1) : NULL;
    if (root)
        status = read_json(&reader, root, calibration);
    else
        status = quell_fail(err, QUELL_E_CALIBRATION, "%s: not JSON (stopped at byte %zu of %zu)", path, end ? (size_t)(end - (char *)text) : strlen((char *)text), size);
    cJSON_Delete(root);
    free(text);
    return status;
}
