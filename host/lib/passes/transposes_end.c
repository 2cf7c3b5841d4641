/* SPDX-License-Identifier: Apache-2.0 */
/* See transposes_end.h. */
#include "transposes_end.h"

#include <string.h>

int transpose_passes(const struct graph_node *m)
{
    static const char *const NAMES[] = {"QuantizeLinear", "DequantizeLinear", "Relu", "Clip", "Cast", "Identity", "Dropout"};
    for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++)
        if (graph_is(m, NAMES[i]))
            return (i > 1 || (graph_in(m, 1) && graph_elements(graph_in(m, 1)) == 1)) && graph_in(m, 0) && !graph_in(m, 0)->data;
    return pass_table_codes(m) != NULL || (pass_is_function(m) && !graph_in(m, 0)->data) || (graph_is(m, "PRelu") && graph_in(m, 0) && !graph_in(m, 0)->data && graph_in(m, 1) && graph_elements(graph_in(m, 1)) == 1);
}

struct graph_tensor *transpose_of(struct graph *g, struct graph_node *n, struct graph_node *before, struct graph_tensor *x, size_t rank, const int64_t *perm)
{
    struct graph_tensor *const inputs[] = {x};
    struct graph_tensor *t = pass_node(g, "Transpose", n->name, before, 1, inputs);
    if (!t || !graph_set_ints(g, t->producer, "perm", rank, perm))
        return NULL;
    t->type = x->type;
    return t;
}

/* A transpose that moves only dimensions of one element is another shape of the same numbers. */
int transpose_moves_ones(const struct graph_tensor *x, const int64_t *perm)
{
    int64_t last = -1;
    if (!pass_shaped(x))
        return 0;
    for (size_t i = 0; i < x->rank; i++)
        if (x->dims[perm[i]] != 1) {
            if (perm[i] < last)
                return 0;
            last = perm[i];
        }
    return 1;
}

int transpose_keeps_all(const struct graph_tensor *x, size_t rank, const int64_t *perm)
{
    int in_order = 1, same_shape = transpose_moves_ones(x, perm);
    for (size_t i = 0; i < rank; i++) {
        in_order &= perm[i] == (int64_t)i;
        same_shape = same_shape && x->dims[perm[i]] == x->dims[i];
    }
    return in_order || same_shape;
}

quell_status transpose_as_reshape(struct graph *g, struct graph_node *n, quell_error *err)
{
    const int64_t rank = (int64_t)graph_out(n)->rank;
    struct graph_tensor *shape = graph_constant(g, "shape", GRAPH_INT64, 1, &rank);
    if (!shape)
        return pass_full(err);
    for (size_t i = 0; i < (size_t)rank; i++)
        graph_put_int(shape, i, graph_out(n)->dims[i]);
    struct graph_tensor *const inputs[] = {graph_in(n, 0), shape};
    struct graph_tensor *y = pass_node(g, "Reshape", n->name, n, 2, inputs);
    if (!y)
        return pass_full(err);
    graph_replace(graph_out(n), y);
    graph_remove(g, n);
    return QUELL_OK;
}

int transpose_of_image(struct graph *g, struct graph_node *n)
{
    static const int64_t NCHW[4] = {0, 3, 1, 2};
    struct graph_tensor *x = g->input;
    size_t count;
    const int64_t *perm = graph_attr_ints(n, "perm", &count);
    if (g->extra_inputs || pass_sole_reader(x) != n || count != 4 || memcmp(perm, NCHW, sizeof NCHW) != 0 || !x->shaped || x->rank != 4 || g->meaning.input.file_nhwc)
        return 0;
    const int64_t dims[4] = {x->dims[0], x->dims[3], x->dims[1], x->dims[2]};
    memcpy(x->dims, dims, sizeof dims);
    g->meaning.input.meaning.nhwc = !(g->meaning.input.meaning.said & QUELL_INPUT_LAYOUT) || g->meaning.input.meaning.nhwc;
    g->meaning.input.file_nhwc = 1;
    graph_note(g, "input: '%.90s' is N x H x W x C", x->name);
    pass_bypass(g, n);
    return 1;
}

