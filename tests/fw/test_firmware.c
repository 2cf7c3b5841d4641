/* SPDX-License-Identifier: Apache-2.0 */
/* The firmware's tasks on the PC, against fake hardware. What it must refuse it must refuse by name, and without any change. */
#include "host_side.h"

/* ---- tests ----------------------------------------------------------------------------------------------------------------------------- */

static void test_info(void **state)
{
    (void)state;
    const struct qp_info want = {0x100, 0x12345678, 8, 4, 8192, 2048, 512, 512, 256, 64, 1024, QP_MAX_PAYLOAD, 8, 0, {0, 0}};
    sequence = 0xFFFFFFFF;
    ask(QP_INFO, 0, 0, QP_OK);
    assert_memory_equal(answer.payload, &want, sizeof want);
    ask(QP_COUNTERS, 0, 0, QP_OK); /* sequence 0 follows */
    for (uint32_t i = 0; i < QP_COUNTER_COUNT; i++)
        assert_int_equal(((uint32_t *)answer.payload)[i], 0x80 + 4 * i);
    step(2);
    assert_int_equal(fake.leds & 1, 0);
}

static void test_write_and_read(void **state)
{
    (void)state;
    static const uint32_t words[QP_MEM_EXTERNAL] = {8192, 2048, 512, 256, 64, 8}, lanes[QP_MEM_EXTERNAL] = {2, 18, 10, 13, 12, 64}, shift[QP_MEM_EXTERNAL] = {3, 8, 6, 7, 7, 8};
    static uint32_t message[2048];
    for (uint32_t m = 0; m < QP_MEM_EXTERNAL; m++) {
        uint32_t length = 12 + 3 * lanes[m] * 4, before = fake.written[3 + m];
        message[0] = m, message[1] = words[m] - 3, message[2] = 3;
        for (uint32_t i = 0; i < 3 * lanes[m]; i++)
            message[3 + i] = i * 0x01010101 + m;
        ask(QP_WRITE, message, length, QP_OK);
        assert_int_equal(fake.written[3 + m] - before, 3 * lanes[m]);
        assert_int_equal(fake.last_address[3 + m], ((words[m] - 1) << shift[m]) + 4 * (lanes[m] - 1));
        before = fake.written[3 + m];
        message[1]++; /* one too far */
        ask(QP_WRITE, message, length, QP_BAD_FIELD);
        expect_error(QP_WHERE_WRITE, words[m] - 2, 4, words[m] - 2, words[m] - 3);
        message[1] = 0xFFFFFFFF;
        ask(QP_WRITE, message, length, QP_BAD_FIELD);
        message[1] = 0, message[2] = words[m] + 1;
        ask(QP_WRITE, message, length, QP_BAD_FIELD);
        expect_error(QP_WHERE_WRITE, 0, 8, words[m] + 1, words[m]);
        message[2] = 2; /* does not match the payload */
        ask(QP_WRITE, message, length, QP_BAD_LENGTH);
        expect_error(QP_WHERE_HEADER, 0, 12, length, 12 + 2 * lanes[m] * 4);
        assert_int_equal(fake.written[3 + m], before);
    }
    message[0] = QP_MEM_COUNT, message[2] = 0;
    ask(QP_WRITE, message, 12, QP_BAD_FIELD);
    expect_error(QP_WHERE_WRITE, 0, 0, QP_MEM_COUNT, QP_MEM_COUNT - 1);
    ask(QP_WRITE, message, 11, QP_BAD_LENGTH);

    struct qp_read r = {8189, 3};
    ask(QP_READ, &r, sizeof r, QP_OK);
    assert_int_equal(answer.header.length, 24);
    for (uint32_t i = 0; i < 6; i++)
        assert_int_equal(((uint32_t *)answer.payload)[i], i * 0x01010101);
    r.index++;
    ask(QP_READ, &r, sizeof r, QP_BAD_FIELD);
    expect_error(QP_WHERE_READ, 8190, 0, 8190, 8189);
    r = (struct qp_read){0, 1025};
    ask(QP_READ, &r, sizeof r, QP_BAD_FIELD);
    expect_error(QP_WHERE_READ, 0, 4, 1025, 1024);
    r.words = 1024;
    ask(QP_READ, &r, sizeof r, QP_OK);
    ask(QP_READ, &r, 7, QP_BAD_LENGTH);
}

/* After whatever went wrong: the device must answer the next good request as if nothing had been. */
static void expect_healthy(void)
{
    ask(QP_COUNTERS, 0, 0, QP_OK);
    assert_true(device.table.head.count == 0 && fake.starts == 0 && device.count == 0);
}

