/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Multiplying and adding constants goes into the convolution before, into a scale, or into a layer of its own.
 *   before   y = Conv(x, w, b)   m = Mul(y, k)   a = Add(m, c)      p = Mul(DequantizeLinear(q, s, z), 0.5)
 *   after    a = Conv(x, k w, k b + c)                              p = DequantizeLinear(q, 0.5 s, z)
 */
#include "affine.h"

#include <math.h>

static int all_positive(const struct affine *a)
{
    for (size_t c = 0; c < a->channels; c++)
        if (!(a->factor[c] > 0))
            return 0;
    return 1;
}

static int no_offset(const struct affine *a)
{
    for (size_t c = 0; c < a->channels; c++)
        if (a->offset[c] != 0)
            return 0;
    return 1;
}

/* y = op(affine(x)) in place of affine(op(x)): the two nodes change places. */
static void swap(struct graph_node *n, struct graph_node *maker)
{
    struct graph_tensor *x = graph_in(maker, 0), *middle = graph_out(maker), *y = graph_out(n);
    size_t side = graph_in(n, 0) == middle ? 0 : 1;
    graph_set_input(n, side, x);
    graph_set_input(maker, 0, middle);
    graph_set_output(n, 0, middle);
    graph_set_output(maker, 0, y);
}

/* The node stands behind `maker`; let it stand in front. */
static void move_front(struct graph *g, struct graph_node *n, struct graph_node *maker)
{
    *(n->previous ? &n->previous->next : &g->first) = n->next;
    *(n->next ? &n->next->previous : &g->last) = n->previous;
    n->next = maker;
    n->previous = maker->previous;
    *(maker->previous ? &maker->previous->next : &g->first) = n;
    maker->previous = n;
}

/* Clip's limits times f plus o. */
static int scale_limits(struct graph *g, struct graph_node *clip, double f, double o)
{
    double low = -INFINITY, high = INFINITY;
    if (graph_is(clip, "Relu"))
        low = 0;
    else if ((graph_in(clip, 1) && !pass_scalar(graph_in(clip, 1), &low)) || (graph_in(clip, 2) && !pass_scalar(graph_in(clip, 2), &high)))
        return 0;
    struct graph_tensor *lo = pass_float(g, "low", GRAPH_FLOAT, low * f + o), *hi = pass_float(g, "high", GRAPH_FLOAT, high * f + o);
    struct graph_use *inputs = graph_alloc(g, 3, sizeof *inputs);
    if (!lo || !hi || !inputs)
        return 0;
    struct graph_tensor *const wanted[] = {graph_in(clip, 0), low > -INFINITY ? lo : NULL, high < INFINITY ? hi : NULL};
    for (size_t i = 0; i < 3; i++) {
        inputs[i].node = clip;
        inputs[i].index = i;
        graph_link(&inputs[i], wanted[i]);
    }
    for (size_t i = 0; i < clip->input_count; i++)
        graph_set_input(clip, i, NULL);
    clip->inputs = inputs;
    clip->input_count = 3;
    clip->op = "Clip";
    return 1;
}

static quell_status above_clip(struct graph *g, struct graph_node *n, struct graph_node *clip, const struct affine *a, int *done, quell_error *err)
{
    int plain = graph_is(clip, "Relu") && no_offset(a);
    if (!all_positive(a) || (!plain && !a->uniform))
        return QUELL_OK;
    if (!plain && !scale_limits(g, clip, a->factor[0], a->offset[0]))
        return g->full ? pass_full(err) : QUELL_OK;
    swap(n, clip);
    move_front(g, n, clip);
    *done = 1;
    return QUELL_OK;
}

