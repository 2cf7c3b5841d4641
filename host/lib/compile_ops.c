/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The operators. A convolution opens a layer; what follows is taken into the same layer as long as it is the only reader and comes
 * in the chip's order (denoise, add, clip, pool). An operator that cannot be taken in gets an identity layer of its own: a
 * depthwise convolution with the weight 1 in its middle, whose post-processing does the work.
 */
#include "compile.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "compiled.h"
#include "scale.h"

#define SUPPORTED "Conv 1x1, 3x3, depthwise 3x3, Gemm, MatMul, Add, Relu, Clip, AveragePool, GlobalAveragePool, ReduceMean, MaxPool, Flatten, Reshape, Softmax at the end, quell.Denoise*"

/* ---- quantisation ---- */

/* Scale and zero point (for int8 codes) of the present Quantize/DequantizeLinear. */
static quell_status read_quantisation(const struct builder *b, float *scale, int *zero)
{
    double value;
    int32_t type = ONNX__TENSOR_PROTO__DATA_TYPE__UINT8;
    TRY(build_scalar(b, 1, "scale", &value, NULL));
    *scale = (float)value;
    if (!isnormal(*scale) || *scale < 0)
        return BUILD_FAIL(b, QUELL_E_MODEL, "%s: the scale '%s' is %g; it must be a positive number", b->label, b->node->input[1], value);
    value = 0;
    if (build_has_input(b, 2))
        TRY(build_scalar(b, 2, "zero point", &value, &type));
    if (type != ONNX__TENSOR_PROTO__DATA_TYPE__INT8 && type != ONNX__TENSOR_PROTO__DATA_TYPE__UINT8)
        return BUILD_FAIL(b, QUELL_E_UNSUPPORTED, "%s: the zero point has ONNX data type %d; supported: int8, uint8", b->label, (int)type);
    *zero = (int)value - (type == ONNX__TENSOR_PROTO__DATA_TYPE__UINT8 ? 128 : 0);
    return QUELL_OK;
}

static quell_status quantise_image(struct builder *b, float scale, int zero)
{
    for (int p = 0; p < 256; p++)
        b->model->pixel_code[p] = (int8_t)quell_code_of((float)p / 255.0f, scale, zero);
    return QUELL_OK;
}

/* A layer's float result becomes codes: the layer's scales up to here are now known. */
static quell_status quantise_layer(struct builder *b, const struct value *x, float scale, int zero)
{
    struct draft *d = &b->drafts[x->layer];
    const struct quell_layer_info *info = &build_layer(b, x->layer)->info;
    switch (x->stage) {
    case STAGE_V:
        TRY(layer_set_v(b, x->layer, scale, zero));
        if (d->low > -INFINITY || d->high < INFINITY) {
            TRY(layer_set_post(b, x->layer, scale, zero));
            d->stage = STAGE_POST;
            return QUELL_OK;
        }
        break;
    case STAGE_DENOISED:
        if (scale != info->out_scale || zero != info->out_zero)
            return BUILD_FAIL(b, QUELL_E_UNSUPPORTED, "%s: the output of a denoising block must have the scale and zero point of its input (%g, %d), not %g, %d", b->label, info->out_scale,
                              (int)info->out_zero, scale, zero);
        break;
    case STAGE_POST:
        TRY(layer_set_post(b, x->layer, scale, zero));
        break;
    default:
        TRY(layer_set_pool(b, x->layer, scale, zero));
    }
    d->stage = x->stage;
    return QUELL_OK;
}

/* Take an operator behind stage `last` into the layer that made x; if it cannot be, into a new identity layer. */
static quell_status open_stage(struct builder *b, const struct value *x, enum stage last, int *layer)
{
    if (x->layer >= 0 && x->sole && b->drafts[x->layer].stage <= last) {
        *layer = x->layer;
        return QUELL_OK;
    }
    TRY(build_new_layer(b, x, layer));
    struct quell_model_layer *l = build_layer(b, *layer);
    struct draft *d = &b->drafts[*layer];
    d->identity = 1;
    l->table.mode = 2;
    l->table.pad_top = l->table.pad_left = 1;
    l->table.in_h = l->table.out_h = (int32_t)x->h;
    l->table.in_w = l->table.out_w = (int32_t)x->w;
    l->real_channels = x->c;
    l->channels = (x->c + 7) / 8 * 8;
    l->taps = 9;
    l->in_channels = 1;
    l->weights = calloc((size_t)l->channels * 9, 1);
    d->w_scale = calloc(x->c, sizeof *d->w_scale);
    if (!l->weights || !d->w_scale)
        return BUILD_FAIL(b, QUELL_E_MEMORY, "out of memory");
    for (uint32_t c = 0; c < x->c; c++) {
        l->weights[c * 9 + 4] = 1;
        d->w_scale[c] = 1.0f;
    }
    TRY(layer_set_v(b, *layer, x->scale, x->zero));
    d->stage = STAGE_V;
    return QUELL_OK;
}

