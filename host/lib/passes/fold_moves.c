/* SPDX-License-Identifier: Apache-2.0 */
/* See fold_moves.h. */
#include "fold_moves.h"

#include <math.h>
#include <string.h>

int fold_is_float(enum graph_type t) { return t == GRAPH_FLOAT || t == GRAPH_DOUBLE || t == GRAPH_FLOAT16 || t == GRAPH_BFLOAT16; }

struct graph_tensor *fold_like(struct graph *g, const struct graph_node *n, enum graph_type type, size_t rank, const int64_t *dims)
{
    struct graph_tensor probe = {.rank = rank};
    if (rank > GRAPH_RANK_MAX || graph_type_bytes(type) == 0)
        return NULL;
    memcpy(probe.dims, dims, rank * sizeof *dims);
    return graph_elements(&probe) <= GRAPH_ELEMENTS_MAX ? graph_constant(g, graph_out(n)->name, type, rank, dims) : NULL;
}

void fold_copy_element(struct graph_tensor *to, size_t i, const struct graph_tensor *from, size_t k)
{
    if (fold_is_float(from->type))
        graph_put(to, i, graph_get(from, k));
    else
        graph_put_int(to, i, graph_get_int(from, k));
}

struct graph_tensor *fold_transpose(struct graph *g, const struct graph_node *n, const struct graph_tensor *x)
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
    struct graph_tensor *y = fold_like(g, n, x->type, x->rank, dims);
    for (size_t i = 0; y && i < graph_elements(y); i++) {
        size_t from = 0;
        for (size_t d = 0; d < x->rank; d++)
            from += at[d] * step[d];
        fold_copy_element(y, i, x, from);
        for (size_t d = x->rank; d-- > 0 && ++at[d] == (size_t)dims[d];)
            at[d] = 0;
    }
    return y;
}

struct graph_tensor *fold_concat(struct graph *g, const struct graph_node *n)
{
    const struct graph_tensor *shape = graph_out(n);
    int64_t axis = pass_shaped(shape) ? pass_axis(graph_attr_int(n, "axis", 0), shape->rank) : -1;
    struct graph_tensor *y = axis >= 0 ? fold_like(g, n, graph_in(n, 0)->type, shape->rank, shape->dims) : NULL;
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
                fold_copy_element(y, o * (size_t)y->dims[axis] * inner + done + i, x, o * own + i);
        done += own;
    }
    return y;
}

struct graph_tensor *fold_gather(struct graph *g, const struct graph_node *n)
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
    struct graph_tensor *y = fold_like(g, n, x->type, rank, dims);
    for (size_t i = 0; y && i < graph_elements(y); i++) {
        int64_t at = graph_get_int(indices, i / inner % count);
        at += at < 0 ? x->dims[axis] : 0;
        if (at < 0 || at >= x->dims[axis])
            return NULL;
        fold_copy_element(y, i, x, (i / inner / count * (size_t)x->dims[axis] + (size_t)at) * inner + i % inner);
    }
    return y;
}

struct graph_tensor *fold_slice(struct graph *g, const struct graph_node *n)
{
    const struct graph_tensor *x = graph_in(n, 0);
    double start, end, step = 1;
    if (x->rank != 1 || !pass_scalar(graph_in(n, 1), &start) || !pass_scalar(graph_in(n, 2), &end) || (graph_in(n, 4) && !pass_scalar(graph_in(n, 4), &step)) || step != 1)
        return NULL;
    int64_t size = x->dims[0], from = start < 0 ? (int64_t)fmax(0, start + (double)size) : (int64_t)fmin(start, (double)size), to = end < 0 ? (int64_t)fmax(0, end + (double)size) : (int64_t)fmin(end, (double)size);
    int64_t count = to > from ? to - from : 0;
    struct graph_tensor *y = fold_like(g, n, x->type, 1, &count);
    for (size_t i = 0; y && i < (size_t)count; i++)
        fold_copy_element(y, i, x, (size_t)from + i);
    return y;
}

struct graph_tensor *fold_constant_of_shape(struct graph *g, const struct graph_node *n)
{
    const struct graph_tensor *s = graph_in(n, 0);
    const struct graph_attribute *value = graph_attr(n, "value");
    int64_t dims[GRAPH_RANK_MAX];
    if (s->rank != 1 || graph_elements(s) > GRAPH_RANK_MAX || (value && (value->kind != GRAPH_ATTR_TENSOR || !pass_is_const(value->tensor) || graph_elements(value->tensor) != 1)))
        return NULL;
    for (size_t i = 0; i < graph_elements(s); i++)
        if ((dims[i] = graph_get_int(s, i)) < 0)
            return NULL;
    struct graph_tensor *y = fold_like(g, n, value ? value->tensor->type : GRAPH_FLOAT, graph_elements(s), dims);
    for (size_t i = 0; y && value && i < graph_elements(y); i++)
        fold_copy_element(y, i, value->tensor, 0);
    return y;
}
