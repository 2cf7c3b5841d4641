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

#define KINDS(k) (1u << VALUE_##k)
#define SUPPORTED "Conv 1x1, 3x3, depthwise 3x3, Gemm, MatMul, Add, Relu, Clip, AveragePool, GlobalAveragePool, ReduceMean, MaxPool, Flatten, Reshape, Softmax at the end, quell.Denoise*"

static struct quell_model_layer *layer_of(const struct builder *b, int layer) { return &b->model->layers[layer]; }

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
    const struct quell_layer_info *info = &layer_of(b, x->layer)->info;
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
    struct quell_model_layer *l = layer_of(b, *layer);
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
        struct quell_layer_info *info = &layer_of(b, v.layer)->info;
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
static quell_status float_output(struct builder *b, int layer, enum stage stage, uint32_t h, uint32_t w, uint32_t c, int flat)
{
    if (build_uses(b) != 1)
        return BUILD_FAIL(b, QUELL_E_UNSUPPORTED, "%s: its output must be quantised (QuantizeLinear) and have no other reader", b->label);
    struct value v = {.kind = VALUE_FLOAT, .layer = layer, .stage = stage, .h = h, .w = w, .c = c, .flat = flat};
    return build_output(b, &v);
}

/* ---- weights and biases ---- */

/* Scales of a constant behind DequantizeLinear, one a channel (repeated if there is one for the tensor). */
static quell_status read_scales(const struct builder *b, const struct value *w, uint32_t channels, int64_t axis, float **scales)
{
    size_t count;
    double *values;
    TRY(onnx_values(w->scales, &count, &values, b->err));
    *scales = NULL;
    quell_status status = QUELL_OK;
    int64_t given = w->axis < 0 ? w->axis + (int64_t)w->tensor->n_dims : w->axis;
    if (count != 1 && (count != channels || given != axis))
        status = BUILD_FAIL(b, QUELL_E_UNSUPPORTED, "%s: '%s' has %zu scales along axis %lld; supported: one, or one for each of the %u outputs (axis %lld)", b->label, w->tensor->name, count,
                            (long long)given, channels, (long long)axis);
    else if (!(*scales = calloc(channels, sizeof **scales)))
        status = BUILD_FAIL(b, QUELL_E_MEMORY, "out of memory");
    for (uint32_t c = 0; status == QUELL_OK && c < channels; c++) {
        (*scales)[c] = (float)values[count == 1 ? 0 : c];
        if (!((*scales)[c] > 0) || !isfinite((*scales)[c]))
            status = BUILD_FAIL(b, QUELL_E_MODEL, "%s: scale %u of '%s' is %g; it must be a positive number", b->label, c, w->tensor->name, (*scales)[c]);
    }
    if (status != QUELL_OK) {
        free(*scales);
        *scales = NULL;
    }
    free(values);
    return status;
}

/* The zero points of a constant must all be `expected` (0 where there are none). */
static quell_status check_zeros(const struct builder *b, const struct value *w, double expected)
{
    if (!w->zeros)
        return expected == 0 ? QUELL_OK : BUILD_FAIL(b, QUELL_E_UNSUPPORTED, "%s: '%s' has no zero point; uint8 weights need 128", b->label, w->tensor->name);
    size_t count, i;
    double *values;
    TRY(onnx_values(w->zeros, &count, &values, b->err));
    for (i = 0; i < count && values[i] == expected; i++)
        ;
    double found = i < count ? values[i] : 0;
    free(values);
    if (i < count)
        return BUILD_FAIL(b, QUELL_E_UNSUPPORTED, "%s: '%s' has zero point %g; supported: symmetric weights (%g)", b->label, w->tensor->name, found, expected);
    return QUELL_OK;
}

