/* SPDX-License-Identifier: Apache-2.0 */
/* Rearrange layers for the vector kernels; size a thread's buffers. Layouts: ref.h. */
#include "ref.h"

#include <stdlib.h>
#include <string.h>

/* One allocation cut into pieces: first pass with memory NULL counts, second hands out. Pieces begin on cache lines and have room for
 * one vector beyond their end, which kernels may read. */
struct arena {
    uint8_t *memory;
    size_t used;
};

static void *take(struct arena *arena, size_t count, size_t size)
{
    void *piece = arena->memory ? arena->memory + arena->used : NULL;
    arena->used += (count * size + 64 + 63) / 64 * 64;
    return piece;
}

#define TAKE(arena, pointer, count) ((pointer) = take((arena), (count), sizeof *(pointer)))

static int arena_fix(struct arena *arena)
{
    arena->memory = aligned_alloc(64, arena->used);
    if (!arena->memory)
        return 0;
    memset(arena->memory, 0, arena->used);
    arena->used = 0;
    return 1;
}

/* |x*m| < 2^55: a shift of more than 57 leaves 0 in every rounding. S = 0 does not occur with M other than 0. */
static struct qr_scale scale(uint32_t m, uint32_t s)
{
    if (s == 0 || s > 57)
        return (struct qr_scale){0, 1, 1};
    return (struct qr_scale){m, INT64_C(1) << (s - 1), s};
}

/* weight(context, output, tap, input) */
typedef int8_t (*weight_of)(const void *context, uint32_t output, uint32_t tap, uint32_t input);

static uint32_t used_pairs(const void *context, weight_of weight, uint32_t outputs, uint32_t taps, uint32_t inputs)
{
    for (uint32_t i = inputs; i-- > 0;)
        for (uint32_t o = 0; o < outputs; o++)
            for (uint32_t t = 0; t < taps; t++)
                if (weight(context, o, t, i))
                    return i / 2 + 1;
    return 0;
}

static void shape_conv(struct qr_conv *conv, uint32_t kernel, uint32_t stride, uint32_t outputs, uint32_t inputs, uint32_t pixel, uint32_t row)
{
    *conv = (struct qr_conv){.kernel = kernel, .stride = stride, .blocks = qr_round_up(outputs, QR_LANES) / QR_LANES, .pairs = (inputs + 1) / 2, .pixel = pixel, .row = row};
}

static void take_conv(struct arena *arena, struct qr_conv *conv)
{
    TAKE(arena, conv->weights, (size_t)conv->blocks * conv->kernel * conv->kernel * conv->pairs * 2 * QR_LANES);
    TAKE(arena, conv->bias, (size_t)conv->blocks * QR_LANES);
}

static void fill_conv(struct qr_conv *conv, const void *context, weight_of weight, uint32_t outputs, uint32_t inputs)
{
    uint32_t taps = conv->kernel * conv->kernel, pairs = used_pairs(context, weight, outputs, taps, inputs);
    conv->pairs = pairs; /* never more than was taken */
    for (uint32_t o = 0; o < outputs; o++)
        for (uint32_t t = 0; t < taps; t++)
            for (uint32_t i = 0; i < inputs && i < 2 * pairs; i++)
                conv->weights[((((size_t)(o / QR_LANES) * taps + t) * pairs + i / 2) * QR_LANES + o % QR_LANES) * 2 + i % 2] = weight(context, o, t, i);
}

static void take_depthwise(struct arena *arena, struct qr_depthwise *dw)
{
    TAKE(arena, dw->weights, (size_t)9 * dw->blocks * QR_LANES * 2);
    TAKE(arena, dw->bias, (size_t)dw->blocks * QR_LANES);
}

/* weights [channel][9] */
static void fill_depthwise(struct qr_depthwise *dw, const int8_t *weights, uint32_t channels)
{
    for (uint32_t t = 0; t < 9; t++) {
        int used = 0;
        for (uint32_t c = 0; c < channels; c++) {
            dw->weights[((size_t)dw->taps * dw->blocks * QR_LANES + c) * 2] = weights[c * 9 + t];
            used |= weights[c * 9 + t];
        }
        if (used)
            dw->tap[dw->taps++] = t;
    }
}

static int8_t layer_weight(const void *context, uint32_t output, uint32_t tap, uint32_t input)
{
    const struct quell_model_layer *l = context;
    return l->weights[((size_t)output * l->taps + tap) * l->in_channels + input];
}

static int8_t w1_weight(const void *context, uint32_t output, uint32_t tap, uint32_t input)
{
    const struct quell_block *b = context;
    (void)tap;
    return b->w1[(size_t)output * b->channels + input];
}

