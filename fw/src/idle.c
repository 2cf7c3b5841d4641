/* SPDX-License-Identifier: Apache-2.0 */
/* The idle task: is anything going on? */
#include "tasks.h"
#include "channel.h"
#include "device.h"

void idle_task(void)
{
    const struct receiver *r = &device.receiver;
    bool busy = device.count || device.request_waits || channel_send_left() || r->resync || r->state != RECEIVE_HEADER || r->left != sizeof(struct qp_header);
    if (busy != (board_read(REG(leds)) & 1))
        board_write(REG(leds), busy);
}
