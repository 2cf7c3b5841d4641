/* SPDX-License-Identifier: Apache-2.0 */
/* Noise profiles: strict JSON. Every key must be there and in its range, two parts may, nothing else; docs/profiles.md has the table. */
#include <cjson/cJSON.h>
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "file.h"
#include "model.h"

enum { FILE_MAX = 1 << 20 };

static const struct key {
    const char *name;
    size_t offset;
    double least, most;
    int below; /* `most` itself is not allowed */
} KEYS[] = {
    {"read_additive", offsetof(struct quell_profile, read_additive), 0, 1, 1},
    {"read_multiplicative", offsetof(struct quell_profile, read_multiplicative), 0, 4, 1},
    {"column_gain_sigma", offsetof(struct quell_profile, column_gain_sigma), 0, 4, 0},
    {"column_offset_sigma", offsetof(struct quell_profile, column_offset_sigma), 0, 4, 0},
    {"weight_programming_sigma", offsetof(struct quell_profile, weight_programming_sigma), 0, 4, 0},
    {"stuck_columns", offsetof(struct quell_profile, stuck_columns), 0, 1, 0},
    {"adc_bits", offsetof(struct quell_profile, adc_bits), 1, 8, 0},
};
enum { KEY_COUNT = sizeof KEYS / sizeof *KEYS };

#define BAD(...) quell_fail(err, QUELL_E_PROFILE, __VA_ARGS__)

/* What is wrong where the parser stopped; NaN and Infinity, which some writers put out, get the name of their key. */
static quell_status syntax_error(const char *path, const char *text, const char *stop, quell_error *err)
{
    static const char *const NOT_FINITE[] = {"NaN", "nan", "Infinity", "-Infinity", "inf", "-inf"};
    int line = 1;
    for (const char *p = text; p < stop; p++)
        line += *p == '\n';
    for (size_t i = 0; i < sizeof NOT_FINITE / sizeof *NOT_FINITE; i++) {
        if (strncmp(stop, NOT_FINITE[i], strlen(NOT_FINITE[i])) != 0)
            continue;
        const char *end = stop;
        while (end > text && *end != '"')
            end--;
        const char *start = end;
        while (start > text && start[-1] != '"')
            start--;
        return BAD("%s: key '%.*s' is %s; it must be a finite number", path, (int)(end - start), start, NOT_FINITE[i]);
    }
    return BAD("%s: line %d is not JSON, or the file is truncated", path, line);
}

static quell_status read_number(const char *path, const cJSON *item, const struct key *key, struct quell_profile *profile, quell_error *err)
{
    if (!cJSON_IsNumber(item))
        return BAD("%s: key '%s' must be a number", path, key->name);
    double v = item->valuedouble;
    if (!isfinite(v))
        return BAD("%s: key '%s' is not finite", path, key->name);
    if (v < 0)
        return BAD("%s: key '%s' is %g; it must not be negative", path, key->name, v);
    if (v < key->least || v > key->most || (key->below && v == key->most))
        return BAD("%s: key '%s' is %g, out of range: it must be %g to %s%g", path, key->name, v, key->least, key->below ? "below " : "", key->most);
    if (strcmp(key->name, "adc_bits") != 0) {
        *(double *)(void *)((char *)profile + key->offset) = v;
        return QUELL_OK;
    }
    if (v != nearbyint(v))
        return BAD("%s: key '%s' is %g; it must be a whole number", path, key->name, v);
    profile->adc_bits = (int)v;
    return QUELL_OK;
}

/* ---- parts that a profile may have: objects of numbers ---- */

struct part_key {
    const char *name;
    size_t offset;
    int least_count, count; /* 0: a number; otherwise a list of so many */
    double least, most;
};

#define DRIFT(member) offsetof(struct quell_column_drift, member)
#define DEVICE(member) offsetof(struct quell_conductance, member)
#define YEARS 1e10 /* seconds */

static const struct part_key DRIFT_KEYS[] = {
    {"exponent", DRIFT(exponent), 0, 0, 0, 1},
    {"exponent_sigma", DRIFT(exponent_sigma), 0, 0, 0, 1},
    {"start_s", DRIFT(start_s), 0, 0, 1e-9, YEARS},
    {"age_s", DRIFT(age_s), 0, 0, 1e-9, YEARS},
};

static const struct part_key DEVICE_KEYS[] = {
    {"g_max_us", DEVICE(g_max_us), 0, 0, 1e-6, 1e6},
    {"programming_us", DEVICE(programming_us), 1, QUELL_PROGRAMMING_TERMS, -1e6, 1e6},
    {"drift_exponent", DEVICE(drift_exponent), 4, 4, -1, 1},
    {"drift_exponent_sigma", DEVICE(drift_exponent_sigma), 4, 4, -1, 1},
    {"read", DEVICE(read), 3, 3, 0, 10},
    {"read_s", DEVICE(read_s), 0, 0, 1e-12, YEARS},
    {"start_s", DEVICE(start_s), 0, 0, 1e-9, YEARS},
    {"age_s", DEVICE(age_s), 0, 0, 0, YEARS},
};
enum { DRIFT_COUNT = sizeof DRIFT_KEYS / sizeof *DRIFT_KEYS, DEVICE_COUNT = sizeof DEVICE_KEYS / sizeof *DEVICE_KEYS };

