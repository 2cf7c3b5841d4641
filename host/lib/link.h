/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The host's end of the command channel (fw/include/quell_protocol.h), whatever carries the bytes: a transport gives two functions.
 * Up to QUELL_LINK_WINDOW requests may be under way; answers are received in order and checked completely.
 */
#ifndef QUELL_LINK_H
#define QUELL_LINK_H

#include "quell.h"
#include "quell_protocol.h"

/* Move up to size bytes, waiting for at most timeout_ms; -> bytes moved, 0 after the time is up, -1 when the other end is gone. */
struct quell_wire {
    long (*read)(void *context, void *data, size_t size, int timeout_ms);
    long (*write)(void *context, const void *data, size_t size, int timeout_ms);
    void *context;
};

/* Requests sent ahead: two that the device holds (QP_WINDOW), the others on their way, so that link and device never wait for the host. */
#define QUELL_LINK_WINDOW 4u

struct quell_link {
    struct quell_wire wire;
    int timeout_ms; /* without a byte */
    uint32_t sequence; /* of the next request */
    uint32_t under_way;
    struct {
        uint32_t opcode, sequence;
    } sent[QUELL_LINK_WINDOW];
    uint8_t *buffer; /* payload of an answer */
    size_t buffer_size;
    uint8_t *request; /* a whole message: it goes to the transport in one piece */
};

/* A piece of a payload. */
struct quell_piece {
    const void *data;
    size_t size;
};

quell_status quell_link_open(struct quell_link *link, const struct quell_wire *wire, int timeout_ms, quell_error *err);
void quell_link_close(struct quell_link *link);

/*
 * Say INFO, whatever an earlier host has left behind on the link and in the device (docs/protocol.md, "Beginning"): everything is skipped until the
 * answer to this very request. *payload: struct qp_info.
 */
quell_status quell_link_hello(struct quell_link *link, const uint8_t **payload, quell_error *err);

/* Send a request; the caller keeps at most QUELL_LINK_WINDOW under way. Structs are converted to words by the caller: numbers are little-endian. */
quell_status quell_link_send(struct quell_link *link, uint32_t opcode, const struct quell_piece pieces[2], quell_error *err);

/* Receive the answer of the oldest request. *payload lies in the link's buffer until the next call and has exactly `length` bytes. */
quell_status quell_link_receive(struct quell_link *link, uint32_t length, const uint8_t **payload, quell_error *err);

/* Send and receive, with nothing else under way. */
quell_status quell_link_ask(struct quell_link *link, uint32_t opcode, const struct quell_piece pieces[2], uint32_t length, const uint8_t **payload, quell_error *err);

uint32_t quell_get32(const uint8_t *p);
void quell_put32(uint8_t *p, uint32_t v);

#endif
