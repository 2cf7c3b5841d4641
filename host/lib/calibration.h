/* SPDX-License-Identifier: Apache-2.0 */
/* Inside libquell: making calibrations. docs/calibration.md explains the estimate. */
#ifndef QUELL_CALIBRATION_H
#define QUELL_CALIBRATION_H

#include "model.h"

/* A correction that changes nothing, channels of layer i being channels[i]. NULL: no memory. */
struct quell_calibration *qc_new(uint32_t layers, const uint32_t *channels);

/* What one layer's ADC gave: samples in the order [image][sample][channel]. */
struct qc_samples {
    uint32_t images, per_image, channels;
    int32_t low, high;   /* smallest and largest code minus zero point */
    const int32_t *v;    /* the ideal value, s11.12 */
    const int16_t *code; /* the chip's code minus zero point */
};

/* Correction of every channel; a Q2.14, b s7.8. 0: no memory. */
int qc_fit(const struct qc_samples *samples, uint32_t *a, int32_t *b);

#endif
