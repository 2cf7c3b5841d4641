/* SPDX-License-Identifier: Apache-2.0 */
/* Inside libquell: a set of images while it is read. One reader a file format; all pixels are in memory, NHWC. */
#ifndef QUELL_IMAGES_H
#define QUELL_IMAGES_H

#include "quell.h"

enum { QUELL_IMAGE_SIDE_MAX = 1023, QUELL_IMAGE_CHANNELS_MAX = 4 };

struct quell_images {
    quell_images_info info;
    uint8_t *pixels;
    int16_t *labels; /* -1: unknown */
    uint32_t room;   /* images that the arrays hold */
    uint32_t limit;  /* stop at so many; UINT32_MAX: all */
    int skip_bad;
};

/* Append an image of the set's size and hand out its place, or NULL when there is no memory. */
uint8_t *images_append(struct quell_images *images, int label);
/* A bad image: QUELL_OK if it is to be skipped (it is counted), else the message, which names it. */
quell_status images_bad(struct quell_images *images, quell_error *err, const char *format, ...) __attribute__((format(printf, 3, 4)));

quell_status images_read_idx(struct quell_images *images, const char *path, const char *labels, quell_error *err);
quell_status images_read_cifar(struct quell_images *images, const char *path, quell_error *err);        /* one file */
quell_status images_read_cifar_folder(struct quell_images *images, const char *path, int *found, quell_error *err); /* found 0: no such file there */
quell_status images_read_folder(struct quell_images *images, const char *path, quell_error *err);

#endif
