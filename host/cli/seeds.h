/* SPDX-License-Identifier: Apache-2.0 */
/* quell run --noise-seeds: what several seeds an image say together. */
#ifndef QUELL_CLI_SEEDS_H
#define QUELL_CLI_SEEDS_H

#include "cli.h"

/* Results of `seeds` inferences an image: int8, images x seeds x classes. */
struct seeds_results {
    const int8_t *logits;
    uint32_t images, first_seed, seeds, classes;
    const quell_images *from; /* for the labels */
    int labelled;
};

struct seeds_summary {
    double *accuracy;             /* a seed, of labelled images */
    double mean, deviation;       /* over the seeds: sample standard deviation */
    double low, high;             /* of the mean, 95 %, by Student's t: how far the noise moves it, with these images */
    double agreement, unanimous;  /* share of inferences that answer as most of their image's do; of images whose answers are all one class */
    uint32_t *answers;            /* images x classes: how many seeds answered so */
};

/* "1-64", or one number. */
quell_status seeds_read(const char *text, uint32_t *first, uint32_t *count, quell_error *err);

quell_status seeds_summarise(const struct seeds_results *r, struct seeds_summary *s, quell_error *err);
void seeds_free(struct seeds_summary *s);
void seeds_print(const struct seeds_results *r, const struct seeds_summary *s);
cJSON *seeds_json(const struct seeds_results *r, const struct seeds_summary *s);

#endif