static int8_t w2_weight(const void *context, uint32_t output, uint32_t tap, uint32_t input)
{
    const struct quell_block *b = context;
    return b->w2[((size_t)output * b->m + input) * 9 + tap];
}

static int8_t wu_weight(const void *context, uint32_t output, uint32_t tap, uint32_t input)
{
    const struct quell_block *b = context;
    (void)tap;
    return b->wu[(size_t)output * b->m + input];
}

static int8_t wv_weight(const void *context, uint32_t output, uint32_t tap, uint32_t input)
{
    const struct quell_block *b = context;
    (void)tap;
    return b->wv[(size_t)output * b->m + input];
}

/* Sizes, from the table alone. */
static void shape(struct qr_layer *p, const struct quell_model_layer *l)
{
    const struct quell_layer *t = &l->table;
    memset(p, 0, sizeof *p);
    p->source = l;
    p->t = *t;
    p->in_c = (uint32_t)t->in_c8 * 8;
    p->channels = l->channels;
    p->lanes = qr_round_up(l->channels, QR_LANES);
    p->kernel = t->mode == 1 ? 1 : 3;
    p->stride = 1 + (uint32_t)t->stride_x;
    p->plain = quell_layer_windows(t) > 1 || t->stride_y != t->stride_x;
    uint32_t h = (uint32_t)(t->out_h - 1) * p->stride + p->kernel, w = (uint32_t)(t->out_w - 1) * p->stride + p->kernel;
    uint32_t in_h = (uint32_t)(t->in_h + t->pad_top), in_w = (uint32_t)(t->in_w + t->pad_left);
    p->frame_h = h > in_h ? h : in_h;
    p->frame_w = w > in_w ? w : in_w;
    if (t->mode == 2)
        p->dw = (struct qr_depthwise){.stride = p->stride, .blocks = p->lanes / QR_LANES, .pixel = p->in_c, .row = p->frame_w * p->in_c};
    else
        shape_conv(&p->conv, p->kernel, p->stride, l->channels, l->in_channels, p->in_c, p->frame_w * p->in_c);
    p->low = qa_low(t->z_v, t->adc_wide);
    p->high = qa_high(t->z_v, t->adc_wide);
    p->depthwise = l->block && t->dn_depthwise;
    p->bottleneck = l->block && t->dn_bottleneck && l->block->m;
    p->denoise = l->block && (t->dn_depthwise || t->dn_bottleneck);
    if (!p->denoise)
        return;
    uint32_t m = l->block->m, c = l->channels, dn_w = (uint32_t)t->out_w + 2;
    p->m2 = qr_round_up(m, 2);
    p->d = (struct qr_depthwise){.stride = 1, .blocks = p->lanes / QR_LANES, .pixel = c, .row = dn_w * c};
    shape_conv(&p->w1, 1, 1, m, c, c, dn_w * c);
    shape_conv(&p->w2, 3, 1, m, m, p->m2, dn_w * p->m2);
    shape_conv(&p->wu, 1, 1, c, m, p->m2, 0);
    shape_conv(&p->wv, 1, 1, c, m, p->m2, 0);
}

static void take_layer(struct arena *arena, struct qr_layer *p)
{
    size_t row = (size_t)p->t.out_w * p->channels;
    if (p->plain)
        return;
    if (p->t.mode == 2)
        take_depthwise(arena, &p->dw);
    else
        take_conv(arena, &p->conv);
    TAKE(arena, p->m, p->channels);
    TAKE(arena, p->s, p->channels);
    TAKE(arena, p->gain, p->channels);
    TAKE(arena, p->offset, p->channels);
    TAKE(arena, p->scale, p->channels);
    TAKE(arena, p->a, p->t.correct ? row : 0);
    TAKE(arena, p->b, p->t.correct ? row : 0);
    if (p->denoise)
        take_depthwise(arena, &p->d);
    if (p->bottleneck) {
        take_conv(arena, &p->w1);
        take_conv(arena, &p->w2);
        take_conv(arena, &p->wu);
    }
    if (p->denoise)
        take_conv(arena, &p->wv);
}

static void fill_constants(struct qr_layer *p)
{
    int32_t *bias = p->t.mode == 2 ? p->dw.bias : p->conv.bias;
    for (uint32_t c = 0; c < p->channels; c++) {
        const struct quell_channel *k = &p->source->constants[c];
        struct qr_scale s = scale(k->m, k->s);
        bias[c] = k->bias;
        p->m[c] = (int32_t)s.m;
        p->s[c] = (int32_t)s.s;
        p->scale[c] = 1.0 / (double)(INT64_C(1) << s.s);
        p->gain[c] = (int32_t)k->gain;
        p->offset[c] = k->offset;
        p->uneven |= k->gain != 1 << 16 || k->offset != 0;
        for (int64_t most = quell_channel_reach(p->source, c, 255) * s.m; most >> p->product_bits; p->product_bits++)
            ;
        for (uint32_t x = 0; p->t.correct && x < (uint32_t)p->t.out_w; x++) {
            p->a[x * p->channels + c] = (int32_t)k->a;
            p->b[x * p->channels + c] = k->b * 64;
        }
    }
}

