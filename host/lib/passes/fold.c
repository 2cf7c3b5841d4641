/* SPDX-License-Identifier: Apache-2.0 */
/* See fold.h. Arithmetic is done in double and rounded to the element type, which for +, -, *, / and square root of float32 is what float32 arithmetic gives. */
#include "fold.h"

#include <math.h>
#include <string.h>

static int is_float(enum graph_type t) { return t == GRAPH_FLOAT || t == GRAPH_DOUBLE || t == GRAPH_FLOAT16 || t == GRAPH_BFLOAT16; }

static struct graph_tensor *like(struct graph *g, const struct graph_node *n, enum graph_type type, size_t rank, const int64_t *dims)
{
    struct graph_tensor probe = {.rank = rank};
    if (rank > GRAPH_RANK_MAX || graph_type_bytes(type) == 0)
        return NULL;
    memcpy(probe.dims, dims, rank * sizeof *dims);
    return graph_elements(&probe) <= GRAPH_ELEMENTS_MAX ? graph_constant(g, graph_out(n)->name, type, rank, dims) : NULL;
}

static void copy_element(struct graph_tensor *to, size_t i, const struct graph_tensor *from, size_t k)
{
    if (is_float(from->type))
        graph_put(to, i, graph_get(from, k));
    else
        graph_put_int(to, i, graph_get_int(from, k));
}

static struct graph_tensor *copy_as(struct graph *g, const struct graph_node *n, const struct graph_tensor *x, size_t rank, const int64_t *dims)
{
    struct graph_tensor *y = like(g, n, x->type, rank, dims);
    if (y && graph_elements(y) == graph_elements(x))
        memcpy((void *)y->data, x->data, graph_elements(x) * graph_type_bytes(x->type));
    return y;
}

/* ---- element by element ---- */

/* Index in x of element i of a tensor of these dims, x broadcast to it. */
static size_t source(const struct graph_tensor *x, size_t i, size_t rank, const int64_t *dims)
{
    size_t index = 0, step = 1;
    for (size_t d = rank; d-- > 0;) {
        size_t at = i % (size_t)dims[d];
        i /= (size_t)dims[d];
        if (d + x->rank >= rank) {
            int64_t own = x->dims[d + x->rank - rank];
            index += own == 1 ? 0 : at * step;
            step *= (size_t)own;
        }
    }
    return index;
}

static double apply(char op, double a, double b)
{
    switch (op) {
    case '+': return a + b;
    case '-': return a - b;
    case '*': return a * b;
    case '/': return a / b;
    case '<': return isnan(a) || isnan(b) ? NAN : fmin(a, b);
    case '>': return isnan(a) || isnan(b) ? NAN : fmax(a, b);
    default: return pow(a, b);
    }
}

static int64_t apply_int(char op, int64_t a, int64_t b)
{
    switch (op) {
    case '+': return (int64_t)((uint64_t)a + (uint64_t)b);
    case '-': return (int64_t)((uint64_t)a - (uint64_t)b);
    case '*': return (int64_t)((uint64_t)a * (uint64_t)b);
    case '/': return b == 0 || (b == -1 && a == INT64_MIN) ? 0 : a / b;
    case '<': return a < b ? a : b;
    default: return a > b ? a : b;
    }
}

static struct graph_tensor *binary(struct graph *g, const struct graph_node *n, char op)
{
    const struct graph_tensor *a = graph_in(n, 0), *b = graph_in(n, 1), *shape = graph_out(n);
    if (n->input_count != 2 || a->type != b->type || !pass_shaped(shape))
        return NULL;
    struct graph_tensor *y = like(g, n, a->type, shape->rank, shape->dims);
    for (size_t i = 0; y && i < graph_elements(y); i++) {
        size_t ia = source(a, i, y->rank, y->dims), ib = source(b, i, y->rank, y->dims);
        if (is_float(a->type) || op == '^')
            graph_put(y, i, apply(op, graph_get(a, ia), graph_get(b, ib)));
        else
            graph_put_int(y, i, apply_int(op, graph_get_int(a, ia), graph_get_int(b, ib)));
    }
    return y;
}

