/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The largest of codes is a code, and ReLU of a code is one: where a tool leaves such a value real, a pair with the same numbers changes nothing.
 *   before   d = DequantizeLinear(q, s, z)   m = MaxPool(d)   y = Conv(m, w)
 *   after    d = DequantizeLinear(q, s, z)   m = MaxPool(d)   m' = DequantizeLinear(QuantizeLinear(m, s, z), s, z)   y = Conv(m', w)
 */
#include <math.h>
#include <string.h>

#include "tools.h"

static int changes_shape(const struct graph_node *n) { return graph_is(n, "Flatten") || graph_is(n, "Reshape") || graph_is(n, "Squeeze") || graph_is(n, "Unsqueeze"); }

/* A limit that is a code, or beyond all of them. */
static int is_code(const struct graph_tensor *limit, double scale, double zero, double low)
{
    double v;
    if (!limit)
        return 1;
    if (!pass_scalar(limit, &v))
        return 0;
    double code = v / scale + zero;
    return code <= low || code >= low + 255 || fabs(code - nearbyint(code)) < 1e-4;
}

static int keeps_codes(const struct graph_node *n, const struct graph_node *d)
{
    double scale, zero;
    if (!pass_quantisation(d, &scale, &zero) || !graph_is_code(graph_in(d, 2)->type))
        return 0;
    if (graph_is(n, "Clip"))
        return is_code(graph_in(n, 1), scale, zero, graph_in(d, 2)->type == GRAPH_INT8 ? -128 : 0) && is_code(graph_in(n, 2), scale, zero, graph_in(d, 2)->type == GRAPH_INT8 ? -128 : 0);
    return graph_is(n, "MaxPool") || graph_is(n, "GlobalMaxPool") || graph_is(n, "Relu");
}

quell_status pass_exact_pairs(struct graph *g, quell_error *err)
{
    size_t count = 0;
    for (struct graph_node *n = g->first; n; n = n->next) {
        struct graph_tensor *y = graph_out(n);
        const struct graph_node *d = graph_in(n, 0) ? graph_maker(graph_in(n, 0)) : NULL, *reader = y ? pass_sole_reader(y) : NULL;
        while (changes_shape(d))
            d = graph_maker(graph_in(d, 0));
        while (reader && (changes_shape(reader) || graph_is(reader, "Relu") || graph_is(reader, "Clip"))) /* quantised a little later */
            reader = pass_sole_reader(graph_out(reader));
        if (n->removed || !y || !graph_is(d, "DequantizeLinear") || pass_is_const(graph_in(d, 0)) || !keeps_codes(n, d) || graph_is(reader, "QuantizeLinear"))
            continue;
        struct graph_tensor *real = graph_tensor(g, y->name, GRAPH_FLOAT);
        struct graph_tensor *const inputs[] = {real, graph_in(d, 1), graph_in(d, 2)};
        if (!real)
            return pass_full(err);
        struct graph_node *next = n->next;
        struct graph_tensor *q = pass_node(g, "QuantizeLinear", y->name, next, 3, inputs);
        struct graph_tensor *const back[] = {q, graph_in(d, 1), graph_in(d, 2)};
        struct graph_tensor *again = q ? pass_node(g, "DequantizeLinear", y->name, next, 3, back) : NULL;
        if (!again)
            return pass_full(err);
        graph_replace(y, again);
        graph_set_output(n, 0, real);
        pass_take_shape(real, y);
        pass_take_shape(again, y);
        q->type = graph_in(d, 2)->type;
        again->type = GRAPH_FLOAT;
        count++;
    }
    if (count)
        graph_note(g, "exact_pairs: %zu values that are codes already quantised as such", count);
    return QUELL_OK;
}
