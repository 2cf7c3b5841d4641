/* SPDX-License-Identifier: Apache-2.0 */
/* Convolutions and fully connected layers: the operators that open a layer, with their weights and biases. */
#include "build.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define CODES_WANTED "codes (behind QuantizeLinear and DequantizeLinear); it is a real value: quantise the network (QDQ), or calibrate with a pair there"
#define WEIGHTS_WANTED "int8 weights: a constant behind DequantizeLinear; quantise them too"

/* ---- weights and biases ---- */

/* Scales of a constant behind DequantizeLinear, one a channel (repeated if there is one for the tensor). */
static quell_status read_scales(const struct builder *b, const struct value *w, uint32_t channels, int64_t axis, float **scales)
{
    size_t count = graph_elements(w->scales);
    *scales = NULL;
    int64_t given = w->axis < 0 ? w->axis + (int64_t)w->tensor->rank : w->axis;
    if (count != 1 && (count != channels || given != axis))
        return BUILD_FAIL(b, QUELL_E_UNSUPPORTED, "%s: '%s' has %zu scales along axis %lld; supported: one, or one for each of the %u outputs (axis %lld)", b->label, w->tensor->name, count,
                          (long long)given, channels, (long long)axis);
    if (!(*scales = calloc(channels, sizeof **scales)))
        return BUILD_FAIL(b, QUELL_E_MEMORY, "out of memory");
    for (uint32_t c = 0; c < channels; c++) {
        (*scales)[c] = (float)graph_get(w->scales, count == 1 ? 0 : c);
        if (!((*scales)[c] > 0) || !isfinite((*scales)[c]))
            return BUILD_FAIL(b, QUELL_E_MODEL, "%s: scale %u of '%s' is %g; it must be a positive number", b->label, c, w->tensor->name, (*scales)[c]);
    }
    return QUELL_OK;
}

/* The zero points of a constant must all be `expected` (0 where there are none). */
static quell_status check_zeros(const struct builder *b, const struct value *w, double expected)
{
    if (!w->zeros)
        return expected == 0 ? QUELL_OK : BUILD_FAIL(b, QUELL_E_UNSUPPORTED, "%s: '%s' has no zero point; uint8 weights need 128", b->label, w->tensor->name);
    for (size_t i = 0; i < graph_elements(w->zeros); i++)
        if (graph_get(w->zeros, i) != expected)
            return BUILD_FAIL(b, QUELL_E_UNSUPPORTED, "%s: '%s' has zero point %g; supported: symmetric weights (%g)", b->label, w->tensor->name, graph_get(w->zeros, i), expected);
    return QUELL_OK;
}

/* The weights must be codes of a zero point in their middle: then *shift makes int8 numbers of them. */
static quell_status check_weights(const struct builder *b, const struct value *w, int *shift)
{
    *shift = w->tensor->type == GRAPH_UINT8 ? 128 : 0;
    if (!graph_is_code(w->tensor->type))
        return BUILD_FAIL(b, QUELL_E_UNSUPPORTED, "%s: the weights '%s' are %s; supported: int8, uint8; quantise them to 8 bits", b->label, w->tensor->name, graph_type_name(w->tensor->type));
    return check_zeros(b, w, *shift);
}

/* Bias of a layer: int32 behind DequantizeLinear, or float. */
static quell_status build_bias(struct builder *b, int layer, const struct value *v)
{
    struct draft *d = &b->drafts[layer];
    uint32_t channels = build_layer(b, layer)->real_channels;
    size_t count = graph_elements(v->tensor);
    if (d->bias)
        return BUILD_FAIL(b, QUELL_E_UNSUPPORTED, "%s: the layer already has a bias", b->label);
    if (v->kind == VALUE_WEIGHT) {
        TRY(check_zeros(b, v, 0));
        TRY(read_scales(b, v, channels, (int64_t)v->tensor->rank - 1, &d->bias_scale));
    }
    if (count != channels && count != 1)
        return BUILD_FAIL(b, QUELL_E_UNSUPPORTED, "%s: the bias '%s' has %zu elements for %u channels", b->label, v->tensor->name, count, channels);
    if (!(d->bias = calloc(channels, sizeof *d->bias)))
        return BUILD_FAIL(b, QUELL_E_MEMORY, "out of memory");
    for (size_t i = 0; i < channels; i++)
        if (!isfinite(d->bias[i] = graph_get(v->tensor, count == 1 ? 0 : i)))
            return BUILD_FAIL(b, QUELL_E_MODEL, "%s: the bias '%s' is not finite", b->label, v->tensor->name);
    return QUELL_OK;
}

/*
 * A bias that is a real number is kept in whole steps of the accumulator. Where the weights of a channel leave room, all of them times k make the steps
 * k times finer: take the k whose steps meet the bias best. A channel without weights can have any step.
 */