static quell_status op_quantise(struct builder *b)
{
    const struct value *x;
    float scale;
    int zero;
    TRY(build_input(b, 0, KINDS(IMAGE) | KINDS(REAL) | KINDS(FLOAT) | KINDS(CLASSES), "the image or a layer's result", &x));
    struct value v = *x;
    if (x->kind == VALUE_CLASSES)
        return build_output(b, &v);
    TRY(read_quantisation(b, &scale, &zero));
    v.codes = b->node->output[0];
    if (x->kind == VALUE_IMAGE) {
        TRY(quantise_image(b, scale, zero));
    } else if (x->kind == VALUE_FLOAT) {
        TRY(quantise_layer(b, x, scale, zero));
    } else if (x->scale == scale && x->zero == zero) {
        v.codes = x->codes; /* quantised again as it was: nothing to do */
    } else {
        TRY(open_stage(b, x, STAGE_DENOISED, &v.layer));
        TRY(layer_set_post(b, v.layer, scale, zero));
        b->drafts[v.layer].stage = STAGE_POST;
    }
    v.kind = VALUE_CODES;
    v.scale = scale;
    v.zero = zero;
    v.sole = build_uses(b) == 1 && (x->kind != VALUE_REAL || v.codes != x->codes || x->sole);
    if (v.layer >= 0 && v.codes == b->node->output[0]) {
        struct quell_layer_info *info = &build_layer(b, v.layer)->info;
        strncpy(info->output, v.codes, sizeof info->output - 1);
        info->out_scale = scale;
        info->out_zero = zero;
        info->out_h = v.h;
        info->out_w = v.w;
        info->out_c = v.c;
    }
    return build_output(b, &v);
}

static quell_status op_dequantise(struct builder *b)
{
    const struct value *x;
    TRY(build_input(b, 0, KINDS(CODES) | KINDS(CONST) | KINDS(CLASSES), "quantised codes or a constant", &x));
    struct value v = *x;
    if (x->kind == VALUE_CLASSES)
        return build_output(b, &v);
    if (x->kind == VALUE_CONST) {
        const struct value *scales, *zeros;
        TRY(build_input(b, 1, KINDS(CONST), "a constant", &scales));
        v.scales = scales->tensor;
        if (build_has_input(b, 2)) {
            TRY(build_input(b, 2, KINDS(CONST), "a constant", &zeros));
            v.zeros = zeros->tensor;
        }
        v.axis = onnx_attr_int(b->node, "axis", 1);
        v.kind = VALUE_WEIGHT;
        return build_output(b, &v);
    }
    float scale;
    int zero;
    TRY(read_quantisation(b, &scale, &zero));
    if (scale != x->scale || zero != x->zero)
        return BUILD_FAIL(b, QUELL_E_UNSUPPORTED, "%s: scale and zero point differ from those that '%s' was quantised with", b->label, b->node->input[0]);
    v.kind = VALUE_REAL;
    v.sole = x->sole && build_uses(b) == 1;
    return build_output(b, &v);
}

/* A float result that is not quantised yet can have one reader only: the chip does not keep it. */
quell_status build_float_output(struct builder *b, int layer, enum stage stage, uint32_t h, uint32_t w, uint32_t c, int flat)
{
    if (build_uses(b) != 1)
        return BUILD_FAIL(b, QUELL_E_UNSUPPORTED, "%s: its output must be quantised (QuantizeLinear) and have no other reader", b->label);
    struct value v = {.kind = VALUE_FLOAT, .layer = layer, .stage = stage, .h = h, .w = w, .c = c, .flat = flat};
    return build_output(b, &v);
}

/* ---- what follows in the same layer ---- */

