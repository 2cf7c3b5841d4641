/* SPDX-License-Identifier: Apache-2.0 */
/* The definitions that ref_kernels.h wants, on 512-bit vectors. Before it: QR_NAME, QR_CODE, and QR_MADD512(sum, a, b): sum of int32 plus the products of
 * int16 added in pairs. */
#include <immintrin.h>
#include <string.h>

#define QR_OP QR_CODE static inline __attribute__((always_inline))
#define VN 16
#define QR_SUMS 16
#define QR_TWO_BLOCKS 1

typedef __m512i I16;
typedef __m512i PAIRS;
typedef __m512i PAIR;
QR_OP I16 i16_load32(const int32_t *p) { return _mm512_loadu_si512(p); }
QR_OP void i16_store(int32_t *p, I16 x) { _mm512_storeu_si512(p, x); }
QR_OP PAIRS i16_load_pairs(const int16_t *p) { return _mm512_loadu_si512(p); }
QR_OP PAIR i16_broadcast(const int16_t *p)
{
    int32_t pair;
    memcpy(&pair, p, sizeof pair);
    return _mm512_set1_epi32(pair);
}
QR_OP I16 i16_madd(I16 sum, PAIR a, PAIRS w) { return QR_MADD512(sum, a, w); }
QR_OP I16 i16_mul_add(I16 sum, const int16_t *p, PAIRS w) { return QR_MADD512(sum, _mm512_cvtepi16_epi32(_mm256_loadu_si256((const __m256i *)p)), w); }

#include "ref_dots.h"

typedef int32_t V __attribute__((vector_size(4 * VN)));
QR_OP V v_min(V a, V b) { return (V)_mm512_min_epi32((__m512i)a, (__m512i)b); }
QR_OP V v_max(V a, V b) { return (V)_mm512_max_epi32((__m512i)a, (__m512i)b); }
QR_OP V v_load16(const int16_t *p) { return (V)_mm512_cvtepi16_epi32(_mm256_loadu_si256((const __m256i *)p)); }
QR_OP V v_load8(const int8_t *p) { return (V)_mm512_cvtepi8_epi32(_mm_loadu_si128((const __m128i *)p)); }
QR_OP void v_store8(int8_t *p, V x) { _mm_storeu_si128((__m128i *)p, _mm512_cvtepi32_epi8((__m512i)x)); }
QR_OP V v_pairs(V sum, V a, V b) { return (V)QR_MADD512((__m512i)sum, (__m512i)a, (__m512i)b); }
QR_OP V v_mul_add16(V sum, V a, V b) { return v_pairs(sum, a, b); }
QR_OP V v_dots(const int32_t *in, const int32_t *weights, size_t n)
{
    return (V)_mm512_inserti64x4(_mm512_castsi256_si512(dots256(in, weights, n)), dots256(in + 8 * n, weights, n), 1);
}
QR_OP V v_upper(V a, V b)
{
    __m512i even = _mm512_mul_epi32((__m512i)a, (__m512i)b), odd = _mm512_mul_epi32(_mm512_srli_epi64((__m512i)a, 32), _mm512_srli_epi64((__m512i)b, 32));
    return (V)_mm512_mask_shuffle_epi32(odd, 0x5555, even, _MM_PERM_DDBB);
}

#include "ref_kernels.h"
