/* SPDX-License-Identifier: Apache-2.0 */
/* The request task: what each request does. It handles device.request, a whole message, as soon as that can be done. */
#include "channel.h"
#include "device.h"
#include "external.h"
#include "image.h"
#include "tasks.h"

/* A word of the request's payload. */
static uint32_t payload_word(size_t offset) { return message_word(device.request.offset + MESSAGE_PAYLOAD + (uint32_t)offset); }

static void refuse(enum qp_status status, struct qp_error error) { owe_error(&device.request.header, status, error); }

static struct qp_error header_error(size_t field, uint32_t value, uint32_t limit) { return (struct qp_error){QP_WHERE_HEADER, 0, (uint32_t)field, value, limit}; }
#define HEADER_ERROR(member, limit) header_error(offsetof(struct qp_header, member), device.request.header.member, limit)

static bool length_is(uint32_t wanted)
{
    if (device.request.header.length == wanted)
        return true;
    refuse(QP_BAD_LENGTH, HEADER_ERROR(length, wanted));
    return false;
}

/* Refused while images are under way? */
static bool busy(void)
{
    if (images_under_way() == 0)
        return false;
    refuse(QP_BUSY, header_error(offsetof(struct qp_header, opcode), device.request.header.opcode, 0));
    return true;
}