static quell_status op_denoise(struct builder *b)
{
    const struct value *x;
    int declared = 0;
    for (size_t i = 0; i < b->onnx->n_functions; i++)
        declared |= b->onnx->functions[i]->name && strcmp(b->onnx->functions[i]->name, b->node->op_type) == 0;
    if (!declared)
        return BUILD_FAIL(b, QUELL_E_MODEL, "%s: the file does not hold the local function '%s'", b->label, b->node->op_type);
    TRY(build_input(b, 0, KINDS(REAL), "a convolution's quantised output", &x));
    if (x->layer < 0 || !x->sole || b->drafts[x->layer].stage != STAGE_V || b->drafts[x->layer].identity)
        return BUILD_FAIL(b, QUELL_E_UNSUPPORTED, "%s: a denoising block must follow a convolution's QuantizeLinear and DequantizeLinear directly, as their only reader", b->label);
    TRY(layer_set_block(b, x->layer, x));
    b->drafts[x->layer].stage = STAGE_DENOISED;
    return build_float_output(b, x->layer, STAGE_DENOISED, x->h, x->w, x->c, x->flat);
}

/* Conv or MatMul without bias, then Add of a constant. */
static quell_status add_bias(struct builder *b, const struct value *x, const struct value *bias)
{
    if (x->kind != VALUE_FLOAT || x->stage != STAGE_V || b->drafts[x->layer].low > -INFINITY || b->drafts[x->layer].high < INFINITY)
        return BUILD_FAIL(b, QUELL_E_UNSUPPORTED, "%s: adds a constant; supported: directly behind Conv or MatMul, as its bias", b->label);
    TRY(build_bias(b, x->layer, bias));
    return build_float_output(b, x->layer, STAGE_V, x->h, x->w, x->c, x->flat);
}

static quell_status op_add(struct builder *b)
{
    const struct value *x, *y;
    unsigned kinds = KINDS(REAL) | KINDS(FLOAT) | KINDS(CONST) | KINDS(WEIGHT);
    TRY(build_input(b, 0, kinds, "quantised", &x));
    TRY(build_input(b, 1, kinds, "quantised", &y));
    if (x->kind == VALUE_CONST || x->kind == VALUE_WEIGHT || y->kind == VALUE_CONST || y->kind == VALUE_WEIGHT) {
        int first = x->kind == VALUE_CONST || x->kind == VALUE_WEIGHT;
        return add_bias(b, first ? y : x, first ? x : y);
    }
    if (x->kind != VALUE_REAL || y->kind != VALUE_REAL)
        return BUILD_FAIL(b, QUELL_E_UNSUPPORTED, "%s: both inputs must be quantised (behind QuantizeLinear and DequantizeLinear)", b->label);
    if (x->h != y->h || x->w != y->w || x->c != y->c || x->flat != y->flat)
        return BUILD_FAIL(b, QUELL_E_UNSUPPORTED, "%s: the shapes differ (%ux%ux%u and %ux%ux%u); supported: equal ones", b->label, x->c, x->h, x->w, y->c, y->h, y->w);
    /* The later layer carries the addition: the other one is complete when it runs. */
    if (y->layer > x->layer) {
        const struct value *swap = x;
        x = y;
        y = swap;
    }
    int layer;
    TRY(open_stage(b, x, STAGE_DENOISED, &layer));
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
        TRY(open_stage(b, x, STAGE_DENOISED, &layer));
        stage = STAGE_POST;
    }
    struct draft *d = &b->drafts[layer];
    d->low = fminf(fmaxf(d->low, low), high); /* as if clipped one after the other */
    d->high = fminf(fmaxf(d->high, low), high);
    return build_float_output(b, layer, stage, x->h, x->w, x->c, x->flat);
}

static quell_status op_relu(struct builder *b) { return clip(b, 0, INFINITY); }

static quell_status op_clip(struct builder *b)
{
    double low = onnx_attr_float(b->node, "min", -INFINITY), high = onnx_attr_float(b->node, "max", INFINITY);
    if (build_has_input(b, 1))
        TRY(build_scalar(b, 1, "minimum", &low, NULL));
    if (build_has_input(b, 2))
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
    TRY(build_input(b, 0, KINDS(REAL), "quantised (behind QuantizeLinear and DequantizeLinear)", &x));
    if (x->flat || kh < 1 || kw < 1 || kh > x->h || kw > x->w || (uint64_t)kh * kw > 4096)
        return BUILD_FAIL(b, QUELL_E_UNSUPPORTED, "%s: a kernel of %u x %u on an image of %u x %u; supported: inside the image, up to 4096 elements", b->label, kh, kw, x->h, x->w);
    TRY(open_stage(b, x, STAGE_POST, &layer));
    struct quell_layer *t = &build_layer(b, layer)->table;
    t->pool_kind = kind;
    t->pool_kh = (int32_t)kh;
    t->pool_kw = (int32_t)kw;
    return build_float_output(b, layer, STAGE_POOLED, x->h / kh, x->w / kw, x->c, flat);
}

