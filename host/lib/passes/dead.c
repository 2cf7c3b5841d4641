/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What nobody reads goes.
 *   before   y = Conv(x, w)   z = Shape(y)   out = y
 *   after    y = Conv(x, w)   out = y
 */
#include "tools.h"

static int is_read(const struct graph_node *n)
{
    for (size_t i = 0; i < n->output_count; i++)
        if (n->outputs[i] && n->outputs[i]->use_count)
            return 1;
    return 0;
}

quell_status pass_dead(struct graph *g, quell_error *err)
{
    (void)err;
    for (struct graph_node *n = g->last; n; n = n->previous) /* from the end: what only a dead node reads is met later */
        if (!is_read(n)) {
            if (graph_is(n, "Conv") || graph_is(n, "Gemm") || graph_is(n, "MatMul"))
                graph_note(g, "dead: %s left out, nothing reads its result", PASS_LABEL(n));
            graph_remove(g, n);
        }
    return QUELL_OK;
}
