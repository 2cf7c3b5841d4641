/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What follows a convolution in the same layer: added tensors, ReLU and Clip, pooling. It is taken in as long as it is the only reader and comes
 * in the chip's order; what cannot be gets an identity layer of its own, whose post-processing does the work.
 */
#include "build.h"

#include <math.h>
#include <string.h>

quell_status build_add(struct builder *b)
{
    const struct value *x, *y;
    unsigned kinds = KINDS(REAL) | KINDS(FLOAT) | KINDS(CONST) | KINDS(WEIGHT);
    TRY(build_input(b, 0, kinds, "quantised", &x));
    TRY(build_input(b, 1, kinds, "quantised", &y));
    if (x->kind == VALUE_CONST || x->kind == VALUE_WEIGHT || y->kind == VALUE_CONST || y->kind == VALUE_WEIGHT) /* pass_affine takes what it can */
        return BUILD_FAIL(b, QUELL_E_UNSUPPORTED, "%s: its constant can go neither into a convolution nor into a scale; supported: behind convolutions, products and DequantizeLinear, one number or one a channel", b->label);
    if (x->kind != VALUE_REAL || y->kind != VALUE_REAL)
        return BUILD_FAIL(b, QUELL_E_UNSUPPORTED, "%s: both inputs must be codes (behind QuantizeLinear and DequantizeLinear); one is a real value: calibrate with a pair there", b->label);
    if (x->h != y->h || x->w != y->w || x->c != y->c || x->flat != y->flat)
        return BUILD_FAIL(b, QUELL_E_UNSUPPORTED, "%s: the shapes differ (%ux%ux%u and %ux%ux%u); supported: equal ones", b->label, x->c, x->h, x->w, y->c, y->h, y->w);
    /* The later layer carries the addition: the other one is complete when it runs. */
    if (y->layer > x->layer) {
        const struct value *swap = x;
        x = y;
        y = swap;
    }
    int layer;
    TRY(layer_open_stage(b, x, STAGE_DENOISED, &layer));
    struct quell_model_layer *l = build_layer(b, layer);
    l->table.residual = 1;
    l->table.z_res = y->zero;
    l->residual_layer = y->layer;
    strncpy(l->info.residual, y->codes, sizeof l->info.residual - 1);
    b->drafts[layer].s_res = y->scale;
    return build_float_output(b, layer, STAGE_POST, x->h, x->w, x->c, x->flat);
}

static quell_status clip(struct builder *b, float low, float high)
{
    const struct value *x;
    int layer;
    enum stage stage;
    TRY(build_input(b, 0, KINDS(REAL) | KINDS(FLOAT), "a layer's result", &x));
    if (x->kind == VALUE_FLOAT) {
        if (x->stage != STAGE_V && x->stage != STAGE_POST)
            return BUILD_FAIL(b, QUELL_E_UNSUPPORTED, "%s: its input must be quantised (QuantizeLinear, DequantizeLinear)", b->label);
        layer = x->layer;
        stage = x->stage;
    } else {
        TRY(layer_open_stage(b, x, STAGE_DENOISED, &layer));
        stage = STAGE_POST;
    }
    struct draft *d = &b->drafts[layer];
    d->low = fminf(fmaxf(d->low, low), high); /* as if clipped one after the other */
    d->high = fminf(fmaxf(d->high, low), high);
    return build_float_output(b, layer, stage, x->h, x->w, x->c, x->flat);
}

quell_status build_relu(struct builder *b) { return clip(b, 0, INFINITY); }

quell_status build_clip(struct builder *b)
{
    double low = -INFINITY, high = INFINITY;
    if (graph_in(b->node, 1))
        TRY(build_scalar(b, 1, "minimum", &low, NULL));
    if (graph_in(b->node, 2))
        TRY(build_scalar(b, 2, "maximum", &high, NULL));
    if (!(low <= high))
        return BUILD_FAIL(b, QUELL_E_UNSUPPORTED, "%s: its minimum %g is not below its maximum %g", b->label, low, high);
    return clip(b, (float)low, (float)high);
}

/* ---- pooling ---- */

