/* SPDX-License-Identifier: Apache-2.0 */
/* The reference device's inner loops for AVX-512 (F, BW, DQ, VL). */
#include "ref.h"

#if defined(__x86_64__)
#if defined(__clang__)
#define QR_CODE __attribute__((target("avx2,avx512f,avx512bw,avx512dq,avx512vl"), min_vector_width(512)))
#else
#define QR_CODE __attribute__((target("avx2,avx512f,avx512bw,avx512dq,avx512vl,prefer-vector-width=512")))
#endif
#define QR_NAME(x) x##_avx512
#define QR_MADD512(sum, a, b) _mm512_add_epi32(sum, _mm512_madd_epi16(a, b))
#include "ref_512.h"

const struct qr_kernels *qr_kernels_avx512(void)
{
    int have = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
    return have ? &kernels_avx512 : NULL;
}
#else
const struct qr_kernels *qr_kernels_avx512(void) { return NULL; }
#endif
