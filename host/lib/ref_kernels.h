/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The reference device's inner loops, included once for each instruction set after `#pragma GCC target` and these definitions:
 *   I16, PIXELS   QR_LANES accumulators (int32) and how many pixels are done at a time
 *   i16_*         operations on I16
 *   W, WN, w_*    vectors of WN int64 and operations on them; products are of the low 32 bits, signed
 * Loops on int32 are left to the compiler. Names end in the instruction set's, by way of QR_NAME.
 */
#include <stddef.h>

/* x / 2^s rounded half to even, half = 2^(s-1): adding half - 1 plus the lowest bit that stays carries exactly when it must. */
static inline W w_rhe(W x, W s, W half, W one) { return w_sra(w_add(x, w_add(w_sub(half, one), w_and(w_sra(x, s), one))), s); }
static inline W w_clamp(W x, W lo, W hi) { return w_min(w_max(x, lo), hi); }

static void QR_NAME(widen)(const int8_t *restrict codes, int32_t z, uint32_t n, int16_t *restrict d)
{
    int16_t zero = (int16_t)z;
    for (uint32_t i = 0; i < n; i++)
        d[i] = (int16_t)(codes[i] - zero);
}

/* `pixels` (a constant where it is inlined) neighbouring outputs of one block. */
static inline __attribute__((always_inline)) void QR_NAME(conv_pixels)(const struct qr_conv *conv, const int16_t *in, const int16_t *weights, const int32_t *bias, uint32_t pixels, int32_t *acc, size_t acc_stride)
{
    I16 sum[PIXELS];
    size_t step = (size_t)conv->stride * conv->pixel;
    uint32_t pairs = conv->pairs, kernel = conv->kernel;
    for (uint32_t p = 0; p < pixels; p++)
        sum[p] = i16_load32(bias);
    for (uint32_t ky = 0; ky < kernel; ky++)
        for (uint32_t kx = 0; kx < kernel; kx++) {
            const int16_t *from = in + ky * conv->row + kx * conv->pixel;
            for (uint32_t i = 0; i < pairs; i++, weights += 2 * QR_LANES, from += 2) {
                I16 w = i16_load_pairs(weights);
#pragma GCC unroll 8
                for (uint32_t p = 0; p < pixels; p++)
                    sum[p] = i16_madd(sum[p], i16_broadcast(from + p * step), w);
            }
        }
    for (uint32_t p = 0; p < pixels; p++)
        i16_store(acc + p * acc_stride, sum[p]);
}

static void QR_NAME(conv)(const struct qr_conv *conv, const int16_t *in, uint32_t pixels, int32_t *acc)
{
    size_t stride = (size_t)conv->blocks * QR_LANES, step = (size_t)conv->stride * conv->pixel, weights = (size_t)conv->kernel * conv->kernel * conv->pairs * 2 * QR_LANES;
    for (uint32_t b = 0; b < conv->blocks; b++) {
        const int16_t *w = conv->weights + b * weights;
        const int32_t *bias = conv->bias + b * QR_LANES;
        uint32_t x = 0;
        for (; x + PIXELS <= pixels; x += PIXELS)
            QR_NAME(conv_pixels)(conv, in + x * step, w, bias, PIXELS, acc + x * stride + b * QR_LANES, stride);
        for (; x < pixels; x++)
            QR_NAME(conv_pixels)(conv, in + x * step, w, bias, 1, acc + x * stride + b * QR_LANES, stride);
    }
}

static void QR_NAME(depthwise)(const struct qr_depthwise *conv, const int16_t *in, uint32_t pixels, int32_t *acc)
{
    size_t lanes = (size_t)conv->blocks * QR_LANES;
    for (uint32_t b = 0; b < conv->blocks; b++) {
        I16 w[9], bias = i16_load32(conv->bias + b * QR_LANES);
        for (uint32_t t = 0; t < 9; t++)
            w[t] = i16_load_pairs(conv->weights + (t * lanes + b * QR_LANES) * 2);
        for (uint32_t x = 0; x < pixels; x++) {
            const int16_t *from = in + (size_t)x * conv->stride * conv->pixel + b * QR_LANES;
            I16 sum = bias;
            for (uint32_t t = 0; t < 9; t++)
                sum = i16_madd(sum, i16_widen(from + t / 3 * conv->row + t % 3 * conv->pixel), w[t]);
            i16_store(acc + x * lanes + b * QR_LANES, sum);
        }
    }
}

static void QR_NAME(values)(const struct qr_layer *l, const int32_t *acc, const int16_t *eps, uint32_t pixels, int32_t *v)
{
    const W one = w_set(1), least = w_set(-(1 << 23)), most = w_set((1 << 23) - 1), zero = w_set(0);
    const W add = w_set(l->t.sigma_add), mul = w_set(l->t.sigma_mul), round14 = w_set(1 << 13), round16 = w_set(1 << 15), round11 = w_set(1 << 10);
    for (uint32_t x = 0; x < pixels; x++, acc += l->lanes)
        for (uint32_t c = 0; c < l->channels; c += WN, v += WN) {
            W value = w_clamp(w_rhe(w_mul(w_load32(acc + c), w_load32(l->m + c)), w_load32(l->s + c), w_load64(l->half + c), one), least, most);
            if (eps) {
                W size = w_max(value, w_sub(zero, value));
                W sg = w_min(w_add(add, w_srai(w_add(w_mul(mul, size), round14), 14)), most);
                W gained = w_srai(w_add(w_mul(value, w_load32(l->gain + c)), round16), 16);
                W noise = w_srai(w_add(w_mul(sg, w_load16(eps)), round11), 11);
                value = w_clamp(w_add(w_add(gained, w_load32(l->offset + c)), noise), least, most);
                eps += WN;
            }
            w_store32(v, value);
        }
}

