/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The reference device's inner loops, included once for each instruction set after these definitions:
 *   QR_NAME(x)    a name of this instruction set's own; QR_CODE: the attribute that lets a function use it (empty where it is the baseline)
 *   QR_OP         static inline, always, with that attribute
 *   I16           QR_LANES accumulators (int32); QR_SUMS: how many of them registers hold; QR_TWO_BLOCKS: whether two blocks of outputs side by side pay. i16_* work on them:
 *                 PAIRS, i16_load_pairs: weights of QR_LANES outputs for two inputs; PAIR, i16_broadcast: two inputs for all outputs;
 *                 i16_madd: sum += both products; i16_mul_add: sum += weight of the pair's first input times an input of its own for each lane
 *   W, WN, w_*    WN whole numbers below 2^53 in magnitude, whatever holds them: int64, or doubles, which are exact there. w_mul takes factors of
 *                 32 bits. S is a count of bits for w_floor (x / 2^s towards -infinity), w_rhe (half to even) and w_rto (to odd; results beyond 24 bits may be
 *                 any number beyond): w_bits, w_load_bits
 *   QR_EXACT_BITS products of an accumulator and M must be below 2^QR_EXACT_BITS; layers beyond are left to the scalar code
 * Loops on int32 are left to the compiler.
 */
#include <stddef.h>
#include <string.h>

#include "box_muller.h"

#define QR_PART 64 /* elements on the stack at a time, a multiple of every WN */

#if defined(__clang__)
#define QR_UNROLL _Pragma("clang loop unroll(full)")
#else
#define QR_UNROLL _Pragma("GCC unroll 16")
#endif

QR_OP W w_clamp(W x, W lo, W hi) { return w_min(w_max(x, lo), hi); }
/* (x + 2^(s-1)) >> s, for s >= 1. */
QR_OP W w_rhu(W x, int s) { return w_floor(w_add(x, w_set(INT64_C(1) << (s - 1))), w_bits(s)); }

QR_CODE static void QR_NAME(widen)(const int8_t *restrict codes, int32_t z, uint32_t n, int16_t *restrict d)
{
    int16_t zero = (int16_t)z;
    for (uint32_t i = 0; i < n; i++)
        d[i] = (int16_t)(codes[i] - zero);
}

/* ---- multiply-accumulate ---- */

/* `pixels` neighbouring outputs of `blocks` neighbouring blocks (both constants where it is inlined); together up to QR_SUMS sums. */
QR_OP void QR_NAME(conv_tile)(const struct qr_conv *conv, const int16_t *in, const int16_t *weights, size_t block, const int32_t *bias, uint32_t blocks, uint32_t pixels, int32_t *acc, size_t acc_stride)
{
    I16 sum[QR_SUMS];
    size_t step = (size_t)conv->stride * conv->pixel;
    uint32_t pairs = conv->pairs, kernel = conv->kernel;
    for (uint32_t s = 0; s < blocks * pixels; s++)
        sum[s] = i16_load32(bias + s / pixels * QR_LANES);
    for (uint32_t ky = 0; ky < kernel; ky++)
        for (uint32_t kx = 0; kx < kernel; kx++) {
            const int16_t *from = in + ky * conv->row + kx * conv->pixel;
            for (uint32_t i = 0; i < pairs; i++, weights += 2 * QR_LANES, from += 2) {
                PAIRS w[2];
                for (uint32_t b = 0; b < blocks; b++)
                    w[b] = i16_load_pairs(weights + b * block);
                QR_UNROLL
                for (uint32_t p = 0; p < pixels; p++) {
                    PAIR x = i16_broadcast(from + p * step);
                    for (uint32_t b = 0; b < blocks; b++)
                        sum[b * pixels + p] = i16_madd(sum[b * pixels + p], x, w[b]);
                }
            }
        }
    for (uint32_t s = 0; s < blocks * pixels; s++)
        i16_store(acc + s % pixels * acc_stride + s / pixels * QR_LANES, sum[s]);
}

