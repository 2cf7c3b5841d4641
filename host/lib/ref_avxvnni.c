/* SPDX-License-Identifier: Apache-2.0 */
/* The reference device's inner loops for AVX2 with AVX-VNNI: multiply and add in one instruction. */
#include "ref.h"

#if defined(__x86_64__)
#include <cpuid.h>

#define QR_NAME(x) x##_avxvnni
#define QR_CODE __attribute__((target("avx2,avxvnni")))
#define QR_MADD256(sum, a, b) _mm256_dpwssd_avx_epi32(sum, a, b)
#include "ref_256.h"

const struct qr_kernels *qr_kernels_avxvnni(void)
{
    unsigned a, b, c, d; /* not every compiler's __builtin_cpu_supports knows it */
    return __builtin_cpu_supports("avx2") && __get_cpuid_count(7, 1, &a, &b, &c, &d) && (a >> 4 & 1) ? &kernels_avxvnni : NULL;
}
#else
const struct qr_kernels *qr_kernels_avxvnni(void) { return NULL; }
#endif
