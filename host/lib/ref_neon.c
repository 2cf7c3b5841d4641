/* SPDX-License-Identifier: Apache-2.0 */
/* The reference device's inner loops for 64-bit ARM, which always has NEON. */
#include "ref.h"

#if defined(__aarch64__)
#include <arm_neon.h>
#include <string.h>

#define QR_NAME(x) x##_neon
#define QR_CODE
#define QR_OP static inline __attribute__((always_inline))
#define QR_SUMS 4
#define QR_TWO_BLOCKS 0

typedef struct {
    int32x4_t v[4];
} I16;
typedef int16x8x2_t PAIR_HALF; /* weights of eight outputs: first inputs, second inputs */
typedef struct {
    PAIR_HALF lo, hi;
} PAIRS;
typedef int16x4_t PAIR;
QR_OP I16 i16_load32(const int32_t *p) { return (I16){{vld1q_s32(p), vld1q_s32(p + 4), vld1q_s32(p + 8), vld1q_s32(p + 12)}}; }
QR_OP void i16_store(int32_t *p, I16 x)
{
    for (int i = 0; i < 4; i++)
        vst1q_s32(p + 4 * i, x.v[i]);
}
QR_OP PAIRS i16_load_pairs(const int16_t *p) { return (PAIRS){vld2q_s16(p), vld2q_s16(p + 16)}; }
QR_OP PAIR i16_broadcast(const int16_t *p)
{
    int32_t pair;
    memcpy(&pair, p, sizeof pair);
    return vreinterpret_s16_s32(vdup_n_s32(pair));
}
QR_OP I16 i16_madd(I16 sum, PAIR a, PAIRS w)
{
    sum.v[0] = vmlal_lane_s16(vmlal_lane_s16(sum.v[0], vget_low_s16(w.lo.val[0]), a, 0), vget_low_s16(w.lo.val[1]), a, 1);
    sum.v[1] = vmlal_lane_s16(vmlal_lane_s16(sum.v[1], vget_high_s16(w.lo.val[0]), a, 0), vget_high_s16(w.lo.val[1]), a, 1);
    sum.v[2] = vmlal_lane_s16(vmlal_lane_s16(sum.v[2], vget_low_s16(w.hi.val[0]), a, 0), vget_low_s16(w.hi.val[1]), a, 1);
    sum.v[3] = vmlal_lane_s16(vmlal_lane_s16(sum.v[3], vget_high_s16(w.hi.val[0]), a, 0), vget_high_s16(w.hi.val[1]), a, 1);
    return sum;
}
QR_OP I16 i16_mul_add(I16 sum, const int16_t *p, PAIRS w)
{
    int16x8_t lo = vld1q_s16(p), hi = vld1q_s16(p + 8);
    sum.v[0] = vmlal_s16(sum.v[0], vget_low_s16(lo), vget_low_s16(w.lo.val[0]));
    sum.v[1] = vmlal_high_s16(sum.v[1], lo, w.lo.val[0]);
    sum.v[2] = vmlal_s16(sum.v[2], vget_low_s16(hi), vget_low_s16(w.hi.val[0]));
    sum.v[3] = vmlal_high_s16(sum.v[3], hi, w.hi.val[0]);
    return sum;
}

#define VN 4
typedef int32x4_t V;
QR_OP V v_min(V a, V b) { return vminq_s32(a, b); }
QR_OP V v_max(V a, V b) { return vmaxq_s32(a, b); }
QR_OP V v_load16(const int16_t *p) { return vmovl_s16(vld1_s16(p)); }
QR_OP V v_load8(const int8_t *p)
{
    int32_t four;
    memcpy(&four, p, sizeof four);
    return vmovl_s16(vget_low_s16(vmovl_s8(vreinterpret_s8_s32(vdup_n_s32(four)))));
}
QR_OP void v_store8(int8_t *p, V x)
{
    int16x4_t half = vmovn_s32(x);
    int32_t four = vget_lane_s32(vreinterpret_s32_s8(vmovn_s16(vcombine_s16(half, half))), 0);
    memcpy(p, &four, sizeof four);
}
QR_OP V v_mul_add16(V sum, V a, V b) { return vmlaq_s32(sum, a, b); }
QR_OP V v_pairs(V sum, V a, V b)
{
    int16x8_t x = vreinterpretq_s16_s32(a), y = vreinterpretq_s16_s32(b);
    int32x4_t low = vmull_s16(vget_low_s16(x), vget_low_s16(y)), high = vmull_high_s16(x, y);
    return vaddq_s32(sum, vpaddq_s32(low, high));
}
QR_OP V dot(const int32_t *in, const int32_t *weights, size_t n)
{
    V sum = vdupq_n_s32(0);
    for (size_t i = 0; i < n; i += VN)
        sum = v_pairs(sum, vld1q_s32(in + i), vld1q_s32(weights + i));
    return sum;
}
QR_OP V v_dots(const int32_t *in, const int32_t *weights, size_t n)
{
    return vpaddq_s32(vpaddq_s32(dot(in, weights, n), dot(in + n, weights, n)), vpaddq_s32(dot(in + 2 * n, weights, n), dot(in + 3 * n, weights, n)));
}
QR_OP V v_upper(V a, V b)
{
    return vuzp2q_s32(vreinterpretq_s32_s64(vmull_s32(vget_low_s32(a), vget_low_s32(b))), vreinterpretq_s32_s64(vmull_high_s32(a, b)));
}

#include "ref_kernels.h"

const struct qr_kernels *qr_kernels_neon(void) { return &kernels_neon; }
#else
const struct qr_kernels *qr_kernels_neon(void) { return NULL; }
#endif
