/* SPDX-License-Identifier: Apache-2.0 */
/* Inside fold.c: operators on constants that move elements and compute nothing, and what all foldings make their results with. */
#ifndef QUELL_PASSES_FOLD_MOVES_H
#define QUELL_PASSES_FOLD_MOVES_H

#include "tools.h"

int fold_is_float(enum graph_type type);
/* A constant of the name of the node's output; NULL: more elements than there may be, or no type that is known. */
struct graph_tensor *fold_like(struct graph *g, const struct graph_node *n, enum graph_type type, size_t rank, const int64_t *dims);
void fold_copy_element(struct graph_tensor *to, size_t i, const struct graph_tensor *from, size_t k);

/* NULL as in fold.h. */
struct graph_tensor *fold_transpose(struct graph *g, const struct graph_node *n, const struct graph_tensor *x);
struct graph_tensor *fold_concat(struct graph *g, const struct graph_node *n);
struct graph_tensor *fold_gather(struct graph *g, const struct graph_node *n);
struct graph_tensor *fold_slice(struct graph *g, const struct graph_node *n); /* of one dimension, as shapes are taken apart */
struct graph_tensor *fold_constant_of_shape(struct graph *g, const struct graph_node *n);

#endif