/* int8 weights as doubles (malloc'd) in the file's order. */
static quell_status read_weights(const struct builder *b, const struct value *w, size_t *count, double **values)
{
    int32_t type = w->tensor->data_type;
    double shift = type == ONNX__TENSOR_PROTO__DATA_TYPE__UINT8 ? 128 : 0;
    if (type != ONNX__TENSOR_PROTO__DATA_TYPE__INT8 && type != ONNX__TENSOR_PROTO__DATA_TYPE__UINT8)
        return BUILD_FAIL(b, QUELL_E_UNSUPPORTED, "%s: the weights '%s' have ONNX data type %d; supported: int8", b->label, w->tensor->name, (int)type);
    TRY(check_zeros(b, w, shift));
    TRY(onnx_values(w->tensor, count, values, b->err));
    for (size_t i = 0; i < *count; i++) {
        double v = (*values)[i] -= shift;
        if (v < -128 || v > 127) { /* int32_data may hold anything */
            free(*values);
            return BUILD_FAIL(b, QUELL_E_MODEL, "%s: the weights '%s' hold %g", b->label, w->tensor->name, v);
        }
    }
    return QUELL_OK;
}

/* Bias of a layer: int32 behind DequantizeLinear, or float. */
static quell_status take_bias(struct builder *b, int layer, const struct value *v)
{
    struct draft *d = &b->drafts[layer];
    uint32_t channels = layer_of(b, layer)->real_channels;
    size_t count;
    if (d->bias)
        return BUILD_FAIL(b, QUELL_E_UNSUPPORTED, "%s: the layer already has a bias", b->label);
    if (v->kind == VALUE_WEIGHT) {
        TRY(check_zeros(b, v, 0));
        TRY(read_scales(b, v, channels, (int64_t)v->tensor->n_dims - 1, &d->bias_scale));
    }
    TRY(onnx_values(v->tensor, &count, &d->bias, b->err));
    if (count != channels)
        return BUILD_FAIL(b, QUELL_E_UNSUPPORTED, "%s: the bias '%s' has %zu elements for %u channels", b->label, v->tensor->name, count, channels);
    for (size_t i = 0; i < count; i++)
        if (!isfinite(d->bias[i]))
            return BUILD_FAIL(b, QUELL_E_MODEL, "%s: the bias '%s' is not finite", b->label, v->tensor->name);
    return QUELL_OK;
}

/* ---- convolution ---- */

struct geometry {
    uint32_t kernel, stride, depthwise, outputs;
    int64_t pad[4]; /* top, left, bottom, right */
};

static quell_status read_pads(const struct builder *b, const struct value *x, struct geometry *g)
{
    size_t n;
    const int64_t *pads = onnx_attr_ints(b->node, "pads", &n);
    const Onnx__AttributeProto *automatic = onnx_attr(b->node, "auto_pad");
    char mode[16] = "NOTSET";
    if (automatic && automatic->has_s && automatic->s.len < sizeof mode) {
        memset(mode, 0, sizeof mode);
        memcpy(mode, automatic->s.data, automatic->s.len);
    }
    for (size_t i = 0; pads && n == 4 && i < 4; i++)
        g->pad[i] = pads[i];
    if (pads && n != 4)
        return BUILD_FAIL(b, QUELL_E_UNSUPPORTED, "%s: pads has %zu numbers; supported: two-dimensional convolution", b->label, n);
    if (strncmp(mode, "SAME_", 5) == 0)
        for (int i = 0; i < 2; i++) { /* rows, columns */
            int64_t size = i ? x->w : x->h, out = (size + g->stride - 1) / g->stride, total = (out - 1) * g->stride + g->kernel - size;
            total = total < 0 ? 0 : total;
            g->pad[i] = strcmp(mode, "SAME_LOWER") == 0 ? total - total / 2 : total / 2;
            g->pad[i + 2] = total - g->pad[i];
        }
    else if (strcmp(mode, "VALID") == 0)
        memset(g->pad, 0, sizeof g->pad);
    return QUELL_OK;
}

