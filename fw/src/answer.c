/* SPDX-License-Identifier: Apache-2.0 */
/* The answer task: sends the oldest reply when it is ready and the line is free. */
#include "channel.h"
#include "device.h"
#include "tasks.h"

/* Copy words behind the answer header; returns their bytes. */
static uint32_t put_payload(const void *words, uint32_t bytes)
{
    const uint32_t *word = words;
    for (uint32_t i = 0; i < bytes / 4; i++)
        board_write(MAP_MESSAGE + MESSAGE_ANSWER + MESSAGE_PAYLOAD + 4 * i, word[i]);
    return bytes;
}

static uint32_t put_counters(void)
{
    uint32_t count[QP_COUNTER_COUNT];
    for (uint32_t i = 0; i < QP_COUNTER_COUNT; i++)
        count[i] = board_read(REG(cnt_array_busy) + 4 * i);
    return put_payload(count, sizeof count);
}

/* The answer to a READ may be as large as a request: it goes where the request was. */
static void send_read(const struct reply *reply)
{
    uint32_t from = MAP_ACTIVATION + reply->read.index * 8, to = MAP_MESSAGE + MESSAGE_REQUEST + MESSAGE_PAYLOAD, bytes = reply->read.words * 8;
    copy_words(to, from, bytes / 4);
    channel_answer(MESSAGE_REQUEST, reply->opcode, reply->sequence, QP_OK, bytes);
}

void answer_task(void)
{
    const struct reply *reply = reply_at(0);
    if (device.count == 0 || reply->state != REPLY_READY || channel_send_left() != 0)
        return;
    device.first = (device.first + 1) % REPLIES;
    device.count--;
    uint32_t length = 0;
    if (reply->status != QP_OK)
        length = put_payload(&reply->error, sizeof reply->error);
    else if (reply->opcode == QP_READ) {
        send_read(reply);
        return;
    } else if (reply->opcode == QP_INFO)
        length = put_payload(&device.hw.info, sizeof device.hw.info);
    else if (reply->opcode == QP_COUNTERS)
        length = put_counters();
    else if (reply->opcode == QP_IMAGE || reply->opcode == QP_REPEAT)
        length = sizeof(struct qp_result) + device.table.head.classes; /* fetched by the run task */
    channel_answer(MESSAGE_ANSWER, reply->opcode, reply->sequence, reply->status, length);
}
