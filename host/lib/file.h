/* SPDX-License-Identifier: Apache-2.0 */
/* Whole files in and out: reading with a size limit; writing under a temporary name that is renamed once everything is on the disk. */
#ifndef QUELL_FILE_H
#define QUELL_FILE_H

#include <dirent.h>
#include <stdio.h>

#include "quell.h"

/* Read a file whole (at most `max` bytes); *data is malloc'd, one zero byte follows the content. */
quell_status quell_file_read(const char *path, size_t max, uint8_t **data, size_t *size, quell_error *err);

/* For scandir: by the names' bytes. alphasort would follow the locale that an application has set. */
int quell_by_name(const struct dirent **a, const struct dirent **b);

struct quell_file_out {
    FILE *stream; /* write here; errors may be left to quell_file_commit */
    char *path, *temporary; /* temporary NULL: path is no regular file (a pipe, a device) and is written directly */
};

quell_status quell_file_create(struct quell_file_out *out, const char *path, quell_error *err);
/* Flush, close, rename. On any failure (a full disk shows here) the target is left as it was. */
quell_status quell_file_commit(struct quell_file_out *out, quell_error *err);
void quell_file_abandon(struct quell_file_out *out);

#endif
