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

/* The scale of numbers up to reach in magnitude. 0: 32 bits are not enough. */
static int narrow(uint32_t m, int s, int64_t reach, struct qr_scale *scale)
{
    *scale = (struct qr_scale){0, 0, 0, 0};
    if (m == 0)
        return 1;
    int fraction = s - __builtin_ctz(m); /* x*m ends in s bits of zeros if x ends in so many */
    scale->lost = fraction >= 32 ? -1 : fraction > 0 ? (int32_t)((1u << fraction) - 1) : 0;
    int left = s < 32 ? 32 - s : 0, room = __builtin_clz(m) - 1;
    scale->up = left > room ? left - room : 0;
    scale->down = s > 32 ? s - 32 : 0;
    scale->m = (int32_t)(m << (left - scale->up));
    return scale->up <= 30 && reach < INT64_C(1) << (31 - scale->up);
}

/* weight(context, output, tap, input) */
typedef int16_t (*weight_of)(const void *context, uint32_t output, uint32_t tap, uint32_t input);

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

static int16_t layer_weight(const void *context, uint32_t output, uint32_t tap, uint32_t input)
{
    const struct quell_model_layer *l = context;
    return l->weights[((size_t)output * l->taps + tap) * l->in_channels + input];
}

struct place {
    const struct quell_model_layer *layer;
    uint32_t y, x;
};

/* ref_winograd.h: (2G w 2G')[y][x] */
static int16_t place_weight(const void *context, uint32_t output, uint32_t tap, uint32_t input)
{
    static const int16_t g[4][3] = {{2, 0, 0}, {1, 1, 1}, {1, -1, 1}, {0, 0, 2}};
    const struct place *p = context;
    int sum = 0;
    for (tap = 0; tap < 9; tap++)
        sum += g[p->y][tap / 3] * g[p->x][tap % 3] * layer_weight(p->layer, output, tap, input);
    return (int16_t)sum;
}

/* Whether a layer is done by tiles of 2x2 outputs: ref_winograd.h. */
static int winograd(const struct quell_model_layer *l)
{
    const struct quell_layer *t = &l->table;
    int fits = t->mode == 0 && !t->stride_y && !t->stride_x && l->in_channels % 16 == 0 && t->out_h % 2 == 0 && t->out_w % 2 == 0;
    for (uint32_t c = 0; fits && c < l->channels; c++)
        fits = quell_channel_reach(l, c, 255) < 1 << 29;
    return fits;
}

/* Sizes. */
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
    else if ((p->winograd = winograd(l)))
        for (int place = 0; place < 16; place++)
            shape_conv(&p->place[place], 1, 1, l->channels, l->in_channels, p->in_c, 0);
    else
        shape_conv(&p->conv, p->kernel, p->stride, l->channels, l->in_channels, p->in_c, p->frame_w * p->in_c);
    p->low = qa_low(t->z_v, t->adc_wide);
    p->high = qa_high(t->z_v, t->adc_wide);
    p->depthwise = l->block && t->dn_depthwise;
    p->bottleneck = l->block && t->dn_bottleneck && l->block->m;
    p->denoise = l->block && (t->dn_depthwise || t->dn_bottleneck);
    if (!p->denoise)
        return;
    p->block.pairs = p->bottleneck ? (l->block->m + 1) / 2 : 0;
    p->block.next2 = qr_round_up((uint32_t)t->out_w, QR_LANES);
}

