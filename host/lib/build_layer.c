/* SPDX-License-Identifier: Apache-2.0 */
/* Scales into integers: the constants of a layer's channels, post-processing, pooling; identity layers. */
#include "build.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "scale.h"

int layer_rescale(double value, double given, double wanted, double limit, int32_t *result)
{
    if (fabs(given / wanted - 1) > 1e-5)
        value = nearbyint(value * given / wanted);
    if (!(fabs(value) <= limit))
        return 0;
    *result = (int32_t)value;
    return 1;
}

static quell_status set_channel(struct builder *b, int layer, uint32_t c, float scale)
{
    struct quell_model_layer *l = &b->model->layers[layer];
    const struct draft *d = &b->drafts[layer];
    struct quell_channel *k = &l->constants[c];
    float unit = d->s_in * d->w_scale[c]; /* of the accumulator */
    float multiplier = unit / scale;      /* in this order in float32: onnxruntime's */
    if (!quell_scale24(multiplier, &k->m, &k->s))
        return BUILD_FAIL(b, QUELL_E_UNSUPPORTED, "layer '%s': the multiplier of channel %u is %g; supported: below 1024", l->info.name, c, multiplier);
    double given = d->bias_scale ? d->bias_scale[c] : 1;
    if (d->bias && !(d->bias[c] == 0 || layer_rescale(d->bias[c], given, unit, INT32_MAX, &k->bias)))
        return BUILD_FAIL(b, QUELL_E_TOO_LARGE, "layer '%s': the bias of channel %u (%g steps of %g) could overflow the 32-bit accumulator", l->info.name, c, d->bias[c] * given / unit, unit);
    return QUELL_OK;
}

static void set_input_channels(struct quell_layer *t, const struct quell_layer_info *info, const struct draft *d)
{
    uint32_t words = (info->in_c + 7) / 8;
    t->in_c8 = (int32_t)(d->fully_connected ? words * info->in_h * info->in_w : words);
    if (d->fully_connected && t->wait_prev && info->in_h > 1) /* the array sees one row */
        t->wait_prev = 2;
    t->in_last = d->fully_connected && info->in_h * info->in_w > 1 ? 7 : (int32_t)((info->in_c - 1) % 8);
}

quell_status layer_set_v(struct builder *b, int layer, float scale, int zero)
{
    struct quell_model_layer *l = &b->model->layers[layer];
    struct draft *d = &b->drafts[layer];
    struct quell_layer *t = &l->table;
    d->s_v = scale;
    set_input_channels(t, &l->info, d);
    t->out_c8 = t->out_pitch = (int32_t)(l->channels / 8);
    t->z_v = t->z_y = t->z_pool = zero;
    t->post_a = t->pool_m = 1 << 23;
    t->post_shift = t->pool_shift = 23;
    t->pool_kh = t->pool_kw = t->pool_sy = t->pool_sx = 1;
    t->pooled_h = t->out_h;
    t->pooled_w = t->out_w;
    t->dn_s1 = t->dn_s2 = t->dn_sd = t->dn_su = t->dn_sv = 16;
    t->lo = -128;
    t->hi = 127;
    l->constants = calloc(l->channels, sizeof *l->constants);
    if (!l->constants)
        return BUILD_FAIL(b, QUELL_E_MEMORY, "out of memory");
    for (uint32_t c = 0; c < l->channels; c++)
        l->constants[c] = (struct quell_channel){.s = 1, .gain = 1 << 16, .a = 1 << 14};
    for (uint32_t c = 0; c < l->real_channels; c++)
        TRY(set_channel(b, layer, c, scale));
    struct quell_layer_info *info = &l->info;
    /* No multiplications counted and no conversions: the mark of an identity layer, which no chip's noise touches. */
    info->macs = d->identity ? 0 : (uint64_t)t->out_h * (uint64_t)t->out_w * l->real_channels * d->products;
    info->conversions = d->identity ? 0 : (uint32_t)t->out_h * (uint32_t)t->out_w * l->real_channels;
    /* What it writes if nothing follows; refined by whoever quantises next. */
    info->out_scale = scale;
    info->out_zero = zero;
    info->out_h = (uint32_t)t->out_h;
    info->out_w = (uint32_t)t->out_w;
    info->out_c = l->real_channels;
    return QUELL_OK;
}

quell_status layer_set_post(struct builder *b, int layer, float scale, int zero)
{
    struct quell_model_layer *l = &b->model->layers[layer];
    struct quell_layer *t = &l->table;
    const struct draft *d = &b->drafts[layer];
    float own = d->s_v / scale, other = t->residual ? d->s_res / scale : 0;
    int32_t larger, shift;
    if (!quell_scale(fmaxf(own, other), 24, 31, &larger, &shift) || larger < 1 << 16)
        return BUILD_FAIL(b, QUELL_E_UNSUPPORTED, "layer '%s': its scales differ by a factor of %g (added: %g) behind the convolution; supported: 2^-15 to 2^23", l->info.name, own, other);
    t->post_a = (int32_t)nearbyint(ldexp(own, shift));
    t->post_b = (int32_t)nearbyint(ldexp(other, shift));
    t->post_shift = shift;
    t->z_y = t->z_pool = zero;
    t->lo = d->low > -INFINITY ? quell_code_of(d->low, scale, zero) : -128;
    t->hi = d->high < INFINITY ? quell_code_of(d->high, scale, zero) : 127;
    return QUELL_OK;
}

quell_status layer_set_pool(struct builder *b, int layer, float scale, int zero)
{
    struct quell_model_layer *l = &b->model->layers[layer];
    struct quell_layer *t = &l->table;
    double ratio = (double)l->info.out_scale / scale;
    if (t->pool_kind == 1)
        ratio /= (double)t->pool_kh * t->pool_kw;
    if (!quell_scale(ratio, 24, 63, &t->pool_m, &t->pool_shift))
        return BUILD_FAIL(b, QUELL_E_UNSUPPORTED, "layer '%s': pooling changes the scale by a factor of %g; supported: below 2^23", l->info.name, ratio);
    t->z_pool = zero;
    return QUELL_OK;
}

/* ---- identity layers ---- */

quell_status layer_identity(struct builder *b, const struct value *x, int *layer)
{
    TRY(build_new_layer(b, x, layer));
    struct quell_model_layer *l = build_layer(b, *layer);
    struct draft *d = &b->drafts[*layer];
    d->identity = 1;
    l->table.mode = 2;
    l->table.pad_top = l->table.pad_left = 1;
    l->info.kernel_h = l->info.kernel_w = 3;
    l->info.dilation_y = l->info.dilation_x = 1;
    l->info.groups = x->c;
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
    return QUELL_OK;
}

quell_status layer_open_stage(struct builder *b, const struct value *x, enum stage last, int *layer)
{
    if (x->layer >= 0 && x->sole && b->drafts[x->layer].stage <= last) {
        *layer = x->layer;
        return QUELL_OK;
    }
    TRY(layer_identity(b, x, layer));
    TRY(layer_set_v(b, *layer, x->scale, x->zero));
    b->drafts[*layer].stage = STAGE_V;
    return QUELL_OK;
}
