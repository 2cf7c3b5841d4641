/* SPDX-License-Identifier: Apache-2.0 */
/* See seeds.h. */
#include "seeds.h"

#include <math.h>
#include <stdlib.h>

enum { SHOWN = 10 }; /* images whose answers flip, on the screen; all of them in JSON */

/* ---- which seeds ---- */

quell_status seeds_read(const char *text, uint32_t *first, uint32_t *count, quell_error *err)
{
    const char *at;
    uint32_t last;
    int good = cli_whole_number(text, first, &at);
    last = *first;
    if (good && *at == '-')
        good = cli_whole_number(at + 1, &last, &at);
    if (!good || *at || last < *first || last - *first >= 65536)
        return cli_set_error(err, QUELL_E_USAGE, "--noise-seeds: '%s' is no range of at most 65536 seeds, such as 1-64", cli_text(text));
    *count = last - *first + 1;
    return QUELL_OK;
}

/* ---- figures ---- */

/* 97.5 % quantile of Student's t: the first four from tables, then the Cornish-Fisher expansion around the normal one (Abramowitz and Stegun 26.7.5), within 0.2 %. */
static double student(uint32_t freedom)
{
    static const double FEW[] = {12.7062, 4.3027, 3.1824, 2.7764};
    const double z = 1.959964, v = freedom, z3 = z * z * z, z5 = z3 * z * z, z7 = z5 * z * z;
    if (freedom <= 4)
        return FEW[freedom - 1];
    return z + (z3 + z) / (4 * v) + (5 * z5 + 16 * z3 + 3 * z) / (96 * v * v) + (3 * z7 + 19 * z5 + 17 * z3 - 15 * z) / (384 * v * v * v);
}

static void spread(struct seeds_summary *s, uint32_t seeds)
{
    double squares = 0;
    for (uint32_t k = 0; k < seeds; k++)
        s->mean += s->accuracy[k] / seeds;
    for (uint32_t k = 0; k < seeds; k++)
        squares += (s->accuracy[k] - s->mean) * (s->accuracy[k] - s->mean);
    s->deviation = seeds > 1 ? sqrt(squares / (seeds - 1)) : 0;
    double half = seeds > 1 ? student(seeds - 1) * s->deviation / sqrt(seeds) : 0;
    s->low = fmax(s->mean - half, 0);
    s->high = fmin(s->mean + half, 1);
}

static uint32_t most(const struct seeds_results *r, const struct seeds_summary *s, uint32_t image)
{
    uint32_t best = 0;
    for (uint32_t c = 0; c < r->classes; c++)
        best = s->answers[(size_t)image * r->classes + c] > best ? s->answers[(size_t)image * r->classes + c] : best;
    return best;
}

quell_status seeds_summarise(const struct seeds_results *r, struct seeds_summary *s, quell_error *err)
{
    *s = (struct seeds_summary){.accuracy = calloc(r->seeds, sizeof *s->accuracy), .answers = calloc((size_t)r->images + 1, r->classes * sizeof *s->answers)};
    if (!s->accuracy || !s->answers)
        return cli_set_error(err, QUELL_E_MEMORY, "out of memory");
    for (uint32_t i = 0; i < r->images; i++) {
        for (uint32_t k = 0; k < r->seeds; k++) {
            uint32_t found = cli_answer(r->logits + ((size_t)i * r->seeds + k) * r->classes, r->classes);
            s->answers[(size_t)i * r->classes + found]++;
            s->accuracy[k] += (r->labelled && quell_images_label(r->from, i) == (int)found) / (double)r->images;
        }
        s->agreement += most(r, s, i) / ((double)r->images * r->seeds);
        s->unanimous += (most(r, s, i) == r->seeds) / (double)r->images;
    }
    spread(s, r->seeds);
    return QUELL_OK;
}

void seeds_free(struct seeds_summary *s)
{
    free(s->accuracy);
    free(s->answers);
}

/* ---- output ---- */

void seeds_print(const struct seeds_results *r, const struct seeds_summary *s)
{
    if (r->labelled)
        printf("accuracy      %.2f %% +- %.2f (mean and standard deviation over %u noise seeds; 95 %% interval of the mean %.2f to %.2f %%)\n", 100 * s->mean, 100 * s->deviation, r->seeds, 100 * s->low, 100 * s->high);
    printf("agreement     %.2f %% of the answers are their image's most frequent one; %.2f %% of the images have one answer with all seeds\n", 100 * s->agreement, 100 * s->unanimous);
    uint32_t flips = 0;
    for (uint32_t i = 0; i < r->images; i++) {
        if (most(r, s, i) == r->seeds || flips++ >= SHOWN)
            continue;
        printf("flips         image %u", i);
        if (r->labelled)
            printf(", label %d", quell_images_label(r->from, i));
        for (uint32_t c = 0; c < r->classes; c++)
            if (s->answers[(size_t)i * r->classes + c])
                printf(", class %u x %u", c, s->answers[(size_t)i * r->classes + c]);
        printf("\n");
    }
    if (flips > SHOWN)
        printf("              and %u images more: --json lists all\n", flips - SHOWN);
}

cJSON *seeds_json(const struct seeds_results *r, const struct seeds_summary *s)
{
    cJSON *j = cJSON_CreateObject(), *list = cJSON_CreateArray();
    cJSON_AddNumberToObject(j, "first", r->first_seed);
    cJSON_AddNumberToObject(j, "count", r->seeds);
    if (r->labelled) {
        cJSON_AddItemToObject(j, "accuracy", cJSON_CreateDoubleArray(s->accuracy, (int)r->seeds));
        cJSON_AddNumberToObject(j, "mean", s->mean);
        cJSON_AddNumberToObject(j, "standard_deviation", s->deviation);
        cJSON_AddItemToObject(j, "interval", cJSON_CreateDoubleArray((const double[]){s->low, s->high}, 2));
    }
    cJSON_AddNumberToObject(j, "agreement", s->agreement);
    cJSON_AddNumberToObject(j, "unanimous", s->unanimous);
    for (uint32_t i = 0; i < r->images; i++) {
        if (most(r, s, i) == r->seeds)
            continue;
        cJSON *flip = cJSON_CreateObject(), *answers = cJSON_CreateObject();
        cJSON_AddNumberToObject(flip, "image", i);
        if (r->labelled)
            cJSON_AddNumberToObject(flip, "label", quell_images_label(r->from, i));
        for (uint32_t c = 0; c < r->classes; c++) {
            char name[16];
            snprintf(name, sizeof name, "%u", c);
            if (s->answers[(size_t)i * r->classes + c])
                cJSON_AddNumberToObject(answers, name, s->answers[(size_t)i * r->classes + c]);
        }
        cJSON_AddItemToObject(flip, "answers", answers);
        cJSON_AddItemToArray(list, flip);
    }
    cJSON_AddItemToObject(j, "flips", list);
    return j;
}
