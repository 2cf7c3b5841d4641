/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What stands between the image and its first QuantizeLinear becomes the value of each of the 256 pixels, a channel, in float32 as written.
 *   before   a = Sub(image, mean)   b = Div(a, std)   q = QuantizeLinear(b, s, z)
 *   after    q = QuantizeLinear(image, s, z), the image's pixel p standing for ((p / 255) - mean) / std
 */
#include <math.h>
#include <string.h>

#include "tools.h"

/* The file's input as the host has it: N x C x H x W. */
static void layout(struct graph *g, struct graph_node *n)
{
    static const int64_t NCHW[4] = {0, 3, 1, 2};
    struct graph_tensor *x = g->input;
    size_t count;
    const int64_t *perm = graph_attr_ints(n, "perm", &count);
    if (count != 4 || memcmp(perm, NCHW, sizeof NCHW) != 0 || !x->shaped || x->rank != 4 || g->meaning.nhwc)
        return;
    const int64_t dims[4] = {x->dims[0], x->dims[3], x->dims[1], x->dims[2]};
    memcpy(x->dims, dims, sizeof dims);
    g->meaning.nhwc = 1;
    graph_note(g, "input: '%.90s' is N x H x W x C", x->name);
    pass_bypass(g, n);
}

/* Element of a constant for channel c: one number, or C x 1 x 1 with ones in front. */
static int by_channel(const struct graph_tensor *k, size_t channels, size_t c, double *value)
{
    size_t n = graph_elements(k);
    if (n == 1)
        return pass_scalar(k, value);
    if (n != channels || k->rank < 3 || k->rank > 4 || k->dims[k->rank - 3] != (int64_t)channels)
        return 0;
    *value = graph_get(k, c);
    return 1;
}

/* The node on one value; -> 0: it is none of those that can be folded. */
static int apply(const struct graph_node *n, const struct graph_tensor *x, size_t channels, size_t c, float *v)
{
    double k = 0, low = -INFINITY, high = INFINITY;
    if (graph_is(n, "Relu")) {
        *v = *v > 0 ? *v : 0;
        return 1;
    }
    if (graph_is(n, "Clip")) {
        if ((graph_in(n, 1) && !pass_scalar(graph_in(n, 1), &low)) || (graph_in(n, 2) && !pass_scalar(graph_in(n, 2), &high)))
            return 0;
        *v = fminf(fmaxf(*v, (float)low), (float)high);
        return 1;
    }
    if (graph_is(n, "Cast"))
        return graph_attr_int(n, "to", 0) == GRAPH_FLOAT;
    int first = graph_in(n, 0) != x;
    if (n->input_count != 2 || !graph_in(n, 1) || !pass_is_const(graph_in(n, first ? 0 : 1)) || !by_channel(graph_in(n, first ? 0 : 1), channels, c, &k))
        return 0;
    int exact = graph_in(n, first ? 0 : 1)->type == GRAPH_DOUBLE; /* of BatchNormalization */
    float f = (float)k;
    if (graph_is(n, "Add"))
        *v = exact ? (float)(*v + k) : *v + f;
    else if (graph_is(n, "Mul"))
        *v = exact ? (float)(*v * k) : *v * f;
    else if (graph_is(n, "Sub"))
        *v = first ? f - *v : *v - f;
    else if (graph_is(n, "Div") && !first)
        *v = *v / f;
    else
        return 0;
    return 1;
}

static int fold(struct graph *g, struct graph_node *n)
{
    struct graph_input_meaning new = g->meaning;
    size_t channels = (size_t)g->input->dims[1];
    for (size_t c = 0; c < channels; c++)
        for (size_t p = 0; p < 256; p++)
            if (!apply(n, g->input, channels, c, &new.value[c][p]))
                return 0;
    g->meaning = new;
    graph_note(g, "input: %s folded into what a pixel means", PASS_LABEL(n));
    graph_replace(graph_out(n), g->input);
    graph_remove(g, n);
    g->input->type = GRAPH_FLOAT;
    return 1;
}

/* A graph input of codes: its DequantizeLinear gives the pixels' values; the pair that made the codes stands in the graph from now on. */
static quell_status dequantised(struct graph *g, struct graph_node *n, quell_error *err)
{
    double scale, zero;
    if (!graph_is_code(g->input->type) || !pass_quantisation(n, &scale, &zero))
        return QUELL_OK;
    for (size_t c = 0; c < GRAPH_CHANNELS_MAX; c++)
        for (size_t p = 0; p < 256; p++)
            g->meaning.value[c][p] = (g->meaning.value[c][p] - (float)zero) * (float)scale;
    g->input->type = GRAPH_FLOAT;
    const struct graph_tensor *y = graph_out(n);
    const struct graph_node *reader = pass_sole_reader(y);
    graph_note(g, "input: '%.90s' is given as codes of scale %g and zero point %g", g->input->name, scale, zero);
    if (graph_is(reader, "Mul") || graph_is(reader, "Sub") || graph_is(reader, "Add") || graph_is(reader, "Div") || graph_is(reader, "QuantizeLinear")) {
        pass_bypass(g, n);
        return QUELL_OK;
    }
    struct graph_tensor *const inputs[] = {g->input, graph_in(n, 1), graph_in(n, 2)};
    struct graph_tensor *q = pass_node(g, "QuantizeLinear", g->input->name, n, 3, inputs);
    if (!q)
        return pass_full(err);
    q->type = graph_in(n, 2)->type;
    graph_set_input(n, 0, q);
    return QUELL_OK;
}

quell_status pass_input(struct graph *g, quell_error *err)
{
    struct graph_tensor *x = g->input;
    if (!x || g->extra_inputs)
        return QUELL_OK;
    for (;;) {
        struct graph_node *n = pass_sole_reader(x);
        size_t before = g->changed;
        quell_status status = QUELL_OK;
        if (graph_is(n, "Transpose"))
            layout(g, n);
        else if (graph_is(n, "DequantizeLinear"))
            status = dequantised(g, n, err);
        else if (n && graph_out(n) && (x->type == GRAPH_FLOAT || graph_is(n, "Cast")) && pass_shaped(x) && x->rank == 4 && x->dims[1] >= 1 && x->dims[1] <= GRAPH_CHANNELS_MAX)
            fold(g, n);
        if (status != QUELL_OK || before == g->changed)
            return status;
    }
}
