/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Decoding one PNG or JPEG file to the pixels that Pillow's open().convert("RGB"), "L" or "RGBA" gives: JPEG by libjpeg-turbo with its accurate integer
 * transform and fancy upsampling, PNG by libpng. Neither orientation (EXIF) nor colour profiles are applied, as Pillow does not.
 */
#ifndef QUELL_PICTURE_H
#define QUELL_PICTURE_H

#include <stddef.h>
#include <stdint.h>

enum { PICTURE_SIDE_MAX = 4096 };

enum picture_result { PICTURE_GOOD, PICTURE_BAD, PICTURE_OTHER_SIZE, PICTURE_NO_MEMORY };

/* Before: what is wanted, 0: as in the file (c: 1 if it is grey, else 3). After: what is there. */
struct picture {
    uint32_t h, w, c; /* c: 1 grey, 3 RGB, 4 RGBA */
    uint8_t *pixels;  /* h x w x c; malloc'd */
    char reason[120]; /* of PICTURE_BAD */
};

/* PICTURE_OTHER_SIZE is found before anything is decoded; h and w then tell the file's. */
enum picture_result picture_decode(const uint8_t *data, size_t size, struct picture *picture);
void picture_free(struct picture *picture);

/* ---- between the decoders ---- */

/* Set h and w, c if it was 0, and allocate, zeroed; grey: the file has no colour. */
enum picture_result picture_begin(struct picture *picture, uint32_t h, uint32_t w, int grey);
enum picture_result picture_bad(struct picture *picture, const char *reason);
/* Pillow's weights. */
static inline uint8_t picture_grey(const uint8_t rgb[3]) { return (uint8_t)((rgb[0] * 19595u + rgb[1] * 38470u + rgb[2] * 7471u + 0x8000u) >> 16); }

enum picture_result picture_jpeg(const uint8_t *data, size_t size, struct picture *picture);
enum picture_result picture_png(const uint8_t *data, size_t size, struct picture *picture);

#endif
