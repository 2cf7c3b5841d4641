/* SPDX-License-Identifier: Apache-2.0 */
/* The external memory: its initialisation, a program's words, checksum and loads. The fake hardware ends the test at any access outside. */
#include "host_side.h"

static int setup_external(void **state)
{
    setup(state);
    fake.ext_words = FAKE_EXT_WORDS;
    memset(&device, 0, sizeof device);
    device_init();
    receive_start();
    ask(QP_INFO, 0, 0, QP_OK);
    return 0;
}

static struct {
    struct qp_program head;
    struct qp_load load[QP_MAX_LOADS + 1];
} program;
static uint32_t program_bytes(void) { return (uint32_t)sizeof program.head + program.head.loads * (uint32_t)sizeof program.load[0]; }

static struct {
    struct qp_write head;
    uint32_t lane[2048];
} request;

static void write_words(uint32_t memory, uint32_t index, uint32_t words, uint32_t lanes, enum qp_status status)
{
    request.head = (struct qp_write){memory, index, words};
    for (uint32_t i = 0; i < words * lanes; i++)
        request.lane[i] = (index * lanes + i) * 2654435761u;
    ask(QP_WRITE, &request, (uint32_t)sizeof request.head + words * lanes * 4, status);
}

/* Layers 0, 1, 2: weights each; 1 constants too. */
static void good_program(void)
{
    memset(&program, 0, sizeof program);
    program.head = (struct qp_program){{11, 22}, 600, 0, 4};
    const struct qp_load loads[4] = {{0, 10, 5, QP_MEM_WEIGHT, 0, -2, 0}, {45, 500, 5, QP_MEM_WEIGHT, 1, -1, 0}, {90, 20, 4, QP_MEM_CONSTANT, 1, 1, 0}, {110, 0, 54, QP_MEM_WEIGHT, 2, 1, 0}};
    memcpy(program.load, loads, sizeof loads);
    program.head.ext_crc = (uint32_t)crc32(0, fake.ext, 600 * 8);
}

static void load_program(void)
{
    load_table();
    write_words(QP_MEM_EXTERNAL, 0, 600, 2, QP_OK);
    good_program();
    ask(QP_PROGRAM, &program, program_bytes(), QP_OK);
}

static void run_image(uint32_t inference, uint32_t layers)
{
    good_image(inference);
    image.head.layers = layers;
    ask(QP_IMAGE, &image, sizeof image, QP_OK);
}

/* ---- tests ----------------------------------------------------------------------------------------------------------------------------- */

static void test_none(void **state)
{
    (void)state;
    write_words(QP_MEM_EXTERNAL, 0, 1, 2, QP_BAD_FIELD);
    expect_error(QP_WHERE_WRITE, 0, offsetof(struct qp_write, words), 1, 0);
    load_table();
    good_program();
    ask(QP_PROGRAM, &program, program_bytes(), QP_BAD_FIELD);
    expect_error(QP_WHERE_PROGRAM, 0, offsetof(struct qp_program, ext_words), 600, 0);
    program.head.ext_words = 0;
    ask(QP_PROGRAM, &program, program_bytes(), QP_BAD_FIELD);
    expect_error(QP_WHERE_PROGRAM, 0, offsetof(struct qp_program, loads), 4, 0);
    assert_int_equal(fake.ctrl_count, 0);
    program.head.loads = 0; /* a program that lies in the chip has a name too */
    ask(QP_PROGRAM, &program, program_bytes(), QP_OK);
    ask(QP_INFO, 0, 0, QP_OK);
    assert_memory_equal(answer.payload + offsetof(struct qp_info, program), program.head.name, 8);
    run_image(1, 3);
}

