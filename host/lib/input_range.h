/* SPDX-License-Identifier: Apache-2.0 */
/* The ranges of a pixel's values that have a name. */
#ifndef QUELL_INPUT_RANGE_H
#define QUELL_INPUT_RANGE_H

#include "quell.h"

enum { INPUT_RANGE_COUNT = 5 };

struct input_range {
    const char *name;
    double scale, mean[4], std[4];
    uint32_t numbers;
    int found; /* may be found from the first QuantizeLinear */
};

extern const struct input_range INPUT_RANGES[INPUT_RANGE_COUNT];

void input_use_range(quell_input *in, const struct input_range *r);
/* The range that these numbers are, or NULL. */
const struct input_range *input_range_of(const quell_input *in);

#endif
