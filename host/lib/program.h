/* SPDX-License-Identifier: Apache-2.0 */
/* Inside libquell: what calibration does to a program besides making it. */
#ifndef QUELL_PROGRAM_H
#define QUELL_PROGRAM_H

#include "model.h"

/* Make one layer of a program what it is on a chip of this profile (chip.c). */
quell_status quell_manufacture(struct quell_model_layer *layer, const struct quell_profile *profile, uint32_t chip, quell_error *err);

/* Weights as pairs of conducting devices hold them (conductance.c); factor: a gain for every real channel, to be multiplied with the
 * column's. `padding` tells the weights that stand for padded input channels. */
quell_status quell_conduct(struct quell_model_layer *layer, const struct quell_conductance *g, uint32_t chip, double *factor, quell_error *err);

/* Put one layer's correction into a program. */
void quell_program_correct(struct quell_program *program, uint32_t layer, const struct quell_calibration *calibration);

/* A program whose layers up to `layer` are as in `from`, and whose layer `layer` gives its ADC's codes (with adc_wide every other one): no
 * correction, no denoiser, no residual, no rescaling, no pooling. Its output goes where it fits beside what it reads; it is to be run no further than that layer. */
quell_status quell_program_observe(const struct quell_program *from, uint32_t layer, const quell_limits *limits, quell_program **program, quell_error *err);

#endif
