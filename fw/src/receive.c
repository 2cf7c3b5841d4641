/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The receive task: from bytes to whole messages whose CRC is right. A message is received while the one before it (device.request) is still being
 * dealt with, so that the link never waits for the processor: two of them share the request part of the message buffer. Answers leave in the order of
 * the requests, so whatever is owed an answer here waits until the request before has been handled.
 */
#include "channel.h"
#include "device.h"
#include "tasks.h"

#define HEADER_BYTES ((uint32_t)sizeof(struct qp_header))

static void owe_header_error(enum qp_status status, size_t field, uint32_t value, uint32_t limit)
{
    owe_error(&device.receiver.message.header, status, (struct qp_error){QP_WHERE_HEADER, 0, (uint32_t)field, value, limit});
}

static bool may_answer(void) { return !device.request_waits && device.count < REPLIES; }

static void expect(enum receive_state state, uint32_t offset, uint32_t count)
{
    struct receiver *r = &device.receiver;
    r->state = state;
    r->left = count;
    r->time = channel_now();
    channel_receive(offset, count);
}

/* At the front of the buffer, or behind the request that lies there. */
static void expect_header(void)
{
    struct message *m = &device.receiver.message;
    m->offset = device.request_waits && device.request.offset == MESSAGE_REQUEST ? (MESSAGE_REQUEST + HEADER_BYTES + device.request.header.length + 3) & ~3u : MESSAGE_REQUEST;
    expect(RECEIVE_HEADER, m->offset, HEADER_BYTES);
}

void receive_start(void) { expect_header(); }

static void read_header(struct message *m)
{
    struct qp_header *h = &m->header;
    uint32_t word = message_word(m->offset + offsetof(struct qp_header, version));
    h->magic = message_word(m->offset + offsetof(struct qp_header, magic));
    h->version = (uint16_t)word;
    h->opcode = (uint16_t)(word >> 16);
    h->sequence = message_word(m->offset + offsetof(struct qp_header, sequence));
    h->length = message_word(m->offset + offsetof(struct qp_header, length));
    h->status = message_word(m->offset + offsetof(struct qp_header, status));
    h->crc = message_word(m->offset + offsetof(struct qp_header, crc));
}

/* After a bad header: move what may be the beginning of a good one to the front and ask for the rest. */
static void search_header(uint32_t offset)
{
    uint8_t bytes[HEADER_BYTES];
    uint32_t skip = 1;
    for (uint32_t i = 0; i < HEADER_BYTES; i++)
        bytes[i] = (uint8_t)board_read8(MAP_MESSAGE + offset + i);
    for (; skip < HEADER_BYTES; skip++) {
        uint32_t n = 0;
        while (n < 4 && skip + n < HEADER_BYTES && bytes[skip + n] == (uint8_t)(QP_MAGIC >> 8 * n))
            n++;
        if (n == 4 || skip + n == HEADER_BYTES)
            break;
    }
    for (uint32_t i = 0; i < HEADER_BYTES; i += 4) {
        uint32_t word = 0;
        for (uint32_t j = 0; j < 4 && skip + i + j < HEADER_BYTES; j++)
            word |= (uint32_t)bytes[skip + i + j] << 8 * j;
        board_write(MAP_MESSAGE + offset + i, word);
    }
    expect(RECEIVE_HEADER, offset + HEADER_BYTES - skip, skip);
}

/* Is there room for the message beside the request? If not, it gets the whole buffer as soon as that has gone. */
static bool make_room(struct message *m)
{
    uint32_t end = m->offset + HEADER_BYTES + m->header.length;
    if (end <= (device.request_waits && m->offset < device.request.offset ? device.request.offset : MESSAGE_ANSWER))
        return true;
    if (device.request_waits)
        return false;
    for (uint32_t i = 0; i < HEADER_BYTES; i += 4)
        board_write(MAP_MESSAGE + MESSAGE_REQUEST + i, message_word(m->offset + i));
    m->offset = MESSAGE_REQUEST;
    return true;
}

