/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What follows the logits is done on the host: the chip's answer is the codes of the last QuantizeLinear, and none of this changes which is the largest.
 *   before   d = DequantizeLinear(q, s, z)   p = Softmax(d)   out = QuantizeLinear(p)
 *   after    out = d; the model remembers "softmax"
 */
#include "tools.h"

static enum quell_end ends_with(const struct graph_node *n)
{
    if (graph_is(n, "Softmax"))
        return QUELL_END_SOFTMAX;
    if (graph_is(n, "LogSoftmax"))
        return QUELL_END_LOG_SOFTMAX;
    if (graph_is(n, "Sigmoid"))
        return QUELL_END_SIGMOID;
    return graph_is(n, "ArgMax") ? QUELL_END_ARGMAX : QUELL_END_NONE;
}

/* May stand behind one of those: shapes, casts, a pair of its own. */
static int may_follow(const struct graph_node *n)
{
    return graph_is(n, "QuantizeLinear") || graph_is(n, "DequantizeLinear") || graph_is(n, "Identity") || graph_is(n, "Cast") || graph_is(n, "Squeeze") || graph_is(n, "Unsqueeze") || graph_is(n, "Reshape") ||
           graph_is(n, "Flatten");
}

/* Over the classes: of N x C, or of N x C x 1 x 1. */
static int over_classes(const struct graph_node *n, const struct graph_tensor *x)
{
    int64_t otherwise = graph_is(n, "ArgMax") ? 0 : x->rank == 2 ? 1 : -1;
    int64_t axis = pass_axis(graph_attr_int(n, "axis", otherwise), x->rank);
    if (graph_is(n, "Sigmoid"))
        return 1;
    for (size_t i = 0; i < x->rank; i++)
        if ((int64_t)i != axis && x->dims[i] != 1 && i != 0)
            return 0;
    return axis >= 1;
}

quell_status pass_ends(struct graph *g, quell_error *err)
{
    if (g->output_count != 1)
        return QUELL_OK;
    struct graph_tensor *t = g->outputs[0].tensor;
    for (int steps = 0; steps < 16; steps++) {
        const struct graph_node *n = t->producer;
        enum quell_end end = ends_with(n);
        if (end) {
            const struct graph_tensor *x = graph_in(n, 0);
            if (!x || !pass_shaped(x)) /* not known yet */
                return QUELL_OK;
            if (!over_classes(n, x))
                return quell_fail(err, QUELL_E_UNSUPPORTED, "%s: at the end of the network it must go over the classes (axis 1); its input has %zu dimensions", PASS_LABEL(n), x->rank);
            g->end = end;
            graph_link(&g->outputs[0], graph_in(n, 0));
            graph_note(g, "ends: %s is left to the host; the logits are what it reads", PASS_LABEL(n));
            t = g->outputs[0].tensor;
            steps = 0;
        } else if (may_follow(n) && graph_in(n, 0)) {
            t = graph_in(n, 0);
        } else {
            return QUELL_OK;
        }
    }
    return QUELL_OK;
}