/* A row of one or two blocks. */
QR_OP void QR_NAME(conv_blocks)(const struct qr_conv *conv, const int16_t *in, uint32_t b, uint32_t blocks, uint32_t pixels, int32_t *acc)
{
    size_t stride = (size_t)conv->blocks * QR_LANES, step = (size_t)conv->stride * conv->pixel, block = (size_t)conv->kernel * conv->kernel * conv->pairs * 2 * QR_LANES;
    const int16_t *w = conv->weights + b * block;
    const int32_t *bias = conv->bias + b * QR_LANES;
    uint32_t x = 0, most = QR_SUMS / blocks;
    acc += b * QR_LANES;
    for (; x + most <= pixels; x += most)
        QR_NAME(conv_tile)(conv, in + x * step, w, block, bias, blocks, most, acc + x * stride, stride);
    if (blocks == 1 && x + QR_SUMS / 2 <= pixels) {
        QR_NAME(conv_tile)(conv, in + x * step, w, block, bias, blocks, QR_SUMS / 2, acc + x * stride, stride);
        x += QR_SUMS / 2;
    }
    for (; x < pixels; x++)
        QR_NAME(conv_tile)(conv, in + x * step, w, block, bias, blocks, 1, acc + x * stride, stride);
}

QR_CODE static void QR_NAME(conv)(const struct qr_conv *conv, const int16_t *in, uint32_t pixels, int32_t *acc)
{
    uint32_t b = 0;
    if (QR_TWO_BLOCKS)
        for (; b + 2 <= conv->blocks; b += 2)
            QR_NAME(conv_blocks)(conv, in, b, 2, pixels, acc);
    for (; b < conv->blocks; b++)
        QR_NAME(conv_blocks)(conv, in, b, 1, pixels, acc);
}

QR_CODE static void QR_NAME(depthwise)(const struct qr_depthwise *conv, const int16_t *in, uint32_t pixels, int32_t *acc)
{
    size_t lanes = (size_t)conv->blocks * QR_LANES, offset[9];
    for (uint32_t t = 0; t < conv->taps; t++)
        offset[t] = conv->tap[t] / 3 * conv->row + conv->tap[t] % 3 * conv->pixel;
    for (uint32_t b = 0; b < conv->blocks; b++) {
        PAIRS w[9];
        I16 bias = i16_load32(conv->bias + b * QR_LANES);
        for (uint32_t t = 0; t < conv->taps; t++)
            w[t] = i16_load_pairs(conv->weights + (t * lanes + b * QR_LANES) * 2);
        for (uint32_t x = 0; x < pixels; x++) {
            const int16_t *from = in + (size_t)x * conv->stride * conv->pixel + b * QR_LANES;
            I16 sum = bias;
            for (uint32_t t = 0; t < conv->taps; t++)
                sum = i16_mul_add(sum, from + offset[t], w[t]);
            i16_store(acc + x * lanes + b * QR_LANES, sum);
        }
    }
}

/* ---- requantisation and the analog tile ---- */

/* noise, growing, uneven (constants where it is inlined): there are samples; their size grows with the value; columns have gain and offset. */
QR_OP void QR_NAME(values_of)(const struct qr_layer *l, const int32_t *acc, const int16_t *eps, uint32_t pixels, int32_t *v, int noise, int growing, int uneven)
{
    const W least = w_set(-(1 << 23)), most = w_set((1 << 23) - 1), zero = w_set(0), add = w_set(l->t.sigma_add), mul = w_set(l->t.sigma_mul);
    for (uint32_t x = 0; x < pixels; x++, acc += l->lanes)
        for (uint32_t c = 0; c < l->channels; c += WN, v += WN) {
            W value = w_clamp(w_rto(w_mul(w_load32(acc + c), w_load32(l->m + c)), w_load_bits(l, c)), least, most);
            if (noise) {
                W size = add, gained = value;
                if (growing)
                    size = w_min(w_add(add, w_rhu(w_mul(mul, w_max(value, w_sub(zero, value))), 14)), most);
                if (uneven)
                    gained = w_add(w_rhu(w_mul(value, w_load32(l->gain + c)), 16), w_load32(l->offset + c));
                value = w_clamp(w_add(gained, w_rhu(w_mul(size, w_load16(eps)), 11)), least, most);
                eps += WN;
            }
            w_store32(v, value);
        }
}