static void refine_bias(struct quell_model_layer *l, struct draft *d)
{
    size_t count = (size_t)l->taps * l->in_channels;
    for (uint32_t c = 0; d->bias && !d->bias_scale && c < l->real_channels; c++) {
        int8_t *w = l->weights + c * count;
        int most = 0, best = 1;
        double steps = d->bias[c] / ((double)d->s_in * d->w_scale[c]), least = fabs(steps - nearbyint(steps));
        for (size_t i = 0; i < count; i++)
            most = abs(w[i]) > most ? abs(w[i]) : most;
        if (!most && d->bias[c] != 0)
            d->w_scale[c] = (float)(fabs(d->bias[c]) / d->s_in * 0x1p-20);
        for (int k = 2; most && k * most <= 127 && least > 1e-6 && fabs(steps) * k < 0x1p30; k++)
            if (fabs(steps * k - nearbyint(steps * k)) / k < least) {
                least = fabs(steps * k - nearbyint(steps * k)) / k;
                best = k;
            }
        for (size_t i = 0; i < count; i++)
            w[i] = (int8_t)(w[i] * best);
        d->w_scale[c] /= (float)best;
    }
}

static quell_status allocate_weights(struct builder *b, struct quell_model_layer *l, uint32_t outputs)
{
    l->real_channels = outputs;
    l->channels = (outputs + 7) / 8 * 8;
    size_t bytes = (size_t)l->channels * l->taps * l->in_channels;
    if (bytes > (size_t)1 << 27)
        return BUILD_FAIL(b, QUELL_E_TOO_LARGE, "%s: %zu bytes of weights", b->label, bytes);
    l->weights = calloc(bytes, 1);
    return l->weights ? QUELL_OK : BUILD_FAIL(b, QUELL_E_MEMORY, "out of memory");
}

/* ---- fully connected ---- */

/* Weight of output o, flattened input k (C, H, W order) -> 1 x 1 x (H*W*C8) order of the activation memory. */
static void order_dense_weights(struct quell_model_layer *l, const struct value *x, const struct graph_tensor *w, int shift, int transposed)
{
    uint32_t inputs = x->h * x->w * x->c, c8 = (x->c + 7) / 8 * 8, pixels = x->h * x->w;
    for (uint32_t o = 0; o < l->real_channels; o++)
        for (uint32_t k = 0; k < inputs; k++) {
            uint32_t c = k / pixels, pixel = k % pixels;
            l->weights[(size_t)o * l->in_channels + pixel * c8 + c] = (int8_t)(graph_get_int(w, transposed ? (size_t)o * inputs + k : (size_t)k * l->real_channels + o) - shift);
        }
}

/* A layer of which every output sees the whole of x. */
static quell_status connect(struct builder *b, const struct value *x, const struct value *w, int transposed, const struct value *bias, int flat)
{
    int layer, shift;
    int64_t outputs = w->tensor->dims[transposed ? 0 : 1];
    if (outputs < 1 || outputs > 4095 * 8)
        return BUILD_FAIL(b, QUELL_E_TOO_LARGE, "%s: %lld outputs; supported: up to %d", b->label, (long long)outputs, 4095 * 8);
    TRY(check_weights(b, w, &shift));
    TRY(build_new_layer(b, x, &layer));
    struct quell_model_layer *l = build_layer(b, layer);
    b->drafts[layer].fully_connected = 1;
    l->table.mode = 1;
    l->table.in_h = l->table.in_w = l->table.out_h = l->table.out_w = 1;
    l->info.kernel_h = l->info.kernel_w = l->info.dilation_y = l->info.dilation_x = l->info.groups = 1;
    b->drafts[layer].products = (uint64_t)x->h * x->w * x->c;
    l->taps = 1;
    l->in_channels = x->h * x->w * ((x->c + 7) / 8 * 8);
    TRY(allocate_weights(b, l, (uint32_t)outputs));
    order_dense_weights(l, x, w->tensor, shift, transposed);
    TRY(read_scales(b, w, (uint32_t)outputs, transposed ? 0 : 1, &b->drafts[layer].w_scale));
    if (bias)
        TRY(build_bias(b, layer, bias));
    refine_bias(l, &b->drafts[layer]);
    return build_float_output(b, layer, STAGE_V, 1, 1, (uint32_t)outputs, flat);
}

/* ---- convolution ---- */

