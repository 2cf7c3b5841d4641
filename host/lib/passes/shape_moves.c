/* SPDX-License-Identifier: Apache-2.0 */
/* See shape_moves.h. */
#include "shape_moves.h"

#include <string.h>

int shape_set(struct graph_tensor *t, size_t rank, const int64_t *dims)
{
    t->shaped = 1;
    t->rank = rank;
    memmove(t->dims, dims, rank * sizeof *dims);
    return 1;
}

int shape_reduce(const struct graph_node *n, struct graph_tensor *y)
{
    const struct graph_tensor *x = graph_in(n, 0), *axes = graph_in(n, 1);
    int gone[GRAPH_RANK_MAX] = {0};
    if (!pass_shaped(x) || (axes && !pass_is_const(axes)))
        return 0;
    for (size_t i = 0; i < (axes ? graph_elements(axes) : x->rank); i++) {
        int64_t axis = axes ? pass_axis(graph_get_int(axes, i), x->rank) : (int64_t)i;
        if (axis < 0)
            return 0;
        gone[axis] = 1;
    }
    int64_t dims[GRAPH_RANK_MAX];
    size_t rank = 0;
    for (size_t d = 0; d < x->rank; d++)
        if (!gone[d] || graph_attr_int(n, "keepdims", 1))
            dims[rank++] = gone[d] ? 1 : x->dims[d];
    return shape_set(y, rank, dims);
}

int shape_flatten(const struct graph_node *n, struct graph_tensor *y)
{
    const struct graph_tensor *x = graph_in(n, 0);
    int64_t axis = graph_attr_int(n, "axis", 1), dims[2] = {1, 1};
    if (!pass_shaped(x))
        return 0;
    axis += axis < 0 ? (int64_t)x->rank : 0;
    for (size_t d = 0; d < x->rank; d++) {
        int64_t *side = &dims[(int64_t)d >= axis];
        if (x->dims[d] && *side > GRAPH_ELEMENTS_MAX / x->dims[d])
            return 0;
        *side *= x->dims[d];
    }
    return shape_set(y, 2, dims);
}

int shape_reshape(const struct graph_node *n, struct graph_tensor *y)
{
    const struct graph_tensor *x = graph_in(n, 0), *s = graph_in(n, 1);
    int64_t dims[GRAPH_RANK_MAX], known = 1, open = -1, all = 1;
    if (!pass_shaped(x) || !pass_is_const(s) || graph_elements(s) > GRAPH_RANK_MAX)
        return 0;
    all = (int64_t)graph_elements(x);
    for (size_t i = 0; i < graph_elements(s); i++) {
        dims[i] = graph_get_int(s, i);
        if (dims[i] == 0 && i < x->rank && !graph_attr_int(n, "allowzero", 0))
            dims[i] = x->dims[i];
        if (dims[i] == -1 && open < 0)
            open = (int64_t)i;
        else if (dims[i] < 0 || dims[i] > GRAPH_ELEMENTS_MAX || (dims[i] && known > GRAPH_ELEMENTS_MAX / dims[i]))
            return 0;
        else
            known *= dims[i];
    }
    if (open >= 0 && (known == 0 || all % known))
        return 0;
    if (open >= 0)
        dims[open] = all / known;
    else if (known != all)
        return 0;
    return shape_set(y, graph_elements(s), dims);
}

int shape_squeeze(const struct graph_node *n, struct graph_tensor *y, int add)
{
    const struct graph_tensor *x = graph_in(n, 0), *axes = graph_in(n, 1);
    int64_t dims[GRAPH_RANK_MAX];
    int at[GRAPH_RANK_MAX] = {0};
    if (!pass_shaped(x) || (axes && !pass_is_const(axes)) || (add && !axes))
        return 0;
    size_t count = axes ? graph_elements(axes) : 0, rank = add ? x->rank + count : x->rank, left = 0;
    if (rank > GRAPH_RANK_MAX)
        return 0;
    for (size_t i = 0; i < count; i++) {
        int64_t axis = pass_axis(graph_get_int(axes, i), rank);
        if (axis < 0 || at[axis])
            return 0;
        at[axis] = 1;
    }
    for (size_t d = 0, from = 0; d < rank; d++)
        if (add)
            dims[left++] = at[d] ? 1 : x->dims[from++];
        else if (axes ? !at[d] : x->dims[d] != 1)
            dims[left++] = x->dims[d];
        else if (x->dims[d] != 1)
            return 0;
    return shape_set(y, left, dims);
}

int shape_transpose(const struct graph_node *n, struct graph_tensor *y)
{
    const struct graph_tensor *x = graph_in(n, 0);
    size_t count;
    const int64_t *perm = graph_attr_ints(n, "perm", &count);
    int64_t dims[GRAPH_RANK_MAX];
    if (!pass_shaped(x) || (perm && count != x->rank))
        return 0;
    for (size_t d = 0; d < x->rank; d++) {
        int64_t from = perm ? perm[d] : (int64_t)(x->rank - 1 - d);
        if (from < 0 || from >= (int64_t)x->rank)
            return 0;
        dims[d] = x->dims[from];
    }
    return shape_set(y, x->rank, dims);
}

int shape_concat(const struct graph_node *n, struct graph_tensor *y)
{
    const struct graph_tensor *x = graph_in(n, 0);
    int64_t dims[GRAPH_RANK_MAX], axis = pass_shaped(x) ? pass_axis(graph_attr_int(n, "axis", 0), x->rank) : -1;
    if (axis < 0)
        return 0;
    memcpy(dims, x->dims, sizeof dims);
    for (size_t i = 1; i < n->input_count; i++) {
        if (!pass_shaped(graph_in(n, i)) || graph_in(n, i)->rank != x->rank)
            return 0;
        dims[axis] += graph_in(n, i)->dims[axis];
    }
    return dims[axis] <= GRAPH_ELEMENTS_MAX && shape_set(y, x->rank, dims);
}

int shape_pad(const struct graph_node *n, struct graph_tensor *y)
{
    const struct graph_tensor *x = graph_in(n, 0), *pads = graph_in(n, 1);
    int64_t dims[GRAPH_RANK_MAX];
    if (!pass_shaped(x) || !pass_is_const(pads) || graph_elements(pads) != 2 * x->rank || graph_in(n, 3))
        return 0;
    for (size_t d = 0; d < x->rank; d++) {
        int64_t before = graph_get_int(pads, d), after = graph_get_int(pads, d + x->rank);
        if (before < -GRAPH_ELEMENTS_MAX || before > GRAPH_ELEMENTS_MAX || after < -GRAPH_ELEMENTS_MAX || after > GRAPH_ELEMENTS_MAX)
            return 0;
        dims[d] = x->dims[d] + before + after;
    }
    return shape_set(y, x->rank, dims);
}