QR_CODE static void QR_NAME(values)(const struct qr_layer *l, const int32_t *acc, const int16_t *eps, uint32_t pixels, int32_t *v)
{
    if (!eps)
        QR_NAME(values_of)(l, acc, eps, pixels, v, 0, 0, 0);
    else if (l->t.sigma_mul)
        QR_NAME(values_of)(l, acc, eps, pixels, v, 1, 1, 1);
    else if (l->uneven)
        QR_NAME(values_of)(l, acc, eps, pixels, v, 1, 0, 1);
    else
        QR_NAME(values_of)(l, acc, eps, pixels, v, 1, 0, 0);
}

/* As qa_rhe, on 32 bits: adding half - 1 plus the lowest bit that stays carries exactly when it must. */
QR_OP int32_t QR_NAME(rhe)(int32_t x, int32_t s) { return (x + ((1 << (s - 1)) - 1) + ((x >> s) & 1)) >> s; }
QR_OP int32_t QR_NAME(clamp)(int32_t x, int32_t lo, int32_t hi) { return x < lo ? lo : x > hi ? hi : x; }

QR_CODE static void QR_NAME(codes)(const struct qr_layer *l, const int32_t *restrict v, uint32_t pixels, int16_t *restrict d)
{
    int32_t step = l->t.adc_shift, shift = 12 + step, low = l->low, high = l->high;
    const int32_t *restrict a = l->a, *restrict b = l->b;
    uint32_t n = pixels * l->channels;
    if (l->t.correct)
        for (uint32_t i = 0; i < n; i++) {
            int32_t code = QR_NAME(clamp)(QR_NAME(rhe)(v[i], shift) * (1 << step), low, high);
            d[i] = (int16_t)QR_NAME(clamp)(QR_NAME(rhe)(code * a[i] + b[i], 14), low, high);
        }
    else
        for (uint32_t i = 0; i < n; i++)
            d[i] = (int16_t)QR_NAME(clamp)(QR_NAME(rhe)(v[i], shift) * (1 << step), low, high);
}

/* ---- the denoising block ---- */

QR_CODE static void QR_NAME(activate)(const int32_t *acc, const struct qr_scale *scale, uint32_t m2, uint32_t pixels, int16_t *out)
{
    const W m = w_set(scale->m), zero = w_set(0), most = w_set(255);
    const S s = w_bits((int)scale->s);
    for (uint32_t x = 0; x < pixels; x++, acc += QR_LANES) {
        int32_t lanes[QR_LANES];
        for (uint32_t j = 0; j < m2; j += WN)
            w_store32(lanes + j, w_clamp(w_rhe(w_mul(w_load32(acc + j), m), s), zero, most));
        for (uint32_t j = 0; j < m2; j++)
            *out++ = (int16_t)lanes[j];
    }
}

/* RHU(acc*M >> S) */
QR_OP W QR_NAME(path)(const int32_t *acc, W m, W half, S s) { return w_floor(w_add(w_mul(w_load32(acc), m), half), s); }

/* d, u (constants where it is inlined): which paths there are. */
QR_OP void QR_NAME(mu_of)(const struct qr_layer *l, const int32_t *acc_d, const int32_t *acc_u, uint32_t pixels, int32_t *mu, int d, int u)
{
    const W least = w_set(-(1 << 23)), most = w_set((1 << 23) - 1), md = w_set(l->sd.m), hd = w_set(l->sd.half), mu_ = w_set(l->su.m), hu = w_set(l->su.half);
    const S sd = w_bits((int)l->sd.s), su = w_bits((int)l->su.s);
    for (uint32_t x = 0; x < pixels; x++)
        for (uint32_t c = 0; c < l->channels; c += WN, mu += WN) {
            W sum = d ? QR_NAME(path)(acc_d + x * l->lanes + c, md, hd, sd) : w_set(0);
            if (u)
                sum = w_add(sum, QR_NAME(path)(acc_u + x * l->lanes + c, mu_, hu, su));
            w_store32(mu, w_clamp(sum, least, most));
        }
}

QR_CODE static void QR_NAME(mu)(const struct qr_layer *l, const int32_t *acc_d, const int32_t *acc_u, uint32_t pixels, int32_t *mu)
{
    if (acc_d && acc_u)
        QR_NAME(mu_of)(l, acc_d, acc_u, pixels, mu, 1, 1);
    else if (acc_d)
        QR_NAME(mu_of)(l, acc_d, acc_u, pixels, mu, 1, 0);
    else
        QR_NAME(mu_of)(l, acc_d, acc_u, pixels, mu, 0, 1);
}

