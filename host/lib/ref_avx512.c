/* SPDX-License-Identifier: Apache-2.0 */
/* The reference device's inner loops for AVX-512 (F, BW, DQ, VL). */
#include "ref.h"

#if defined(__x86_64__)
#include <immintrin.h>
#include <string.h>

#pragma GCC target("avx2,avx512f,avx512bw,avx512dq,avx512vl,prefer-vector-width=512")

#define QR_NAME(x) x##_avx512
#define PIXELS 8

typedef __m512i I16;
static inline I16 i16_load32(const int32_t *p) { return _mm512_loadu_si512(p); }
static inline void i16_store(int32_t *p, I16 x) { _mm512_storeu_si512(p, x); }
static inline I16 i16_load_pairs(const int16_t *p) { return _mm512_loadu_si512(p); }
static inline I16 i16_widen(const int16_t *p) { return _mm512_cvtepi16_epi32(_mm256_loadu_si256((const __m256i *)p)); }
static inline I16 i16_madd(I16 sum, I16 a, I16 b) { return _mm512_add_epi32(sum, _mm512_madd_epi16(a, b)); }
static inline I16 i16_broadcast(const int16_t *p)
{
    int32_t pair;
    memcpy(&pair, p, sizeof pair);
    return _mm512_set1_epi32(pair);
}

#define WN 8
typedef __m512i W;
static inline W w_set(int64_t x) { return _mm512_set1_epi64(x); }
static inline W w_load64(const int64_t *p) { return _mm512_loadu_si512(p); }
static inline W w_load32(const int32_t *p) { return _mm512_cvtepi32_epi64(_mm256_loadu_si256((const __m256i *)p)); }
static inline W w_load16(const int16_t *p) { return _mm512_cvtepi16_epi64(_mm_loadu_si128((const __m128i *)p)); }
static inline void w_store32(int32_t *p, W x) { _mm256_storeu_si256((__m256i *)p, _mm512_cvtepi64_epi32(x)); }
static inline W w_add(W a, W b) { return _mm512_add_epi64(a, b); }
static inline W w_sub(W a, W b) { return _mm512_sub_epi64(a, b); }
static inline W w_and(W a, W b) { return _mm512_and_si512(a, b); }
static inline W w_mul(W a, W b) { return _mm512_mul_epi32(a, b); }
static inline W w_min(W a, W b) { return _mm512_min_epi64(a, b); }
static inline W w_max(W a, W b) { return _mm512_max_epi64(a, b); }
static inline W w_sra(W x, W s) { return _mm512_srav_epi64(x, s); }
#define w_srai(x, s) _mm512_srai_epi64(x, s)

#include "ref_kernels.h"

const struct qr_kernels *qr_kernels_avx512(void)
{
    __builtin_cpu_init();
    int have = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
    return have ? &kernels_avx512 : NULL;
}
#else
const struct qr_kernels *qr_kernels_avx512(void) { return NULL; }
#endif
