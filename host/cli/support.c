/* SPDX-License-Identifier: Apache-2.0 */
/* What the commands share: messages, sessions, progress and Ctrl-C, output files. */
#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli.h"
#include "file.h"

/* ---- messages ---- */

int cli_fail(const quell_error *err)
{
    fprintf(stderr, "quell: %s\n", err->text);
    return err->status;
}

int cli_error(quell_status status, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fprintf(stderr, "quell: ");
    vfprintf(stderr, format, arguments);
    fprintf(stderr, "\n");
    va_end(arguments);
    return status;
}

int cli_finish(int exit_code)
{
    errno = 0;
    if ((fflush(stdout) != 0 || ferror(stdout)) && exit_code == 0)
        return cli_error(QUELL_E_FILE, "cannot write to standard output: %s", errno ? strerror(errno) : "write error");
    return exit_code;
}

/* ---- Ctrl-C ---- */

static volatile sig_atomic_t interrupted;

static void on_signal(int number)
{
    (void)number;
    interrupted = 1;
}

void cli_catch_interrupts(void)
{
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART | SA_RESETHAND}; /* a second Ctrl-C ends at once */
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

int cli_interrupted(void) { return interrupted; }

/* ---- sessions ---- */

static quell_status check_size(const struct cli_session *s, quell_error *err)
{
    const quell_model_info *m = &s->info;
    const quell_images_info *i = &s->images_info;
    if (i->h == m->image_h && i->w == m->image_w && i->c == m->image_c)
        return QUELL_OK;
    err->status = QUELL_E_IMAGES;
    snprintf(err->text, sizeof err->text, "the images are %u x %u with %u channel%s; the model wants %u x %u with %u", i->h, i->w, i->c, i->c == 1 ? "" : "s", m->image_h, m->image_w, m->image_c);
    return err->status;
}

/* Wait a little; -> 1 if it is time to try again. A board that has just come may be refused until the udev rule has been applied. */
static int try_again(const struct cli_options *o, quell_status status, double started, double *seen, quell_error *err)
{
    enum { POLL_MS = 200 };
    static const double GRACE = 3; /* seconds */
    double now = cli_seconds();
    if (status == QUELL_E_ACCESS || status == QUELL_E_DEVICE_LOST)
        *seen = *seen ? *seen : now;
    else if (status != QUELL_E_NOT_FOUND)
        return 0;
    if (!o->wait || (*seen && status != QUELL_E_NOT_FOUND && now - *seen > GRACE) || (o->wait_seconds && now - started >= o->wait_seconds))
        return 0;
    if (interrupted) {
        snprintf(err->text, sizeof err->text, "interrupted while waiting for a board");
        err->status = QUELL_E_INTERRUPTED;
        return 0;
    }
    nanosleep(&(struct timespec){.tv_nsec = POLL_MS * 1000000}, NULL);
    return 1;
}

quell_status cli_open_device(const struct cli_options *o, quell_device **device, quell_error *err)
{
    const quell_device_options options = {.threads = o->threads, .simulator = o->simulator, .trace = o->trace};
    double started = cli_seconds(), seen = 0;
    int said = 0;
    for (;;) {
        quell_status status = quell_device_open(o->device, &options, device, err);
        if (status == QUELL_OK || !try_again(o, status, started, &seen, err))
            return status == QUELL_OK ? status : err->status;
        if (!said++)
            fprintf(stderr, "waiting for a board (%s)\n", o->device);
    }
}

quell_status cli_load_model(const struct cli_options *o, quell_model **model, quell_error *err)
{
    quell_limits limits = o->large ? quell_large_limits() : quell_default_limits();
    *model = NULL;
    if (strcmp(o->device, "ref") != 0) { /* for the memories that this device has */
        quell_device *device;
        quell_status status = cli_open_device(o, &device, err);
        if (status == QUELL_OK)
            status = quell_device_get_limits(device, &limits, err);
        quell_device_close(device);
        if (status != QUELL_OK)
            return status;
    }
    return quell_model_load(o->model, &limits, model, err);
}

static quell_status load_profile(const struct cli_options *o, struct cli_session *s, quell_error *err)
{
    quell_profile *written;
    quell_status status = quell_profile_load(o->profile, &written, err);
    if (status != QUELL_OK)
        return status;
    status = quell_profile_scale(written, o->severity, &s->profile, err);
    quell_profile_free(written);
    return status;
}