static void test_bad_headers(void **state)
{
    (void)state;
    struct qp_header h = make_header(QP_COUNTERS, 0, 0), bad;
    bad = h, bad.magic ^= 0x100;
    send_with_header(bad, 0, 0);
    expect(QP_COUNTERS, QP_BAD_MAGIC);
    expect_error(QP_WHERE_HEADER, 0, 0, QP_MAGIC ^ 0x100, QP_MAGIC);
    expect_healthy();
    h = make_header(QP_COUNTERS, 0, 0);
    bad = h, bad.version = 2;
    send_with_header(bad, 0, 0);
    expect(QP_COUNTERS, QP_BAD_VERSION);
    expect_error(QP_WHERE_HEADER, 0, 4, 2, 1);
    expect_healthy();
    h = make_header(QP_COUNTERS, 0, 0);
    bad = h, bad.length = QP_MAX_PAYLOAD + 1;
    send_with_header(bad, 0, 0);
    expect(QP_COUNTERS, QP_BAD_LENGTH);
    expect_error(QP_WHERE_HEADER, 0, 12, QP_MAX_PAYLOAD + 1, QP_MAX_PAYLOAD);
    expect_healthy();
    for (unsigned bit = 0; bit < 32; bit += 5) {
        h = make_header(QP_COUNTERS, 0, 0);
        h.crc ^= 1u << bit;
        send_with_header(h, 0, 0);
        expect(QP_COUNTERS, QP_BAD_CRC);
        expect_error(QP_WHERE_HEADER, 0, 20, h.crc, h.crc ^ 1u << bit);
        expect_healthy();
    }
    h = make_header(QP_COUNTERS, 0, 0);
    sequence += 7;
    send(QP_COUNTERS, 0, 0);
    expect(QP_COUNTERS, QP_BAD_SEQUENCE);
    expect_error(QP_WHERE_HEADER, 0, 8, sequence - 1, h.sequence);
    sequence = h.sequence;
    expect_healthy();
    for (uint32_t opcode = 0; opcode < 70000; opcode += 9973) {
        ask(opcode & 0xFFFF, 0, 0, QP_BAD_OPCODE);
        expect_error(QP_WHERE_HEADER, 0, 6, opcode & 0xFFFF, QP_PROGRAM);
    }
    expect_healthy();
    ask(QP_INFO, "x", 1, QP_BAD_LENGTH);
    ask(QP_COUNTERS, "x", 1, QP_BAD_LENGTH);
    ask(QP_ABORT, "x", 1, QP_BAD_LENGTH);
    ask(QP_TABLE, "x", 1, QP_BAD_LENGTH);
    ask(QP_IMAGE, "x", 1, QP_NO_TABLE);
    ask(QP_REPEAT, "x", 1, QP_NO_TABLE);
    expect_healthy();
}

static void test_garbage(void **state)
{
    (void)state;
    uint8_t garbage[3000];
    uint32_t random = 1;
    for (int round = 0; round < 20; round++) {
        size_t count = 24 + (size_t)round * 37;
        for (size_t i = 0; i < count; i++)
            garbage[i] = (uint8_t)((random = random * 1664525 + 1013904223) >> 24);
        garbage[count - 1] = 'Q', garbage[count - 2] = 'Q'; /* looks like the beginning of a header */
        fake_host_sends(garbage, count);
        assert_true(receive());
        assert_int_equal(answer.header.status, QP_BAD_MAGIC);
        expect_healthy(); /* one answer only, and the good header that follows is found */
    }
}

static void test_half_messages(void **state)
{
    (void)state;
    struct qp_header h = make_header(QP_READ, 0, 8);
    for (unsigned cut = 1; cut < 32; cut += 3) {
        uint8_t bytes[32] = {0};
        memcpy(bytes, &h, sizeof h);
        fake_host_sends(bytes, cut);
        step(50);
        assert_int_equal(fake.leds & 1, 1);
        fake.step = 5000;
        expect(cut < 24 ? 0 : QP_READ, QP_TIMEOUT);
        expect_error(QP_WHERE_HEADER, 0, 12, cut, cut < 24 ? 24 : 32);
        fake.step = 3;
        expect_healthy();
        h = make_header(QP_READ, 0, 8);
    }
    fake.step = 5000; /* silence between messages is no error */
    step(3000);
    fake.step = 3;
    assert_int_equal(fake.tx_count, read_so_far);
    expect_healthy();
}