static void take_layer(struct arena *arena, struct qr_layer *p)
{
    if (p->plain)
        return;
    if (p->t.mode == 2)
        take_depthwise(arena, &p->dw);
    for (int place = 0; p->winograd && place < 16; place++)
        take_conv(arena, &p->place[place]);
    if (p->t.mode != 2 && !p->winograd)
        take_conv(arena, &p->conv);
    int32_t **const constants[] = {&p->m, &p->up, &p->down, &p->lost, &p->gain, &p->offset, &p->a, &p->b};
    for (size_t i = 0; i < sizeof constants / sizeof *constants; i++)
        TAKE(arena, *constants[i], p->lanes);
    struct qr_block *b = &p->block;
    size_t pairs = b->pairs, lanes = p->lanes;
    if (!p->denoise)
        return;
    TAKE(arena, b->w1, 2 * pairs * lanes);
    TAKE(arena, b->bias1, 2 * pairs);
    TAKE(arena, b->bias2, 2 * pairs);
    TAKE(arena, b->w2, 2 * pairs * pairs * 9);
    TAKE(arena, b->wu, pairs * lanes);
    TAKE(arena, b->wv, pairs * lanes);
    TAKE(arena, b->cv, lanes);
    TAKE(arena, b->d, 6 * lanes);
}

static void fill_constants(struct qr_layer *p)
{
    int32_t *bias = p->t.mode == 2 ? p->dw.bias : p->winograd ? p->place[5].bias : p->conv.bias; /* that place goes into all four outputs */
    for (uint32_t c = 0; c < p->channels; c++) {
        const struct quell_channel *k = &p->source->constants[c];
        struct qr_scale s;
        p->narrow &= narrow(k->m, (int)k->s, quell_channel_reach(p->source, c, 255), &s);
        bias[c] = p->winograd ? k->bias * 4 : k->bias;
        p->m[c] = s.m;
        p->up[c] = s.up;
        p->down[c] = s.down;
        p->lost[c] = s.lost;
        p->gain[c] = (int32_t)k->gain * 512;
        p->offset[c] = k->offset;
        p->a[c] = (int32_t)k->a;
        p->b[c] = k->b * 64;
        p->uneven |= k->gain != 1 << 16 || k->offset != 0;
    }
}

/* Largest |bias + sum of n weights times inputs up to `most`| of `outputs` outputs, weights [output][n]. */
static int64_t reach(const int8_t *weights, const int32_t *bias, uint32_t outputs, uint32_t n, int most)
{
    int64_t largest = 0;
    for (uint32_t o = 0; o < outputs; o++) {
        int64_t sum = bias ? llabs((int64_t)bias[o]) : 0;
        for (uint32_t i = 0; i < n; i++)
            sum += abs(weights[(size_t)o * n + i]) * most;
        largest = sum > largest ? sum : largest;
    }
    return largest;
}

/* The half of an int32 that input j has. */
static int32_t half(int8_t weight, uint32_t j) { return (int32_t)((uint32_t)(uint16_t)weight << (j % 2 * 16)); }

/* Products of one vector of the depthwise path: taps 0 and 1 of a row of the 3x3, or its tap 2. */
static void fill_taps(struct qr_layer *p, uint32_t pair)
{
    int32_t *d = p->block.d + (size_t)p->block.taps * p->lanes, used = 0;
    for (uint32_t c = 0; c < p->channels; c++) {
        const int8_t *tap = p->source->block->d + c * 9 + pair / 2 * 3;
        d[c] = pair % 2 ? half(tap[2], 0) : half(tap[0], 0) | half(tap[1], 1);
        used |= d[c];
    }
    if (used)
        p->block.offset[p->block.taps++] = (((ptrdiff_t)(pair / 2) - 1) * (p->t.out_w + 2) + (pair % 2 ? 1 : -1)) * (ptrdiff_t)p->lanes;
}

