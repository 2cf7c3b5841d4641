/* SPDX-License-Identifier: Apache-2.0 */
/* The arithmetic of docs/arithmetic.md after the accumulators. Threefry and Box-Muller have files of their own. */
#include "arith.h"

int32_t qa_requantise(int32_t acc, uint32_t m, unsigned s)
{
    return qa_sat24(qa_rto((int64_t)acc * m, s)); /* 32 + 24 bits: fits 56 */
}

int32_t qa_analog(int32_t v, uint32_t gain, int32_t offset, uint32_t s_add, uint32_t s_mul, int32_t eps)
{
    int64_t magnitude = v < 0 ? -(int64_t)v : v;
    int64_t sg = qa_clamp(s_add + qa_rhu((int64_t)s_mul * magnitude, 14), 0, (1 << 23) - 1);
    return qa_sat24(qa_rhu((int64_t)v * gain, 16) + offset + qa_rhu(sg * eps, 11));
}

int32_t qa_adc(int32_t v, unsigned adc_shift, int32_t low, int32_t high)
{
    return (int32_t)qa_clamp((int64_t)((uint64_t)qa_rhe(v, 12 + adc_shift) << adc_shift), low, high);
}

int32_t qa_correct(int32_t d, uint32_t a, int32_t b, int32_t low, int32_t high)
{
    return (int32_t)qa_clamp(qa_rhe((int64_t)d * a + (int64_t)b * 64, 14), low, high);
}

uint8_t qa_dn_activation(int32_t acc, uint32_t m, unsigned s)
{
    return (uint8_t)qa_clamp(qa_rhe((int64_t)acc * m, s), 0, 255);
}

int32_t qa_dn_mu(int32_t acc_d, uint32_t md, unsigned sd, int32_t acc_u, uint32_t mu, unsigned su)
{
    return qa_sat24(qa_rhu((int64_t)acc_d * md, sd) + qa_rhu((int64_t)acc_u * mu, su));
}

uint16_t qa_dn_sigma(int32_t acc_v, uint32_t mv, unsigned sv)
{
    return (uint16_t)qa_clamp(qa_rhu((int64_t)acc_v * mv, sv), 0, 65535);
}

int32_t qa_dn_apply(int32_t d, int32_t mu, uint16_t sigma, int32_t eps, int32_t low, int32_t high)
{
    int64_t t = qa_rhu((int64_t)sigma * eps, 7);
    return (int32_t)qa_clamp(qa_rhe((int64_t)d * 4096 - mu - t, 12), low, high);
}

int8_t qa_post(int32_t d, int32_t residual, uint32_t a, uint32_t b, unsigned s, int32_t z_y, int32_t lo, int32_t hi)
{
    int64_t u = (int64_t)d * a + (int64_t)residual * b;
    return (int8_t)qa_clamp(z_y + qa_rhe(u, s), lo, hi);
}

int8_t qa_pool(int32_t p, uint32_t m, unsigned s, int32_t z_p)
{
    return qa_sat8(z_p + qa_rhe((int64_t)p * m, s));
}
