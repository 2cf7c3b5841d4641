/* SPDX-License-Identifier: Apache-2.0 */
/* The firmware's whole state. A request passes receive -> request -> queue of replies -> (run) -> answer (tasks.h). */
#ifndef QUELL_DEVICE_H
#define QUELL_DEVICE_H

#include "hardware.h"
#include "loads.h"
#include "table.h"

/* Replies owed to the host, in order. Images wait here until they have run. */
enum reply_state {
    REPLY_WAITING,  /* an image in its input buffer */
    REPLY_RUNNING,  /* its layers run */
    REPLY_FINISHED, /* its layers have ended, the result is not fetched yet */
    REPLY_READY,    /* may be sent: an image's result lies behind the answer header already */
};

struct reply {
    enum reply_state state;
    uint32_t opcode, sequence;
    enum qp_status status;
    struct qp_error error;  /* if status is not QP_OK */
    struct qp_read read;    /* QP_READ */
    struct qp_image image;  /* QP_IMAGE, QP_REPEAT */
    uint32_t address;       /* activation word of the input */
};

#define REPLIES 4u /* two images, an abort, and one more */

/* Where the receive task is. */
enum receive_state {
    RECEIVE_HEADER,
    RECEIVE_PAYLOAD,
    RECEIVE_MESSAGE, /* whole; stays until the request before has been handled */
    RECEIVE_OFF,     /* until the answer to a READ has left */
};

struct message {
    uint32_t offset;    /* in the message buffer */
    struct qp_header header;
};

struct receiver {
    enum receive_state state;
    bool resync;        /* after an error: quietly look for a valid header */
    bool held;          /* what has come must wait until the request before has been handled */
    uint32_t left;      /* bytes outstanding when last looked */
    uint32_t time;      /* when that changed last */
    struct message message;
};

struct runner {
    uint32_t layer;     /* next to start */
    uint32_t before;    /* layers_done() when the image started */
    uint32_t done;      /* of this image, when last looked */
    uint32_t time;      /* when that changed last */
    uint32_t limit;     /* clock cycles the present layer may take */
    uint32_t start;     /* first layer's start */
    uint64_t macs;      /* counter before the image */
};

struct device {
    struct hardware hw;
    struct table table;
    struct loads loads;
    uint32_t sequence;  /* expected next */
    uint32_t buffer;    /* input buffer of the next image */
    bool filled[2];     /* the buffer holds an image of this table, and nothing else has been written there */
    bool repeatable;    /* so does the one before `buffer`, with the last image */
    struct reply reply[REPLIES];
    uint32_t first, count;
    struct receiver receiver;
    struct message request; /* whole and right */
    bool request_waits;     /* there is one, and it has not been handled yet */
    struct runner runner;
    uint32_t status;        /* layer_status() when last looked between two rows */
};

extern struct device device;

/* What is known of the hardware, and everything at rest. */
void device_init(void);

/* The i-th reply owed, 0 the oldest. */
static inline struct reply *reply_at(uint32_t i) { return &device.reply[(device.first + i) % REPLIES]; }

/* Owe one more; there must be room. */
struct reply *reply_add(uint32_t opcode, uint32_t sequence);

/* Owe an error as the answer to a message. */
void owe_error(const struct qp_header *header, enum qp_status status, struct qp_error error);

/* The replies of images whose layers have not ended. */
uint32_t images_under_way(void);

/* Does one of them read the input buffer at this activation word? */
bool image_lies_at(uint32_t address);

/* End every image under way with this status. */
void images_end(enum qp_status status, const struct qp_error *error);

#endif
