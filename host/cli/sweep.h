/* SPDX-License-Identifier: Apache-2.0 */
/* What the two files of `quell sweep` share: sweep_plan.c (lists of the command line, the result file) and cmd_sweep.c (the runs and the table). */
#ifndef QUELL_SWEEP_H
#define QUELL_SWEEP_H

#include "cli.h"

enum { SWEEP_MOST = 4096 /* entries of a list */ };

/* The lists of the command line. */
struct sweep_axes {
    char *profiles[SWEEP_MOST];
    double severities[SWEEP_MOST];
    uint32_t chips[SWEEP_MOST], seeds[SWEEP_MOST];
    quell_denoiser denoisers[3];
    uint32_t profile_count, severity_count, chip_count, seed_count, denoiser_count;
    uint32_t correction_first, correction_count; /* 0: as it is, 1: corrected */
};

struct sweep {
    const struct cli_options *o;
    struct sweep_axes axes;
    struct cli_session s;
    quell_images *calibration_images;
    uint32_t calibration_count;
    uint32_t slice, slices;
    uint32_t together; /* so many seeds at most in one run */
    int8_t *logits;
    cJSON *settings, **cells; /* cells: by number, NULL until done */
    uint32_t cell_count;
    struct cli_progress progress;
    uint32_t images_before; /* of the cells done in this run */
    double saved;
};

extern const char *const SWEEP_DENOISERS[3];

/* Writes the message; -> status. format has one %s. */
quell_status sweep_fail(quell_error *err, quell_status status, const char *format, const char *what);

quell_status sweep_read_axes(const struct cli_options *o, struct sweep_axes *a, quell_error *err);
quell_status sweep_read_slice(struct sweep *w, quell_error *err);
/* All that the results depend on: a file of other settings is not continued. */
cJSON *sweep_settings(const struct sweep *w);
/* Take the cells of an earlier run of the same sweep from the file, if it is there. */
quell_status sweep_resume(struct sweep *w, quell_error *err);
quell_status sweep_save(struct sweep *w, quell_error *err);

#endif