/* Behind Flatten and the like of one pixel, a number a feature is a number a channel. */
static quell_status above_reshape(struct graph *g, struct graph_node *n, struct graph_node *maker, const struct affine *a, int *done, quell_error *err)
{
    const struct graph_tensor *x = graph_in(maker, 0), *y = graph_out(maker);
    if (!pass_shaped(x) || !pass_shaped(y) || x->rank < 2 || (!a->uniform && x->dims[1] != y->dims[1]))
        return QUELL_OK;
    int64_t dims[GRAPH_RANK_MAX] = {x->dims[1], 1, 1, 1, 1, 1, 1};
    size_t side = graph_in(n, 0) == a->x ? 1 : 0;
    const struct graph_tensor *old = graph_in(n, side);
    struct graph_tensor *k = graph_constant(g, old->name, old->type, x->rank - 1, dims);
    if (!k)
        return pass_full(err);
    for (size_t c = 0; c < (size_t)x->dims[1]; c++)
        graph_put(k, c, graph_get(old, graph_elements(old) == 1 || a->uniform ? 0 : c));
    graph_set_input(n, side, k);
    swap(n, maker);
    move_front(g, n, maker);
    graph_out(n)->shaped = 0;
    *done = 1;
    return QUELL_OK;
}

/* The scale or zero point of a DequantizeLinear (of a QuantizeLinear: the other way round) takes one factor or offset. */
static quell_status into_scale(struct graph *g, struct graph_node *n, struct graph_node *q, const struct affine *a, int *done, quell_error *err)
{
    int back = graph_is(q, "DequantizeLinear");
    double scale, zero, steps;
    if (!a->uniform || !(a->factor[0] > 0) || !pass_quantisation(q, &scale, &zero))
        return QUELL_OK;
    double f = a->factor[0], s = back ? scale * f : scale / f;
    steps = a->offset[0] / (back ? s : scale);
    if (fabs(steps - nearbyint(steps)) > 1e-5 || !isnormal((float)s))
        return QUELL_OK;
    double z = zero + (back ? -nearbyint(steps) : nearbyint(steps)), low = graph_in(q, 2)->type == GRAPH_INT8 ? -128 : 0;
    if (z < low || z > low + 255)
        return QUELL_OK;
    struct graph_tensor *new_scale = pass_float(g, graph_in(q, 1)->name, GRAPH_FLOAT, s), *new_zero = pass_float(g, graph_in(q, 2)->name, graph_in(q, 2)->type, z);
    struct graph_tensor *const inputs[] = {back ? graph_in(q, 0) : a->x, new_scale, new_zero};
    struct graph_tensor *y = new_scale && new_zero ? pass_node(g, q->op, q->name, n, 3, inputs) : NULL;
    if (!y)
        return pass_full(err);
    y->type = back ? GRAPH_FLOAT : graph_out(q)->type;
    graph_replace(graph_out(back ? n : q), y);
    graph_remove(g, n);
    if (!back)
        graph_remove(g, q);
    *done = 1;
    return QUELL_OK;
}

/* A depthwise convolution with weight 1 in its middle, for the next round to fold into. */
static quell_status own_layer(struct graph *g, struct graph_node *n, const struct affine *a, int *done, quell_error *err)
{
    int64_t channels = (int64_t)a->channels, pixels = 1;
    if (a->x->rank == 2 && (!pass_channels(a->x, &channels, &pixels) || (pixels > 1 && !a->uniform)))
        return QUELL_OK;
    const int64_t dims[4] = {channels, 1, 3, 3}, pads[4] = {1, 1, 1, 1};
    struct graph_tensor *w = graph_constant(g, "ones", GRAPH_INT8, 4, dims), *one = pass_float(g, "one", GRAPH_FLOAT, 1);
    if (!w || !one)
        return pass_full(err);
    for (size_t c = 0; c < (size_t)channels; c++)
        graph_put_int(w, c * 9 + 4, 1);
    struct graph_tensor *const weight[] = {w, one};
    struct graph_tensor *v = pass_node(g, "DequantizeLinear", n->name, n, 2, weight);
    struct graph_tensor *const inputs[] = {a->x, v};
    struct graph_tensor *y = v ? pass_node(g, "Conv", n->name, n, 2, inputs) : NULL;
    if (!y || !graph_set_int(g, v->producer, "axis", 0) || !graph_set_int(g, y->producer, "group", channels) || !graph_set_int(g, y->producer, "quell.identity", 1) ||
        !graph_set_ints(g, y->producer, "pads", 4, pads))
        return pass_full(err);
    v->type = y->type = GRAPH_FLOAT;
    graph_set_input(n, graph_in(n, 0) == a->x ? 0 : 1, y);
    pass_take_shape(y, a->x);
    graph_note(g, "affine: %s works on codes: a layer of its own", PASS_LABEL(n));
    *done = 1;
    return QUELL_OK;
}

