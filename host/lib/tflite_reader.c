/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TensorFlow Lite to a graph. Its tensors are N x H x W x C codes; an operator of two dimensions stands between two Transposes, which the passes take
 * away. Slot numbers are those of TensorFlow's schema (version 3).
 *
 *   q2 = CONV_2D(q1, w: O H W I, b) RELU  ->  q2 = Quantize(Transpose(Relu(Conv(Transpose(Dequantize(q1)), Transpose(Dequantize(w)), Dequantize(b)))))
 */
#include "tflite_tensor.h"

#include <stdlib.h>
#include <string.h>

#include "tflite_reader.h"

enum { TENSORS_MAX = 1 << 14, OPERATORS_MAX = 1 << 11 };
enum { SAME, VALID };
static const int64_t TO_NCHW[4] = {0, 3, 1, 2}, TO_NHWC[4] = {0, 2, 3, 1}, DEPTHWISE[4] = {3, 0, 1, 2};

/* ---- nodes ---- */

static struct graph_tensor *node(struct tflite *r, const char *op, size_t count, struct graph_tensor *const *inputs)
{
    struct graph_node *n = graph_node(r->g, op, "", r->node, count, 1, NULL);
    struct graph_tensor *y = n ? graph_tensor(r->g, r->node, GRAPH_UNKNOWN) : NULL;
    for (size_t i = 0; y && i < count; i++)
        graph_set_input(n, i, inputs[i]);
    if (y)
        graph_set_output(n, 0, y);
    return y;
}

static struct graph_tensor *unary(struct tflite *r, const char *op, struct graph_tensor *x) { return x ? node(r, op, 1, &x) : NULL; }

static struct graph_tensor *transpose(struct tflite *r, struct graph_tensor *x, const int64_t *perm)
{
    struct graph_tensor *y = unary(r, "Transpose", x);
    return y && graph_set_ints(r->g, y->producer, "perm", 4, perm) ? y : NULL;
}

static struct graph_tensor *integers(struct tflite *r, size_t count, const int64_t *values)
{
    const int64_t dims = (int64_t)count;
    struct graph_tensor *t = graph_constant(r->g, r->node, GRAPH_INT64, 1, &dims);
    for (size_t i = 0; t && i < count; i++)
        graph_put_int(t, i, values[i]);
    return t;
}

/* Input `index` as a real value; weights and biases too. */
static quell_status real(struct tflite *r, struct fb_vector inputs, size_t index, struct graph_tensor **x)
{
    struct graph_tensor *scale, *zero;
    int64_t i = fb_number_of(inputs, index), axis;
    *x = NULL;
    if (index >= inputs.count || i < 0 || (size_t)i >= r->tensors.count)
        return FAIL(r, QUELL_E_MODEL, "operator '%s' has no input %zu", r->node, index);
    TRY(tflite_quantisation(r, (size_t)i, &scale, &zero, &axis));
    struct graph_tensor *t = r->made[i], *const list[] = {t, scale, zero};
    *x = scale ? node(r, "DequantizeLinear", t->type == GRAPH_INT32 ? 2 : 3, list) : t;
    if (!*x || (scale && !graph_set_int(r->g, (*x)->producer, "axis", axis)))
        return NO_MEMORY(r);
    return QUELL_OK;
}

static struct graph_tensor *activated(struct tflite *r, struct graph_tensor *x, int64_t activation)
{
    double low = activation == 2 ? -1 : 0, high = activation == 2 ? 1 : 6;
    if (!x || activation == 0)
        return x;
    if (activation == 1)
        return unary(r, "Relu", x);
    struct graph_tensor *limits[3] = {x, graph_constant(r->g, r->node, GRAPH_FLOAT, 0, NULL), graph_constant(r->g, r->node, GRAPH_FLOAT, 0, NULL)};
    if ((activation != 2 && activation != 3) || !limits[1] || !limits[2])
        return unary(r, "FusedActivation", x); /* refused by the walk */
    graph_put(limits[1], 0, low);
    graph_put(limits[2], 0, high);
    return node(r, "Clip", 3, limits);
}

