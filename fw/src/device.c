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
    channel_receive(MESSAGE_REQUEST, sizeof(struct qp_header));
    device.receiver.left = sizeof(struct qp_header);
}

struct reply *reply_add(uint32_t opcode, uint32_t sequence)
{
    struct reply *reply = reply_at(device.count++);
    *reply = (struct reply){.state = REPLY_READY, .opcode = opcode, .sequence = sequence};
    return reply;
}

uint32_t images_under_way(void)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < device.count; i++)
        n += reply_at(i)->state != REPLY_READY;
    return n;
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

void idle_task(void)
{
    const struct receiver *r = &device.receiver;
    bool busy = device.count || channel_send_left() || r->resync || r->state != RECEIVE_HEADER || r->left != sizeof(struct qp_header);
    if (busy != (board_read(REG(leds)) & 1))
        board_write(REG(leds), busy);
}
