/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "parameters.h"
#include "pack.h"

uint32_t quell_real_inputs(const struct quell_layer *t) { return (uint32_t)(t->in_c8 - 1) * 8 + (uint32_t)t->in_last + 1; }

uint32_t quell_weight_words(const struct quell_model_layer *layer, uint32_t cores)
{
    const struct quell_layer *t = &layer->table;
    uint32_t groups = ((uint32_t)t->out_c8 * 8 + cores - 1) / cores;
    return quell_layer_windows(t) * (t->mode == 0 ? groups * quell_real_inputs(t) : t->mode == 1 ? groups * (uint32_t)t->in_c8 : (uint32_t)t->out_c8);
}

quell_status quell_check_memory(const char *what, const char *layer, uint64_t needed, uint64_t have, uint32_t word_bytes, quell_error *err)
{
    if (needed <= have)
        return QUELL_OK;
    return quell_fail(err, QUELL_E_TOO_LARGE, "%s%s%s: the %s is too small by %llu bytes (%llu of %llu words of %u bytes)", layer ? "layer '" : "the model does not fit", layer ? layer : "",
                      layer ? "'" : "", what, (unsigned long long)((needed - have) * word_bytes), (unsigned long long)needed, (unsigned long long)have, word_bytes);
}

/* ---- parameters: one after the other, or in a ring ---- */

enum { KINDS = 4 };
static const enum qp_memory MEMORIES[KINDS] = {QP_MEM_WEIGHT, QP_MEM_CONSTANT, QP_MEM_DN_PAIR, QP_MEM_DN_ROW};

struct quell_span quell_parameter_span(const struct quell_model_layer *l, enum qp_memory memory, uint32_t cores)
{
    const struct quell_layer *t = &l->table;
    switch (memory) {
    case QP_MEM_WEIGHT: return (struct quell_span){(uint32_t)t->w_addr, quell_weight_words(l, cores)};
    case QP_MEM_CONSTANT: return (struct quell_span){(uint32_t)t->const_addr, l->channels / 2};
    case QP_MEM_DN_PAIR: return (struct quell_span){(uint32_t)t->dn_pair_addr, l->block ? l->channels / 2 : 0};
    case QP_MEM_DN_ROW: return (struct quell_span){(uint32_t)t->dn_row_addr, l->block ? l->block->m : 0};
    default: return (struct quell_span){(uint32_t)t->table_index, t->table_on ? 1 : 0};
    }
}

static void set_first(struct quell_model_layer *l, enum qp_memory memory, uint64_t first)
{
    struct quell_layer *t = &l->table;
    *(memory == QP_MEM_WEIGHT ? &t->w_addr : memory == QP_MEM_CONSTANT ? &t->const_addr : memory == QP_MEM_DN_PAIR ? &t->dn_pair_addr : &t->dn_row_addr) = (int32_t)(first & 0xFFFF); /* a sum beyond that is refused */
}

/* 64-bit words of the external memory that hold a layer's words of a memory. */
static uint64_t outside_words(uint32_t words, enum qp_memory memory, const quell_limits *limits) { return ((uint64_t)words * quell_lanes(memory, limits) + 1) / 2; }

/* -> words that all layers take. In a ring a layer's words lie together: behind the layer's before, or at the beginning again. *outside: words of the external memory. */
static quell_status place(struct quell_model *m, enum qp_memory memory, const char *what, uint32_t capacity, uint64_t *all, uint64_t *outside, quell_error *err)
{
    const quell_limits *limits = &m->limits;
    uint64_t at = 0;
    *all = 0;
    for (uint32_t i = 0; i < m->layer_count; i++) {
        uint32_t words = quell_parameter_span(&m->layers[i], memory, limits->cores).words;
        set_first(&m->layers[i], memory, words ? *all : 0);
        *all += words;
    }
    uint32_t word_bytes = quell_lanes(memory, limits) * 4;
    if (*all <= capacity)
        return QUELL_OK;
    if (!limits->ext_words)
        return quell_check_memory(what, NULL, *all, capacity, word_bytes, err);
    for (uint32_t i = 0; i < m->layer_count; i++) {
        uint32_t words = quell_parameter_span(&m->layers[i], memory, limits->cores).words;
        TRY(quell_check_memory(what, m->layers[i].info.name, words, capacity, word_bytes, err));
        if (at + words > capacity)
            at = 0;
        set_first(&m->layers[i], memory, words ? at : 0);
        at += words;
        *outside += outside_words(words, memory, limits);
    }
    m->from_outside |= 1u << memory;
    return QUELL_OK;
}

static int overlap(struct quell_span a, struct quell_span b) { return a.first < b.first + b.words && b.first < a.first + a.words; }

int quell_load_after(const struct quell_model *m, enum qp_memory memory, uint32_t layer)
{
    const uint32_t cores = m->limits.cores;
    const struct quell_span own = quell_parameter_span(&m->layers[layer], memory, cores);
    int count = (int)m->layer_count, k = (int)layer - 1;
    while (k > (int)layer - count && !overlap(own, quell_parameter_span(&m->layers[(k + count) % count], memory, cores)))
        k--;
    return k + 1; /* the last one before it that uses them; at the latest it itself, for the image before */
}

/* Layers with the same table share it. */
static quell_status place_tables(struct quell_model *m, quell_error *err)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < m->layer_count; i++) {
        struct quell_model_layer *l = &m->layers[i];
        uint32_t k = 0;
        l->table.table_index = 0;
        if (!l->act_table)
            continue;
        while (k < i && !(m->layers[k].act_table && memcmp(m->layers[k].act_table, l->act_table, QUELL_TABLE_CODES) == 0))
            k++;
        l->table.table_index = k < i ? m->layers[k].table.table_index : (int32_t)(count++ & (QUELL_TABLES_MOST - 1)); /* more are refused below */
    }
    if (count > m->limits.tables)
        return quell_fail(err, QUELL_E_TOO_LARGE, "the model does not fit: it needs %u activation tables (for operators such as LeakyRelu, HardSwish, Sigmoid), the hardware has %u; use Relu or Clip, which need none, or give layers of the same function the same scales", count,
                          m->limits.tables);
    m->info.tables = count;
    return QUELL_OK;
}

quell_status quell_place_parameters(struct quell_model *m, quell_error *err)
{
    static const char *const WHAT[KINDS] = {"weight memory", "constant memory", "denoiser's pair memory", "denoiser's row memory"};
    const quell_limits *limits = &m->limits;
    const uint32_t capacity[KINDS] = {limits->weight_words, limits->const_words, limits->dn_pair_words, limits->dn_row_words};
    uint32_t *const sums[KINDS] = {&m->info.weight_words, &m->info.const_words, &m->info.dn_pair_words, &m->info.dn_row_words};
    uint64_t outside = 0;
    m->from_outside = 0;
    for (int k = 0; k < KINDS; k++) {
        uint64_t all;
        TRY(place(m, MEMORIES[k], WHAT[k], capacity[k], &all, &outside, err));
        *sums[k] = (uint32_t)all;
    }
    TRY(quell_check_memory("external memory", NULL, outside, limits->ext_words, 8, err));
    m->info.ext_words = (uint32_t)outside;
    return place_tables(m, err);
}
