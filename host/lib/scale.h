/* SPDX-License-Identifier: Apache-2.0 */
/* Real multipliers as integer multiplier and shift, in the formats of docs/arithmetic.md. */
#ifndef QUELL_SCALE_H
#define QUELL_SCALE_H

#include <stdint.h>

/* float32 multiplier of an accumulator -> M (24 bits), S with M * 2^-(S + 12) exactly the multiplier. Below 2^-40: M = 0. -> 0 if at or above 2^10 or not finite. */
int quell_scale24(float multiplier, uint32_t *m, uint32_t *s);

/* multiplier ~ M * 2^-S, 2^(bits-1) <= M < 2^bits (24: exact for a float32), 1 <= S <= s_max; 0 becomes M = 0; too small for s_max: fewer bits of M. -> 0 if too large, negative
 * or not finite. */
int quell_scale(double multiplier, int bits, uint32_t s_max, int32_t *m, int32_t *s);

/* Code of a real value: sat8(RHE(x / scale) + zero) in float32, as onnxruntime does; infinities saturate. */
int quell_code_of(float x, float scale, int zero);

#endif
