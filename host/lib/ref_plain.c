/* SPDX-License-Identifier: Apache-2.0 */
/* One layer, element by element, as docs/arithmetic.md says it. Every other way of computing a layer is compared with this one. */
#include "arith.h"
#include "ref.h"

#include <stdlib.h>
#include <string.h>

/* Codes of a tensor, and what lies around it. */
struct view {
    const int8_t *codes;
    int32_t h, w, c, zero;
};

static int32_t inside(const struct view *v, int32_t y, int32_t x) { return y >= 0 && y < v->h && x >= 0 && x < v->w; }

static int32_t dot(const int8_t *restrict weights, const int8_t *restrict codes, int32_t zero, uint32_t n)
{
    int32_t sum = 0;
    int16_t z = (int16_t)zero;
    for (uint32_t i = 0; i < n; i++) /* 16-bit factors: a multiply-add of pairs on most machines */
        sum += (int16_t)weights[i] * (int16_t)(codes[i] - z);
    return sum;
}

/* Sum over the windows of one output; (y, x) is the corner of the first. */
static int32_t windows(const struct quell_model_layer *layer, const struct view *in, int32_t y, int32_t x, uint32_t channel)
{
    const struct quell_layer *t = &layer->table;
    int32_t side = (int32_t)quell_layer_side(t), across = t->win_w + 1, sum = 0;
    const int8_t *weights = layer->weights + (size_t)channel * layer->taps * layer->in_channels;
    for (int32_t tap = 0; tap < (int32_t)layer->taps; tap++) {
        int32_t window = tap / (side * side), rest = tap % (side * side);
        int32_t iy = y + window / across * t->step_y + rest / side, ix = x + window % across * t->step_x + rest % side;
        if (!inside(in, iy, ix))
            continue;
        const int8_t *codes = in->codes + ((size_t)iy * (size_t)in->w + (size_t)ix) * (size_t)in->c;
        sum += t->mode == 2 ? weights[tap] * (codes[channel] - in->zero) : dot(weights + (size_t)tap * layer->in_channels, codes, in->zero, layer->in_channels);
    }
    return sum;
}

/* Convolution and requantisation of one output. */
static int32_t value(const struct quell_model_layer *layer, const struct view *in, int32_t y, int32_t x, uint32_t c)
{
    const struct quell_layer *t = &layer->table;
    int32_t acc = windows(layer, in, y * (t->stride_y + 1) - t->pad_top, x * (t->stride_x + 1) - t->pad_left, c) + layer->constants[c].bias;
    return qa_requantise(acc, layer->constants[c].m, layer->constants[c].s);
}

void qr_plain_values(const struct quell_model_layer *layer, const int8_t *input, int32_t *values)
{
    const struct quell_layer *t = &layer->table;
    struct view in = {input, t->in_h, t->in_w, t->in_c8 * 8, t->z_in};
    for (int32_t y = 0; y < t->out_h; y++)
        for (int32_t x = 0; x < t->out_w; x++)
            for (uint32_t c = 0; c < layer->channels; c++)
                *values++ = value(layer, &in, y, x, c);
}

/* Convolution, requantisation, analog tile, ADC, column correction -> d, nine bits. */
static void convolve(const struct quell_model_layer *layer, const int8_t *input, uint32_t seed, uint32_t inference, int16_t *d)
{
    const struct quell_layer *t = &layer->table;
    struct view in = {input, t->in_h, t->in_w, t->in_c8 * 8, t->z_in};
    int32_t low = qa_low(t->z_v, t->adc_wide), high = qa_high(t->z_v, t->adc_wide);
    size_t element = 0;
    for (int32_t y = 0; y < t->out_h; y++)
        for (int32_t x = 0; x < t->out_w; x++)
            for (uint32_t c = 0; c < layer->channels; c++, element++) {
                const struct quell_channel *k = &layer->constants[c];
                int32_t v = value(layer, &in, y, x, c);
                if (t->noise) {
                    int16_t eps[2];
                    qa_gaussian_pair(seed, QA_READ_NOISE, (uint32_t)t->rng_layer, inference, (uint32_t)(element / 2), eps);
                    v = qa_analog(v, k->gain, k->offset, (uint32_t)t->sigma_add, (uint32_t)t->sigma_mul, eps[element & 1]);
                }
                int32_t code = qa_adc(v, (unsigned)t->adc_shift, low, high);
                d[element] = (int16_t)(t->correct ? qa_correct(code, k->a, k->b, low, high) : code);
            }
}