/* Each field of a layer, one by one: the largest value its bits can hold and 0; whatever is refused names the field, and nothing changes. */
static void test_every_layer_field(void **state)
{
    (void)state;
    static const struct { const char *name; uint32_t code, width; } fields[] = {
#define FIELD(name, offset, low, width, text) {#name, (offset) * 32 + (low), width},
        QUELL_LAYER_FIELDS(FIELD)
    };
    /* fields any of whose values the hardware can take: zero points, multipliers, noise, flags that need nothing else */
    static const char *const free_fields[] = {"noise", "correct", "dn_depthwise", "dn_bottleneck", "residual", "dn_sample", "win_h", "win_w", "step_y", "step_x", "rng_layer", "in_last", "z_in", "z_v", "z_res", "z_y",
        "sigma_add", "sigma_mul", "adc_wide", "post_a", "post_b", "z_pool", "pool_m", "pool_shift", "post_shift", "dn_m1", "dn_m2", "dn_md", "dn_mu", "dn_mv", "dn_s1", "dn_s2", "dn_sd",
        "dn_su", "dn_sv", "pad_top", "pad_left", "wait_prev", "lo", "hi", "pool_kw", "z_table", "table_on", "slice_at"};
    load_table();
    struct table before = device.table;
    unsigned refused = 0;
    for (unsigned f = 0; f < sizeof fields / sizeof fields[0]; f++) {
        bool is_free = false;
        for (unsigned i = 0; i < sizeof free_fields / sizeof free_fields[0]; i++)
            is_free |= !strcmp(fields[f].name, free_fields[i]);
        good_table();
        set(table.layer[1], fields[f].code, fields[f].width, 0xFFFFFFFF);
        send(QP_TABLE, &table, table_bytes());
        assert_true(receive());
        if (!is_free) {
            if (answer.header.status != QP_BAD_FIELD)
                fail_msg("%s was not refused at its largest value", fields[f].name);
            assert_int_equal(answer.error.where, QP_WHERE_LAYER);
            assert_int_equal(answer.error.index, 1);
            /* an input, a stride or a pool window that is too large may be named by another of its sizes, or by the output that no longer fits it */
            if ((strncmp(fields[f].name, "in_", 3) && strncmp(fields[f].name, "stride_", 7) && strncmp(fields[f].name, "pool_s", 6) && strcmp(fields[f].name, "pool_kh")) || !strcmp(fields[f].name, "in_addr"))
                assert_int_equal(answer.error.field, fields[f].code);
            assert_memory_equal(&before, &device.table, sizeof before);
            refused++;
        }
        if (answer.header.status == QP_OK) {
            good_table();
            load_table();
        }
    }
    assert_true(refused >= 17);
}

static void check_refused(const char *what, uint32_t field, uint32_t value, uint32_t limit)
{
    ask(QP_TABLE, &table, table_bytes(), QP_BAD_FIELD);
    if (answer.error.field != field || answer.error.value != value || answer.error.limit != limit || answer.error.where != QP_WHERE_LAYER || answer.error.index != 2)
        fail_msg("%s: where %u, layer %u, field %u.%u, value %u, limit %u", what, answer.error.where, answer.error.index, answer.error.field / 32, answer.error.field % 32,
                 answer.error.value, answer.error.limit);
    assert_int_equal(device.table.head.count, 0);
}

