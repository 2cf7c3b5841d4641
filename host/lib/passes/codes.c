/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Operators on codes become operators on real values.
 *   before   q = QuantizeLinear(x, s, z)            c = Clip(q, -127, 127)
 *   after    x' = Clip(x, (-127 - z) s, (127 - z) s)   c = QuantizeLinear(x', s, z)
 */
#include "tools.h"

#include <math.h>

/* Limits of a Clip or Relu of codes. */
static int limits(const struct graph_node *n, double *low, double *high)
{
    int is_signed = graph_in(n, 0)->type == GRAPH_INT8;
    *low = is_signed ? -128 : 0;
    *high = is_signed ? 127 : 255;
    if (graph_is(n, "Relu")) {
        *low = fmax(*low, 0);
        return 1;
    }
    double v;
    if (graph_in(n, 1)) {
        if (!pass_scalar(graph_in(n, 1), &v))
            return 0;
        *low = fmax(*low, v);
    }
    if (graph_in(n, 2)) {
        if (!pass_scalar(graph_in(n, 2), &v))
            return 0;
        *high = fmin(*high, v);
    }
    return *low <= *high;
}

/* The clipping can stand in front of the QuantizeLinear; behind anything else it follows a pair of its own. */
static int in_front(const struct graph_node *maker)
{
    return graph_is(maker, "Conv") || graph_is(maker, "Gemm") || graph_is(maker, "MatMul") || graph_is(maker, "Add") || graph_is(maker, "Relu") || graph_is(maker, "Clip");
}

/* x clipped -> QuantizeLinear like q. */
static struct graph_tensor *clipped(struct graph *g, struct graph_node *n, const struct graph_node *q, struct graph_tensor *x, double low, double high)
{
    double scale, zero;
    if (!pass_quantisation(q, &scale, &zero))
        return NULL;
    struct graph_tensor *lo = pass_float(g, "low", GRAPH_FLOAT, (float)(low - zero) * (float)scale), *hi = pass_float(g, "high", GRAPH_FLOAT, (float)(high - zero) * (float)scale);
    struct graph_tensor *const inputs[] = {x, lo, hi};
    struct graph_tensor *y = lo && hi ? pass_node(g, "Clip", n->name, n, 3, inputs) : NULL;
    struct graph_tensor *const quantised[] = {y, graph_in(q, 1), graph_in(q, 2)};
    struct graph_tensor *c = y ? pass_node(g, "QuantizeLinear", graph_out(n)->name, n, 3, quantised) : NULL;
    if (c)
        c->type = graph_in(n, 0)->type;
    return c;
}

static struct graph_tensor *dequantised(struct graph *g, struct graph_node *n, const struct graph_node *q)
{
    struct graph_tensor *const inputs[] = {graph_in(n, 0), graph_in(q, 1), graph_in(q, 2)};
    return pass_node(g, "DequantizeLinear", n->name, n, 3, inputs);
}

static quell_status rewrite(struct graph *g, struct graph_node *n, const struct graph_node *q, quell_error *err)
{
    double low, high;
    struct graph_tensor *y;
    if (graph_is(n, "MaxPool")) { /* commutes with what only grows */
        struct graph_tensor *x = dequantised(g, n, q), *p = graph_tensor(g, n->name, GRAPH_FLOAT), *out = graph_out(n);
        struct graph_tensor *const inputs[] = {p, graph_in(q, 1), graph_in(q, 2)};
        if (!x || !p)
            return pass_full(err);
        graph_set_input(n, 0, x);
        graph_set_output(n, 0, p);
        if (!(y = pass_node(g, "QuantizeLinear", out->name, n->next, 3, inputs)))
            return pass_full(err);
        y->type = out->type;
        graph_replace(out, y);
        return QUELL_OK;
    }
    if (!limits(n, &low, &high))
        return quell_fail(err, QUELL_E_UNSUPPORTED, "%s: its limits must be two constants, the first not above the second", PASS_LABEL(n));
    int is_signed = graph_in(n, 0)->type == GRAPH_INT8;
    if (low == (is_signed ? -128 : 0) && high == (is_signed ? 127 : 255)) {
        pass_bypass(g, n);
        return QUELL_OK;
    }
    struct graph_tensor *x = in_front(graph_maker(graph_in(q, 0))) ? graph_in(q, 0) : dequantised(g, n, q);
    if (!x || !(y = clipped(g, n, q, x, low, high)))
        return pass_full(err);
    graph_replace(graph_out(n), y);
    graph_remove(g, n);
    return QUELL_OK;
}

quell_status pass_codes(struct graph *g, quell_error *err)
{
    for (struct graph_node *n = g->first; n; n = n->next) {
        if (!graph_is(n, "Clip") && !graph_is(n, "Relu") && !graph_is(n, "MaxPool"))
            continue;
        const struct graph_node *q = graph_in(n, 0) ? graph_maker(graph_in(n, 0)) : NULL;
        double scale, zero;
        if (!graph_out(n) || (!graph_is(q, "QuantizeLinear") && !pass_table_codes(q)) || !graph_is_code(graph_in(n, 0)->type) || !pass_quantisation(q, &scale, &zero))
            continue;
        quell_status status = rewrite(g, n, q, err);
        if (status != QUELL_OK)
            return status;
    }
    return QUELL_OK;
}
