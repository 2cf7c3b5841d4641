/* SPDX-License-Identifier: Apache-2.0 */
/* The layer table: checked against the hardware, then stored. */
#ifndef QUELL_TABLE_H
#define QUELL_TABLE_H

#include "hardware.h"
#include "layer.h"

struct table {
    struct qp_table head; /* count is 0 as long as there is none */
    uint32_t layer[QP_MAX_LAYERS][QUELL_LAYER_WORDS];
    uint32_t limit[QP_MAX_LAYERS]; /* clock cycles each may take */
    bool inputs_kept;              /* no layer writes into the input buffers */
};

/* Check a table of `length` bytes that lies in the message buffer at `offset`; QP_OK, or the status with *error filled in. */
enum qp_status table_check(const struct hardware *hw, uint32_t offset, uint32_t length, struct qp_error *error);

/* Store a table that was found good. */
void table_store(struct table *table, uint32_t offset);

/* One layer alone; index is its place in the table. */
bool table_check_layer(const struct qp_info *hw, const uint32_t *entry, uint32_t index, struct qp_error *error);

#endif
