/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Logarithm, power, exponential and error function of doubles, the same bits on every processor: a C library may choose another routine where there are fused multiply-adds, and chips drawn from a seed must
 * not depend on that. Only additions, multiplications and divisions, in the order written (libquell is compiled with -ffp-contract=off). Internal to libquell.
 */
#ifndef QUELL_REAL_H
#define QUELL_REAL_H

/* Natural logarithm, x > 0 and finite; relative error below 2^-50 away from x = 1, absolute below 2^-52 there. */
double quell_log(double x);

/* x^y, x > 0, both finite; relative error below 2^-49 * (1 + |y log x|). Overflow gives infinity, underflow 0. */
double quell_pow(double x, double y);

/* e^x; relative error below 2^-49 * (1 + |x|). Overflow gives infinity, underflow 0. */
double quell_exp(double x);

/* (2 / sqrt pi) * the integral of e^(-t^2) from 0 to x; relative error below 2^-44. */
double quell_erf(double x);

#endif