static quell_status read_part_number(const char *path, const char *part, const struct part_key *key, const cJSON *item, double *value, quell_error *err)
{
    if (!cJSON_IsNumber(item) || !isfinite(item->valuedouble))
        return BAD("%s: key '%s' in '%s' must be %s", path, key->name, part, key->count ? "a list of finite numbers" : "a finite number");
    *value = item->valuedouble;
    if (*value < key->least || *value > key->most)
        return BAD("%s: key '%s' in '%s' is %g, out of range: it must be %g to %g", path, key->name, part, *value, key->least, key->most);
    return QUELL_OK;
}

static quell_status read_part_key(const char *path, const char *part, const struct part_key *key, const cJSON *item, void *to, quell_error *err)
{
    double *value = (double *)(void *)((char *)to + key->offset);
    if (!key->count)
        return read_part_number(path, part, key, item, value, err);
    int size = cJSON_GetArraySize(item);
    if (!cJSON_IsArray(item) || size < key->least_count || size > key->count)
        return BAD("%s: key '%s' in '%s' must be a list of %d to %d numbers", path, key->name, part, key->least_count, key->count);
    const cJSON *entry;
    quell_status status = QUELL_OK;
    cJSON_ArrayForEach(entry, item)
        if (status == QUELL_OK)
            status = read_part_number(path, part, key, entry, value++, err);
    return status;
}

static quell_status read_part(const char *path, const cJSON *root, const char *part, const struct part_key *keys, int count, void *to, int *present, quell_error *err)
{
    const cJSON *object = cJSON_GetObjectItemCaseSensitive(root, part), *item;
    if (!object)
        return QUELL_OK;
    if (!cJSON_IsObject(object))
        return BAD("%s: key '%s' must be an object", path, part);
    *present = 1;
    for (int i = 0; i < count; i++) {
        item = cJSON_GetObjectItemCaseSensitive(object, keys[i].name);
        if (!item)
            return BAD("%s: key '%s' in '%s' is missing", path, keys[i].name, part);
        quell_status status = read_part_key(path, part, &keys[i], item, to, err);
        if (status != QUELL_OK)
            return status;
    }
    if (cJSON_GetArraySize(object) == count)
        return QUELL_OK;
    cJSON_ArrayForEach(item, object) {
        int i = 0, first = cJSON_GetObjectItemCaseSensitive(object, item->string) == item;
        while (i < count && strcmp(keys[i].name, item->string) != 0)
            i++;
        if (i == count || !first)
            return BAD("%s: %s key '%.80s' in '%s'", path, first ? "unknown" : "repeated", item->string, part);
    }
    return QUELL_OK;
}

static quell_status read_parts(const char *path, const cJSON *root, struct quell_profile *p, quell_error *err)
{
    quell_status status = read_part(path, root, "column_drift", DRIFT_KEYS, DRIFT_COUNT, &p->column_drift, &p->drifts, err);
    if (status == QUELL_OK)
        status = read_part(path, root, "conductance", DEVICE_KEYS, DEVICE_COUNT, &p->conductance, &p->conducts, err);
    if (status == QUELL_OK && p->conducts && p->conductance.start_s < p->conductance.read_s)
        return BAD("%s: 'start_s' in 'conductance' must not be less than 'read_s'", path);
    return status;
}

/* ---- the profile ---- */

static quell_status read_texts(const char *path, const cJSON *root, struct quell_profile *profile, quell_error *err)
{
    const cJSON *name = cJSON_GetObjectItemCaseSensitive(root, "name"), *sources = cJSON_GetObjectItemCaseSensitive(root, "sources"), *source;
    if (!cJSON_IsString(name) || !*name->valuestring || strlen(name->valuestring) >= sizeof profile->name)
        return BAD("%s: key 'name' must be a text of 1 to %zu bytes", path, sizeof profile->name - 1);
    if (!cJSON_IsString(cJSON_GetObjectItemCaseSensitive(root, "description")))
        return BAD("%s: key 'description' must be a text", path);
    if (!cJSON_IsObject(sources))
        return BAD("%s: key 'sources' must be an object: where each value comes from", path);
    cJSON_ArrayForEach(source, sources)
        if (!cJSON_IsString(source))
            return BAD("%s: key '%s' in 'sources' must be a text", path, source->string);
    snprintf(profile->name, sizeof profile->name, "%s", name->valuestring);
    return QUELL_OK;
}

