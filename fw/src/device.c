/* SPDX-License-Identifier: Apache-2.0 */
#include "device.h"
#include "channel.h"

struct device device; /* all zero at reset */

void device_init(void)
{
    hardware_read(&device.hw);
    layer_abort();
    board_write(REG(cnt_clear), 1);
    channel_send(0, 0);
}

struct reply *reply_add(uint32_t opcode, uint32_t sequence)
{
    struct reply *reply = reply_at(device.count++);
    reply->state = REPLY_READY;
    reply->opcode = opcode;
    reply->sequence = sequence;
    reply->status = QP_OK;
    return reply;
}

void owe_error(const struct qp_header *header, enum qp_status status, struct qp_error error)
{
    struct reply *reply = reply_add(header->opcode, header->sequence);
    reply->status = status;
    reply->error = error;
}

uint32_t images_under_way(void)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < device.count; i++)
        n += reply_at(i)->state != REPLY_READY;
    return n;
}

bool image_lies_at(uint32_t address)
{
    for (uint32_t i = 0; i < device.count; i++)
        if (reply_at(i)->state != REPLY_READY && reply_at(i)->address == address)
            return true;
    return false;
}

void images_end(enum qp_status status, const struct qp_error *error)
{
    for (uint32_t i = 0; i < device.count; i++) {
        struct reply *reply = reply_at(i);
        if (reply->state == REPLY_READY)
            continue;
        reply->state = REPLY_READY;
        reply->status = status;
        reply->error = *error;
    }
}
