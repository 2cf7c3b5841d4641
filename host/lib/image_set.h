/* SPDX-License-Identifier: Apache-2.0 */
/* Inside libquell: a set of images while it is read and afterwards. All of it is in memory, NHWC: pixels, or codes that came as tensors. */
#ifndef QUELL_IMAGE_SET_H
#define QUELL_IMAGE_SET_H

#include "model.h"

enum { QUELL_IMAGE_SIDE_MAX = 1023, QUELL_IMAGE_CHANNELS_MAX = QUELL_CHANNELS_MAX, QUELL_LABEL_MAX = 65534 };

struct quell_images {
    quell_images_info info;
    uint8_t *data;
    int codes;           /* data is int8 codes of the network's channels, else pixels, red first */
    int32_t *labels;     /* -1: unknown */
    uint32_t room;       /* images that the arrays hold */
    uint32_t limit;      /* stop at so many; UINT32_MAX: all */
    int skip_bad;
    int pictures;        /* they came as PNG or JPEG files: these alone are resized */
    const quell_model *model; /* whom they are for; NULL: not known. Not used once the set is open */
    char note[400];      /* something to say about them, or "" */
};

/* Height, width and channels that the model wants, or else, if all were 0, those of the first image. -> 1, or 0: it is another size. */
int images_size(struct quell_images *images, uint32_t h, uint32_t w, uint32_t c);
/* Append an image of the set's size and hand out its place, or NULL when there is no memory. */
uint8_t *images_append(struct quell_images *images, int32_t label);
/* Grey images become images of three channels. -> 0: no memory. */
int images_colour(struct quell_images *images);
/* A bad image: QUELL_OK if it is to be skipped (it is counted), else the message, which names it. */
quell_status images_bad(struct quell_images *images, quell_error *err, const char *format, ...) __attribute__((format(printf, 3, 4)));
void images_note(struct quell_images *images, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