/* The operator's result becomes its output tensor. */
static quell_status finish(struct tflite *r, struct fb_vector outputs, struct graph_tensor *y)
{
    struct graph_tensor *scale, *zero;
    int64_t i = fb_number_of(outputs, 0), axis;
    if (!y)
        return NO_MEMORY(r);
    if (outputs.count < 1 || i < 0 || (size_t)i >= r->tensors.count || r->made[i]->data || r->made[i]->producer || r->made[i] == r->g->input)
        return FAIL(r, QUELL_E_MODEL, "operator '%s' has no output of its own", r->node);
    TRY(tflite_quantisation(r, (size_t)i, &scale, &zero, &axis));
    struct graph_tensor *t = r->made[i], *const list[] = {y, scale, zero};
    struct graph_node *n = graph_node(r->g, scale ? "QuantizeLinear" : "Identity", "", r->node, scale ? 3 : 1, 1, NULL);
    if (!n)
        return NO_MEMORY(r);
    for (size_t k = 0; k < n->input_count; k++)
        graph_set_input(n, k, list[k]);
    graph_set_output(n, 0, t);
    return QUELL_OK;
}

/* ---- operators ---- */

/* Strides and padding of a window, from slots `at`...: padding, stride_w, stride_h. */
static int window(struct tflite *r, struct graph_tensor *y, struct fb_table options)
{
    const int64_t strides[2] = {fb_number(options, 2, 4, 1), fb_number(options, 1, 4, 1)};
    struct graph_attribute *a = y ? graph_add_attr(r->g, y->producer, "auto_pad") : NULL;
    if (!a)
        return 0;
    a->kind = GRAPH_ATTR_TEXT;
    a->text = fb_number(options, 0, 1, SAME) == SAME ? "SAME_UPPER" : "VALID";
    return graph_set_ints(r->g, y->producer, "strides", 2, strides);
}

static quell_status convolution(struct tflite *r, struct fb_vector in, struct fb_vector out, struct fb_table options, int depthwise)
{
    struct graph_tensor *x, *w, *b = NULL;
    unsigned first = depthwise ? 4 : 3; /* fused activation, dilations */
    const int64_t dilations[2] = {fb_number(options, first + 2, 4, 1), fb_number(options, first + 1, 4, 1)};
    TRY(real(r, in, 0, &x));
    TRY(real(r, in, 1, &w));
    if (in.count > 2 && fb_number_of(in, 2) >= 0)
        TRY(real(r, in, 2, &b));
    const struct graph_tensor *codes = r->made[fb_number_of(in, 1)], *image = r->made[fb_number_of(in, 0)];
    if (codes->rank != 4 || image->rank != 4)
        return FAIL(r, QUELL_E_MODEL, "operator '%s' reads tensors that have not four dimensions", r->node);
    struct graph_tensor *const inputs[] = {transpose(r, x, TO_NCHW), transpose(r, w, depthwise ? DEPTHWISE : TO_NCHW), b};
    struct graph_tensor *y = inputs[0] && inputs[1] ? node(r, "Conv", b ? 3 : 2, inputs) : NULL;
    if (!y || !window(r, y, options) || !graph_set_ints(r->g, y->producer, "dilations", 2, dilations) || (depthwise && !graph_set_int(r->g, y->producer, "group", image->dims[3])))
        return NO_MEMORY(r);
    return finish(r, out, transpose(r, activated(r, y, fb_number(options, first, 1, 0)), TO_NHWC));
}

static quell_status pooling(struct tflite *r, struct fb_vector in, struct fb_vector out, struct fb_table options, const char *op)
{
    struct graph_tensor *x;
    const int64_t kernel[2] = {fb_number(options, 4, 4, 1), fb_number(options, 3, 4, 1)};
    TRY(real(r, in, 0, &x));
    struct graph_tensor *y = unary(r, op, transpose(r, x, TO_NCHW));
    if (!y || !window(r, y, options) || !graph_set_ints(r->g, y->producer, "kernel_shape", 2, kernel))
        return NO_MEMORY(r);
    return finish(r, out, transpose(r, activated(r, y, fb_number(options, 5, 1, 0)), TO_NHWC));
}

static quell_status fully_connected(struct tflite *r, struct fb_vector in, struct fb_vector out, struct fb_table options)
{
    struct graph_tensor *x, *w, *b = NULL;
    TRY(real(r, in, 0, &x));
    TRY(real(r, in, 1, &w));
    if (in.count > 2 && fb_number_of(in, 2) >= 0)
        TRY(real(r, in, 2, &b));
    const struct graph_tensor *codes = r->made[fb_number_of(in, 1)];
    const int64_t shape[2] = {-1, codes->rank == 2 ? codes->dims[1] : 0};
    struct graph_tensor *const flat[] = {x, integers(r, 2, shape)};
    struct graph_tensor *const inputs[] = {flat[1] ? node(r, "Reshape", 2, flat) : NULL, w, b};
    struct graph_tensor *y = inputs[0] ? node(r, "Gemm", b ? 3 : 2, inputs) : NULL;
    if (!y || !graph_set_int(r->g, y->producer, "transB", 1))
        return NO_MEMORY(r);
    return finish(r, out, activated(r, y, fb_number(options, 0, 1, 0)));
}

