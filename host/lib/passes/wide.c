/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Weights beyond int8 are split over copies of their input channels, made by a layer of ones: w = 138 is 127 for the channel and 11 for its copy.
 *   before   y = Conv(x: C channels, w: -117...138)
 *   after    x' = Conv(x, ones: C+E x C x 1 x 1), quantised as x   y = Conv(x', w': int8, C+E channels)
 */
#include <string.h>

#include "tools.h"

static int64_t part(int64_t *rest)
{
    int64_t p = *rest > 127 ? 127 : *rest < -128 ? -128 : *rest;
    *rest -= p;
    return p;
}

static int64_t parts(int64_t w)
{
    int64_t n = 1;
    for (part(&w); w; n++)
        part(&w);
    return n;
}

struct plan {
    int64_t channels, pixels, outputs, taps, wide; /* wide: with the copies */
    int depthwise, dense, transposed;
    int64_t *copies, *first; /* of a channel: how many further ones, the first of them */
};

/* Index in the old weights; -1: a depthwise kernel has no weight there. */
static int64_t old_index(const struct plan *p, int64_t o, int64_t c, int64_t t)
{
    if (p->dense)
        return p->transposed ? o * p->channels * p->pixels + c * p->pixels + t : (c * p->pixels + t) * p->outputs + o;
    if (p->depthwise)
        return o == c ? o * p->taps + t : -1;
    return (o * p->channels + c) * p->taps + t;
}

static int64_t new_index(const struct plan *p, int64_t o, int64_t c, int64_t t)
{
    if (p->dense)
        return p->transposed ? o * p->wide * p->pixels + c * p->pixels + t : (c * p->pixels + t) * p->outputs + o;
    return (o * p->wide + c) * p->taps + t;
}

static quell_status make_plan(struct graph *g, const struct graph_node *n, const struct graph_tensor *w, struct plan *p, quell_error *err)
{
    p->dense = !graph_is(n, "Conv");
    p->transposed = pass_output_axis(n) == 0;
    p->outputs = w->dims[pass_output_axis(n)];
    if (!pass_channels(graph_in(n, 0), &p->channels, &p->pixels) || (p->dense ? w->rank != 2 || (int64_t)graph_elements(w) != p->outputs * p->channels * p->pixels : w->rank != 4))
        return quell_fail(err, QUELL_E_UNSUPPORTED, "%s: with their zero points its weights '%s' are beyond int8, and its input's channels are not known; quantise the weights symmetrically", PASS_LABEL(n), w->name);
    p->taps = p->dense ? p->pixels : w->dims[2] * w->dims[3];
    p->depthwise = !p->dense && graph_attr_int(n, "group", 1) == p->channels && p->channels > 1 && w->dims[1] == 1 && p->outputs == p->channels;
    if (!p->dense && !p->depthwise && w->dims[1] != p->channels)
        return quell_fail(err, QUELL_E_UNSUPPORTED, "%s: group %lld; supported: 1, or depthwise (as many groups as input and output channels)", PASS_LABEL(n), (long long)graph_attr_int(n, "group", 1));
    p->copies = graph_alloc(g, (size_t)p->channels, sizeof *p->copies);
    p->first = graph_alloc(g, (size_t)p->channels, sizeof *p->first);
    if (!p->copies || !p->first)
        return pass_full(err);
    p->wide = p->channels;
    for (int64_t c = 0; c < p->channels; c++) {
        for (int64_t o = 0; o < p->outputs; o++)
            for (int64_t t = 0; t < p->taps; t++) {
                int64_t i = old_index(p, o, c, t), more = i >= 0 ? parts(graph_get_int(w, (size_t)i)) - 1 : 0;
                p->copies[c] = more > p->copies[c] ? more : p->copies[c];
            }
        p->first[c] = p->wide;
        p->wide += p->copies[c];
    }
    return QUELL_OK;
}

static struct graph_tensor *new_weights(struct graph *g, const struct graph_tensor *w, const struct plan *p)
{
    int64_t conv[4] = {p->outputs, p->wide, p->dense ? 1 : w->dims[2], p->dense ? 1 : w->dims[3]};
    int64_t matrix[2] = {p->transposed ? p->outputs : p->wide * p->pixels, p->transposed ? p->wide * p->pixels : p->outputs};
    struct graph_tensor *v = graph_constant(g, w->name, GRAPH_INT8, p->dense ? 2 : 4, p->dense ? matrix : conv);
    for (int64_t o = 0; v && o < p->outputs; o++)
        for (int64_t c = 0; c < p->channels; c++)
            for (int64_t t = 0; t < p->taps; t++) {
                int64_t i = old_index(p, o, c, t), rest = i >= 0 ? graph_get_int(w, (size_t)i) : 0;
                graph_put_int(v, (size_t)new_index(p, o, c, t), part(&rest));
                for (int64_t k = 0; k < p->copies[c]; k++)
                    graph_put_int(v, (size_t)new_index(p, o, p->first[c] + k, t), part(&rest));
            }
    return v;
}

