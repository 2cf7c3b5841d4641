/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A zero point that is left out is 0 of the codes' type: the type of the other end, or of output_dtype, or uint8.
 *   before   q = QuantizeLinear(x, s) output_dtype=INT8   y = DequantizeLinear(q, s)
 *   after    q = QuantizeLinear(x, s, int8 0)             y = DequantizeLinear(q, s, int8 0)
 */
#include "tools.h"

static quell_status complete(struct graph *g, struct graph_node *n, enum graph_type type, quell_error *err)
{
    struct graph_tensor *scale = graph_in(n, 1), *zero = graph_in(n, 2);
    if (!zero && graph_type_bytes(type) == 0)
        return quell_fail(err, QUELL_E_UNSUPPORTED, "%s: codes of type %s; supported: int8, uint8; quantise to 8 bits", PASS_LABEL(n), graph_type_name(type));
    if (!scale)
        return quell_fail(err, QUELL_E_MODEL, "%s has no scale", PASS_LABEL(n));
    if (zero)
        return QUELL_OK;
    zero = pass_float(g, graph_format(g, "%.200s.zero_point", n->name), type, 0);
    struct graph_node *with = zero ? graph_node(g, n->op, n->domain, n->name, 3, 1, n) : NULL;
    if (!with)
        return pass_full(err);
    with->attributes = n->attributes;
    struct graph_tensor *const inputs[3] = {graph_in(n, 0), scale, zero}, *out = graph_out(n);
    for (size_t i = 0; i < 3; i++)
        graph_set_input(with, i, inputs[i]);
    graph_remove(g, n);
    graph_set_output(with, 0, (struct graph_tensor *)out);
    return QUELL_OK;
}

quell_status pass_zero_points(struct graph *g, quell_error *err)
{
    for (struct graph_node *n = g->first; n; n = n->next) {
        quell_status status = QUELL_OK;
        struct graph_tensor *zero = graph_in(n, 2);
        if (graph_is(n, "QuantizeLinear") && graph_out(n)) {
            enum graph_type type = zero ? zero->type : (enum graph_type)graph_attr_int(n, "output_dtype", GRAPH_UINT8);
            graph_out(n)->type = type = type ? type : GRAPH_UINT8;
            status = complete(g, n, type, err);
        } else if (graph_is(n, "DequantizeLinear") && graph_in(n, 0) && !graph_in(n, 0)->data) { /* of constants none is 0 everywhere */
            struct graph_tensor *x = graph_in(n, 0);
            if (zero && x->type && zero->type && zero->type != x->type)
                return quell_fail(err, QUELL_E_MODEL, "%s: the codes '%s' are %s, but the zero point '%s' is %s", PASS_LABEL(n), x->name, graph_type_name(x->type), zero->name, graph_type_name(zero->type));
            if (x->type == GRAPH_UNKNOWN) /* between it and its QuantizeLinear lies another operator: shapes knows the type */
                continue;
            status = complete(g, n, x->type, err);
        }
        if (status != QUELL_OK)
            return status;
    }
    return QUELL_OK;
}