/* The limits themselves: legal is accepted, one more is refused with that limit. */
static void test_layer_limits(void **state)
{
    (void)state;
    const struct { const char *name; uint32_t code, width, legal, illegal, limit; } cases[] = {
#define CASE(name, legal, illegal, limit) {#name, LAYER_FIELD_##name, WIDTH_##name, legal, illegal, limit}
        CASE(mode, 0, 3, 2), CASE(pool_kind, 2, 3, 2),
        CASE(in_addr, 8192 - 128, 8192 - 127, 8192 - 128), CASE(out_addr, 8192 - 16, 8192 - 15, 8192 - 16), CASE(res_addr, 8192 - 64, 8192 - 63, 8192 - 64),
        CASE(w_addr, 2048 - 12, 2048 - 11, 2048 - 12), CASE(const_addr, 512 - 4, 512 - 3, 512 - 4),
        CASE(dn_pair_addr, 252, 253, 252), CASE(dn_row_addr, 60, 61, 60), CASE(dn_width, 4, 5, 4), CASE(dn_width, 1, 0, 1),
        CASE(in_w, 8, 0, 1), CASE(in_h, 8, 0, 1), CASE(in_c8, 2, 0, 1), CASE(out_c8, 1, 0, 1),
        CASE(out_w, 9, 10, 9), CASE(out_w, 8, 0, 1), CASE(out_h, 9, 10, 9), CASE(out_h, 8, 0, 1), CASE(pooled_h, 4, 5, 4), CASE(pooled_h, 1, 0, 1), CASE(pooled_w, 4, 5, 4), CASE(pooled_w, 1, 0, 1),
        CASE(adc_shift, 8, 9, 8), CASE(post_shift, 1, 0, 1), CASE(pool_shift, 63, 0, 1), CASE(dn_s1, 1, 0, 1), CASE(dn_s2, 1, 0, 1), CASE(dn_sd, 1, 0, 1), CASE(dn_su, 1, 0, 1), CASE(dn_sv, 1, 0, 1),
        CASE(pool_kh, 9, 0, 1), CASE(pool_kw, 9, 0, 1), CASE(pool_sy, 1, 0, 1), CASE(pool_sx, 1, 0, 1),
        CASE(pool_pad_top, 1, 2, 1), CASE(pool_pad_left, 1, 2, 1), CASE(table_index, 7, 8, 7), CASE(out_pitch, 1, 0, 1), CASE(slice_skip, 81, 82, 81),
    };
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        good_table();
        set(table.layer[2], cases[i].code, cases[i].width, cases[i].illegal);
        check_refused(cases[i].name, cases[i].code, cases[i].illegal, cases[i].limit);
        set(table.layer[2], cases[i].code, cases[i].width, cases[i].legal);
        load_table();
        device.table.head.count = 0;
    }
    good_table();
    SET(table.layer[2], lo, 5);
    SET(table.layer[2], hi, (uint32_t)-5);
    check_refused("hi", LAYER_FIELD_hi, 0xFB, 5);
    good_table();
    table.layer[2][0] |= 1u << 22;
    check_refused("reserved bit", 22, 1, 0);
    good_table(); /* 16 pixels 10 words apart, of which the last one has one */
    SET(table.layer[2], out_pitch, 10), SET(table.layer[2], out_addr, 8192 - 150);
    check_refused("pitch", LAYER_FIELD_out_pitch, 10, 9);
    SET(table.layer[2], out_addr, 8192 - 151);
    load_table();
    device.table.head.count = 0;
    good_table(); /* with a stride of 3 columns the last of four outputs begins at column 8 */
    SET(table.layer[2], stride_x, 2), SET(table.layer[2], out_w, 4), SET(table.layer[2], pooled_w, 2);
    check_refused("stride", LAYER_FIELD_out_w, 4, 3);
    good_table(); /* 4 x 2 windows of 12 channels in one output group: 96 words from 10 on */
    SET(table.layer[2], win_h, 3), SET(table.layer[2], win_w, 1), SET(table.layer[2], w_addr, 2048 - 95);
    check_refused("windows", LAYER_FIELD_w_addr, 2048 - 95, 2048 - 96);
    good_table();
    device.hw.info.tables = 0; /* a chip without tables */
    SET(table.layer[2], table_on, 1);
    check_refused("table_on", LAYER_FIELD_table_on, 1, 0);
    device.hw.info.tables = 8;
    load_table();
    device.table.head.count = 0;
    good_table();
    SET(table.layer[2], mode, 2);
    check_refused("depthwise", LAYER_FIELD_out_c8, 1, 2);
    good_table(); /* row accumulators: 24 columns x 22 words */
    SET(table.layer[2], in_w, 24), SET(table.layer[2], out_w, 24), SET(table.layer[2], out_c8, 22);
    check_refused("row_words", LAYER_FIELD_out_w, 24, 512 / 22);
    good_table(); /* line of the denoiser: 40 x 8 x 4 pairs */
    SET(table.layer[2], in_w, 40), SET(table.layer[2], out_w, 40), SET(table.layer[2], out_c8, 8);
    check_refused("line_words", LAYER_FIELD_out_w, 40, 1024 / 32);
    good_table(); /* with a step of 3 rows the last of four pool windows begins at row 9, with padding of 1 at row 8; of columns likewise */
    SET(table.layer[2], pool_kh, 3), SET(table.layer[2], pool_sy, 3), SET(table.layer[2], pool_pad_top, 1);
    check_refused("pool rows", LAYER_FIELD_pooled_h, 4, 3);
    SET(table.layer[2], pool_pad_top, 2);
    load_table();
    device.table.head.count = 0;
    good_table();
    SET(table.layer[2], pool_kw, 3), SET(table.layer[2], pool_sx, 3), SET(table.layer[2], pool_pad_left, 1);
    check_refused("pool columns", LAYER_FIELD_pooled_w, 4, 3);
    SET(table.layer[2], pool_pad_left, 2);
    load_table();
    device.table.head.count = 0;
    good_table(); /* the elements of a pool window; and 64 of its rows of four windows in the line memory, which has as many words */
    SET(table.layer[2], pool_kh, 513), SET(table.layer[2], pool_kw, 8);
    check_refused("pool area", LAYER_FIELD_pool_kh, 513, 512);
    SET(table.layer[2], pool_kh, 512), SET(table.layer[2], pool_sy, 8), SET(table.layer[2], pooled_h, 1);
    load_table();
    device.table.head.count = 0;
    SET(table.layer[2], pool_kw, 7), SET(table.layer[2], pool_kh, 513);
    check_refused("pool line_words", LAYER_FIELD_pooled_w, 4, 1024 / (65 * 4));
    SET(table.layer[2], pool_kh, 1023), SET(table.layer[2], pool_kw, 4), SET(table.layer[2], pool_sy, 1);
    check_refused("pool line_words at most", LAYER_FIELD_pooled_w, 4, 0);
    good_table(); /* an output larger than the convolution's: a window begins above the frame */
    SET(table.layer[2], pool_sy, 1), SET(table.layer[2], pool_pad_top, 1), SET(table.layer[2], pooled_h, 9), SET(table.layer[2], out_addr, 8192 - 35);
    check_refused("pooled", LAYER_FIELD_out_addr, 8192 - 35, 8192 - 36);
    good_table();
    SET(table.layer[0], wait_prev, 1);
    ask(QP_TABLE, &table, table_bytes(), QP_BAD_FIELD);
    expect_error(QP_WHERE_LAYER, 0, LAYER_FIELD_wait_prev, 1, 0);
}

