/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Box-Muller in fixed point: the definition of docs/noise.md, one pair at a time and, with the same results, in blocks. Everything here is inlined, so
 * that the blocks become vector code of whatever instruction set the caller is compiled for. Tables: tools/gen_box_muller.py. Internal to libquell.
 */
#ifndef QUELL_BOX_MULLER_H
#define QUELL_BOX_MULLER_H

#include <string.h>

#include "arith.h"
#include "box_muller_pairs.h"
#include "box_muller_tables.h"
#include "threefry_rounds.h"

#define BM_INLINE static inline __attribute__((always_inline))

/* v = 0...2^47 - 1 -> {E, segment, t}: E = 17 + floor(log2 v), or 0; then the 17 bits below the leading one. */
BM_INLINE uint32_t bm_normalise(uint64_t v)
{
    if (!v)
        return 0;
    unsigned top = 63 - (unsigned)__builtin_clzll(v);
    return (17 + top) << 17 | ((uint32_t)(top > 17 ? v >> (top - 17) : v << (17 - top)) & 0x1FFFF);
}

/* The same for v >= 2^33 from v >> 16 alone, by way of a float, which vectorises: no more than 24 bits are left, so nothing is rounded up. */
BM_INLINE uint32_t bm_normalise_high(int32_t high)
{
    float f = (float)(high & (high >= 1 << 24 ? ~0x7F : ~0));
    uint32_t bits;
    memcpy(&bits, &f, sizeof bits);
    return (bits >> 6) - ((127u - 33u) << 17);
}

/* Entries of the radius table, 14 bits of t -> r, Q4.14. */
BM_INLINE uint32_t bm_radius(int32_t c0_c2, int32_t c1, int32_t t)
{
    int32_t q = c1 + (((c0_c2 >> 20) * t) >> 13);                     /* s.20 */
    return (uint32_t)((c0_c2 & 0xFFFFF) + ((q * t) >> 18)) >> 2;      /* 18 + 14 bits: fits int32 */
}

/* Place on the quarter turn, 14 bits. Quadrants 1 and 3 run backwards, so that cos and sin keep their places. */
BM_INLINE uint32_t bm_place(uint32_t u1) { return (u1 ^ -(u1 >> 14 & 1)) & 0x3FFF; }

/* r (Q4.14) times |cos| or |sin| (Q0.18) -> s4.11 with the sign (0 or -1) put on; halves go away from zero. */
BM_INLINE int16_t bm_product(uint32_t r, uint32_t magnitude, int32_t sign)
{
    int32_t p = (int32_t)(((r >> 9) * magnitude + ((r & 0x1FF) * magnitude >> 9)) >> 11); /* r*magnitude >> 20, in two parts of 27 bits: one bit more than the result has */
    return (int16_t)(((p ^ sign) + 1) >> 1);
}

/* |cos| and |sin|, Q0.18, of a place on the quarter turn. c, s: entries of the angle table there; step: the place's lowest five bits. */
BM_INLINE void bm_angle(int32_t c, int32_t s, int32_t step, int32_t *cosine, int32_t *sine)
{
    int32_t turn = ((2 * step - 31) * BM_TURN + (1 << 15)) >> 16;
    /* cos(a + d) = cos a - d sin a: what is left out is below 2^-19. Rounded at two bits more than Q0.18. */
    *cosine = (4 * c + 2 - ((s * turn) >> 18)) >> 2;
    *sine = (4 * s + 2 + ((c * turn) >> 18)) >> 2;
}

/* r and angle 2 pi (u1 + 1/2) / 2^16 -> both samples; c, s, step as for bm_angle. */
BM_INLINE void bm_evaluate(uint32_t r, uint32_t u1, int32_t c, int32_t s, int32_t step, int16_t *eps)
{
    int32_t cosine, sine;
    bm_angle(c, s, step, &cosine, &sine);
    int32_t sign_sin = -(int32_t)(u1 >> 15 & 1), sign_cos = sign_sin ^ -(int32_t)(u1 >> 14 & 1);
    eps[0] = bm_product(r, (uint32_t)cosine, sign_cos);
    eps[1] = bm_product(r, (uint32_t)sine, sign_sin);
}

/* u0's half, and v within it. */
BM_INLINE uint64_t bm_half(uint64_t u0) { return u0 >> 47 & 1; }
BM_INLINE uint64_t bm_within(uint64_t u0) { return (u0 ^ -bm_half(u0)) & 0x7FFFFFFFFFFF; }

/* Large enough to fill vectors, small enough to stay in the first-level cache beside the tables. */
enum { BM_BLOCK = 64 };

/* 32-bit lanes of a vector; how many vectors of samples are drawn side by side: as the registers allow. */
#ifndef BM_LANES
#define BM_LANES 4
#endif
enum { BM_CHAINS = BM_LANES == 16 ? 2 : 4 };

