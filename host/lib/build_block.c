/* SPDX-License-Identifier: Apache-2.0 */
/* Denoising blocks: the inputs of quell.Denoise* into a layer's block. */
#include "build.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "scale.h"

/* Reads a block's inputs one after the other; the first error stays. */
struct cursor {
    struct builder *b;
    size_t index;
    uint32_t parameters;
    quell_status status;
};

/* Next input as a scale: positive and finite. */
static double next_scale(struct cursor *c)
{
    double value = 1;
    if (c->status == QUELL_OK)
        c->status = build_scalar(c->b, c->index++, "scale", &value, NULL);
    if (c->status == QUELL_OK && (!(value > 0) || !isfinite(value)))
        c->status = quell_fail(c->b->err, QUELL_E_MODEL, "%s: the scale '%s' is %g; it must be a positive number", c->b->label, graph_in(c->b->node, c->index - 1)->name, value);
    return value;
}

/* Next input as integers of one of two shapes' sizes, within +-limit; malloc'd, NULL on failure. */
static double *next_tensor(struct cursor *c, size_t expected, size_t or_else, double limit, size_t *count)
{
    const struct value *v;
    if (c->status == QUELL_OK)
        c->status = build_input(c->b, c->index++, KINDS(CONST), "a constant", &v);
    if (c->status != QUELL_OK)
        return NULL;
    *count = graph_elements(v->tensor);
    double *values = calloc(*count + 1, sizeof *values);
    if (!values) {
        c->status = quell_fail(c->b->err, QUELL_E_MEMORY, "out of memory");
        return NULL;
    }
    for (size_t i = 0; i < *count; i++)
        values[i] = graph_get(v->tensor, i);
    const char *name = graph_in(c->b->node, c->index - 1)->name;
    if (*count != expected && *count != or_else)
        c->status = quell_fail(c->b->err, QUELL_E_MODEL, "%s: '%s' has %zu elements instead of %zu", c->b->label, name, *count, expected);
    for (size_t i = 0; c->status == QUELL_OK && i < *count; i++)
        if (!(fabs(values[i]) <= limit) || values[i] != nearbyint(values[i]))
            c->status = quell_fail(c->b->err, QUELL_E_MODEL, "%s: '%s' holds %g; supported: integers up to %g", c->b->label, name, values[i], limit);
    if (c->status == QUELL_OK) {
        c->parameters += (uint32_t)*count;
        return values;
    }
    free(values);
    return NULL;
}

/* Next input: int8 weights of `outer` rows x `inner`, stored with `stride` bytes a row. */
static void next_weights(struct cursor *c, size_t outer, size_t inner, int8_t *target, size_t stride)
{
    size_t count;
    double *values = next_tensor(c, outer * inner, outer * inner, 128, &count);
    for (size_t i = 0; values && i < outer * inner; i++)
        target[i / inner * stride + i % inner] = (int8_t)fmin(values[i], 127);
    free(values);
}

/* Next input: a depthwise kernel, 3x3 or 1x1 a channel; stored as 3x3, a 1x1 in its middle. -> its elements a channel. */
static uint32_t next_depthwise(struct cursor *c, uint32_t channels, int8_t *target)
{
    size_t count = 0;
    double *values = next_tensor(c, (size_t)channels * 9, channels, 128, &count);
    uint32_t each = (uint32_t)(count / channels);
    for (size_t i = 0; values && i < count; i++)
        target[each == 9 ? i : 9 * i + 4] = (int8_t)fmin(values[i], 127);
    free(values);
    return each;
}

/* Next two inputs: int32 bias and its scale; stored in steps of `unit` (0: as given). -> the scale it is stored at. */
static double next_bias(struct cursor *c, uint32_t n, int broadcast, double limit, double unit, int32_t *target)
{
    size_t count = 0;
    double *values = next_tensor(c, n, broadcast ? 1 : n, INT32_MAX, &count);
    const char *name = values ? graph_in(c->b->node, c->index - 1)->name : "";
    double scale = next_scale(c);
    for (uint32_t i = 0; values && c->status == QUELL_OK && i < n; i++)
        if (!layer_rescale(values[count == 1 ? 0 : i], scale, unit > 0 ? unit : scale, limit, &target[i]))
            c->status = quell_fail(c->b->err, QUELL_E_TOO_LARGE, "%s: '%s' could overflow an accumulator", c->b->label, name);
    free(values);
    return unit > 0 ? unit : scale;
}

static void set_multiplier(struct cursor *c, const char *what, double value, int32_t *m, int32_t *s)
{
    if (c->status == QUELL_OK && !quell_scale(value, 17, 63, m, s))
        c->status = quell_fail(c->b->err, QUELL_E_UNSUPPORTED, "%s: its multiplier %s is %g; supported: below 2^16", c->b->label, what, value);
}

static quell_status allocate_block(struct builder *b, struct quell_model_layer *l, uint32_t m)
{
    struct quell_block *k = l->block = calloc(1, sizeof *k);
    if (!k)
        return BUILD_FAIL(b, QUELL_E_MEMORY, "out of memory");
    size_t n = m ? m : 1;
    k->m = m;
    k->channels = l->channels;
    k->d = calloc((size_t)k->channels, 9);
    k->w1 = calloc(n, k->channels);
    k->b1 = calloc(n, sizeof *k->b1);
    k->w2 = calloc(n * n, 9);
    k->b2 = calloc(n, sizeof *k->b2);
    k->wu = calloc(k->channels, n);
    k->wv = calloc(k->channels, n);
    k->cv = calloc(k->channels, sizeof *k->cv);
    if (!k->d || !k->w1 || !k->b1 || !k->w2 || !k->b2 || !k->wu || !k->wv || !k->cv)
        return BUILD_FAIL(b, QUELL_E_MEMORY, "out of memory");
    return QUELL_OK;
}

