/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Folding factors and offsets into weights and bias; see affine.h. A factor goes into the scale of the weights (float32), its sign into the codes; an
 * offset into the bias, which the chip keeps in whole steps of its accumulator.
 */
#include "affine.h"

#include <math.h>

int affine_can_fold(const struct graph_node *n)
{
    const struct graph_node *d = pass_output_axis(n) >= 0 ? pass_dequantised(graph_in(n, 1)) : NULL;
    const struct graph_tensor *w = d ? graph_in(d, 0) : NULL, *bias = n && n->input_count > 2 ? graph_in(n, 2) : NULL;
    if (!w || graph_in(d, 2) || (w->type != GRAPH_INT8 && w->type != GRAPH_INT16) || (int64_t)w->rank <= pass_output_axis(n))
        return 0;
    size_t outputs = (size_t)w->dims[pass_output_axis(n)], scales = graph_elements(graph_in(d, 1));
    if (scales != 1 && (scales != outputs || graph_in(d, 1)->rank != 1 || pass_axis(graph_attr_int(d, "axis", 1), w->rank) != pass_output_axis(n)))
        return 0;
    return (!bias || pass_is_const(bias) || pass_dequantised(bias)) && (!graph_is(n, "MatMul") || (pass_shaped(graph_in(n, 0)) && graph_in(n, 0)->rank == 2));
}

/* New weights: codes turned round where the factor is negative, nothing where it is 0; scales times its size. */
static quell_status fold_weights(struct graph *g, struct graph_node *n, const struct affine *a, quell_error *err)
{
    struct graph_node *d = graph_in(n, 1)->producer;
    const struct graph_tensor *w = graph_in(d, 0), *s = graph_in(d, 1);
    size_t axis = (size_t)pass_output_axis(n), inner = 1, count = graph_elements(w);
    const int64_t outputs = w->dims[axis];
    int wide = w->type == GRAPH_INT16;
    for (size_t i = axis + 1; i < w->rank; i++)
        inner *= (size_t)w->dims[i];
    for (size_t i = 0; i < count; i++)
        wide |= graph_get_int(w, i) == -128 && a->factor[i / inner % (size_t)outputs] < 0;
    struct graph_tensor *codes = graph_constant(g, w->name, wide ? GRAPH_INT16 : GRAPH_INT8, w->rank, w->dims), *scales = graph_constant(g, s->name, GRAPH_FLOAT, 1, &outputs);
    if (!codes || !scales)
        return pass_full(err);
    for (size_t i = 0; i < count; i++) {
        double f = a->factor[i / inner % (size_t)outputs];
        graph_put_int(codes, i, f > 0 ? graph_get_int(w, i) : f < 0 ? -graph_get_int(w, i) : 0);
    }
    for (size_t o = 0; o < (size_t)outputs; o++) {
        double old = graph_get(s, graph_elements(s) == 1 ? 0 : o);
        graph_put(scales, o, a->factor[o] == 0 ? old : old * fabs(a->factor[o]));
    }
    struct graph_tensor *const inputs[] = {codes, scales};
    struct graph_tensor *v = pass_node(g, "DequantizeLinear", d->name, n, 2, inputs);
    if (!v || !graph_set_int(g, v->producer, "axis", (int64_t)axis))
        return pass_full(err);
    v->type = GRAPH_FLOAT;
    graph_set_input(n, 1, v);
    return QUELL_OK;
}

/* Element o of a bias that is a number, or int32 behind DequantizeLinear. */
static double bias_of(const struct graph_tensor *bias, size_t o)
{
    const struct graph_node *d = pass_dequantised(bias);
    if (!bias)
        return 0;
    if (!d)
        return graph_get(bias, graph_elements(bias) == 1 ? 0 : o);
    const struct graph_tensor *q = graph_in(d, 0), *s = graph_in(d, 1), *z = graph_in(d, 2);
    return (graph_get(q, graph_elements(q) == 1 ? 0 : o) - (z ? graph_get(z, graph_elements(z) == 1 ? 0 : o) : 0)) * graph_get(s, graph_elements(s) == 1 ? 0 : o);
}

static int bias_fits(const struct graph_tensor *bias, size_t outputs)
{
    const struct graph_node *d = pass_dequantised(bias);
    size_t n = bias ? graph_elements(d ? graph_in(d, 0) : bias) : 1;
    if (d && ((graph_elements(graph_in(d, 1)) != 1 && graph_elements(graph_in(d, 1)) != n) || (graph_in(d, 2) && graph_elements(graph_in(d, 2)) != 1 && graph_elements(graph_in(d, 2)) != n)))
        return 0;
    return n == 1 || n == outputs;
}

static quell_status fold_bias(struct graph *g, struct graph_node *n, const struct affine *a, quell_error *err)
{
    struct graph_tensor *old = graph_in(n, 2);
    const int64_t outputs = (int64_t)a->channels;
    int needed = old != NULL;
    for (size_t o = 0; o < a->channels; o++)
        needed |= a->offset[o] != 0;
    if (!needed)
        return QUELL_OK;
    if (!bias_fits(old, a->channels))
        return quell_fail(err, QUELL_E_UNSUPPORTED, "%s: its bias '%s' must have one element, or one for each of the %zu outputs", PASS_LABEL(n), old->name, a->channels);
    struct graph_tensor *bias = graph_constant(g, old ? old->name : graph_format(g, "%.200s.bias", n->name), GRAPH_DOUBLE, 1, &outputs);
    if (!bias)
        return pass_full(err);
    for (size_t o = 0; o < a->channels; o++)
        graph_put(bias, o, bias_of(old, o) * a->factor[o] + a->offset[o]);
    if (n->input_count < 3) {
        struct graph_use *inputs = graph_alloc(g, 3, sizeof *inputs);
        if (!inputs)
            return pass_full(err);
        for (size_t i = 0; i < 3; i++) {
            inputs[i].node = n;
            inputs[i].index = i;
            graph_link(&inputs[i], i < 2 ? graph_in(n, i) : NULL);
        }
        graph_set_input(n, 0, NULL);
        graph_set_input(n, 1, NULL);
        n->inputs = inputs;
        n->input_count = 3;
        if (graph_is(n, "MatMul"))
            n->op = "Gemm";
    }
    graph_set_input(n, 2, bias);
    return QUELL_OK;
}

quell_status affine_fold(struct graph *g, struct graph_node *n, const struct affine *a, quell_error *err)
{
    const struct graph_tensor *w = graph_in(graph_in(n, 1)->producer, 0);
    size_t outputs = (size_t)w->dims[pass_output_axis(n)];
    struct affine by = *a;
    if (outputs != a->channels) { /* of a flat image: one number for all */
        by.channels = outputs;
        by.factor = graph_alloc(g, outputs, sizeof *by.factor);
        by.offset = graph_alloc(g, outputs, sizeof *by.offset);
        if (!by.factor || !by.offset)
            return pass_full(err);
        for (size_t o = 0; o < outputs; o++) {
            by.factor[o] = a->factor[0];
            by.offset[o] = a->offset[0];
        }
    }
    quell_status status = fold_weights(g, n, &by, err);
    return status == QUELL_OK ? fold_bias(g, n, &by, err) : status;
}
