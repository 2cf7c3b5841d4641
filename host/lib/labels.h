/* SPDX-License-Identifier: Apache-2.0 */
/* Inside libquell: labels from a file: IDX; a list, one a line; or CSV, file,label a line. A label is a number or one of the network's class names. */
#ifndef QUELL_LABELS_H
#define QUELL_LABELS_H

#include "model.h"

struct label {
    char *file; /* NULL: in the images' order */
    int32_t label;
    int used;
};

struct labels {
    const char *path;
    uint32_t count;
    int named; /* every entry has a file */
    int more;  /* the heading names further columns: they are left alone */
    struct label *entries;
};

/* model: for class names; may be NULL. The set lives until labels_free; path must live as long. */
quell_status labels_read(struct labels *labels, const char *path, const quell_model *model, quell_error *err);
void labels_free(struct labels *labels);
/* The entry of a file, by its whole path or else by the longest end of it, from a slash on, that the set has; NULL: none. */
struct label *labels_find(const struct labels *labels, const char *file);

/* The class of that name, letter case and signs apart ("T-shirt/top" is t_shirt_top too); -1: none, or the model names none. */
int32_t labels_class(const quell_model *model, const char *name);
/* The whole number, at most QUELL_LABEL_MAX; -1: it is none. */
int32_t labels_number(const char *text);

#endif
