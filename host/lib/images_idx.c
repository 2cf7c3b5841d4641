/* SPDX-License-Identifier: Apache-2.0 */
/* Images from an IDX file: N x H x W, or N x H x W x C. */
#include "idx.h"
#include "image_readers.h"

static quell_status read_images(struct quell_images *im, struct idx *f, const struct labels *labels, quell_error *err)
{
    uint32_t h = f->size[1], w = f->size[2], c = f->dimensions == 4 ? f->size[3] : 1, count = f->size[0];
    if (h < 1 || w < 1 || c < 1 || h > QUELL_IMAGE_SIDE_MAX || w > QUELL_IMAGE_SIDE_MAX || c > QUELL_IMAGE_CHANNELS_MAX)
        return quell_fail(err, QUELL_E_IMAGES, "the images in %s are %u x %u with %u channels; supported: up to %d x %d with %d", f->path, h, w, c, QUELL_IMAGE_SIDE_MAX, QUELL_IMAGE_SIDE_MAX,
                          QUELL_IMAGE_CHANNELS_MAX);
    if (!images_size(im, h, w, c))
        return quell_fail(err, QUELL_E_IMAGES, "the images in %s are %u x %u with %u channel%s; the model wants %u x %u with %u", f->path, h, w, c, c == 1 ? "" : "s", im->info.h, im->info.w, im->info.c);
    if (labels && labels->count != count)
        return quell_fail(err, QUELL_E_IMAGES, "%s holds %u labels for the %u images of %s", labels->path, labels->count, count, f->path);
    for (uint32_t i = 0; i < count && i < im->limit; i++) {
        uint8_t *pixels = images_append(im, labels ? labels->entries[i].label : -1);
        if (!pixels)
            return quell_fail(err, QUELL_E_MEMORY, "out of memory for the images of %s", f->path);
        if (idx_read(f, pixels, (size_t)h * w * c) != (size_t)h * w * c) {
            im->info.count--;
            uint32_t rest = (count < im->limit ? count : im->limit) - i;
            quell_status status = images_bad(im, err, "%s is truncated or damaged: it should hold %u images, and image %u cannot be read", f->path, count, i);
            im->info.skipped += status == QUELL_OK ? rest - 1 : 0;
            return status;
        }
    }
    return QUELL_OK;
}

quell_status images_read_idx(struct quell_images *im, const char *path, const struct labels *labels, quell_error *err)
{
    struct idx file;
    quell_status status = idx_open(&file, path, 3, 4, 1, "images", err);
    if (status != QUELL_OK)
        return status;
    status = read_images(im, &file, labels, err);
    idx_close(&file);
    return status;
}