quell_status cli_open(const struct cli_options *o, int program, struct cli_session *s, quell_error *err)
{
    quell_limits limits;
    quell_status status;
    memset(s, 0, sizeof *s);
    if ((status = cli_open_device(o, &s->device, err)) != QUELL_OK || (status = quell_device_get_limits(s->device, &limits, err)) != QUELL_OK
        || (status = quell_model_load(o->model, &limits, &s->model, err)) != QUELL_OK)
        return status;
    quell_model_get_info(s->model, &s->info);
    if (o->profile && (status = load_profile(o, s, err)) != QUELL_OK)
        return status;
    if (o->calibration && (status = quell_calibration_load(o->calibration, &s->calibration, err)) != QUELL_OK)
        return status;
    if ((status = quell_images_open(o->images, o->labels, o->limit, o->skip_bad, &s->images, err)) != QUELL_OK)
        return status;
    quell_images_get_info(s->images, &s->images_info);
    if ((status = check_size(s, err)) != QUELL_OK || !program)
        return status;
    if ((status = quell_program_make(s->model, s->profile, o->chip, s->calibration, o->denoiser, &s->program, err)) != QUELL_OK)
        return status;
    return quell_device_load(s->device, s->program, err);
}

void cli_close(struct cli_session *s)
{
    quell_device_close(s->device);
    quell_program_free(s->program);
    quell_calibration_free(s->calibration);
    quell_profile_free(s->profile);
    quell_images_free(s->images);
    quell_model_free(s->model);
}

/* ---- progress ---- */

double cli_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void draw(struct cli_progress *p)
{
    enum { WIDTH = 28 };
    char bar[WIDTH + 1];
    double now = cli_seconds(), spent = now - p->started, rate = spent > 0 ? p->done / spent : 0;
    unsigned full = p->total ? (unsigned)((uint64_t)WIDTH * p->done / p->total) : 0;
    memset(bar, '.', WIDTH);
    memset(bar, '#', full < WIDTH ? full : WIDTH);
    bar[WIDTH] = 0;
    int terminal = isatty(STDERR_FILENO);
    fprintf(stderr, "%s%s [%s] %u/%u  %.*f images/s  ", terminal ? "\r" : "", p->what, bar, p->done, p->total, rate < 10 ? 2 : 0, rate);
    if (rate > 0)
        fprintf(stderr, "%.0f s left%s", (p->total - p->done) / rate, terminal ? "\x1b[K" : "\n");
    else
        fprintf(stderr, "%s", terminal ? "\x1b[K" : "\n");
    fflush(stderr);
    p->shown = 1;
    p->drawn = now;
}

void cli_progress_start(struct cli_progress *p, const char *what, uint32_t total, int forced)
{
    *p = (struct cli_progress){.what = what, .total = total, .enabled = forced || isatty(STDERR_FILENO), .started = cli_seconds()};
    p->drawn = p->started;
}

int cli_progress_step(void *progress, uint32_t done)
{
    struct cli_progress *p = progress;
    double interval = isatty(STDERR_FILENO) ? 0.2 : 2;
    p->done = done;
    if (p->enabled && cli_seconds() - p->drawn >= interval)
        draw(p);
    return interrupted;
}

void cli_progress_end(struct cli_progress *p)
{
    if (p->enabled && p->shown && isatty(STDERR_FILENO)) {
        draw(p);
        fprintf(stderr, "\n");
    }
}

/* ---- output files ---- */

quell_status cli_write_npy(const char *path, const int8_t *data, const uint32_t *shape, unsigned dimensions, quell_error *err)
{
    struct quell_file_out out;
    char text[160];
    int used = snprintf(text, sizeof text, "{'descr': '|i1', 'fortran_order': False, 'shape': (");
    size_t count = 1;
    for (unsigned i = 0; i < dimensions; i++) {
        used += snprintf(text + used, sizeof text - (size_t)used, "%u%s", shape[i], i + 1 < dimensions ? ", " : "");
        count *= shape[i];
    }
    used += snprintf(text + used, sizeof text - (size_t)used, "%s), }", dimensions == 1 ? "," : "");
    int padded = (10 + used + 1 + 63) / 64 * 64 - 10; /* the data begin at a multiple of 64 */
    const uint8_t head[10] = {0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0, (uint8_t)padded, (uint8_t)(padded >> 8)};
    quell_status status = quell_file_create(&out, path, err);
    if (status != QUELL_OK)
        return status;
    fwrite(head, 1, sizeof head, out.stream);
    fprintf(out.stream, "%s%*s\n", text, padded - used - 1, "");
    fwrite(data, 1, count, out.stream);
    return quell_file_commit(&out, err);
}

quell_status cli_write_json(const char *path, const cJSON *json, quell_error *err)
{
    struct quell_file_out out;
    char *text = cJSON_Print(json);
    if (!text) {
        err->status = QUELL_E_MEMORY;
        snprintf(err->text, sizeof err->text, "out of memory");
        return err->status;
    }
    quell_status status = quell_file_create(&out, path, err);
    if (status == QUELL_OK) {
        fprintf(out.stream, "%s\n", text);
        status = quell_file_commit(&out, err);
    }
    free(text);
    return status;
}