/* ReduceMean(Transpose(x), axes) -> ReduceMean(x, other axes), transposed behind where dimensions are kept. */
quell_status transpose_into_reduce(struct graph *g, struct graph_node *n, struct graph_node *r, size_t rank, const int64_t *perm, quell_error *err)
{
    const struct graph_tensor *axes = graph_in(r, 1);
    int keep = graph_attr_int(r, "keepdims", 1) != 0;
    if (!pass_is_const(axes) || axes->rank != 1)
        return QUELL_OK;
    struct graph_tensor *moved = graph_constant(g, axes->name, GRAPH_INT64, 1, axes->dims);
    int64_t last = -1;
    unsigned gone = 0;
    for (size_t i = 0; moved && i < graph_elements(axes); i++) {
        int64_t axis = pass_axis(graph_get_int(axes, i), rank);
        if (axis < 0)
            return QUELL_OK;
        graph_put_int(moved, i, perm[axis]);
        gone |= 1u << axis;
    }
    for (size_t i = 0; i < rank && !keep; i++) /* what is left must stay in order */
        if (!(gone >> i & 1)) {
            if (perm[i] < last)
                return QUELL_OK;
            last = perm[i];
        }
    struct graph_tensor *y = graph_out(r), *inner = keep ? graph_tensor(g, y->name, y->type) : y;
    if (!moved || !inner)
        return pass_full(err);
    graph_set_input(r, 1, moved);
    graph_set_input(r, 0, graph_in(n, 0));
    if (keep) {
        graph_set_output(r, 0, inner);
        struct graph_tensor *t = transpose_of(g, n, r->next, inner, rank, perm);
        if (!t)
            return pass_full(err);
        graph_replace(y, t);
    }
    g->changed++;
    return QUELL_OK;
}

struct graph_node *transpose_product_behind(const struct graph_tensor *t)
{
    struct graph_node *n = pass_sole_reader(t);
    while (transpose_passes(n) && n->inputs[0].tensor == t && graph_out(n)) {
        t = graph_out(n);
        n = pass_sole_reader(t);
    }
    return n && (graph_is(n, "Gemm") || graph_is(n, "MatMul")) && n->inputs[0].tensor == t ? n : NULL;
}

/* Flatten(Transpose(x)) in front of a product: the rows of its weights change places instead. */
quell_status transpose_into_product(struct graph *g, struct graph_node *n, struct graph_node *flat, const int64_t *perm, quell_error *err)
{
    const struct graph_tensor *x = graph_in(n, 0), *y = graph_out(n);
    struct graph_node *p = transpose_product_behind(graph_out(flat)), *d = p ? pass_dequantised(graph_in(p, 1)) : NULL;
    size_t axis = p ? 1 - (size_t)pass_output_axis(p) : 0, features;
    if (!d || !pass_shaped(x) || !pass_shaped(y) || x->rank != 4 || x->dims[0] != y->dims[0] || !pass_shaped(graph_out(flat)) || graph_out(flat)->rank != 2 || perm[0] != 0)
        return QUELL_OK;
    const struct graph_tensor *w = graph_in(d, 0);
    features = graph_elements(x) / (size_t)x->dims[0];
    if (w->rank != 2 || (size_t)w->dims[axis] != features || (graph_elements(graph_in(d, 1)) > 1 && pass_axis(graph_attr_int(d, "axis", 1), 2) == (int64_t)axis))
        return QUELL_OK;
    struct graph_tensor *moved = graph_constant(g, w->name, w->type, 2, w->dims);
    if (!moved)
        return pass_full(err);
    size_t others = (size_t)w->dims[1 - axis];
    for (size_t k = 0; k < features; k++) { /* k in the order of x; old in that of its transpose */
        size_t rest = k, at[4] = {0}, old = 0;
        for (size_t i = 4; i-- > 1; rest /= (size_t)x->dims[i])
            at[i] = rest % (size_t)x->dims[i];
        for (size_t i = 1; i < 4; i++)
            old = old * (size_t)y->dims[i] + at[perm[i]];
        for (size_t o = 0; o < others; o++)
            graph_put_int(moved, axis ? o * features + k : k * others + o, graph_get_int(w, axis ? o * features + old : old * others + o));
    }
    struct graph_tensor *const inputs[] = {moved, graph_in(d, 1), graph_in(d, 2)};
    struct graph_tensor *v = pass_node(g, "DequantizeLinear", d->name, p, graph_in(d, 2) ? 3 : 2, inputs);
    if (!v || !graph_set_int(g, v->producer, "axis", graph_attr_int(d, "axis", 1)))
        return pass_full(err);
    graph_set_input(p, 1, v);
    graph_set_input(flat, 0, graph_in(n, 0));
    if (graph_is(flat, "Reshape")) { /* its shape may name dimensions of the transposed tensor */
        flat->op = "Flatten";
        graph_set_input(flat, 1, NULL);
        flat->attributes = NULL;
    }
    graph_note(g, "transposes: %s folded into the weights of node '%.90s'", PASS_LABEL(n), p->name);
    return QUELL_OK;
}
