/* SPDX-License-Identifier: Apache-2.0 */
/* QuantizeLinear and DequantizeLinear: a layer's float result becomes codes, codes and constants become real values. Tables: codes become other codes. */
#include "build.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "input.h"
#include "passes/tools.h"

quell_status build_quantisation(const struct builder *b, float *scale, int *zero)
{
    double value;
    enum graph_type type = GRAPH_UINT8;
    TRY(build_scalar(b, 1, "scale", &value, NULL));
    *scale = (float)value;
    if (!isnormal(*scale) || *scale < 0)
        return BUILD_FAIL(b, QUELL_E_MODEL, "%s: the scale '%s' is %g; it must be a positive number", b->label, graph_in(b->node, 1)->name, value);
    value = 0;
    if (graph_in(b->node, 2))
        TRY(build_scalar(b, 2, "zero point", &value, &type));
    if (type != GRAPH_INT8 && type != GRAPH_UINT8)
        return BUILD_FAIL(b, QUELL_E_UNSUPPORTED, "%s: codes of type %s; supported: int8, uint8; quantise activations to 8 bits", b->label, graph_type_name(type));
    *zero = (int)value - (type == GRAPH_UINT8 ? 128 : 0);
    return QUELL_OK;
}

static quell_status quantise_image(struct builder *b, float scale, int zero)
{
    struct quell_model_input *in = &b->model->input;
    *in = b->graph->meaning.input;
    in->scale = scale;
    in->zero = zero;
    in->code_type = graph_in(b->node, 2) ? graph_in(b->node, 2)->type : GRAPH_UINT8;
    return input_fill(b->model, b->err);
}

/* Codes of one scale become codes of another, behind the layer that made them or in one of their own. */
static quell_status requantise(struct builder *b, const struct value *x, float scale, int zero, int *layer)
{
    if (x->layer >= 0 && x->sole && b->drafts[x->layer].stage <= STAGE_DENOISED) {
        *layer = x->layer;
        TRY(layer_set_post(b, *layer, scale, zero));
        b->drafts[*layer].stage = STAGE_POST;
        return QUELL_OK;
    }
    TRY(layer_identity(b, x, layer));
    TRY(layer_set_v(b, *layer, scale, zero));
    b->drafts[*layer].stage = STAGE_V;
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
        if (d->low > -INFINITY || d->high < INFINITY) { /* nothing clips between the convolution and its ReLU: the converter sees both sides of zero */
            build_layer(b, x->layer)->table.adc_wide = 1;
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

void build_describe_output(struct builder *b, const struct value *v)
{
    struct quell_layer_info *info = &build_layer(b, v->layer)->info;
    strncpy(info->output, v->codes, sizeof info->output - 1);
    info->out_scale = v->scale;
    info->out_zero = v->zero;
    info->out_h = v->h;
    info->out_w = v->w;
    info->out_c = v->c;
}

quell_status build_quantise(struct builder *b)
{
    const struct value *x;
    float scale;
    int zero;
    TRY(build_input(b, 0, KINDS(IMAGE) | KINDS(REAL) | KINDS(FLOAT), "the image or a layer's result", &x));
    struct value v = *x;
    TRY(build_quantisation(b, &scale, &zero));
    v.codes = graph_out(b->node)->name;
    if (x->kind == VALUE_IMAGE) {
        TRY(quantise_image(b, scale, zero));
    } else if (x->kind == VALUE_FLOAT) {
        TRY(quantise_layer(b, x, scale, zero));
    } else if (x->scale == scale && x->zero == zero) {
        v.codes = x->codes; /* quantised again as it was: nothing to do */
    } else {
        TRY(requantise(b, x, scale, zero, &v.layer));
    }
    v.kind = VALUE_CODES;
    v.scale = scale;
    v.zero = zero;
    v.sole = build_uses(b) == 1 && (x->kind != VALUE_REAL || v.codes != x->codes || x->sole);
    if (v.layer >= 0 && v.codes == graph_out(b->node)->name)
        build_describe_output(b, &v);
    return build_output(b, &v);
}

quell_status build_dequantise(struct builder *b)
{
    const struct value *x;
    TRY(build_input(b, 0, KINDS(CODES) | KINDS(CONST), "quantised codes or a constant", &x));
    struct value v = *x;
    if (x->kind == VALUE_CONST) {
        const struct value *scales, *zeros;
        TRY(build_input(b, 1, KINDS(CONST), "a constant", &scales));
        v.scales = scales->tensor;
        if (graph_in(b->node, 2)) {
            TRY(build_input(b, 2, KINDS(CONST), "a constant", &zeros));
            v.zeros = zeros->tensor;
        }
        v.axis = graph_attr_int(b->node, "axis", 1);
        v.kind = VALUE_WEIGHT;
        return build_output(b, &v);
    }
    float scale;
    int zero;
    TRY(build_quantisation(b, &scale, &zero));
    v.kind = VALUE_REAL;
    v.sole = x->sole && build_uses(b) == 1 && scale == x->scale && zero == x->zero;
    v.scale = scale; /* the same codes may stand for other numbers than they were made of */
    v.zero = zero;
    return build_output(b, &v);
}

quell_status build_table(struct builder *b)
{
    const struct value *x;
    float scale;
    int zero;
    const int8_t *codes = pass_table_codes(b->node);
    if (!codes)
        return BUILD_FAIL(b, QUELL_E_MODEL, "%s: it must read codes, a scale, a zero point and 256 codes of int8", b->label);
    TRY(build_input(b, 0, KINDS(CODES), "quantised codes", &x));
    TRY(build_quantisation(b, &scale, &zero));
    struct value v = *x;
    TRY(layer_open_stage(b, x, STAGE_POST, &v.layer));
    struct quell_model_layer *l = build_layer(b, v.layer);
    l->act_table = malloc(QUELL_TABLE_CODES);
    if (!l->act_table)
        return BUILD_FAIL(b, QUELL_E_MEMORY, "out of memory");
    memcpy(l->act_table, codes, QUELL_TABLE_CODES);
    l->table.table_on = 1;
    l->table.z_table = l->table.z_pool = zero;
    b->drafts[v.layer].stage = STAGE_TABLE;
    v.scale = scale;
    v.zero = zero;
    v.codes = graph_out(b->node)->name;
    v.sole = build_uses(b) == 1;
    build_describe_output(b, &v);
    return build_output(b, &v);
}
