/* SPDX-License-Identifier: Apache-2.0 */
/* Image sets: which reader a path wants, and what all readers share. */
#include "images.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "model.h"

uint8_t *images_append(struct quell_images *im, int label)
{
    size_t bytes = (size_t)im->info.h * im->info.w * im->info.c;
    if (im->info.count == im->room) {
        uint32_t room = im->room ? im->room * 2 : 64;
        uint8_t *pixels = realloc(im->pixels, room * bytes);
        if (pixels)
            im->pixels = pixels;
        int16_t *labels = realloc(im->labels, room * sizeof *labels);
        if (labels)
            im->labels = labels;
        if (!pixels || !labels)
            return NULL;
        im->room = room;
    }
    im->labels[im->info.count] = (int16_t)label;
    return im->pixels + bytes * im->info.count++;
}

quell_status images_bad(struct quell_images *im, quell_error *err, const char *format, ...)
{
    if (im->skip_bad) {
        im->info.skipped++;
        return QUELL_OK;
    }
    char text[400];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    return quell_fail(err, QUELL_E_IMAGES, "%s", text);
}

static int ends_in(const char *path, const char *end)
{
    size_t n = strlen(path), k = strlen(end);
    return n >= k && strcmp(path + n - k, end) == 0;
}

static quell_status read_any(struct quell_images *im, const char *path, const char *labels, quell_error *err)
{
    struct stat st;
    if (stat(path, &st) != 0)
        return quell_fail(err, QUELL_E_IMAGES, "cannot read the images %s: %s", path, strerror(errno));
    if (S_ISDIR(st.st_mode) || ends_in(path, ".bin")) {
        if (labels)
            return quell_fail(err, QUELL_E_IMAGES, "labels are given in %s, but the images %s bring their own", labels, path);
        if (!S_ISDIR(st.st_mode))
            return images_read_cifar(im, path, err);
        int found;
        quell_status status = images_read_cifar_folder(im, path, &found, err);
        return status != QUELL_OK || found ? status : images_read_folder(im, path, err);
    }
    return images_read_idx(im, path, labels, err);
}

quell_status quell_images_open(const char *path, const char *labels, uint32_t limit, int skip_bad, quell_images **images, quell_error *err)
{
    *images = NULL;
    struct quell_images *im = calloc(1, sizeof *im);
    if (!im)
        return quell_fail(err, QUELL_E_MEMORY, "out of memory");
    im->limit = limit ? limit : UINT32_MAX;
    im->skip_bad = skip_bad;
    quell_status status = read_any(im, path, labels, err);
    if (status == QUELL_OK && im->info.count == 0)
        status = quell_fail(err, QUELL_E_IMAGES, "there is no%s image in %s", im->info.skipped ? " good" : "", path);
    if (status != QUELL_OK) {
        quell_images_free(im);
        return status;
    }
    for (uint32_t i = 0; i < im->info.count; i++)
        im->info.labelled |= im->labels[i] >= 0;
    *images = im;
    return QUELL_OK;
}

void quell_images_free(quell_images *images)
{
    if (!images)
        return;
    free(images->pixels);
    free(images->labels);
    free(images);
}

void quell_images_get_info(const quell_images *images, quell_images_info *info) { *info = images->info; }

const uint8_t *quell_images_pixels(const quell_images *images, uint32_t index) { return images->pixels + (size_t)index * images->info.h * images->info.w * images->info.c; }

int quell_images_label(const quell_images *images, uint32_t index) { return images->labels[index]; }
