/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A program goes to a device: the words of its memories, those of the external memory, the layer table, the loads. Words that the device holds already, by the
 * program's name, are not sent again. docs/plan.md, docs/protocol.md.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "compiled.h"
#include "pack.h"
#include "parameters.h"
#include "remote.h"

enum { WRITE_HEAD = sizeof(struct qp_write), TABLE_HEAD = sizeof(struct qp_table), PROGRAM_HEAD = sizeof(struct qp_program), LOAD_BYTES = sizeof(struct qp_load) };

/* One unit's words of one memory. */
struct part {
    enum qp_memory memory;
    uint32_t first, words;
    uint8_t *bytes;
};

/* All that is to be written. */
struct parts {
    struct part part[QUELL_UNITS_MAX * QP_MEM_COUNT]; /* into the chip's memories */
    uint32_t count;
    uint8_t *outside; /* into the external memory */
    size_t outside_bytes, room;
    uint8_t loads[QP_MAX_LOADS * LOAD_BYTES];
    uint32_t load_count;
};

static void free_parts(struct parts *p)
{
    for (uint32_t i = 0; i < p->count; i++)
        free(p->part[i].bytes);
    free(p->outside);
    free(p);
}

/* ---- collecting ------------------------------------------------------------------------------------------------------------------------ */

/* Words that are loaded before the unit: at the next word of the external memory. */
static quell_status add_load(struct parts *p, const struct quell_model *m, uint32_t unit, const struct part *part, size_t bytes, quell_error *err)
{
    if (p->load_count == QP_MAX_LOADS)
        return quell_fail(err, QUELL_E_TOO_LARGE, "the model does not fit: its layers need more than %u loads from the external memory", QP_MAX_LOADS);
    if (part->words > UINT16_MAX || p->outside_bytes + bytes + 8 > p->room)
        return quell_fail(err, QUELL_E_INTERNAL, "a load of %u words", part->words);
    uint8_t *load = p->loads + p->load_count++ * LOAD_BYTES;
    quell_put32(load, (uint32_t)(p->outside_bytes / 8));
    quell_put32(load + 4, part->first | part->words << 16);
    quell_put32(load + 8, part->memory | unit << 8 | (uint32_t)(quell_load_after(m, part->memory, unit) & 255) << 16);
    memcpy(p->outside + p->outside_bytes, part->bytes, bytes);
    p->outside_bytes += (bytes + 7) & ~(size_t)7;
    return QUELL_OK;
}

static quell_status add_unit(struct parts *p, const struct quell_program *program, uint32_t unit, quell_error *err)
{
    const struct quell_model *m = program->model;
    for (enum qp_memory memory = QP_MEM_WEIGHT; memory <= QP_MEM_TABLE; memory++) {
        struct part *part = &p->part[p->count];
        part->memory = memory;
        TRY(quell_pack(memory, &program->layers[m->units[unit].layer], &m->units[unit], &m->limits, &part->first, &part->words, &part->bytes, err));
        p->count++;
        if (!part->words || !quell_from_outside(m, memory))
            continue;
        TRY(add_load(p, m, unit, part, (size_t)part->words * quell_lanes(memory, &m->limits) * 4, err));
        free(part->bytes);
        p->count--;
    }
    return QUELL_OK;
}

static int after_of(const uint8_t *load) { return (int8_t)load[10]; }

/* In the order in which they may begin, else as they are: insertion, for there are at most 192. */
static void sort_loads(struct parts *p)
{
    for (uint32_t i = 1; i < p->load_count; i++) {
        uint8_t load[LOAD_BYTES];
        uint32_t k = i;
        memcpy(load, p->loads + i * LOAD_BYTES, LOAD_BYTES);
        for (; k > 0 && after_of(p->loads + (k - 1) * LOAD_BYTES) > after_of(load); k--)
            memcpy(p->loads + k * LOAD_BYTES, p->loads + (k - 1) * LOAD_BYTES, LOAD_BYTES);
        memcpy(p->loads + k * LOAD_BYTES, load, LOAD_BYTES);
    }
}

