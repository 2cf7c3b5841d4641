/* SPDX-License-Identifier: Apache-2.0 */
/* Constants in a file beside the model (model.onnx.data). The file must be a regular one inside the model's own folder: a model from anywhere must not read other files. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "onnx_reader.h"

static const char *entry(const Onnx__TensorProto *proto, const char *key)
{
    for (size_t i = 0; i < proto->n_external_data; i++)
        if (proto->external_data[i]->key && proto->external_data[i]->value && strcmp(proto->external_data[i]->key, key) == 0)
            return proto->external_data[i]->value;
    return NULL;
}

/* A decimal number; -1 if it is none. */
static int64_t number(const char *text)
{
    char *end;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    return end == text || *end || errno || value < 0 ? -1 : value;
}

/* No folder above, nothing absolute. */
static int location_ok(const char *location)
{
    if (!*location || *location == '/' || strchr(location, '\\'))
        return 0;
    for (const char *p = location; *p; p += strcspn(p, "/"), p += *p == '/')
        if (strcspn(p, "/") == 2 && p[0] == '.' && p[1] == '.')
            return 0;
    return 1;
}

/* Descriptor of the file, or -1: `location` seen from the model's folder, links followed, still inside that folder. */
static int open_beside(const char *path, const char *location)
{
    char joined[PATH_MAX], folder[PATH_MAX], real[PATH_MAX];
    const char *slash = strrchr(path, '/');
    size_t length = slash ? (size_t)(slash - path) + 1 : 0;
    if (length + strlen(location) + 3 > sizeof joined)
        return -1;
    memcpy(joined, path, length);
    strcpy(joined + length, length ? "" : ".");
    if (!realpath(joined, folder))
        return -1;
    strcpy(joined + length, location);
    if (!realpath(joined, real) || strncmp(real, folder, strlen(folder)) != 0 || (strcmp(folder, "/") != 0 && real[strlen(folder)] != '/'))
        return -1;
    return open(real, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
}

quell_status onnx_external(const Onnx__TensorProto *proto, const char *name, const char *path, void *target, size_t bytes, quell_error *err)
{
    const char *location = entry(proto, "location"), *offset_text = entry(proto, "offset"), *length_text = entry(proto, "length");
    int64_t offset = offset_text ? number(offset_text) : 0, length = length_text ? number(length_text) : (int64_t)bytes;
    if (!location || !location_ok(location))
        return quell_fail(err, QUELL_E_MODEL, "constant '%s' lies in the file '%.200s'; allowed: a file in the model's own folder, without .. and not absolute", name, location ? location : "");
    if (offset < 0 || length < 0 || (uint64_t)length != bytes)
        return quell_fail(err, QUELL_E_MODEL, "constant '%s' needs %zu bytes of '%.200s', but its offset and length are '%.30s' and '%.30s'", name, bytes, location, offset_text ? offset_text : "0",
                          length_text ? length_text : "left out");
    int file = open_beside(path, location);
    struct stat s;
    if (file < 0 || fstat(file, &s) != 0 || !S_ISREG(s.st_mode)) {
        if (file >= 0)
            close(file);
        return quell_fail(err, QUELL_E_FILE, "constant '%s' lies in '%.200s', which is no readable file in the folder of %s: copy it there", name, location, path);
    }
    quell_status status = QUELL_OK;
    if (offset > s.st_size || length > s.st_size - offset)
        status = quell_fail(err, QUELL_E_MODEL, "'%.200s' is too short for the constant '%s': %lld bytes, needed %lld at %lld; it is cut off or belongs to another model", location, name,
                            (long long)s.st_size, (long long)length, (long long)offset);
    for (size_t done = 0; status == QUELL_OK && done < bytes;) {
        ssize_t n = pread(file, (char *)target + done, bytes - done, (off_t)offset + (off_t)done);
        if (n > 0)
            done += (size_t)n;
        else if (n == 0 || errno != EINTR)
            status = quell_fail(err, QUELL_E_FILE, "'%.200s' cannot be read", location);
    }
    close(file);
    return status;
}
