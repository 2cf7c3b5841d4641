/* SPDX-License-Identifier: Apache-2.0 */
/* The tool `quell`: options that subcommands share, messages, output files, progress. The library does the work. */
#ifndef QUELL_CLI_H
#define QUELL_CLI_H

#include <cjson/cJSON.h>
#include <stdio.h>

#include "quell.h"

/* Everything that can be said on the command line, with its default. */
struct cli_options {
    const char *model, *images, *labels, *device, *profile, *calibration, *denoiser_name, *logits, *json, *trace, *simulator, *output, *dump;
    const char *profiles, *severities, *chips, *noise_seeds, *denoisers, *calibrate, *slice; /* of a sweep */
    const char *range, *scale, *mean, *std, *order, *layout, *resize; /* of the model's input */
    double severity; /* of the profile, 1 is as written */
    uint32_t chip, noise_seed, limit, threads, dump_count, wait_seconds, top;
    quell_input input; /* what the seven say */
    char given[64];    /* letters of the options that were given */
    int wait; /* for a board to be plugged in: wait_seconds, 0 for ever */
    int skip_bad, progress, report, large, corrected_only;
    quell_denoiser denoiser;
};

struct cli_command {
    const char *name, *summary;
    const char *required, *optional; /* letters of OPTIONS in options.c */
    int (*run)(const struct cli_options *options);
};

extern const struct cli_command CLI_COMMANDS[];
extern const unsigned CLI_COMMAND_COUNT;

int cmd_devices(const struct cli_options *o);
int cmd_info(const struct cli_options *o);
int cmd_compile(const struct cli_options *o);
int cmd_run(const struct cli_options *o);
int cmd_calibrate(const struct cli_options *o);
int cmd_bench(const struct cli_options *o);
int cmd_sweep(const struct cli_options *o);

/* -> 1: options are filled, go on. 0: *exit_code says how to end (help was printed, or a message). */
int cli_parse(const struct cli_command *command, int argc, char **argv, struct cli_options *options, int *exit_code);

/* "quell: text" on stderr; -> the status as exit code. */
int cli_fail(const quell_error *err);
int cli_error(quell_status status, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* "quell: note: text" on stderr: something to know, nothing wrong. */
void cli_note(const char *format, ...) __attribute__((format(printf, 1, 2)));
quell_status cli_set_error(quell_error *err, quell_status status, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* Text of others for a terminal: control characters as \\xNN. At most 255 bytes; four texts may be in use at a time. */
const char *cli_text(const char *text);

/* A whole number of 32 bits at the beginning of text, *end behind it. -> 0: there is none. */
int cli_whole_number(const char *text, uint32_t *value, const char **end);
/* The class with the largest logit, of equal ones the first. */
uint32_t cli_answer(const int8_t *logits, uint32_t classes);

#define CLI_CLOCK_HZ (200e6 / 3) /* of the boards' chips (docs/boards.md) */

/* ---- things that a session needs ---- */

struct cli_session {
    quell_device *device;
    quell_model *model;
    quell_profile *profile;
    quell_calibration *calibration;
    quell_program *program;
    quell_images *images;
    quell_model_info info;
    quell_images_info images_info;
};

/* Open and load all that the options name: everything is checked before anything runs. With program = 0 no program is made. */
quell_status cli_open(const struct cli_options *o, int program, struct cli_session *s, quell_error *err);
void cli_close(struct cli_session *s);
/* Open the device that the options name; with --wait not before its board is plugged in. */
quell_status cli_open_device(const struct cli_options *o, quell_device **device, quell_error *err);
/* For the memories of the device that is named. */
quell_status cli_load_model(const struct cli_options *o, quell_model **model, quell_error *err);
/* The profile that is named, at its severity. */
quell_status cli_load_profile(const char *path, double severity, quell_profile **profile, quell_error *err);
/* What the model's input is, if there is a doubt about it; what there is to say about images. */
void cli_say_doubts(const struct cli_session *s);

/* ---- what is checked before anything runs ---- */

/* Files that will be written can be, as far as can be told without writing. */
quell_status cli_check_outputs(const struct cli_options *o, quell_error *err);
/* A word on options that change nothing because of others. */
void cli_say_unused(const struct cli_options *o);

/* ---- progress and Ctrl-C ---- */

struct cli_progress {
    const char *what;
    uint32_t total, done;
    int shown;      /* a line is on the screen */
    int enabled;
    double started, drawn; /* seconds */
};

double cli_seconds(void); /* monotonic */
void cli_progress_start(struct cli_progress *p, const char *what, uint32_t total, int forced);
int cli_progress_step(void *progress, uint32_t done); /* a quell_progress: non-zero after Ctrl-C */
void cli_progress_end(struct cli_progress *p);
void cli_catch_interrupts(void);
int cli_interrupted(void);

/* ---- output ---- */

/* int8 array as NumPy file. */
quell_status cli_write_npy(const char *path, const int8_t *data, const uint32_t *shape, unsigned dimensions, quell_error *err);
/* path "-": standard output, which cli_parse has kept free for it: everything else then goes to stderr. */
quell_status cli_write_json(const char *path, const cJSON *json, quell_error *err);
void cli_keep_stdout(void);
/* Flush stdout: a full disk behind a redirection is an error too. */
int cli_finish(int exit_code);

/* Layers with their addresses, on stdout. */
void cli_print_report(const quell_model *model);

#endif
