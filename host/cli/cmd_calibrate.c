/* SPDX-License-Identifier: Apache-2.0 */
/* quell calibrate: measure a chip's column correction and write it to a file. */
#include "cli.h"

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
        if (status == QUELL_OK)
            printf("chip %u of %s: corrected from %u images in %.2f s, written to %s\n", o->chip, cli_text(quell_profile_name(s.profile)), s.images_info.count, cli_seconds() - started, cli_text(o->output));
    }
    quell_calibration_free(calibration);
    cli_close(&s);
    return status == QUELL_OK ? 0 : cli_fail(&err);
}