/* m from w1's first dimension. */
static quell_status read_width(const struct builder *b, size_t index, uint32_t *m)
{
    const struct value *w1;
    TRY(build_input(b, index, KINDS(CONST), "a constant", &w1));
    int64_t width = w1->tensor->rank ? w1->tensor->dims[0] : 0;
    if (width < 1 || width > 15)
        return BUILD_FAIL(b, QUELL_E_TOO_LARGE, "%s: a bottleneck of %lld channels; supported: 1 to %u", b->label, (long long)width, b->model->limits.bottleneck_max);
    *m = (uint32_t)width;
    return QUELL_OK;
}

static void read_bottleneck(struct cursor *c, struct quell_block *k, uint32_t real, double s_x, struct quell_layer *t)
{
    double w1 = (next_weights(c, k->m, real, k->w1, k->channels), next_scale(c));
    /* b1 and b2 come before the scale of the activation they lead to. */
    next_bias(c, k->m, 0, INT32_MAX, (float)s_x * (float)w1, k->b1);
    double act1 = next_scale(c);
    double w2 = (next_weights(c, k->m, (size_t)k->m * 9, k->w2, (size_t)k->m * 9), next_scale(c));
    next_bias(c, k->m, 0, INT32_MAX, (float)act1 * (float)w2, k->b2);
    double act2 = next_scale(c);
    double wu = (next_weights(c, real, k->m, k->wu, k->m), next_scale(c));
    double wv = (next_weights(c, real, k->m, k->wv, k->m), next_scale(c));
    next_bias(c, real, 1, (1 << 23) - 1, (float)act2 * (float)wv, k->cv);
    set_multiplier(c, "M1", s_x * w1 / act1, &t->dn_m1, &t->dn_s1);
    set_multiplier(c, "M2", act1 * w2 / act2, &t->dn_m2, &t->dn_s2);
    set_multiplier(c, "MU", act2 * wu / s_x * 4096, &t->dn_mu, &t->dn_su);
    set_multiplier(c, "MV", act2 * wv / s_x * 256, &t->dn_mv, &t->dn_sv);
}

static quell_status set_block(struct builder *b, int layer, const struct value *x)
{
    struct quell_model_layer *l = &b->model->layers[layer];
    struct quell_layer *t = &l->table;
    const char *kind = b->node->op;
    int bottleneck = strcmp(kind, "DenoiseDepthwise") != 0, depthwise = strcmp(kind, "DenoiseBottleneck") != 0;
    uint32_t real = l->real_channels, m = 0;
    if (graph_attr_int(b->node, "group", real) != real)
        return BUILD_FAIL(b, QUELL_E_MODEL, "%s: its group is not the number of channels, %u", b->label, real);
    if (bottleneck)
        TRY(read_width(b, depthwise ? 3 : 1, &m));
    TRY(allocate_block(b, l, m));
    struct quell_block *k = l->block;
    struct cursor c = {.b = b, .index = 1, .status = QUELL_OK};
    double s_x = x->scale;
    uint32_t each = 0;
    if (depthwise) {
        each = next_depthwise(&c, real, k->d);
        double d = next_scale(&c);
        set_multiplier(&c, "MD", d * 4096, &t->dn_md, &t->dn_sd);
    }
    if (bottleneck)
        read_bottleneck(&c, k, real, s_x, t);
    else
        set_multiplier(&c, "MV", next_bias(&c, real, 1, (1 << 23) - 1, 0, k->cv) / s_x * 256, &t->dn_mv, &t->dn_sv);
    if (c.status != QUELL_OK)
        return c.status;
    l->dn_depthwise = depthwise;
    l->dn_bottleneck = bottleneck;
    t->dn_width = (int32_t)m;
    k->parameters = c.parameters;
    k->macs = (uint64_t)x->h * x->w * (each * real + 3u * real * m + 9u * m * m);
    l->info.has_denoiser = 1;
    l->info.denoiser_macs = k->macs;
    return QUELL_OK;
}

quell_status build_denoise(struct builder *b)
{
    const struct value *x;
    int declared = 0;
    for (const char **f = b->graph->functions; f && *f; f++)
        declared |= strcmp(*f, b->node->op) == 0;
    if (!declared)
        return BUILD_FAIL(b, QUELL_E_MODEL, "%s: the file does not hold the local function '%s'", b->label, b->node->op);
    TRY(build_input(b, 0, KINDS(REAL), "a convolution's quantised output", &x));
    if (x->layer < 0 || !x->sole || b->drafts[x->layer].stage != STAGE_V || b->drafts[x->layer].identity)
        return BUILD_FAIL(b, QUELL_E_UNSUPPORTED, "%s: a denoising block must follow a convolution's QuantizeLinear and DequantizeLinear directly, as their only reader", b->label);
    TRY(set_block(b, x->layer, x));
    b->drafts[x->layer].stage = STAGE_DENOISED;
    return build_float_output(b, x->layer, STAGE_DENOISED, x->h, x->w, x->c, x->flat);
}
