/* SPDX-License-Identifier: Apache-2.0 */
/* Passes: each makes the graph simpler without changing what it computes; passes.c holds their order. */
#ifndef QUELL_PASSES_H
#define QUELL_PASSES_H

#include "graph.h"

/* All passes. What they did stands in graph->notes. */
quell_status quell_passes(struct graph *g, quell_error *err);

/* ---- passes/NAME.c ---- */
quell_status pass_order(struct graph *g, quell_error *err);

#endif
