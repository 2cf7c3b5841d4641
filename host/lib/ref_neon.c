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

/* Doubles here too: products, roundings and limits are single instructions. */
#define QR_EXACT_BITS 53
#define WN 4
typedef struct {
    float64x2_t lo, hi;
} W;
typedef W S; /* 2^-s */
QR_OP W w_set(int64_t x) { return (W){vdupq_n_f64((double)x), vdupq_n_f64((double)x)}; }
QR_OP S w_bits(int s)
{
    double power = 1.0 / (double)(INT64_C(1) << s);
    return (W){vdupq_n_f64(power), vdupq_n_f64(power)};
}
QR_OP S w_load_bits(const struct qr_layer *l, uint32_t c) { return (W){vld1q_f64(l->scale + c), vld1q_f64(l->scale + c + 2)}; }
QR_OP W w_of(int32x4_t x) { return (W){vcvtq_f64_s64(vmovl_s32(vget_low_s32(x))), vcvtq_f64_s64(vmovl_high_s32(x))}; }
QR_OP W w_load32(const int32_t *p) { return w_of(vld1q_s32(p)); }
QR_OP W w_load16(const int16_t *p) { return w_of(vmovl_s16(vld1_s16(p))); }
QR_OP void w_store32(int32_t *p, W x) { vst1q_s32(p, vmovn_high_s64(vmovn_s64(vcvtq_s64_f64(x.lo)), vcvtq_s64_f64(x.hi))); }
QR_OP W w_add(W a, W b) { return (W){vaddq_f64(a.lo, b.lo), vaddq_f64(a.hi, b.hi)}; }
QR_OP W w_sub(W a, W b) { return (W){vsubq_f64(a.lo, b.lo), vsubq_f64(a.hi, b.hi)}; }
QR_OP W w_mul(W a, W b) { return (W){vmulq_f64(a.lo, b.lo), vmulq_f64(a.hi, b.hi)}; }
QR_OP W w_min(W a, W b) { return (W){vminq_f64(a.lo, b.lo), vminq_f64(a.hi, b.hi)}; }
QR_OP W w_max(W a, W b) { return (W){vmaxq_f64(a.lo, b.lo), vmaxq_f64(a.hi, b.hi)}; }
QR_OP W w_floor(W x, S s) { return (W){vrndmq_f64(vmulq_f64(x.lo, s.lo)), vrndmq_f64(vmulq_f64(x.hi, s.hi))}; }
QR_OP W w_rhe(W x, S s) { return (W){vrndnq_f64(vmulq_f64(x.lo, s.lo)), vrndnq_f64(vmulq_f64(x.hi, s.hi))}; }
/* With 1.5 * 2^52 added the lowest bit of a whole number is that of the double. */
QR_OP float64x2_t rto(float64x2_t x, float64x2_t s)
{
    const float64x2_t all = vdupq_n_f64(0x1.8p52);
    float64x2_t p = vminq_f64(vmaxq_f64(vmulq_f64(x, s), vdupq_n_f64(-(1 << 24))), vdupq_n_f64(1 << 24)), q = vrndmq_f64(p);
    uint64x2_t lost = vbicq_u64(vdupq_n_u64(1), vceqq_f64(p, q));
    return vsubq_f64(vreinterpretq_f64_u64(vorrq_u64(vreinterpretq_u64_f64(vaddq_f64(q, all)), lost)), all);
}
QR_OP W w_rto(W x, S s) { return (W){rto(x.lo, s.lo), rto(x.hi, s.hi)}; }

#include "ref_kernels.h"

const struct qr_kernels *qr_kernels_neon(void) { return &kernels_neon; }
#else
const struct qr_kernels *qr_kernels_neon(void) { return NULL; }
#endif
