/* SPDX-License-Identifier: Apache-2.0 */
/* The host's side of the firmware's tests, and requests that the firmware accepts. */
#ifndef HOST_SIDE_H
#define HOST_SIDE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>
#include <zlib.h>
#include "device.h"
#include "tasks.h"
#include "fake_board.h"

/* ---- the host's side --------------------------------------------------------------------------------------------------------------- */

static uint32_t sequence;
static size_t read_so_far;

struct answer {
    struct qp_header header;
    struct qp_error error;
    uint8_t payload[QP_MAX_PAYLOAD];
};
static struct answer answer;

static void step(unsigned turns)
{
    while (turns--) {
        receive_task();
        request_task();
        run_task();
        answer_task();
        idle_task();
    }
}

static struct qp_header make_header(uint32_t opcode, const void *payload, uint32_t length)
{
    struct qp_header h = {QP_MAGIC, QP_VERSION, (uint16_t)opcode, sequence, length, 0, 0};
    h.crc = (uint32_t)crc32(crc32(0, (const uint8_t *)&h, 20), length ? payload : (const void *)"", length);
    return h;
}

static void send_with_header(struct qp_header h, const void *payload, uint32_t length)
{
    fake_host_sends(&h, sizeof h);
    fake_host_sends(payload, length);
}

static void send(uint32_t opcode, const void *payload, uint32_t length)
{
    send_with_header(make_header(opcode, payload, length), payload, length);
    sequence++;
}

/* Run until an answer is there; false if none comes. */
static bool receive(void)
{
    for (int i = 0; i < 20000; i++) {
        size_t have = fake.tx_count - read_so_far;
        if (have >= sizeof answer.header) {
            memcpy(&answer.header, fake.tx + read_so_far, sizeof answer.header);
            if (have >= sizeof answer.header + answer.header.length) {
                memcpy(answer.payload, fake.tx + read_so_far + sizeof answer.header, answer.header.length);
                memcpy(&answer.error, answer.payload, sizeof answer.error);
                uint32_t crc = (uint32_t)crc32(crc32(0, fake.tx + read_so_far, 20), answer.payload, answer.header.length);
                assert_int_equal(answer.header.crc, crc);
                read_so_far += sizeof answer.header + answer.header.length;
                return true;
            }
        }
        step(1);
    }
    return false;
}

static void expect(uint32_t opcode, enum qp_status status)
{
    assert_true(receive());
    assert_int_equal(answer.header.status, status);
    assert_int_equal(answer.header.opcode, opcode);
    if (status != QP_OK)
        assert_int_equal(answer.header.length, sizeof(struct qp_error));
}

static void ask(uint32_t opcode, const void *payload, uint32_t length, enum qp_status status)
{
    send(opcode, payload, length);
    expect(opcode, status);
    assert_int_equal(answer.header.sequence, sequence - 1);
}

/* ---- a good table -------------------------------------------------------------------------------------------------------------------- */

struct table_message {
    struct qp_table head;
    uint32_t layer[QP_MAX_LAYERS][QUELL_LAYER_WORDS];
};

static void set(uint32_t *entry, uint32_t code, uint32_t width, uint32_t value)
{
    uint32_t mask = (uint32_t)((UINT64_C(1) << width) - 1) << code % 32;
    entry[code / 128] = (entry[code / 128] & ~mask) | (value << code % 32 & mask);
}
#define WIDTH(name, offset, low, width, text) WIDTH_##name = (width),
enum { QUELL_LAYER_FIELDS(WIDTH) WIDTH_END };
#define SET(entry, name, value) set(entry, LAYER_FIELD_##name, WIDTH_##name, value)

/* Everything on: depthwise and bottleneck denoiser with samples, residual, pooling. 8x8, two input words, one output word. */
static void good_layer(uint32_t *e, uint32_t index)
{
    memset(e, 0, QUELL_LAYER_WORDS * 4);
    SET(e, pad_top, 1);
    SET(e, pad_left, 1);
    SET(e, wait_prev, index > 0);
    SET(e, noise, 1);
    SET(e, correct, 1);
    SET(e, dn_depthwise, 1);
    SET(e, dn_bottleneck, 1);
    SET(e, dn_sample, 1);
    SET(e, residual, 1);
    SET(e, pool_kind, 1);
    SET(e, rng_layer, index);
    SET(e, in_addr, index ? 1000 : 100);
    SET(e, out_addr, 2000);
    SET(e, res_addr, 3000);
    SET(e, w_addr, 10);
    SET(e, in_w, 8);
    SET(e, in_h, 8);
    SET(e, out_w, 8);
    SET(e, out_h, 8);
    SET(e, in_c8, 2);
    SET(e, in_last, 3);
    SET(e, out_c8, 1);
    SET(e, const_addr, 20);
    SET(e, out_pitch, 1);
    SET(e, post_a, 1 << 23);
    SET(e, post_shift, 23);
    SET(e, lo, 0x80);
    SET(e, hi, 0x7F);
    SET(e, pool_m, 1 << 23);
    SET(e, pool_shift, 23);
    SET(e, pool_kh, 2);
    SET(e, pool_kw, 2);
    SET(e, pool_sy, 2);
    SET(e, pool_sx, 2);
    SET(e, pooled_h, 4);
    SET(e, pooled_w, 4);
    SET(e, dn_pair_addr, 30);
    SET(e, dn_row_addr, 4);
    SET(e, dn_width, 4);
    SET(e, dn_s1, 20);
    SET(e, dn_s2, 20);
    SET(e, dn_sd, 20);
    SET(e, dn_su, 20);
    SET(e, dn_sv, 20);
}

static struct table_message table;
static uint32_t table_bytes(void) { return (uint32_t)sizeof table.head + table.head.count * QUELL_LAYER_WORDS * 4; }

static void good_table(void)
{
    memset(&table, 0, sizeof table);
    table.head = (struct qp_table){.count = 3, .image_h = 6, .image_w = 6, .image_c = 12, .image_pad = 1, .input_addr = {100, 500}, .logits_addr = 2000, .classes = 10, .pad_code = -7};
    for (uint32_t i = 0; i < table.head.count; i++)
        good_layer(table.layer[i], i);
}

static struct {
    struct qp_image head;
    int8_t codes[6 * 6 * 12];
} image;

static void good_image(uint32_t inference)
{
    image.head = (struct qp_image){inference, 77, 3};
    for (unsigned i = 0; i < sizeof image.codes; i++)
        image.codes[i] = (int8_t)(i * 7 + inference);
}

static inline int setup(void **state)
{
    (void)state;
    memset(&device, 0, sizeof device);
    fake_reset();
    read_so_far = 0;
    sequence = 100;
    device_init();
    receive_start();
    ask(QP_INFO, 0, 0, QP_OK);
    good_table();
    return 0;
}

static void load_table(void) { ask(QP_TABLE, &table, table_bytes(), QP_OK); }

static void expect_error(uint32_t where, uint32_t index, uint32_t field, uint32_t value, uint32_t limit)
{
    const struct qp_error e = {where, index, field, value, limit};
    assert_memory_equal(&answer.error, &e, sizeof e);
}

#endif
