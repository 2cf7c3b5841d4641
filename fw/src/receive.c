/* SPDX-License-Identifier: Apache-2.0 */
/* The receive task: from bytes to a whole, checked message, and what each request does. */
#include "channel.h"
#include "device.h"
#include "image.h"

#define HEADER_BYTES ((uint32_t)sizeof(struct qp_header))

static struct qp_error header_error(size_t field, uint32_t value, uint32_t limit)
{
    return (struct qp_error){QP_WHERE_HEADER, 0, (uint32_t)field, value, limit};
}
#define HEADER_ERROR(member, limit) header_error(offsetof(struct qp_header, member), device.receiver.header.member, limit)

static void owe_error(enum qp_status status, struct qp_error error)
{
    struct reply *reply = reply_add(device.receiver.header.opcode, device.receiver.header.sequence);
    reply->status = status;
    reply->error = error;
}

/* ---- bytes to messages --------------------------------------------------------------------------------------------------------------- */

static void expect(enum receive_state state, uint32_t offset, uint32_t count)
{
    struct receiver *r = &device.receiver;
    r->state = state;
    r->left = count;
    r->time = channel_now();
    channel_receive(offset, count);
}

static void expect_header(void) { expect(RECEIVE_HEADER, MESSAGE_REQUEST, HEADER_BYTES); }

static void read_header(struct qp_header *h)
{
    uint32_t word = message_word(offsetof(struct qp_header, version));
    h->magic = message_word(offsetof(struct qp_header, magic));
    h->version = (uint16_t)word;
    h->opcode = (uint16_t)(word >> 16);
    h->sequence = message_word(offsetof(struct qp_header, sequence));
    h->length = message_word(offsetof(struct qp_header, length));
    h->status = message_word(offsetof(struct qp_header, status));
    h->crc = message_word(offsetof(struct qp_header, crc));
}

/* After a bad header: move what may be the beginning of a good one to the front and ask for the rest. */
static void search_header(void)
{
    uint8_t bytes[HEADER_BYTES];
    uint32_t skip = 1;
    for (uint32_t i = 0; i < HEADER_BYTES; i++)
        bytes[i] = (uint8_t)board_read8(MAP_MESSAGE + i);
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
        board_write(MAP_MESSAGE + i, word);
    }
    expect(RECEIVE_HEADER, HEADER_BYTES - skip, skip);
}

static void header_arrived(void)
{
    struct receiver *r = &device.receiver;
    struct qp_header *h = &r->header;
    read_header(h);
    enum qp_status status = QP_OK;
    struct qp_error error;
    if (h->magic != QP_MAGIC)
        status = QP_BAD_MAGIC, error = HEADER_ERROR(magic, QP_MAGIC);
    else if (h->version != QP_VERSION)
        status = QP_BAD_VERSION, error = HEADER_ERROR(version, QP_VERSION);
    else if (h->length > QP_MAX_PAYLOAD)
        status = QP_BAD_LENGTH, error = HEADER_ERROR(length, QP_MAX_PAYLOAD);
    bool plausible = h->opcode >= QP_INFO && h->opcode <= QP_ABORT; /* asked for only while searching */
    if (status != QP_OK || (r->resync && !plausible)) {
        if (!r->resync)
            owe_error(status, error);
        r->resync = true;
        search_header();
        return;
    }
    r->resync = false;
    board_write(REG(rx_crc), channel_header_crc(MESSAGE_REQUEST));
    expect(RECEIVE_PAYLOAD, MESSAGE_PAYLOAD, h->length);
}

static void payload_arrived(void)
{
    struct receiver *r = &device.receiver;
    uint32_t crc = ~board_read(REG(rx_crc));
    if (crc == r->header.crc) {
        r->state = RECEIVE_MESSAGE;
        return;
    }
    owe_error(QP_BAD_CRC, HEADER_ERROR(crc, crc));
    r->resync = true;
    expect_header();
}

