/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A folder of PNG and JPEG files in a folder per class (classes in alphabetical order), or a folder of such files without classes.
 * The first file of every class comes first, then the second of every class, and so on: a part of the set has all classes too.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "file.h"
#include "images.h"
#include "model.h"
#include "picture.h"

enum { FILE_MAX = 1 << 28, CLASSES_MAX = 32767 };

struct entry {
    char *path;
    int label;
    uint32_t rank; /* in its class */
};

struct list {
    struct entry *entries;
    size_t count, room;
};

static int visible(const struct dirent *entry) { return entry->d_name[0] != '.'; }

static int is_picture(const char *name)
{
    const char *dot = strrchr(name, '.');
    return dot && (strcasecmp(dot, ".png") == 0 || strcasecmp(dot, ".jpg") == 0 || strcasecmp(dot, ".jpeg") == 0);
}

static int is_folder(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* Takes the path over. */
static int list_add(struct list *list, char *path, int label, uint32_t rank)
{
    if (list->count == list->room) {
        size_t room = list->room ? list->room * 2 : 256;
        struct entry *more = realloc(list->entries, room * sizeof *more);
        if (!more) {
            free(path);
            return 0;
        }
        list->entries = more;
        list->room = room;
    }
    list->entries[list->count++] = (struct entry){path, label, rank};
    return 1;
}

static char *join(const char *folder, const char *name)
{
    size_t size = strlen(folder) + strlen(name) + 2;
    char *path = malloc(size);
    if (path)
        snprintf(path, size, "%s/%s", folder, name);
    return path;
}

/* The pictures of one folder in alphabetical order; below the top its sub-folders are the classes. */
static quell_status list_folder(struct list *list, const char *folder, int label, int top, quell_error *err)
{
    struct dirent **names;
    int n = scandir(folder, &names, visible, alphasort), classes = 0;
    if (n < 0)
        return quell_fail(err, QUELL_E_IMAGES, "cannot read the folder %s: %s", folder, strerror(errno));
    quell_status status = QUELL_OK;
    uint32_t rank = 0;
    for (int i = 0; i < n; i++) {
        char *path = status == QUELL_OK ? join(folder, names[i]->d_name) : NULL;
        if (status == QUELL_OK && !path)
            status = quell_fail(err, QUELL_E_MEMORY, "out of memory");
        else if (path && top && is_folder(path)) {
            status = classes < CLASSES_MAX ? list_folder(list, path, classes++, 0, err) : quell_fail(err, QUELL_E_IMAGES, "%s has more than %d classes", folder, CLASSES_MAX);
            free(path);
        } else if (path && is_picture(names[i]->d_name)) {
            if (!list_add(list, path, label, rank++))
                status = quell_fail(err, QUELL_E_MEMORY, "out of memory");
        } else
            free(path);
        free(names[i]);
    }
    free(names);
    return status;
}

static int by_rank(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;
    if (x->rank != y->rank)
        return x->rank < y->rank ? -1 : 1;
    return x->label != y->label ? (x->label < y->label ? -1 : 1) : strcmp(x->path, y->path);
}

static quell_status read_entry(struct quell_images *im, const struct entry *e, quell_error *err)
{
    struct picture picture;
    uint8_t *data;
    size_t size;
    quell_error reason;
    quell_status status = quell_file_read(e->path, FILE_MAX, &data, &size, &reason);
    if (status != QUELL_OK)
        return status == QUELL_E_MEMORY ? quell_fail(err, status, "%s", reason.text) : images_bad(im, err, "%s", reason.text);
    const char *problem = picture_decode(data, size, im->info.c, &picture);
    free(data);
    if (problem)
        return images_bad(im, err, "%s is not a PNG or JPEG image, or it is damaged (%s)", e->path, problem);
    if (im->info.c == 0) {
        im->info.h = picture.h;
        im->info.w = picture.w;
        im->info.c = picture.c;
    }
    if (picture.h != im->info.h || picture.w != im->info.w)
        status = images_bad(im, err, "%s is %u x %u; the images before it are %u x %u", e->path, picture.h, picture.w, im->info.h, im->info.w);
    else {
        uint8_t *pixels = images_append(im, e->label);
        if (pixels)
            memcpy(pixels, picture.pixels, (size_t)picture.h * picture.w * picture.c);
        else
            status = quell_fail(err, QUELL_E_MEMORY, "out of memory for the images");
    }
    picture_free(&picture);
    return status;
}

quell_status images_read_folder(struct quell_images *im, const char *path, quell_error *err)
{
    struct list list = {0};
    quell_status status = list_folder(&list, path, -1, 1, err);
    if (status == QUELL_OK && list.count == 0)
        status = quell_fail(err, QUELL_E_IMAGES, "the folder %s holds no images: expected PNG or JPEG files in a folder per class, or CIFAR-10's .bin files", path);
    if (list.count)
        qsort(list.entries, list.count, sizeof *list.entries, by_rank);
    for (size_t i = 0; status == QUELL_OK && i < list.count && im->info.count < im->limit; i++)
        status = read_entry(im, &list.entries[i], err);
    for (size_t i = 0; i < list.count; i++)
        free(list.entries[i].path);
    free(list.entries);
    return status;
}
