/* SPDX-License-Identifier: Apache-2.0 */
/* Image sets: which reader a path wants, and what must hold whoever read it. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "image_readers.h"
#include "input.h"
#include "npy.h"

static int ends_in(const char *path, const char *end)
{
    size_t n = strlen(path), k = strlen(end);
    return n >= k && strcmp(path + n - k, end) == 0;
}

static int is_npy(const char *path)
{
    uint8_t head[6];
    FILE *f = fopen(path, "rb");
    size_t size = f ? fread(head, 1, sizeof head, f) : 0;
    if (f)
        fclose(f);
    return npy_is(head, size);
}

static quell_status read_any(struct quell_images *im, const char *path, const struct labels *labels, quell_error *err)
{
    struct stat st;
    if (stat(path, &st) != 0)
        return quell_fail(err, QUELL_E_IMAGES, "cannot read the images %s: %s", path, strerror(errno));
    if (S_ISDIR(st.st_mode) || ends_in(path, ".bin")) {
        int found = 0;
        quell_status status = S_ISDIR(st.st_mode) ? images_read_cifar_folder(im, path, &found, err) : images_read_cifar(im, path, err);
        if (labels && (found || !S_ISDIR(st.st_mode)))
            return quell_fail(err, QUELL_E_IMAGES, "labels are given in %s, but the images %s bring their own", labels->path, path);
        return status != QUELL_OK || found || !S_ISDIR(st.st_mode) ? status : images_read_folder(im, path, labels, err);
    }
    if (images_is_picture(path))
        return images_read_picture(im, path, labels, err);
    if (labels && labels->named)
        return quell_fail(err, QUELL_E_IMAGES, "%s names files, but %s is one file: give a label a line, in the images' order", labels->path, path);
    if (ends_in(path, ".npy") || (S_ISREG(st.st_mode) && is_npy(path)))
        return images_read_npy(im, path, labels, err);
    return images_read_idx(im, path, labels, err);
}

/* Labels that the network cannot answer are no fault of the images, but worth a word. */
static void look_at_labels(struct quell_images *im)
{
    int32_t most = -1;
    for (uint32_t i = 0; i < im->info.count; i++) {
        im->info.labelled |= im->labels[i] >= 0;
        most = im->labels[i] > most ? im->labels[i] : most;
    }
    if (im->model && most >= (int32_t)im->model->info.classes)
        images_note(im, "labels go up to %d, but the network has %u classes, 0 to %u", most, im->model->info.classes, im->model->info.classes - 1);
}

static quell_status open_set(struct quell_images *im, const char *path, const char *label_path, quell_error *err)
{
    struct labels labels = {0};
    quell_status status = label_path ? labels_read(&labels, label_path, im->model, err) : QUELL_OK;
    if (status == QUELL_OK)
        status = read_any(im, path, label_path ? &labels : NULL, err);
    labels_free(&labels);
    if (status == QUELL_OK && im->info.count == 0)
        status = quell_fail(err, QUELL_E_IMAGES, "there is no%s image in %s", im->info.skipped ? " good" : "", path);
    if (status == QUELL_OK && im->model && !im->codes)
        status = input_check(im->model, err);
    if (status == QUELL_OK && im->model && im->model->input.meaning.resize && !im->pictures)
        images_note(im, "%.300s: only PNG and JPEG files are resized; these are taken as they are", path);
    look_at_labels(im);
    im->model = NULL;
    return status;
}

quell_status quell_images_open_for(const quell_model *model, const char *path, const char *labels, uint32_t limit, int skip_bad, quell_images **images, quell_error *err)
{
    *images = NULL;
    struct quell_images *im = calloc(1, sizeof *im);
    if (!im)
        return quell_fail(err, QUELL_E_MEMORY, "out of memory");
    im->limit = limit ? limit : UINT32_MAX;
    im->skip_bad = skip_bad;
    im->model = model;
    if (model) {
        im->info.h = model->info.image_h;
        im->info.w = model->info.image_w;
        im->info.c = model->info.image_c;
    }
    quell_status status = open_set(im, path, labels, err);
    if (status != QUELL_OK) {
        quell_images_free(im);
        return status;
    }
    *images = im;
    return QUELL_OK;
}

quell_status quell_images_open(const char *path, const char *labels, uint32_t limit, int skip_bad, quell_images **images, quell_error *err)
{
    return quell_images_open_for(NULL, path, labels, limit, skip_bad, images, err);
}
