/* SPDX-License-Identifier: Apache-2.0 */
/* The reference device's inner loops for AVX-512 with VNNI: multiply and add in one instruction. */
#include "ref.h"

#if defined(__x86_64__)
#if defined(__clang__)
#define QR_CODE __attribute__((target("avx2,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni"), min_vector_width(512)))
#else
#define QR_CODE __attribute__((target("avx2,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,prefer-vector-width=512")))
#endif
#define QR_NAME(x) x##_avx512vnni
#define QR_MADD512(sum, a, b) _mm512_dpwssd_epi32(sum, a, b)
#include "ref_512.h"

const struct qr_kernels *qr_kernels_avx512vnni(void) { return qr_kernels_avx512() && __builtin_cpu_supports("avx512vnni") ? &kernels_avx512vnni : NULL; }
#else
const struct qr_kernels *qr_kernels_avx512vnni(void) { return NULL; }
#endif
