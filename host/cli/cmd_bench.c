/* SPDX-License-Identifier: Apache-2.0 */
/* quell bench: images per second of a device: clean; with noise; with noise and denoiser. Writes flat JSON: DEVICE_images_per_s_MODE and so on. */
#include <stdlib.h>
#include <string.h>

#include "cli.h"

struct mode {
    const char *name;
    int noise;
    quell_denoiser denoiser;
};

static const struct mode MODES[] = {{"clean", 0, QUELL_DENOISER_OFF}, {"noise", 1, QUELL_DENOISER_OFF}, {"noise_mean", 1, QUELL_DENOISER_MEAN}, {"noise_sample", 1, QUELL_DENOISER_SAMPLE}};
enum { MODE_COUNT = sizeof MODES / sizeof *MODES };
static const double SECONDS = 2; /* measure so long at least, if there are images enough */

static void add_figure(cJSON *json, const char *device, const char *what, const char *mode, double value)
{
    char key[96];
    snprintf(key, sizeof key, "%s_%s%s%s", device, what, *mode ? "_" : "", mode);
    cJSON_AddNumberToObject(json, key, value);
}

/* All images again and again until the time is up; sim: once. */
static quell_status measure(const struct cli_options *o, struct cli_session *s, const struct mode *mode, int8_t *logits, cJSON *json, quell_error *err)
{
    quell_program *program = NULL;
    quell_counters counters;
    struct cli_progress progress;
    uint64_t done = 0;
    quell_status status = quell_program_make(s->model, mode->noise ? s->profile : NULL, o->chip, NULL, mode->denoiser, &program, err);
    if (status == QUELL_OK)
        status = quell_device_load(s->device, program, err);
    cli_progress_start(&progress, mode->name, s->images_info.count, o->progress);
    double started = cli_seconds(), spent = 0;
    while (status == QUELL_OK && spent < SECONDS) {
        uint32_t n = 0;
        status = quell_device_run(s->device, s->images, 0, s->images_info.count, o->noise_seed, (uint32_t)done, logits, &n, cli_progress_step, &progress, err);
        done += n;
        spent = cli_seconds() - started;
    }
    cli_progress_end(&progress);
    if (status == QUELL_OK)
        status = quell_device_get_counters(s->device, &counters, err);
    if (status == QUELL_OK) {
        double rate = (double)done / spent;
        printf("%-4s %-13s %10.1f images/s", o->device, mode->name, rate);
        add_figure(json, o->device, "images_per_s", mode->name, rate);
        if (mode->noise && mode->denoiser == QUELL_DENOISER_MEAN)
            add_figure(json, o->device, "images_per_s", "", rate);
        if (counters.cycles) {
            printf("  %10.0f cycles an image  %.2f M cycles/s", (double)counters.cycles / (double)done, 1e-6 * (double)counters.cycles / spent);
            add_figure(json, o->device, "cycles_per_image", mode->name, (double)counters.cycles / (double)done);
            add_figure(json, o->device, "cycles_per_s", mode->name, (double)counters.cycles / spent);
        }
        printf("\n");
    }
    quell_program_free(program);
    return status;
}

int cmd_bench(const struct cli_options *o)
{
    struct cli_session s;
    quell_error err;
    cJSON *json = cJSON_CreateObject();
    cli_catch_interrupts();
    quell_status status = cli_open(o, 0, &s, &err);
    int8_t *logits = status == QUELL_OK ? malloc((size_t)s.images_info.count * s.info.classes) : NULL;
    if (status == QUELL_OK && !logits) {
        snprintf(err.text, sizeof err.text, "out of memory");
        status = err.status = QUELL_E_MEMORY;
    }
    cJSON_AddStringToObject(json, "version", quell_version());
    cJSON_AddStringToObject(json, "model", o->model);
    cJSON_AddNumberToObject(json, "threads", o->threads);
    for (int m = 0; status == QUELL_OK && m < MODE_COUNT; m++)
        if ((s.profile || !MODES[m].noise) && (s.info.denoisers || MODES[m].denoiser == QUELL_DENOISER_OFF))
            status = measure(o, &s, &MODES[m], logits, json, &err);
    if (status == QUELL_OK && o->json)
        status = cli_write_json(o->json, json, &err);
    free(logits);
    cJSON_Delete(json);
    cli_close(&s);
    return status == QUELL_OK ? 0 : cli_fail(&err);
}
