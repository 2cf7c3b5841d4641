/* SPDX-License-Identifier: Apache-2.0 */
/* The passes in the order of the data's way. Those of the second list run again and again until nothing changes: each may make room for another. */
#include "passes.h"

#include <stddef.h>

enum { ROUNDS_MAX = 200 };

typedef quell_status pass_function(struct graph *g, quell_error *err);

static pass_function *const ONCE[] = {pass_order, pass_domains, pass_dead, pass_shapes, pass_zero_points, pass_constants};

static pass_function *const REPEATED[] = {
    pass_dead,
    pass_shapes,        /* sizes and types for those below */
    pass_zero_points,
    pass_constants,
    pass_weight_layout,
    pass_simplify,
    pass_merge,
    pass_transposes,
    pass_input,
    pass_ends,          /* what follows the logits is not the chip's */
    pass_dead,          /* of readers that are no more the next one asks */
    pass_table,         /* before the operators of a function are taken apart */
    pass_forms,
    pass_codes,
    pass_weights,
    pass_batch_norm,
    pass_gemm,
    pass_affine,
    pass_pads,
};

static pass_function *const WHEN_AT_REST[] = {pass_lone_transposes}; /* what it changes, the passes above see */

static pass_function *const AT_THE_END[] = {pass_image_pairs, pass_duplicate, pass_shapes, pass_mean_product, pass_exact_pairs, pass_table, pass_concat, pass_dead, pass_shapes, pass_gaps, pass_shapes, pass_wide, pass_dead, pass_order};

static quell_status run(struct graph *g, pass_function *const *list, size_t count, quell_error *err)
{
    for (size_t i = 0; i < count; i++) {
        quell_status status = list[i](g, err);
        if (status != QUELL_OK)
            return status;
        if (g->full)
            return quell_fail(err, QUELL_E_MEMORY, "out of memory");
    }
    return QUELL_OK;
}

#define COUNT(list) (sizeof(list) / sizeof *(list))

quell_status passes_run(struct graph *g, quell_error *err)
{
    quell_status status = run(g, ONCE, COUNT(ONCE), err);
    for (size_t round = 0, before = g->changed - 1; status == QUELL_OK && before != g->changed; round++) {
        before = g->changed;
        if (round == ROUNDS_MAX)
            return quell_fail(err, QUELL_E_UNSUPPORTED, "the network could not be simplified within %d rounds: too many operators on constants or transposes hang on each other", ROUNDS_MAX);
        status = run(g, REPEATED, COUNT(REPEATED), err);
        if (status == QUELL_OK && before == g->changed)
            status = run(g, WHEN_AT_REST, COUNT(WHEN_AT_REST), err);
    }
    return status == QUELL_OK ? run(g, AT_THE_END, COUNT(AT_THE_END), err) : status;
}