/* Windows of 16 x 16 at every pixel, each a clock for each of 16 pairs: more than the array takes. */
static void test_cycle_limit(void **state)
{
    (void)state;
    uint32_t entry[QUELL_LAYER_WORDS];
    good_layer(entry, 0);
    SET(entry, out_w, 64), SET(entry, out_h, 64), SET(entry, out_c8, 4);
    uint32_t apart = layer_cycle_limit(entry);
    SET(entry, pool_kh, 16), SET(entry, pool_kw, 16), SET(entry, pool_sy, 1), SET(entry, pool_sx, 1);
    assert_true(layer_cycle_limit(entry) >= 64 * 64 * 16 * 256);
    assert_true(apart < 64 * 64 * 16 * 256);
    SET(entry, out_w, 1023), SET(entry, out_h, 1023), SET(entry, out_c8, 4095), SET(entry, pool_kh, 64), SET(entry, pool_kw, 64);
    assert_int_equal(layer_cycle_limit(entry), INT32_MAX);
}

static void test_table_head(void **state)
{
    (void)state;
    const struct { uint32_t offset, illegal, limit; } cases[] = {
#define HEAD(member, illegal, limit) {offsetof(struct qp_table, member), (uint32_t)(illegal), (uint32_t)(limit)}
        HEAD(count, 0, 1), HEAD(count, 65, 64), HEAD(image_h, 0, 1), HEAD(image_h, 9000, 8180), HEAD(image_w, 0, 1), HEAD(image_w, 3000, 8180 / 6), HEAD(image_c, 0, 1),
        HEAD(image_c, 0xFFFFFFFF, 8180 / 36), HEAD(image_pad, 256, 255), HEAD(input_addr[0], 8192 - 127, 8192 - 128), HEAD(input_addr[1], 0xFFFFFFF0, 8192 - 128),
        HEAD(logits_addr, 8191, 8190), HEAD(logits_addr, 8192, 8191), HEAD(classes, 0, 1), HEAD(classes, 7901, 7900), HEAD(pad_code, 128, 127), HEAD(pad_code, -129, -128),
    };
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        good_table();
        uint32_t bytes = table_bytes();
        memcpy((uint8_t *)&table + cases[i].offset, &cases[i].illegal, 4);
        ask(QP_TABLE, &table, bytes, QP_BAD_FIELD);
        expect_error(QP_WHERE_TABLE, 0, cases[i].offset, cases[i].illegal, cases[i].limit);
        assert_int_equal(device.table.head.count, 0);
    }
    good_table();
    ask(QP_TABLE, &table, table_bytes() - 4, QP_BAD_LENGTH);
    expect_error(QP_WHERE_HEADER, 0, 12, table_bytes() - 4, table_bytes());
    table.head.image_pad = 60; /* 126 x 126 x 2 words */
    ask(QP_TABLE, &table, table_bytes(), QP_BAD_FIELD);
    expect_healthy();
}

static int8_t stored_code(uint32_t address, uint32_t y, uint32_t x, uint32_t c)
{
    return (int8_t)fake.activation[(address + (y * 8 + x) * 2 + c / 8) * 8 + c % 8];
}

static void check_expanded(uint32_t address)
{
    for (uint32_t y = 0; y < 8; y++)
        for (uint32_t x = 0; x < 8; x++)
            for (uint32_t c = 0; c < 12; c++) {
                bool inside = y >= 1 && y < 7 && x >= 1 && x < 7;
                assert_int_equal(stored_code(address, y, x, c), inside ? image.codes[((y - 1) * 6 + x - 1) * 12 + c] : -7);
            }
}

static void test_image(void **state)
{
    (void)state;
    load_table();
    for (uint32_t i = 0; i < 10; i++)
        fake.activation[2000 * 8 + i] = (uint8_t)(50 + i);
    for (uint32_t n = 0; n < 4; n++) {
        uint32_t address = n & 1 ? 500 : 100;
        good_image(n);
        ask(QP_IMAGE, &image, sizeof image, QP_OK);
        assert_int_equal(answer.header.length, 12 + 10);
        assert_int_equal(((uint32_t *)answer.payload)[0], 777);
        for (uint32_t i = 0; i < 10; i++)
            assert_int_equal(answer.payload[12 + i], 50 + i);
        check_expanded(address);
        assert_int_equal(fake.starts, 3 * (n + 1));
        for (uint32_t l = 0; l < 3; l++) {
            const uint32_t *run = fake.started[3 * n + l];
            assert_int_equal(layer_in_addr(run), l ? 1000 : address);
            assert_int_equal(fake.started_inference[3 * n + l], n);
            assert_memory_equal(run + 2, table.layer[l] + 2, 80);
        }
        assert_int_equal(fake.seed, 77);
    }
    image.head.layers = 2;
    ask(QP_IMAGE, &image, sizeof image, QP_OK);
    assert_int_equal(fake.starts, 14);
    image.head.layers = 4;
    ask(QP_IMAGE, &image, sizeof image, QP_BAD_FIELD);
    expect_error(QP_WHERE_IMAGE, 0, 8, 4, 3);
    image.head.layers = 0;
    ask(QP_IMAGE, &image, sizeof image, QP_BAD_FIELD);
    ask(QP_IMAGE, &image, sizeof image - 1, QP_BAD_LENGTH);
    assert_int_equal(fake.starts, 14);
}

