/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A product of means that are not quantised in between is one product of the whole image: each weight counts for all pixels of its channel.
 *   before   m = GlobalAveragePool(x: C x H x W)   y = Gemm(Flatten(m), w)
 *   after    y = Gemm(Flatten(x), w of every channel H W times, its scale / (H W))
 */
#include <string.h>

#include "affine.h"

enum { WEIGHTS_MAX = 1 << 22 };

static int is_mean(const struct graph_node *n)
{
    const struct graph_tensor *x = n ? graph_in(n, 0) : NULL, *axes = n ? graph_in(n, 1) : NULL;
    int seen = 0;
    if (!pass_shaped(x) || x->rank != 4 || !graph_is(graph_maker(x), "DequantizeLinear"))
        return 0;
    if (graph_is(n, "GlobalAveragePool"))
        return 1;
    for (size_t i = 0; pass_is_const(axes) && i < graph_elements(axes); i++)
        seen |= pass_axis(graph_get_int(axes, i), 4) < 0 ? 16 : 1 << pass_axis(graph_get_int(axes, i), 4);
    return graph_is(n, "ReduceMean") && seen == 12;
}

/* The mean that the node reads, past what changes shapes. */
static const struct graph_node *mean_before(const struct graph_node *n)
{
    const struct graph_node *m = graph_maker(graph_in(n, 0));
    while (graph_is(m, "Flatten") || graph_is(m, "Reshape") || graph_is(m, "Squeeze") || graph_is(m, "Unsqueeze"))
        m = graph_maker(graph_in(m, 0));
    return is_mean(m) ? m : NULL;
}

static quell_status rewrite(struct graph *g, struct graph_node *n, const struct graph_node *m, quell_error *err)
{
    struct graph_node *d = graph_in(n, 1)->producer;
    const struct graph_tensor *x = graph_in(m, 0), *w = graph_in(d, 0), *s = graph_in(d, 1);
    size_t axis = (size_t)pass_output_axis(n), channels = (size_t)x->dims[1], pixels = (size_t)(x->dims[2] * x->dims[3]), outputs = (size_t)w->dims[axis];
    if (!graph_is(n, "Conv") && (w->rank != 2 || (size_t)w->dims[1 - axis] != channels))
        return QUELL_OK;
    if (graph_is(n, "Conv") && (w->rank != 4 || (size_t)w->dims[1] != channels || w->dims[2] != 1 || w->dims[3] != 1))
        return QUELL_OK;
    if (pixels * channels > WEIGHTS_MAX / (outputs ? outputs : 1))
        return quell_fail(err, QUELL_E_UNSUPPORTED, "%s: the mean that it reads is not quantised, and the product of the whole image would need %zu weights; calibrate with a QuantizeLinear behind '%.60s'", PASS_LABEL(n),
                          pixels * channels * outputs, graph_out(m)->name);
    const int64_t matrix[2] = {(int64_t)outputs, (int64_t)(channels * pixels)};
    struct graph_tensor *wide = graph_constant(g, w->name, w->type, 2, matrix), *scale = graph_constant(g, s->name, GRAPH_FLOAT, s->rank, s->dims);
    if (!wide || !scale)
        return pass_full(err);
    for (size_t o = 0; o < outputs; o++)
        for (size_t c = 0; c < channels; c++)
            for (size_t p = 0; p < pixels; p++)
                graph_put_int(wide, (o * channels + c) * pixels + p, graph_get_int(w, axis ? c * outputs + o : o * channels + c));
    for (size_t i = 0; i < graph_elements(s); i++)
        graph_put(scale, i, graph_get(s, i) / (double)pixels);
    struct graph_tensor *const weights[] = {wide, scale};
    struct graph_tensor *v = pass_node(g, "DequantizeLinear", d->name, n, 2, weights);
    struct graph_tensor *const image[] = {graph_in(m, 0)};
    struct graph_tensor *flat = v ? pass_node(g, "Flatten", n->name, n, 1, image) : NULL;
    struct graph_tensor *const inputs[] = {flat, v, graph_in(n, 2)};
    struct graph_tensor *y = flat ? pass_node(g, "Gemm", n->name, n, graph_in(n, 2) ? 3 : 2, inputs) : NULL;
    if (!y || !graph_set_int(g, v->producer, "axis", 0) || !graph_set_int(g, y->producer, "transB", 1))
        return pass_full(err);
    graph_note(g, "mean_product: the mean before %s is not quantised; one product of the whole image instead", PASS_LABEL(n));
    y->type = GRAPH_FLOAT;
    graph_replace(graph_out(n), y);
    graph_remove(g, n);
    return QUELL_OK;
}

quell_status pass_mean_product(struct graph *g, quell_error *err)
{
    for (struct graph_node *n = g->first; n; n = n->next) {
        const struct graph_node *m = pass_output_axis(n) >= 0 && affine_can_fold(n) && graph_attr_int(n, "group", 1) == 1 && !graph_attr_int(n, "transA", 0) ? mean_before(n) : NULL;
        quell_status status = m ? rewrite(g, n, m, err) : QUELL_OK;
        if (status != QUELL_OK)
            return status;
    }
    return QUELL_OK;
}