static quell_status op_pool(struct builder *b)
{
    size_t n;
    const struct value *x;
    TRY(build_input(b, 0, KINDS(REAL), "quantised (behind QuantizeLinear and DequantizeLinear)", &x));
    const int64_t *kernel = onnx_attr_ints(b->node, "kernel_shape", &n);
    if (n != 2 || kernel[0] < 1 || kernel[1] < 1 || kernel[0] > 1023 || kernel[1] > 1023)
        return BUILD_FAIL(b, QUELL_E_UNSUPPORTED, "%s: its kernel_shape; supported: two numbers, 1 to 1023", b->label);
    int64_t kh = kernel[0], kw = kernel[1];
    const int64_t *strides = onnx_attr_ints(b->node, "strides", &n);
    if (n == 2 ? strides[0] != kh || strides[1] != kw : kh != 1 || kw != 1)
        return BUILD_FAIL(b, QUELL_E_UNSUPPORTED, "%s: its strides differ from its kernel; supported: equal ones", b->label);
    const int64_t *pads = onnx_attr_ints(b->node, "pads", &n);
    for (size_t i = 0; i < n; i++)
        if (pads[i] != 0)
            return BUILD_FAIL(b, QUELL_E_UNSUPPORTED, "%s: it is padded; supported: pads 0", b->label);
    const int64_t *dilations = onnx_attr_ints(b->node, "dilations", &n);
    for (size_t i = 0; i < n; i++)
        if (dilations[i] != 1)
            return BUILD_FAIL(b, QUELL_E_UNSUPPORTED, "%s: its dilations; supported: 1", b->label);
    int leftover = x->h % (uint32_t)kh != 0 || x->w % (uint32_t)kw != 0;
    const Onnx__AttributeProto *automatic = onnx_attr(b->node, "auto_pad");
    if (leftover && (onnx_attr_int(b->node, "ceil_mode", 0) != 0 || (automatic && automatic->has_s && automatic->s.len > 4 && memcmp(automatic->s.data, "SAME", 4) == 0)))
        return BUILD_FAIL(b, QUELL_E_UNSUPPORTED, "%s: ceil_mode or auto_pad with rows or columns left over; supported: they are dropped", b->label);
    return pool(b, b->node->op_type[0] == 'M' ? 2 : 1, (uint32_t)kh, (uint32_t)kw, 0);
}

static quell_status op_global_pool(struct builder *b)
{
    const struct value *x;
    TRY(build_input(b, 0, KINDS(REAL), "quantised (behind QuantizeLinear and DequantizeLinear)", &x));
    return pool(b, strcmp(b->node->op_type, "GlobalMaxPool") == 0 ? 2 : 1, x->h, x->w, 0);
}

static quell_status op_reduce_mean(struct builder *b)
{
    const struct value *x, *axes_value;
    size_t n;
    unsigned seen = 0;
    TRY(build_input(b, 0, KINDS(REAL), "quantised (behind QuantizeLinear and DequantizeLinear)", &x));
    const int64_t *axes = onnx_attr_ints(b->node, "axes", &n);
    for (size_t i = 0; i < n; i++)
        seen |= axes[i] >= -4 && axes[i] < 4 ? 1u << (axes[i] & 3) : 16;
    if (build_has_input(b, 1)) {
        double *values;
        TRY(build_input(b, 1, KINDS(CONST), "a constant", &axes_value));
        TRY(onnx_values(axes_value->tensor, &n, &values, b->err));
        for (size_t i = 0; i < n; i++)
            seen |= values[i] >= -4 && values[i] < 4 ? 1u << ((int)values[i] & 3) : 16;
        free(values);
    }
    if (seen != 12)
        return BUILD_FAIL(b, QUELL_E_UNSUPPORTED, "%s: its axes; supported: the mean over rows and columns (axes 2, 3)", b->label);
    return pool(b, 1, x->h, x->w, onnx_attr_int(b->node, "keepdims", 1) == 0);
}

/* ---- shapes ---- */

static quell_status pass(struct builder *b, int flat)
{
    const struct value *x;
    TRY(build_input(b, 0, KINDS(CODES) | KINDS(REAL) | KINDS(FLOAT) | KINDS(CLASSES), "a layer's result", &x));
    struct value v = *x;
    if (flat >= 0)
        v.flat = flat;
    v.sole = x->sole && build_uses(b) == 1;
    if (v.kind == VALUE_FLOAT && build_uses(b) != 1)
        return BUILD_FAIL(b, QUELL_E_UNSUPPORTED, "%s: its output must be quantised (QuantizeLinear) and have no other reader", b->label);
    return build_output(b, &v);
}