/* The sequence of docs/memory.md, once, with 200 us in it. */
static void test_initialisation(void **state)
{
    static const uint32_t WANTED[][2] = {{0x800, 0xE}, {0x80C, 0x400}, {0x810, 0}, {0x804, 1 | 8 | 2}, {0x808, 1}, {0x80C, 0}, {0x810, 0}, {0x804, 1 | 8 | 4}, {0x808, 1}, {0x80C, 0}, {0x810, 0},
                                         {0x804, 1 | 8 | 4}, {0x808, 1}, {0x80C, 0x20}, {0x810, 0}, {0x804, 1 | 8 | 4 | 2}, {0x808, 1}, {0x800, 1}, {0, 1}};
    (void)state;
    assert_int_equal(fake.ctrl_count, 0); /* not before somebody needs it */
    uint32_t before = fake.time;
    write_words(QP_MEM_EXTERNAL, FAKE_EXT_WORDS - 3, 3, 2, QP_OK);
    assert_in_range(fake.time - before, 13334, 100000);
    write_words(QP_MEM_EXTERNAL, 0, 1000, 2, QP_OK);
    assert_int_equal(fake.ctrl_count, sizeof WANTED / sizeof *WANTED);
    assert_memory_equal(fake.ctrl, WANTED, sizeof WANTED);
    for (uint32_t i = 0; i < 2 * FAKE_EXT_WORDS; i++) {
        uint32_t found, wanted = i < 2000 || i >= 2 * (FAKE_EXT_WORDS - 3) ? i * 2654435761u : 0;
        memcpy(&found, fake.ext + 4 * i, 4);
        assert_int_equal(found, wanted);
    }
    write_words(QP_MEM_EXTERNAL, FAKE_EXT_WORDS - 2, 3, 2, QP_BAD_FIELD);
    expect_error(QP_WHERE_WRITE, FAKE_EXT_WORDS - 2, offsetof(struct qp_write, index), FAKE_EXT_WORDS - 2, FAKE_EXT_WORDS - 3);
    write_words(QP_MEM_EXTERNAL, 5, 0, 2, QP_OK); /* nothing */
}

/* Every field of program and loads one step out of its range. */
static void test_limits(void **state)
{
    (void)state;
    good_program();
    ask(QP_PROGRAM, &program, program_bytes(), QP_NO_TABLE);
    load_program();
#define REFUSED(change, index, structure, member, value, limit)                                          \
    do {                                                                                                  \
        good_program();                                                                                   \
        change;                                                                                           \
        ask(QP_PROGRAM, &program, program_bytes(), QP_BAD_FIELD);                                         \
        expect_error(QP_WHERE_PROGRAM, index, offsetof(structure, member), (uint32_t)(value), (uint32_t)(limit)); \
    } while (0)
    struct qp_load *l = program.load;
    REFUSED(program.head.ext_words = FAKE_EXT_WORDS + 1, 0, struct qp_program, ext_words, FAKE_EXT_WORDS + 1, FAKE_EXT_WORDS);
    REFUSED(program.head.loads = QP_MAX_LOADS + 1, 0, struct qp_program, loads, QP_MAX_LOADS + 1, QP_MAX_LOADS);
    REFUSED(l[1].memory = QP_MEM_ACTIVATION, 1, struct qp_load, memory, 0, QP_MEM_WEIGHT);
    REFUSED(l[1].memory = QP_MEM_EXTERNAL, 1, struct qp_load, memory, QP_MEM_EXTERNAL, QP_MEM_TABLE);
    REFUSED(l[1].zero = 1, 1, struct qp_load, zero, 1, 0);
    REFUSED(l[3].layer = 3, 3, struct qp_load, layer, 3, 2);
    REFUSED(l[3].after = 0, 3, struct qp_load, after, 0, 1); /* not in order */
    REFUSED(l[0].words = 0, 0, struct qp_load, words, 0, 1);
    REFUSED(l[0].words = 2049, 0, struct qp_load, words, 2049, 2048);
    REFUSED(l[0].index = 2044, 0, struct qp_load, index, 2044, 2043);
    REFUSED(l[2].words = 493, 2, struct qp_load, index, 20, 19);
    REFUSED(l[3].source = 600 - 54 * 9 + 1, 3, struct qp_load, source, 115, 114);
    REFUSED(l[3].source = UINT32_MAX, 3, struct qp_load, source, UINT32_MAX, 0);
    REFUSED(l[3].words = 67; l[3].source = 0, 3, struct qp_load, words, 603, 600);
    REFUSED(l[2].after = 2, 2, struct qp_load, after, 2, 1);
    REFUSED(l[2].after = -2, 2, struct qp_load, after, -2, -1);
    good_program();
    send(QP_PROGRAM, &program, program_bytes() - 4);
    expect(QP_PROGRAM, QP_BAD_LENGTH);
    ask(QP_PROGRAM, &program, 8, QP_BAD_LENGTH);
    run_image(3, 3); /* the old one stays */
    assert_int_equal(fake.loads_done >= 4, 1);
}

