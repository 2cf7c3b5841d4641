/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shapes and element types of what is computed, as far as they are needed; nodes stay as they are.
 *   before   y = Conv(x: 1 x 3 x 16 x 16, w: 8 x 3 x 3 x 3)
 *   after    y: 1 x 8 x 14 x 14
 */
#include <string.h>

#include "shape_moves.h"

static int one_of(const char *op, const char *const *names)
{
    while (*names && strcmp(*names, op) != 0)
        names++;
    return *names != NULL;
}

static int broadcast(const struct graph_node *n, struct graph_tensor *y)
{
    int64_t dims[GRAPH_RANK_MAX];
    size_t rank = 0;
    for (size_t i = 0; i < n->input_count; i++) {
        if (!pass_shaped(graph_in(n, i)))
            return 0;
        rank = graph_in(n, i)->rank > rank ? graph_in(n, i)->rank : rank;
    }
    for (size_t d = 0; d < rank; d++) {
        dims[d] = 1;
        for (size_t i = 0; i < n->input_count; i++) {
            const struct graph_tensor *x = graph_in(n, i);
            int64_t own = d + x->rank >= rank ? x->dims[d + x->rank - rank] : 1;
            if (own != 1 && dims[d] != 1 && own != dims[d])
                return 0;
            dims[d] = own != 1 ? own : dims[d];
        }
    }
    return shape_set(y, rank, dims);
}

/* Sizes behind a window of `kernel` elements: convolution and pooling. */
static int windows(const struct graph_node *n, const int64_t *kernel, int64_t *dims)
{
    size_t count;
    const int64_t *strides = graph_attr_ints(n, "strides", &count);
    strides = count == 2 ? strides : NULL;
    const int64_t *dilations = graph_attr_ints(n, "dilations", &count);
    dilations = count == 2 ? dilations : NULL;
    const int64_t *pads = graph_attr_ints(n, "pads", &count);
    pads = count == 4 ? pads : NULL;
    const char *mode = graph_attr_text(n, "auto_pad", "NOTSET");
    for (int i = 0; i < 2; i++) {
        int64_t stride = strides ? strides[i] : 1, room = dims[2 + i], size = room, before = 0;
        if (stride < 1 || kernel[i] < 1 || kernel[i] > GRAPH_ELEMENTS_MAX || stride > GRAPH_ELEMENTS_MAX || (dilations && (dilations[i] < 1 || dilations[i] > GRAPH_ELEMENTS_MAX)))
            return 0;
        if (strncmp(mode, "SAME", 4) == 0) {
            dims[2 + i] = (room + stride - 1) / stride;
            continue;
        }
        if (pads && strcmp(mode, "VALID") != 0) {
            if (pads[i] < 0 || pads[i + 2] < 0 || pads[i] > GRAPH_ELEMENTS_MAX || pads[i + 2] > GRAPH_ELEMENTS_MAX)
                return 0;
            before = pads[i];
            room += before + pads[i + 2];
        }
        room -= (kernel[i] - 1) * (dilations ? dilations[i] : 1) + 1;
        if (room < 0)
            return 0;
        dims[2 + i] = room / stride + 1;
        if (graph_attr_int(n, "ceil_mode", 0) && room % stride && dims[2 + i] * stride < size + before) /* one more, if it begins in the frame */
            dims[2 + i]++;
    }
    return 1;
}

static int conv(const struct graph_node *n, struct graph_tensor *y)
{
    const struct graph_tensor *x = graph_in(n, 0), *w = graph_in(n, 1);
    if (!pass_shaped(x) || !pass_shaped(w) || x->rank != 4 || w->rank != 4)
        return 0;
    int64_t dims[4] = {x->dims[0], w->dims[0], x->dims[2], x->dims[3]};
    return windows(n, w->dims + 2, dims) && shape_set(y, 4, dims);
}

static int pool(const struct graph_node *n, struct graph_tensor *y)
{
    const struct graph_tensor *x = graph_in(n, 0);
    size_t count;
    const int64_t *kernel = graph_attr_ints(n, "kernel_shape", &count);
    if (!pass_shaped(x) || x->rank != 4 || count != 2)
        return 0;
    int64_t dims[4] = {x->dims[0], x->dims[1], x->dims[2], x->dims[3]};
    return windows(n, kernel, dims) && shape_set(y, 4, dims);
}

