/* SPDX-License-Identifier: Apache-2.0 */
/* Labels from a file; see labels.h. */
#include "labels.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "file.h"
#include "idx.h"

enum { FILE_MAX = 1 << 28, LABEL_MAX = 65534 };

/* ---- names and numbers ---- */

static int same_name(const char *a, const char *b)
{
    for (;; a++, b++) {
        int x = isalnum((unsigned char)*a) || (*a & 0x80) ? tolower((unsigned char)*a) : *a ? '_' : 0;
        int y = isalnum((unsigned char)*b) || (*b & 0x80) ? tolower((unsigned char)*b) : *b ? '_' : 0;
        if (x != y)
            return 0;
        if (!x)
            return 1;
    }
}

int32_t labels_class(const quell_model *model, const char *name)
{
    const char *own;
    int32_t like = -1;
    for (uint32_t i = 0; model && (own = quell_model_class_name(model, i)); i++) {
        if (strcmp(own, name) == 0)
            return (int32_t)i;
        if (like < 0 && same_name(own, name))
            like = (int32_t)i;
    }
    return like;
}

int32_t labels_number(const char *text)
{
    int32_t value = 0;
    if (!*text)
        return -1;
    for (; *text; text++) {
        if (*text < '0' || *text > '9' || (value = value * 10 + (*text - '0')) > LABEL_MAX)
            return -1;
    }
    return value;
}

/* ---- the set ---- */

static int by_file(const void *a, const void *b) { return strcmp(((const struct label *)a)->file, ((const struct label *)b)->file); }

void labels_free(struct labels *l)
{
    for (uint32_t i = 0; i < l->count; i++)
        free(l->entries[i].file);
    free(l->entries);
    *l = (struct labels){0};
}

static struct label *find_exactly(const struct labels *l, const char *file)
{
    struct label key = {.file = (char *)(uintptr_t)file};
    return l->count ? bsearch(&key, l->entries, l->count, sizeof key, by_file) : NULL;
}

struct label *labels_find(const struct labels *l, const char *file)
{
    struct label *found = NULL;
    for (const char *rest = file; rest && !found; rest = strchr(rest, '/') ? strchr(rest, '/') + 1 : NULL)
        found = find_exactly(l, rest);
    return found;
}

static int labels_add(struct labels *l, uint32_t *room, const char *file, int32_t label)
{
    if (l->count == *room) {
        uint32_t more = *room ? *room * 2 : 256;
        struct label *entries = realloc(l->entries, more * sizeof *entries);
        if (!entries)
            return 0;
        l->entries = entries;
        *room = more;
    }
    char *copy = file ? strdup(file) : NULL;
    if (file && !copy)
        return 0;
    l->entries[l->count++] = (struct label){.file = copy, .label = label};
    return 1;
}

/* ---- IDX ---- */

static quell_status read_idx(struct labels *l, quell_error *err)
{
    struct idx f;
    quell_status status = idx_open(&f, l->path, 1, 1, 4, "labels", err);
    uint32_t room = 0;
    if (status != QUELL_OK)
        return status;
    for (uint32_t i = 0; status == QUELL_OK && i < f.size[0]; i++) {
        uint8_t bytes[4] = {0};
        uint32_t value = 0;
        if (idx_read(&f, bytes, f.bytes) != f.bytes)
            status = quell_fail(err, QUELL_E_IMAGES, "%s is truncated or damaged: it should hold %u labels, and label %u cannot be read", l->path, f.size[0], i);
        for (uint32_t k = 0; k < f.bytes; k++)
            value = value << 8 | bytes[k];
        if (status == QUELL_OK && value > LABEL_MAX)
            status = quell_fail(err, QUELL_E_IMAGES, "%s: label %u is %u; labels go from 0 to %d", l->path, i, value, LABEL_MAX);
        if (status == QUELL_OK && !labels_add(l, &room, NULL, (int32_t)value))
            status = quell_fail(err, QUELL_E_MEMORY, "out of memory for the labels of %s", l->path);
    }
    idx_close(&f);
    return status;
}

/* ---- text ---- */

/* The next field of a line, unquoted in place; *at moves behind it. -> NULL: a quote is not closed, or something follows one. */
static char *take_field(char **at)
{
    char *start = *at, *to = start, *from = start;
    if (*from != '"') {
        from += strcspn(from, ",");
        to = from;
        while (to > start && (to[-1] == ' ' || to[-1] == '\t'))
            to--;
        while (start < to && (*start == ' ' || *start == '\t'))
            start++;
    } else {
        for (from++; *from && (*from != '"' || from[1] == '"'); from++) {
            from += *from == '"';
            *to++ = *from;
        }
        if (*from++ != '"' || (*from && *from != ','))
            return NULL;
    }
    *at = *from ? from + 1 : NULL;
    *to = 0;
    return start;
}