/* First bottleneck activations of all pixels: b1[h][w][m]. */
static void squeeze(const struct quell_model_layer *layer, const int16_t *d, uint8_t *b1)
{
    const struct quell_layer *t = &layer->table;
    const struct quell_block *block = layer->block;
    size_t pixels = (size_t)t->out_h * (size_t)t->out_w;
    for (size_t p = 0; p < pixels; p++)
        for (uint32_t j = 0; j < block->m; j++) {
            int32_t acc = block->b1[j];
            for (uint32_t c = 0; c < block->channels; c++)
                acc += block->w1[(size_t)j * block->channels + c] * d[p * block->channels + c];
            b1[p * block->m + j] = qa_dn_activation(acc, (uint32_t)t->dn_m1, (unsigned)t->dn_s1);
        }
}

static uint8_t spread(const struct quell_model_layer *layer, const uint8_t *b1, int32_t y, int32_t x, uint32_t k)
{
    const struct quell_layer *t = &layer->table;
    const struct quell_block *block = layer->block;
    int32_t acc = block->b2[k];
    for (int32_t tap = 0; tap < 9; tap++) {
        int32_t iy = y + tap / 3 - 1, ix = x + tap % 3 - 1;
        if (iy < 0 || iy >= t->out_h || ix < 0 || ix >= t->out_w)
            continue;
        for (uint32_t j = 0; j < block->m; j++)
            acc += block->w2[((size_t)k * block->m + j) * 9 + (size_t)tap] * b1[((size_t)iy * (size_t)t->out_w + (size_t)ix) * block->m + j];
    }
    return qa_dn_activation(acc, (uint32_t)t->dn_m2, (unsigned)t->dn_s2);
}

static int32_t depthwise_sum(const struct quell_model_layer *layer, const int16_t *d, int32_t y, int32_t x, uint32_t c)
{
    int32_t acc = 0, h = layer->table.out_h, w = layer->table.out_w;
    for (int32_t tap = 0; tap < 9; tap++) {
        int32_t iy = y + tap / 3 - 1, ix = x + tap % 3 - 1;
        if (iy >= 0 && iy < h && ix >= 0 && ix < w)
            acc += layer->block->d[c * 9 + (uint32_t)tap] * d[((size_t)iy * (size_t)w + (size_t)ix) * layer->channels + c];
    }
    return acc;
}

/* d -> out; b1 holds out_h*out_w*m bytes. */
static void denoise(const struct quell_model_layer *layer, const int16_t *d, uint32_t seed, uint32_t inference, uint8_t *b1, int16_t *out)
{
    const struct quell_layer *t = &layer->table;
    const struct quell_block *block = layer->block;
    int32_t low = qa_low(t->z_v, t->adc_wide), high = qa_high(t->z_v, t->adc_wide);
    uint32_t m = t->dn_bottleneck ? block->m : 0;
    if (m)
        squeeze(layer, d, b1);
    size_t element = 0;
    for (int32_t y = 0; y < t->out_h; y++)
        for (int32_t x = 0; x < t->out_w; x++) {
            uint8_t b2[16];
            for (uint32_t k = 0; k < m; k++)
                b2[k] = spread(layer, b1, y, x, k);
            for (uint32_t c = 0; c < layer->channels; c++, element++) {
                int32_t acc_d = t->dn_depthwise ? depthwise_sum(layer, d, y, x, c) : 0, acc_u = 0, acc_v = block->cv[c];
                for (uint32_t k = 0; k < m; k++) {
                    acc_u += block->wu[c * m + k] * b2[k];
                    acc_v += block->wv[c * m + k] * b2[k];
                }
                int32_t mu = qa_dn_mu(acc_d, (uint32_t)t->dn_md, (unsigned)t->dn_sd, acc_u, (uint32_t)t->dn_mu, (unsigned)t->dn_su);
                int16_t eps[2] = {0, 0};
                if (t->dn_sample)
                    qa_gaussian_pair(seed, QA_DENOISER, (uint32_t)t->rng_layer, inference, (uint32_t)(element / 2), eps);
                out[element] = (int16_t)qa_dn_apply(d[element], mu, qa_dn_sigma(acc_v, (uint32_t)t->dn_mv, (unsigned)t->dn_sv), eps[element & 1], low, high);
            }
        }
}