/* Multiplying by positive numbers and ReLU change places, so that the factor reaches the QuantizeLinear. */
static int below_relu(const struct affine *a, const struct graph_node *reader) { return graph_is(reader, "Relu") && all_positive(a) && no_offset(a) && a->uniform; }

/* Above these operators stands a convolution or codes, which take the numbers in. */
static int leads_to_weights(const struct graph_node *n)
{
    while (graph_is(n, "Relu") || graph_is(n, "Clip") || graph_is(n, "Flatten") || graph_is(n, "Reshape") || graph_is(n, "Squeeze") || graph_is(n, "Unsqueeze"))
        n = graph_maker(graph_in(n, 0));
    return n && (affine_can_fold(n) || graph_is(n, "DequantizeLinear") || graph_is(n, "Mul") || graph_is(n, "Add") || graph_is(n, "Div") || graph_is(n, "Sub")) && !(graph_is(n, "Add") && !n->inputs[0].tensor->data && !n->inputs[1].tensor->data);
}

static quell_status place(struct graph *g, struct graph_node *n, const struct affine *a, int *done, quell_error *err)
{
    struct graph_node *maker = a->x->producer, *reader = pass_sole_reader(graph_out(n));
    int sole = a->x->use_count == 1;
    quell_status status = QUELL_OK;
    if (!maker) /* of the image: pass_input */
        return QUELL_OK;
    int64_t outputs = sole && affine_can_fold(maker) ? graph_in(graph_in(maker, 1)->producer, 0)->dims[pass_output_axis(maker)] : 0;
    if (outputs && (outputs == (int64_t)a->channels || a->uniform)) {
        status = affine_fold(g, maker, a, err);
        graph_replace(graph_out(n), a->x);
        graph_note(g, "affine: %s folded into node '%.90s'", PASS_LABEL(n), maker->name);
        graph_remove(g, n);
        *done = 1;
        return status;
    }
    if (sole && (graph_is(maker, "Relu") || graph_is(maker, "Clip")) && leads_to_weights(maker))
        status = above_clip(g, n, maker, a, done, err);
    else if (sole && (graph_is(maker, "Flatten") || graph_is(maker, "Reshape") || graph_is(maker, "Squeeze") || graph_is(maker, "Unsqueeze")))
        status = above_reshape(g, n, maker, a, done, err);
    else if (graph_is(maker, "DequantizeLinear") && !pass_is_const(graph_in(maker, 0))) {
        status = into_scale(g, n, maker, a, done, err);
        if (status == QUELL_OK && !*done)
            status = own_layer(g, n, a, done, err);
    }
    if (status == QUELL_OK && !*done && graph_is(reader, "QuantizeLinear"))
        status = into_scale(g, n, reader, a, done, err);
    if (status == QUELL_OK && !*done && reader && below_relu(a, reader)) {
        struct graph_tensor *x = a->x, *middle = graph_out(n), *y = graph_out(reader);
        graph_set_input(n, graph_in(n, 0) == x ? 0 : 1, middle);
        graph_set_input(reader, 0, x);
        graph_set_output(reader, 0, middle);
        graph_set_output(n, 0, y);
        move_front(g, reader, n);
        *done = 1;
    }
    return status;
}

quell_status pass_affine(struct graph *g, quell_error *err)
{
    for (struct graph_node *n = g->first; n; n = n->next) {
        struct affine a = {0};
        int found = 0, done = 0;
        if (n->removed || !graph_out(n))
            continue;
        quell_status status = affine_read(g, n, &a, &found, err);
        if (status == QUELL_OK && found)
            status = place(g, n, &a, &done, err);
        if (status != QUELL_OK)
            return status;
        g->changed += (size_t)done;
    }
    return QUELL_OK;
}
