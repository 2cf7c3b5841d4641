/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "parameters.h"
#include "pack.h"

uint32_t quell_real_inputs(const struct quell_layer *t) { return (uint32_t)(t->in_c8 - 1) * 8 + (uint32_t)t->in_last + 1; }

quell_status quell_check_memory(const char *what, const char *layer, uint64_t needed, uint64_t have, uint32_t word_bytes, quell_error *err)
{
    if (needed <= have)
        return QUELL_OK;
    return quell_fail(err, QUELL_E_TOO_LARGE, "%s%s%s: the %s is too small by %llu bytes (%llu of %llu words of %u bytes)", layer ? "layer '" : "the model does not fit", layer ? layer : "",
                      layer ? "'" : "", what, (unsigned long long)((needed - have) * word_bytes), (unsigned long long)needed, (unsigned long long)have, word_bytes);
}

/* ---- units -------------------------------------------------------------------------------------------------------------------------- */

/* Words of the weight memory for c8 words of a pixel of the output. */
static uint32_t slice_words(const struct quell_model_layer *l, uint32_t c8, uint32_t cores)
{
    const struct quell_layer *t = &l->table;
    uint32_t groups = (c8 * 8 + cores - 1) / cores;
    return quell_layer_windows(t) * (t->mode == 0 ? groups * quell_real_inputs(t) : t->mode == 1 ? groups * (uint32_t)t->in_c8 : c8);
}

uint32_t quell_weight_words(const struct quell_model_layer *layer, uint32_t cores) { return slice_words(layer, (uint32_t)layer->table.out_c8, cores); }

static quell_status add_unit(struct quell_model *m, uint32_t layer, uint32_t at, uint32_t c8, quell_error *err)
{
    const struct quell_model_layer *l = &m->layers[layer];
    if (m->unit_count == QUELL_UNITS_MAX)
        return quell_fail(err, QUELL_E_TOO_LARGE, "the model does not fit: its layers and their slices are more than %d", QUELL_UNITS_MAX);
    m->units[m->unit_count++] = (struct quell_unit){layer, at, c8, {{0, slice_words(l, c8, m->limits.cores)}, {0, c8 * 4}, {0, l->block ? l->channels / 2 : 0}, {0, l->block ? l->block->m : 0}}};
    return QUELL_OK;
}

/* One unit, or slices that take at most half of the weight memory, so that the next one can come meanwhile. */
static quell_status add_layer(struct quell_model *m, uint32_t layer, int sliced, quell_error *err)
{
    const struct quell_model_layer *l = &m->layers[layer];
    const uint32_t cores = m->limits.cores, all = (uint32_t)l->table.out_c8, half = m->limits.weight_words / 2, step = cores > 8 ? cores / 8 : 1;
    uint32_t most = all;
    if (sliced && !l->block && l->table.mode != 2 && slice_words(l, all, cores) > half) {
        uint32_t steps = half / slice_words(l, step, cores);
        most = steps ? steps * step : step;
        uint32_t count = (all + most - 1) / most;
        most = ((all + count - 1) / count + step - 1) / step * step; /* all of one size, as far as that goes */
    }
    for (uint32_t at = 0; at < all; at += most)
        TRY(add_unit(m, layer, at, all - at < most ? all - at : most, err));
    return QUELL_OK;
}

static quell_status make_units(struct quell_model *m, quell_error *err)
{
    uint64_t weights = 0;
    for (uint32_t i = 0; i < m->layer_count; i++)
        weights += quell_weight_words(&m->layers[i], m->limits.cores);
    m->unit_count = 0;
    for (uint32_t i = 0; i < m->layer_count; i++)
        TRY(add_layer(m, i, weights > m->limits.weight_words && m->limits.ext_words, err));
    return QUELL_OK;
}

static void set_addresses(struct quell_layer *t, const struct quell_unit *u)
{
    t->w_addr = (int32_t)u->span[0].first;
    t->const_addr = (int32_t)u->span[1].first;
    t->dn_pair_addr = (int32_t)u->span[2].first;
    t->dn_row_addr = (int32_t)u->span[3].first;
}

