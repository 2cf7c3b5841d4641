/* SPDX-License-Identifier: Apache-2.0 */
/*
 * quell sweep: the accuracy of one network on many chips. A cell is one run over all images: profile x severity x chip x corrected or not x noise seed x
 * denoiser. Behind a link, cells that differ in nothing but the noise seed run together, so that each image is sent once. Cells are numbered in this order, whatever slice of them runs, and the file holds them by their numbers; what it holds already is not run again.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "sweep.h"

enum { CALIBRATION_IMAGES = 100, SAVE_SECONDS = 5, TOGETHER_MOST = 16 };

/* ---- the cells ---- */

static int step(void *context, uint32_t done)
{
    struct sweep *w = context;
    return cli_progress_step(&w->progress, w->images_before + done);
}

/* Places of a cell on the axes after profile, severity and chip. */
struct place {
    uint32_t correction, seed, denoiser;
};

static struct place place_of(const struct sweep_axes *a, uint32_t within)
{
    return (struct place){a->correction_first + within / (a->seed_count * a->denoiser_count), within / a->denoiser_count % a->seed_count, within % a->denoiser_count};
}

static uint32_t cells_a_chip(const struct sweep_axes *a) { return a->correction_count * a->seed_count * a->denoiser_count; }

/* Logits of image i with the k-th of so many seeds that ran together. */
static const int8_t *logits_of(const struct sweep *w, uint32_t i, uint32_t k, uint32_t together) { return w->logits + ((size_t)i * together + k) * w->s.info.classes; }

static uint32_t count_correct(const struct sweep *w, uint32_t k, uint32_t together)
{
    uint32_t correct = 0;
    for (uint32_t i = 0; i < w->s.images_info.count; i++)
        correct += quell_images_label(w->s.images, i) == (int)cli_answer(logits_of(w, i, k, together), w->s.info.classes);
    return correct;
}

/* From this cell on, how many whose seeds follow each other and that are still to run. */
static uint32_t cells_together(const struct sweep *w, uint32_t number)
{
    const struct sweep_axes *a = &w->axes;
    uint32_t first = place_of(a, number % cells_a_chip(a)).seed, n = 1;
    while (n < w->together && first + n < a->seed_count && a->seeds[first + n] == a->seeds[first] + n && !w->cells[number + n * a->denoiser_count])
        n++;
    return n;
}

static void keep_cell(struct sweep *w, uint32_t number, const quell_profile *profile, uint32_t group, uint32_t k, uint32_t together)
{
    const struct sweep_axes *a = &w->axes;
    const struct place at = place_of(a, number % cells_a_chip(a));
    const uint32_t count = w->s.images_info.count, correct = count_correct(w, k, together);
    uLong crc = crc32(0, NULL, 0);
    for (uint32_t i = 0; i < count; i++)
        crc = crc32(crc, (const uint8_t *)logits_of(w, i, k, together), w->s.info.classes);
    cJSON *j = w->cells[number] = cJSON_CreateObject();
    cJSON_AddNumberToObject(j, "cell", number);
    cJSON_AddStringToObject(j, "profile", quell_profile_name(profile));
    cJSON_AddNumberToObject(j, "severity", a->severities[group / a->chip_count % a->severity_count]);
    cJSON_AddNumberToObject(j, "chip", a->chips[group % a->chip_count]);
    cJSON_AddBoolToObject(j, "corrected", at.correction);
    cJSON_AddNumberToObject(j, "noise_seed", a->seeds[at.seed]);
    cJSON_AddStringToObject(j, "denoiser", SWEEP_DENOISERS[a->denoisers[at.denoiser]]);
    cJSON_AddNumberToObject(j, "images", count);
    cJSON_AddNumberToObject(j, "correct", correct);
    cJSON_AddNumberToObject(j, "accuracy", (double)correct / count);
    cJSON_AddNumberToObject(j, "logits_crc32", (double)crc);
}

static quell_status run_cells(struct sweep *w, uint32_t number, const quell_profile *profile, uint32_t group, const quell_calibration *calibration, quell_error *err)
{
    const struct sweep_axes *a = &w->axes;
    const struct place at = place_of(a, number % cells_a_chip(a));
    const uint32_t chip = a->chips[group % a->chip_count], count = w->s.images_info.count, together = cells_together(w, number);
    quell_program *program = NULL;
    quell_status status = quell_program_make(w->s.model, profile, chip, at.correction ? calibration : NULL, a->denoisers[at.denoiser], &program, err);
    if (status == QUELL_OK)
        status = quell_device_load(w->s.device, program, err);
    if (status == QUELL_OK)
        status = quell_device_run_seeds(w->s.device, w->s.images, 0, count, a->seeds[at.seed], together, 0, w->logits, NULL, step, w, err);
    if (status == QUELL_OK) {
        for (uint32_t k = 0; k < together; k++)
            keep_cell(w, number + k * a->denoiser_count, profile, group, k, together);
        w->images_before += count * together;
    }
    quell_program_free(program); /* the next one is loaded before the device runs again */
    return status;
}

