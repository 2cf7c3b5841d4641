/* SPDX-License-Identifier: Apache-2.0 */
/* CIFAR-10's binary files: records of a label byte and 32 x 32 pixels, all red, all green, all blue. */
#include <dirent.h>
#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "file.h"
#include "image_readers.h"

enum { SIDE = 32, PIXELS = SIDE * SIDE, RECORD = 1 + 3 * PIXELS, CLASSES = 10, FILE_MAX = 1 << 30 };

static quell_status read_record(struct quell_images *im, const char *path, const uint8_t *record, size_t number, quell_error *err)
{
    if (record[0] >= CLASSES)
        return images_bad(im, err, "%s: image %zu has the label %u, CIFAR-10 has %d classes: the file is damaged, or not CIFAR-10", path, number, record[0], CLASSES);
    uint8_t *pixels = images_append(im, record[0]);
    if (!pixels)
        return quell_fail(err, QUELL_E_MEMORY, "out of memory for the images of %s", path);
    for (int p = 0; p < PIXELS; p++)
        for (int c = 0; c < 3; c++)
            pixels[p * 3 + c] = record[1 + c * PIXELS + p];
    return QUELL_OK;
}

quell_status images_read_cifar(struct quell_images *im, const char *path, quell_error *err)
{
    uint8_t *data;
    size_t size;
    quell_status status = quell_file_read(path, FILE_MAX, &data, &size, err);
    if (status != QUELL_OK)
        return status == QUELL_E_FILE && err ? (err->status = QUELL_E_IMAGES) : status;
    if (!images_size(im, SIDE, SIDE, 3)) {
        free(data);
        return quell_fail(err, QUELL_E_IMAGES, "%s: CIFAR-10's images are %d x %d with 3 channels; the model wants %u x %u with %u", path, SIDE, SIDE, im->info.h, im->info.w, im->info.c);
    }
    size_t count = size / RECORD;
    for (size_t i = 0; status == QUELL_OK && i < count && im->info.count < im->limit; i++)
        status = read_record(im, path, data + i * RECORD, i, err);
    if (status == QUELL_OK && size % RECORD != 0 && im->info.count < im->limit)
        status = images_bad(im, err, "%s has %zu bytes, no multiple of CIFAR-10's %d: it is truncated, or not CIFAR-10", path, size, RECORD);
    free(data);
    return status;
}

static int wanted(const struct dirent *entry) { return fnmatch("data_batch_*.bin", entry->d_name, 0) == 0 || strcmp(entry->d_name, "test_batch.bin") == 0; }

quell_status images_read_cifar_folder(struct quell_images *im, const char *path, int *found, quell_error *err)
{
    struct dirent **entries;
    int n = scandir(path, &entries, wanted, quell_by_name);
    quell_status status = n < 0 ? quell_fail(err, QUELL_E_IMAGES, "cannot read the folder %s: %s", path, strerror(errno)) : QUELL_OK;
    *found = n > 0;
    for (int i = 0; i < n; i++) {
        char file[4096];
        int length = snprintf(file, sizeof file, "%s/%s", path, entries[i]->d_name);
        if (status == QUELL_OK && im->info.count < im->limit)
            status = length < (int)sizeof file ? images_read_cifar(im, file, err) : quell_fail(err, QUELL_E_IMAGES, "a path in %s is too long", path);
        free(entries[i]);
    }
    if (n >= 0)
        free(entries);
    return status;
}
