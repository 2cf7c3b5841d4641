/* SPDX-License-Identifier: Apache-2.0 */
/* Inside libquell: what calibration does to a program besides making it. */
#ifndef QUELL_PROGRAM_H
#define QUELL_PROGRAM_H

#include "model.h"

/* Put one layer's correction into a program. */
void quell_program_correct(struct quell_program *program, uint32_t layer, const struct quell_calibration *calibration);

/* A program whose layers up to `layer` are as in `from`, and whose layer `layer` gives its ADC's codes: no correction, no denoiser, no
 * residual, no rescaling, no pooling. Its output goes where it fits beside what it reads; it is to be run no further than that layer. */
quell_status quell_program_observe(const struct quell_program *from, uint32_t layer, const quell_limits *limits, quell_program **program, quell_error *err);

#endif
