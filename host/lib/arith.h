/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The integer semantics of every block of the chip, element by element: the authority that docs/arithmetic.md describes, that the
 * RTL is compared with, and that the reference device runs. Internal to libquell and its tests. No function here can fail; ranges
 * are the caller's duty (the compiler checks them once for a whole model).
 */
#ifndef QUELL_ARITH_H
#define QUELL_ARITH_H

#include <stdint.h>

/* x / 2^s rounded half to even; s in 0...62. */
static inline int64_t qa_rhe(int64_t x, unsigned s)
{
    if (s == 0)
        return x;
    int64_t q = x >> s, rest = x - (int64_t)((uint64_t)q << s), half = (int64_t)1 << (s - 1);
    return q + (rest > half || (rest == half && (q & 1)));
}

/* (x + 2^(s-1)) >> s: half towards +infinity; s in 1...62. */
static inline int64_t qa_rhu(int64_t x, unsigned s)
{
    return (x + ((int64_t)1 << (s - 1))) >> s;
}

static inline int64_t qa_clamp(int64_t x, int64_t lo, int64_t hi)
{
    return x < lo ? lo : x > hi ? hi : x;
}

static inline int32_t qa_sat24(int64_t x) { return (int32_t)qa_clamp(x, -(1 << 23), (1 << 23) - 1); }
static inline int8_t qa_sat8(int64_t x) { return (int8_t)qa_clamp(x, -128, 127); }

/* Threefry-2x32-20: out = cipher of ctr under key. */
void qa_threefry2x32(const uint32_t key[2], const uint32_t ctr[2], uint32_t out[2]);

/* One Box-Muller pair, s4.11, from u0 (48 bits) and u1 (16 bits). */
void qa_box_muller(uint64_t u0, uint32_t u1, int16_t eps[2]);

enum qa_purpose { QA_READ_NOISE = 0, QA_DENOISER = 1, QA_COLUMN_GAIN = 2, QA_COLUMN_OFFSET = 3, QA_WEIGHT = 4, QA_STUCK = 5, QA_COLUMN_DRIFT = 6, QA_DEVICE = 7 };

/* Samples of elements 2*pair and 2*pair + 1. */
void qa_gaussian_pair(uint32_t seed, enum qa_purpose purpose, uint32_t layer, uint32_t inference, uint32_t pair, int16_t eps[2]);

/* The same for `pairs` pairs from first_pair on, vectorised: eps[0 ... 2*pairs - 1]. */
void qa_gaussian_fill(uint32_t seed, enum qa_purpose purpose, uint32_t layer, uint32_t inference, uint32_t first_pair, uint32_t pairs, int16_t *eps);

/* x / 2^s rounded to odd: towards -infinity, and the last bit is set if anything was lost. Rounding the result to nearest even, at least two bits
 * further up, gives what rounding x there at once would have given. s in 0...62. */
static inline int64_t qa_rto(int64_t x, unsigned s)
{
    int64_t q = x >> s;
    return q | (x != (int64_t)((uint64_t)q << s));
}

/* Limits of what the ADC and all up to post-processing give, as differences from the zero point z (9 bits). */
static inline int32_t qa_low(int32_t z, int wide) { return wide ? -256 : -128 - z; }
static inline int32_t qa_high(int32_t z, int wide) { return wide ? 255 : 127 - z; }

/* acc (bias included), M, S -> v, s11.12, rounded to odd. */
int32_t qa_requantise(int32_t acc, uint32_t m, unsigned s);

/* v, G (Q2.16), o (s11.12), s_add (Q8.12), s_mul (Q2.14), eps (s4.11) -> v', s11.12. */
int32_t qa_analog(int32_t v, uint32_t gain, int32_t offset, uint32_t s_add, uint32_t s_mul, int32_t eps);

/* v' -> d, a code less its zero point (9 bits): multiples of 2^adc_shift, within low ... high. */
int32_t qa_adc(int32_t v, unsigned adc_shift, int32_t low, int32_t high);

/* Column correction of d: a Q2.14, b s7.8. */
int32_t qa_correct(int32_t d, uint32_t a, int32_t b, int32_t low, int32_t high);

/* A denoiser accumulator to uint8. */
uint8_t qa_dn_activation(int32_t acc, uint32_t m, unsigned s);

/* Means and sigmas of the denoiser: mu s11.12 from the two path sums; sigma Q8.8. */
int32_t qa_dn_mu(int32_t acc_d, uint32_t md, unsigned sd, int32_t acc_u, uint32_t mu, unsigned su);
uint16_t qa_dn_sigma(int32_t acc_v, uint32_t mv, unsigned sv);

/* d - mu - sigma*eps -> d; eps = 0 in mean mode. */
int32_t qa_dn_apply(int32_t d, int32_t mu, uint16_t sigma, int32_t eps, int32_t low, int32_t high);

/* Residual, rescale, clamp; residual is a code less its zero point, 0 without one. a, b: 24 bits. */
int8_t qa_post(int32_t d, int32_t residual, uint32_t a, uint32_t b, unsigned s, int32_t z_y, int32_t lo, int32_t hi);

/* Pooled sum or maximum of (code - z_y) -> code. m: 24 bits. */
int8_t qa_pool(int32_t p, uint32_t m, unsigned s, int32_t z_p);

#endif
