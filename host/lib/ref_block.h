/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Denoising blocks, included by ref_kernels.h. Bottlenecks are a few channels wide: here the lanes are neighbouring pixels. Activations are kept two by two, as V's 16-bit halves, in
 * planes of one pair each.
 */

/* Sums of two neighbouring activations -> a pair of them. */
QR_OP V QR_NAME(pair)(V first, V second, struct qr_scale s)
{
    const V zero = {0}, m = zero + s.m, up = zero + s.up, down = zero + s.down, lost = zero + s.lost;
    V low = v_clamp(v_rhe(v_scale_rto(first, m, up, down, lost), 2), 0, 255), high = v_clamp(v_rhe(v_scale_rto(second, m, up, down, lost), 2), 0, 255);
    return low | high << 16;
}

QR_CODE static void QR_NAME(squeeze)(const struct qr_layer *l, const int32_t *in, uint32_t pixels, size_t plane, int32_t *b1)
{
    const struct qr_block *b = &l->block;
    for (uint32_t p = 0; p < b->pairs; p++)
        for (uint32_t x = 0; x < pixels; x += VN) {
            const int32_t *from = in + (size_t)x * l->lanes, *w = b->w1 + (size_t)2 * p * l->lanes;
            V first = v_dots(from, w, l->lanes) + b->bias1[2 * p], second = v_dots(from, w + l->lanes, l->lanes) + b->bias1[2 * p + 1];
            v_store(b1 + p * plane + x, QR_NAME(pair)(first, second, l->s1));
        }
}

/* Output k of the 3x3 convolution; b1: the windows' corner. */
QR_OP V QR_NAME(spread_of)(const struct qr_block *b, const int32_t *b1, size_t row, size_t plane, uint32_t k)
{
    const int32_t *w = b->w2 + (size_t)k * b->pairs * 9;
    V sum = (V){0} + b->bias2[k];
    for (uint32_t p = 0; p < b->pairs; p++, w += 9)
        for (uint32_t tap = 0; tap < 9; tap++)
            sum = v_pairs(sum, v_load(b1 + p * plane + tap / 3 * row + tap % 3), (V){0} + w[tap]);
    return sum;
}

QR_CODE static void QR_NAME(spread)(const struct qr_layer *l, const int32_t *b1, uint32_t pixels, size_t row, size_t plane, int32_t *b2)
{
    const struct qr_block *b = &l->block;
    for (uint32_t p = 0; p < b->pairs; p++)
        for (uint32_t x = 0; x < pixels; x += VN)
            v_store(b2 + (size_t)p * b->next2 + x, QR_NAME(pair)(QR_NAME(spread_of)(b, b1 + x, row, plane, 2 * p), QR_NAME(spread_of)(b, b1 + x, row, plane, 2 * p + 1), l->s2));
}

/* Sum of one pixel's activations times weights of VN channels, [pair][lanes]. */
QR_OP V QR_NAME(widen_of)(V sum, const struct qr_block *b, const int32_t *b2, const int32_t *weights, size_t lanes)
{
    for (uint32_t p = 0; p < b->pairs; p++)
        sum = v_pairs(sum, (V){0} + b2[(size_t)p * b->next2], v_load(weights + p * lanes));
    return sum;
}

/* taps, bottleneck, sample (constants where it is inlined): how many products of pairs the depthwise path has, what else there is. Lanes beyond the channels as in post. */
QR_OP void QR_NAME(denoise_of)(const struct qr_layer *l, const int32_t *b2, const int16_t *eps, const int32_t *in, const int8_t *residual, uint32_t pixels, int8_t *codes, uint32_t taps, int bottleneck, int sample)
{
    const struct quell_layer t = l->t;
    const struct qr_block block = l->block;
    const struct qr_scale sd = l->sd, su = l->su, sv = l->sv;
    const int32_t low = l->low, high = l->high;
    const size_t channels = l->channels, lanes = l->lanes;
    for (size_t x = 0; x < pixels; x++)
        for (size_t c = 0; c < channels; c += VN) {
            const int32_t *from = in + x * lanes + c;
            const size_t at = x * channels + c;
            V sum = {0}, mu = {0};
            for (uint32_t i = 0; i < taps; i++)
                sum = v_pairs(sum, v_load(from + block.offset[i]), v_load(block.d + i * lanes + c));
            if (taps)
                mu = v_scale_rhu(sum, sd);
            if (bottleneck)
                mu += v_scale_rhu(QR_NAME(widen_of)((V){0}, &block, b2 + x, block.wu + c, lanes), su);
            V left = (v_load(from) << 16 >> 4) - (sample ? v_sat24(mu) : mu); /* without samples a mean beyond 24 bits leads beyond the limits too */
            if (sample) /* 16 x 16 bits: fits with its rounding */
                left -= (v_clamp(v_scale_rhu(QR_NAME(widen_of)(v_load(block.cv + c), &block, b2 + x, block.wv + c, lanes), sv), 0, 65535) * v_load16(eps + at) + 64) >> 7;
            v_store8(codes + at, v_post(&t, v_clamp(v_rhe(left, 12), low, high), residual ? residual + at : NULL));
        }
}

QR_CODE static void QR_NAME(denoise)(const struct qr_layer *l, const int32_t *b2, const int16_t *eps, const int32_t *in, const int8_t *residual, uint32_t pixels, int8_t *codes)
{
    uint32_t taps = l->block.taps;
    if (!eps && taps == 6 && l->bottleneck)
        QR_NAME(denoise_of)(l, b2, NULL, in, residual, pixels, codes, 6, 1, 0);
    else if (!eps && taps == 1 && l->bottleneck)
        QR_NAME(denoise_of)(l, b2, NULL, in, residual, pixels, codes, 1, 1, 0);
    else if (!eps && taps == 1)
        QR_NAME(denoise_of)(l, b2, NULL, in, residual, pixels, codes, 1, 0, 0);
    else if (!eps)
        QR_NAME(denoise_of)(l, b2, NULL, in, residual, pixels, codes, taps, 1, 0);
    else
        QR_NAME(denoise_of)(l, b2, eps, in, residual, pixels, codes, taps, 1, 1);
}
