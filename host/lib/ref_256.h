/* SPDX-License-Identifier: Apache-2.0 */
/* The definitions that ref_kernels.h wants, on 256-bit vectors. Before it: QR_NAME, QR_CODE, and
 * QR_MADD256(sum, a, b): sum of int32 plus the products of int16 added in pairs. */
#include <immintrin.h>
#include <string.h>

#define QR_OP QR_CODE static inline __attribute__((always_inline))
#define VN 8
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

#include "ref_dots.h"

typedef int32_t V __attribute__((vector_size(4 * VN)));
QR_OP V v_min(V a, V b) { return (V)_mm256_min_epi32((__m256i)a, (__m256i)b); }
QR_OP V v_max(V a, V b) { return (V)_mm256_max_epi32((__m256i)a, (__m256i)b); }
QR_OP V v_load16(const int16_t *p) { return (V)_mm256_cvtepi16_epi32(_mm_loadu_si128((const __m128i *)p)); }
QR_OP V v_load8(const int8_t *p) { return (V)_mm256_cvtepi8_epi32(_mm_loadl_epi64((const __m128i *)p)); }
QR_OP void v_store8(int8_t *p, V x)
{
    __m128i half = _mm_packs_epi32(_mm256_castsi256_si128((__m256i)x), _mm256_extracti128_si256((__m256i)x, 1));
    _mm_storel_epi64((__m128i *)p, _mm_packs_epi16(half, half));
}
QR_OP V v_pairs(V sum, V a, V b) { return (V)QR_MADD256((__m256i)sum, (__m256i)a, (__m256i)b); }
QR_OP V v_mul_add16(V sum, V a, V b) { return v_pairs(sum, a, b); }
QR_OP V v_dots(const int32_t *in, const int32_t *weights, size_t n) { return (V)dots256(in, weights, n); }
QR_OP V v_upper(V a, V b)
{
    __m256i even = _mm256_mul_epi32((__m256i)a, (__m256i)b), odd = _mm256_mul_epi32(_mm256_srli_epi64((__m256i)a, 32), _mm256_srli_epi64((__m256i)b, 32));
    return (V)_mm256_blend_epi32(_mm256_srli_epi64(even, 32), odd, 0xAA);
}

#include "ref_kernels.h"
