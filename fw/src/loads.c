/* SPDX-License-Identifier: Apache-2.0 */
#include "loads.h"
#include "external.h"
#include "layer.h"

#define HEAD_BYTES ((uint32_t)sizeof(struct qp_program))
#define LOAD_BYTES ((uint32_t)sizeof(struct qp_load))

/* ---- from a message -------------------------------------------------------------------------------------------------------------------- */

static struct qp_load read_load(uint32_t offset, uint32_t index)
{
    offset += HEAD_BYTES + index * LOAD_BYTES;
    uint32_t place = message_word(offset + 4), rest = message_word(offset + 8);
    return (struct qp_load){message_word(offset), (uint16_t)place, (uint16_t)(place >> 16), (uint8_t)rest, (uint8_t)(rest >> 8), (int8_t)(rest >> 16), (uint8_t)(rest >> 24)};
}

/* least <= value <= most, or the error that says so. */
static bool within(struct qp_error *error, uint32_t index, size_t field, int32_t value, int32_t least, int32_t most)
{
    if (value >= least && value <= most)
        return true;
    *error = (struct qp_error){QP_WHERE_PROGRAM, index, (uint32_t)field, (uint32_t)value, (uint32_t)(value < least ? least : most)};
    return false;
}
#define WITHIN(member, least, most) within(error, index, offsetof(struct qp_load, member), (int32_t)l->member, (int32_t)(least), (int32_t)(most))

static bool check_load(const struct hardware *hw, uint32_t ext_words, uint32_t layers, int32_t least_after, const struct qp_load *l, uint32_t index, struct qp_error *error)
{
    if (!(WITHIN(memory, QP_MEM_WEIGHT, QP_MEM_TABLE) && WITHIN(zero, 0, 0) && WITHIN(layer, 0, layers - 1)))
        return false;
    const struct memory *memory = &hw->memory[l->memory];
    uint32_t most = memory->words < UINT16_MAX ? memory->words : UINT16_MAX, words = (l->words * memory->lanes + 1) / 2;
    return WITHIN(words, 1, most) && WITHIN(index, 0, memory->words - l->words) && WITHIN(source, 0, words > ext_words ? 0 : ext_words - words)
        && within(error, index, offsetof(struct qp_load, words), (int32_t)words, 0, (int32_t)ext_words)
        && WITHIN(after, (int32_t)l->layer + 1 - (int32_t)layers, l->layer) && WITHIN(after, least_after, INT8_MAX);
}

enum qp_status loads_check(const struct hardware *hw, uint32_t layers, uint32_t offset, uint32_t length, struct qp_error *error)
{
    const uint32_t field = offsetof(struct qp_header, length);
    if (length < HEAD_BYTES) {
        *error = (struct qp_error){QP_WHERE_HEADER, 0, field, length, HEAD_BYTES};
        return QP_BAD_LENGTH;
    }
    uint32_t ext_words = message_word(offset + offsetof(struct qp_program, ext_words)), count = message_word(offset + offsetof(struct qp_program, loads));
    if (ext_words > hw->info.ext_words) {
        *error = (struct qp_error){QP_WHERE_PROGRAM, 0, offsetof(struct qp_program, ext_words), ext_words, hw->info.ext_words};
        return QP_BAD_FIELD;
    }
    if (count > (ext_words ? QP_MAX_LOADS : 0)) {
        *error = (struct qp_error){QP_WHERE_PROGRAM, 0, offsetof(struct qp_program, loads), count, ext_words ? QP_MAX_LOADS : 0};
        return QP_BAD_FIELD;
    }
    if (length != HEAD_BYTES + count * LOAD_BYTES) {
        *error = (struct qp_error){QP_WHERE_HEADER, 0, field, length, HEAD_BYTES + count * LOAD_BYTES};
        return QP_BAD_LENGTH;
    }
    int32_t after = INT8_MIN;
    for (uint32_t i = 0; i < count; i++) {
        const struct qp_load load = read_load(offset, i);
        if (!check_load(hw, ext_words, layers, after, &load, i, error))
            return QP_BAD_FIELD;
        after = load.after;
    }
    return QP_OK;
}

void loads_clear(struct loads *loads) { loads->count = 0; }

void loads_store(struct loads *loads, uint32_t layers, uint32_t offset)
{
    loads->count = message_word(offset + offsetof(struct qp_program, loads));
    loads->layers = layers;
    loads->running = false;
    for (uint32_t layer = 0; layer < layers; layer++)
        loads->end[layer] = 0;
    for (uint32_t i = 0; i < loads->count; i++) {
        loads->load[i] = read_load(offset, i);
        loads->end[loads->load[i].layer] = (uint16_t)(i + 1); /* the last one of its layer, so far */
    }
    for (uint32_t layer = 1; layer < layers; layer++)
        if (loads->end[layer] < loads->end[layer - 1])
            loads->end[layer] = loads->end[layer - 1];
}

/* ---- while images run ------------------------------------------------------------------------------------------------------------------ */

void loads_stop(struct loads *loads)
{
    loads->running = false;
    if (loads->count)
        while (external_status() & QUELL_REGS__MEM_STATUS__LOAD_BUSY_bm)
            ;
}

void loads_begin(struct loads *loads)
{
    if (!loads->count || loads->running)
        return;
    loads_stop(loads);
    loads->running = true;
    loads->next = 0;
    loads->lap_layers = (uint16_t)layers_done();
    loads->image_loads = (uint16_t)external_loads_done(external_status());
}

void loads_end(struct loads *loads, bool whole)
{
    if (!loads->count)
        return;
    if (whole)
        loads->image_loads = (uint16_t)(loads->image_loads + loads->count);
    else
        loads->running = false;
}

void loads_go_on(struct loads *loads, const struct hardware *hw)
{
    if (!loads->count || !loads->running)
        return;
    const struct qp_load *l = &loads->load[loads->next];
    if ((int16_t)((uint16_t)layers_done() - loads->lap_layers) < l->after || !external_load_ready(external_status()))
        return;
    external_load(&hw->memory[l->memory], l->memory, l->index, l->words, l->source);
    if (++loads->next == loads->count) {
        loads->next = 0;
        loads->lap_layers = (uint16_t)(loads->lap_layers + loads->layers);
    }
}

bool loads_ready(const struct loads *loads, uint32_t layer)
{
    return !loads->count || (int16_t)((uint16_t)external_loads_done(external_status()) - loads->image_loads - loads->end[layer]) >= 0;
}
