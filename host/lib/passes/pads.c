/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Padding with zeros goes into the convolution behind it, past what leaves zero as it is.
 *   before   p = Pad(x, 0 0 1 1 0 0 1 1)   d = DequantizeLinear(QuantizeLinear(p))   y = Conv(d, w) pads=0,0,0,0
 *   after    d = DequantizeLinear(QuantizeLinear(x))   y = Conv(d, w) pads=1,1,1,1
 */
#include "tools.h"

#include <string.h>

/* Constant zeros on rows and columns alone: top, left, bottom, right. */
static int read_pads(const struct graph_node *n, int64_t pad[4])
{
    const struct graph_tensor *pads = graph_in(n, 1);
    double value = 0;
    if (!pass_is_const(pads) || graph_elements(pads) != 8 || graph_in(n, 3) || strcmp(graph_attr_text(n, "mode", "constant"), "constant") != 0 || (graph_in(n, 2) && !pass_scalar(graph_in(n, 2), &value)))
        return 0;
    for (size_t i = 0; i < 8; i++) {
        int64_t p = graph_get_int(pads, i);
        if (p < 0 || p > 1023 || (p && i % 4 < 2))
            return 0;
        if (i % 4 >= 2)
            pad[i / 4 * 2 + i % 4 - 2] = p;
    }
    return value == 0;
}

static quell_status into_conv(struct graph *g, struct graph_node *n, struct graph_node *conv, const int64_t *pad, quell_error *err)
{
    size_t count;
    const int64_t *old = graph_attr_ints(conv, "pads", &count);
    int64_t sum[4];
    const char *mode = graph_attr_text(conv, "auto_pad", "NOTSET");
    if (strncmp(mode, "SAME", 4) == 0)
        return quell_fail(err, QUELL_E_UNSUPPORTED, "%s stands in front of %s with auto_pad %s; supported: pads that are numbers", PASS_LABEL(n), conv->name, mode);
    for (size_t i = 0; i < 4; i++)
        sum[i] = pad[i] + (count == 4 && strcmp(mode, "VALID") != 0 ? old[i] : 0);
    if (!graph_set_ints(g, conv, "pads", 4, sum))
        return pass_full(err);
    graph_drop_attr(conv, "auto_pad");
    graph_note(g, "pads: %s folded into node '%.90s'", PASS_LABEL(n), conv->name);
    pass_bypass(g, n);
    return QUELL_OK;
}

/* Quantised zero is the zero point, and back again is zero. */
static int keeps_zero(const struct graph_node *n) { return graph_is(n, "QuantizeLinear") || graph_is(n, "DequantizeLinear") || graph_is(n, "Relu"); }

/* Pad and its only reader change places; pads of codes are pads of real zeros again behind the DequantizeLinear. */
static quell_status sink(struct graph *g, struct graph_node *n, struct graph_node *reader, quell_error *err)
{
    struct graph_tensor *x = graph_in(n, 0), *middle = graph_out(n), *y = graph_out(reader);
    struct graph_node *next = graph_is(reader, "QuantizeLinear") ? pass_sole_reader(y) : NULL;
    if (graph_is(reader, "QuantizeLinear") && (!graph_is(next, "DequantizeLinear") || !pass_same_constant(graph_in(reader, 1), graph_in(next, 1)) || !pass_same_constant(graph_in(reader, 2), graph_in(next, 2))))
        return QUELL_OK;
    graph_set_input(reader, 0, x);
    struct graph_tensor *end = next ? graph_out(next) : y, *padded = graph_tensor(g, end->name, GRAPH_FLOAT);
    struct graph_tensor *const inputs[] = {end, graph_in(n, 1)};
    (void)middle;
    if (!padded)
        return pass_full(err);
    graph_replace(end, padded);
    struct graph_node *place = (next ? next : reader)->next;
    struct graph_node *p = graph_node(g, "Pad", "", n->name, 2, 1, place);
    if (!p)
        return pass_full(err);
    for (size_t i = 0; i < 2; i++)
        graph_set_input(p, i, inputs[i]);
    graph_set_output(p, 0, padded);
    graph_remove(g, n);
    return QUELL_OK;
}

quell_status pass_pads(struct graph *g, quell_error *err)
{
    for (struct graph_node *n = g->first; n; n = n->next) {
        int64_t pad[4] = {0};
        if (!graph_is(n, "Pad") || !graph_out(n) || !read_pads(n, pad))
            continue;
        quell_status status = QUELL_OK;
        struct graph_node *reader = pass_sole_reader(graph_out(n));
        if (!(pad[0] | pad[1] | pad[2] | pad[3])) {
            pass_bypass(g, n);
        } else if (graph_out(n)->use_count > 1 && !graph_is_output(graph_out(n))) { /* one for each reader */
            struct graph_use *u = graph_out(n)->uses;
            struct graph_node *copy = pass_clone(g, n, n->next);
            if (!copy)
                return pass_full(err);
            graph_link(u, graph_out(copy));
        } else if (graph_is(reader, "Conv") && reader->inputs[0].tensor == graph_out(n)) {
            status = into_conv(g, n, reader, pad, err);
        } else if (reader && keeps_zero(reader)) {
            status = sink(g, n, reader, err);
        }
        if (status != QUELL_OK)
            return status;
    }
    return QUELL_OK;
}
