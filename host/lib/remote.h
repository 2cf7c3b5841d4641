/* SPDX-License-Identifier: Apache-2.0 */
/* A device at the other end of a link: everything but how the bytes get there. A transport embeds struct quell_remote as its first member. */
#ifndef QUELL_REMOTE_H
#define QUELL_REMOTE_H

#include "link.h"
#include "model.h"

struct quell_remote {
    quell_device base;
    struct quell_link link;
    quell_limits limits;
    quell_counters counters;
    uint32_t seen[QP_COUNTER_COUNT]; /* counters as last read: they are sums since the table was written, modulo 2^32 */
    uint64_t unread_cycles;          /* run since then */
    uint32_t program[2];             /* name of the program that the device's memories hold; 0: not known */
    /* For people: why the device went away, for example "it was ended by signal 9"; NULL or empty if unknown. */
    void (*reason)(struct quell_remote *remote, char *text, size_t size);
};

static inline struct quell_remote *quell_remote_of(quell_device *device) { return (struct quell_remote *)(void *)device; }

/* Say hello: reads limits, refuses another version. base.ops and base.name, link and reason are set before. */
quell_status quell_remote_start(struct quell_remote *remote, quell_error *err);

/* Add what is known about the end of a lost device to a message. */
quell_status quell_remote_explain(struct quell_remote *remote, quell_status status, quell_error *err);

/* The functions of struct quell_device_ops but for close; load is in remote_load.c. */
quell_status quell_remote_load(quell_device *device, const quell_program *program, quell_error *err);
quell_status quell_remote_run(quell_device *device, const struct quell_batch *batch, quell_error *err);
quell_status quell_remote_activations(quell_device *device, const quell_images *images, uint32_t index, uint32_t noise_seed, uint32_t inference, uint32_t layer, int8_t *codes, quell_error *err);
quell_status quell_remote_get_limits(quell_device *device, quell_limits *limits, quell_error *err);
quell_status quell_remote_get_counters(quell_device *device, quell_counters *counters, quell_error *err);

#endif
