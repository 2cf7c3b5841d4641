/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Weights of any zero point become numbers of zero point 0; what does not fit int8 is int16 here and split by pass_wide.
 *   before   v = DequantizeLinear(w: uint8, s, 117)   y = Conv(x, v)
 *   after    v = DequantizeLinear(w - 117: int8, s)   y = Conv(x, v)
 */
#include "tools.h"

static int64_t zero_of(const struct graph_tensor *zeros, const struct graph_tensor *w, int64_t axis, size_t i)
{
    size_t inner = 1;
    if (!zeros)
        return 0;
    if (graph_elements(zeros) == 1)
        return graph_get_int(zeros, 0);
    for (size_t d = (size_t)axis + 1; d < w->rank; d++)
        inner *= (size_t)w->dims[d];
    return graph_get_int(zeros, i / inner % (size_t)w->dims[axis]);
}

static quell_status rewrite(struct graph *g, struct graph_node *n, const struct graph_node *d, quell_error *err)
{
    struct graph_tensor *w = graph_in(d, 0), *zeros = graph_in(d, 2);
    int64_t axis = pass_axis(graph_attr_int(d, "axis", 1), w->rank), least = 0, most = 0;
    size_t count = graph_elements(w);
    if (zeros && zeros->type != w->type)
        return quell_fail(err, QUELL_E_MODEL, "%s: the weights '%s' are %s, but their zero point is %s", PASS_LABEL(n), w->name, graph_type_name(w->type), graph_type_name(zeros->type));
    if (zeros && graph_elements(zeros) != 1 && (axis < 0 || zeros->rank != 1 || zeros->dims[0] != w->dims[axis]))
        return quell_fail(err, QUELL_E_UNSUPPORTED, "%s: the weights '%s' have %zu zero points; supported: one, or one for each output (blocks are not)", PASS_LABEL(n), w->name, graph_elements(zeros));
    for (size_t i = 0; i < count; i++) {
        int64_t v = graph_get_int(w, i) - zero_of(zeros, w, axis, i);
        least = v < least ? v : least;
        most = v > most ? v : most;
    }
    int wide = least < -128 || most > 127;
    struct graph_tensor *plain = graph_constant(g, w->name, wide ? GRAPH_INT16 : GRAPH_INT8, w->rank, w->dims);
    if (!plain)
        return pass_full(err);
    for (size_t i = 0; i < count; i++)
        graph_put_int(plain, i, graph_get_int(w, i) - zero_of(zeros, w, axis, i));
    struct graph_tensor *const inputs[] = {plain, graph_in(d, 1)};
    struct graph_tensor *v = pass_node(g, "DequantizeLinear", d->name, n, 2, inputs);
    if (!v || !graph_set_int(g, v->producer, "axis", axis < 0 ? 0 : axis))
        return pass_full(err);
    graph_set_input(n, 1, v);
    return QUELL_OK;
}

/* Nothing to do for int8 without zero point; other types are refused where they are read. */
static int is_plain(const struct graph_node *d) { return !graph_is_code(graph_in(d, 0)->type) || (graph_in(d, 0)->type == GRAPH_INT8 && !graph_in(d, 2)); }

quell_status pass_weights(struct graph *g, quell_error *err)
{
    for (struct graph_node *n = g->first; n; n = n->next) {
        const struct graph_node *d = pass_output_axis(n) >= 0 ? pass_dequantised(graph_in(n, 1)) : NULL;
        quell_status status = d && !is_plain(d) ? rewrite(g, n, d, err) : QUELL_OK;
        if (status != QUELL_OK)
            return status;
    }
    return QUELL_OK;
}
