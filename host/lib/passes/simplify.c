/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Operators that change nothing go.
 *   before   a = Identity(x)   b = Cast(a, float32)   q = QuantizeLinear(DequantizeLinear(c, s, z), s, z)
 *   after    b is x            q is c
 */
#include "tools.h"

#include <math.h>
#include <string.h>

static int same_shape(const struct graph_tensor *a, const struct graph_tensor *b)
{
    return pass_shaped(a) && pass_shaped(b) && a->rank == b->rank && memcmp(a->dims, b->dims, a->rank * sizeof *a->dims) == 0;
}

static int in_order(const struct graph_node *n)
{
    size_t count;
    const int64_t *perm = graph_attr_ints(n, "perm", &count);
    for (size_t i = 0; i < count; i++)
        if (perm[i] != (int64_t)i)
            return 0;
    return perm != NULL;
}

static int all_are(const struct graph_node *n, const char *attribute, int64_t value)
{
    size_t count;
    const int64_t *v = graph_attr_ints(n, attribute, &count);
    for (size_t i = 0; i < count; i++)
        if (v[i] != value)
            return 0;
    return 1;
}

/* float32 and float64 hold the same numbers here: both are float32 in the end. */
static int wide(enum graph_type t) { return t == GRAPH_FLOAT || t == GRAPH_DOUBLE; }

static int does_nothing(const struct graph_node *n)
{
    const struct graph_tensor *x = graph_in(n, 0), *y = graph_out(n);
    double low = -INFINITY, high = INFINITY;
    double training = 0;
    if (graph_is(n, "Dropout") && graph_in(n, 2) && (!pass_scalar(graph_in(n, 2), &training) || training))
        return 0;
    if (graph_is(n, "Identity") || (graph_is(n, "Dropout") && (n->output_count < 2 || !n->outputs[1] || !n->outputs[1]->use_count)))
        return 1;
    if (graph_is(n, "Cast"))
        return x->type == y->type || (wide(x->type) && wide(y->type));
    if (graph_is(n, "Transpose"))
        return in_order(n);
    if (graph_is(n, "Reshape") || graph_is(n, "Flatten") || graph_is(n, "Squeeze") || graph_is(n, "Unsqueeze"))
        return same_shape(x, y);
    if (graph_is(n, "MaxPool") || graph_is(n, "AveragePool"))
        return graph_attr(n, "kernel_shape") && all_are(n, "kernel_shape", 1) && all_are(n, "strides", 1) && all_are(n, "pads", 0);
    if (graph_is(n, "Clip"))
        return (!graph_in(n, 1) || (pass_scalar(graph_in(n, 1), &low) && low == -INFINITY)) && (!graph_in(n, 2) || (pass_scalar(graph_in(n, 2), &high) && high == INFINITY));
    return 0;
}

/* A QuantizeLinear of what was dequantised with the same numbers: the codes that were. */
static struct graph_tensor *codes_again(const struct graph_node *q)
{
    const struct graph_node *d = graph_is(q, "QuantizeLinear") ? graph_maker(graph_in(q, 0)) : NULL;
    if (!graph_is(d, "DequantizeLinear") || pass_is_const(graph_in(d, 0)) || !pass_same_constant(graph_in(q, 1), graph_in(d, 1)) || !graph_in(q, 2) || !pass_same_constant(graph_in(q, 2), graph_in(d, 2)))
        return NULL;
    /* codes that the image is given as: pass_input makes them a QuantizeLinear of it */
    return graph_in(d, 0)->producer && graph_in(d, 0)->type == graph_out(q)->type ? graph_in(d, 0) : NULL;
}

static int reshapes(const struct graph_node *n) { return graph_is(n, "Reshape") || graph_is(n, "Flatten") || graph_is(n, "Squeeze") || graph_is(n, "Unsqueeze"); }

/* Of two operators that only change the shape the last one counts. */
static quell_status join_reshapes(struct graph *g, struct graph_node *n, quell_error *err)
{
    const struct graph_tensor *y = graph_out(n);
    const int64_t rank = (int64_t)y->rank;
    struct graph_tensor *shape = graph_constant(g, "shape", GRAPH_INT64, 1, &rank);
    if (!shape)
        return pass_full(err);
    for (size_t i = 0; i < y->rank; i++)
        graph_put_int(shape, i, y->dims[i]);
    struct graph_tensor *const inputs[] = {graph_in(graph_maker(graph_in(n, 0)), 0), shape};
    struct graph_tensor *joined = pass_node(g, "Reshape", n->name, n, 2, inputs);
    if (!joined)
        return pass_full(err);
    joined->type = y->type;
    pass_take_shape(joined, y);
    graph_replace(graph_out(n), joined);
    graph_remove(g, n);
    return QUELL_OK;
}

quell_status pass_simplify(struct graph *g, quell_error *err)
{
    size_t count = 0;
    for (struct graph_node *n = g->first; n; n = n->next) {
        if (n->removed || !graph_in(n, 0) || !graph_out(n))
            continue;
        if (reshapes(n) && reshapes(graph_maker(graph_in(n, 0))) && pass_shaped(graph_out(n))) {
            quell_status status = join_reshapes(g, n, err);
            if (status != QUELL_OK)
                return status;
            continue;
        }
        struct graph_tensor *codes = codes_again(n);
        if (codes)
            graph_replace(graph_out(n), codes);
        else if (does_nothing(n))
            graph_replace(graph_out(n), graph_in(n, 0));
        else
            continue;
        graph_remove(g, n);
        count++;
    }
    if (count)
        graph_note(g, "simplify: %zu operators that change nothing left out", count);
    return QUELL_OK;
}