/* Flipped, half-sent, foreign. */
static void test_checksum(void **state)
{
    (void)state;
    load_program();
    ask(QP_INFO, 0, 0, QP_OK);
    assert_memory_equal(answer.payload + offsetof(struct qp_info, program), program.head.name, 8);
    write_words(QP_MEM_EXTERNAL, 600, 1, 2, QP_OK); /* whoever writes takes the name away */
    ask(QP_INFO, 0, 0, QP_OK);
    assert_int_equal(answer.payload[offsetof(struct qp_info, program)], 0);
    fake.ext[599 * 8 + 7] ^= 0x10;
    ask(QP_PROGRAM, &program, program_bytes(), QP_BAD_PROGRAM);
    expect_error(QP_WHERE_PROGRAM, 0, offsetof(struct qp_program, ext_crc), (uint32_t)crc32(0, fake.ext, 600 * 8), program.head.ext_crc);
    fake.ext[599 * 8 + 7] ^= 0x10;
    ask(QP_PROGRAM, &program, program_bytes(), QP_OK);
    uint32_t time = fake.time;
    ask(QP_PROGRAM, &program, program_bytes(), QP_OK); /* known by its name: nothing is read */
    assert_in_range(fake.time - time, 0, 5000);
    write_words(QP_MEM_WEIGHT, 0, 1, 18, QP_OK);
    ask(QP_INFO, 0, 0, QP_OK);
    assert_int_equal(answer.payload[offsetof(struct qp_info, program)], 0);
}

static uint32_t loads_before(uint32_t layer) { return layer == 0 ? 1 : layer == 1 ? 3 : 4; }

/* Every load, in order, into its place, not before it may and not after its layer's start; images one after the other. */
static void test_loads(void **state)
{
    (void)state;
    load_program();
    for (uint32_t n = 0; n < 5; n++) {
        fake.load_time = n % 2 ? 100 : 9000; /* shorter and longer than a layer */
        run_image(n, 3);
    }
    step(2000);
    assert_in_range(fake.loads, 20, 24);
    for (uint32_t i = 0; i < fake.loads; i++) {
        const struct fake_load *l = &fake.load[i];
        const struct qp_load *p = &program.load[i % 4];
        assert_int_equal(l->memory, p->memory - QP_MEM_WEIGHT);
        assert_int_equal(l->index, p->index);
        assert_int_equal(l->words, p->words);
        assert_int_equal(l->source, p->source);
        int32_t image = (int32_t)(i / 4) * 3;
        assert_true((int32_t)l->done_before >= image + p->after);
    }
    assert_int_equal(fake.starts, 15);
    for (uint32_t i = 0; i < 15; i++)
        assert_true(fake.started_loads[i] >= i / 3 * 4 + loads_before(i % 3));
}

/* After an image of fewer layers, an abort or a write the loads begin anew. */
static void test_anew(void **state)
{
    (void)state;
    load_program();
    run_image(0, 2);
    step(3000);
    uint32_t first = fake.loads;
    run_image(1, 3);
    assert_int_equal(fake.load[first].source, program.load[0].source);
    assert_true(fake.started_loads[fake.starts - 1] >= first + 4);
    step(3000);
    first = fake.loads;
    ask(QP_ABORT, 0, 0, QP_OK);
    run_image(2, 3);
    assert_int_equal(fake.load[first].source, program.load[0].source);
    assert_true(fake.started_loads[fake.starts - 3] >= first + 1);
    load_table(); /* another table: no loads */
    step(3000);
    first = fake.loads;
    run_image(3, 3);
    step(3000);
    assert_int_equal(fake.loads, first);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_none, setup),
        cmocka_unit_test_setup(test_initialisation, setup_external),
        cmocka_unit_test_setup(test_limits, setup_external),
        cmocka_unit_test_setup(test_checksum, setup_external),
        cmocka_unit_test_setup(test_loads, setup_external),
        cmocka_unit_test_setup(test_anew, setup_external),
    };
    return cmocka_run_group_tests(tests, 0, 0);
}
