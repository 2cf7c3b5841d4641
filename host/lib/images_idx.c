/* SPDX-License-Identifier: Apache-2.0 */
/* IDX files of the MNIST family: big-endian header, bytes; compressed with gzip or not (zlib tells by itself). */
#include <errno.h>
#include <string.h>
#include <zlib.h>

#include "images.h"
#include "model.h"

struct idx {
    gzFile file;
    const char *path;
    uint32_t dimensions, size[4];
};

/* Bytes read, fewer at the end of the file or where its compression is damaged. */
static size_t idx_read(struct idx *f, void *data, size_t size)
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

static quell_status idx_open(struct idx *f, const char *path, uint32_t least, uint32_t most, const char *what, quell_error *err)
{
    uint8_t head[4], size[4];
    f->path = path;
    f->file = gzopen(path, "rb");
    if (!f->file)
        return quell_fail(err, QUELL_E_IMAGES, "cannot read the %s %s: %s", what, path, strerror(errno));
    gzbuffer(f->file, 1 << 17);
    int good = idx_read(f, head, 4) == 4 && head[0] == 0 && head[1] == 0 && head[2] == 8 && head[3] >= least && head[3] <= most;
    f->dimensions = good ? head[3] : 0;
    for (uint32_t i = 0; good && i < f->dimensions; i++) {
        good = idx_read(f, size, 4) == 4;
        f->size[i] = (uint32_t)size[0] << 24 | (uint32_t)size[1] << 16 | (uint32_t)size[2] << 8 | size[3];
    }
    if (good)
        return QUELL_OK;
    gzclose(f->file);
    return quell_fail(err, QUELL_E_IMAGES, "%s is not an IDX file of %s, or it is damaged (other formats: CIFAR-10 files end in .bin; PNG and JPEG files lie in a folder)", path, what);
}

static quell_status read_images(struct quell_images *im, struct idx *f, struct idx *labels, quell_error *err)
{
    uint32_t h = f->size[1], w = f->size[2], c = f->dimensions == 4 ? f->size[3] : 1, count = f->size[0];
    if (h < 1 || w < 1 || c < 1 || h > QUELL_IMAGE_SIDE_MAX || w > QUELL_IMAGE_SIDE_MAX || c > QUELL_IMAGE_CHANNELS_MAX)
        return quell_fail(err, QUELL_E_IMAGES, "the images in %s are %u x %u with %u channels; supported: up to %d x %d with %d", f->path, h, w, c, QUELL_IMAGE_SIDE_MAX, QUELL_IMAGE_SIDE_MAX,
                          QUELL_IMAGE_CHANNELS_MAX);
    if (labels && labels->size[0] != count)
        return quell_fail(err, QUELL_E_IMAGES, "%s holds %u labels for the %u images of %s", labels->path, labels->size[0], count, f->path);
    im->info.h = h;
    im->info.w = w;
    im->info.c = c;
    for (uint32_t i = 0; i < count && i < im->limit; i++) {
        uint8_t label = 0, *pixels = images_append(im, -1);
        if (!pixels)
            return quell_fail(err, QUELL_E_MEMORY, "out of memory for the images of %s", f->path);
        int whole = idx_read(f, pixels, (size_t)h * w * c) == (size_t)h * w * c;
        int labelled = !labels || idx_read(labels, &label, 1) == 1;
        if (!whole || !labelled) {
            im->info.count--;
            uint32_t rest = (count < im->limit ? count : im->limit) - i;
            quell_status status = images_bad(im, err, "%s is truncated or damaged: it should hold %u %s, and image %u cannot be read", whole ? labels->path : f->path, count, whole ? "labels" : "images", i);
            im->info.skipped += status == QUELL_OK ? rest - 1 : 0;
            return status;
        }
        if (labels)
            im->labels[i] = label;
    }
    return QUELL_OK;
}

quell_status images_read_idx(struct quell_images *im, const char *path, const char *labels, quell_error *err)
{
    struct idx images_file, labels_file;
    quell_status status = idx_open(&images_file, path, 3, 4, "images", err);
    if (status != QUELL_OK)
        return status;
    if (labels)
        status = idx_open(&labels_file, labels, 1, 1, "labels", err);
    if (status == QUELL_OK) {
        status = read_images(im, &images_file, labels ? &labels_file : NULL, err);
        if (labels)
            gzclose(labels_file.file);
    }
    gzclose(images_file.file);
    return status;
}
