/* SPDX-License-Identifier: Apache-2.0 */
/* Decoding one PNG or JPEG file. */
#ifndef QUELL_PICTURE_H
#define QUELL_PICTURE_H

#include <stddef.h>
#include <stdint.h>

struct picture {
    uint32_t h, w, c; /* c is 1 or 3 */
    uint8_t *pixels;  /* NHWC */
};

/* channels 0: as in the file (alpha is dropped); else converted to so many. -> NULL, or what is wrong. */
const char *picture_decode(const uint8_t *data, size_t size, uint32_t channels, struct picture *picture);
void picture_free(struct picture *picture);

#endif