static int is_heading(const char *label)
{
    static const char *const WORDS[] = {"label", "labels", "class", "class_id", "class_name", "category", "target"};
    for (size_t i = 0; i < sizeof WORDS / sizeof *WORDS; i++)
        if (strcasecmp(label, WORDS[i]) == 0)
            return 1;
    return 0;
}

static quell_status read_line(struct labels *l, uint32_t *room, char *line, uint32_t number, const quell_model *model, quell_error *err)
{
    char *rest = line, *first = take_field(&rest), *second = first && rest ? take_field(&rest) : NULL;
    const char *label = second ? second : first, *file = second ? first : NULL;
    if (number == 1 && first && is_heading(label)) {
        l->more = second && rest;
        return QUELL_OK;
    }
    if (!first || (!second && strchr(line, ',')) || (rest && !l->more))
        return quell_fail(err, QUELL_E_IMAGES, "%s, line %u: expected a label, or file,label (and further columns only where the first line names them)", l->path, number);
    int32_t value = labels_number(label);
    if (value < 0)
        value = labels_class(model, label);
    if (value < 0)
        return quell_fail(err, QUELL_E_IMAGES, "%s, line %u: '%.60s' is neither a number from 0 to %d nor %s", l->path, number, label, LABEL_MAX,
                          model && quell_model_class_name(model, 0) ? "one of the network's classes" : "a class name (the network has none)");
    if (file && !*file)
        return quell_fail(err, QUELL_E_IMAGES, "%s, line %u: the file's name is empty", l->path, number);
    if (l->count && l->named != (file != NULL))
        return quell_fail(err, QUELL_E_IMAGES, "%s, line %u: lines with and without a file's name are mixed", l->path, number);
    l->named = file != NULL;
    while (file && file[0] == '.' && file[1] == '/')
        file += 2;
    return labels_add(l, room, file, value) ? QUELL_OK : quell_fail(err, QUELL_E_MEMORY, "out of memory for the labels of %s", l->path);
}

static quell_status read_text(struct labels *l, char *text, size_t size, const quell_model *model, quell_error *err)
{
    uint32_t room = 0, number = 0;
    quell_status status = QUELL_OK;
    if (memchr(text, 0, size))
        return quell_fail(err, QUELL_E_IMAGES, "%s is neither an IDX file of labels nor text (CSV lines file,label, or a label a line)", l->path);
    char *line = text + (strncmp(text, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0);
    while (status == QUELL_OK && line && *line) {
        char *next = strchr(line, '\n');
        if (next)
            *next++ = 0;
        size_t length = strlen(line);
        if (length && line[length - 1] == '\r')
            line[--length] = 0;
        number++;
        if (line[strspn(line, " \t")])
            status = read_line(l, &room, line, number, model, err);
        line = next;
    }
    if (status != QUELL_OK || !l->named)
        return status;
    qsort(l->entries, l->count, sizeof *l->entries, by_file);
    for (uint32_t i = 1; i < l->count; i++)
        if (strcmp(l->entries[i - 1].file, l->entries[i].file) == 0)
            return quell_fail(err, QUELL_E_IMAGES, "%s labels the file '%.200s' twice", l->path, l->entries[i].file);
    return QUELL_OK;
}

quell_status labels_read(struct labels *l, const char *path, const quell_model *model, quell_error *err)
{
    uint8_t *data, head[4];
    size_t size;
    *l = (struct labels){.path = path};
    FILE *f = fopen(path, "rb");
    if (!f)
        return quell_fail(err, QUELL_E_IMAGES, "cannot read the labels %s: %s", path, strerror(errno));
    size = fread(head, 1, sizeof head, f);
    fclose(f);
    quell_status status;
    if (idx_is(head, size)) {
        status = read_idx(l, err);
    } else {
        status = quell_file_read(path, FILE_MAX, &data, &size, err);
        if (status != QUELL_OK)
            return status == QUELL_E_FILE && err ? (err->status = QUELL_E_IMAGES) : status;
        status = read_text(l, (char *)data, size, model, err);
        free(data);
    }
    if (status == QUELL_OK && l->count == 0)
        status = quell_fail(err, QUELL_E_IMAGES, "there is no label in %s", path);
    if (status != QUELL_OK)
        labels_free(l);
    return status;
}