/* ONNX's O, I of a group, H, W into the array's windows; weights of other groups and taps beyond the kernel stay 0. */
static void order_conv_weights(struct quell_model_layer *l, const struct graph_tensor *w, int shift, const struct geometry *g)
{
    uint32_t own = (uint32_t)w->dims[1], taps = g->kh * g->kw;
    for (uint32_t o = 0; o < l->real_channels; o++)
        for (uint32_t i = 0; i < own; i++)
            for (uint32_t t = 0; t < taps; t++) {
                uint32_t input = l->table.mode == 2 ? 0 : o / (g->outputs / g->groups) * own + i;
                l->weights[((size_t)o * l->taps + geometry_tap(g, t / g->kw, t % g->kw)) * l->in_channels + input] = (int8_t)(graph_get_int(w, ((size_t)o * own + i) * taps + t) - shift);
            }
}

/* One window as large as the image: a fully connected layer. */
static int is_whole_image(const struct graph_node *n, const struct value *x, const struct graph_tensor *w)
{
    size_t count;
    const int64_t *pads = graph_attr_ints(n, "pads", &count);
    for (size_t i = 0; i < count; i++)
        if (pads[i])
            return 0;
    return w->rank == 4 && graph_attr_int(n, "group", 1) == 1 && w->dims[1] == x->c && w->dims[2] == x->h && w->dims[3] == x->w && (x->h != x->w || (x->h != 1 && x->h != 3)) &&
           strncmp(graph_attr_text(n, "auto_pad", ""), "SAME", 4) != 0;
}

quell_status build_conv(struct builder *b)
{
    const struct value *x, *w, *bias = NULL;
    struct geometry g;
    int layer, shift;
    TRY(build_input(b, 0, KINDS(REAL), CODES_WANTED, &x));
    TRY(build_input(b, 1, KINDS(WEIGHT), WEIGHTS_WANTED, &w));
    if (graph_in(b->node, 2))
        TRY(build_input(b, 2, KINDS(WEIGHT) | KINDS(CONST), "a constant", &bias));
    int identity = graph_attr_int(b->node, "quell.identity", 0) != 0; /* of a pass: works on flat tensors too */
    if (x->flat && !identity)
        return BUILD_FAIL(b, QUELL_E_UNSUPPORTED, "%s: its input is flattened", b->label);
    if (is_whole_image(b->node, x, w->tensor))
        return connect(b, x, w, 1, bias, 0);
    TRY(geometry_read(b, x, w->tensor, &g));
    TRY(check_weights(b, w, &shift));
    TRY(build_new_layer(b, x, &layer));
    struct quell_model_layer *l = build_layer(b, layer);
    geometry_set(l, x, &g);
    TRY(allocate_weights(b, l, g.outputs));
    order_conv_weights(l, w->tensor, shift, &g);
    TRY(read_scales(b, w, g.outputs, 0, &b->drafts[layer].w_scale));
    b->drafts[layer].identity = identity;
    b->drafts[layer].products = (uint64_t)g.kh * g.kw * (x->c / g.groups);
    if (bias)
        TRY(build_bias(b, layer, bias));
    refine_bias(l, &b->drafts[layer]);
    return build_float_output(b, layer, STAGE_V, g.out_h, g.out_w, g.outputs, x->flat);
}

/* ---- products of a matrix ---- */

static quell_status dense(struct builder *b, int transposed, const struct value *bias)
{
    const struct value *x, *w;
    TRY(build_input(b, 0, KINDS(REAL), CODES_WANTED, &x));
    TRY(build_input(b, 1, KINDS(WEIGHT), WEIGHTS_WANTED, &w));
    if (!x->flat)
        return BUILD_FAIL(b, QUELL_E_UNSUPPORTED, "%s: its input has four dimensions; supported: behind Flatten or Reshape to two", b->label);
    const int64_t *dims = w->tensor->dims;
    uint64_t inputs = (uint64_t)x->h * x->w * x->c;
    if (w->tensor->rank != 2 || (uint64_t)dims[transposed ? 1 : 0] != inputs)
        return BUILD_FAIL(b, QUELL_E_MODEL, "%s: the weights' shape does not fit %llu inputs", b->label, (unsigned long long)inputs);
    return connect(b, x, w, transposed, bias, 1);
}

quell_status build_gemm(struct builder *b)
{
    const struct value *bias = NULL;
    if (graph_attr_float(b->node, "alpha", 1) != 1 || graph_attr_float(b->node, "beta", 1) != 1 || graph_attr_int(b->node, "transA", 0) != 0)
        return BUILD_FAIL(b, QUELL_E_UNSUPPORTED, "%s: transA is 1, or alpha, beta of weights that are not int8; supported: transA = 0", b->label);
    if (graph_in(b->node, 2))
        TRY(build_input(b, 2, KINDS(WEIGHT) | KINDS(CONST), "a constant", &bias));
    return dense(b, graph_attr_int(b->node, "transB", 0) != 0, bias);
}

quell_status build_matmul(struct builder *b) { return dense(b, 0, NULL); }
