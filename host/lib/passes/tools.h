/* SPDX-License-Identifier: Apache-2.0 */
/* What passes have in common: looking at constants, making nodes. */
#ifndef QUELL_PASSES_TOOLS_H
#define QUELL_PASSES_TOOLS_H

#include "passes.h"

#define PASS_LABEL(node) (graph_label(node, (char[200]){0}, 200))

/* `quell_fail` when memory is out or the graph has grown beyond its limit. */
quell_status pass_full(quell_error *err);

static inline int pass_is_const(const struct graph_tensor *t) { return t && t->data && graph_type_bytes(t->type); }
/* A constant of one element. */
int pass_scalar(const struct graph_tensor *t, double *value);
int pass_same_constant(const struct graph_tensor *a, const struct graph_tensor *b);
/* All dimensions are known, and the elements countable. */
int pass_shaped(const struct graph_tensor *t);
/* `to` gets the shape of `from`, as far as that is known. */
void pass_take_shape(struct graph_tensor *to, const struct graph_tensor *from);
int64_t pass_axis(int64_t axis, size_t rank); /* negative ones count from the end; -1: out of range */

struct graph_tensor *pass_float(struct graph *g, const char *name, enum graph_type type, double value); /* a scalar */
/* A node of one output of that name in front of `before`; inputs NULL-terminated after the first. -> the output. */
struct graph_tensor *pass_node(struct graph *g, const char *op, const char *name, struct graph_node *before, size_t count, struct graph_tensor *const *inputs);
/* A node like `node`, attributes and inputs too, in front of `before`; its outputs are new. */
struct graph_node *pass_clone(struct graph *g, const struct graph_node *node, struct graph_node *before);
/* Readers of the node's output read its input instead; the node goes. */
void pass_bypass(struct graph *g, struct graph_node *node);

/* The DequantizeLinear of a constant that makes this tensor; NULL if it is not made so. */
struct graph_node *pass_dequantised(const struct graph_tensor *t);
/* Convolution, Gemm or MatMul with its weights behind DequantizeLinear: the axis of the weights' outputs; -1 if it is none of them. */
int64_t pass_output_axis(const struct graph_node *node);
/* Scale and zero point of a Q or DQ: two scalars. */
int pass_quantisation(const struct graph_node *node, double *scale, double *zero);
/* Channels and pixels of an activation, flat or not; 0: not known. */
int pass_channels(const struct graph_tensor *x, int64_t *channels, int64_t *pixels);
/* An elementwise operator of one tensor that the chip does with a table. */
int pass_is_function(const struct graph_node *node);
/* quell.Table, which pass_table makes: codes, scale, zero point (both of its result), int8 codes by the code q & 255 -> codes. NULL: it is none, or not such. */
const int8_t *pass_table_codes(const struct graph_node *node);
/* The only reader of a tensor, or NULL. */
struct graph_node *pass_sole_reader(const struct graph_tensor *t);

#endif