static struct graph_tensor *unary(struct graph *g, const struct graph_node *n, const struct graph_tensor *x)
{
    struct graph_tensor *y = like(g, n, x->type, x->rank, x->dims);
    for (size_t i = 0; y && i < graph_elements(y); i++) {
        double v = graph_get(x, i);
        graph_put(y, i, strcmp(n->op, "Neg") == 0 ? -v : strcmp(n->op, "Sqrt") == 0 ? sqrt(v) : strcmp(n->op, "Reciprocal") == 0 ? 1 / v : strcmp(n->op, "Abs") == 0 ? fabs(v) : v > 0 ? v : 0);
    }
    return y;
}

static struct graph_tensor *clip(struct graph *g, const struct graph_node *n, const struct graph_tensor *x)
{
    double low = -INFINITY, high = INFINITY;
    if ((graph_in(n, 1) && !pass_scalar(graph_in(n, 1), &low)) || (graph_in(n, 2) && !pass_scalar(graph_in(n, 2), &high)))
        return NULL;
    struct graph_tensor *y = like(g, n, x->type, x->rank, x->dims);
    for (size_t i = 0; y && i < graph_elements(y); i++)
        graph_put(y, i, fmin(fmax(graph_get(x, i), low), high));
    return y;
}

static struct graph_tensor *cast(struct graph *g, const struct graph_node *n, const struct graph_tensor *x)
{
    enum graph_type to = (enum graph_type)graph_attr_int(n, "to", 0);
    struct graph_tensor *y = like(g, n, to, x->rank, x->dims);
    for (size_t i = 0; y && i < graph_elements(y); i++)
        copy_element(y, i, x, i);
    return y;
}

/* ---- quantisation ---- */

/* Scale or zero point number of element i: one for all, or one along the axis. -1: neither, blocks for example. */
static int64_t parameter(const struct graph_tensor *p, const struct graph_tensor *x, int64_t axis, size_t i)
{
    size_t inner = 1;
    if (graph_elements(p) == 1)
        return 0;
    if (axis < 0 || p->rank != 1 || p->dims[0] != x->dims[axis])
        return -1;
    for (size_t d = (size_t)axis + 1; d < x->rank; d++)
        inner *= (size_t)x->dims[d];
    return (int64_t)(i / inner % (size_t)x->dims[axis]);
}

static struct graph_tensor *quantise(struct graph *g, const struct graph_node *n, const struct graph_tensor *x, int back)
{
    const struct graph_tensor *scale = graph_in(n, 1), *zero = graph_in(n, 2);
    int64_t axis = pass_axis(graph_attr_int(n, "axis", 1), x->rank);
    enum graph_type type = back ? scale->type : zero ? zero->type : GRAPH_UINT8;
    if (!back && !graph_is_code(type) && type != GRAPH_INT16 && type != GRAPH_UINT16)
        return NULL;
    struct graph_tensor *y = like(g, n, type, x->rank, x->dims);
    double low = type == GRAPH_INT8 ? -128 : type == GRAPH_INT16 ? -32768 : 0, high = type == GRAPH_INT8 ? 127 : type == GRAPH_UINT8 ? 255 : type == GRAPH_INT16 ? 32767 : 65535;
    for (size_t i = 0; y && i < graph_elements(y); i++) {
        int64_t si = parameter(scale, x, axis, i), zi = zero ? parameter(zero, x, axis, i) : 0;
        if (si < 0 || zi < 0)
            return NULL;
        float s = (float)graph_get(scale, (size_t)si), z = zero ? (float)graph_get(zero, (size_t)zi) : 0;
        if (back)
            graph_put(y, i, (double)((float)(graph_get(x, i) - (double)z) * s));
        else
            graph_put(y, i, fmin(fmax(nearbyintf((float)graph_get(x, i) / s) + z, low), high));
    }
    return y;
}

/* ---- shapes ---- */

