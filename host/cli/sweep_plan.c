/* SPDX-License-Identifier: Apache-2.0 */
/* The plan of a sweep from the command line, and the file of its results. */
#include "sweep.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "file.h"

const char *const SWEEP_DENOISERS[3] = {"off", "mean", "sample"};

quell_status sweep_fail(quell_error *err, quell_status status, const char *format, const char *what)
{
    snprintf(err->text, sizeof err->text, format, what);
    return err->status = status;
}

/* ---- lists: "a,b", "1-5,9" ---- */

static quell_status read_numbers(const char *option, const char *text, uint32_t *values, uint32_t *count, quell_error *err)
{
    char *copy = strdup(text), *rest = copy;
    quell_status status = copy ? QUELL_OK : sweep_fail(err, QUELL_E_MEMORY, "out of memory%s", "");
    for (char *piece; status == QUELL_OK && (piece = strsep(&rest, ","));) {
        uint32_t first, last;
        const char *end;
        int good = cli_whole_number(piece, &first, &end);
        last = first;
        if (good && *end == '-')
            good = cli_whole_number(end + 1, &last, &end);
        if (!good || *end || last < first)
            status = sweep_fail(err, QUELL_E_USAGE, "--%s wants numbers and ranges, such as 1,2,5-9", option);
        else if (last - first >= SWEEP_MOST - *count)
            status = sweep_fail(err, QUELL_E_USAGE, "--%s: more than 4095 numbers", option);
        else
            for (uint32_t v = first; v - first <= last - first; v++)
                values[(*count)++] = v;
    }
    free(copy);
    return status;
}

static quell_status read_severities(const char *text, struct sweep_axes *a, quell_error *err)
{
    const char *at = text;
    for (;; at++) {
        char *end;
        double v = strtod(at, &end);
        if (end == at || !isfinite(v) || v < 0 || (*end && *end != ',') || a->severity_count == SWEEP_MOST)
            return sweep_fail(err, QUELL_E_USAGE, "--severities: '%.80s' is not a list of numbers from 0 on", text);
        a->severities[a->severity_count++] = v;
        if (!*(at = end))
            return QUELL_OK;
    }
}

static quell_status read_denoisers(const char *text, struct sweep_axes *a, quell_error *err)
{
    char copy[64], *rest = copy;
    snprintf(copy, sizeof copy, "%s", text);
    for (char *piece; (piece = strsep(&rest, ","));) {
        int mode = 0;
        while (mode < 3 && strcmp(piece, SWEEP_DENOISERS[mode]) != 0)
            mode++;
        if (mode == 3 || a->denoiser_count == 3)
            return sweep_fail(err, QUELL_E_USAGE, "--denoisers: '%.60s' is not a list of off, mean, sample", text);
        a->denoisers[a->denoiser_count++] = (quell_denoiser)mode;
    }
    return QUELL_OK;
}

quell_status sweep_read_axes(const struct cli_options *o, struct sweep_axes *a, quell_error *err)
{
    quell_status status;
    char *rest = strdup(o->profiles);
    if (!rest)
        return sweep_fail(err, QUELL_E_MEMORY, "out of memory%s", "");
    for (char *piece; (piece = strsep(&rest, ",")) && a->profile_count < SWEEP_MOST;)
        a->profiles[a->profile_count++] = piece;
    if (o->corrected_only && !o->calibrate)
        return sweep_fail(err, QUELL_E_USAGE, "--corrected-only wants --calibrate%s", "");
    a->correction_first = o->corrected_only ? 1 : 0;
    a->correction_count = o->calibrate && !o->corrected_only ? 2 : 1;
    if ((status = read_severities(o->severities, a, err)) != QUELL_OK || (status = read_numbers("chips", o->chips, a->chips, &a->chip_count, err)) != QUELL_OK
        || (status = read_numbers("noise-seeds", o->noise_seeds, a->seeds, &a->seed_count, err)) != QUELL_OK)
        return status;
    return read_denoisers(o->denoisers, a, err);
}

quell_status sweep_read_slice(struct sweep *w, quell_error *err)
{
    const char *text = w->o->slice, *end;
    w->slices = 1;
    if (!text)
        return QUELL_OK;
    if (cli_whole_number(text, &w->slice, &end) && *end == '/' && cli_whole_number(end + 1, &w->slices, &end) && !*end && w->slice < w->slices)
        return QUELL_OK;
    return sweep_fail(err, QUELL_E_USAGE, "--slice: '%.40s' is not K/N with K from 0 to N - 1", text);
}

/* ---- the file ---- */