static quell_status collect(const struct quell_program *program, struct parts **parts, quell_error *err)
{
    struct parts *p = *parts = calloc(1, sizeof *p);
    if (!p)
        return quell_fail(err, QUELL_E_MEMORY, "out of memory");
    p->room = (size_t)program->model->info.ext_words * 8 + 8;
    p->outside = calloc(p->room, 1);
    if (!p->outside)
        return quell_fail(err, QUELL_E_MEMORY, "out of memory");
    for (uint32_t i = 0; i < program->model->unit_count; i++)
        TRY(add_unit(p, program, i, err));
    sort_loads(p);
    return QUELL_OK;
}

/* What is written where, in one number. */
static void name_parts(const struct parts *p, const quell_limits *limits, uint32_t name[2])
{
    uint64_t hash = QUELL_HASH_SEED;
    for (uint32_t i = 0; i < p->count; i++) {
        const struct part *part = &p->part[i];
        uint8_t place[12];
        quell_put32(place, part->memory);
        quell_put32(place + 4, part->first);
        quell_put32(place + 8, part->words);
        quell_hash_bytes(&hash, place, sizeof place);
        quell_hash_bytes(&hash, part->bytes, (size_t)part->words * quell_lanes(part->memory, limits) * 4);
    }
    quell_hash_bytes(&hash, p->outside, p->outside_bytes);
    hash += !hash; /* 0 is no name */
    name[0] = (uint32_t)hash;
    name[1] = (uint32_t)(hash >> 32);
}

/* ---- sending --------------------------------------------------------------------------------------------------------------------------- */

/* Words of one memory, in as many messages as needed; some of them under way. */
static quell_status write_words(struct quell_remote *r, enum qp_memory memory, uint32_t first, uint32_t words, const uint8_t *bytes, quell_error *err)
{
    uint32_t word_bytes = quell_lanes(memory, &r->limits) * 4, most = (r->limits.max_payload - WRITE_HEAD) / word_bytes;
    uint8_t head[WRITE_HEAD];
    for (uint32_t done = 0; done < words;) {
        uint32_t n = words - done < most ? words - done : most;
        quell_put32(head, memory);
        quell_put32(head + 4, first + done);
        quell_put32(head + 8, n);
        const struct quell_piece pieces[2] = {{head, sizeof head}, {bytes + (size_t)done * word_bytes, (size_t)n * word_bytes}};
        if (r->link.under_way == QUELL_LINK_WINDOW)
            TRY(quell_link_receive(&r->link, 0, NULL, err));
        TRY(quell_link_send(&r->link, QP_WRITE, pieces, err));
        done += n;
    }
    return QUELL_OK;
}

static quell_status write_parts(struct quell_remote *r, const struct parts *p, quell_error *err)
{
    r->program[0] = r->program[1] = 0;
    for (uint32_t i = 0; i < p->count; i++)
        TRY(write_words(r, p->part[i].memory, p->part[i].first, p->part[i].words, p->part[i].bytes, err));
    TRY(write_words(r, QP_MEM_EXTERNAL, 0, (uint32_t)(p->outside_bytes / 8), p->outside, err));
    while (r->link.under_way)
        TRY(quell_link_receive(&r->link, 0, NULL, err));
    return QUELL_OK;
}