/* -> false: later, when the request before has been handled. */
static bool header_arrived(void)
{
    struct receiver *r = &device.receiver;
    struct qp_header *h = &r->message.header;
    read_header(&r->message);
    enum qp_status status = h->magic != QP_MAGIC ? QP_BAD_MAGIC : h->version != QP_VERSION ? QP_BAD_VERSION : h->length > QP_MAX_PAYLOAD ? QP_BAD_LENGTH : QP_OK;
    bool plausible = h->opcode >= QP_INFO && h->opcode <= QP_PROGRAM; /* asked for only while searching */
    if (status != QP_OK || (r->resync && !plausible)) {
        if (!r->resync && !may_answer())
            return false;
        if (!r->resync && status == QP_BAD_MAGIC)
            owe_header_error(status, offsetof(struct qp_header, magic), h->magic, QP_MAGIC);
        else if (!r->resync && status == QP_BAD_VERSION)
            owe_header_error(status, offsetof(struct qp_header, version), h->version, QP_VERSION);
        else if (!r->resync)
            owe_header_error(status, offsetof(struct qp_header, length), h->length, QP_MAX_PAYLOAD);
        r->resync = true;
        search_header(r->message.offset);
        return true;
    }
    if (!make_room(&r->message))
        return false;
    r->resync = false;
    board_write(REG(rx_crc), channel_header_crc(r->message.offset));
    expect(RECEIVE_PAYLOAD, r->message.offset + MESSAGE_PAYLOAD, h->length);
    return true;
}

static bool payload_arrived(void)
{
    struct receiver *r = &device.receiver;
    uint32_t crc = ~board_read(REG(rx_crc)), sent = r->message.header.crc;
    if (crc == sent) {
        r->state = RECEIVE_MESSAGE;
        return true;
    }
    if (!may_answer())
        return false;
    owe_header_error(QP_BAD_CRC, offsetof(struct qp_header, crc), sent, crc);
    r->resync = true;
    expect_header();
    return true;
}

/* The line has been silent for long: forget a piece of a message; after an error this is where the next message may begin. */
static void silence(uint32_t left)
{
    struct receiver *r = &device.receiver;
    bool header = r->state == RECEIVE_HEADER;
    if (!r->resync && header && left == HEADER_BYTES) {
        r->time = channel_now(); /* between messages */
        return;
    }
    if (!may_answer())
        return;
    if (!r->resync) {
        if (header) /* what is not there yet counts as 0 */
            r->message.header = (struct qp_header){0};
        uint32_t announced = HEADER_BYTES + r->message.header.length;
        owe_header_error(QP_TIMEOUT, offsetof(struct qp_header, length), announced - left, announced);
    }
    r->resync = false;
    expect_header();
}

/* The message becomes the request; reception goes on beside it. The answer to a READ takes the whole buffer. */
static void message_arrived(void)
{
    struct receiver *r = &device.receiver;
    if (device.request_waits)
        return;
    device.request = r->message;
    device.request_waits = true;
    if (device.request.header.opcode == QP_READ)
        r->state = RECEIVE_OFF;
    else
        expect_header();
}

void receive_task(void)
{
    struct receiver *r = &device.receiver;
    if (r->held && !may_answer())
        return;
    r->held = false;
    if (r->state == RECEIVE_MESSAGE) {
        message_arrived();
        return;
    }
    if (r->state == RECEIVE_OFF) {
        if (!device.request_waits && device.count == 0 && channel_send_left() == 0)
            expect_header();
        return;
    }
    uint32_t left = channel_receive_left(), now = channel_now();
    if (left == 0) {
        r->held = !(r->state == RECEIVE_HEADER ? header_arrived() : payload_arrived());
    } else if (left != r->left) {
        r->left = left;
        r->time = now;
    } else if (now - r->time > QP_RESYNC_CYCLES) {
        silence(left);
    }
}
