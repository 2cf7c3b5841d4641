/* SPDX-License-Identifier: Apache-2.0 */
/* Memory images of a layer as a device's memories want them: layouts in fw/include/quell_protocol.h and docs/array.md. */
#ifndef QUELL_PACK_H
#define QUELL_PACK_H

#include "model.h"
#include "quell_protocol.h"

/* 32-bit lanes of a word of one memory. */
uint32_t quell_lanes(enum qp_memory memory, const quell_limits *limits);

/* The words of one unit in one memory: the first one, their number, their bytes (lanes are little-endian; malloc'd). *words may be 0. */
quell_status quell_pack(enum qp_memory memory, const struct quell_model_layer *layer, const struct quell_unit *unit, const quell_limits *limits, uint32_t *first, uint32_t *words, uint8_t **bytes, quell_error *err);

#endif
