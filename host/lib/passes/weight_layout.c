/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What only rearranges dequantised weights rearranges the codes, axes of scales with them.
 *   before   v = DequantizeLinear(w: H x W x I x O, s, z) axis=3   y = Transpose(v) perm=3,2,0,1
 *   after    y = DequantizeLinear(w': O x I x H x W, s, z) axis=0
 */
#include "fold.h"

#include <string.h>

/* Where the axis lies behind the operator; -1: nowhere. */
static int64_t new_axis(const struct graph_node *n, const struct graph_tensor *from, const struct graph_tensor *to, int64_t axis)
{
    size_t count;
    const int64_t *perm = graph_attr_ints(n, "perm", &count);
    if (graph_is(n, "Transpose")) {
        for (size_t i = 0; i < to->rank; i++)
            if ((perm ? perm[i] : (int64_t)(to->rank - 1 - i)) == axis)
                return (int64_t)i;
        return -1;
    }
    int64_t before = 1, product = 1; /* reshaped: the axis of the same size with as many elements in front of it */
    for (int64_t i = 0; i < axis; i++)
        before *= from->dims[i];
    for (size_t i = 0; i < to->rank; product *= to->dims[i++])
        if (product == before && to->dims[i] == from->dims[axis])
            return (int64_t)i;
    return -1;
}

/* Cast: float16 weights go on as float32; the rounding of code times scale to float16 is left out. */
static int is_layout(const struct graph_node *n)
{
    int64_t to = graph_attr_int(n, "to", 0);
    return graph_is(n, "Transpose") || graph_is(n, "Reshape") || graph_is(n, "Flatten") || graph_is(n, "Squeeze") || graph_is(n, "Unsqueeze") || graph_is(n, "Identity") ||
           (graph_is(n, "Cast") && (to == GRAPH_FLOAT || to == GRAPH_FLOAT16 || to == GRAPH_BFLOAT16));
}

static quell_status move(struct graph *g, struct graph_node *n, const struct graph_node *d, quell_error *err)
{
    struct graph_tensor *codes = graph_in(d, 0), *moved = graph_is(n, "Cast") ? codes : fold_on(g, n, codes);
    int64_t axis = pass_axis(graph_attr_int(d, "axis", 1), codes->rank);
    if (!moved)
        return g->full ? pass_full(err) : QUELL_OK;
    int many = graph_elements(graph_in(d, 1)) != 1 || (graph_in(d, 2) && graph_elements(graph_in(d, 2)) != 1);
    if (many && (axis < 0 || graph_in(d, 1)->rank > 1 || (axis = graph_is(n, "Cast") ? axis : new_axis(n, codes, moved, axis)) < 0))
        return quell_fail(err, QUELL_E_UNSUPPORTED, "%s: the scales of the weights '%s' do not follow one axis behind it; supported: one scale, or one for each output", PASS_LABEL(n), codes->name);
    struct graph_tensor *inputs[3] = {moved, graph_in(d, 1), graph_in(d, 2)};
    struct graph_tensor *y = pass_node(g, "DequantizeLinear", n->name, n, inputs[2] ? 3 : 2, inputs);
    if (!y || !graph_set_int(g, y->producer, "axis", many ? axis : 0))
        return pass_full(err);
    if (graph_is(n, "Cast") && graph_in(d, 1)->type != GRAPH_FLOAT)
        graph_note(g, "weight_layout: the weights '%s' are %s; code times scale is not rounded to it", codes->name, graph_type_name(graph_in(d, 1)->type));
    y->type = GRAPH_FLOAT;
    pass_take_shape(y, moved);
    graph_replace(graph_out(n), y);
    graph_remove(g, n);
    return QUELL_OK;
}

quell_status pass_weight_layout(struct graph *g, quell_error *err)
{
    for (struct graph_node *n = g->first; n; n = n->next) {
        const struct graph_node *d = is_layout(n) && graph_out(n) ? pass_dequantised(graph_in(n, 0)) : NULL;
        quell_status status = d ? move(g, n, d, err) : QUELL_OK;
        if (status != QUELL_OK)
            return status;
    }
    return QUELL_OK;
}