static int product(const struct graph_node *n, struct graph_tensor *y)
{
    const struct graph_tensor *x = graph_in(n, 0), *w = graph_in(n, 1);
    if (!pass_shaped(x) || !pass_shaped(w) || w->rank != 2 || x->rank < 1)
        return 0;
    int64_t dims[GRAPH_RANK_MAX];
    memcpy(dims, x->dims, sizeof dims);
    dims[x->rank - 1] = w->dims[pass_output_axis(n)];
    return shape_set(y, x->rank, dims);
}

static int infer(const struct graph_node *n, struct graph_tensor *y)
{
    static const char *const SAME[] = {"QuantizeLinear", "DequantizeLinear", "Relu", "Clip", "Identity", "Dropout", "Cast", "LeakyRelu", "Sigmoid", "HardSigmoid", "HardSwish", "Tanh", "Softmax", "LogSoftmax",
                                       "BatchNormalization", "Neg", "Abs", "Sqrt", "Elu", "Selu", "Gelu", "PRelu", "Celu", "ThresholdedRelu", "Softplus", "Softsign", "Mish", "Exp", "Log", "Erf", "Reciprocal", "Sign", "Floor", "Ceil", "Round", NULL};
    static const char *const BROADCAST[] = {"Add", "Sub", "Mul", "Div", "Min", "Max", "Pow", NULL};
    static const char *const GLOBAL[] = {"GlobalAveragePool", "GlobalMaxPool", NULL};
    static const char *const REDUCE[] = {"ReduceMean", "ReduceMax", "ReduceSum", NULL};
    const struct graph_tensor *x = graph_in(n, 0);
    if (!x)
        return 0;
    if (strcmp(n->domain, "quell") == 0 && strcmp(n->op, "Concat") == 0)
        return y->shaped; /* pass_concat knows it */
    if (one_of(n->op, SAME) || strcmp(n->domain, "quell") == 0)
        return pass_shaped(x) && shape_set(y, x->rank, x->dims);
    if (one_of(n->op, BROADCAST))
        return broadcast(n, y);
    if (one_of(n->op, GLOBAL)) {
        if (!pass_shaped(x) || x->rank != 4)
            return 0;
        const int64_t dims[4] = {x->dims[0], x->dims[1], 1, 1};
        return shape_set(y, 4, dims);
    }
    if (one_of(n->op, REDUCE))
        return shape_reduce(n, y);
    if (strcmp(n->op, "Conv") == 0)
        return conv(n, y);
    if (strcmp(n->op, "MaxPool") == 0 || strcmp(n->op, "AveragePool") == 0)
        return pool(n, y);
    if (strcmp(n->op, "Gemm") == 0 || strcmp(n->op, "MatMul") == 0)
        return product(n, y);
    if (strcmp(n->op, "Flatten") == 0)
        return shape_flatten(n, y);
    if (strcmp(n->op, "Reshape") == 0)
        return shape_reshape(n, y);
    if (strcmp(n->op, "Squeeze") == 0 || strcmp(n->op, "Unsqueeze") == 0)
        return shape_squeeze(n, y, n->op[0] == 'U');
    if (strcmp(n->op, "Transpose") == 0)
        return shape_transpose(n, y);
    if (strcmp(n->op, "Concat") == 0)
        return shape_concat(n, y);
    return strcmp(n->op, "Pad") == 0 && shape_pad(n, y);
}

static enum graph_type type_of(const struct graph_node *n)
{
    if (graph_is(n, "QuantizeLinear") || pass_table_codes(n) || (strcmp(n->domain, "quell") == 0 && strcmp(n->op, "Concat") == 0 && graph_in(n, 2)))
        return graph_in(n, 2) ? graph_in(n, 2)->type : graph_out(n)->type;
    if (graph_is(n, "DequantizeLinear"))
        return graph_in(n, 1) ? graph_in(n, 1)->type : GRAPH_FLOAT;
    if (graph_is(n, "Cast"))
        return (enum graph_type)graph_attr_int(n, "to", 0);
    if (graph_is(n, "Shape") || graph_is(n, "ArgMax"))
        return GRAPH_INT64;
    return graph_in(n, 0) ? graph_in(n, 0)->type : GRAPH_UNKNOWN;
}

quell_status pass_shapes(struct graph *g, quell_error *err)
{
    (void)err;
    for (struct graph_node *n = g->first; n; n = n->next) {
        struct graph_tensor *y = graph_out(n);
        if (!y)
            continue;
        y->type = type_of(n);
        y->shaped = infer(n, y);
    }
    return QUELL_OK;
}
