/* SPDX-License-Identifier: Apache-2.0 */
/* Logarithm, power, exponential, error function; see real.h. Constants from their definitions, to more digits than a double holds. */
#include "real.h"

#include <math.h>

/* ln 2 in two parts: the last 20 bits of the first are zero, so that its product with an exponent is exact. */
#define LN2_HIGH 0x1.62e42feep-1
#define LN2_LOW 0x1.a39ef35793c76p-33

double quell_log(double x)
{
    int e;
    double m = frexp(x, &e); /* [0.5, 1) */
    if (m < 0.70710678118654752440) {
        m *= 2;
        e--;
    }
    /* log m = 2 atanh s = 2 (s + s^3/3 + s^5/5 + ...), |s| < 0.1716: nine terms more leave 2^-56. */
    double s = (m - 1) / (m + 1), q = s * s, sum = 0;
    for (int k = 21; k >= 3; k -= 2)
        sum = (sum + 1.0 / k) * q;
    return e * LN2_HIGH + (2 * s + (2 * s * sum + e * LN2_LOW));
}

double quell_exp(double t)
{
    if (t > 710)
        return INFINITY;
    if (t < -745)
        return 0;
    double n = rint(t / 0.69314718055994530942), r = (t - n * LN2_HIGH) - n * LN2_LOW, sum = 1;
    for (int k = 18; k >= 1; k--) /* |r| < 0.35: the nineteenth term is below 2^-80 */
        sum = 1 + sum * r / k;
    return ldexp(sum, (int)n);
}

double quell_pow(double x, double y) { return quell_exp(y * quell_log(x)); }

double quell_erf(double x)
{
    double a = fabs(x), square = x * x, term = a, sum = a;
    if (a > 6) /* 1 - 2^-55 at 6 */
        return x > 0 ? 1 : -1;
    for (int k = 1; k < 400 && term > sum * 0x1p-56; k++) { /* erf x = 2 / sqrt pi * e^(-x^2) * (x + 2 x^3/3 + 4 x^5/15 + ...): nothing cancels */
        term = term * 2 * square / (2 * k + 1);
        sum += term;
    }
    sum *= 1.12837916709551257390 * quell_exp(-square); /* 2 / sqrt pi */
    return x < 0 ? -sum : sum;
}
