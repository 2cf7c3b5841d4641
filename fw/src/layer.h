/* SPDX-License-Identifier: Apache-2.0 */
/* A layer-table entry: its fields by name, and the driver of hw/soc/layer_queue.sv that runs it. */
#ifndef QUELL_LAYER_H
#define QUELL_LAYER_H

#include <stdbool.h>
#include "map.h"
#include "quell_fields.h"

/* layer_<field>(entry): the field's bits. LAYER_FIELD_<field>: how struct qp_error names it. */
#define LAYER_GETTER(name, offset, low, width, text) \
    static inline uint32_t layer_##name(const uint32_t *entry) { return entry[(offset) / 4] >> (low) & ((UINT32_C(1) << (width)) - 1); }
QUELL_LAYER_FIELDS(LAYER_GETTER)
#undef LAYER_GETTER
#define LAYER_CODE(name, offset, low, width, text) LAYER_FIELD_##name = (offset) * 32 + (low),
enum layer_field { QUELL_LAYER_FIELDS(LAYER_CODE) LAYER_FIELD_END };
#undef LAYER_CODE

enum layer_mode { LAYER_CONV3X3 = 0, LAYER_CONV1X1 = 1, LAYER_DEPTHWISE = 2 };

/* Windows that make an output. */
static inline uint32_t layer_windows(const uint32_t *entry) { return (layer_win_h(entry) + 1) * (layer_win_w(entry) + 1); }

/* Rows of pooling windows that are unfinished at the same time; columns. Strides are at least 1. */
static inline uint32_t layer_pool_rows(const uint32_t *entry) { return (layer_pool_kh(entry) + layer_pool_sy(entry) - 1) / layer_pool_sy(entry); }
static inline uint32_t layer_pool_columns(const uint32_t *entry) { return (layer_pool_kw(entry) + layer_pool_sx(entry) - 1) / layer_pool_sx(entry); }

/* Write the entry into the shadow registers, with its input and residual addresses moved by so many words; layer_ready() must have been true. */
void layer_write(const uint32_t *entry, uint32_t move_in, uint32_t move_res);
void layer_go(void);

static inline uint32_t layer_status(void) { return board_read(REG(status)); }
static inline bool layer_ready(void) { return layer_status() & QUELL_REGS__STATUS__READY_bm; }
static inline uint32_t layers_done(void) { return layer_status() >> QUELL_REGS__STATUS__LAYERS_DONE_bp; }

/* Stop and reset the units; layers_done() begins at 0 again. */
void layer_abort(void);

/* A generous bound of the clock cycles a layer may take. */
uint32_t layer_cycle_limit(const uint32_t *entry);

#endif
