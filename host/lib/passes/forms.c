/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Other words for the same operator.
 *   before   y = Max(x, 0)   z = Min(y, 6)   p = AveragePool(z) of the whole image   s = Sub(a, b)
 *   after    y = Clip(x, 0)  z = Clip(y, , 6)   p = GlobalAveragePool(z)   s = Add(a, b') with b' = quantised -b
 */
#include "tools.h"

/* Max or Min of a tensor and a number. */
static quell_status bound(struct graph *g, struct graph_node *n, quell_error *err)
{
    double value;
    size_t constant = pass_is_const(graph_in(n, 0)) ? 0 : 1;
    if (n->input_count != 2 || !pass_scalar(graph_in(n, constant), &value) || pass_is_const(graph_in(n, 1 - constant)))
        return QUELL_OK;
    if (pass_shaped(graph_in(n, 1 - constant)) && graph_in(n, constant)->rank > graph_in(n, 1 - constant)->rank)
        return QUELL_OK;
    struct graph_tensor *limit = pass_float(g, graph_in(n, constant)->name, graph_in(n, constant)->type, value);
    int low = graph_is(n, "Max");
    struct graph_tensor *const inputs[] = {graph_in(n, 1 - constant), low ? limit : NULL, low ? NULL : limit};
    struct graph_tensor *y = limit ? pass_node(g, "Clip", n->name, n, low ? 2 : 3, inputs) : NULL;
    if (!y)
        return pass_full(err);
    y->type = graph_out(n)->type;
    graph_replace(graph_out(n), y);
    graph_remove(g, n);
    return QUELL_OK;
}

static void whole_image(struct graph_node *n)
{
    size_t count;
    const struct graph_tensor *x = graph_in(n, 0);
    const int64_t *kernel = graph_attr_ints(n, "kernel_shape", &count);
    if (count != 2 || !pass_shaped(x) || x->rank != 4 || kernel[0] != x->dims[2] || kernel[1] != x->dims[3] || !pass_shaped(graph_out(n)) || graph_out(n)->dims[2] != 1 || graph_out(n)->dims[3] != 1)
        return;
    const int64_t *pads = graph_attr_ints(n, "pads", &count);
    for (size_t i = 0; i < count; i++)
        if (pads[i])
            return;
    const int64_t *dilations = graph_attr_ints(n, "dilations", &count);
    for (size_t i = 0; i < count; i++)
        if (dilations[i] != 1)
            return;
    n->op = graph_is(n, "MaxPool") ? "GlobalMaxPool" : "GlobalAveragePool";
    n->attributes = NULL;
}

/* The mean over rows and columns, dimensions kept, is a pooling like any other. */
static void mean(struct graph_node *n)
{
    const struct graph_tensor *x = graph_in(n, 0), *axes = graph_in(n, 1), *y = graph_out(n);
    int seen = 0;
    if (!graph_attr_int(n, "keepdims", 1) || !pass_shaped(x) || x->rank != 4 || !pass_is_const(axes) || !y)
        return;
    for (size_t i = 0; i < graph_elements(axes); i++) {
        int64_t axis = pass_axis(graph_get_int(axes, i), 4);
        seen |= axis < 0 ? 16 : 1 << axis;
    }
    if (seen != 12)
        return;
    n->op = graph_is(n, "ReduceMax") ? "GlobalMaxPool" : "GlobalAveragePool";
    n->attributes = NULL;
    graph_set_input(n, 1, NULL);
}

/* b as -b: codes of zero point -1 - z (int8) or 255 - z (uint8), turned round by a layer of its own; exact. */
static quell_status subtract(struct graph *g, struct graph_node *n, quell_error *err)
{
    const struct graph_node *d = graph_maker(graph_in(n, 1));
    double scale, zero;
    if (pass_is_const(graph_in(n, 0)) || pass_is_const(graph_in(n, 1)))
        return QUELL_OK;
    if (!graph_is(d, "DequantizeLinear") || !pass_quantisation(d, &scale, &zero) || !pass_shaped(graph_in(n, 1)))
        return QUELL_OK;
    struct graph_tensor *minus = pass_float(g, "minus_one", GRAPH_FLOAT, -1), *z = pass_float(g, "zero", graph_in(d, 2)->type, (graph_in(d, 2)->type == GRAPH_INT8 ? -1 : 255) - zero);
    const char *name = graph_format(g, "%.200s.negative", n->name);
    struct graph_tensor *const product[] = {graph_in(n, 1), minus};
    struct graph_tensor *y = minus && z ? pass_node(g, "Mul", name, n, 2, product) : NULL;
    struct graph_tensor *const quantised[] = {y, graph_in(d, 1), z};
    struct graph_tensor *q = y ? pass_node(g, "QuantizeLinear", name, n, 3, quantised) : NULL;
    struct graph_tensor *const back[] = {q, graph_in(d, 1), z};
    struct graph_tensor *b = q ? pass_node(g, "DequantizeLinear", name, n, 3, back) : NULL;
    if (!b)
        return pass_full(err);
    n->op = "Add";
    graph_set_input(n, 1, b);
    graph_note(g, "forms: node '%.90s' (Sub) adds the negative of its second input, made by a layer of its own", n->name);
    return QUELL_OK;
}

quell_status pass_forms(struct graph *g, quell_error *err)
{
    for (struct graph_node *n = g->first; n; n = n->next) {
        quell_status status = QUELL_OK;
        if (n->removed || !graph_out(n) || !graph_in(n, 0))
            continue;
        if (graph_is(n, "Max") || graph_is(n, "Min"))
            status = bound(g, n, err);
        else if (graph_is(n, "MaxPool") || graph_is(n, "AveragePool"))
            whole_image(n);
        else if (graph_is(n, "ReduceMean") || graph_is(n, "ReduceMax"))
            mean(n);
        else if (graph_is(n, "Sub") && graph_in(n, 1))
            status = subtract(g, n, err);
        if (status != QUELL_OK)
            return status;
    }
    return QUELL_OK;
}