static quell_status read_geometry(const struct builder *b, const struct value *x, const struct value *w, struct geometry *g)
{
    memset(g, 0, sizeof *g);
    if (w->tensor->n_dims != 4 || w->tensor->dims[2] != w->tensor->dims[3] || (w->tensor->dims[2] != 1 && w->tensor->dims[2] != 3))
        return BUILD_FAIL(b, QUELL_E_UNSUPPORTED, "%s: the kernel is not 1x1 or 3x3; supported: Conv 1x1, 3x3, depthwise 3x3", b->label);
    size_t n;
    const int64_t *strides = onnx_attr_ints(b->node, "strides", &n);
    int64_t sy = n == 2 ? strides[0] : 1, sx = n == 2 ? strides[1] : 1;
    if ((n != 0 && n != 2) || sy != sx || (sy != 1 && sy != 2))
        return BUILD_FAIL(b, QUELL_E_UNSUPPORTED, "%s: its strides; supported: 1, 1 and 2, 2", b->label);
    const int64_t *dilations = onnx_attr_ints(b->node, "dilations", &n);
    for (size_t i = 0; i < n; i++)
        if (dilations[i] != 1)
            return BUILD_FAIL(b, QUELL_E_UNSUPPORTED, "%s: its dilations; supported: 1", b->label);
    int64_t group = onnx_attr_int(b->node, "group", 1), outputs = w->tensor->dims[0];
    g->kernel = (uint32_t)w->tensor->dims[2];
    g->stride = (uint32_t)sy;
    g->depthwise = group != 1;
    if (outputs < 1 || outputs > 4095 * 8)
        return BUILD_FAIL(b, QUELL_E_TOO_LARGE, "%s: %lld output channels; supported: up to %d", b->label, (long long)outputs, 4095 * 8);
    g->outputs = (uint32_t)outputs;
    if (g->depthwise && (group != x->c || outputs != x->c || w->tensor->dims[1] != 1 || g->kernel != 3))
        return BUILD_FAIL(b, QUELL_E_UNSUPPORTED, "%s: group %lld; supported: 1, or depthwise 3x3 (as many groups as input and output channels, %u here)", b->label, (long long)group, x->c);
    if (!g->depthwise && w->tensor->dims[1] != x->c)
        return BUILD_FAIL(b, QUELL_E_MODEL, "%s: weights for %lld input channels, but the input has %u", b->label, (long long)w->tensor->dims[1], x->c);
    return read_pads(b, x, g);
}

/* Output size along one axis; the last window may reach one row beyond the image. */
static quell_status output_size(const struct builder *b, uint32_t size, const struct geometry *g, int axis, uint32_t *out)
{
    int64_t before = g->pad[axis], after = g->pad[axis + 2], k = g->kernel;
    if (before < 0 || before > (k == 3) || after < 0 || after > 2 || (k == 1 && after))
        return BUILD_FAIL(b, QUELL_E_UNSUPPORTED, "%s: pads %lld, %lld, %lld, %lld; supported: 0 for 1x1; 0 or 1 for 3x3", b->label, (long long)g->pad[0], (long long)g->pad[1], (long long)g->pad[2],
                          (long long)g->pad[3]);
    int64_t room = (int64_t)size + before + after - k;
    int64_t n = room < 0 ? 0 : room / g->stride + 1;
    if (n < 1)
        return BUILD_FAIL(b, QUELL_E_UNSUPPORTED, "%s: an image of %u is smaller than the kernel", b->label, size);
    if ((n - 1) * g->stride - before + k > (int64_t)size + 1)
        return BUILD_FAIL(b, QUELL_E_UNSUPPORTED, "%s: the last window lies more than one row or column outside the image; supported: 0 or 1 for 3x3", b->label);
    *out = (uint32_t)n;
    return QUELL_OK;
}

