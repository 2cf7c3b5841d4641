/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The reference device's inner loops, included once for each instruction set after these definitions:
 *   QR_NAME(x)    a name of this instruction set's own; QR_CODE: the attribute that lets a function use it (empty where it is the baseline)
 *   QR_OP         static inline, always, with that attribute
 *   I16           QR_LANES accumulators (int32); QR_SUMS: how many of them registers hold; QR_TWO_BLOCKS: whether two blocks of outputs side by side pay. i16_* work on them:
 *                 PAIRS, i16_load_pairs: weights of QR_LANES outputs for two inputs; PAIR, i16_broadcast: two inputs for all outputs;
 *                 i16_madd: sum += both products; i16_mul_add: sum += weight of the pair's first input times an input of its own for each lane
 *   V, VN, v_*    VN lanes of int32, a vector of the compiler's with its operators; v_min, v_max; v_load8, v_load16, v_store8 (of what fits);
 *                 v_upper: upper halves of signed products; v_mul_add16: a sum plus products of 16 bits, the second factor's upper half being 0;
 *                 v_pairs: a sum plus the products of both halves; v_dots: lane i's is the sum of v_pairs of row i of n (a multiple of QR_LANES)
 * Other loops are left to the compiler.
 */
#include <stddef.h>
#include <string.h>

#define BM_LANES VN
#include "box_muller.h"

#if defined(__clang__)
#define QR_UNROLL _Pragma("clang loop unroll(full)")
#else
#define QR_UNROLL _Pragma("GCC unroll 16")
#endif

QR_OP V v_load(const int32_t *p)
{
    V x;
    memcpy(&x, p, sizeof x);
    return x;
}
QR_OP void v_store(int32_t *p, V x) { memcpy(p, &x, sizeof x); }

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

#include "ref_winograd.h"

/* ---- after the accumulators: 32-bit lanes, which qr_layer's `narrow` has shown to be enough ---- */

QR_OP V v_clamp(V x, int32_t lo, int32_t hi) { return v_min(v_max(x, (V){0} + lo), (V){0} + hi); }
QR_OP V v_sat24(V x) { return v_clamp(x, -(1 << 23), (1 << 23) - 1); }
/* As qa_rhe: adding half - 1 plus the lowest bit that stays carries exactly when it must. */
QR_OP V v_rhe(V x, int s) { return (x + ((1 << (s - 1)) - 1) + ((x >> s) & 1)) >> s; }
/* RHU of a*b / 2^33 */
QR_OP V v_upper_rhu(V a, V b) { return (v_upper(a, b) + 1) >> 1; }
/* x times a scale, towards -infinity; to odd; half towards +infinity, with a scale that leaves one bit for it. */
QR_OP V v_scale(V x, V m, V up, V down) { return v_upper(x << up, m) >> down; }
QR_OP V v_scale_rto(V x, V m, V up, V down, V lost) { return v_scale(x, m, up, down) | (((x & lost) != 0) & 1); }
QR_OP V v_scale_rhu(V x, struct qr_scale s) { return ((v_upper(x << s.up, (V){0} + s.m) >> s.down) + 1) >> 1; }

/* noise, growing, uneven, correct (constants where it is inlined): there are samples; their size grows with the value or is too large for one 32-bit product; columns have gain and offset;
 * they are corrected. d begins with the border. */
