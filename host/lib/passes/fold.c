/* SPDX-License-Identifier: Apache-2.0 */
/* See fold.h. Arithmetic is done in double and rounded to the element type, which for +, -, *, / and square root of float32 is what float32 arithmetic gives. */
#include "fold.h"
#include "fold_moves.h"

#include <math.h>
#include <string.h>

static struct graph_tensor *copy_as(struct graph *g, const struct graph_node *n, const struct graph_tensor *x, size_t rank, const int64_t *dims)
{
    struct graph_tensor *y = fold_like(g, n, x->type, rank, dims);
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
    struct graph_tensor *y = fold_like(g, n, a->type, shape->rank, shape->dims);
    for (size_t i = 0; y && i < graph_elements(y); i++) {
        size_t ia = source(a, i, y->rank, y->dims), ib = source(b, i, y->rank, y->dims);
        if (fold_is_float(a->type) || op == '^')
            graph_put(y, i, apply(op, graph_get(a, ia), graph_get(b, ib)));
        else
            graph_put_int(y, i, apply_int(op, graph_get_int(a, ia), graph_get_int(b, ib)));
    }
    return y;
}

static struct graph_tensor *unary(struct graph *g, const struct graph_node *n, const struct graph_tensor *x)
{
    struct graph_tensor *y = fold_like(g, n, x->type, x->rank, x->dims);
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
    struct graph_tensor *y = fold_like(g, n, x->type, x->rank, x->dims);
    for (size_t i = 0; y && i < graph_elements(y); i++)
        graph_put(y, i, fmin(fmax(graph_get(x, i), low), high));
    return y;
}

static struct graph_tensor *cast(struct graph *g, const struct graph_node *n, const struct graph_tensor *x)
{
    enum graph_type to = (enum graph_type)graph_attr_int(n, "to", 0);
    struct graph_tensor *y = fold_like(g, n, to, x->rank, x->dims);
    for (size_t i = 0; y && i < graph_elements(y); i++)
        fold_copy_element(y, i, x, i);
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
    struct graph_tensor *y = fold_like(g, n, type, x->rank, x->dims);
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
        return fold_transpose(g, n, x);
    if (graph_is(n, "QuantizeLinear") || graph_is(n, "DequantizeLinear"))
        return graph_in(n, 1) && fold_is_float(graph_in(n, 1)->type) ? quantise(g, n, x, n->op[0] == 'D') : NULL;
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
        return complete(n) ? fold_concat(g, n) : NULL;
    if (graph_is(n, "Gather"))
        return n->input_count == 2 && complete(n) ? fold_gather(g, n) : NULL;
    if (graph_is(n, "Slice"))
        return fold_slice(g, n);
    if (graph_is(n, "ConstantOfShape"))
        return fold_constant_of_shape(g, n);
    return graph_in(n, 0) ? fold_on(g, n, graph_in(n, 0)) : NULL;
}