/* ONNX's O, I, H, W to O, H*W, I padded to eights (depthwise: O, H*W). */
static void order_conv_weights(struct quell_model_layer *l, const double *w, uint32_t inputs)
{
    for (uint32_t o = 0; o < l->real_channels; o++)
        for (uint32_t i = 0; i < inputs; i++)
            for (uint32_t t = 0; t < l->taps; t++)
                l->weights[((size_t)o * l->taps + t) * l->in_channels + i] = (int8_t)w[((size_t)o * inputs + i) * l->taps + t];
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

static quell_status op_conv(struct builder *b)
{
    const struct value *x, *w, *bias = NULL;
    struct geometry g;
    uint32_t out_h, out_w;
    int layer;
    TRY(build_input(b, 0, KINDS(REAL), "quantised (behind QuantizeLinear and DequantizeLinear)", &x));
    TRY(build_input(b, 1, KINDS(WEIGHT), "an int8 constant behind DequantizeLinear", &w));
    if (build_has_input(b, 2))
        TRY(build_input(b, 2, KINDS(WEIGHT) | KINDS(CONST), "a constant", &bias));
    if (x->flat)
        return BUILD_FAIL(b, QUELL_E_UNSUPPORTED, "%s: its input is flattened", b->label);
    TRY(read_geometry(b, x, w, &g));
    TRY(output_size(b, x->h, &g, 0, &out_h));
    TRY(output_size(b, x->w, &g, 1, &out_w));
    TRY(build_new_layer(b, x, &layer));
    struct quell_model_layer *l = layer_of(b, layer);
    l->table.mode = g.kernel == 1 ? 1 : g.depthwise ? 2 : 0;
    l->table.stride2 = g.stride == 2;
    l->table.pad_top = (int32_t)g.pad[0];
    l->table.pad_left = (int32_t)g.pad[1];
    l->table.in_h = (int32_t)x->h;
    l->table.in_w = (int32_t)x->w;
    l->table.out_h = (int32_t)out_h;
    l->table.out_w = (int32_t)out_w;
    l->taps = g.kernel * g.kernel;
    l->in_channels = g.depthwise ? 1 : (x->c + 7) / 8 * 8;
    TRY(allocate_weights(b, l, g.outputs));
    size_t count;
    double *values;
    TRY(read_weights(b, w, &count, &values));
    if (count == (size_t)g.outputs * l->taps * (g.depthwise ? 1 : x->c))
        order_conv_weights(l, values, g.depthwise ? 1 : x->c);
    free(values);
    TRY(read_scales(b, w, g.outputs, 0, &b->drafts[layer].w_scale));
    if (bias)
        TRY(take_bias(b, layer, bias));
    return float_output(b, layer, STAGE_V, out_h, out_w, g.outputs, 0);
}

/* ---- fully connected ---- */

/* Weight of output o, flattened input k (C, H, W order) -> 1 x 1 x (H*W*C8) order of the activation memory. */
static void order_dense_weights(struct quell_model_layer *l, const struct value *x, const double *w, int transposed)
{
    uint32_t inputs = x->h * x->w * x->c, c8 = (x->c + 7) / 8 * 8, pixels = x->h * x->w;
    for (uint32_t o = 0; o < l->real_channels; o++)
        for (uint32_t k = 0; k < inputs; k++) {
            uint32_t c = k / pixels, pixel = k % pixels;
            l->weights[(size_t)o * l->in_channels + pixel * c8 + c] = (int8_t)w[transposed ? (size_t)o * inputs + k : (size_t)k * l->real_channels + o];
        }
}

static quell_status dense(struct builder *b, int transposed, const struct value *bias)
{
    const struct value *x, *w;
    int layer;
    TRY(build_input(b, 0, KINDS(REAL), "quantised (behind QuantizeLinear and DequantizeLinear)", &x));
    TRY(build_input(b, 1, KINDS(WEIGHT), "an int8 constant behind DequantizeLinear", &w));
    if (!x->flat)
        return BUILD_FAIL(b, QUELL_E_UNSUPPORTED, "%s: its input has four dimensions; supported: behind Flatten or Reshape to two", b->label);
    const int64_t *dims = w->tensor->dims;
    uint64_t inputs = (uint64_t)x->h * x->w * x->c;
    if (w->tensor->n_dims != 2 || (uint64_t)dims[transposed ? 1 : 0] != inputs)
        return BUILD_FAIL(b, QUELL_E_MODEL, "%s: the weights' shape does not fit %llu inputs", b->label, (unsigned long long)inputs);
    int64_t outputs = dims[transposed ? 0 : 1];
    if (outputs < 1 || outputs > 4095 * 8)
        return BUILD_FAIL(b, QUELL_E_TOO_LARGE, "%s: %lld outputs; supported: up to %d", b->label, (long long)outputs, 4095 * 8);
    TRY(build_new_layer(b, x, &layer));
    struct quell_model_layer *l = layer_of(b, layer);
    b->drafts[layer].fully_connected = 1;
    l->table.mode = 1;
    l->table.in_h = l->table.in_w = l->table.out_h = l->table.out_w = 1;
    l->taps = 1;
    l->in_channels = x->h * x->w * ((x->c + 7) / 8 * 8);
    TRY(allocate_weights(b, l, (uint32_t)outputs));
    size_t count;
    double *values;
    TRY(read_weights(b, w, &count, &values));
    order_dense_weights(l, x, values, transposed);
    free(values);
    TRY(read_scales(b, w, (uint32_t)outputs, transposed ? 0 : 1, &b->drafts[layer].w_scale));
    if (bias)
        TRY(take_bias(b, layer, bias));
    return float_output(b, layer, STAGE_V, 1, 1, (uint32_t)outputs, 1);
}

static quell_status op_gemm(struct builder *b)
{
    const struct value *bias = NULL;
    if (onnx_attr_float(b->node, "alpha", 1) != 1 || onnx_attr_float(b->node, "beta", 1) != 1 || onnx_attr_int(b->node, "transA", 0) != 0)
        return BUILD_FAIL(b, QUELL_E_UNSUPPORTED, "%s: alpha, beta or transA; supported: alpha = beta = 1, transA = 0", b->label);
    if (build_has_input(b, 2))
        TRY(build_input(b, 2, KINDS(WEIGHT) | KINDS(CONST), "a constant", &bias));
    return dense(b, onnx_attr_int(b->node, "transB", 0) != 0, bias);
}

static quell_status op_matmul(struct builder *b) { return dense(b, 0, NULL); }

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
    return float_output(b, x->layer, STAGE_DENOISED, x->h, x->w, x->c, x->flat);
}

