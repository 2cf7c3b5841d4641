/* SPDX-License-Identifier: Apache-2.0 */
/* One node of constants as a constant, with ONNX's meaning by element type. */
#ifndef QUELL_PASSES_FOLD_H
#define QUELL_PASSES_FOLD_H

#include "tools.h"

/* NULL: not one of the operators known, or its shapes do not fit. */
struct graph_tensor *fold_node(struct graph *g, const struct graph_node *node);
/* The same operator on another constant in place of its first input. */
struct graph_tensor *fold_on(struct graph *g, const struct graph_node *node, const struct graph_tensor *x);

#endif
