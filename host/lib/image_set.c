/* SPDX-License-Identifier: Apache-2.0 */
/* What all readers of images share, and what the rest of the library asks of a set; see image_set.h. */
#include "image_set.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static size_t image_bytes(const struct quell_images *im) { return (size_t)im->info.h * im->info.w * im->info.c; }

int images_size(struct quell_images *im, uint32_t h, uint32_t w, uint32_t c)
{
    if (im->info.h == 0) {
        im->info.h = h;
        im->info.w = w;
    }
    if (im->info.c == 0)
        im->info.c = c;
    return im->info.h == h && im->info.w == w && im->info.c == c;
}

uint8_t *images_append(struct quell_images *im, int32_t label)
{
    size_t bytes = image_bytes(im);
    if (im->info.count == im->room) {
        uint32_t room = im->room ? im->room * 2 : 64;
        if (room > im->limit && im->limit > im->info.count)
            room = im->limit;
        uint8_t *data = realloc(im->data, room * bytes);
        if (data)
            im->data = data;
        int32_t *labels = realloc(im->labels, room * sizeof *labels);
        if (labels)
            im->labels = labels;
        if (!data || !labels)
            return NULL;
        im->room = room;
    }
    im->labels[im->info.count] = label;
    return im->data + bytes * im->info.count++;
}

int images_colour(struct quell_images *im)
{
    size_t pixels = image_bytes(im) * im->info.count;
    uint8_t *wide = malloc((size_t)im->room * image_bytes(im) * 3 + 1);
    if (!wide)
        return 0;
    for (size_t i = 0; i < pixels; i++)
        memset(wide + 3 * i, im->data[i], 3);
    free(im->data);
    im->data = wide;
    im->info.c = 3;
    return 1;
}

quell_status images_bad(struct quell_images *im, quell_error *err, const char *format, ...)
{
    if (im->skip_bad) {
        im->info.skipped++;
        return QUELL_OK;
    }
    char text[480];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    return quell_fail(err, QUELL_E_IMAGES, "%s", text);
}

void images_note(struct quell_images *im, const char *format, ...)
{
    if (*im->note)
        return; /* one is enough to look */
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(im->note, sizeof im->note, format, arguments);
    va_end(arguments);
}

void quell_images_free(quell_images *images)
{
    if (!images)
        return;
    free(images->data);
    free(images->labels);
    free(images);
}

void quell_images_get_info(const quell_images *images, quell_images_info *info) { *info = images->info; }

const uint8_t *quell_images_pixels(const quell_images *im, uint32_t index) { return im->codes ? NULL : im->data + index * image_bytes(im); }

const int8_t *quell_images_codes(const quell_images *im, uint32_t index) { return im->codes ? (const int8_t *)im->data + index * image_bytes(im) : NULL; }

int quell_images_label(const quell_images *images, uint32_t index) { return images->labels[index]; }

const char *quell_images_note(const quell_images *images) { return *images->note ? images->note : NULL; }