static quell_status op_identity(struct builder *b) { return pass(b, -1); }

static quell_status op_flatten(struct builder *b)
{
    int64_t axis = onnx_attr_int(b->node, "axis", 1);
    if (axis != 1 && axis != -3)
        return BUILD_FAIL(b, QUELL_E_UNSUPPORTED, "%s: axis %lld; supported: 1", b->label, (long long)axis);
    return pass(b, 1);
}

static quell_status op_squeeze(struct builder *b)
{
    const struct value *x;
    TRY(build_input(b, 0, KINDS(CODES) | KINDS(REAL) | KINDS(FLOAT), "a layer's result", &x));
    if (x->h != 1 || x->w != 1)
        return BUILD_FAIL(b, QUELL_E_UNSUPPORTED, "%s: an image of %u x %u; supported: of 1 x 1", b->label, x->h, x->w);
    return pass(b, 1);
}

static quell_status op_reshape(struct builder *b)
{
    const struct value *x, *shape;
    size_t n;
    double *s;
    TRY(build_input(b, 0, KINDS(CODES) | KINDS(REAL) | KINDS(FLOAT), "a layer's result", &x));
    TRY(build_input(b, 1, KINDS(CONST), "a constant shape", &shape));
    TRY(onnx_values(shape->tensor, &n, &s, b->err));
    double all = (double)x->h * x->w * x->c;
    int batch = n > 0 && (s[0] == 0 || s[0] == 1 || s[0] == -1);
    int flat = batch && n == 2 && (s[1] == -1 || s[1] == all);
    int image = batch && n == 4 && (s[1] == x->c || (s[1] == -1 && s[0] != -1)) && s[2] == x->h && s[3] == x->w;
    free(s);
    if (!flat && !image)
        return BUILD_FAIL(b, QUELL_E_UNSUPPORTED, "%s: its shape; supported: N x (C*H*W), as Flatten does", b->label);
    return pass(b, flat);
}

static quell_status op_softmax(struct builder *b)
{
    const struct value *x;
    TRY(build_input(b, 0, KINDS(REAL), "the last layer's quantised result", &x));
    struct value v = *x;
    v.kind = VALUE_CLASSES;
    return build_output(b, &v);
}

static quell_status op_constant(struct builder *b)
{
    const Onnx__AttributeProto *a = onnx_attr(b->node, "value");
    if (!a || !a->t)
        return BUILD_FAIL(b, QUELL_E_UNSUPPORTED, "%s: supported: a tensor in the attribute 'value'", b->label);
    struct value v = {.kind = VALUE_CONST, .tensor = a->t};
    if (!a->t->name) /* messages name it */
        ((onnx_tensor *)a->t)->name = strdup(b->node->output[0]);
    return build_output(b, &v);
}

static const struct {
    const char *domain, *name;
    quell_status (*build)(struct builder *b);
} OPERATORS[] = {
    {"", "QuantizeLinear", op_quantise}, {"", "DequantizeLinear", op_dequantise},
    {"", "Conv", build_conv}, {"", "Gemm", build_gemm}, {"", "MatMul", build_matmul},
    {"", "Add", op_add}, {"", "Relu", op_relu}, {"", "Clip", op_clip},
    {"", "AveragePool", op_pool}, {"", "MaxPool", op_pool},
    {"", "GlobalAveragePool", op_global_pool}, {"", "GlobalMaxPool", op_global_pool}, {"", "ReduceMean", op_reduce_mean},
    {"", "Flatten", op_flatten}, {"", "Reshape", op_reshape}, {"", "Squeeze", op_squeeze},
    {"", "Identity", op_identity}, {"", "Dropout", op_identity},
    {"", "Softmax", op_softmax}, {"", "Constant", op_constant},
    {"quell", "Denoise", op_denoise}, {"quell", "DenoiseDepthwise", op_denoise}, {"quell", "DenoiseBottleneck", op_denoise},
};

quell_status build_node(struct builder *b)
{
    const char *domain = b->node->domain ? b->node->domain : "";
    if (strcmp(domain, "ai.onnx") == 0)
        domain = "";
    for (size_t i = 0; i < sizeof OPERATORS / sizeof *OPERATORS; i++)
        if (strcmp(OPERATORS[i].domain, domain) == 0 && strcmp(OPERATORS[i].name, b->node->op_type) == 0)
            return OPERATORS[i].build(b);
    return BUILD_FAIL(b, QUELL_E_UNSUPPORTED, "%s: Quell does not have this operator; supported: " SUPPORTED, b->label);
}
