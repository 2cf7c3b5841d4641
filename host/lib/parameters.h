/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a device runs one after the other, and where the parameters lie: weights, constants, the denoiser's, activation tables. A memory that holds all layers'
 * keeps them for good. One that does not is a ring of the layers' parts, filled from the external memory while what comes before is computed; a layer whose
 * weights are more than half of it is cut into slices of its output channels (docs/plan.md).
 */
#ifndef QUELL_PARAMETERS_H
#define QUELL_PARAMETERS_H

#include "compiled.h"
#include "quell_protocol.h"

enum { QUELL_TABLES_MOST = 64 /* that table_index reaches */ };

/* "the weight memory is too small by 800 bytes", of a layer or of the model (NULL) */
quell_status quell_check_memory(const char *what, const char *layer, uint64_t needed, uint64_t have, uint32_t word_bytes, quell_error *err);

/* Make the model's units, give their parameters addresses, decide what comes from the external memory, and number the activation tables. */
quell_status quell_place_parameters(struct quell_model *model, quell_error *err);

/* Is this memory (QP_MEM_WEIGHT to QP_MEM_DN_ROW) filled unit by unit? */
static inline int quell_from_outside(const struct quell_model *model, enum qp_memory memory) { return (int)(model->from_outside >> memory & 1); }

/* The unit's words of a memory may be written when all units before this one have ended; below 0: so many before the end of the image before. */
int quell_load_after(const struct quell_model *model, enum qp_memory memory, uint32_t unit);

/* The table entry of a unit; layer: the model's or a program's. */
struct quell_layer quell_unit_table(const struct quell_model_layer *layer, const struct quell_unit *unit);

/* Units up to the layer's last one. */
uint32_t quell_units_until(const struct quell_model *model, uint32_t layer);

#endif
