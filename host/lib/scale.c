/* SPDX-License-Identifier: Apache-2.0 */
/* Real multipliers as integers; see scale.h. */
#include "scale.h"

#include <math.h>

int quell_scale24(float multiplier, uint32_t *m, uint32_t *s)
{
    *m = 0;
    *s = 1;
    if (!(multiplier >= 0) || multiplier >= 1024.0f)
        return 0;
    if (multiplier < 0x1p-40f)
        return 1;
    int exponent;
    float fraction = frexpf(multiplier, &exponent); /* [0.5, 1): exponent is -39...10 */
    *m = (uint32_t)ldexpf(fraction, 24);
    *s = (uint32_t)(24 - exponent - 12);
    return 1;
}

int quell_scale(double multiplier, int bits, uint32_t s_max, int32_t *m, int32_t *s)
{
    *m = 0;
    *s = 16;
    if (!(multiplier >= 0) || !isfinite(multiplier))
        return 0;
    if (multiplier == 0)
        return 1;
    int exponent;
    frexp(multiplier, &exponent);
    int shift = bits - exponent;
    if (shift > (int)s_max)
        shift = (int)s_max;
    if (nearbyint(ldexp(multiplier, shift)) >= ldexp(1, bits))
        shift--;
    if (shift < 1)
        return 0;
    *m = (int32_t)nearbyint(ldexp(multiplier, shift));
    *s = shift;
    return 1;
}

int quell_code_of(float x, float scale, int zero)
{
    float code = rintf(x / scale) + (float)zero;
    return code <= -128.0f ? -128 : code >= 127.0f ? 127 : (int)code;
}
