/* SPDX-License-Identifier: Apache-2.0 */
/* Passes: each makes the graph simpler without changing what it computes; passes.c holds their order. */
#ifndef QUELL_PASSES_H
#define QUELL_PASSES_H

#include "graph.h"

/* All passes. What they did stands in graph->notes. */
quell_status passes_run(struct graph *g, quell_error *err);

/* ---- passes/NAME.c ---- */
quell_status pass_order(struct graph *g, quell_error *err);
quell_status pass_domains(struct graph *g, quell_error *err);
quell_status pass_dead(struct graph *g, quell_error *err);
quell_status pass_shapes(struct graph *g, quell_error *err);
quell_status pass_zero_points(struct graph *g, quell_error *err);
quell_status pass_constants(struct graph *g, quell_error *err);
quell_status pass_weight_layout(struct graph *g, quell_error *err);
quell_status pass_simplify(struct graph *g, quell_error *err);
quell_status pass_merge(struct graph *g, quell_error *err);
quell_status pass_transposes(struct graph *g, quell_error *err);
quell_status pass_lone_transposes(struct graph *g, quell_error *err); /* in transposes.c */
quell_status pass_input(struct graph *g, quell_error *err);
quell_status pass_forms(struct graph *g, quell_error *err);
quell_status pass_table(struct graph *g, quell_error *err);
quell_status pass_concat(struct graph *g, quell_error *err);
quell_status pass_codes(struct graph *g, quell_error *err);
quell_status pass_weights(struct graph *g, quell_error *err);
quell_status pass_batch_norm(struct graph *g, quell_error *err);
quell_status pass_gemm(struct graph *g, quell_error *err);
quell_status pass_affine(struct graph *g, quell_error *err);
quell_status pass_pads(struct graph *g, quell_error *err);
quell_status pass_duplicate(struct graph *g, quell_error *err);
quell_status pass_image_pairs(struct graph *g, quell_error *err);
quell_status pass_mean_product(struct graph *g, quell_error *err);
quell_status pass_exact_pairs(struct graph *g, quell_error *err);
quell_status pass_gaps(struct graph *g, quell_error *err);
quell_status pass_wide(struct graph *g, quell_error *err);
quell_status pass_ends(struct graph *g, quell_error *err);

#endif
