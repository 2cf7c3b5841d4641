/* SPDX-License-Identifier: Apache-2.0 */
/*
 * BatchNormalization is a factor and an offset a channel.
 *   before   y = BatchNormalization(x, gamma, beta, mean, variance)
 *   after    m = Mul(x, gamma / sqrt(variance + epsilon))   y = Add(m, beta - mean gamma / sqrt(variance + epsilon))
 */
#include <math.h>

#include "tools.h"

static quell_status rewrite(struct graph *g, struct graph_node *n, quell_error *err)
{
    const struct graph_tensor *x = graph_in(n, 0), *p[4];
    const int64_t channels = x->dims[1], dims[GRAPH_RANK_MAX] = {channels, 1, 1, 1, 1, 1, 1};
    for (size_t i = 0; i < 4; i++) {
        p[i] = graph_in(n, i + 1);
        if (!pass_is_const(p[i]) || (int64_t)graph_elements(p[i]) != channels)
            return quell_fail(err, QUELL_E_UNSUPPORTED, "%s: its scale, bias, mean and variance must be constants of %lld elements, one a channel", PASS_LABEL(n), (long long)channels);
    }
    struct graph_tensor *factor = graph_constant(g, p[0]->name, GRAPH_DOUBLE, x->rank - 1, dims), *offset = graph_constant(g, p[1]->name, GRAPH_DOUBLE, x->rank - 1, dims);
    if (!factor || !offset)
        return pass_full(err);
    double epsilon = graph_attr_float(n, "epsilon", 1e-5f);
    for (size_t c = 0; c < (size_t)channels; c++) {
        double f = graph_get(p[0], c) / sqrt(graph_get(p[3], c) + epsilon);
        graph_put(factor, c, f);
        graph_put(offset, c, graph_get(p[1], c) - graph_get(p[2], c) * f);
    }
    struct graph_tensor *const product[] = {graph_in(n, 0), factor};
    struct graph_tensor *m = pass_node(g, "Mul", n->name, n, 2, product);
    struct graph_tensor *const sum[] = {m, offset};
    struct graph_tensor *y = m ? pass_node(g, "Add", n->name, n, 2, sum) : NULL;
    if (!y)
        return pass_full(err);
    y->type = m->type = GRAPH_FLOAT;
    graph_replace(graph_out(n), y);
    graph_remove(g, n);
    return QUELL_OK;
}

quell_status pass_batch_norm(struct graph *g, quell_error *err)
{
    for (struct graph_node *n = g->first; n; n = n->next) {
        if (!graph_is(n, "BatchNormalization") || !graph_out(n) || !pass_shaped(graph_in(n, 0)) || graph_in(n, 0)->rank < 2 || graph_in(n, 0)->dims[1] < 1)
            continue;
        if (graph_attr_int(n, "training_mode", 0))
            return quell_fail(err, QUELL_E_UNSUPPORTED, "%s: training_mode is set; export the network for inference", PASS_LABEL(n));
        quell_status status = rewrite(g, n, err);
        if (status != QUELL_OK)
            return status;
    }
    return QUELL_OK;
}