/* All cells of one chip; its correction is measured once, with noise seed 0, and only if a cell needs it. */
static quell_status run_chip(struct sweep *w, uint32_t group, const quell_profile *profile, quell_error *err)
{
    const struct sweep_axes *a = &w->axes;
    const uint32_t per = cells_a_chip(a);
    quell_calibration *calibration = NULL;
    quell_status status = QUELL_OK;
    for (uint32_t number = group * per; status == QUELL_OK && number < (group + 1) * per; number++) {
        if (w->cells[number])
            continue;
        if (place_of(a, number % per).correction && !calibration) {
            uint32_t count = w->calibration_count < CALIBRATION_IMAGES ? w->calibration_count : CALIBRATION_IMAGES;
            status = quell_calibrate(w->s.device, w->s.model, profile, a->chips[group % a->chip_count], w->calibration_images, 0, count, 0, &calibration, NULL, NULL, err);
        }
        if (status == QUELL_OK)
            status = run_cells(w, number, profile, group, calibration, err);
        if (status == QUELL_OK && cli_seconds() - w->saved > SAVE_SECONDS)
            status = sweep_save(w, err);
    }
    quell_calibration_free(calibration);
    return status;
}

static int group_has_work(const struct sweep *w, uint32_t group)
{
    const uint32_t per = cells_a_chip(&w->axes);
    for (uint32_t i = 0; i < per; i++)
        if (!w->cells[group * per + i])
            return group % w->slices == w->slice;
    return 0;
}

static quell_status load_profile(const struct sweep_axes *a, uint32_t group, quell_profile **profile, quell_error *err)
{
    const uint32_t pair = group / a->chip_count;
    return cli_load_profile(a->profiles[pair / a->severity_count], a->severities[pair % a->severity_count], profile, err);
}

static quell_status run_all(struct sweep *w, quell_error *err)
{
    const struct sweep_axes *a = &w->axes;
    const uint32_t groups = a->profile_count * a->severity_count * a->chip_count, per = cells_a_chip(a);
    uint64_t images = 0;
    for (uint32_t g = 0; g < groups; g++)
        for (uint32_t i = 0; i < per && g % w->slices == w->slice; i++)
            images += w->cells[g * per + i] ? 0 : w->s.images_info.count;
    cli_progress_start(&w->progress, "sweep", images < UINT32_MAX ? (uint32_t)images : UINT32_MAX, w->o->progress);
    w->saved = cli_seconds();
    quell_status status = QUELL_OK;
    for (uint32_t g = 0; status == QUELL_OK && g < groups; g++) {
        quell_profile *profile = NULL;
        if (!group_has_work(w, g))
            continue;
        status = load_profile(a, g, &profile, err);
        if (status == QUELL_OK)
            status = run_chip(w, g, profile, err);
        quell_profile_free(profile);
    }
    cli_progress_end(&w->progress);
    return status;
}

/* ---- the table: mean and standard deviation over chips and seeds ---- */

static void print_line(const struct sweep *w, uint32_t pair, uint32_t correction, uint32_t denoiser)
{
    const struct sweep_axes *a = &w->axes;
    const uint32_t per = cells_a_chip(a);
    double sum = 0, squares = 0;
    const cJSON *any = NULL;
    uint32_t n = 0;
    for (uint32_t c = 0; c < a->chip_count; c++)
        for (uint32_t s = 0; s < a->seed_count; s++) {
            const cJSON *cell = w->cells[(pair * a->chip_count + c) * per + ((correction - a->correction_first) * a->seed_count + s) * a->denoiser_count + denoiser];
            if (!cell)
                continue;
            double accuracy = cJSON_GetObjectItemCaseSensitive(cell, "accuracy")->valuedouble;
            any = cell;
            sum += accuracy;
            squares += accuracy * accuracy;
            n++;
        }
    if (!n)
        return;
    double mean = sum / n, variance = n > 1 ? (squares - sum * mean) / (n - 1) : 0;
    printf("%-20s %8g  %-9s  %-8s %6.2f %% +- %5.2f  (%u)\n", cli_text(cJSON_GetObjectItemCaseSensitive(any, "profile")->valuestring), a->severities[pair % a->severity_count],
           correction ? "corrected" : "as it is", SWEEP_DENOISERS[a->denoisers[denoiser]], 100 * mean, 100 * sqrt(variance > 0 ? variance : 0), n);
}