static void fill_block(struct qr_layer *p)
{
    const struct quell_block *b = p->source->block;
    p->s1 = scale((uint32_t)p->t.dn_m1, (uint32_t)p->t.dn_s1);
    p->s2 = scale((uint32_t)p->t.dn_m2, (uint32_t)p->t.dn_s2);
    p->sd = scale((uint32_t)p->t.dn_md, (uint32_t)p->t.dn_sd);
    p->su = scale((uint32_t)p->t.dn_mu, (uint32_t)p->t.dn_su);
    p->sv = scale((uint32_t)p->t.dn_mv, (uint32_t)p->t.dn_sv);
    if (p->depthwise)
        fill_depthwise(&p->d, b->d, b->channels);
    memcpy(p->wv.bias, b->cv, b->channels * sizeof *b->cv);
    if (!p->bottleneck) {
        p->wv.pairs = 0; /* Cv alone */
        return;
    }
    fill_conv(&p->w1, b, w1_weight, b->m, b->channels);
    fill_conv(&p->w2, b, w2_weight, b->m, b->m);
    fill_conv(&p->wu, b, wu_weight, b->channels, b->m);
    fill_conv(&p->wv, b, wv_weight, b->channels, b->m);
    memcpy(p->w1.bias, b->b1, b->m * sizeof *b->b1);
    memcpy(p->w2.bias, b->b2, b->m * sizeof *b->b2);
}

int qr_pack(struct qr_layer *packed, const struct quell_model_layer *layer)
{
    struct arena arena = {NULL, 0};
    shape(packed, layer);
    take_layer(&arena, packed);
    if (!arena_fix(&arena))
        return 0;
    packed->memory = arena.memory;
    if (packed->plain)
        return 1;
    take_layer(&arena, packed);
    if (layer->table.mode == 2)
        fill_depthwise(&packed->dw, layer->weights, layer->channels);
    else
        fill_conv(&packed->conv, layer, layer_weight, layer->channels, layer->in_channels);
    fill_constants(packed);
    if (packed->denoise)
        fill_block(packed);
    return 1;
}

void qr_unpack(struct qr_layer *packed)
{
    free(packed->memory);
    packed->memory = NULL;
}

static void more(size_t *most, size_t n)
{
    if (n > *most)
        *most = n;
}

int qr_scratch_make(struct qr_scratch *s, const struct qr_layer *layers, uint32_t count)
{
    size_t frame = 0, dn_frame = 0, b1 = 0, b2 = 0, row = 0, acc = 0, codes = 0, residual = 0;
    for (uint32_t i = 0; i < count; i++) {
        const struct qr_layer *p = &layers[i];
        if (p->plain)
            continue;
        size_t h = (size_t)p->t.out_h, w = (size_t)p->t.out_w;
        more(&frame, (size_t)p->frame_h * p->frame_w * p->in_c);
        more(&row, w * p->channels);
        more(&acc, w * p->lanes);
        more(&codes, h * w * p->channels);
        more(&residual, p->t.residual ? h * w * p->channels : 0);
        if (p->denoise) {
            more(&dn_frame, (h + 2) * (w + 2) * p->channels);
            more(&b1, (h + 2) * (w + 2) * p->m2);
            more(&b2, w * p->m2);
            more(&acc, w * QR_LANES);
        }
    }
    struct arena arena = {NULL, 0};
    for (int pass = 0; pass < 2; pass++) {
        if (pass && !arena_fix(&arena))
            return 0;
        TAKE(&arena, s->frame, frame);
        TAKE(&arena, s->dn_frame, dn_frame);
        TAKE(&arena, s->b1, b1);
        TAKE(&arena, s->b2, b2);
        TAKE(&arena, s->eps, row);
        TAKE(&arena, s->acc, acc);
        TAKE(&arena, s->acc_u, acc);
        TAKE(&arena, s->acc_v, acc);
        TAKE(&arena, s->v, row);
        TAKE(&arena, s->mu, row);
        TAKE(&arena, s->sigma, row);
        TAKE(&arena, s->d, codes);
        TAKE(&arena, s->residual, residual);
        TAKE(&arena, s->codes, codes);
    }
    s->memory = arena.memory;
    return 1;
}

void qr_scratch_free(struct qr_scratch *scratch)
{
    free(scratch->memory);
    scratch->memory = NULL;
}
