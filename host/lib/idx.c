/* SPDX-License-Identifier: Apache-2.0 */
/* The header and bytes of an IDX file; see idx.h. */
#include "idx.h"

#include <errno.h>
#include <string.h>

static uint32_t element_bytes(uint8_t type) { return type == 8 || type == 9 ? 1 : type == 0x0B ? 2 : type == 0x0C ? 4 : 0; }

int idx_is(const uint8_t *head, size_t size)
{
    return size >= 4 && ((head[0] == 0x1F && head[1] == 0x8B) || (head[0] == 0 && head[1] == 0 && element_bytes(head[2]) && head[3] >= 1 && head[3] <= 4));
}

size_t idx_read(struct idx *f, void *data, size_t size)
{
    size_t done = 0;
    while (done < size) {
        size_t want = size - done < 1 << 20 ? size - done : 1 << 20;
        int got = gzread(f->file, (uint8_t *)data + done, (unsigned)want);
        if (got <= 0)
            break;
        done += (size_t)got;
    }
    return done;
}

quell_status idx_open(struct idx *f, const char *path, uint32_t least, uint32_t most, uint32_t most_bytes, const char *what, quell_error *err)
{
    uint8_t head[4], size[4];
    f->path = path;
    f->file = gzopen(path, "rb");
    if (!f->file)
        return quell_fail(err, QUELL_E_IMAGES, "cannot read the %s %s: %s", what, path, strerror(errno));
    gzbuffer(f->file, 1 << 17);
    int good = idx_read(f, head, 4) == 4 && head[0] == 0 && head[1] == 0 && (head[2] == 8 || (most_bytes > 1 && element_bytes(head[2]))) && head[3] >= least && head[3] <= most;
    f->bytes = good ? element_bytes(head[2]) : 0;
    f->dimensions = good ? head[3] : 0;
    for (uint32_t i = 0; good && i < f->dimensions; i++) {
        good = idx_read(f, size, 4) == 4;
        f->size[i] = (uint32_t)size[0] << 24 | (uint32_t)size[1] << 16 | (uint32_t)size[2] << 8 | size[3];
    }
    if (good)
        return QUELL_OK;
    gzclose(f->file);
    return quell_fail(err, QUELL_E_IMAGES, "%s is not an IDX file of %s, or it is damaged (other formats: CIFAR-10 files end in .bin, tensors in .npy; PNG and JPEG files lie in a folder)", path, what);
}

void idx_close(struct idx *f) { gzclose(f->file); }
