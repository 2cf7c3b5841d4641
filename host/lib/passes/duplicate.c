/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The chip keeps codes only: a real value with several readers is computed once for each of them, back to where it comes from codes.
 *   before   y = Conv(x, w)    a = QuantizeLinear(y, s1, z1)   b = QuantizeLinear(y, s2, z2)
 *   after    y = Conv(x, w)    a = QuantizeLinear(y, s1, z1)   y' = Conv(x, w)   b = QuantizeLinear(y', s2, z2)
 */
#include "tools.h"

enum { COPIES_MAX = 256 }; /* beyond, the layers would be too many for the chip anyway */

static int is_real(const struct graph_node *n, const struct graph_tensor *y)
{
    return y && !graph_is(n, "DequantizeLinear") && !graph_is(n, "QuantizeLinear") && !graph_is_code(y->type) && !*n->domain && n->input_count;
}

quell_status pass_duplicate(struct graph *g, quell_error *err)
{
    size_t copies = 0;
    for (struct graph_node *n = g->last; n; n = n->previous) { /* from the end: copies make more readers in front of them */
        struct graph_tensor *y = graph_out(n);
        while (!n->removed && is_real(n, y) && y->use_count > 1 && !graph_is_output(y)) {
            if (++copies > COPIES_MAX)
                return quell_fail(err, QUELL_E_UNSUPPORTED, "%s: real values (not behind QuantizeLinear) have so many readers that the network would grow too large; quantise them", PASS_LABEL(n));
            struct graph_use *u = y->uses;
            struct graph_node *copy = pass_clone(g, n, n->next);
            if (!copy)
                return pass_full(err);
            if (pass_output_axis(n) >= 0)
                graph_note(g, "duplicate: %s is computed twice, its result is quantised in two ways", PASS_LABEL(n));
            graph_link(u, graph_out(copy));
        }
    }
    return QUELL_OK;
}