static struct graph_tensor *transpose(struct graph *g, const struct graph_node *n, const struct graph_tensor *x)
{
    size_t count, at[GRAPH_RANK_MAX] = {0}, step[GRAPH_RANK_MAX];
    const int64_t *perm = graph_attr_ints(n, "perm", &count);
    int64_t dims[GRAPH_RANK_MAX];
    unsigned seen = 0;
    if (perm && count != x->rank)
        return NULL;
    for (size_t d = 0; d < x->rank; d++) {
        size_t from = perm ? (size_t)perm[d] : x->rank - 1 - d;
        if (from >= x->rank || (seen >> from & 1))
            return NULL;
        seen |= 1u << from;
        dims[d] = x->dims[from];
        step[d] = 1;
        for (size_t k = from + 1; k < x->rank; k++)
            step[d] *= (size_t)x->dims[k];
    }
    struct graph_tensor *y = like(g, n, x->type, x->rank, dims);
    for (size_t i = 0; y && i < graph_elements(y); i++) {
        size_t from = 0;
        for (size_t d = 0; d < x->rank; d++)
            from += at[d] * step[d];
        copy_element(y, i, x, from);
        for (size_t d = x->rank; d-- > 0 && ++at[d] == (size_t)dims[d];)
            at[d] = 0;
    }
    return y;
}

static struct graph_tensor *concat(struct graph *g, const struct graph_node *n)
{
    const struct graph_tensor *shape = graph_out(n);
    int64_t axis = pass_shaped(shape) ? pass_axis(graph_attr_int(n, "axis", 0), shape->rank) : -1;
    struct graph_tensor *y = axis >= 0 ? like(g, n, graph_in(n, 0)->type, shape->rank, shape->dims) : NULL;
    size_t inner = 1, outer = 1, done = 0;
    if (!y)
        return NULL;
    for (size_t d = 0; d < y->rank; d++)
        *((int64_t)d < axis ? &outer : &inner) *= (int64_t)d == axis ? 1 : (size_t)y->dims[d];
    for (size_t k = 0; k < n->input_count; k++) {
        const struct graph_tensor *x = graph_in(n, k);
        size_t own = (size_t)x->dims[axis] * inner;
        if (x->type != y->type || graph_elements(x) != outer * own)
            return NULL;
        for (size_t o = 0; o < outer; o++)
            for (size_t i = 0; i < own; i++)
                copy_element(y, o * (size_t)y->dims[axis] * inner + done + i, x, o * own + i);
        done += own;
    }
    return y;
}

static struct graph_tensor *gather(struct graph *g, const struct graph_node *n)
{
    const struct graph_tensor *x = graph_in(n, 0), *indices = graph_in(n, 1);
    int64_t axis = pass_axis(graph_attr_int(n, "axis", 0), x->rank), dims[GRAPH_RANK_MAX];
    if (axis < 0 || x->rank + indices->rank > GRAPH_RANK_MAX + 1)
        return NULL;
    size_t rank = 0, inner = 1, count = graph_elements(indices);
    for (int64_t d = 0; d < axis; d++)
        dims[rank++] = x->dims[d];
    for (size_t d = 0; d < indices->rank; d++)
        dims[rank++] = indices->dims[d];
    for (size_t d = (size_t)axis + 1; d < x->rank; d++) {
        dims[rank++] = x->dims[d];
        inner *= (size_t)x->dims[d];
    }
    struct graph_tensor *y = like(g, n, x->type, rank, dims);
    for (size_t i = 0; y && i < graph_elements(y); i++) {
        int64_t at = graph_get_int(indices, i / inner % count);
        at += at < 0 ? x->dims[axis] : 0;
        if (at < 0 || at >= x->dims[axis])
            return NULL;
        copy_element(y, i, x, (i / inner / count * (size_t)x->dims[axis] + (size_t)at) * inner + i % inner);
    }
    return y;
}

/* Of one dimension, as shapes are taken apart. */
static struct graph_tensor *slice(struct graph *g, const struct graph_node *n)
{
    const struct graph_tensor *x = graph_in(n, 0);
    double start, end, step = 1;
    if (x->rank != 1 || !pass_scalar(graph_in(n, 1), &start) || !pass_scalar(graph_in(n, 2), &end) || (graph_in(n, 4) && !pass_scalar(graph_in(n, 4), &step)) || step != 1)
        return NULL;
    int64_t size = x->dims[0], from = start < 0 ? (int64_t)fmax(0, start + (double)size) : (int64_t)fmin(start, (double)size), to = end < 0 ? (int64_t)fmax(0, end + (double)size) : (int64_t)fmin(end, (double)size);
    int64_t count = to > from ? to - from : 0;
    struct graph_tensor *y = like(g, n, x->type, 1, &count);
    for (size_t i = 0; y && i < (size_t)count; i++)
        copy_element(y, i, x, (size_t)from + i);
    return y;
}