static int known(const char *name)
{
    static const char *const OTHERS[] = {"name", "description", "sources", "column_drift", "conductance"};
    for (size_t i = 0; i < sizeof OTHERS / sizeof *OTHERS; i++)
        if (strcmp(name, OTHERS[i]) == 0)
            return 1;
    for (int i = 0; i < KEY_COUNT; i++)
        if (strcmp(name, KEYS[i].name) == 0)
            return 1;
    return 0;
}

static quell_status read_profile(const char *path, const cJSON *root, struct quell_profile *profile, quell_error *err)
{
    static const char *const TEXTS[] = {"name", "description", "sources"};
    const cJSON *item, *other;
    if (!cJSON_IsObject(root))
        return BAD("%s: a profile must be a JSON object", path);
    cJSON_ArrayForEach(item, root) {
        if (!known(item->string))
            return BAD("%s: unknown key '%.80s'", path, item->string);
        for (other = root->child; other != item; other = other->next)
            if (strcmp(other->string, item->string) == 0)
                return BAD("%s: key '%s' is there twice", path, item->string);
    }
    for (int i = 0; i < 3; i++)
        if (!cJSON_GetObjectItemCaseSensitive(root, TEXTS[i]))
            return BAD("%s: key '%s' is missing", path, TEXTS[i]);
    for (int i = 0; i < KEY_COUNT; i++) {
        item = cJSON_GetObjectItemCaseSensitive(root, KEYS[i].name);
        if (!item)
            return BAD("%s: key '%s' is missing", path, KEYS[i].name);
        quell_status status = read_number(path, item, &KEYS[i], profile, err);
        if (status != QUELL_OK)
            return status;
    }
    quell_status status = read_parts(path, root, profile, err);
    return status == QUELL_OK ? read_texts(path, root, profile, err) : status;
}

quell_status quell_profile_load(const char *path, quell_profile **profile, quell_error *err)
{
    uint8_t *text;
    size_t size;
    *profile = NULL;
    quell_status status = quell_file_read(path, FILE_MAX, &text, &size, err);
    if (status != QUELL_OK)
        return status;
    const char *stop = (const char *)text;
    cJSON *root = cJSON_ParseWithLengthOpts((const char *)text, size + 1, &stop, 1);
    struct quell_profile *made = calloc(1, sizeof *made);
    if (!made)
        status = quell_fail(err, QUELL_E_MEMORY, "out of memory");
    else if (!root)
        status = syntax_error(path, (const char *)text, stop ? stop : (const char *)text, err);
    else
        status = read_profile(path, root, made, err);
    cJSON_Delete(root);
    free(text);
    if (status != QUELL_OK) {
        free(made);
        return status;
    }
    *profile = made;
    return QUELL_OK;
}

void quell_profile_free(quell_profile *profile) { free(profile); }

const char *quell_profile_name(const quell_profile *profile) { return profile->name; }

int quell_profile_is_static(const quell_profile *p) { return p->column_gain_sigma > 0 || p->column_offset_sigma > 0 || p->weight_programming_sigma > 0 || p->stuck_columns > 0 || p->drifts || p->conducts; }

static void scale_all(double *values, size_t count, double by)
{
    for (size_t i = 0; i < count; i++)
        values[i] *= by;
}

quell_status quell_profile_scale(const quell_profile *profile, double severity, quell_profile **scaled, quell_error *err)
{
    *scaled = NULL;
    if (!(severity >= 0) || !isfinite(severity))
        return quell_fail(err, QUELL_E_USAGE, "the severity is %g; it must be a finite number, not negative", severity);
    struct quell_profile *made = malloc(sizeof *made);
    if (!made)
        return quell_fail(err, QUELL_E_MEMORY, "out of memory");
    *made = *profile;
    for (int i = 0; i < KEY_COUNT; i++) {
        const struct key *key = &KEYS[i];
        if (strcmp(key->name, "adc_bits") == 0)
            continue;
        double *value = (double *)(void *)((char *)made + key->offset);
        *value *= severity;
        if (*value > key->most || (key->below && *value == key->most)) {
            quell_status status = BAD("profile %s: severity %g makes '%s' %g, out of range: it must be at most %g", made->name, severity, key->name, *value, key->most);
            free(made);
            return status;
        }
    }
    /* Bounds of a line scale like the line; a power law keeps its exponent. */
    struct quell_conductance *g = &made->conductance;
    made->column_drift.exponent *= severity;
    made->column_drift.exponent_sigma *= severity;
    scale_all(g->programming_us, QUELL_PROGRAMMING_TERMS, severity);
    scale_all(g->drift_exponent, 4, severity);
    scale_all(g->drift_exponent_sigma, 4, severity);
    g->read[0] *= severity;
    g->read[2] *= severity;
    *scaled = made;
    return QUELL_OK;
}
