/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Logarithm and power of doubles, the same bits on every processor: a C library may choose another routine where there are fused multiply-adds, and chips drawn from a seed must
 * not depend on that. Only additions, multiplications and divisions, in the order written (libquell is compiled with -ffp-contract=off). Internal to libquell.
 */
#ifndef QUELL_REAL_H
#define QUELL_REAL_H

/* Natural logarithm, x > 0 and finite; relative error below 2^-50 away from x = 1, absolute below 2^-52 there. */
double quell_log(double x);

/* x^y, x > 0, both finite; relative error below 2^-49 * (1 + |y log x|). Overflow gives infinity, underflow 0. */
double quell_pow(double x, double y);

#endif