/* Where block[i] is in the tables: entry of the radius table (10 bits), place on the quarter turn above it (14 bits). */
BM_INLINE uint32_t bm_where(uint32_t half, uint32_t code, uint32_t u1) { return half << 9 | code >> 14 | bm_place(u1) << 10; }

/* Threefry of BM_CHAINS vectors of BM_LANES counters from `first` on. A round is one chain of dependent steps: several side by side keep a processor busy. */
typedef uint32_t bm_vector __attribute__((vector_size(4 * BM_LANES)));
#if defined(__clang__)
#define BM_EACH _Pragma("clang loop unroll(full)") for (int k = 0; k < BM_CHAINS; k++)
#else
#define BM_EACH _Pragma("GCC unroll 8") for (int k = 0; k < BM_CHAINS; k++)
#endif
#define BM_ROUND(r) BM_EACH THREEFRY_ROUND(x0[k], x1[k], r);
#define BM_KEY(a, b) BM_EACH(x0[k] += (a), x1[k] += (b));

BM_INLINE void bm_threefry(const uint32_t ks[3], uint32_t inference, uint32_t first, uint32_t *low, uint32_t *high)
{
    bm_vector x0[BM_CHAINS], x1[BM_CHAINS], lane;
    for (uint32_t i = 0; i < BM_LANES; i++)
        lane[i] = i;
    BM_EACH {
        x0[k] = (bm_vector){0} + (inference + ks[0]);
        x1[k] = lane + (first + (uint32_t)k * BM_LANES + ks[1]);
    }
    THREEFRY_20(BM_ROUND, BM_KEY, ks)
    memcpy(low, x0, sizeof x0);
    memcpy(high, x1, sizeof x1);
}

/* Pairs first_pair ... first_pair + pairs - 1 (docs/arithmetic.md, "Randomness"). */
BM_INLINE void bm_fill(uint32_t seed, enum qa_purpose purpose, uint32_t layer, uint32_t inference, uint32_t first_pair, uint32_t pairs, int16_t *eps)
{
    const uint32_t key1 = ((uint32_t)purpose << 24) + layer, ks[3] = {seed, key1, THREEFRY_PARITY ^ seed ^ key1};
    while (pairs > 0) {
        uint32_t low[BM_BLOCK], high[BM_BLOCK], where[BM_BLOCK];
        int32_t t[BM_BLOCK], radius[BM_BLOCK][2], angle[BM_BLOCK][2];
        int16_t block[2 * BM_BLOCK];
        int rare = 0;
        for (uint32_t i = 0; i < BM_BLOCK; i += BM_CHAINS * BM_LANES)
            bm_threefry(ks, inference, first_pair + i, low + i, high + i);
        for (uint32_t i = 0; i < BM_BLOCK; i++) {
            uint32_t x0 = low[i], x1 = high[i];
            /* bits 46...16 of u0, turned round in the upper half */
            uint32_t half = x1 >> 15 & 1;
            int32_t v = (int32_t)(((x1 & 0x7FFF) << 16 | x0 >> 16) ^ (-half & 0x7FFFFFFF));
            rare |= v < 1 << 17;
            uint32_t code = bm_normalise_high(v);
            t[i] = (int32_t)(code & 0x3FFF);
            where[i] = bm_where(half, code, x1 >> 16);
        }
        if (__builtin_expect(rare, 0)) /* v < 2^33: one sample in 16 384 */
            for (uint32_t i = 0; i < BM_BLOCK; i++) {
                uint64_t u0 = low[i] | (uint64_t)(high[i] & 0xFFFF) << 32;
                uint32_t code = bm_normalise(bm_within(u0));
                t[i] = (int32_t)(code & 0x3FFF);
                where[i] = bm_where((uint32_t)bm_half(u0), code, high[i] >> 16);
            }
        /* One at a time: gathers of vectors are slower on most processors, on some ten times. The empty statement keeps compilers from making them. Two numbers an access. */
        for (uint32_t i = 0; i < BM_BLOCK; i++) {
            uint32_t w = where[i];
            __asm__("" : "+r"(w));
            memcpy(radius[i], bm_radius_pairs[w & 0x3FF], sizeof *radius);
            memcpy(angle[i], bm_angle_pairs[w >> 15], sizeof *angle);
        }
        for (uint32_t i = 0; i < BM_BLOCK; i++)
            bm_evaluate(bm_radius(radius[i][0], radius[i][1], t[i]), high[i] >> 16, angle[i][0], angle[i][1], (int32_t)(where[i] >> 10 & 31), block + 2 * i);
        uint32_t n = pairs < BM_BLOCK ? pairs : BM_BLOCK;
        memcpy(eps, block, n * 2 * sizeof *eps);
        eps += 2 * n;
        first_pair += n;
        pairs -= n;
    }
}

#endif