/* The line has been silent for long: forget a piece of a message; after an error this is where the next message may begin. */
static void silence(uint32_t came)
{
    struct receiver *r = &device.receiver;
    if (!r->resync && r->state == RECEIVE_HEADER && came == 0) {
        r->time = channel_now(); /* between messages */
        return;
    }
    if (!r->resync) {
        bool header = r->state == RECEIVE_PAYLOAD;
        if (!header) /* what is not there yet counts as 0 */
            r->header = (struct qp_header){0};
        owe_error(QP_TIMEOUT, header_error(offsetof(struct qp_header, length), header ? HEADER_BYTES + came : came, HEADER_BYTES + r->header.length));
    }
    r->resync = false;
    expect_header();
}

/* ---- requests ------------------------------------------------------------------------------------------------------------------------ */

static bool length_is(uint32_t wanted)
{
    if (device.receiver.header.length == wanted)
        return true;
    owe_error(QP_BAD_LENGTH, HEADER_ERROR(length, wanted));
    return false;
}

/* Refused while images are under way? */
static bool busy(void)
{
    if (images_under_way() == 0)
        return false;
    owe_error(QP_BUSY, header_error(offsetof(struct qp_header, opcode), device.receiver.header.opcode, 0));
    return true;
}

static bool field_error(uint32_t where, size_t field, uint32_t index, uint32_t value, uint32_t limit)
{
    owe_error(QP_BAD_FIELD, (struct qp_error){where, index, (uint32_t)field, value, limit});
    return false;
}

/* index and words of a write or a read within a memory. */
static bool span_is_legal(uint32_t where, uint32_t index, size_t index_field, uint32_t count, size_t count_field, uint32_t most, uint32_t words)
{
    if (count > most)
        return field_error(where, count_field, index, count, most);
    if (index > words - count)
        return field_error(where, index_field, index, index, words - count);
    return true;
}

static void handle_write(void)
{
    struct qp_write w;
    if (busy())
        return;
    if (device.receiver.header.length < sizeof w) {
        length_is(sizeof w);
        return;
    }
    w.memory = message_word(MESSAGE_PAYLOAD + offsetof(struct qp_write, memory));
    w.index = message_word(MESSAGE_PAYLOAD + offsetof(struct qp_write, index));
    w.words = message_word(MESSAGE_PAYLOAD + offsetof(struct qp_write, words));
    if (w.memory >= QP_MEM_COUNT) {
        field_error(QP_WHERE_WRITE, offsetof(struct qp_write, memory), 0, w.memory, QP_MEM_COUNT - 1);
        return;
    }
    const struct memory *memory = &device.hw.memory[w.memory];
    if (!span_is_legal(QP_WHERE_WRITE, w.index, offsetof(struct qp_write, index), w.words, offsetof(struct qp_write, words), memory->words, memory->words))
        return;
    if (!length_is(sizeof w + w.words * memory->lanes * 4))
        return;
    memory_write(memory, w.index, w.words, MESSAGE_PAYLOAD + sizeof w);
    reply_add(QP_WRITE, device.receiver.header.sequence);
}

static void handle_read(void)
{
    struct qp_read read;
    if (!length_is(sizeof read))
        return;
    read.index = message_word(MESSAGE_PAYLOAD + offsetof(struct qp_read, index));
    read.words = message_word(MESSAGE_PAYLOAD + offsetof(struct qp_read, words));
    uint32_t words = device.hw.info.act_words, most = words < QP_MAX_PAYLOAD / 8 ? words : QP_MAX_PAYLOAD / 8;
    if (span_is_legal(QP_WHERE_READ, read.index, offsetof(struct qp_read, index), read.words, offsetof(struct qp_read, words), most, words))
        reply_add(QP_READ, device.receiver.header.sequence)->read = read;
}

static void handle_table(void)
{
    if (busy())
        return;
    struct qp_error error;
    enum qp_status status = table_check(&device.hw, MESSAGE_PAYLOAD, device.receiver.header.length, &error);
    if (status != QP_OK) {
        owe_error(status, error);
        return;
    }
    table_store(&device.table, MESSAGE_PAYLOAD);
    device.buffer = 0;
    board_write(REG(cnt_clear), 1);
    reply_add(QP_TABLE, device.receiver.header.sequence);
}

static void background(void)
{
    run_task();
    answer_task();
}

