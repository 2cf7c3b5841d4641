/* SPDX-License-Identifier: Apache-2.0 */
/* Inside shapes.c: shapes behind operators that take dimensions away, add them or change their order. Each: 1, or 0: not known. */
#ifndef QUELL_PASSES_SHAPE_MOVES_H
#define QUELL_PASSES_SHAPE_MOVES_H

#include "tools.h"

/* -> 1. */
int shape_set(struct graph_tensor *t, size_t rank, const int64_t *dims);

int shape_reduce(const struct graph_node *n, struct graph_tensor *y);
int shape_flatten(const struct graph_node *n, struct graph_tensor *y);
int shape_reshape(const struct graph_node *n, struct graph_tensor *y);
int shape_squeeze(const struct graph_node *n, struct graph_tensor *y, int add); /* add: Unsqueeze */
int shape_transpose(const struct graph_node *n, struct graph_tensor *y);
int shape_concat(const struct graph_node *n, struct graph_tensor *y);
int shape_pad(const struct graph_node *n, struct graph_tensor *y);

#endif
