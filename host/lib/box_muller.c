/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Box-Muller in fixed point: the definition of docs/noise.md, one pair at a time and, with the same results, many. No branch
 * depends on a sample. Tables: tools/gen_box_muller.py.
 */
#include "arith.h"
#include "box_muller_tables.h"
#include "threefry_rounds.h"
#include <string.h>

/* v = 0...2^47 - 1 -> {E, segment, t}: E = 17 + floor(log2 v), or 0; then the 17 bits below the leading one. */
static inline uint32_t normalise(uint64_t v)
{
    /* 2^52 + v - 2^52 is exact: exponent and mantissa of the double are what is wanted, and this vectorises. */
    uint64_t bits = v | 0x4330000000000000u;
    double d;
    memcpy(&d, &bits, 8);
    d -= 0x1p52;
    memcpy(&bits, &d, 8);
    int32_t code = (int32_t)(bits >> 35) - ((1023 - 17) << 17);
    return (uint32_t)(code < 0 ? 0 : code);
}

/* half 0 (u0 below 2^47) or 1, a code of normalise() -> r, Q4.14. */
static inline uint32_t radius(uint32_t half, uint32_t code)
{
    uint32_t address = half << 9 | code >> 14;
    int32_t t = (int32_t)(code & 0x3FFF);
    int32_t c0_c2 = bm_c0_c2[address];
    int32_t q = bm_c1[address] + (((c0_c2 >> 20) * t) >> 13);  /* s.20 */
    return (uint32_t)((c0_c2 & 0xFFFFF) + ((q * t) >> 18)) >> 2; /* 18 + 14 bits: fits int32 */
}

/* r (Q4.14) times |cos| or |sin| (Q0.18) -> s4.11 with the sign (0 or -1) put on; halves go away from zero. */
static inline int16_t product(uint32_t r, uint32_t magnitude, int32_t sign)
{
    int32_t p = (int32_t)(((uint64_t)(r << 6) * (magnitude << 6)) >> 32); /* r*magnitude >> 20: one bit more than the result has */
    return (int16_t)(((p ^ sign) + 1) >> 1);
}

/* |cos| and |sin|, Q0.18, of the angle 2 pi (u1 + 1/2) / 2^16. */
static inline void angle(uint32_t u1, int32_t *cosine, int32_t *sine)
{
    /* Quadrants 1 and 3 run backwards, so that cos and sin keep their places. */
    uint32_t index = (u1 ^ -(u1 >> 14 & 1)) & 0x3FFF;
    int32_t c = bm_cos[index >> 5], s = bm_sin[index >> 5], turn = bm_turn[index & 31];
    /* cos(a + d) = cos a - d sin a: what is left out is below 2^-19. Rounded at two bits more than Q0.18. */
    *cosine = (4 * c + 2 - ((s * turn) >> 18)) >> 2;
    *sine = (4 * s + 2 + ((c * turn) >> 18)) >> 2;
}

static inline void evaluate(uint32_t r, uint32_t u1, int16_t *eps)
{
    int32_t cosine, sine, sign_sin = -(int32_t)(u1 >> 15 & 1), sign_cos = sign_sin ^ -(int32_t)(u1 >> 14 & 1);
    angle(u1, &cosine, &sine);
    eps[0] = product(r, (uint32_t)cosine, sign_cos);
    eps[1] = product(r, (uint32_t)sine, sign_sin);
}

void qa_box_muller(uint64_t u0, uint32_t u1, int16_t eps[2])
{
    uint64_t half = u0 >> 47 & 1;
    evaluate(radius((uint32_t)half, normalise((u0 ^ -half) & 0x7FFFFFFFFFFF)), u1, eps);
}

void qa_gaussian_pair(uint32_t seed, enum qa_purpose purpose, uint32_t layer, uint32_t inference, uint32_t pair, int16_t eps[2])
{
    const uint32_t key[2] = {seed, ((uint32_t)purpose << 24) + layer}, ctr[2] = {inference, pair};
    uint32_t x[2];
    qa_threefry2x32(key, ctr, x);
    qa_box_muller(x[0] | (uint64_t)(x[1] & 0xFFFF) << 32, x[1] >> 16, eps);
}

/* Large enough to fill vectors, small enough to stay in the first-level cache beside the tables. */
#define BLOCK 64

#if defined(__x86_64__) && defined(__gnu_linux__) && defined(__GNUC__) && !defined(__clang__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define VECTORISED __attribute__((target_clones("default", "avx2", "arch=x86-64-v4"), optimize("O3")))
#else
#define VECTORISED
#endif

VECTORISED
void qa_gaussian_fill(uint32_t seed, enum qa_purpose purpose, uint32_t layer, uint32_t inference, uint32_t first_pair, uint32_t pairs, int16_t *eps)
{
    const uint32_t key1 = ((uint32_t)purpose << 24) + layer, ks[3] = {seed, key1, THREEFRY_PARITY ^ seed ^ key1};
    while (pairs > 0) {
        uint32_t low[BLOCK], high[BLOCK], r[BLOCK];
        int16_t block[2 * BLOCK];
        for (uint32_t i = 0; i < BLOCK; i++) {
            uint32_t x0 = inference + ks[0], x1 = first_pair + i + ks[1];
            THREEFRY_20_ROUNDS(x0, x1, ks);
            low[i] = x0;
            high[i] = x1;
        }
        for (uint32_t i = 0; i < BLOCK; i++) {
            uint64_t u0 = low[i] | (uint64_t)(high[i] & 0xFFFF) << 32, half = u0 >> 47;
            r[i] = (uint32_t)half << 23 | normalise((u0 ^ -half) & 0x7FFFFFFFFFFF);
        }
        for (uint32_t i = 0; i < BLOCK; i++)
            r[i] = radius(r[i] >> 23, r[i] & 0x7FFFFF);
        for (uint32_t i = 0; i < BLOCK; i++)
            evaluate(r[i], high[i] >> 16, block + 2 * i);
        uint32_t n = pairs < BLOCK ? pairs : BLOCK;
        memcpy(eps, block, n * 2 * sizeof *eps);
        eps += 2 * n;
        first_pair += n;
        pairs -= n;
    }
}
