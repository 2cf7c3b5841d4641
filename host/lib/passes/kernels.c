/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Kernels smaller than 3 x 3 are 3 x 3 with zeros, where the array has a form for them.
 *   before   y = Conv(x, w: O x I x 1 x 3) pads=0,1,0,1
 *   after    y = Conv(x, w: O x I x 3 x 3, zeros above and below) pads=1,1,1,1
 */
#include "tools.h"

#include <string.h>

/* Where a kernel of k taps, pads before and after, lies in one of three; -1: nowhere. Windows may reach one row beyond. */
static int place(int64_t k, int64_t before, int64_t after, int64_t size, int64_t stride)
{
    for (int at = 0; at + k <= 3; at++) {
        int64_t pad = before + at, out = (size + before + after - k) / stride + 1;
        if (pad >= 0 && pad <= 1 && (out - 1) * stride - pad + 3 <= size + 1)
            return at;
    }
    return -1;
}

static quell_status widen(struct graph *g, struct graph_node *n, const struct graph_node *d, const int64_t *pad, const int *at, const int64_t *old_out, int64_t stride, quell_error *err)
{
    const struct graph_tensor *w = graph_in(d, 0), *x = graph_in(n, 0);
    const int64_t dims[4] = {w->dims[0], w->dims[1], 3, 3}, kh = w->dims[2], kw = w->dims[3];
    struct graph_tensor *wide = graph_constant(g, w->name, w->type, 4, dims);
    if (!wide)
        return pass_full(err);
    for (size_t i = 0; i < graph_elements(w); i++) {
        size_t plane = i / (size_t)(kh * kw), y = i / (size_t)kw % (size_t)kh, c = i % (size_t)kw;
        graph_put_int(wide, plane * 9 + (y + (size_t)at[0]) * 3 + c + (size_t)at[1], graph_get_int(w, i));
    }
    int64_t pads[4];
    for (int i = 0; i < 2; i++) {
        pads[i] = pad[i] + at[i];
        pads[i + 2] = (old_out[i] - 1) * stride + 3 - x->dims[2 + i] - pads[i]; /* as many outputs as before */
        if (pads[i + 2] < 0) /* rows left over */
            pads[i + 2] = 0;
    }
    struct graph_tensor *const inputs[] = {wide, graph_in(d, 1), graph_in(d, 2)};
    struct graph_tensor *v = pass_node(g, "DequantizeLinear", d->name, n, graph_in(d, 2) ? 3 : 2, inputs);
    if (!v || !graph_set_int(g, v->producer, "axis", graph_attr_int(d, "axis", 1)) || !graph_set_ints(g, n, "pads", 4, pads))
        return pass_full(err);
    graph_set_input(n, 1, v);
    graph_drop_attr(n, "auto_pad");
    graph_drop_attr(n, "kernel_shape");
    graph_note(g, "kernels: the %lld x %lld kernel of %s is 3 x 3 with zeros", (long long)kh, (long long)kw, PASS_LABEL(n));
    return QUELL_OK;
}

static quell_status try_node(struct graph *g, struct graph_node *n, quell_error *err)
{
    const struct graph_node *d = pass_dequantised(graph_in(n, 1));
    const struct graph_tensor *x = graph_in(n, 0), *w = d ? graph_in(d, 0) : NULL, *y = graph_out(n);
    size_t count;
    if (!w || w->rank != 4 || !pass_shaped(x) || x->rank != 4 || !pass_shaped(y) || w->dims[2] > 3 || w->dims[3] > 3 || w->dims[2] < 1 || w->dims[3] < 1 || (graph_in(d, 2) && graph_elements(graph_in(d, 2)) > 1))
        return QUELL_OK;
    int64_t group = graph_attr_int(n, "group", 1), kernel[2] = {w->dims[2], w->dims[3]};
    const int64_t *strides = graph_attr_ints(n, "strides", &count);
    int64_t stride = strides && count == 2 ? strides[0] : 1;
    if (strides && (count != 2 || strides[0] != strides[1] || stride < 1 || stride > 2))
        return QUELL_OK;
    const int64_t *dilations = graph_attr_ints(n, "dilations", &count);
    for (size_t i = 0; i < count; i++)
        if (dilations[i] != 1)
            return QUELL_OK;
    const int64_t *given = graph_attr_ints(n, "pads", &count);
    const char *mode = graph_attr_text(n, "auto_pad", "NOTSET");
    int64_t pad[4] = {0};
    if (strncmp(mode, "SAME", 4) == 0)
        for (int i = 0; i < 2; i++) {
            int64_t total = (y->dims[2 + i] - 1) * stride + kernel[i] - x->dims[2 + i];
            total = total < 0 ? 0 : total;
            pad[i] = strcmp(mode, "SAME_LOWER") == 0 ? total - total / 2 : total / 2;
            pad[i + 2] = total - pad[i];
        }
    else if (count == 4 && strcmp(mode, "VALID") != 0)
        memcpy(pad, given, sizeof pad);
    int padded = pad[0] || pad[1] || pad[2] || pad[3];
    if ((kernel[0] == 3 && kernel[1] == 3) || (kernel[0] == 1 && kernel[1] == 1 && group == 1 && !padded))
        return QUELL_OK;
    int at[2];
    for (int i = 0; i < 2; i++)
        if ((at[i] = place(kernel[i], pad[i], pad[i + 2], x->dims[2 + i], stride)) < 0)
            return QUELL_OK;
    return widen(g, n, d, pad, at, y->dims + 2, stride, err);
}

quell_status pass_kernels(struct graph *g, quell_error *err)
{
    for (struct graph_node *n = g->first; n; n = n->next) {
        quell_status status = graph_is(n, "Conv") && !graph_attr(n, "quell.identity") ? try_node(g, n, err) : QUELL_OK;
        if (status != QUELL_OK)
            return status;
    }
    return QUELL_OK;
}