static quell_status elementwise(struct tflite *r, struct fb_vector in, struct fb_vector out, const char *op, int64_t activation)
{
    struct graph_tensor *x[2];
    TRY(real(r, in, 0, &x[0]));
    TRY(real(r, in, 1, &x[1]));
    return finish(r, out, activated(r, node(r, op, 2, x), activation));
}

static quell_status one_input(struct tflite *r, struct fb_vector in, struct fb_vector out, const char *op, int64_t activation)
{
    struct graph_tensor *x;
    TRY(real(r, in, 0, &x));
    return finish(r, out, activated(r, op ? unary(r, op, x) : x, activation));
}

/* Along the last dimension of N x H x W x C, channels; any other axis is refused by the walk. */
static quell_status concat(struct tflite *r, struct fb_vector in, struct fb_vector out, struct fb_table options)
{
    enum { MOST = 64 };
    struct graph_tensor *x[MOST];
    if (in.count < 1 || in.count > MOST)
        return FAIL(r, QUELL_E_UNSUPPORTED, "operator '%s' (CONCATENATION) joins %zu tensors; supported: up to %d", r->node, in.count, MOST);
    int64_t axis = fb_number(options, 0, 4, 0), first = fb_number_of(in, 0);
    size_t rank = first >= 0 && (size_t)first < r->tensors.count ? r->made[first]->rank : 0;
    axis = axis < 0 ? axis + (int64_t)rank : axis;
    for (size_t i = 0; i < in.count; i++) {
        TRY(real(r, in, i, &x[i]));
        if (rank == 4 && !(x[i] = transpose(r, x[i], TO_NCHW)))
            return NO_MEMORY(r);
    }
    struct graph_tensor *y = node(r, "Concat", in.count, x);
    for (int64_t k = 0; rank == 4 && k < 4; k++)
        if (TO_NCHW[k] == axis) {
            axis = k;
            break;
        }
    if (!y || !graph_set_int(r->g, y->producer, "axis", axis))
        return NO_MEMORY(r);
    y = activated(r, y, fb_number(options, 1, 1, 0));
    return finish(r, out, rank == 4 && y ? transpose(r, y, TO_NHWC) : y);
}

static quell_status leaky_relu(struct tflite *r, struct fb_vector in, struct fb_vector out, struct fb_table options)
{
    const uint32_t bits = (uint32_t)fb_number(options, 0, 4, 0);
    struct graph_tensor *x;
    TRY(real(r, in, 0, &x));
    struct graph_tensor *y = unary(r, "LeakyRelu", x);
    struct graph_attribute *alpha = y ? graph_add_attr(r->g, y->producer, "alpha") : NULL;
    if (!alpha)
        return NO_MEMORY(r);
    alpha->kind = GRAPH_ATTR_FLOAT;
    memcpy(&alpha->f, &bits, sizeof bits);
    return finish(r, out, y);
}

/* Input 1 as integers; -1: it is no constant. */
static int64_t constant(struct tflite *r, struct fb_vector in, int64_t values[GRAPH_RANK_MAX * 2])
{
    int64_t i = in.count > 1 ? fb_number_of(in, 1) : -1;
    const struct graph_tensor *t = i >= 0 && (size_t)i < r->tensors.count ? r->made[i] : NULL;
    if (!t || !t->data || graph_elements(t) > GRAPH_RANK_MAX * 2)
        return -1;
    for (size_t k = 0; k < graph_elements(t); k++)
        values[k] = graph_get_int(t, k);
    return (int64_t)graph_elements(t);
}