static void test_two_images_and_busy(void **state)
{
    (void)state;
    load_table();
    fake.layer_time = 400000;
    good_image(1);
    send(QP_IMAGE, &image, sizeof image);
    step(20);
    assert_int_equal(fake.starts, 2); /* one runs, the next layer is queued */
    good_image(2);
    send(QP_IMAGE, &image, sizeof image);
    step(20);
    check_expanded(500); /* while the first one runs */
    assert_true(fake.starts <= 3 && images_under_way() == 2);
    uint32_t head[3] = {0, 0, 0};
    send(QP_WRITE, head, 12);
    send(QP_READ, (uint32_t[2]){0, 1}, 8);
    fake.step = 100;
    expect(QP_IMAGE, QP_OK);
    expect(QP_IMAGE, QP_OK);
    expect(QP_WRITE, QP_BUSY);
    expect(QP_READ, QP_OK);
    assert_int_equal(fake.starts, 6);
}

/* The last image once more, in its place, whatever comes between; never another host's, nor what something else has been written over. */
static void test_repeat(void **state)
{
    (void)state;
    uint32_t spoil[5] = {QP_MEM_ACTIVATION, 3000, 1, 0x55555555, 0x55555555};
    load_table();
    good_image(0);
    ask(QP_REPEAT, &image.head, sizeof image.head, QP_NO_IMAGE);
    expect_error(QP_WHERE_HEADER, 0, 6, QP_REPEAT, 0);
    ask(QP_IMAGE, &image, sizeof image, QP_OK);
    image.head = (struct qp_image){1, 78, 3};
    ask(QP_REPEAT, &image.head, sizeof image.head, QP_OK);
    assert_int_equal(answer.header.length, 12 + 10);
    assert_int_equal(fake.seed, 78);
    ask(QP_REPEAT, &image.head, sizeof image.head - 1, QP_BAD_LENGTH);
    ask(QP_REPEAT, &image, sizeof image, QP_BAD_LENGTH);
    image.head.layers = 4;
    ask(QP_REPEAT, &image.head, sizeof image.head, QP_BAD_FIELD);
    expect_error(QP_WHERE_IMAGE, 0, 8, 4, 3);
    assert_true(fake.starts == 6 && layer_in_addr(fake.started[0]) == 100 && layer_in_addr(fake.started[3]) == 100);
    ask(QP_INFO, 0, 0, QP_OK);
    good_image(0);
    ask(QP_REPEAT, &image.head, sizeof image.head, QP_NO_IMAGE);
    ask(QP_IMAGE, &image, sizeof image, QP_OK);
    ask(QP_ABORT, 0, 0, QP_OK);
    ask(QP_REPEAT, &image.head, sizeof image.head, QP_OK);
    ask(QP_WRITE, spoil, sizeof spoil, QP_OK);
    ask(QP_REPEAT, &image.head, sizeof image.head, QP_NO_IMAGE);
    ask(QP_IMAGE, &image, sizeof image, QP_OK);
    load_table();
    ask(QP_REPEAT, &image.head, sizeof image.head, QP_NO_IMAGE);
    SET(table.layer[1], out_addr, 110); /* into the image */
    load_table();
    ask(QP_IMAGE, &image, sizeof image, QP_OK);
    ask(QP_REPEAT, &image.head, sizeof image.head, QP_NO_IMAGE);
}

/* Two images, each run three times, one buffer or two: in order, each from its own place; the second one is not expanded over the first while that is still to run. */
static void test_repeats_under_way(void **state)
{
    (void)state;
    for (int buffers = 1; buffers <= 2; buffers++) {
        good_table();
        table.head.input_addr[1] = buffers == 2 ? 500 : 100;
        load_table();
        uint32_t before = fake.starts;
        fake.layer_time = 400000;
        fake.step = 100;
        for (uint32_t i = 0; i < 2; i++) {
            good_image(3 * i);
            send(QP_IMAGE, &image, sizeof image);
            for (uint32_t k = 1; k < 3; k++) {
                image.head.inference = 3 * i + k;
                send(QP_REPEAT, &image.head, sizeof image.head);
            }
        }
        for (uint32_t i = 0; i < 6; i++) {
            expect(i % 3 ? QP_REPEAT : QP_IMAGE, QP_OK);
            good_image(i < 3 ? 0 : 3);
            if (i != 2) /* then the next one may be there */
                check_expanded(i < 3 || buffers == 1 ? 100 : 500);
        }
        for (uint32_t i = 0; i < 18; i++) {
            assert_int_equal(fake.started_inference[before + i], i / 3);
            assert_int_equal(layer_in_addr(fake.started[before + i]), i % 3 ? 1000 : i < 9 || buffers == 1 ? 100 : 500);
        }
    }
}