/* As qa_rhe, on 32 bits. */
static inline int32_t QR_NAME(rhe)(int32_t x, int32_t s) { return (x + ((1 << (s - 1)) - 1) + ((x >> s) & 1)) >> s; }
static inline int32_t QR_NAME(clamp)(int32_t x, int32_t lo, int32_t hi) { return x < lo ? lo : x > hi ? hi : x; }

static void QR_NAME(codes)(const struct qr_layer *l, const int32_t *restrict v, uint32_t pixels, int8_t *restrict codes)
{
    int32_t step = l->t.adc_shift, shift = 12 + step, z = l->t.z_v;
    const int32_t *restrict a = l->a, *restrict b = l->b;
    uint32_t n = pixels * l->channels;
    if (l->t.correct)
        for (uint32_t i = 0; i < n; i++) {
            int32_t code = QR_NAME(clamp)(z + QR_NAME(rhe)(v[i], shift) * (1 << step), -128, 127);
            codes[i] = (int8_t)QR_NAME(clamp)(z + QR_NAME(rhe)((code - z) * a[i] + b[i], 14), -128, 127);
        }
    else
        for (uint32_t i = 0; i < n; i++)
            codes[i] = (int8_t)QR_NAME(clamp)(z + QR_NAME(rhe)(v[i], shift) * (1 << step), -128, 127);
}

static void QR_NAME(activate)(const int32_t *acc, const struct qr_scale *scale, uint32_t m2, uint32_t pixels, int16_t *out)
{
    const W m = w_set(scale->m), s = w_set(scale->s), half = w_set(scale->half), one = w_set(1), zero = w_set(0), most = w_set(255);
    for (uint32_t x = 0; x < pixels; x++, acc += QR_LANES) {
        int32_t lanes[QR_LANES];
        for (uint32_t j = 0; j < m2; j += WN)
            w_store32(lanes + j, w_clamp(w_rhe(w_mul(w_load32(acc + j), m), s, half, one), zero, most));
        for (uint32_t j = 0; j < m2; j++)
            *out++ = (int16_t)lanes[j];
    }
}

static inline W QR_NAME(path)(const int32_t *acc, const struct qr_scale *scale) { return w_sra(w_add(w_mul(w_load32(acc), w_set(scale->m)), w_set(scale->half)), w_set(scale->s)); }

static void QR_NAME(mu)(const struct qr_layer *l, const int32_t *acc_d, const int32_t *acc_u, uint32_t pixels, int32_t *mu)
{
    const W least = w_set(-(1 << 23)), most = w_set((1 << 23) - 1);
    for (uint32_t x = 0; x < pixels; x++)
        for (uint32_t c = 0; c < l->channels; c += WN, mu += WN) {
            W sum = w_set(0);
            if (acc_d)
                sum = QR_NAME(path)(acc_d + x * l->lanes + c, &l->sd);
            if (acc_u)
                sum = w_add(sum, QR_NAME(path)(acc_u + x * l->lanes + c, &l->su));
            w_store32(mu, w_clamp(sum, least, most));
        }
}

static void QR_NAME(sigma)(const struct qr_layer *l, const int32_t *acc_v, uint32_t pixels, int32_t *sigma)
{
    const W least = w_set(0), most = w_set(65535);
    for (uint32_t x = 0; x < pixels; x++)
        for (uint32_t c = 0; c < l->channels; c += WN, sigma += WN)
            w_store32(sigma, w_clamp(QR_NAME(path)(acc_v + x * l->lanes + c, &l->sv), least, most));
}

static void QR_NAME(denoise)(const struct qr_layer *l, const int32_t *restrict mu, const int32_t *restrict sigma, const int16_t *restrict eps, uint32_t n, int8_t *restrict codes)
{
    int32_t z = l->t.z_v;
    if (eps)
        for (uint32_t i = 0; i < n; i++) {
            int32_t t = (sigma[i] * eps[i] + 64) >> 7; /* 16 x 16 bits: fits with its rounding */
            codes[i] = (int8_t)QR_NAME(clamp)(z + QR_NAME(rhe)((codes[i] - z) * 4096 - mu[i] - t, 12), -128, 127);
        }
    else
        for (uint32_t i = 0; i < n; i++)
            codes[i] = (int8_t)QR_NAME(clamp)(z + QR_NAME(rhe)((codes[i] - z) * 4096 - mu[i], 12), -128, 127);
}

static void QR_NAME(post)(const struct qr_layer *l, const int8_t *restrict residual, uint32_t n, int8_t *restrict codes)
{
    const struct quell_layer *t = &l->t;
    int32_t z_v = t->z_v, z_res = t->z_res, z_y = t->z_y, a = t->post_a, b = t->post_b, s = t->post_shift, lo = t->lo, hi = t->hi;
    if (residual)
        for (uint32_t i = 0; i < n; i++)
            codes[i] = (int8_t)QR_NAME(clamp)(z_y + QR_NAME(rhe)((codes[i] - z_v) * a + (residual[i] - z_res) * b, s), lo, hi);
    else
        for (uint32_t i = 0; i < n; i++)
            codes[i] = (int8_t)QR_NAME(clamp)(z_y + QR_NAME(rhe)((codes[i] - z_v) * a, s), lo, hi);
}

static const struct qr_kernels QR_NAME(kernels) = {
    .widen = QR_NAME(widen), .conv = QR_NAME(conv), .depthwise = QR_NAME(depthwise), .values = QR_NAME(values), .codes = QR_NAME(codes),
    .activate = QR_NAME(activate), .mu = QR_NAME(mu), .sigma = QR_NAME(sigma), .denoise = QR_NAME(denoise), .post = QR_NAME(post),
};
