/* SPDX-License-Identifier: Apache-2.0 */
/* The run task: takes the oldest image through its layers. The next layer is programmed while the present one runs. */
#include "channel.h"
#include "device.h"
#include "tasks.h"

static uint64_t macs(void)
{
    uint32_t low = board_read(REG(cnt_macs_lo));
    return (uint64_t)board_read(REG(cnt_macs_hi)) << 32 | low;
}

/* Queue the next layer of the image; one whose tensor is the image reads this image's buffer. */
static void start_next_layer(const struct reply *image)
{
    const uint32_t *entry = device.table.layer[device.runner.layer];
    uint32_t first = device.table.head.input_addr[0], moved = image->address - first;
    board_write(REG(seed), image->image.seed);
    board_write(REG(inference), image->image.inference);
    layer_write(entry, layer_in_addr(entry) == first ? moved : 0, layer_residual(entry) && layer_res_addr(entry) == first ? moved : 0);
    layer_go();
    device.runner.layer++;
}

static void progress(uint32_t done)
{
    device.runner.done = done;
    device.runner.time = channel_now();
    device.runner.limit = device.table.limit[done];
}

static void start_image(struct reply *image)
{
    image->state = REPLY_RUNNING;
    device.runner = (struct runner){.before = layers_done(), .macs = macs()};
    loads_begin(&device.loads);
    progress(0);
}

/* The units did not finish: reset them and tell the host; table and memories are kept. */
static void give_up(void)
{
    const struct qp_error error = {QP_WHERE_DEVICE, device.runner.done, 0, channel_now() - device.runner.time, device.runner.limit};
    layer_abort();
    loads_stop(&device.loads);
    images_end(QP_INTERNAL, &error);
}

static void watch_layers(struct reply *image)
{
    struct runner *r = &device.runner;
    loads_go_on(&device.loads, &device.hw);
    if (r->layer < image->image.layers && layer_ready() && loads_ready(&device.loads, r->layer)) {
        if (r->layer == 1) /* both contexts have taken layer 0, so its start is known */
            r->start = board_read(REG(time_start));
        start_next_layer(image);
    }
    uint32_t done = (layers_done() - r->before) & 0xFFFF;
    if (done == image->image.layers) {
        image->state = REPLY_FINISHED;
        loads_end(&device.loads, done == device.table.head.count);
    }
    else if (done != r->done)
        progress(done);
    else if (channel_now() - r->time > r->limit)
        give_up();
}

/* Take the result out of the hardware before the next image may overwrite it. */
static void fetch_result(struct reply *image)
{
    const struct qp_table *t = &device.table.head;
    uint32_t start = image->image.layers > 1 ? device.runner.start : board_read(REG(time_start));
    uint64_t done = macs() - device.runner.macs;
    uint32_t to = MAP_MESSAGE + MESSAGE_ANSWER + MESSAGE_PAYLOAD, from = MAP_ACTIVATION + t->logits_addr * 8;
    board_write(to + offsetof(struct qp_result, cycles), board_read(REG(time_end)) - start);
    board_write(to + offsetof(struct qp_result, macs_lo), (uint32_t)done);
    board_write(to + offsetof(struct qp_result, macs_hi), (uint32_t)(done >> 32));
    to += sizeof(struct qp_result);
    for (uint32_t i = 0; i < t->classes; i += 4)
        board_write(to + i, board_read(from + i));
    image->state = REPLY_READY;
}

/* The oldest image whose result has not been fetched. */
static struct reply *oldest_image(void)
{
    for (uint32_t i = 0; i < device.count; i++)
        if (reply_at(i)->state != REPLY_READY)
            return reply_at(i);
    return 0;
}

void run_task(void)
{
    struct reply *image = oldest_image();
    if (image && image->state == REPLY_RUNNING)
        watch_layers(image);
    /* the place for answers must be free */
    if (image && image->state == REPLY_FINISHED && image == reply_at(0) && channel_send_left() == 0) {
        fetch_result(image);
        image = oldest_image(); /* the array must not wait for the answer */
    }
    if (image && image->state == REPLY_WAITING) {
        start_image(image);
        watch_layers(image);
    }
    loads_go_on(&device.loads, &device.hw); /* the next image's first ones too */
}
