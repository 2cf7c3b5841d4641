/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is computed of constants alone becomes a constant; so does the shape of anything whose shape is known. Weights stay behind their
 * DequantizeLinear: the chip wants the codes.
 *   before   z = Cast(int64 0)   q = QuantizeLinear(w, s, z)   v = DequantizeLinear(q, s, z)   y = Conv(x, v)
 *   after                                                      v = DequantizeLinear(q', s, z')  y = Conv(x, v)
 */
#include "fold.h"

enum { CHAIN_MAX = 16 };

static int changes_layout(const struct graph_node *n)
{
    return graph_is(n, "Transpose") || graph_is(n, "Reshape") || graph_is(n, "Squeeze") || graph_is(n, "Unsqueeze") || graph_is(n, "Flatten") || graph_is(n, "Identity") || graph_is(n, "Cast");
}

/* Does this reader, or what reads its result, take it as weights or bias? */
static int is_weight(const struct graph_use *u, int depth)
{
    const struct graph_node *n = u->node;
    if (!n || depth > CHAIN_MAX)
        return 0;
    if (u->index >= 1 && (pass_output_axis(n) >= 0 || graph_is(n, "ConvTranspose")))
        return 1;
    if (u->index || !changes_layout(n) || !graph_out(n))
        return 0;
    for (const struct graph_use *next = graph_out(n)->uses; next; next = next->next)
        if (is_weight(next, depth + 1))
            return 1;
    return 0;
}

/* A dequantised constant: numbers for whoever wants numbers. */
static quell_status dequantise(struct graph *g, const struct graph_node *n, quell_error *err)
{
    struct graph_tensor *plain = NULL;
    for (struct graph_use *u = graph_out(n)->uses, *next; u; u = next) {
        next = u->next;
        if (is_weight(u, 0) || !u->node)
            continue;
        if (!plain && !(plain = fold_node(g, n)))
            return g->full ? pass_full(err) : QUELL_OK;
        graph_link(u, plain);
    }
    return QUELL_OK;
}

static struct graph_tensor *shape_of(struct graph *g, const struct graph_node *n)
{
    const struct graph_tensor *x = graph_in(n, 0);
    if (!pass_shaped(x))
        return NULL;
    int64_t rank = (int64_t)x->rank, start = graph_attr_int(n, "start", 0), end = graph_attr_int(n, "end", rank);
    start = start < 0 ? start + rank : start;
    end = end < 0 ? end + rank : end;
    start = start < 0 ? 0 : start > rank ? rank : start;
    end = end < start ? start : end > rank ? rank : end;
    int64_t count = end - start;
    struct graph_tensor *y = graph_constant(g, graph_out(n)->name, GRAPH_INT64, 1, &count);
    for (int64_t i = 0; y && i < count; i++)
        graph_put_int(y, (size_t)i, x->dims[start + i]);
    return y;
}

static int all_constant(const struct graph_node *n)
{
    for (size_t i = 0; i < n->input_count; i++)
        if (graph_in(n, i) && !pass_is_const(graph_in(n, i)))
            return 0;
    return n->input_count && pass_is_const(graph_in(n, 0));
}

quell_status pass_constants(struct graph *g, quell_error *err)
{
    for (struct graph_node *n = g->first; n; n = n->next) {
        if (n->removed || !graph_out(n) || *n->domain)
            continue;
        struct graph_tensor *y = NULL;
        quell_status status = pass_dequantised(graph_out(n)) ? dequantise(g, n, err) : QUELL_OK;
        if (status != QUELL_OK)
            return status;
        if (graph_is(n, "Shape"))
            y = shape_of(g, n);
        else if (!graph_is(n, "DequantizeLinear") && all_constant(n))
            y = fold_node(g, n);
        if (y) {
            graph_replace(graph_out(n), y);
            graph_remove(g, n);
        }
        if (g->full)
            return pass_full(err);
    }
    return QUELL_OK;
}
