/* SPDX-License-Identifier: Apache-2.0 */
/* The definitions that ref_kernels.h wants, on 256-bit vectors; W are doubles, since AVX2 neither shifts nor compares 64-bit integers in one step. Before it: QR_NAME, QR_CODE, and
 * QR_MADD256(sum, a, b): sum of int32 plus the products of int16 added in pairs. */
#include <immintrin.h>
#include <string.h>

#define QR_OP QR_CODE static inline __attribute__((always_inline))
#define BM_LANES 8
#define QR_SUMS 4
#define QR_TWO_BLOCKS 0

typedef struct {
    __m256i lo, hi;
} I16;
typedef I16 PAIRS;
typedef __m256i PAIR;
QR_OP __m256i load256(const void *p) { return _mm256_loadu_si256(p); }
QR_OP I16 i16_load32(const int32_t *p) { return (I16){load256(p), load256(p + 8)}; }
QR_OP void i16_store(int32_t *p, I16 x)
{
    _mm256_storeu_si256((__m256i *)p, x.lo);
    _mm256_storeu_si256((__m256i *)(p + 8), x.hi);
}
QR_OP PAIRS i16_load_pairs(const int16_t *p) { return (I16){load256(p), load256(p + 16)}; }
QR_OP PAIR i16_broadcast(const int16_t *p)
{
    int32_t pair;
    memcpy(&pair, p, sizeof pair);
    return _mm256_set1_epi32(pair);
}
QR_OP I16 i16_madd(I16 sum, PAIR a, PAIRS w) { return (I16){QR_MADD256(sum.lo, a, w.lo), QR_MADD256(sum.hi, a, w.hi)}; }
QR_OP I16 i16_mul_add(I16 sum, const int16_t *p, PAIRS w)
{
    __m256i lo = _mm256_cvtepi16_epi32(_mm_loadu_si128((const __m128i *)p)), hi = _mm256_cvtepi16_epi32(_mm_loadu_si128((const __m128i *)(p + 8)));
    return (I16){QR_MADD256(sum.lo, lo, w.lo), QR_MADD256(sum.hi, hi, w.hi)};
}

#define QR_EXACT_BITS 53
#define WN 4
typedef __m256d W;
typedef __m256d S; /* 2^-s */
QR_OP W w_set(int64_t x) { return _mm256_set1_pd((double)x); }
QR_OP S w_bits(int s) { return _mm256_set1_pd(1.0 / (double)(INT64_C(1) << s)); }
QR_OP S w_load_bits(const struct qr_layer *l, uint32_t c) { return _mm256_loadu_pd(l->scale + c); }
QR_OP W w_load32(const int32_t *p) { return _mm256_cvtepi32_pd(_mm_loadu_si128((const __m128i *)p)); }
QR_OP W w_load16(const int16_t *p) { return _mm256_cvtepi32_pd(_mm_cvtepi16_epi32(_mm_loadl_epi64((const __m128i *)p))); }
QR_OP void w_store32(int32_t *p, W x) { _mm_storeu_si128((__m128i *)p, _mm256_cvtpd_epi32(x)); }
QR_OP W w_add(W a, W b) { return _mm256_add_pd(a, b); }
QR_OP W w_sub(W a, W b) { return _mm256_sub_pd(a, b); }
QR_OP W w_mul(W a, W b) { return _mm256_mul_pd(a, b); }
QR_OP W w_min(W a, W b) { return _mm256_min_pd(a, b); }
QR_OP W w_max(W a, W b) { return _mm256_max_pd(a, b); }
QR_OP W w_floor(W x, S s) { return _mm256_floor_pd(_mm256_mul_pd(x, s)); }
QR_OP W w_rhe(W x, S s) { return _mm256_round_pd(_mm256_mul_pd(x, s), _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
/* With 1.5 * 2^52 added the lowest bit of a whole number is that of the double. */
QR_OP W w_rto(W x, S s)
{
    const W all = _mm256_set1_pd(0x1.8p52), one = _mm256_castsi256_pd(_mm256_set1_epi64x(1));
    W p = w_min(w_max(_mm256_mul_pd(x, s), w_set(-(1 << 24))), w_set(1 << 24)), q = _mm256_floor_pd(p);
    return w_sub(_mm256_or_pd(w_add(q, all), _mm256_and_pd(_mm256_cmp_pd(p, q, _CMP_NEQ_OQ), one)), all);
}

#include "ref_kernels.h"