QR_OP void QR_NAME(tile_of)(const struct qr_layer *l, const int32_t *acc, const int16_t *eps, uint32_t pixels, int32_t *d, int noise, int growing, int uneven, int correct)
{
    const int step = l->t.adc_shift, low = l->low, high = l->high;
    const size_t lanes = l->lanes, channels = l->channels;
    const V zero = {0}, add = zero + l->t.sigma_add, mul = zero + l->t.sigma_mul * 4096, most = zero + ((1 << 23) - 1);
    for (size_t c = 0; c < lanes; c += VN) {
        const V m = v_load(l->m + c), up = v_load(l->up + c), down = v_load(l->down + c), lost = v_load(l->lost + c), gain = v_load(l->gain + c), offset = v_load(l->offset + c);
        const V scale = v_load(l->a + c), shift = v_load(l->b + c);
        V before = zero;
        for (size_t x = 0; x < pixels; x++) {
            V v = v_sat24(v_scale_rto(v_load(acc + x * lanes + c), m, up, down, lost));
            if (noise) {
                V sample = v_load16(eps + x * channels + c), size = add, gained = v;
                if (growing)
                    size = v_min(add + v_upper_rhu(v_max(v, -v) * 128, mul), most); /* s_mul*|v| >> 14 */
                if (uneven)
                    gained = v_upper_rhu(v * 256, gain) + offset; /* v*G >> 16 */
                v = gained + (growing ? v_upper_rhu(size * 128, sample * 32768) : (size * sample + (1 << 10)) >> 11); /* sg*eps >> 11 */
            } /* beyond 24 bits v is beyond every limit below, saturated or not */
            V code = v_clamp(v_rhe(v, 12 + step) << step, low, high);
            if (correct)
                code = v_clamp(v_rhe(code * scale + shift, 14), low, high);
            v_store(d + x * lanes + c, before | code << 16);
            before = code & 0xFFFF;
        }
        v_store(d + pixels * lanes + c, before);
        v_store(d + (pixels + 1) * lanes + c, zero);
    }
}

QR_CODE static void QR_NAME(tile)(const struct qr_layer *l, const int32_t *acc, const int16_t *eps, uint32_t pixels, int32_t *d)
{
    int growing = l->t.sigma_mul || l->t.sigma_add >= 1 << 16, uneven = l->uneven, correct = l->t.correct;
    if (eps && !growing && !uneven && !correct)
        QR_NAME(tile_of)(l, acc, eps, pixels, d, 1, 0, 0, 0);
    else if (eps && !growing)
        QR_NAME(tile_of)(l, acc, eps, pixels, d, 1, 0, 1, correct);
    else if (eps)
        QR_NAME(tile_of)(l, acc, eps, pixels, d, 1, 1, 1, correct);
    else
        QR_NAME(tile_of)(l, acc, NULL, pixels, d, 0, 0, 0, correct);
}

/* Residual, rescaling, limits. Factors of 24 bits times nine: as two halves of 12. In `t`, a copy, since stores of codes might change the layer as far as a compiler knows. */
QR_OP V v_post(const struct quell_layer *t, V d, const int8_t *residual)
{
    const V zero = {0};
    V high = v_mul_add16(zero, d, zero + (t->post_a >> 12)), low = v_mul_add16(zero, d, zero + (t->post_a & 4095));
    if (residual) {
        V r = v_load8(residual) - t->z_res;
        high = v_mul_add16(high, r, zero + (t->post_b >> 12));
        low = v_mul_add16(low, r, zero + (t->post_b & 4095));
    }
    V odd = (high + (low >> 12)) | (((low & 4095) != 0) & 1);
    return v_clamp(v_rhe(odd, t->post_shift - 12) + t->z_y, t->lo, t->hi);
}

/* What is behind the tile in a layer without a block. Lanes beyond the channels fall on the next pixel, which follows. */
QR_CODE static void QR_NAME(post)(const struct qr_layer *l, const int32_t *d, const int8_t *residual, uint32_t pixels, int8_t *codes)
{
    const struct quell_layer t = l->t;
    const size_t channels = l->channels, lanes = l->lanes;
    for (size_t x = 0; x < pixels; x++)
        for (size_t c = 0; c < channels; c += VN)
            v_store8(codes + x * channels + c, v_post(&t, v_load(d + (x + 1) * lanes + c) << 16 >> 16, residual ? residual + x * channels + c : NULL));
}

#include "ref_block.h"

QR_CODE static void QR_NAME(gaussian)(uint32_t seed, enum qa_purpose purpose, uint32_t layer, uint32_t inference, uint32_t first_pair, uint32_t pairs, int16_t *eps)
{
    bm_fill(seed, purpose, layer, inference, first_pair, pairs, eps);
}

static const struct qr_kernels QR_NAME(kernels) = {
    .widen = QR_NAME(widen), .conv = QR_NAME(conv), .winograd = QR_NAME(winograd), .depthwise = QR_NAME(depthwise), .tile = QR_NAME(tile), .squeeze = QR_NAME(squeeze), .spread = QR_NAME(spread), .denoise = QR_NAME(denoise), .post = QR_NAME(post),
    .gaussian = QR_NAME(gaussian),
};
