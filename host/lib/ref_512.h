/* SPDX-License-Identifier: Apache-2.0 */
/* The definitions that ref_kernels.h wants, on 512-bit vectors; W are int64. Before it: QR_NAME, QR_CODE, and QR_MADD512(sum, a, b): sum of int32 plus the products of
 * int16 added in pairs. */
#include <immintrin.h>
#include <string.h>

#define QR_OP QR_CODE static inline __attribute__((always_inline))
#define BM_LANES 16
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

#define QR_EXACT_BITS 63
#define WN 8
typedef __m512i W;
typedef __m512i S;
QR_OP W w_set(int64_t x) { return _mm512_set1_epi64(x); }
QR_OP S w_bits(int s) { return _mm512_set1_epi64(s); }
QR_OP W w_load32(const int32_t *p) { return _mm512_cvtepi32_epi64(_mm256_loadu_si256((const __m256i *)p)); }
QR_OP S w_load_bits(const struct qr_layer *l, uint32_t c) { return w_load32(l->s + c); }
QR_OP W w_load16(const int16_t *p) { return _mm512_cvtepi16_epi64(_mm_loadu_si128((const __m128i *)p)); }
QR_OP void w_store32(int32_t *p, W x) { _mm256_storeu_si256((__m256i *)p, _mm512_cvtepi64_epi32(x)); }
QR_OP W w_add(W a, W b) { return _mm512_add_epi64(a, b); }
QR_OP W w_sub(W a, W b) { return _mm512_sub_epi64(a, b); }
QR_OP W w_mul(W a, W b) { return _mm512_mul_epi32(a, b); }
QR_OP W w_min(W a, W b) { return _mm512_min_epi64(a, b); }
QR_OP W w_max(W a, W b) { return _mm512_max_epi64(a, b); }
QR_OP W w_floor(W x, S s) { return _mm512_srav_epi64(x, s); }
QR_OP W w_rto(W x, S s)
{
    W q = w_floor(x, s);
    return _mm512_mask_or_epi64(q, _mm512_cmpneq_epi64_mask(x, _mm512_sllv_epi64(q, s)), q, w_set(1));
}
/* half - 1 plus the lowest bit that stays carries exactly when it must. */
QR_OP W w_rhe(W x, S s)
{
    const W one = w_set(1);
    W half = _mm512_srli_epi64(_mm512_sllv_epi64(one, s), 1);
    return w_floor(w_add(x, w_add(w_sub(half, one), _mm512_and_si512(w_floor(x, s), one))), s);
}

#include "ref_kernels.h"