/* CRC-32 of a file's bytes; of a folder: 0. */
static uint32_t file_crc(const char *path)
{
    struct stat info;
    uint8_t block[65536];
    uLong crc = crc32(0, NULL, 0);
    FILE *file = stat(path, &info) == 0 && S_ISREG(info.st_mode) ? fopen(path, "rb") : NULL;
    if (!file)
        return 0;
    for (size_t n; (n = fread(block, 1, sizeof block, file)) > 0;)
        crc = crc32(crc, block, (uInt)n);
    fclose(file);
    return (uint32_t)crc;
}

static void add_input(cJSON *to, const char *name, const char *path)
{
    cJSON *j = cJSON_AddObjectToObject(to, name);
    cJSON_AddStringToObject(j, "path", path);
    cJSON_AddNumberToObject(j, "crc32", file_crc(path));
}

cJSON *sweep_settings(const struct sweep *w)
{
    const struct sweep_axes *a = &w->axes;
    cJSON *j = cJSON_CreateObject(), *list;
    cJSON_AddStringToObject(j, "version", quell_version());
    cJSON_AddStringToObject(j, "device", w->o->device);
    add_input(j, "model", w->o->model);
    add_input(j, "images", w->o->images);
    quell_input input;
    char words[320];
    quell_model_input(w->s.model, &input, words);
    cJSON_AddStringToObject(j, "input", words);
    cJSON_AddNumberToObject(j, "image_count", w->s.images_info.count);
    if (w->o->calibrate)
        add_input(j, "calibrate", w->o->calibrate);
    if (w->o->corrected_only)
        cJSON_AddTrueToObject(j, "corrected_only");
    list = cJSON_AddArrayToObject(j, "profiles");
    for (uint32_t i = 0; i < a->profile_count; i++) {
        cJSON *profile = cJSON_CreateObject();
        add_input(profile, "file", a->profiles[i]);
        cJSON_AddItemToArray(list, profile);
    }
    list = cJSON_AddArrayToObject(j, "severities");
    for (uint32_t i = 0; i < a->severity_count; i++)
        cJSON_AddItemToArray(list, cJSON_CreateNumber(a->severities[i]));
    list = cJSON_AddArrayToObject(j, "chips");
    for (uint32_t i = 0; i < a->chip_count; i++)
        cJSON_AddItemToArray(list, cJSON_CreateNumber(a->chips[i]));
    list = cJSON_AddArrayToObject(j, "noise_seeds");
    for (uint32_t i = 0; i < a->seed_count; i++)
        cJSON_AddItemToArray(list, cJSON_CreateNumber(a->seeds[i]));
    list = cJSON_AddArrayToObject(j, "denoisers");
    for (uint32_t i = 0; i < a->denoiser_count; i++)
        cJSON_AddItemToArray(list, cJSON_CreateString(SWEEP_DENOISERS[a->denoisers[i]]));
    return j;
}

quell_status sweep_save(struct sweep *w, quell_error *err)
{
    cJSON *j = cJSON_CreateObject(), *done = cJSON_AddArrayToObject(j, "cells");
    cJSON_AddItemReferenceToObject(j, "settings", w->settings);
    uint32_t count = 0;
    for (uint32_t i = 0; i < w->cell_count; i++)
        if (w->cells[i]) {
            cJSON_AddItemReferenceToArray(done, w->cells[i]);
            count++;
        }
    cJSON_AddBoolToObject(j, "complete", count == w->cell_count);
    quell_status status = cli_write_json(w->o->json, j, err);
    cJSON_Delete(j);
    w->saved = cli_seconds();
    return status;
}

quell_status sweep_resume(struct sweep *w, quell_error *err)
{
    static const char OTHER[] = "%.300s is not a result of this sweep (other settings or inputs); move it away or choose another --json";
    enum { MAX_FILE = 1 << 28 };
    uint8_t *text;
    size_t size;
    if (access(w->o->json, F_OK) != 0)
        return QUELL_OK;
    quell_status status = quell_file_read(w->o->json, MAX_FILE, &text, &size, err);
    if (status != QUELL_OK)
        return status;
    cJSON *old = cJSON_ParseWithLength((const char *)text, size), *cells = cJSON_GetObjectItemCaseSensitive(old, "cells");
    if (!cJSON_Compare(cJSON_GetObjectItemCaseSensitive(old, "settings"), w->settings, 1) || !cJSON_IsArray(cells))
        status = sweep_fail(err, QUELL_E_USAGE, OTHER, w->o->json);
    for (const cJSON *cell = status == QUELL_OK ? cells->child : NULL; cell; cell = cell->next) {
        const cJSON *number = cJSON_GetObjectItemCaseSensitive(cell, "cell");
        if (!cJSON_IsNumber(number) || number->valuedouble < 0 || number->valuedouble >= w->cell_count)
            status = sweep_fail(err, QUELL_E_USAGE, OTHER, w->o->json);
        else if (!w->cells[number->valueint])
            w->cells[number->valueint] = cJSON_Duplicate(cell, 1);
    }
    cJSON_Delete(old);
    free(text);
    return status;
}