static void print_table(const struct sweep *w)
{
    const struct sweep_axes *a = &w->axes;
    printf("%-20s %8s  %-9s  %-8s accuracy, mean and standard deviation over chips and seeds (how many)\n", "profile", "severity", "chip", "denoiser");
    for (uint32_t pair = 0; pair < a->profile_count * a->severity_count; pair++)
        for (uint32_t correction = a->correction_first; correction < a->correction_first + a->correction_count; correction++)
            for (uint32_t d = 0; d < a->denoiser_count; d++)
                print_line(w, pair, correction, d);
}

/* ---- the command ---- */

/* Everything is checked before anything runs: all profiles too. */
static quell_status prepare(struct sweep *w, quell_error *err)
{
    struct sweep_axes *a = &w->axes;
    quell_images_info info;
    quell_status status;
    if (strcmp(w->o->json, "-") == 0)
        return cli_set_error(err, QUELL_E_USAGE, "quell sweep goes on where it was stopped: --json wants a file");
    if ((status = sweep_read_axes(w->o, a, err)) != QUELL_OK || (status = sweep_read_slice(w, err)) != QUELL_OK || (status = cli_open(w->o, 0, &w->s, err)) != QUELL_OK)
        return status;
    if (!w->s.images_info.labelled)
        return sweep_fail(err, QUELL_E_USAGE, "the images have no labels: add --labels%s", "");
    for (uint32_t g = 0; g < a->profile_count * a->severity_count * a->chip_count; g += a->chip_count) {
        quell_profile *profile;
        quell_program *program = NULL;
        if ((status = load_profile(a, g, &profile, err)) != QUELL_OK)
            return status;
        status = quell_program_make(w->s.model, profile, a->chips[0], NULL, QUELL_DENOISER_OFF, &program, err);
        quell_program_free(program);
        quell_profile_free(profile);
        if (status != QUELL_OK)
            return status;
    }
    for (uint32_t d = 0; d < a->denoiser_count; d++)
        if (a->denoisers[d] != QUELL_DENOISER_OFF && !w->s.info.denoisers)
            return cli_set_error(err, QUELL_E_USAGE, "--denoisers %s: %.300s has no denoising block", SWEEP_DENOISERS[a->denoisers[d]], cli_text(w->o->model));
    if (w->o->calibrate) {
        if ((status = quell_images_open_for(w->s.model, w->o->calibrate, NULL, CALIBRATION_IMAGES, w->o->skip_bad, &w->calibration_images, err)) != QUELL_OK)
            return status;
        quell_images_get_info(w->calibration_images, &info);
        w->calibration_count = info.count;
    }
    uint64_t count = (uint64_t)a->profile_count * a->severity_count * a->chip_count * cells_a_chip(a);
    if (count > 1000000)
        return sweep_fail(err, QUELL_E_USAGE, "the sweep has more than a million cells%s", "");
    w->cell_count = (uint32_t)count;
    w->cells = calloc(w->cell_count, sizeof(cJSON *));
    w->together = strcmp(quell_device_name(w->s.device), "ref") == 0 ? 1 : TOGETHER_MOST; /* of `ref` every cell is kept as soon as it is done */
    w->logits = malloc((size_t)w->s.images_info.count * w->together * w->s.info.classes);
    if (!w->cells || !w->logits)
        return sweep_fail(err, QUELL_E_MEMORY, "out of memory%s", "");
    w->settings = sweep_settings(w);
    return sweep_resume(w, err);
}

int cmd_sweep(const struct cli_options *o)
{
    quell_error err, file_error;
    struct sweep *w = calloc(1, sizeof *w);
    if (!w)
        return cli_error(QUELL_E_MEMORY, "out of memory");
    w->o = o;
    cli_catch_interrupts();
    quell_status status = prepare(w, &err);
    if (status == QUELL_OK) {
        status = run_all(w, &err);
        quell_status saved = sweep_save(w, &file_error);
        if (saved != QUELL_OK && status != QUELL_OK)
            cli_fail(&file_error);
        else if (saved != QUELL_OK) {
            status = saved;
            err = file_error;
        }
        if (status == QUELL_E_INTERRUPTED)
            sweep_fail(&err, status, "interrupted; %.300s holds what is done, and the same command goes on", o->json);
        print_table(w);
    }
    for (uint32_t i = 0; w->cells && i < w->cell_count; i++)
        cJSON_Delete(w->cells[i]);
    cJSON_Delete(w->settings);
    cli_close(&w->s);
    quell_images_free(w->calibration_images);
    free(w->axes.profiles[0]);
    free(w->cells);
    free(w->logits);
    free(w);
    return status == QUELL_OK ? 0 : cli_fail(&err);
}
