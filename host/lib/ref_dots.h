/* SPDX-License-Identifier: Apache-2.0 */
/* v_dots on 256-bit vectors, for AVX2 and AVX-512: eight rows' products are added up in a tree. */
QR_OP __m256i dot256(const int32_t *in, const int32_t *weights, size_t n)
{
    __m256i sum = _mm256_setzero_si256();
    for (size_t i = 0; i < n; i += 8)
        sum = _mm256_add_epi32(sum, _mm256_madd_epi16(_mm256_loadu_si256((const __m256i *)(in + i)), _mm256_loadu_si256((const __m256i *)(weights + i))));
    return sum;
}

QR_OP __m256i dots256(const int32_t *in, const int32_t *weights, size_t n)
{
    __m256i four[2];
    for (size_t i = 0; i < 2; i++, in += 4 * n)
        four[i] = _mm256_hadd_epi32(_mm256_hadd_epi32(dot256(in, weights, n), dot256(in + n, weights, n)), _mm256_hadd_epi32(dot256(in + 2 * n, weights, n), dot256(in + 3 * n, weights, n)));
    return _mm256_add_epi32(_mm256_permute2x128_si256(four[0], four[1], 0x20), _mm256_permute2x128_si256(four[0], four[1], 0x31));
}
