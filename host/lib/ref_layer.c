/* SPDX-License-Identifier: Apache-2.0 */
/* One packed layer on the vector kernels, stage by stage; rows within a stage. */
#include "arith.h"
#include "ref.h"

#include <string.h>

/* Codes into the middle of a frame of zeros, as differences from the zero point. */
static void frame(const struct qr_kernels *k, const int8_t *codes, uint32_t h, uint32_t w, uint32_t c, int32_t zero, uint32_t top, uint32_t left, uint32_t frame_h, uint32_t frame_w, int16_t *out)
{
    if (frame_h != h || frame_w != w)
        memset(out, 0, sizeof *out * frame_h * frame_w * c);
    for (uint32_t y = 0; y < h; y++)
        k->widen(codes + (size_t)y * w * c, zero, w * c, out + ((size_t)(y + top) * frame_w + left) * c);
}

static void input_frame(const struct qr_kernels *k, const struct qr_layer *l, const int8_t *input, int16_t *out)
{
    frame(k, input, (uint32_t)l->t.in_h, (uint32_t)l->t.in_w, l->in_c, l->t.z_in, (uint32_t)l->t.pad_top, (uint32_t)l->t.pad_left, l->frame_h, l->frame_w, out);
}

/* Accumulators of row y; rows in order. */
static const int32_t *row_sums(const struct qr_kernels *k, const struct qr_layer *l, struct qr_scratch *s, uint32_t y)
{
    const int16_t *in = s->frame + (size_t)y * l->stride * l->frame_w * l->in_c;
    uint32_t w = (uint32_t)l->t.out_w;
    if (l->winograd && y % 2)
        return s->acc + (size_t)w * l->lanes;
    if (l->winograd)
        k->winograd(l, in, s->places, s->place_sums, s->acc);
    else if (l->t.mode == 2)
        k->depthwise(&l->dw, in, w, s->acc);
    else
        k->conv(&l->conv, in, w, s->acc);
    return s->acc;
}

/* Row y from the accumulators to the ADC. */
static void row_tile(const struct qr_kernels *k, const struct qr_layer *l, struct qr_scratch *s, uint32_t seed, uint32_t inference, uint32_t y, int32_t *d)
{
    uint32_t w = (uint32_t)l->t.out_w, row = w * l->channels;
    /* A chip that only varies has samples too, of spread zero: what they are does not matter, and drawing them is half of the work. */
    if (l->t.noise && (l->t.sigma_add || l->t.sigma_mul))
        k->gaussian(seed, QA_READ_NOISE, (uint32_t)l->t.rng_layer, inference, y * (row / 2), row / 2, s->eps);
    else if (l->t.noise)
        memset(s->eps, 0, sizeof *s->eps * row);
    k->tile(l, row_sums(k, l, s, y), l->t.noise ? s->eps : NULL, w, d);
}

/* Tile into a frame, first activations of the bottleneck into another, from there row by row through the rest of the block. */
static void denoise(const struct qr_kernels *k, const struct qr_layer *l, struct qr_scratch *s, const int8_t *residual, uint32_t seed, uint32_t inference, int8_t *codes)
{
    uint32_t h = (uint32_t)l->t.out_h, w = (uint32_t)l->t.out_w, row = w * l->channels;
    size_t next = (size_t)(w + 2) * l->lanes, plane = (size_t)(h + 2) * (w + 2) + QR_LANES; /* whole vectors are written */
    memset(s->d, 0, sizeof *s->d * next);
    memset(s->d + (h + 1) * next, 0, sizeof *s->d * next);
    for (uint32_t p = 0; p < l->block.pairs; p++)
        memset(s->b1 + p * plane, 0, sizeof *s->b1 * (w + 3));
    for (uint32_t y = 0; y < h; y++) {
        int32_t *d = s->d + (y + 1) * next;
        row_tile(k, l, s, seed, inference, y, d);
        if (l->bottleneck)
            k->squeeze(l, d + l->lanes, w, plane, s->b1 + (y + 1) * (w + 2) + 1);
        for (uint32_t p = 0; p < l->block.pairs; p++) /* right of this row, left of the next */
            memset(s->b1 + p * plane + (y + 1) * (w + 2) + 1 + w, 0, 2 * sizeof *s->b1);
    }
    for (uint32_t p = 0; p < l->block.pairs; p++)
        memset(s->b1 + p * plane + (h + 1) * (w + 2), 0, sizeof *s->b1 * (w + 2));
    for (uint32_t y = 0; y < h; y++) {
        const int16_t *eps = l->t.dn_sample ? s->eps : NULL;
        if (l->bottleneck)
            k->spread(l, s->b1 + (size_t)y * (w + 2), w, w + 2, plane, s->b2);
        if (eps)
            k->gaussian(seed, QA_DENOISER, (uint32_t)l->t.rng_layer, inference, y * (row / 2), row / 2, s->eps);
        k->denoise(l, s->b2, eps, s->d + (y + 1) * next + l->lanes, residual ? residual + (size_t)y * row : NULL, w, codes + (size_t)y * row);
    }
}

quell_status qr_run_layer(const struct qr_kernels *kernels, const struct qr_layer *layer, struct qr_scratch *scratch, const int8_t *input, const int8_t *residual, uint32_t noise_seed, uint32_t inference, int8_t *output)
{
    uint32_t h = (uint32_t)layer->t.out_h, row = (uint32_t)layer->t.out_w * layer->channels;
    if (!layer->narrow)
        return qr_plain_layer(layer->source, input, residual, noise_seed, inference, output);
    input_frame(kernels, layer, input, scratch->frame);
    if (!layer->t.residual)
        residual = NULL;
    if (layer->denoise)
        denoise(kernels, layer, scratch, residual, noise_seed, inference, scratch->codes);
    for (uint32_t y = 0; y < h && !layer->denoise; y++) {
        row_tile(kernels, layer, scratch, noise_seed, inference, y, scratch->d);
        kernels->post(layer, scratch->d, residual ? residual + (size_t)y * row : NULL, (uint32_t)layer->t.out_w, scratch->codes + (size_t)y * row);
    }
    if (layer->t.table_on)
        qr_table(layer->source, (size_t)h * row, scratch->codes);
    if (layer->t.pool_kind)
        qr_pool(&layer->t, layer->channels, scratch->codes, output);
    else
        memcpy(output, scratch->codes, (size_t)h * row);
    return QUELL_OK;
}

void qr_run_values(const struct qr_kernels *kernels, const struct qr_layer *layer, struct qr_scratch *scratch, const int8_t *input, int32_t *values)
{
    if (!kernels || layer->plain) {
        qr_plain_values(layer->source, input, values);
        return;
    }
    input_frame(kernels, layer, input, scratch->frame);
    for (uint32_t y = 0; y < (uint32_t)layer->t.out_h; y++) {
        const int32_t *acc = row_sums(kernels, layer, scratch, y);
        for (uint32_t x = 0; x < (uint32_t)layer->t.out_w; x++)
            for (uint32_t c = 0; c < layer->channels; c++)
                *values++ = qa_requantise(acc[x * layer->lanes + c], layer->source->constants[c].m, layer->source->constants[c].s);
    }
}
