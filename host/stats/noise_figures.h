/* SPDX-License-Identifier: Apache-2.0 */
/* What the sums of n samples say: moments, distribution, tails, correlations, each with what a rounded normal variable would give. For noise_stats. */
#ifndef QUELL_NOISE_FIGURES_H
#define QUELL_NOISE_FIGURES_H

#include "noise_draw.h"

struct result {
    double mean, variance, kurtosis, ks, chi2, chi2_lo, chi2_hi, bins;
    double tail4, tail4_expected, tail5, tail5_expected, autocorrelation, pair_correlation, pair_squares;
};

void evaluate(const struct sums *sums, double n, struct result *result);

#endif