static struct graph_tensor *constant_of_shape(struct graph *g, const struct graph_node *n)
{
    const struct graph_tensor *s = graph_in(n, 0);
    const struct graph_attribute *value = graph_attr(n, "value");
    int64_t dims[GRAPH_RANK_MAX];
    if (s->rank != 1 || graph_elements(s) > GRAPH_RANK_MAX || (value && (value->kind != GRAPH_ATTR_TENSOR || !pass_is_const(value->tensor) || graph_elements(value->tensor) != 1)))
        return NULL;
    for (size_t i = 0; i < graph_elements(s); i++)
        if ((dims[i] = graph_get_int(s, i)) < 0)
            return NULL;
    struct graph_tensor *y = like(g, n, value ? value->tensor->type : GRAPH_FLOAT, graph_elements(s), dims);
    for (size_t i = 0; y && value && i < graph_elements(y); i++)
        copy_element(y, i, value->tensor, 0);
    return y;
}

/* ---- by name ---- */

struct graph_tensor *fold_on(struct graph *g, const struct graph_node *n, const struct graph_tensor *x)
{
    static const char *const UNARY[] = {"Neg", "Sqrt", "Reciprocal", "Abs", "Relu", NULL};
    static const char *const RESHAPED[] = {"Identity", "Dropout", "Reshape", "Flatten", "Squeeze", "Unsqueeze", NULL};
    for (size_t i = 0; UNARY[i]; i++)
        if (graph_is(n, UNARY[i]))
            return unary(g, n, x);
    for (size_t i = 0; RESHAPED[i]; i++)
        if (graph_is(n, RESHAPED[i]))
            return pass_shaped(graph_out(n)) && graph_elements(graph_out(n)) == graph_elements(x) ? copy_as(g, n, x, graph_out(n)->rank, graph_out(n)->dims) : NULL;
    if (graph_is(n, "Clip"))
        return clip(g, n, x);
    if (graph_is(n, "Cast"))
        return cast(g, n, x);
    if (graph_is(n, "Transpose"))
        return transpose(g, n, x);
    if (graph_is(n, "QuantizeLinear") || graph_is(n, "DequantizeLinear"))
        return graph_in(n, 1) && is_float(graph_in(n, 1)->type) ? quantise(g, n, x, n->op[0] == 'D') : NULL;
    return NULL;
}

/* Left-out inputs are the business of operators that allow them: Clip, Slice, Q and DQ. */
static int complete(const struct graph_node *n)
{
    for (size_t i = 0; i < n->input_count; i++)
        if (!graph_in(n, i))
            return 0;
    return n->input_count > 0;
}

struct graph_tensor *fold_node(struct graph *g, const struct graph_node *n)
{
    static const struct {
        const char *name;
        char sign;
    } BINARY[] = {{"Add", '+'}, {"Sub", '-'}, {"Mul", '*'}, {"Div", '/'}, {"Min", '<'}, {"Max", '>'}, {"Pow", '^'}};
    for (size_t i = 0; i < sizeof BINARY / sizeof *BINARY; i++)
        if (graph_is(n, BINARY[i].name))
            return complete(n) ? binary(g, n, BINARY[i].sign) : NULL;
    if (graph_is(n, "Concat"))
        return complete(n) ? concat(g, n) : NULL;
    if (graph_is(n, "Gather"))
        return n->input_count == 2 && complete(n) ? gather(g, n) : NULL;
    if (graph_is(n, "Slice"))
        return slice(g, n);
    if (graph_is(n, "ConstantOfShape"))
        return constant_of_shape(g, n);
    return graph_in(n, 0) ? fold_on(g, n, graph_in(n, 0)) : NULL;
}
