/* SPDX-License-Identifier: Apache-2.0 */
/* What is checked before anything runs: files that will be written, options that change nothing. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli.h"

static quell_status cannot_write(quell_error *err, const char *path, int reason) { return cli_set_error(err, QUELL_E_FILE, "cannot write %.300s: %s", cli_text(path), strerror(reason)); }

/* A file is written under a temporary name beside its own: the folder counts, and of a pipe or device the file itself. */
static quell_status check_file(const char *path, quell_error *err)
{
    struct stat st;
    if (!path || strcmp(path, "-") == 0)
        return QUELL_OK;
    if (!*path)
        return cannot_write(err, "''", ENOENT);
    if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
        return cannot_write(err, path, EISDIR);
    if (stat(path, &st) == 0 && !S_ISREG(st.st_mode))
        return access(path, W_OK) == 0 ? QUELL_OK : cannot_write(err, path, errno);
    char *folder = strdup(path), *slash = folder ? strrchr(folder, '/') : NULL;
    if (!folder)
        return cli_set_error(err, QUELL_E_MEMORY, "out of memory");
    if (slash)
        slash[slash == folder] = 0;
    const char *where = slash ? folder : ".";
    quell_status status = stat(where, &st) != 0 ? cannot_write(err, path, errno) : !S_ISDIR(st.st_mode) ? cannot_write(err, path, ENOTDIR) : access(where, W_OK | X_OK) != 0 ? cannot_write(err, path, errno) : QUELL_OK;
    free(folder);
    return status;
}

quell_status cli_check_outputs(const struct cli_options *o, quell_error *err)
{
    const char *const files[] = {o->logits, o->json, o->output, o->trace};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        quell_status status = check_file(files[i], err);
        if (status != QUELL_OK)
            return status;
        for (size_t k = 0; files[i] && k < i; k++)
            if (files[k] && strcmp(files[i], files[k]) == 0)
                return cli_set_error(err, QUELL_E_USAGE, "two things would be written to %.300s", cli_text(files[i]));
    }
    if (!o->dump)
        return QUELL_OK;
    if (mkdir(o->dump, 0777) != 0 && errno != EEXIST)
        return cli_set_error(err, QUELL_E_FILE, "cannot make the folder %.300s: %s", cli_text(o->dump), strerror(errno));
    struct stat st;
    if (stat(o->dump, &st) != 0 || !S_ISDIR(st.st_mode))
        return cannot_write(err, o->dump, ENOTDIR);
    return access(o->dump, W_OK | X_OK) == 0 ? QUELL_OK : cannot_write(err, o->dump, errno);
}

static int given(const struct cli_options *o, char letter) { return strchr(o->given, letter) != NULL; }

void cli_say_unused(const struct cli_options *o)
{
    const int ref = strcmp(o->device, "ref") == 0, sim = strcmp(o->device, "sim") == 0;
    const struct {
        char letter;
        const char *name, *why;
        int unused;
    } rules[] = {
        {'F', "severity", "there is no --profile", !o->profile}, {'c', "chip", "there is no --profile", !o->profile}, {'n', "noise-seed", "there is no --profile, hence no noise", !o->profile && !o->denoiser},
        {'D', "noise-seeds", "there is no --profile, hence no noise", !o->profile && !o->denoiser},
        {'U', "dump-count", "there is no --dump-activations", !o->dump}, {'t', "threads", "only the device ref has them", !ref},
        {'T', "trace", "only the device sim writes it", !sim}, {'w', "wait", "the device is there", ref || sim},
    };
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
        if (given(o, rules[i].letter) && rules[i].unused && !o->profiles && (o->images || rules[i].letter != 'w'))
            cli_note("--%s changes nothing: %s", rules[i].name, rules[i].why);
    if (given(o, '7') && !o->labels && o->images)
        return; /* images may bring their labels */
}
