/* SPDX-License-Identifier: Apache-2.0 */
/* Whole files in and out; see file.h. */
#include "file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "model.h"

int quell_by_name(const struct dirent **a, const struct dirent **b) { return strcmp((*a)->d_name, (*b)->d_name); }

quell_status quell_file_read(const char *path, size_t max, uint8_t **data, size_t *size, quell_error *err)
{
    FILE *f = fopen(path, "rb");
    if (!f)
        return quell_fail(err, QUELL_E_FILE, "cannot open %s: %s", path, strerror(errno));
    size_t have = 0, room = 65536;
    uint8_t *buffer = malloc(room + 1);
    quell_status status = QUELL_OK;
    while (buffer) {
        have += fread(buffer + have, 1, room - have, f);
        if (have < room)
            break;
        if (have > max) {
            status = quell_fail(err, QUELL_E_FILE, "%s is larger than the limit of %zu bytes", path, max);
            break;
        }
        room *= 2;
        uint8_t *more = realloc(buffer, room + 1);
        if (!more)
            free(buffer);
        buffer = more;
    }
    if (!buffer)
        status = quell_fail(err, QUELL_E_MEMORY, "out of memory while reading %s", path);
    else if (status == QUELL_OK && ferror(f))
        status = quell_fail(err, QUELL_E_FILE, "cannot read %s: %s", path, strerror(errno));
    fclose(f);
    if (status != QUELL_OK) {
        free(buffer);
        return status;
    }
    buffer[have] = 0;
    *data = buffer;
    *size = have;
    return QUELL_OK;
}

quell_status quell_file_create(struct quell_file_out *out, const char *path, quell_error *err)
{
    struct stat st;
    memset(out, 0, sizeof *out);
    int direct = stat(path, &st) == 0 && !S_ISREG(st.st_mode);
    size_t length = strlen(path) + 32;
    out->path = malloc(length);
    out->temporary = direct ? NULL : malloc(length);
    if (!out->path || (!direct && !out->temporary)) {
        quell_file_abandon(out);
        return quell_fail(err, QUELL_E_MEMORY, "out of memory");
    }
    snprintf(out->path, length, "%s", path);
    if (!direct)
        snprintf(out->temporary, length, "%s.%ld.tmp", path, (long)getpid());
    out->stream = fopen(direct ? path : out->temporary, "wb");
    if (!out->stream) {
        quell_status status = quell_fail(err, QUELL_E_FILE, "cannot write %s: %s", path, strerror(errno));
        free(out->temporary);
        out->temporary = NULL;
        quell_file_abandon(out);
        return status;
    }
    return QUELL_OK;
}

quell_status quell_file_commit(struct quell_file_out *out, quell_error *err)
{
    errno = 0;
    int bad = fflush(out->stream) != 0 || ferror(out->stream);
    /* A full disk may be noticed only when the blocks are written; special files answer EINVAL, which is fine. */
    if (!bad && out->temporary && fsync(fileno(out->stream)) != 0 && errno != EINVAL && errno != ENOSYS)
        bad = 1;
    int reason = errno;
    if (fclose(out->stream) != 0 && !bad) {
        bad = 1;
        reason = errno;
    }
    out->stream = NULL;
    if (!bad && out->temporary && rename(out->temporary, out->path) != 0) {
        bad = 1;
        reason = errno;
    }
    quell_status status = QUELL_OK;
    if (bad)
        status = quell_fail(err, QUELL_E_FILE, "cannot write %s: %s", out->path, reason ? strerror(reason) : "write error");
    else {
        free(out->temporary);
        out->temporary = NULL;
    }
    quell_file_abandon(out);
    return status;
}

void quell_file_abandon(struct quell_file_out *out)
{
    if (out->stream)
        fclose(out->stream);
    if (out->temporary)
        unlink(out->temporary);
    free(out->temporary);
    free(out->path);
    memset(out, 0, sizeof *out);
}
