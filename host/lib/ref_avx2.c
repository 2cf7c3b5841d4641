/* SPDX-License-Identifier: Apache-2.0 */
/* The reference device's inner loops for AVX2. */
#include "ref.h"

#if defined(__x86_64__)
#define QR_NAME(x) x##_avx2
#define QR_CODE __attribute__((target("avx2")))
#define QR_MADD256(sum, a, b) _mm256_add_epi32(sum, _mm256_madd_epi16(a, b))
#include "ref_256.h"

const struct qr_kernels *qr_kernels_avx2(void) { return __builtin_cpu_supports("avx2") ? &kernels_avx2 : NULL; }
#else
const struct qr_kernels *qr_kernels_avx2(void) { return NULL; }
#endif
