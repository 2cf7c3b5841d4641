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

/* As the kernels' `values`, for accumulators of any size. */
static void scalar_values(const struct qr_layer *l, const int32_t *acc, const int16_t *eps, uint32_t pixels, int32_t *v)
{
    for (uint32_t x = 0; x < pixels; x++, acc += l->lanes)
        for (uint32_t c = 0; c < l->channels; c++, v++) {
            const struct quell_channel *k = &l->source->constants[c];
            *v = qa_requantise(acc[c], k->m, k->s);
            if (eps)
                *v = qa_analog(*v, k->gain, k->offset, (uint32_t)l->t.sigma_add, (uint32_t)l->t.sigma_mul, *eps++);
        }
}

/* Row y of the convolution: v (s11.12), with noise if the layer has it. */
static void row_values(const struct qr_kernels *k, const struct qr_layer *l, struct qr_scratch *s, uint32_t y, const int16_t *eps, int32_t *v)
{
    const int16_t *in = s->frame + (size_t)y * l->stride * l->frame_w * l->in_c;
    uint32_t pixels = (uint32_t)l->t.out_w;
    if (l->t.mode == 2)
        k->depthwise(&l->dw, in, pixels, s->acc);
    else
        k->conv(&l->conv, in, pixels, s->acc);
    (l->product_bits <= k->exact_bits ? k->values : scalar_values)(l, s->acc, eps, pixels, v);
}

static void convolve(const struct qr_kernels *k, const struct qr_layer *l, struct qr_scratch *s, uint32_t seed, uint32_t inference)
{
    uint32_t w = (uint32_t)l->t.out_w, row = w * l->channels;
    /* A chip that only varies has samples too, of spread zero: what they are does not matter, and drawing them is half of the work. */
    int drawn = l->t.noise && (l->t.sigma_add || l->t.sigma_mul);
    if (l->t.noise && !drawn)
        memset(s->eps, 0, sizeof *s->eps * row);
    for (uint32_t y = 0; y < (uint32_t)l->t.out_h; y++) {
        if (drawn)
            k->gaussian(seed, QA_READ_NOISE, (uint32_t)l->t.rng_layer, inference, y * (row / 2), row / 2, s->eps);
        row_values(k, l, s, y, l->t.noise ? s->eps : NULL, s->v);
        k->codes(l, s->v, w, s->d + (size_t)y * row);
    }
}

/* b1 of the whole layer, inside a border of zeros. */
static void squeeze(const struct qr_kernels *k, const struct qr_layer *l, struct qr_scratch *s)
{
    uint32_t h = (uint32_t)l->t.out_h, w = (uint32_t)l->t.out_w;
    memset(s->b1, 0, sizeof *s->b1 * (h + 2) * (w + 2) * l->m2);
    for (uint32_t y = 0; y < h; y++) {
        size_t corner = (size_t)(y + 1) * (w + 2) + 1;
        k->conv(&l->w1, s->dn_frame + corner * l->channels, w, s->acc);
        k->activate(s->acc, &l->s1, l->m2, w, s->b1 + corner * l->m2);
    }
}

static void denoise(const struct qr_kernels *k, const struct qr_layer *l, struct qr_scratch *s, uint32_t seed, uint32_t inference)
{
    uint32_t h = (uint32_t)l->t.out_h, w = (uint32_t)l->t.out_w, row = w * l->channels;
    memset(s->dn_frame, 0, sizeof *s->dn_frame * (h + 2) * (w + 2) * l->channels);
    for (uint32_t y = 0; y < h; y++)
        memcpy(s->dn_frame + ((size_t)(y + 1) * (w + 2) + 1) * l->channels, s->d + (size_t)y * row, sizeof *s->d * row);
    if (l->bottleneck)
        squeeze(k, l, s);
    for (uint32_t y = 0; y < h; y++) {
        if (l->bottleneck) {
            k->conv(&l->w2, s->b1 + (size_t)y * (w + 2) * l->m2, w, s->acc);
            k->activate(s->acc, &l->s2, l->m2, w, s->b2);
            k->conv(&l->wu, s->b2, w, s->acc_u);
        }
        if (l->depthwise)
            k->depthwise(&l->d, s->dn_frame + (size_t)y * (w + 2) * l->channels, w, s->acc);
        k->mu(l, l->depthwise ? s->acc : NULL, l->bottleneck ? s->acc_u : NULL, w, s->mu);
        if (l->t.dn_sample) {
            k->conv(&l->wv, s->b2, w, s->acc_v);
            k->sigma(l, s->acc_v, w, s->sigma);
            k->gaussian(seed, QA_DENOISER, (uint32_t)l->t.rng_layer, inference, y * (row / 2), row / 2, s->eps);
        }
        k->denoise(l, s->mu, s->sigma, l->t.dn_sample ? s->eps : NULL, row, s->d + (size_t)y * row);
    }
}

void qr_run_layer(const struct qr_kernels *kernels, const struct qr_layer *layer, struct qr_scratch *scratch, const int8_t *input, const int8_t *residual, uint32_t noise_seed, uint32_t inference, int8_t *output)
{
    uint32_t n = (uint32_t)layer->t.out_h * (uint32_t)layer->t.out_w * layer->channels;
    input_frame(kernels, layer, input, scratch->frame);
    convolve(kernels, layer, scratch, noise_seed, inference);
    if (layer->denoise)
        denoise(kernels, layer, scratch, noise_seed, inference);
    if (layer->t.residual)
        kernels->widen(residual, layer->t.z_res, n, scratch->residual);
    kernels->post(layer, layer->t.residual ? scratch->residual : NULL, n, scratch->d, layer->t.pool_kind ? scratch->codes : output);
    if (layer->t.table_on)
        qr_table(layer->source, n, layer->t.pool_kind ? scratch->codes : output);
    if (layer->t.pool_kind)
        qr_pool(&layer->t, layer->channels, scratch->codes, output);
}

void qr_run_values(const struct qr_kernels *kernels, const struct qr_layer *layer, struct qr_scratch *scratch, const int8_t *input, int32_t *values)
{
    size_t row = (size_t)layer->t.out_w * layer->channels;
    if (!kernels || layer->plain) {
        qr_plain_values(layer->source, input, values);
        return;
    }
    input_frame(kernels, layer, input, scratch->frame);
    for (uint32_t y = 0; y < (uint32_t)layer->t.out_h; y++)
        row_values(kernels, layer, scratch, y, NULL, values + y * row);
}