static bool field_error(uint32_t where, size_t field, uint32_t index, uint32_t value, uint32_t limit)
{
    refuse(QP_BAD_FIELD, (struct qp_error){where, index, (uint32_t)field, value, limit});
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

/* The memories hold something else from now on, and nothing else writes them. */
static void forget_program(void)
{
    device.hw.info.program[0] = device.hw.info.program[1] = 0;
    loads_stop(&device.loads);
}

static void handle_write(void)
{
    struct qp_write w;
    if (busy())
        return;
    if (device.request.header.length < sizeof w) {
        length_is(sizeof w);
        return;
    }
    w.memory = payload_word(offsetof(struct qp_write, memory));
    w.index = payload_word(offsetof(struct qp_write, index));
    w.words = payload_word(offsetof(struct qp_write, words));
    if (w.memory >= QP_MEM_COUNT) {
        field_error(QP_WHERE_WRITE, offsetof(struct qp_write, memory), 0, w.memory, QP_MEM_COUNT - 1);
        return;
    }
    const struct memory *memory = &device.hw.memory[w.memory];
    if (!span_is_legal(QP_WHERE_WRITE, w.index, offsetof(struct qp_write, index), w.words, offsetof(struct qp_write, words), memory->words, memory->words))
        return;
    if (!length_is(sizeof w + w.words * memory->lanes * 4))
        return;
    if (w.memory == QP_MEM_ACTIVATION)
        device.filled[0] = device.filled[1] = device.repeatable = false;
    else
        forget_program();
    if (w.memory == QP_MEM_EXTERNAL) {
        external_open(&device.hw);
        external_write(w.index, w.words, device.request.offset + MESSAGE_PAYLOAD + sizeof w);
    } else
        memory_write(memory, w.index, w.words, device.request.offset + MESSAGE_PAYLOAD + sizeof w);
    reply_add(QP_WRITE, device.request.header.sequence);
}

static void handle_read(void)
{
    struct qp_read read;
    if (!length_is(sizeof read))
        return;
    read.index = payload_word(offsetof(struct qp_read, index));
    read.words = payload_word(offsetof(struct qp_read, words));
    uint32_t words = device.hw.info.act_words, most = words < QP_MAX_PAYLOAD / 8 ? words : QP_MAX_PAYLOAD / 8;
    if (span_is_legal(QP_WHERE_READ, read.index, offsetof(struct qp_read, index), read.words, offsetof(struct qp_read, words), most, words))
        reply_add(QP_READ, device.request.header.sequence)->read = read;
}

static void handle_table(void)
{
    if (busy())
        return;
    struct qp_error error;
    enum qp_status status = table_check(&device.hw, device.request.offset + MESSAGE_PAYLOAD, device.request.header.length, &error);
    if (status != QP_OK) {
        refuse(status, error);
        return;
    }
    loads_stop(&device.loads);
    loads_clear(&device.loads);
    table_store(&device.table, device.request.offset + MESSAGE_PAYLOAD);
    device.buffer = 0;
    device.filled[0] = device.filled[1] = device.repeatable = false;
    board_write(REG(cnt_clear), 1);
    reply_add(QP_TABLE, device.request.header.sequence);
}

/* What the external memory holds is looked at again unless it is known by this name. */
static bool holds(uint32_t words, uint32_t crc, const uint32_t name[2])
{
    const uint32_t *held = device.hw.info.program;
    if ((name[0] | name[1]) && name[0] == held[0] && name[1] == held[1])
        return true;
    if (!words)
        return true;
    external_open(&device.hw);
    uint32_t found = external_crc(words);
    if (found != crc)
        refuse(QP_BAD_PROGRAM, (struct qp_error){QP_WHERE_PROGRAM, 0, offsetof(struct qp_program, ext_crc), found, crc});
    return found == crc;
}

static void handle_program(void)
{
    struct qp_error error;
    if (busy())
        return;
    if (device.table.head.count == 0) {
        refuse(QP_NO_TABLE, header_error(offsetof(struct qp_header, opcode), QP_PROGRAM, 0));
        return;
    }
    uint32_t layers = device.table.head.count, offset = device.request.offset + MESSAGE_PAYLOAD;
    enum qp_status status = loads_check(&device.hw, layers, offset, device.request.header.length, &error);
    if (status != QP_OK) {
        refuse(status, error);
        return;
    }
    const uint32_t name[2] = {payload_word(offsetof(struct qp_program, name)), payload_word(offsetof(struct qp_program, name) + 4)};
    loads_stop(&device.loads);
    if (!holds(payload_word(offsetof(struct qp_program, ext_words)), payload_word(offsetof(struct qp_program, ext_crc)), name))
        return;
    loads_store(&device.loads, layers, offset);
    device.hw.info.program[0] = name[0];
    device.hw.info.program[1] = name[1];
    reply_add(QP_PROGRAM, device.request.header.sequence);
}

static bool transfer_ended(void) { return device.receiver.state <= RECEIVE_PAYLOAD && channel_receive_left() == 0; }

/* Apart, so that background() saves no registers where there is nothing to do, which is most often. */
static __attribute__((noinline)) void other_tasks(void)
{
    uint32_t status = layer_status();
    if (transfer_ended())
        receive_task();
    if (status == device.status)
        return;
    device.status = status;
    run_task();
    answer_task();
}

/* Done between the rows of an image that is expanded, if there is anything to do: a transfer or a layer has ended. */
static void background(void)
{
    if (transfer_ended() || layer_status() != device.status)
        other_tasks();
}

/* The head of a QP_IMAGE or QP_REPEAT, which is followed by so many codes. */
static bool image_head(struct qp_image *image, uint32_t codes)
{
    const struct qp_table *t = &device.table.head;
    if (t->count == 0) {
        refuse(QP_NO_TABLE, header_error(offsetof(struct qp_header, opcode), device.request.header.opcode, 0));
        return false;
    }
    if (!length_is(sizeof *image + codes))
        return false;
    image->inference = payload_word(offsetof(struct qp_image, inference));
    image->seed = payload_word(offsetof(struct qp_image, seed));
    image->layers = payload_word(offsetof(struct qp_image, layers));
    if (image->layers < 1 || image->layers > t->count)
        return field_error(QP_WHERE_IMAGE, offsetof(struct qp_image, layers), 0, image->layers, image->layers < 1 ? 1 : t->count);
    return true;
}

/* The image that lies in an input buffer is to be run. */
static void queue_image(uint32_t opcode, uint32_t sequence, const struct qp_image *image, uint32_t buffer)
{
    struct reply *reply = reply_add(opcode, sequence);
    reply->state = REPLY_WAITING;
    reply->image = *image;
    reply->address = device.table.head.input_addr[buffer];
}

static void handle_image(void)
{
    const struct qp_table *t = &device.table.head;
    struct qp_image image;
    if (!image_head(&image, t->image_h * t->image_w * t->image_c))
        return;
    uint32_t sequence = device.request.header.sequence, buffer = device.buffer;
    image_expand(t, device.request.offset + MESSAGE_PAYLOAD + sizeof image, t->input_addr[buffer], !device.filled[buffer], background);
    device.filled[buffer] = device.repeatable = device.table.inputs_kept;
    device.buffer ^= 1;
    queue_image(QP_IMAGE, sequence, &image, buffer);
}

static void handle_repeat(void)
{
    struct qp_image image;
    if (!image_head(&image, 0))
        return;
    if (device.repeatable)
        queue_image(QP_REPEAT, device.request.header.sequence, &image, device.buffer ^ 1);
    else
        refuse(QP_NO_IMAGE, header_error(offsetof(struct qp_header, opcode), QP_REPEAT, 0));
}

static void handle_abort(void)
{
    const struct qp_error error = header_error(offsetof(struct qp_header, opcode), QP_IMAGE, 0);
    layer_abort();
    loads_stop(&device.loads);
    images_end(QP_ABORTED, &error);
    reply_add(QP_ABORT, device.request.header.sequence);
}

/* Must the message stay in the buffer for now? Two images may be under way, and a new one needs a free input buffer; what reads the device's state waits until it rests. */
static bool must_wait(uint32_t opcode)
{
    switch (opcode) {
    case QP_IMAGE: return images_under_way() >= 2 || image_lies_at(device.table.head.input_addr[device.buffer]);
    case QP_REPEAT: return images_under_way() >= 2;
    case QP_READ:
    case QP_COUNTERS: return device.count > 0;
    default: return false;
    }
}

/* -> false: not yet. */
static bool handle_request(void)
{
    const struct qp_header *h = &device.request.header;
    if (h->opcode == QP_INFO) {
        device.sequence = h->sequence; /* whoever begins says where to begin, */
        device.repeatable = false;     /* and with an image of their own */
    }
    if (h->sequence != device.sequence) {
        refuse(QP_BAD_SEQUENCE, HEADER_ERROR(sequence, device.sequence));
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
    case QP_REPEAT: handle_repeat(); break;
    case QP_PROGRAM: handle_program(); break;
    case QP_ABORT:
        if (length_is(0))
            handle_abort();
        break;
    case QP_INFO:
    case QP_COUNTERS:
        if (length_is(0))
            reply_add(h->opcode, h->sequence);
        break;
    default: refuse(QP_BAD_OPCODE, HEADER_ERROR(opcode, QP_PROGRAM)); break;
    }
    return true;
}

void request_task(void)
{
    if (device.request_waits && device.count < REPLIES && handle_request())
        device.request_waits = false;
}