/* Conv or MatMul without bias, then Add of a constant. */
static quell_status add_bias(struct builder *b, const struct value *x, const struct value *bias)
{
    if (x->kind != VALUE_FLOAT || x->stage != STAGE_V || b->drafts[x->layer].low > -INFINITY || b->drafts[x->layer].high < INFINITY)
        return BUILD_FAIL(b, QUELL_E_UNSUPPORTED, "%s: adds a constant; supported: directly behind Conv or MatMul, as its bias", b->label);
    TRY(take_bias(b, x->layer, bias));
    return float_output(b, x->layer, STAGE_V, x->h, x->w, x->c, x->flat);
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
    struct quell_model_layer *l = layer_of(b, layer);
    l->table.residual = 1;
    l->table.z_res = y->zero;
    l->residual_layer = y->layer;
    strncpy(l->info.residual, y->codes, sizeof l->info.residual - 1);
    b->drafts[layer].s_res = y->scale;
    return float_output(b, layer, STAGE_POST, x->h, x->w, x->c, x->flat);
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
    return float_output(b, layer, stage, x->h, x->w, x->c, x->flat);
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
    struct quell_layer *t = &layer_of(b, layer)->table;
    t->pool_kind = kind;
    t->pool_kh = (int32_t)kh;
    t->pool_kw = (int32_t)kw;
    return float_output(b, layer, STAGE_POOLED, x->h / kh, x->w / kw, x->c, flat);
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
    {"", "Conv", op_conv}, {"", "Gemm", op_gemm}, {"", "MatMul", op_matmul},
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
