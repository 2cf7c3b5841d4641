/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Gemm's alpha goes into the weights, its beta into the bias.
 *   before   y = Gemm(x, w, b) alpha=0.5 beta=2
 *   after    y = Gemm(x, 0.5 w, 2 b)
 */
#include "affine.h"

static quell_status rewrite(struct graph *g, struct graph_node *n, double alpha, double beta, quell_error *err)
{
    size_t outputs = (size_t)graph_in(graph_in(n, 1)->producer, 0)->dims[pass_output_axis(n)];
    struct affine a = {.channels = outputs, .factor = graph_alloc(g, outputs, sizeof(double)), .offset = graph_alloc(g, outputs, sizeof(double)), .uniform = 1};
    struct graph_tensor *bias = graph_in(n, 2);
    if (!a.factor || !a.offset)
        return pass_full(err);
    for (size_t o = 0; o < outputs; o++)
        a.factor[o] = beta;
    if (bias && beta == 0)
        graph_set_input(n, 2, bias = NULL);
    quell_status status = QUELL_OK;
    /* beta and alpha apart: the bias with beta, then the weights with alpha and the bias put back. */
    if (bias) {
        struct graph_tensor *weights = graph_in(n, 1);
        if ((status = affine_fold(g, n, &a, err)) != QUELL_OK)
            return status;
        graph_set_input(n, 1, weights);
        bias = graph_in(n, 2);
        graph_set_input(n, 2, NULL);
    }
    for (size_t o = 0; o < outputs; o++)
        a.factor[o] = alpha;
    status = affine_fold(g, n, &a, err);
    if (bias)
        graph_set_input(n, 2, bias);
    graph_drop_attr(n, "alpha");
    graph_drop_attr(n, "beta");
    return status;
}

quell_status pass_gemm(struct graph *g, quell_error *err)
{
    for (struct graph_node *n = g->first; n; n = n->next) {
        double alpha = graph_is(n, "Gemm") ? graph_attr_float(n, "alpha", 1) : 1, beta = graph_is(n, "Gemm") ? graph_attr_float(n, "beta", 1) : 1;
        if (alpha == 1 && (beta == 1 || n->input_count < 3 || !graph_in(n, 2)))
            continue;
        if (!affine_can_fold(n))
            continue;
        quell_status status = rewrite(g, n, alpha, beta, err);
        if (status != QUELL_OK)
            return status;
        graph_note(g, "gemm: alpha %g and beta %g of node '%.90s' folded into its weights and bias", alpha, beta, n->name);
    }
    return QUELL_OK;
}