static quell_status pool(struct builder *b, int kind, uint32_t kh, uint32_t kw, int flat)
{
    const struct value *x;
    int layer;
    TRY(build_input(b, 0, KINDS(REAL), "codes (behind QuantizeLinear and DequantizeLinear); it is a real value: calibrate with a pair there", &x));
    if (x->flat || kh < 1 || kw < 1 || kh > x->h || kw > x->w || (uint64_t)kh * kw > 4096)
        return BUILD_FAIL(b, QUELL_E_UNSUPPORTED, "%s: a kernel of %u x %u on an image of %u x %u; supported: inside the image, up to 4096 elements", b->label, kh, kw, x->h, x->w);
    TRY(layer_open_stage(b, x, STAGE_TABLE, &layer));
    struct quell_layer *t = &build_layer(b, layer)->table;
    t->pool_kind = kind;
    t->pool_kh = t->pool_sy = (int32_t)kh;
    t->pool_kw = t->pool_sx = (int32_t)kw;
    t->pooled_h = t->out_h / t->pool_kh;
    t->pooled_w = t->out_w / t->pool_kw;
    return build_float_output(b, layer, STAGE_POOLED, x->h / kh, x->w / kw, x->c, flat);
}

quell_status build_pool(struct builder *b)
{
    size_t n;
    const struct value *x;
    TRY(build_input(b, 0, KINDS(REAL), "codes (behind QuantizeLinear and DequantizeLinear); it is a real value: calibrate with a pair there", &x));
    const int64_t *kernel = graph_attr_ints(b->node, "kernel_shape", &n);
    if (n != 2 || kernel[0] < 1 || kernel[1] < 1 || kernel[0] > 1023 || kernel[1] > 1023)
        return BUILD_FAIL(b, QUELL_E_UNSUPPORTED, "%s: its kernel_shape; supported: two numbers, 1 to 1023", b->label);
    int64_t kh = kernel[0], kw = kernel[1];
    const int64_t *strides = graph_attr_ints(b->node, "strides", &n);
    if (n == 2 ? strides[0] != kh || strides[1] != kw : kh != 1 || kw != 1)
        return BUILD_FAIL(b, QUELL_E_UNSUPPORTED, "%s: windows that overlap (strides differ from its kernel); supported: strides equal to the kernel, or the whole image", b->label);
    const int64_t *pads = graph_attr_ints(b->node, "pads", &n);
    for (size_t i = 0; i < n; i++)
        if (pads[i] != 0)
            return BUILD_FAIL(b, QUELL_E_UNSUPPORTED, "%s: it is padded; supported: pads 0", b->label);
    const int64_t *dilations = graph_attr_ints(b->node, "dilations", &n);
    for (size_t i = 0; i < n; i++)
        if (dilations[i] != 1)
            return BUILD_FAIL(b, QUELL_E_UNSUPPORTED, "%s: its dilations; supported: 1", b->label);
    int leftover = x->h % (uint32_t)kh != 0 || x->w % (uint32_t)kw != 0;
    if (leftover && (graph_attr_int(b->node, "ceil_mode", 0) != 0 || strncmp(graph_attr_text(b->node, "auto_pad", ""), "SAME", 4) == 0))
        return BUILD_FAIL(b, QUELL_E_UNSUPPORTED, "%s: ceil_mode or auto_pad with rows or columns left over; supported: they are dropped", b->label);
    return pool(b, b->node->op[0] == 'M' ? 2 : 1, (uint32_t)kh, (uint32_t)kw, 0);
}

quell_status build_global_pool(struct builder *b)
{
    const struct value *x;
    TRY(build_input(b, 0, KINDS(REAL), "codes (behind QuantizeLinear and DequantizeLinear); it is a real value: calibrate with a pair there", &x));
    return pool(b, strcmp(b->node->op, "GlobalMaxPool") == 0 ? 2 : 1, x->h, x->w, 0);
}

quell_status build_reduce_mean(struct builder *b)
{
    const struct value *x, *axes = NULL;
    size_t n = 0;
    unsigned seen = 0;
    TRY(build_input(b, 0, KINDS(REAL), "codes (behind QuantizeLinear and DequantizeLinear); it is a real value: calibrate with a pair there", &x));
    if (graph_in(b->node, 1)) {
        TRY(build_input(b, 1, KINDS(CONST), "a constant", &axes));
        n = graph_elements(axes->tensor);
    }
    for (size_t i = 0; i < n; i++) {
        int64_t axis = graph_get_int(axes->tensor, i);
        seen |= axis >= -4 && axis < 4 ? 1u << (axis & 3) : 16;
    }
    if (seen != 12)
        return BUILD_FAIL(b, QUELL_E_UNSUPPORTED, "%s: its axes; supported: the mean over rows and columns (axes 2, 3)", b->label);
    return pool(b, 1, x->h, x->w, graph_attr_int(b->node, "keepdims", 1) == 0);
}