/* Reshape, mean, pad, transpose: an operator with a list of integers, a constant or among its options. */
static quell_status with_list(struct tflite *r, struct fb_vector in, struct fb_vector out, struct fb_table options, const char *op)
{
    int64_t list[GRAPH_RANK_MAX * 2] = {0}, count = constant(r, in, list);
    struct fb_vector shape = {0};
    struct graph_tensor *x;
    if (count < 0 && strcmp(op, "Reshape") == 0) /* of other operators the slot is no vector */
        shape = fb_vector(options, 0, 4);
    if (shape.count && shape.count <= GRAPH_RANK_MAX)
        for (count = 0; count < (int64_t)shape.count; count++)
            list[count] = fb_number_of(shape, (size_t)count);
    if (count < 0)
        return FAIL(r, QUELL_E_UNSUPPORTED, "operator '%s' (%s): its list of integers must be a constant", r->node, op);
    TRY(real(r, in, 0, &x));
    if (strcmp(op, "Transpose") == 0) {
        struct graph_tensor *y = unary(r, op, x);
        return y && graph_set_ints(r->g, y->producer, "perm", (size_t)count, list) ? finish(r, out, y) : NO_MEMORY(r);
    }
    if (strcmp(op, "Pad") == 0) { /* rows before, after a dimension -> all before, then all after; behind a transpose */
        if (count != 8)
            return FAIL(r, QUELL_E_UNSUPPORTED, "operator '%s' (PAD): supported: four dimensions", r->node);
        int64_t pads[8];
        for (int d = 0; d < 4; d++) {
            pads[d] = list[2 * TO_NCHW[d]];
            pads[d + 4] = list[2 * TO_NCHW[d] + 1];
        }
        struct graph_tensor *const inputs[] = {transpose(r, x, TO_NCHW), integers(r, 8, pads)};
        struct graph_tensor *y = inputs[0] && inputs[1] ? node(r, op, 2, inputs) : NULL;
        return finish(r, out, y ? transpose(r, y, TO_NHWC) : NULL);
    }
    struct graph_tensor *const inputs[] = {x, integers(r, (size_t)count, list)};
    struct graph_tensor *y = inputs[1] ? node(r, op, 2, inputs) : NULL;
    if (y && strcmp(op, "ReduceMean") == 0 && !graph_set_int(r->g, y->producer, "keepdims", fb_number(options, 0, 1, 0) != 0))
        return NO_MEMORY(r);
    return finish(r, out, y);
}

static quell_status operator(struct tflite *r, struct fb_table op)
{
    struct fb_vector in = fb_vector(op, 1, 4), out = fb_vector(op, 2, 4);
    struct fb_table options = fb_child(op, 4), code = fb_table_of(r->codes, (size_t)fb_number(op, 0, 4, 0));
    int64_t old = fb_number(code, 0, 1, 0), new = fb_number(code, 3, 4, 0), output = fb_number_of(out, 0);
    r->node = output >= 0 && (size_t)output < r->tensors.count ? r->made[output]->name : "";
    switch (old > new ? old : new) {
    case 0: return elementwise(r, in, out, "Add", fb_number(options, 0, 1, 0));
    case 1: return pooling(r, in, out, options, "AveragePool");
    case 3: return convolution(r, in, out, options, 0);
    case 4: return convolution(r, in, out, options, 1);
    case 6: case 114: return one_input(r, in, out, NULL, 0); /* DEQUANTIZE, QUANTIZE */
    case 9: return fully_connected(r, in, out, options);
    case 14: return one_input(r, in, out, "Sigmoid", 0);
    case 17: return pooling(r, in, out, options, "MaxPool");
    case 18: return elementwise(r, in, out, "Mul", fb_number(options, 0, 1, 0));
    case 19: return one_input(r, in, out, NULL, 1); /* RELU */
    case 20: return one_input(r, in, out, NULL, 2); /* RELU_N1_TO_1 */
    case 21: return one_input(r, in, out, NULL, 3); /* RELU6 */
    case 22: return with_list(r, in, out, options, "Reshape");
    case 25: return one_input(r, in, out, "Softmax", 0);
    case 34: return with_list(r, in, out, options, "Pad");
    case 39: return with_list(r, in, out, options, "Transpose");
    case 40: return with_list(r, in, out, options, "ReduceMean");
    case 41: return elementwise(r, in, out, "Sub", fb_number(options, 0, 1, 0));
    case 50: return one_input(r, in, out, "LogSoftmax", 0);
    case 55: return elementwise(r, in, out, "Max", 0);
    case 57: return elementwise(r, in, out, "Min", 0);
    case 28: return one_input(r, in, out, "Tanh", 0);
    case 47: return one_input(r, in, out, "Exp", 0);
    case 54: return elementwise(r, in, out, "PRelu", 0);
    case 59: return one_input(r, in, out, "Neg", 0);
    case 98: return leaky_relu(r, in, out, options);
    case 101: return one_input(r, in, out, "Abs", 0);
    case 111: return one_input(r, in, out, "Elu", 0);
    case 117: return one_input(r, in, out, "HardSwish", 0);
    case 2: return concat(r, in, out, options);
    default:
        return FAIL(r, QUELL_E_UNSUPPORTED,
                    "operator '%s' (TensorFlow Lite's number %lld): Quell does not have this operator; supported: ADD, AVERAGE_POOL_2D, CONCATENATION, CONV_2D, DEPTHWISE_CONV_2D, FULLY_CONNECTED, MAX_POOL_2D, MEAN, MUL, PAD, QUANTIZE, "
                    "DEQUANTIZE, RELU, RELU6, RESHAPE, SUB, ABS, ELU, EXP, HARD_SWISH, LEAKY_RELU, LOGISTIC, NEG, PRELU, TANH, SOFTMAX at the end",
                    r->node, (long long)(old > new ? old : new));
    }
}

