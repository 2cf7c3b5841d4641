/* SPDX-License-Identifier: Apache-2.0 */
/* y = factor[c] * x + offset[c]: what multiplies or adds constants, and folding it into weights and bias. */
#ifndef QUELL_PASSES_AFFINE_H
#define QUELL_PASSES_AFFINE_H

#include "tools.h"

struct affine {
    struct graph_tensor *x;
    size_t channels;
    double *factor, *offset; /* [channels] */
    int uniform;             /* the same for all */
};

/* Mul, Div, Add or Sub of a computed tensor and a constant: 1 and *a is filled; 0: it is something else. A constant that is not one number or one a channel is refused. */
quell_status affine_read(struct graph *g, const struct graph_node *n, struct affine *a, int *found, quell_error *err);

/* Convolution, Gemm or MatMul whose weights are plain (pass_weights). */
int affine_can_fold(const struct graph_node *n);
quell_status affine_fold(struct graph *g, struct graph_node *n, const struct affine *a, quell_error *err);

#endif
