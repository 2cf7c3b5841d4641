/* SPDX-License-Identifier: Apache-2.0 */
/* Inside the TensorFlow Lite reader: what it knows of a file, and its tensors. */
#ifndef QUELL_TFLITE_TENSOR_H
#define QUELL_TFLITE_TENSOR_H

#include "flatbuffer.h"
#include "graph.h"

struct tflite {
    struct fb file;
    struct graph *g;
    struct fb_vector codes, tensors, buffers; /* operator codes; tensors of the only subgraph */
    struct graph_tensor **made;               /* [tensors] */
    const char *node;                         /* name of the present operator */
    quell_error *err;
};

#define FAIL(r, status, ...) quell_fail((r)->err, status, __VA_ARGS__)
#define NO_MEMORY(r) FAIL(r, QUELL_E_MEMORY, "out of memory")

/* Make tensor i: of a constant with its elements. */
quell_status tflite_tensor(struct tflite *r, size_t i);
/* Scales and zero points of a tensor as constants; *scale NULL: it has none. */
quell_status tflite_quantisation(struct tflite *r, size_t i, struct graph_tensor **scale, struct graph_tensor **zero, int64_t *axis);

#endif
