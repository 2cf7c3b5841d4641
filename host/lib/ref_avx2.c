/* SPDX-License-Identifier: Apache-2.0 */
/* The reference device's inner loops for AVX2. */
#include "ref.h"

#if defined(__x86_64__)
#include <immintrin.h>
#include <string.h>

#pragma GCC target("avx2")

#define QR_NAME(x) x##_avx2
#define PIXELS 4

typedef struct {
    __m256i lo, hi;
} I16;
static inline __m256i load256(const void *p) { return _mm256_loadu_si256(p); }
static inline I16 i16_load32(const int32_t *p) { return (I16){load256(p), load256(p + 8)}; }
static inline void i16_store(int32_t *p, I16 x)
{
    _mm256_storeu_si256((__m256i *)p, x.lo);
    _mm256_storeu_si256((__m256i *)(p + 8), x.hi);
}
static inline I16 i16_load_pairs(const int16_t *p) { return (I16){load256(p), load256(p + 16)}; }
static inline I16 i16_widen(const int16_t *p) { return (I16){_mm256_cvtepi16_epi32(_mm_loadu_si128((const __m128i *)p)), _mm256_cvtepi16_epi32(_mm_loadu_si128((const __m128i *)(p + 8)))}; }
static inline I16 i16_madd(I16 sum, I16 a, I16 b) { return (I16){_mm256_add_epi32(sum.lo, _mm256_madd_epi16(a.lo, b.lo)), _mm256_add_epi32(sum.hi, _mm256_madd_epi16(a.hi, b.hi))}; }
static inline I16 i16_broadcast(const int16_t *p)
{
    int32_t pair;
    memcpy(&pair, p, sizeof pair);
    __m256i x = _mm256_set1_epi32(pair);
    return (I16){x, x};
}

#define WN 4
typedef __m256i W;
static inline W w_set(int64_t x) { return _mm256_set1_epi64x(x); }
static inline W w_load64(const int64_t *p) { return load256(p); }
static inline W w_load32(const int32_t *p) { return _mm256_cvtepi32_epi64(_mm_loadu_si128((const __m128i *)p)); }
static inline W w_load16(const int16_t *p) { return _mm256_cvtepi16_epi64(_mm_loadl_epi64((const __m128i *)p)); }
static inline void w_store32(int32_t *p, W x) { _mm_storeu_si128((__m128i *)p, _mm256_castsi256_si128(_mm256_permutevar8x32_epi32(x, _mm256_setr_epi32(0, 2, 4, 6, 0, 2, 4, 6)))); }
static inline W w_add(W a, W b) { return _mm256_add_epi64(a, b); }
static inline W w_sub(W a, W b) { return _mm256_sub_epi64(a, b); }
static inline W w_and(W a, W b) { return _mm256_and_si256(a, b); }
static inline W w_mul(W a, W b) { return _mm256_mul_epi32(a, b); }
static inline W w_min(W a, W b) { return _mm256_blendv_epi8(a, b, _mm256_cmpgt_epi64(a, b)); }
static inline W w_max(W a, W b) { return _mm256_blendv_epi8(b, a, _mm256_cmpgt_epi64(a, b)); }
/* AVX2 shifts 64 bits only logically: made positive by 2^62, a multiple of 2^s, which is taken off again. |x| < 2^62, s <= 62. */
static inline W w_sra(W x, W s)
{
    W bias = _mm256_set1_epi64x(INT64_C(1) << 62);
    return _mm256_sub_epi64(_mm256_srlv_epi64(_mm256_add_epi64(x, bias), s), _mm256_srlv_epi64(bias, s));
}
static inline W w_srai(W x, int s) { return w_sra(x, _mm256_set1_epi64x(s)); }

#include "ref_kernels.h"

const struct qr_kernels *qr_kernels_avx2(void)
{
    __builtin_cpu_init();
    return __builtin_cpu_supports("avx2") ? &kernels_avx2 : NULL;
}
#else
const struct qr_kernels *qr_kernels_avx2(void) { return NULL; }
#endif