/* x with copies of its channels, quantised as it is. */
static struct graph_tensor *copied(struct graph *g, struct graph_node *n, const struct plan *p)
{
    struct graph_node *d = graph_in(n, 0)->producer;
    while (d && !graph_is(d, "DequantizeLinear") && graph_in(d, 0))
        d = graph_in(d, 0)->producer;
    double scale, zero;
    if (!d || !pass_quantisation(d, &scale, &zero))
        return NULL;
    const int64_t dims[4] = {p->wide, p->channels, 1, 1};
    struct graph_tensor *ones = graph_constant(g, "ones", GRAPH_INT8, 4, dims), *one = pass_float(g, "one", GRAPH_FLOAT, 1);
    if (!ones || !one)
        return NULL;
    for (int64_t c = 0; c < p->channels; c++) {
        graph_put_int(ones, (size_t)(c * p->channels + c), 1);
        for (int64_t k = 0; k < p->copies[c]; k++)
            graph_put_int(ones, (size_t)((p->first[c] + k) * p->channels + c), 1);
    }
    const char *name = graph_format(g, "%.200s.copies", n->name);
    struct graph_tensor *const weight[] = {ones, one};
    struct graph_tensor *v = pass_node(g, "DequantizeLinear", name, n, 2, weight);
    struct graph_tensor *const inputs[] = {graph_in(n, 0), v};
    struct graph_tensor *y = v ? pass_node(g, "Conv", name, n, 2, inputs) : NULL;
    if (!y || !graph_set_int(g, y->producer, "quell.identity", 1))
        return NULL;
    struct graph_tensor *const quantised[] = {y, graph_in(d, 1), graph_in(d, 2)};
    struct graph_tensor *q = pass_node(g, "QuantizeLinear", name, n, 3, quantised);
    struct graph_tensor *const back[] = {q, graph_in(d, 1), graph_in(d, 2)};
    return q ? pass_node(g, "DequantizeLinear", name, n, 3, back) : NULL;
}

static quell_status split(struct graph *g, struct graph_node *n, const struct graph_node *d, quell_error *err)
{
    struct plan p;
    memset(&p, 0, sizeof p);
    quell_status status = make_plan(g, n, graph_in(d, 0), &p, err);
    if (status != QUELL_OK)
        return status;
    struct graph_tensor *w = new_weights(g, graph_in(d, 0), &p), *x = p.wide > p.channels ? copied(g, n, &p) : graph_in(n, 0);
    struct graph_tensor *const inputs[] = {w, graph_in(d, 1)};
    if (!x && !g->full)
        return quell_fail(err, QUELL_E_UNSUPPORTED, "%s: its input must be quantised (behind QuantizeLinear and DequantizeLinear)", PASS_LABEL(n));
    struct graph_tensor *v = x && w ? pass_node(g, "DequantizeLinear", d->name, n, 2, inputs) : NULL;
    if (!v || !graph_set_int(g, v->producer, "axis", graph_attr_int(d, "axis", 1)) || !graph_set_int(g, n, "group", 1))
        return pass_full(err);
    graph_set_input(n, 0, x);
    graph_set_input(n, 1, v);
    graph_note(g, "wide: %s has weights beyond int8 (zero points): %lld copies of input channels take the rest", PASS_LABEL(n), (long long)(p.wide - p.channels));
    return QUELL_OK;
}

quell_status pass_wide(struct graph *g, quell_error *err)
{
    for (struct graph_node *n = g->first; n; n = n->next) {
        const struct graph_node *d = pass_output_axis(n) >= 0 ? pass_dequantised(graph_in(n, 1)) : NULL;
        quell_status status = d && graph_in(d, 0)->type == GRAPH_INT16 && !graph_in(d, 2) ? split(g, n, d, err) : QUELL_OK;
        if (status != QUELL_OK)
            return status;
    }
    return QUELL_OK;
}
