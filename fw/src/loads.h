/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The loads of a program: what its layers need that the chip's memories do not hold all the time comes from the external memory, image after image, in
 * the order in which the words that it overwrites become free (docs/plan.md). A lap is the loads of one image.
 */
#ifndef QUELL_LOADS_H
#define QUELL_LOADS_H

#include <stdbool.h>
#include "hardware.h"

struct loads {
    uint32_t count;                     /* 0: everything lies in the chip */
    struct qp_load load[QP_MAX_LOADS];
    uint16_t end[QP_MAX_LAYERS];        /* loads up to the last one of this layer and those before it */
    uint32_t layers;                    /* of the table */
    bool running;                       /* the rest is known: */
    uint32_t next;                      /* load to be issued */
    uint16_t lap_layers;                /* layers_done() when its lap's first layer starts */
    uint16_t image_loads;               /* external_loads_done() before the first load of the image that runs, or will */
};

/* Check a program of `length` bytes that lies in the message buffer at `offset`, for a table of so many layers. */
enum qp_status loads_check(const struct hardware *hw, uint32_t layers, uint32_t offset, uint32_t length, struct qp_error *error);

/* Store the loads of a program that was found good. */
void loads_store(struct loads *loads, uint32_t layers, uint32_t offset);

/* There are none. */
void loads_clear(struct loads *loads);

/* An image begins: its loads go on from the last one's, or anew. */
void loads_begin(struct loads *loads);

/* The image has ended, all layers of it or not. */
void loads_end(struct loads *loads, bool whole);

/* Stop; what the loader has begun is waited for. */
void loads_stop(struct loads *loads);

/* Issue one that may be issued, if there is one. */
void loads_go_on(struct loads *loads, const struct hardware *hw);

/* Has everything come that the layer needs? */
bool loads_ready(const struct loads *loads, uint32_t layer);

#endif
