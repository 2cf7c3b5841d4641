/* SPDX-License-Identifier: Apache-2.0 */
/* Inside libquell: IDX files of the MNIST family, of bytes or of whole numbers; compressed with gzip or not (zlib tells by itself). */
#ifndef QUELL_IDX_H
#define QUELL_IDX_H

#include <zlib.h>

#include "model.h"

struct idx {
    gzFile file;
    const char *path;
    uint32_t bytes;      /* of an element */
    uint32_t dimensions, size[4];
};

/* Are these the first bytes of an IDX file or of a compressed one? */
int idx_is(const uint8_t *head, size_t size);
/* most_bytes: of an element. what: "images", for messages. */
quell_status idx_open(struct idx *f, const char *path, uint32_t least, uint32_t most, uint32_t most_bytes, const char *what, quell_error *err);
/* Bytes read, fewer at the end of the file or where its compression is damaged. */
size_t idx_read(struct idx *f, void *data, size_t size);
void idx_close(struct idx *f);

#endif
