/* SPDX-License-Identifier: Apache-2.0 */
/* quell calibrate: measure a chip's column correction and write it to a file. */
#include "cli.h"

static quell_status write_json(const struct cli_options *o, const struct cli_session *s, double seconds, quell_error *err)
{
    cJSON *j = cJSON_CreateObject();
    cJSON_AddStringToObject(j, "version", quell_version());
    cJSON_AddStringToObject(j, "model", o->model);
    cJSON_AddStringToObject(j, "profile", quell_profile_name(s->profile));
    cJSON_AddNumberToObject(j, "severity", o->severity);
    cJSON_AddNumberToObject(j, "chip", o->chip);
    cJSON_AddNumberToObject(j, "noise_seed", o->noise_seed);
    cJSON_AddNumberToObject(j, "images", s->images_info.count);
    cJSON_AddNumberToObject(j, "seconds", seconds);
    cJSON_AddStringToObject(j, "output", o->output);
    quell_status status = cli_write_json(o->json, j, err);
    cJSON_Delete(j);
    return status;
}

int cmd_calibrate(const struct cli_options *o)
{
    struct cli_session s;
    struct cli_progress progress;
    quell_calibration *calibration = NULL;
    quell_error err;
    cli_catch_interrupts();
    quell_status status = cli_open(o, 0, &s, &err);
    if (status == QUELL_OK) {
        cli_progress_start(&progress, "calibrate", s.images_info.count, o->progress);
        double started = cli_seconds();
        status = quell_calibrate(s.device, s.model, s.profile, o->chip, s.images, 0, s.images_info.count, o->noise_seed, &calibration, cli_progress_step, &progress, &err);
        cli_progress_end(&progress);
        if (status == QUELL_OK)
            status = quell_calibration_save(calibration, o->output, &err);
        double seconds = cli_seconds() - started;
        if (status == QUELL_OK && o->json)
            status = write_json(o, &s, seconds, &err);
        if (status == QUELL_OK)
            printf("chip %u of %s: corrected from %u images in %.2f s, written to %s\n", o->chip, cli_text(quell_profile_name(s.profile)), s.images_info.count, seconds, cli_text(o->output));
    }
    quell_calibration_free(calibration);
    cli_close(&s);
    return status == QUELL_OK ? 0 : cli_fail(&err);
}
