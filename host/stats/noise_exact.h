/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Box-Muller without drawing: exact values in long double, worst errors over everything the tables can give, and the exact probability of
 * every output code under ideal random bits. For noise_stats.
 */
#ifndef QUELL_NOISE_EXACT_H
#define QUELL_NOISE_EXACT_H

#include <stdbool.h>
#include <stdint.h>

#define ULPS 2048 /* of s4.11 in 1 */
#define ALL_U1 65536u

extern long double exact_cos[ALL_U1], exact_sin[ALL_U1];

/* Fill the two tables; first of all. */
void make_exact_angles(void);
long double exact_radius(uint64_t u0);

/* Worst error of the fixed-point radius over all 2^48 u0, of |cos| and |sin| over all u1; the largest fixed-point radius. */
double radius_bound(void);
double angle_bound(void);
double radius_largest(void);

/* By how much chi-square per code and sqrt(n) D grow on average, for n samples, because the codes' probabilities are not exactly
 * those of a rounded normal variable. Non-zero: the probabilities do not add up to 1. */
int systematic_deviation(double n, double *chi2, double *ks);

#endif
