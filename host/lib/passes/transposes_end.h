/* SPDX-License-Identifier: Apache-2.0 */
/* Inside transposes.c: where a transpose ends, in an operator that takes it in or as another shape of the same numbers. */
#ifndef QUELL_PASSES_TRANSPOSES_END_H
#define QUELL_PASSES_TRANSPOSES_END_H

#include "tools.h"

/* An operator on each element alone, its other inputs for all elements. */
int transpose_passes(const struct graph_node *n);
/* Transpose(x), in front of `before`, named for node n. */
struct graph_tensor *transpose_of(struct graph *g, struct graph_node *n, struct graph_node *before, struct graph_tensor *x, size_t rank, const int64_t *perm);

/* Only dimensions of one element change places. */
int transpose_moves_ones(const struct graph_tensor *x, const int64_t *perm);
/* Nothing changes place, or only ones with ones: the result is what goes in. */
int transpose_keeps_all(const struct graph_tensor *x, size_t rank, const int64_t *perm);
quell_status transpose_as_reshape(struct graph *g, struct graph_node *n, quell_error *err);
/* A Transpose that is the image's only reader and makes N x C x H x W of N x H x W x C: gone, and the input is known to be that. -> 0: it is not one. */
int transpose_of_image(struct graph *g, struct graph_node *n);

quell_status transpose_into_reduce(struct graph *g, struct graph_node *n, struct graph_node *reduce, size_t rank, const int64_t *perm, quell_error *err);
/* The product that reads a flattened tensor, past what works on each element alone; NULL: something else reads it. */
struct graph_node *transpose_product_behind(const struct graph_tensor *t);
quell_status transpose_into_product(struct graph *g, struct graph_node *n, struct graph_node *flat, const int64_t *perm, quell_error *err);

#endif