QR_CODE static void QR_NAME(sigma)(const struct qr_layer *l, const int32_t *acc_v, uint32_t pixels, int32_t *sigma)
{
    const W least = w_set(0), most = w_set(65535), m = w_set(l->sv.m), half = w_set(l->sv.half);
    const S s = w_bits((int)l->sv.s);
    for (uint32_t x = 0; x < pixels; x++)
        for (uint32_t c = 0; c < l->channels; c += WN, sigma += WN)
            w_store32(sigma, w_clamp(QR_NAME(path)(acc_v + x * l->lanes + c, m, half, s), least, most));
}

QR_CODE static void QR_NAME(denoise)(const struct qr_layer *l, const int32_t *restrict mu, const int32_t *restrict sigma, const int16_t *restrict eps, uint32_t n, int16_t *restrict d)
{
    int32_t low = l->low, high = l->high;
    if (eps)
        for (uint32_t i = 0; i < n; i++) {
            int32_t t = (sigma[i] * eps[i] + 64) >> 7; /* 16 x 16 bits: fits with its rounding */
            d[i] = (int16_t)QR_NAME(clamp)(QR_NAME(rhe)(d[i] * 4096 - mu[i] - t, 12), low, high);
        }
    else
        for (uint32_t i = 0; i < n; i++)
            d[i] = (int16_t)QR_NAME(clamp)(QR_NAME(rhe)(d[i] * 4096 - mu[i], 12), low, high);
}

/* ---- what follows the block ---- */

/* One row of n elements (a multiple of WN); residual is r - z_res, added (a constant where it is inlined) says whether there is one. */
QR_OP void QR_NAME(post_of)(const struct quell_layer *t, const int16_t *residual, uint32_t n, const int16_t *d, int8_t *codes, int added)
{
    const W a = w_set(t->post_a), b = w_set(t->post_b), z = w_set(t->z_y), lo = w_set(t->lo), hi = w_set(t->hi);
    const S s = w_bits(t->post_shift);
    for (uint32_t i = 0; i < n;) {
        int32_t part[QR_PART];
        uint32_t m = n - i < QR_PART ? n - i : QR_PART;
        for (uint32_t k = 0; k < m; k += WN) {
            W u = w_mul(w_load16(d + i + k), a);
            if (added)
                u = w_add(u, w_mul(w_load16(residual + i + k), b));
            w_store32(part + k, w_clamp(w_add(w_rhe(u, s), z), lo, hi));
        }
        for (uint32_t k = 0; k < m; k++)
            codes[i + k] = (int8_t)part[k];
        i += m;
    }
}

QR_CODE static void QR_NAME(post)(const struct qr_layer *l, const int16_t *residual, uint32_t n, const int16_t *restrict d, int8_t *restrict codes)
{
    const struct quell_layer *t = &l->t;
    int32_t z_y = t->z_y, lo = t->lo, hi = t->hi;
    if (residual)
        QR_NAME(post_of)(t, residual, n, d, codes, 1);
    else if (t->post_a == 1 << 23 && t->post_shift == 23) /* as they are */
        for (uint32_t i = 0; i < n; i++)
            codes[i] = (int8_t)QR_NAME(clamp)(z_y + d[i], lo, hi);
    else
        QR_NAME(post_of)(t, residual, n, d, codes, 0);
}

QR_CODE static void QR_NAME(gaussian)(uint32_t seed, enum qa_purpose purpose, uint32_t layer, uint32_t inference, uint32_t first_pair, uint32_t pairs, int16_t *eps)
{
    bm_fill(seed, purpose, layer, inference, first_pair, pairs, eps);
}

static const struct qr_kernels QR_NAME(kernels) = {
    .exact_bits = QR_EXACT_BITS, .widen = QR_NAME(widen), .conv = QR_NAME(conv), .depthwise = QR_NAME(depthwise), .values = QR_NAME(values), .codes = QR_NAME(codes), .activate = QR_NAME(activate),
    .mu = QR_NAME(mu), .sigma = QR_NAME(sigma), .denoise = QR_NAME(denoise), .post = QR_NAME(post), .gaussian = QR_NAME(gaussian),
};