/* ---- the file ---- */

static quell_status place(struct tflite *r, struct fb_vector list, const char *what, struct graph_tensor **t)
{
    int64_t i = fb_number_of(list, 0);
    if (list.count < 1 || i < 0 || (size_t)i >= r->tensors.count)
        return FAIL(r, QUELL_E_MODEL, "the network has no %s", what);
    *t = r->made[i];
    return QUELL_OK;
}

static quell_status convert(struct tflite *r)
{
    struct fb_table model = fb_root(&r->file);
    struct fb_vector subgraphs = fb_vector(model, 2, 4);
    struct fb_table sub = fb_table_of(subgraphs, 0);
    struct fb_vector operators = fb_vector(sub, 3, 4), inputs = fb_vector(sub, 1, 4), outputs = fb_vector(sub, 2, 4);
    r->codes = fb_vector(model, 1, 4);
    r->buffers = fb_vector(model, 4, 4);
    r->tensors = fb_vector(sub, 0, 4);
    if (subgraphs.count != 1 || !operators.count)
        return FAIL(r, QUELL_E_MODEL, "the file has %zu networks, the first of %zu operators; supported: one", subgraphs.count, operators.count);
    if (r->tensors.count > TENSORS_MAX || operators.count > OPERATORS_MAX)
        return FAIL(r, QUELL_E_TOO_LARGE, "the network has %zu tensors and %zu operators; supported: up to %d and %d", r->tensors.count, operators.count, TENSORS_MAX, OPERATORS_MAX);
    if (!(r->made = calloc(r->tensors.count + 1, sizeof *r->made)))
        return NO_MEMORY(r);
    for (size_t i = 0; i < r->tensors.count; i++)
        TRY(tflite_tensor(r, i));
    TRY(place(r, inputs, "input", &r->g->input));
    if (inputs.count > 1) {
        r->g->extra_inputs = inputs.count - 1;
        r->g->second_input = r->made[(size_t)fb_number_of(inputs, 1) < r->tensors.count ? (size_t)fb_number_of(inputs, 1) : 0];
    }
    for (size_t i = 0; i < operators.count && !r->g->full; i++)
        TRY(operator(r, fb_table_of(operators, i)));
    if (!(r->g->outputs = graph_alloc(r->g, outputs.count + 1, sizeof *r->g->outputs)))
        return NO_MEMORY(r);
    r->g->output_count = outputs.count;
    for (size_t i = 0; i < outputs.count; i++) {
        size_t t = (size_t)fb_number_of(outputs, i);
        r->g->outputs[i].index = i;
        if (t >= r->tensors.count)
            return FAIL(r, QUELL_E_MODEL, "the network has no output %zu", i);
        graph_link(&r->g->outputs[i], r->made[t]);
    }
    return r->g->full ? NO_MEMORY(r) : QUELL_OK;
}

int tflite_is(const uint8_t *data, size_t size) { return size >= 8 && memcmp(data + 4, "TFL3", 4) == 0; }

quell_status tflite_read(const char *path, const uint8_t *data, size_t size, struct graph **graph, quell_error *err)
{
    struct tflite r = {.file = {.data = data, .size = size}, .g = graph_make(), .node = "", .err = err};
    quell_status status = r.g ? convert(&r) : NO_MEMORY(&r);
    if (r.file.bad)
        status = quell_fail(err, QUELL_E_MODEL, "%s is truncated or damaged", path);
    free(r.made);
    if (status != QUELL_OK) {
        graph_free(r.g);
        r.g = NULL;
    }
    *graph = r.g;
    return status;
}
