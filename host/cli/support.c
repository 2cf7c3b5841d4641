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

/* ---- numbers ---- */

int cli_whole_number(const char *text, uint32_t *value, const char **end)
{
    errno = 0;
    unsigned long long v = strtoull(text, (char **)end, 10);
    *value = (uint32_t)v;
    return *end != text && text[0] >= '0' && text[0] <= '9' && !errno && v <= UINT32_MAX;
}

uint32_t cli_answer(const int8_t *logits, uint32_t classes)
{
    uint32_t best = 0;
    for (uint32_t c = 1; c < classes; c++)
        if (logits[c] > logits[best])
            best = c;
    return best;
}

/* ---- messages ---- */

const char *cli_text(const char *text)
{
    enum { TEXTS = 4, SIZE = 256 };
    static _Thread_local char texts[TEXTS][SIZE];
    static _Thread_local unsigned next;
    char *out = texts[next++ % TEXTS];
    size_t used = 0;
    for (const unsigned char *p = (const unsigned char *)text; *p && used + 9 < SIZE; p++) {
        int c1 = *p == 0xC2 && p[1] >= 0x80 && p[1] < 0xA0; /* control characters of the upper half, in UTF-8 */
        if (*p < ' ' || *p == 0x7F || c1)
            used += (size_t)snprintf(out + used, SIZE - used, c1 ? "\\xc2\\x%02x" : "\\x%02x", c1 ? p[1] : *p);
        else
            out[used++] = (char)*p;
        p += c1;
    }
    out[used] = 0;
    return out;
}

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

void cli_note(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fprintf(stderr, "quell: note: ");
    vfprintf(stderr, format, arguments);
    fprintf(stderr, "\n");
    va_end(arguments);
}

quell_status cli_set_error(quell_error *err, quell_status status, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(err->text, sizeof err->text, format, arguments);
    va_end(arguments);
    return err->status = status;
}

/* Where JSON goes with --json -; -1: not asked for. */
static int json_to = -1;

void cli_keep_stdout(void)
{
    json_to = dup(STDOUT_FILENO);
    dup2(STDERR_FILENO, STDOUT_FILENO);
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
    quell_limits limits = quell_endless_limits(); /* the reference device's */
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
    return quell_model_load_for(o->model, &limits, &o->input, model, err);
}

quell_status cli_load_profile(const char *path, double severity, quell_profile **profile, quell_error *err)
{
    quell_profile *written;
    quell_status status = quell_profile_load(path, &written, err);
    if (status != QUELL_OK)
        return status;
    status = quell_profile_scale(written, severity, profile, err);
    quell_profile_free(written);
    return status;
}

void cli_say_doubts(const struct cli_session *s)
{
    char text[400];
    const char *note = s->images ? quell_images_note(s->images) : NULL;
    if ((!s->images || !quell_images_codes(s->images, 0)) && quell_model_input_doubt(s->model, text))
        cli_note("%s", text);
    if (note)
        cli_note("%s", cli_text(note));
}

/* Model, chip, calibration and denoiser fit each other; the program stays only if it is wanted. */
static quell_status make_program(const struct cli_options *o, int keep, struct cli_session *s, quell_error *err)
{
    if (o->denoiser != QUELL_DENOISER_OFF && !s->info.denoisers)
        return cli_set_error(err, QUELL_E_USAGE, "--denoiser %s: %.300s has no denoising block", o->denoiser_name, cli_text(o->model));
    quell_status status = quell_program_make(s->model, s->profile, o->chip, s->calibration, o->denoiser, &s->program, err);
    if (status == QUELL_OK && !keep) {
        quell_program_free(s->program);
        s->program = NULL;
    }
    return status;
}

quell_status cli_open(const struct cli_options *o, int program, struct cli_session *s, quell_error *err)
{
    quell_limits limits;
    quell_status status;
    memset(s, 0, sizeof *s);
    if ((status = cli_check_outputs(o, err)) != QUELL_OK || (status = cli_open_device(o, &s->device, err)) != QUELL_OK || (status = quell_device_get_limits(s->device, &limits, err)) != QUELL_OK
        || (status = quell_model_load_for(o->model, &limits, &o->input, &s->model, err)) != QUELL_OK)
        return status;
    quell_model_get_info(s->model, &s->info);
    if (o->profile && (status = cli_load_profile(o->profile, o->severity, &s->profile, err)) != QUELL_OK)
        return status;
    if (o->calibration && (status = quell_calibration_load(o->calibration, &s->calibration, err)) != QUELL_OK)
        return status;
    if ((status = make_program(o, program, s, err)) != QUELL_OK)
        return status;
    if ((status = quell_images_open_for(s->model, o->images, o->labels, o->limit, o->skip_bad, &s->images, err)) != QUELL_OK)
        return status;
    quell_images_get_info(s->images, &s->images_info);
    cli_say_doubts(s);
    return program ? quell_device_load(s->device, s->program, err) : QUELL_OK;
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
    if (!text)
        return cli_set_error(err, QUELL_E_MEMORY, "out of memory");
    quell_status status = QUELL_OK;
    if (strcmp(path, "-") == 0 && json_to >= 0) {
        errno = 0;
        if (dprintf(json_to, "%s\n", text) < 0)
            status = cli_set_error(err, QUELL_E_FILE, "cannot write to standard output: %s", errno ? strerror(errno) : "write error");
    } else if ((status = quell_file_create(&out, path, err)) == QUELL_OK) {
        fprintf(out.stream, "%s\n", text);
        status = quell_file_commit(&out, err);
    }
    free(text);
    return status;
}
