/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tensors joined along channels: codes of one scale beside each other. A part of another scale is quantised anew, as the QuantizeLinear behind would do it.
 *   before   c = Concat(DequantizeLinear(a, s, z), DequantizeLinear(b, s', z'))   q = QuantizeLinear(c, s, z)
 *   after    b' = QuantizeLinear(DequantizeLinear(b, s', z'), s, z)   q = quell.Concat(a, s, z, b')
 */
#include <string.h>

#include "tools.h"

static int same_numbers(const struct graph_node *a, const struct graph_node *b) { return pass_same_constant(graph_in(a, 1), graph_in(b, 1)) && pass_same_constant(graph_in(a, 2), graph_in(b, 2)); }

/* Along channels, of codes behind DequantizeLinear. */
static int can_join(const struct graph_node *n)
{
    const struct graph_tensor *y = graph_out(n);
    double scale, zero;
    if (!pass_shaped(y) || n->input_count < 2 || pass_axis(graph_attr_int(n, "axis", 1), y->rank) != 1 || (y->rank != 4 && y->rank != 2))
        return 0;
    for (size_t i = 0; i < n->input_count; i++) {
        const struct graph_node *d = graph_in(n, i) ? graph_maker(graph_in(n, i)) : NULL;
        if (!graph_is(d, "DequantizeLinear") || pass_is_const(graph_in(d, 0)) || !pass_quantisation(d, &scale, &zero) || !graph_is_code(graph_in(d, 2)->type))
            return 0;
    }
    return 1;
}

/* The numbers of the result: those of the QuantizeLinear behind, or what all parts have. */
static const struct graph_node *numbers_of(const struct graph_node *n, struct graph_node **q)
{
    const struct graph_node *first = graph_in(n, 0)->producer;
    double scale, zero;
    *q = pass_sole_reader(graph_out(n));
    if (graph_is(*q, "QuantizeLinear") && pass_quantisation(*q, &scale, &zero) && graph_is_code(graph_in(*q, 2)->type))
        return *q;
    *q = NULL;
    for (size_t i = 1; i < n->input_count; i++)
        if (!same_numbers(first, graph_in(n, i)->producer))
            return NULL;
    return first;
}

static struct graph_tensor *part(struct graph *g, struct graph_node *n, struct graph_tensor *x, const struct graph_node *like)
{
    if (same_numbers(x->producer, like))
        return graph_in(x->producer, 0);
    struct graph_tensor *const inputs[] = {x, graph_in(like, 1), graph_in(like, 2)};
    struct graph_tensor *y = pass_node(g, "QuantizeLinear", graph_format(g, "%.200s.rescaled", graph_in(x->producer, 0)->name), n, 3, inputs);
    if (y)
        y->type = graph_in(like, 2)->type;
    return y;
}

static void take_shape(struct graph_tensor *to, const struct graph_tensor *from)
{
    to->shaped = from->shaped;
    to->rank = from->rank;
    memcpy(to->dims, from->dims, sizeof to->dims);
}

static quell_status join(struct graph *g, struct graph_node *n, struct graph_node *q, const struct graph_node *like, quell_error *err)
{
    struct graph_tensor *y = graph_out(n), *out = q ? graph_out(q) : graph_tensor(g, y->name, graph_in(like, 2)->type);
    struct graph_node *c = out ? graph_node(g, "Concat", "quell", n->name, n->input_count + 2, 1, n) : NULL;
    if (!c)
        return pass_full(err);
    for (size_t i = 0; i < n->input_count; i++) {
        struct graph_tensor *x = part(g, c, graph_in(n, i), like);
        if (!x)
            return pass_full(err);
        graph_set_input(c, i ? i + 2 : 0, x);
    }
    graph_set_input(c, 1, graph_in(like, 1));
    graph_set_input(c, 2, graph_in(like, 2));
    take_shape(out, y);
    if (q) {
        graph_remove(g, q);
        graph_set_output(c, 0, out);
    } else {
        struct graph_tensor *const back[] = {out, graph_in(like, 1), graph_in(like, 2)};
        graph_set_output(c, 0, out);
        struct graph_tensor *d = pass_node(g, "DequantizeLinear", y->name, n, 3, back);
        if (!d)
            return pass_full(err);
        d->type = GRAPH_FLOAT;
        take_shape(d, y);
        graph_replace(y, d);
    }
    graph_remove(g, n);
    graph_note(g, "concat: node '%.90s' (Concat) joins %zu tensors where they are written", n->name, n->input_count);
    return QUELL_OK;
}

quell_status pass_concat(struct graph *g, quell_error *err)
{
    for (struct graph_node *n = g->first; n; n = n->next) {
        struct graph_node *q;
        const struct graph_node *like = graph_is(n, "Concat") && graph_out(n) && can_join(n) ? numbers_of(n, &q) : NULL;
        quell_status status = like ? join(g, n, q, like, err) : QUELL_OK;
        if (status != QUELL_OK)
            return status;
    }
    return QUELL_OK;
}