/* Sizes with loops of their own and sizes without: every channel that exists is right, the others of its word are 0, around them is padding. */
static void test_image_sizes(void **state)
{
    (void)state;
    static struct {
        struct qp_image head;
        int8_t codes[8 * 6 * 9];
    } small;
    for (uint32_t w = 3; w <= 8; w++)
        for (uint32_t c = 1; c <= 9; c += c < 4 ? 1 : 5) {
            uint32_t words = (c + 7) / 8, bytes = (uint32_t)sizeof small.head + w * 6 * c;
            good_table();
            table.head.image_w = w, table.head.image_c = c;
            load_table();
            small.head = (struct qp_image){w, 5, 1};
            for (uint32_t i = 0; i < w * 6 * c; i++)
                small.codes[i] = (int8_t)(i * 7 + c);
            memset(fake.activation, 0x55, sizeof fake.activation);
            for (uint32_t n = 0; n < 4; n++) { /* each buffer fresh, and once more */
                small.codes[0] = (int8_t)n;
                ask(QP_IMAGE, &small, bytes, QP_OK);
                for (uint32_t i = 0; i < (w + 2) * 8 * words * 8; i++) {
                    uint32_t channel = i % (words * 8), x = i / (words * 8) % (w + 2), y = i / (words * 8) / (w + 2);
                    bool inside = x >= 1 && x <= w && y >= 1 && y <= 6;
                    int8_t want = !inside ? -7 : channel < c ? small.codes[((y - 1) * w + x - 1) * c + channel] : 0;
                    if ((int8_t)fake.activation[table.head.input_addr[n % 2] * 8 + i] != want)
                        fail_msg("width %u, channels %u, image %u: byte %u", w, c, n, i);
                }
            }
        }
}

/* Whatever may have been written into an input buffer, the next image is right, its padding too. */
static void test_spoilt_buffer(void **state)
{
    (void)state;
    uint32_t spoil[5] = {QP_MEM_ACTIVATION, 100, 1, 0x55555555, 0x55555555};
    for (int overlap = 0; overlap < 2; overlap++) {
        good_table();
        if (overlap)
            SET(table.layer[1], out_addr, 110); /* the hardware would write there; the test does */
        load_table();
        assert_int_equal(device.table.inputs_kept, !overlap);
        for (uint32_t i = 0; i < 6; i++) {
            good_image(i);
            if (overlap)
                memset(fake.activation + 100 * 8, 0x55, 128 * 8);
            else
                ask(QP_WRITE, spoil, sizeof spoil, QP_OK);
            ask(QP_IMAGE, &image, sizeof image, QP_OK);
            check_expanded(i % 2 ? 500 : 100);
        }
    }
}

static size_t unread(void) { return fake.rx_tail - fake.rx_head; }

/* Two images under way, a third one waits whole, and a fourth one is taken off the line beside it. */
static void test_reception_goes_on(void **state)
{
    (void)state;
    load_table();
    fake.layer_time = 400000;
    for (uint32_t i = 0; i < 5; i++) {
        good_image(i);
        send(QP_IMAGE, &image, sizeof image);
    }
    step(100);
    assert_true(images_under_way() == 2 && device.request_waits && device.receiver.state == RECEIVE_MESSAGE);
    assert_int_equal(unread(), sizeof image + sizeof(struct qp_header));
    fake.step = 100;
    for (uint32_t i = 0; i < 5; i++) {
        expect(QP_IMAGE, QP_OK);
        good_image(i);
        check_expanded(i % 2 ? 500 : 100);
    }
    assert_int_equal(fake.starts, 15);
    for (uint32_t i = 0; i < 15; i++)
        assert_int_equal(fake.started_inference[i], i / 3);
}

