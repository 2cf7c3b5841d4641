/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What stands between the image and its first QuantizeLinear becomes the value of each of the 256 pixels, a channel, in float32 as written.
 *   before   a = Sub(image, mean)   b = Div(a, std)   q = QuantizeLinear(b, s, z)
 *   after    q = QuantizeLinear(image, s, z), the image's pixel p standing for ((p / 255) - mean) / std
 */
#include <math.h>
#include <string.h>

#include "input.h"
#include "tools.h"

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

/* The node as a step; -> 0: it is none of those that can be folded. */
static int read_step(const struct graph_node *n, const struct graph_tensor *x, size_t channels, struct quell_input_step *step)
{
    double low = -INFINITY, high = INFINITY;
    *step = (struct quell_input_step){.op = INPUT_CLIP};
    if (graph_is(n, "Relu")) {
        low = 0;
    } else if (graph_is(n, "Clip")) {
        if ((graph_in(n, 1) && !pass_scalar(graph_in(n, 1), &low)) || (graph_in(n, 2) && !pass_scalar(graph_in(n, 2), &high)))
            return 0;
    } else if (graph_is(n, "Cast")) {
        if (graph_attr_int(n, "to", 0) != GRAPH_FLOAT)
            return 0;
    } else {
        int first = graph_in(n, 0) != x;
        const struct graph_tensor *k = graph_in(n, first ? 0 : 1);
        if (n->input_count != 2 || !graph_in(n, 1) || !pass_is_const(k))
            return 0;
        int exact = k->type == GRAPH_DOUBLE; /* of BatchNormalization */
        if (graph_is(n, "Add"))
            step->op = exact ? INPUT_ADD_DOUBLE : INPUT_ADD;
        else if (graph_is(n, "Mul"))
            step->op = exact ? INPUT_MUL_DOUBLE : INPUT_MUL;
        else if (graph_is(n, "Sub"))
            step->op = first ? INPUT_SUB_FROM : INPUT_SUB;
        else if (graph_is(n, "Div") && !first)
            step->op = INPUT_DIV;
        else
            return 0;
        for (size_t c = 0; c < channels; c++)
            if (!by_channel(k, channels, c, &step->k[c]))
                return 0;
        return 1;
    }
    for (size_t c = 0; c < channels; c++)
        step->k[c] = low;
    step->high = high;
    return 1;
}

static int take_step(struct graph *g, const struct quell_input_step *step)
{
    struct quell_model_input *in = &g->meaning.input;
    if (in->step_count == QUELL_INPUT_STEPS_MAX)
        return 0;
    in->steps[in->step_count++] = *step;
    for (uint32_t c = 0; c < GRAPH_CHANNELS_MAX; c++)
        for (size_t p = 0; p < 256; p++)
            g->meaning.value[c][p] = input_step(step, c, g->meaning.value[c][p]);
    return 1;
}

static int fold(struct graph *g, struct graph_node *n)
{
    struct quell_input_step step;
    if (!read_step(n, g->input, (size_t)g->input->dims[1], &step) || (!graph_is(n, "Cast") && !take_step(g, &step)))
        return 0;
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
    struct quell_input_step minus = {.op = INPUT_SUB}, times = {.op = INPUT_MUL};
    for (size_t c = 0; c < GRAPH_CHANNELS_MAX; c++) {
        minus.k[c] = zero;
        times.k[c] = scale;
    }
    if (!take_step(g, &minus) || !take_step(g, &times))
        return QUELL_OK;
    g->meaning.input.element_scale = (float)scale;
    g->meaning.input.element_zero = (int32_t)zero;
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
        if (graph_is(n, "DequantizeLinear"))
            status = dequantised(g, n, err);
        else if (n && graph_out(n) && (x->type == GRAPH_FLOAT || graph_is(n, "Cast")) && pass_shaped(x) && x->rank == 4 && x->dims[1] >= 1 && x->dims[1] <= GRAPH_CHANNELS_MAX)
            fold(g, n);
        if (status != QUELL_OK || before == g->changed)
            return status;
    }
}