static quell_status write_table(struct quell_remote *r, const quell_program *program, quell_error *err)
{
    const struct quell_model *m = program->model;
    const quell_model_info *info = &m->info;
    const uint32_t values[] = {m->unit_count, info->image_h, info->image_w, info->image_c, info->image_pad, m->input_addr[0], m->input_addr[1], m->logits_addr, info->classes,
                               (uint32_t)(int32_t)m->pixel_code[0][0]};
    uint8_t head[TABLE_HEAD], entries[QUELL_UNITS_MAX * QUELL_LAYER_WORDS * 4];
    for (size_t i = 0; i < sizeof values / sizeof *values; i++)
        quell_put32(head + 4 * i, values[i]);
    for (uint32_t i = 0; i < m->unit_count; i++) {
        uint32_t words[QUELL_LAYER_WORDS];
        const struct quell_layer table = quell_unit_table(&program->layers[m->units[i].layer], &m->units[i]);
        quell_layer_pack(&table, words);
        for (uint32_t k = 0; k < QUELL_LAYER_WORDS; k++)
            quell_put32(entries + (i * QUELL_LAYER_WORDS + k) * 4, words[k]);
    }
    const struct quell_piece pieces[2] = {{head, sizeof head}, {entries, (size_t)m->unit_count * QUELL_LAYER_WORDS * 4}};
    return quell_link_ask(&r->link, QP_TABLE, pieces, 0, NULL, err);
}

static quell_status write_program(struct quell_remote *r, const struct parts *p, const uint32_t name[2], quell_error *err)
{
    uint8_t head[PROGRAM_HEAD];
    const uint32_t values[] = {name[0], name[1], (uint32_t)(p->outside_bytes / 8), (uint32_t)crc32(0, p->outside, (uInt)p->outside_bytes), p->load_count};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++)
        quell_put32(head + 4 * i, values[i]);
    const struct quell_piece pieces[2] = {{head, sizeof head}, {p->loads, (size_t)p->load_count * LOAD_BYTES}};
    TRY(quell_link_ask(&r->link, QP_PROGRAM, pieces, 0, NULL, err));
    r->program[0] = name[0];
    r->program[1] = name[1];
    return QUELL_OK;
}

static quell_status send_parts(struct quell_remote *r, const quell_program *program, const struct parts *p, quell_error *err)
{
    uint32_t name[2];
    name_parts(p, &program->model->limits, name);
    if (name[0] != r->program[0] || name[1] != r->program[1])
        TRY(write_parts(r, p, err));
    TRY(write_table(r, program, err));
    return write_program(r, p, name, err);
}

/* What the program was compiled for must be what this device has, or addresses mean something else. */
static quell_status check_limits(const struct quell_remote *r, const quell_model *m, quell_error *err)
{
    const quell_limits *have = &r->limits, *l = &m->limits;
    if (l->cores != have->cores || l->act_words > have->act_words || l->weight_words > have->weight_words || l->const_words > have->const_words || l->row_words > have->row_words
        || l->dn_pair_words > have->dn_pair_words || l->dn_row_words > have->dn_row_words || l->line_words > have->line_words || l->bottleneck_max > have->bottleneck_max || l->max_payload > have->max_payload || l->tables > have->tables)
        return quell_fail(err, QUELL_E_DEVICE, "the model was compiled for other hardware (%u cores, %u activation words) than the device has (%u, %u)", l->cores, l->act_words, have->cores, have->act_words);
    if (m->info.ext_words > have->ext_words)
        return quell_fail(err, QUELL_E_DEVICE, "the model was compiled for hardware with external memory: it needs %u words of 8 bytes there, the device has %u", m->info.ext_words, have->ext_words);
    return QUELL_OK;
}

quell_status quell_remote_load(quell_device *device, const quell_program *program, quell_error *err)
{
    struct quell_remote *r = quell_remote_of(device);
    struct parts *parts;
    TRY(check_limits(r, program->model, err));
    quell_status status = collect(program, &parts, err);
    if (status == QUELL_OK)
        status = send_parts(r, program, parts, err);
    if (parts)
        free_parts(parts);
    memset(&r->counters, 0, sizeof r->counters);
    memset(r->seen, 0, sizeof r->seen);
    r->unread_cycles = 0;
    quell_remote_explain(r, status, err);
    if (status == QUELL_E_DEVICE_LOST && err) {
        size_t used = strlen(err->text);
        snprintf(err->text + used, sizeof err->text - used, "; the program was being loaded, no image was done");
    }
    return status;
}
