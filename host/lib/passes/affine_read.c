/* SPDX-License-Identifier: Apache-2.0 */
/* Which factors and offsets an operator with a constant has; see affine.h. */
#include "affine.h"

#include <math.h>
#include <stdio.h>

static int is_arithmetic(const struct graph_node *n) { return graph_is(n, "Mul") || graph_is(n, "Div") || graph_is(n, "Add") || graph_is(n, "Sub"); }

/* Text of a shape: 8 x 1 x 1. */
static const char *shape_text(const struct graph_tensor *t, char *text, size_t size)
{
    size_t at = 0;
    text[0] = 0;
    for (size_t i = 0; i < t->rank && at + 24 < size; i++)
        at += (size_t)snprintf(text + at, size - at, "%s%lld", i ? " x " : "", (long long)t->dims[i]);
    return t->rank ? text : "one number";
}

/* value[c] of a constant broadcast to x by ONNX's rule (from the last dimension on). -> 0: it is not one number a channel. */
static int by_channel(const struct graph_tensor *k, const struct graph_tensor *x, double *value, int *uniform)
{
    size_t inner = 1, count = graph_elements(k);
    int64_t axis = (int64_t)k->rank - (int64_t)x->rank + 1; /* of the channels in k */
    if (k->rank > x->rank || count == 0)
        return 0;
    for (size_t d = 0; d < k->rank; d++) {
        int64_t own = x->dims[d + x->rank - k->rank];
        if (k->dims[d] != 1 && k->dims[d] != own)
            return 0;
        inner *= (int64_t)d > axis ? (size_t)k->dims[d] : 1;
    }
    size_t channels = axis >= 0 && k->dims[axis] != 1 ? (size_t)k->dims[axis] : 1;
    for (size_t i = 0; i < count; i++)
        if (graph_get(k, i) != graph_get(k, i / inner % channels * inner))
            return 0;
    *uniform = 1;
    for (size_t c = 0; c < (size_t)x->dims[1]; c++) {
        value[c] = graph_get(k, channels == 1 ? 0 : c * inner);
        *uniform &= value[c] == value[0];
    }
    return 1;
}

quell_status affine_read(struct graph *g, const struct graph_node *n, struct affine *a, int *found, quell_error *err)
{
    char constant[100], tensor[100];
    *found = 0;
    if (!is_arithmetic(n) || n->input_count != 2 || !graph_in(n, 0) || !graph_in(n, 1) || pass_is_const(graph_in(n, 0)) == pass_is_const(graph_in(n, 1)))
        return QUELL_OK;
    int first = pass_is_const(graph_in(n, 0)); /* the constant is the first input */
    const struct graph_tensor *k = graph_in(n, first ? 0 : 1);
    a->x = graph_in(n, first ? 1 : 0);
    if (!pass_shaped(a->x) || a->x->rank < 2 || a->x->dims[1] < 1 || (first && graph_is(n, "Div")))
        return QUELL_OK;
    a->channels = (size_t)a->x->dims[1];
    a->factor = graph_alloc(g, a->channels, sizeof *a->factor);
    a->offset = graph_alloc(g, a->channels, sizeof *a->offset);
    if (!a->factor || !a->offset)
        return pass_full(err);
    if (!by_channel(k, a->x, a->factor, &a->uniform))
        return quell_fail(err, QUELL_E_UNSUPPORTED, "%s: its constant '%s' of shape %s is broadcast over %s along rows or columns; supported: one number, or one a channel (C x 1 x 1)", PASS_LABEL(n), k->name,
                          shape_text(k, constant, sizeof constant), shape_text(a->x, tensor, sizeof tensor));
    for (size_t c = 0; c < a->channels; c++) {
        double v = a->factor[c];
        if (graph_is(n, "Div"))
            a->factor[c] = 1 / v;
        if (graph_is(n, "Add") || graph_is(n, "Sub")) {
            a->factor[c] = first && graph_is(n, "Sub") ? -1 : 1;
            a->offset[c] = graph_is(n, "Sub") && !first ? -v : v;
        }
        if (!isfinite(a->factor[c]) || !isfinite(a->offset[c]))
            return quell_fail(err, QUELL_E_MODEL, "%s: its constant '%s' holds %g", PASS_LABEL(n), k->name, v);
    }
    *found = 1;
    return QUELL_OK;
}