static void fill_block(struct qr_layer *p)
{
    const struct quell_block *b = p->source->block;
    const struct quell_layer *t = &p->t;
    uint32_t m = p->bottleneck ? b->m : 0, c = b->channels;
    p->narrow &= narrow(m ? (uint32_t)t->dn_m1 : 0, t->dn_s1 - 2, reach(b->w1, b->b1, m, c, 256), &p->s1);
    p->narrow &= narrow(m ? (uint32_t)t->dn_m2 : 0, t->dn_s2 - 2, reach(b->w2, b->b2, m, 9 * m, 255), &p->s2);
    p->narrow &= narrow(p->depthwise ? (uint32_t)t->dn_md : 0, t->dn_sd - 1, reach(b->d, NULL, c, 9, 256), &p->sd);
    p->narrow &= narrow(m ? (uint32_t)t->dn_mu : 0, t->dn_su - 1, reach(b->wu, NULL, c, m, 255), &p->su);
    p->narrow &= narrow(t->dn_sample ? (uint32_t)t->dn_mv : 0, t->dn_sv - 1, reach(b->wv, b->cv, c, m, 255), &p->sv);
    memcpy(p->block.cv, b->cv, c * sizeof *b->cv);
    for (uint32_t pair = 0; pair < 6 && p->depthwise; pair++)
        fill_taps(p, pair);
    for (uint32_t j = 0; j < m; j++) {
        p->block.bias1[j] = b->b1[j];
        p->block.bias2[j] = b->b2[j];
        for (uint32_t i = 0; i < c; i++) {
            p->block.w1[(size_t)j * p->lanes + i] = half(b->w1[(size_t)j * c + i], 0);
            p->block.wu[(size_t)j / 2 * p->lanes + i] |= half(b->wu[i * m + j], j);
            p->block.wv[(size_t)j / 2 * p->lanes + i] |= half(b->wv[i * m + j], j);
        }
        for (uint32_t k = 0; k < m; k++)
            for (uint32_t tap = 0; tap < 9; tap++)
                p->block.w2[((size_t)k * p->block.pairs + j / 2) * 9 + tap] |= half(b->w2[((size_t)k * m + j) * 9 + tap], j);
    }
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
    for (uint32_t place = 0; packed->winograd && place < 16; place++)
        fill_conv(&packed->place[place], &(struct place){layer, place / 4, place % 4}, place_weight, layer->channels, layer->in_channels);
    if (layer->table.mode != 2 && !packed->winograd)
        fill_conv(&packed->conv, layer, layer_weight, layer->channels, layer->in_channels);
    packed->narrow = layer->table.post_shift >= 14;
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
    size_t frame = 0, d = 0, b1 = 0, b2 = 0, eps = 0, acc = 0, codes = 0, places = 0, sums = 0;
    for (uint32_t i = 0; i < count; i++) {
        const struct qr_layer *p = &layers[i];
        if (p->plain)
            continue;
        size_t h = (size_t)p->t.out_h, w = (size_t)p->t.out_w;
        more(&frame, (size_t)p->frame_h * p->frame_w * p->in_c);
        more(&eps, w * p->channels);
        more(&d, ((p->denoise ? h + 2 : 1) * (w + 2) + QR_LANES) * p->lanes);
        more(&acc, 2 * w * p->lanes);
        more(&places, p->winograd ? 8 * w * p->in_c : 0);
        more(&sums, p->winograd ? 8 * w * p->lanes : 0);
        more(&codes, h * w * p->channels);
        if (p->denoise) {
            more(&b1, p->block.pairs * ((h + 2) * (w + 2) + QR_LANES));
            more(&b2, (size_t)p->block.pairs * p->block.next2);
        }
    }
    struct arena arena = {NULL, 0};
    for (int pass = 0; pass < 2; pass++) {
        if (pass && !arena_fix(&arena))
            return 0;
        TAKE(&arena, s->frame, frame);
        TAKE(&arena, s->d, d);
        TAKE(&arena, s->b1, b1);
        TAKE(&arena, s->b2, b2);
        TAKE(&arena, s->eps, eps);
        TAKE(&arena, s->acc, acc);
        TAKE(&arena, s->codes, codes);
        TAKE(&arena, s->places, places);
        TAKE(&arena, s->place_sums, sums);
    }
    s->memory = arena.memory;
    return 1;
}

void qr_scratch_free(struct qr_scratch *scratch)
{
    free(scratch->memory);
    scratch->memory = NULL;
}
