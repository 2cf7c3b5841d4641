/* SPDX-License-Identifier: Apache-2.0 */
/* See noise_figures.h. */
#include "noise_figures.h"

#include <math.h>
#include <stdlib.h>

#include "noise_exact.h"

/* Probability that a normal variable rounded to s4.11 is below the code's lower edge. */
static double below(int code) { return 0.5 * erfc(-(code - 0.5) / ULPS * M_SQRT1_2); }

/* Probability of one code, without cancellation in the upper tail. */
static double probability(int code)
{
    int magnitude = abs(code);
    return below(-magnitude + 1) - below(-magnitude);
}

/* Wilson and Hilferty: quantile z of chi-square with k degrees of freedom (error below 0.1 at the thousands that occur here). */
static double chi2_quantile(double k, double z)
{
    double c = 1 - 2 / (9 * k) + z * sqrt(2 / (9 * k));
    return k * c * c * c;
}

static void evaluate_moments(const struct sums *s, double n, struct result *r)
{
    long double m1 = 0, m2 = 0, m4 = 0;
    for (int code = -32768; code < 32768; code++)
        m1 += (long double)s->histogram[code + 32768] * code / ULPS;
    m1 /= n;
    for (int code = -32768; code < 32768; code++) {
        long double d = (long double)code / ULPS - m1, weight = (long double)s->histogram[code + 32768];
        m2 += weight * d * d;
        m4 += weight * d * d * d * d;
    }
    m2 /= n;
    r->mean = (double)m1;
    r->variance = (double)m2;
    r->kurtosis = (double)(m4 / n / (m2 * m2));
}

static void evaluate_distribution(const struct sums *s, double n, struct result *r)
{
    double cumulative = 0, worst = 0, chi2 = 0, bins = 0;
    double count = 0, expected = 0; /* of the bin that is being collected: both tails give one bin of at least 10 */
    int last = 0;
    while (last < 32766 && n * below(-last) >= 10)
        last++;
    last--; /* codes -last...last have bins, at both ends with all that lies beyond */
    for (int code = -32768; code < 32768; code++) {
        double here = (double)s->histogram[code + 32768];
        cumulative += here;
        worst = fmax(worst, fabs(cumulative / n - below(code + 1)));
        count += here;
        expected += n * probability(code);
        if ((code >= -last && code < last && expected >= 10) || code == 32767) {
            chi2 += (count - expected) * (count - expected) / expected;
            bins++;
            count = expected = 0;
        }
    }
    r->ks = sqrt(n) * worst;
    r->chi2 = chi2;
    r->bins = bins;
    r->chi2_lo = chi2_quantile(bins - 1, -2.5758);
    r->chi2_hi = chi2_quantile(bins - 1, 2.5758);
}

static double tail(const struct sums *s, int sigma)
{
    uint64_t count = 0;
    for (int code = sigma * ULPS + 1; code <= 32767; code++)
        count += s->histogram[32768 + code] + s->histogram[32768 - code];
    return (double)count;
}

static void evaluate_correlations(const struct sums *s, double n, struct result *r)
{
    const double one = (double)ULPS * ULPS;
    for (int l = 1; l <= LAGS; l++) {
        double rho = (double)s->lag[l] / (double)s->lag_count[l] / one;
        if (fabs(rho) > fabs(r->autocorrelation))
            r->autocorrelation = rho;
    }
    r->pair_correlation = (double)s->pair / (n / 2) / one;
    r->pair_squares = s->pair_squares / (n / 2) / one / 2; /* the variance of eps^2 is 2 */
}

void evaluate(const struct sums *s, double n, struct result *r)
{
    *r = (struct result){0};
    evaluate_moments(s, n, r);
    evaluate_distribution(s, n, r);
    evaluate_correlations(s, n, r);
    r->tail4 = tail(s, 4);
    r->tail5 = tail(s, 5);
    r->tail4_expected = 2 * n * below(-4 * ULPS);
    r->tail5_expected = 2 * n * below(-5 * ULPS);
}