static void handle_image(void)
{
    const struct qp_table *t = &device.table.head;
    struct qp_image image;
    if (t->count == 0) {
        owe_error(QP_NO_TABLE, header_error(offsetof(struct qp_header, opcode), QP_IMAGE, 0));
        return;
    }
    if (!length_is(sizeof image + t->image_h * t->image_w * t->image_c))
        return;
    image.inference = message_word(MESSAGE_PAYLOAD + offsetof(struct qp_image, inference));
    image.seed = message_word(MESSAGE_PAYLOAD + offsetof(struct qp_image, seed));
    image.layers = message_word(MESSAGE_PAYLOAD + offsetof(struct qp_image, layers));
    if (image.layers < 1 || image.layers > t->count) {
        field_error(QP_WHERE_IMAGE, offsetof(struct qp_image, layers), 0, image.layers, image.layers < 1 ? 1 : t->count);
        return;
    }
    uint32_t sequence = device.receiver.header.sequence, buffer = device.buffer;
    image_expand(t, MESSAGE_PAYLOAD + sizeof image, t->input_addr[buffer], background);
    device.buffer ^= 1;
    struct reply *reply = reply_add(QP_IMAGE, sequence);
    reply->state = REPLY_WAITING;
    reply->image = image;
    reply->buffer = buffer;
    reply->address = t->input_addr[buffer];
}

static void handle_abort(void)
{
    const struct qp_error error = header_error(offsetof(struct qp_header, opcode), QP_IMAGE, 0);
    layer_abort();
    images_end(QP_ABORTED, &error);
    reply_add(QP_ABORT, device.receiver.header.sequence);
}

/* Must the message stay in the buffer for now? Images need a free input buffer; what reads the device's state waits until it rests. */
static bool must_wait(uint32_t opcode)
{
    const uint32_t *in = device.table.head.input_addr;
    switch (opcode) {
    case QP_IMAGE: return images_under_way() >= (in[0] == in[1] ? 1 : 2);
    case QP_READ:
    case QP_COUNTERS: return device.count > 0;
    default: return false;
    }
}

static bool handle_message(void)
{
    const struct qp_header *h = &device.receiver.header;
    if (h->opcode == QP_INFO)
        device.sequence = h->sequence; /* whoever begins says where to begin */
    if (h->sequence != device.sequence) {
        owe_error(QP_BAD_SEQUENCE, HEADER_ERROR(sequence, device.sequence));
        return true;
    }
    if (must_wait(h->opcode))
        return false;
    device.sequence++;
    switch (h->opcode) {
    case QP_WRITE: handle_write(); break;
    case QP_READ: handle_read(); break;
    case QP_TABLE: handle_table(); break;
    case QP_IMAGE: handle_image(); break;
    case QP_ABORT:
        if (length_is(0))
            handle_abort();
        break;
    case QP_INFO:
    case QP_COUNTERS:
        if (length_is(0))
            reply_add(h->opcode, h->sequence);
        break;
    default: owe_error(QP_BAD_OPCODE, HEADER_ERROR(opcode, QP_ABORT)); break;
    }
    return true;
}

void receive_task(void)
{
    struct receiver *r = &device.receiver;
    if (device.count == REPLIES)
        return; /* whatever comes next may need a reply */
    if (r->state == RECEIVE_MESSAGE) {
        if (!handle_message())
            return;
        if (r->header.opcode == QP_READ)
            r->state = RECEIVE_OFF; /* the answer takes the request's place */
        else
            expect_header();
        return;
    }
    if (r->state == RECEIVE_OFF) {
        if (device.count == 0 && channel_send_left() == 0)
            expect_header();
        return;
    }
    uint32_t left = channel_receive_left(), now = channel_now();
    if (left == 0) {
        if (r->state == RECEIVE_HEADER)
            header_arrived();
        else
            payload_arrived();
    } else if (left != r->left) {
        r->left = left;
        r->time = now;
    } else if (now - r->time > QP_RESYNC_CYCLES) {
        silence((r->state == RECEIVE_HEADER ? HEADER_BYTES : r->header.length) - left);
    }
}