/* What goes wrong behind a request that waits is answered after it. */
static void test_errors_keep_the_order(void **state)
{
    (void)state;
    load_table();
    for (int kind = 0; kind < 4; kind++) {
        fake.layer_time = 400000;
        fake.step = 3;
        for (uint32_t i = 0; i < 3; i++) {
            good_image(i);
            send(QP_IMAGE, &image, sizeof image);
        }
        step(100);
        assert_true(device.request_waits);
        struct qp_header h = make_header(QP_COUNTERS, "four", 4);
        static const enum qp_status STATUS[] = {QP_BAD_MAGIC, QP_BAD_LENGTH, QP_BAD_CRC, QP_TIMEOUT};
        h.magic ^= kind == 0;
        h.length = kind == 1 ? QP_MAX_PAYLOAD + 1 : h.length;
        h.crc ^= kind == 2;
        send_with_header(h, "four", kind == 2 ? 4 : kind == 3 ? 3 : 0);
        step(100);
        fake.step = 1000;
        for (uint32_t i = 0; i < 3; i++)
            expect(QP_IMAGE, QP_OK);
        expect(QP_COUNTERS, STATUS[kind]);
        ask(QP_COUNTERS, 0, 0, QP_OK);
    }
}

/* A message that does not fit beside the request that waits comes after it, whole. */
static void test_no_room_beside(void **state)
{
    (void)state;
    static uint32_t write[3 + 2040] = {0, 4000, 1020}; /* 8172 bytes */
    load_table();
    fake.layer_time = 400000;
    for (uint32_t i = 0; i < 3; i++) {
        good_image(i);
        send(QP_IMAGE, &image, sizeof image);
    }
    for (uint32_t i = 0; i < 2040; i++)
        write[3 + i] = i * 0x9E3779B1u;
    step(100);
    send(QP_WRITE, write, sizeof write);
    step(100);
    assert_int_equal(unread(), sizeof write); /* the header was taken */
    fake.step = 100;
    for (uint32_t i = 0; i < 3; i++)
        expect(QP_IMAGE, QP_OK);
    assert_true(receive());
    assert_true(answer.header.status == QP_OK || answer.header.status == QP_BUSY);
    ask(QP_WRITE, write, sizeof write, QP_OK);
    assert_memory_equal(fake.activation + 4000 * 8, write + 3, sizeof write - 12);
}

static void test_abort(void **state)
{
    (void)state;
    load_table();
    fake.layer_time = 400000;
    good_image(1);
    send(QP_IMAGE, &image, sizeof image);
    send(QP_IMAGE, &image, sizeof image);
    send(QP_ABORT, 0, 0);
    expect(QP_IMAGE, QP_ABORTED);
    expect(QP_IMAGE, QP_ABORTED);
    expect(QP_ABORT, QP_OK);
    assert_int_equal(fake.aborts, 2); /* one at the start */
    fake.layer_time = 2000;
    ask(QP_IMAGE, &image, sizeof image, QP_OK);
}

static void test_watchdog(void **state)
{
    (void)state;
    load_table();
    good_image(1);
    fake.layer_time = 0;
    send(QP_IMAGE, &image, sizeof image);
    step(100);
    fake.step = 10000;
    expect(QP_IMAGE, QP_INTERNAL);
    assert_int_equal(answer.error.where, QP_WHERE_DEVICE);
    assert_int_equal(answer.error.index, 0);
    fake.step = 3;
    fake.layer_time = 2000;
    ask(QP_IMAGE, &image, sizeof image, QP_OK);
}

static void test_host_does_not_read(void **state)
{
    (void)state;
    load_table();
    good_image(1);
    fake.line_blocked = true;
    for (int i = 0; i < 8; i++)
        send(QP_IMAGE, &image, sizeof image);
    step(3000);
    assert_true(fake.starts <= 9);
    fake.line_blocked = false;
    for (int i = 0; i < 8; i++)
        expect(QP_IMAGE, QP_OK);
    assert_int_equal(fake.starts, 24);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_info, setup),
        cmocka_unit_test_setup(test_write_and_read, setup),
        cmocka_unit_test_setup(test_bad_headers, setup),
        cmocka_unit_test_setup(test_garbage, setup),
        cmocka_unit_test_setup(test_half_messages, setup),
        cmocka_unit_test_setup(test_every_layer_field, setup),
        cmocka_unit_test_setup(test_layer_limits, setup),
        cmocka_unit_test_setup(test_table_head, setup),
        cmocka_unit_test_setup(test_cycle_limit, setup),
        cmocka_unit_test_setup(test_image, setup),
        cmocka_unit_test_setup(test_two_images_and_busy, setup),
        cmocka_unit_test_setup(test_repeat, setup),
        cmocka_unit_test_setup(test_repeats_under_way, setup),
        cmocka_unit_test_setup(test_image_sizes, setup),
        cmocka_unit_test_setup(test_spoilt_buffer, setup),
        cmocka_unit_test_setup(test_reception_goes_on, setup),
        cmocka_unit_test_setup(test_errors_keep_the_order, setup),
        cmocka_unit_test_setup(test_no_room_beside, setup),
        cmocka_unit_test_setup(test_abort, setup),
        cmocka_unit_test_setup(test_watchdog, setup),
        cmocka_unit_test_setup(test_host_does_not_read, setup),
    };
    return cmocka_run_group_tests(tests, 0, 0);
}