struct quell_layer quell_unit_table(const struct quell_model_layer *layer, const struct quell_unit *u)
{
    struct quell_layer t = layer->table;
    set_addresses(&t, u);
    t.slice_skip = t.out_c8 - (int32_t)u->c8;
    t.slice_at = (int32_t)u->at;
    t.out_c8 = (int32_t)u->c8;
    t.out_addr += (int32_t)u->at;
    if (t.residual)
        t.res_addr += (int32_t)u->at;
    if (u->at)
        t.wait_prev = 0; /* the first slice has waited for all of the input */
    return t;
}

uint32_t quell_units_until(const struct quell_model *m, uint32_t layer)
{
    uint32_t n = 0;
    while (n < m->unit_count && m->units[n].layer <= layer)
        n++;
    return n;
}

/* ---- parameters: one after the other, or in a ring ------------------------------------------------------------------------------------- */

static const struct {
    enum qp_memory memory;
    const char *what;
} KINDS[QUELL_KINDS] = {{QP_MEM_WEIGHT, "weight memory"}, {QP_MEM_CONSTANT, "constant memory"}, {QP_MEM_DN_PAIR, "denoiser's pair memory"}, {QP_MEM_DN_ROW, "denoiser's row memory"}};

/* -> words that all units take. In a ring a unit's words lie together: behind those of the one before, or at the beginning again. *outside: words of the external memory. */
static quell_status place(struct quell_model *m, int kind, uint32_t capacity, uint32_t *words, uint64_t *outside, quell_error *err)
{
    const uint32_t lanes = quell_lanes(KINDS[kind].memory, &m->limits);
    uint64_t all = 0, at = 0;
    for (uint32_t i = 0; i < m->unit_count; i++) {
        struct quell_span *s = &m->units[i].span[kind];
        s->first = s->words ? (uint32_t)(all & 0xFFFF) : 0; /* a sum beyond that is refused, or in a ring */
        all += s->words;
    }
    *words = (uint32_t)all;
    if (all <= capacity)
        return QUELL_OK;
    if (!m->limits.ext_words)
        return quell_check_memory(KINDS[kind].what, NULL, all, capacity, lanes * 4, err);
    for (uint32_t i = 0; i < m->unit_count; i++) {
        struct quell_span *s = &m->units[i].span[kind];
        TRY(quell_check_memory(KINDS[kind].what, m->layers[m->units[i].layer].info.name, s->words, capacity, lanes * 4, err));
        if (at + s->words > capacity)
            at = 0;
        s->first = s->words ? (uint32_t)at : 0;
        at += s->words;
        *outside += ((uint64_t)s->words * lanes + 1) / 2;
    }
    m->from_outside |= 1u << KINDS[kind].memory;
    return QUELL_OK;
}

static int overlap(struct quell_span a, struct quell_span b) { return a.first < b.first + b.words && b.first < a.first + a.words; }

int quell_load_after(const struct quell_model *m, enum qp_memory memory, uint32_t unit)
{
    const int kind = (int)memory - QP_MEM_WEIGHT, count = (int)m->unit_count;
    const struct quell_span own = m->units[unit].span[kind];
    int k = (int)unit - 1;
    while (k > (int)unit - count && !overlap(own, m->units[(k + count) % count].span[kind]))
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
    const quell_limits *limits = &m->limits;
    const uint32_t capacity[QUELL_KINDS] = {limits->weight_words, limits->const_words, limits->dn_pair_words, limits->dn_row_words};
    uint32_t *const sums[QUELL_KINDS] = {&m->info.weight_words, &m->info.const_words, &m->info.dn_pair_words, &m->info.dn_row_words};
    uint64_t outside = 0;
    m->from_outside = 0;
    TRY(make_units(m, err));
    for (int k = 0; k < QUELL_KINDS; k++)
        TRY(place(m, k, capacity[k], sums[k], &outside, err));
    TRY(quell_check_memory("external memory", NULL, outside, limits->ext_words, 8, err));
    m->info.ext_words = (uint32_t)outside;
    for (uint32_t i = m->unit_count; i-- > 0;) /* the layer's own addresses are its first unit's */
        set_addresses(&m->layers[m->units[i].layer].table, &m->units[i]);
    return place_tables(m, err);
}
