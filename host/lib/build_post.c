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

#define POOL_PAD_MAX 15

/* One side of the windows. */
struct side {
    int64_t kernel, stride, before, after, windows; /* before, after: padding that the file asks for */
};

static quell_status pool(struct builder *b, int kind, const struct side *y, const struct side *x, int flat)
{
    const struct value *v;
    int layer;
    TRY(build_input(b, 0, KINDS(REAL), "codes (behind QuantizeLinear and DequantizeLinear); it is a real value: calibrate with a pair there", &v));
    if (v->flat || y->kernel * x->kernel > 4096)
        return BUILD_FAIL(b, QUELL_E_UNSUPPORTED, "%s: a kernel of %d x %d on an image of %u x %u; supported: up to 4096 elements of an image", b->label, (int)y->kernel, (int)x->kernel, v->h, v->w);
    TRY(layer_open_stage(b, v, STAGE_TABLE, &layer));
    struct quell_layer *t = &build_layer(b, layer)->table;
    t->pool_kind = kind;
    t->pool_kh = (int32_t)y->kernel;
    t->pool_kw = (int32_t)x->kernel;
    t->pool_sy = (int32_t)y->stride;
    t->pool_sx = (int32_t)x->stride;
    t->pool_pad_top = (int32_t)y->before;
    t->pool_pad_left = (int32_t)x->before;
    t->pooled_h = (int32_t)y->windows;
    t->pooled_w = (int32_t)x->windows;
    return build_float_output(b, layer, STAGE_POOLED, (uint32_t)y->windows, (uint32_t)x->windows, v->c, flat);
}

/* The whole image. */
static quell_status pool_all(struct builder *b, int kind, int flat)
{
    const struct value *v;
    TRY(build_input(b, 0, KINDS(REAL), "codes (behind QuantizeLinear and DequantizeLinear); it is a real value: calibrate with a pair there", &v));
    const struct side y = {v->h, v->h, 0, 0, 1}, x = {v->w, v->w, 0, 0, 1};
    return pool(b, kind, &y, &x, flat);
}

/* auto_pad, pads and ceil_mode -> where the windows of one side lie, as ONNX has it: a window that would begin behind the image does not exist. */
static void place_windows(const struct graph_node *n, int64_t size, struct side *s)
{
    const char *mode = graph_attr_text(n, "auto_pad", "NOTSET");
    if (strncmp(mode, "SAME", 4) == 0) {
        s->windows = (size + s->stride - 1) / s->stride;
        int64_t all = (s->windows - 1) * s->stride + s->kernel - size;
        all = all > 0 ? all : 0;
        s->before = strcmp(mode, "SAME_LOWER") == 0 ? (all + 1) / 2 : all / 2;
        s->after = all - s->before;
        return;
    }
    if (strcmp(mode, "VALID") == 0)
        s->before = s->after = 0;
    int64_t room = size + s->before + s->after - s->kernel;
    s->windows = room < 0 ? 0 : room / s->stride + 1;
    if (s->windows && graph_attr_int(n, "ceil_mode", 0) && room % s->stride && s->windows * s->stride < size + s->before)
        s->windows++;
}

/* An average whose windows reach elements that do not count has a divisor of its own at each border; the chip has one. */
static int one_divisor(const struct graph_node *n, int64_t size, const struct side *s)
{
    int64_t beyond = (s->windows - 1) * s->stride - s->before + s->kernel - size;
    return graph_attr_int(n, "count_include_pad", 0) ? beyond <= s->after : s->before == 0 && beyond <= 0;
}

quell_status build_pool(struct builder *b)
{
    size_t n, stride_count, pad_count;
    const struct value *v;
    struct side side[2];
    int average = b->node->op[0] == 'A';
    TRY(build_input(b, 0, KINDS(REAL), "codes (behind QuantizeLinear and DequantizeLinear); it is a real value: calibrate with a pair there", &v));
    const int64_t *kernel = graph_attr_ints(b->node, "kernel_shape", &n);
    if (n != 2 || kernel[0] < 1 || kernel[1] < 1 || kernel[0] > 1023 || kernel[1] > 1023)
        return BUILD_FAIL(b, QUELL_E_UNSUPPORTED, "%s: its kernel_shape; supported: two numbers, 1 to 1023", b->label);
    const int64_t *strides = graph_attr_ints(b->node, "strides", &stride_count), *pads = graph_attr_ints(b->node, "pads", &pad_count);
    if ((stride_count && stride_count != 2) || (pad_count && pad_count != 4))
        return BUILD_FAIL(b, QUELL_E_UNSUPPORTED, "%s: its strides or pads; supported: two strides, four pads", b->label);
    const int64_t *dilations = graph_attr_ints(b->node, "dilations", &n);
    for (size_t i = 0; i < n; i++)
        if (dilations[i] != 1)
            return BUILD_FAIL(b, QUELL_E_UNSUPPORTED, "%s: its dilations; supported: 1", b->label);
    for (size_t i = 0; i < 2; i++) {
        int64_t size = i ? v->w : v->h;
        struct side *s = &side[i];
        *s = (struct side){kernel[i], stride_count ? strides[i] : 1, pad_count ? pads[i] : 0, pad_count ? pads[i + 2] : 0, 0};
        if (s->stride < 1 || s->stride > 1023)
            return BUILD_FAIL(b, QUELL_E_UNSUPPORTED, "%s: its strides; supported: 1 to 1023", b->label);
        if (s->before < 0 || s->before >= s->kernel || s->after < 0 || s->after >= s->kernel)
            return BUILD_FAIL(b, QUELL_E_UNSUPPORTED, "%s: its pads; supported: less than the kernel", b->label);
        place_windows(b->node, size, s);
        if (s->before > POOL_PAD_MAX)
            return BUILD_FAIL(b, QUELL_E_UNSUPPORTED, "%s: padding of %d in front of the image; supported: up to %d", b->label, (int)s->before, POOL_PAD_MAX);
        if (s->windows < 1)
            return BUILD_FAIL(b, QUELL_E_UNSUPPORTED, "%s: a kernel of %d x %d on an image of %u x %u; supported: not larger than the image and its padding", b->label, (int)kernel[0],
                              (int)kernel[1], v->h, v->w);
        if (average && !one_divisor(b->node, size, s))
            return BUILD_FAIL(b, QUELL_E_UNSUPPORTED, "%s: windows that reach over the border are divided by fewer elements (%s), the chip divides all by the same number; supported: %s", b->label,
                              graph_attr_int(b->node, "count_include_pad", 0) ? "ceil_mode" : "count_include_pad 0",
                              graph_attr_int(b->node, "count_include_pad", 0) ? "ceil_mode 0, or pads that hold the last windows" : "count_include_pad 1, or windows that lie inside the image");
    }
    return pool(b, average ? 1 : 2, &side[0], &side[1], 0);
}

quell_status build_global_pool(struct builder *b) { return pool_all(b, strcmp(b->node->op, "GlobalMaxPool") == 0 ? 2 : 1, 0); }

quell_status build_reduce_mean(struct builder *b)
{
    const struct value *axes = NULL;
    size_t n = 0;
    unsigned seen = 0;
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
    return pool_all(b, 1, graph_attr_int(b->node, "keepdims", 1) == 0);
}
