/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A folder of PNG and JPEG files in a folder per class, or a folder of such files without classes; or one such file.
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
#include "image_readers.h"
#include "picture_resize.h"

enum { FILE_MAX = 1 << 28, CLASSES_MAX = QUELL_LABEL_MAX + 1 };

struct entry {
    char *path;
    int32_t folder; /* of the sorted class folders, -1: the top */
    int32_t label;
    uint32_t rank; /* in its class */
};

struct list {
    struct entry *entries;
    size_t count, room;
    char **folders; /* names of class folders, in alphabetical order */
    size_t folder_count;
};

static int visible(const struct dirent *entry) { return entry->d_name[0] != '.'; }

int images_is_picture(const char *name)
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
static int list_add(struct list *list, char *path, int32_t folder, uint32_t rank)
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
    list->entries[list->count++] = (struct entry){path, folder, folder, rank};
    return 1;
}

static int folder_add(struct list *list, const char *name)
{
    char **more = realloc(list->folders, (list->folder_count + 1) * sizeof *more);
    if (!more)
        return 0;
    list->folders = more;
    return (more[list->folder_count] = strdup(name)) != NULL && ++list->folder_count;
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
static quell_status list_folder(struct list *list, const char *path, int32_t folder, quell_error *err)
{
    struct dirent **names;
    int n = scandir(path, &names, visible, quell_by_name);
    if (n < 0)
        return quell_fail(err, QUELL_E_IMAGES, "cannot read the folder %s: %s", path, strerror(errno));
    quell_status status = QUELL_OK;
    uint32_t rank = 0;
    for (int i = 0; i < n; i++) {
        const char *name = names[i]->d_name;
        char *file = status == QUELL_OK ? join(path, name) : NULL;
        if (status == QUELL_OK && !file) {
            status = quell_fail(err, QUELL_E_MEMORY, "out of memory");
        } else if (file && folder < 0 && is_folder(file)) {
            int32_t number = (int32_t)list->folder_count;
            if (number == CLASSES_MAX)
                status = quell_fail(err, QUELL_E_IMAGES, "%s has more than %d classes", path, CLASSES_MAX);
            else
                status = folder_add(list, name) ? list_folder(list, file, number, err) : quell_fail(err, QUELL_E_MEMORY, "out of memory");
            free(file);
        } else if (file && images_is_picture(name)) {
            if (!list_add(list, file, folder, rank++))
                status = quell_fail(err, QUELL_E_MEMORY, "out of memory");
        } else {
            free(file);
        }
        free(names[i]);
    }
    free(names);
    return status;
}

static void list_free(struct list *list)
{
    for (size_t i = 0; i < list->count; i++)
        free(list->entries[i].path);
    for (size_t i = 0; i < list->folder_count; i++)
        free(list->folders[i]);
    free(list->entries);
    free(list->folders);
}

/* ---- labels ---- */

static void add_name(char *text, size_t size, const char *name)
{
    size_t used = strlen(text);
    snprintf(text + used, size - used, "%s%.40s", used ? ", " : "", name);
}

static int all_numbers(const struct list *list)
{
    for (size_t i = 0; i < list->folder_count; i++)
        if (labels_number(list->folders[i]) < 0)
            return 0;
    return 1;
}

/* Class numbers of the folders: the network's names; or numbers; or, of a network without names, the alphabetical order. */
static quell_status number_folders(struct quell_images *im, const struct list *list, const char *path, int32_t *numbers, quell_error *err)
{
    const quell_model *m = im->model;
    const int named = m && quell_model_class_name(m, 0), counted = list->folder_count && all_numbers(list);
    size_t known = 0;
    char missing[160] = "", names[160] = "";
    for (size_t i = 0; i < list->folder_count; i++) {
        numbers[i] = named ? labels_class(m, list->folders[i]) : -1;
        known += numbers[i] >= 0;
        if (numbers[i] < 0 && !*missing)
            add_name(missing, sizeof missing, list->folders[i]);
    }
    for (uint32_t c = 0; named && c < m->info.classes && strlen(names) < 100; c++)
        add_name(names, sizeof names, quell_model_class_name(m, c));
    if (named && known == list->folder_count)
        return QUELL_OK;
    if (named && known)
        return quell_fail(err, QUELL_E_IMAGES, "%s: the folder '%s' is named like none of the network's classes (%s, ...)", path, missing, names);
    for (size_t i = 0; i < list->folder_count; i++)
        numbers[i] = counted ? labels_number(list->folders[i]) : named ? -1 : (int32_t)i;
    if (named && !counted && list->folder_count)
        images_note(im, "%.160s: no folder is named like one of the network's classes (%s, ...): the images count as unlabelled", path, names);
    else if (!counted && m && list->folder_count && list->folder_count != m->info.classes)
        images_note(im, "%.200s has %zu folders, the network %u classes (without names): the folders are numbered from 0 in alphabetical order", path, list->folder_count, m->info.classes);
    return QUELL_OK;
}

static quell_status label_folders(struct quell_images *im, struct list *list, const char *path, quell_error *err)
{
    int32_t *numbers = malloc((list->folder_count + 1) * sizeof *numbers);
    quell_status status = numbers ? number_folders(im, list, path, numbers, err) : quell_fail(err, QUELL_E_MEMORY, "out of memory");
    for (size_t i = 0; status == QUELL_OK && i < list->count; i++)
        list->entries[i].label = list->entries[i].folder < 0 ? -1 : numbers[list->entries[i].folder];
    free(numbers);
    return status;
}

/* From CSV: a label for every picture. */
static quell_status label_files(struct quell_images *im, struct list *list, const char *path, const struct labels *labels, quell_error *err)
{
    size_t used = 0;
    if (!labels->named)
        return quell_fail(err, QUELL_E_IMAGES, "%s is a list without file names, and %s a folder: give lines file,label", labels->path, path);
    for (size_t i = 0; i < list->count; i++) {
        struct label *found = labels_find(labels, list->entries[i].path);
        if (!found)
            return quell_fail(err, QUELL_E_IMAGES, "%s has no label for %s", labels->path, list->entries[i].path);
        used += !found->used;
        found->used = 1;
        list->entries[i].label = found->label;
    }
    if (used < labels->count)
        images_note(im, "%.150s labels %zu files that are not in %.150s", labels->path, labels->count - used, path);
    return QUELL_OK;
}

/* ---- the pictures ---- */

static int by_rank(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;
    if (x->rank != y->rank)
        return x->rank < y->rank ? -1 : 1;
    return x->folder != y->folder ? (x->folder < y->folder ? -1 : 1) : strcmp(x->path, y->path);
}

static uint32_t resize_of(const struct quell_images *im) { return im->model ? im->model->input.meaning.resize : 0; }

static quell_status other_size(struct quell_images *im, const char *path, const struct picture *p, quell_error *err)
{
    const uint32_t h = im->info.h, w = im->info.w;
    if (!im->model)
        return images_bad(im, err, "%s is %u x %u; the images before it are %u x %u", path, p->h, p->w, h, w);
    if (resize_of(im))
        return images_bad(im, err, "%s would be %u x %u with a short side of %u; the model wants %u x %u: give a longer --input-resize", path, p->h, p->w, resize_of(im), h, w);
    return images_bad(im, err, "%s is %u x %u; the model wants %u x %u (--input-resize %u would make pictures of any size fit, and cut off what is beside their middle)", path, p->h, p->w, h, w, h > w ? h : w);
}

/* No picture can fit: said once, not of each. */
static quell_status check_resize(const struct quell_images *im, quell_error *err)
{
    const uint32_t side = resize_of(im), h = im->info.h, w = im->info.w, least = h < w ? h : w;
    if (side && side < least)
        return quell_fail(err, QUELL_E_IMAGES, "pictures with a short side of %u (--input-resize) are too small for the model, which wants %u x %u", side, h, w);
    return QUELL_OK;
}

static quell_status read_entry(struct quell_images *im, const struct entry *e, quell_error *err)
{
    uint8_t *data;
    size_t size;
    quell_error reason;
    /* A set whose first pictures are grey may still become one of colours, if nobody has said what is wanted. */
    const uint32_t resize = resize_of(im);
    struct picture picture = {.h = resize ? 0 : im->info.h, .w = resize ? 0 : im->info.w, .c = im->model || im->info.c == 3 ? im->info.c : 0};
    quell_status status = quell_file_read(e->path, FILE_MAX, &data, &size, &reason);
    if (status != QUELL_OK)
        return status == QUELL_E_MEMORY ? quell_fail(err, status, "%s", reason.text) : images_bad(im, err, "%s", reason.text);
    enum picture_result result = picture_decode(data, size, &picture);
    free(data);
    if (result == PICTURE_GOOD && resize && (result = picture_resize(&picture, resize, im->info.h, im->info.w)) != PICTURE_GOOD)
        picture_free(&picture);
    if (result == PICTURE_BAD)
        return images_bad(im, err, "%s is not a PNG or JPEG image, or it is damaged (%s)", e->path, picture.reason);
    if (result == PICTURE_OTHER_SIZE)
        return other_size(im, e->path, &picture, err);
    int good = result == PICTURE_GOOD;
    if (good && picture.c == 3 && im->info.c == 1)
        good = images_colour(im);
    uint8_t *pixels = good && images_size(im, picture.h, picture.w, picture.c) ? images_append(im, e->label) : NULL;
    if (pixels)
        memcpy(pixels, picture.pixels, (size_t)picture.h * picture.w * picture.c);
    else
        status = quell_fail(err, QUELL_E_MEMORY, "out of memory for the images");
    picture_free(&picture);
    return status;
}

static quell_status read_list(struct quell_images *im, const struct list *list, quell_error *err)
{
    quell_status status = QUELL_OK;
    for (size_t i = 0; status == QUELL_OK && i < list->count && im->info.count < im->limit; i++)
        status = read_entry(im, &list->entries[i], err);
    return status;
}

quell_status images_read_folder(struct quell_images *im, const char *path, const struct labels *labels, quell_error *err)
{
    struct list list = {0};
    quell_status status = check_resize(im, err);
    im->pictures = 1;
    if (status == QUELL_OK)
        status = list_folder(&list, path, -1, err);
    if (status == QUELL_OK && list.count == 0)
        status = quell_fail(err, QUELL_E_IMAGES, "the folder %s holds no images: expected PNG or JPEG files in a folder per class, or CIFAR-10's .bin files", path);
    if (status == QUELL_OK)
        status = labels ? label_files(im, &list, path, labels, err) : label_folders(im, &list, path, err);
    if (list.count)
        qsort(list.entries, list.count, sizeof *list.entries, by_rank);
    if (status == QUELL_OK)
        status = read_list(im, &list, err);
    list_free(&list);
    return status;
}

quell_status images_read_picture(struct quell_images *im, const char *path, const struct labels *labels, quell_error *err)
{
    struct entry entry = {.path = (char *)(uintptr_t)path, .label = -1};
    const struct label *found = labels && labels->named ? labels_find(labels, path) : NULL;
    if (labels && !found && (labels->named || labels->count != 1))
        return quell_fail(err, QUELL_E_IMAGES, "%s has no label for %s", labels->path, path);
    if (labels)
        entry.label = found ? found->label : labels->entries[0].label;
    im->pictures = 1;
    quell_status status = check_resize(im, err);
    return status == QUELL_OK ? read_entry(im, &entry, err) : status;
}