void qr_table(const struct quell_model_layer *layer, size_t n, int8_t *codes)
{
    for (size_t i = 0; i < n; i++)
        codes[i] = layer->act_table[(uint8_t)codes[i]];
}

/* Sum or maximum of a window whose first element is (y, x); what lies outside the frame counts as nothing, in a sum as the zero point. */
static int32_t pool_window(const struct quell_layer *t, uint32_t channels, const int8_t *codes, int32_t y, int32_t x)
{
    int32_t p = t->pool_kind == 1 ? 0 : INT32_MIN;
    int32_t bottom = y + t->pool_kh < t->out_h ? y + t->pool_kh : t->out_h, right = x + t->pool_kw < t->out_w ? x + t->pool_kw : t->out_w;
    for (int32_t iy = y > 0 ? y : 0; iy < bottom; iy++)
        for (int32_t ix = x > 0 ? x : 0; ix < right; ix++) {
            int32_t q = codes[((size_t)iy * (size_t)t->out_w + (size_t)ix) * channels] - quell_layer_z_pooled(t);
            p = t->pool_kind == 1 ? p + q : q > p ? q : p;
        }
    return p;
}

void qr_pool(const struct quell_layer *t, uint32_t channels, const int8_t *codes, int8_t *output)
{
    for (int32_t y = 0; y < t->pooled_h; y++)
        for (int32_t x = 0; x < t->pooled_w; x++)
            for (uint32_t c = 0; c < channels; c++) {
                int32_t p = pool_window(t, channels, codes + c, y * t->pool_sy - t->pool_pad_top, x * t->pool_sx - t->pool_pad_left);
                *output++ = qa_pool(p, (uint32_t)t->pool_m, (unsigned)t->pool_shift, t->z_pool);
            }
}

quell_status qr_plain_layer(const struct quell_model_layer *layer, const int8_t *input, const int8_t *residual, uint32_t noise_seed, uint32_t inference, int8_t *output)
{
    const struct quell_layer *t = &layer->table;
    size_t pixels = (size_t)t->out_h * (size_t)t->out_w, size = pixels * layer->channels;
    int16_t *d = malloc(2 * size * sizeof *d + size + 16 * pixels), *done = d;
    if (!d)
        return QUELL_E_MEMORY;
    int8_t *codes = (int8_t *)(d + 2 * size);
    convolve(layer, input, noise_seed, inference, d);
    if (layer->block && (t->dn_depthwise || t->dn_bottleneck)) {
        done = d + size;
        denoise(layer, d, noise_seed, inference, (uint8_t *)codes + size, done);
    }
    for (size_t i = 0; i < size; i++)
        codes[i] = qa_post(done[i], t->residual ? residual[i] - t->z_res : 0, (uint32_t)t->post_a, (uint32_t)t->post_b, (unsigned)t->post_shift, t->z_y, t->lo, t->hi);
    if (t->table_on)
        qr_table(layer, size, codes);
    if (t->pool_kind)
        qr_pool(t, layer->channels, codes, output);
    else
        memcpy(output, codes, size);
    free(d);
    return QUELL_OK;
}
