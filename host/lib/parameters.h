/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a model's parameters lie: weights, constants, the denoiser's, activation tables. A memory that holds all layers' keeps them for good. One that does not
 * is a ring of the layers' parts, filled from the external memory while the layers before are computed (docs/plan.md).
 */
#ifndef QUELL_PARAMETERS_H
#define QUELL_PARAMETERS_H

#include "compiled.h"
#include "quell_protocol.h"

enum { QUELL_TABLES_MOST = 64 /* that table_index reaches */ };

/* "the weight memory is too small by 800 bytes", of a layer or of the model (NULL) */
quell_status quell_check_memory(const char *what, const char *layer, uint64_t needed, uint64_t have, uint32_t word_bytes, quell_error *err);

/* Give every layer's parameters addresses, decide what comes from the external memory, and number the activation tables. */
quell_status quell_place_parameters(struct quell_model *model, quell_error *err);

/* Is this memory (QP_MEM_WEIGHT to QP_MEM_DN_ROW) filled layer by layer? */
static inline int quell_from_outside(const struct quell_model *model, enum qp_memory memory) { return (int)(model->from_outside >> memory & 1); }

/* First word and words of a layer in a memory; 0 words: it needs none. */
struct quell_span {
    uint32_t first, words;
};
struct quell_span quell_parameter_span(const struct quell_model_layer *layer, enum qp_memory memory, uint32_t cores);

/* The layer's words may be written when all layers before this one have ended; below 0: so many before the end of the image before. */
int quell_load_after(const struct quell_model *model, enum qp_memory memory, uint32_t layer);

#endif
