/* SPDX-License-Identifier: Apache-2.0 */
/* Memory images of a layer; see pack.h. */
#include "pack.h"

#include <stdlib.h>
#include <string.h>

#include "link.h"
#include "parameters.h"

uint32_t quell_lanes(enum qp_memory memory, const quell_limits *limits)
{
    uint32_t mb = limits->bottleneck_max;
    switch (memory) {
    case QP_MEM_WEIGHT: return limits->cores * 9 / 4;
    case QP_MEM_CONSTANT: return 10;
    case QP_MEM_DN_PAIR: return 3 * mb / 2 + 7;
    case QP_MEM_DN_ROW: return mb / 2 * 5 + 2;
    case QP_MEM_TABLE: return QUELL_TABLE_CODES / 4;
    default: return 2;
    }
}

/* ---- weights: byte core*9 + tap (1x1: core*9 + input channel of eight) ---- */

static void pack_weights(const struct quell_model_layer *l, const struct quell_unit *u, uint32_t cores, uint8_t *out)
{
    const struct quell_layer *t = &l->table;
    size_t word_bytes = (size_t)cores * 9;
    uint32_t group = t->mode == 2 ? 8 : cores; /* depthwise uses eight cores whatever there are */
    uint32_t inputs = t->mode == 0 ? quell_real_inputs(t) : t->mode == 1 ? (uint32_t)t->in_c8 : 1;
    uint32_t windows = quell_layer_windows(t), taps = l->taps / windows;
    for (uint32_t o = 0; o < u->c8 * 8; o++)
        for (uint32_t k = 0; k < windows; k++)
            for (uint32_t i = 0; i < inputs; i++) {
                uint8_t *word = out + (((size_t)(o / group) * windows + k) * inputs + i) * word_bytes + (size_t)(o % group) * 9;
                const int8_t *w = l->weights + ((size_t)(u->at * 8 + o) * windows + k) * taps * l->in_channels;
                if (t->mode == 1)
                    for (uint32_t c = 0; c < 8; c++)
                        word[c] = (uint8_t)w[i * 8 + c];
                else
                    for (uint32_t tap = 0; tap < 9; tap++)
                        word[tap] = (uint8_t)w[(size_t)tap * l->in_channels + i];
            }
}

/* ---- constants: for each channel of a pair bias, M | S << 24, G, o, a | b << 16 ---- */

static void pack_constants(const struct quell_model_layer *l, const struct quell_unit *u, uint8_t *out)
{
    for (uint32_t c = 0; c < u->c8 * 8; c++) {
        const struct quell_channel *k = &l->constants[u->at * 8 + c];
        const uint32_t lanes[5] = {(uint32_t)k->bias, k->m | k->s << 24, k->gain, (uint32_t)k->offset, (k->a & 0xFFFF) | (uint32_t)k->b << 16};
        for (uint32_t i = 0; i < 5; i++)
            quell_put32(out + ((size_t)c * 5 + i) * 4, lanes[i]);
    }
}

/* ---- denoiser ---- */

/* A word is a pair of channels: W1, Wu, Wv (byte j*2 + parity), D (byte parity*9 + tap), Cv even, Cv odd. */
static void pack_pairs(const struct quell_block *b, uint32_t mb, uint8_t *out)
{
    size_t word_bytes = (size_t)(3 * mb / 2 + 7) * 4;
    for (uint32_t c = 0; c < b->channels; c++) {
        uint8_t *word = out + c / 2 * word_bytes, parity = c & 1;
        for (uint32_t j = 0; j < b->m; j++) {
            word[j * 2 + parity] = (uint8_t)b->w1[(size_t)j * b->channels + c];
            word[mb * 2 + j * 2 + parity] = (uint8_t)b->wu[(size_t)c * b->m + j];
            word[mb * 4 + j * 2 + parity] = (uint8_t)b->wv[(size_t)c * b->m + j];
        }
        for (uint32_t tap = 0; tap < 9; tap++)
            word[mb * 6 + parity * 9u + tap] = (uint8_t)b->d[(size_t)c * 9 + tap];
        quell_put32(word + mb * 6 + 20 + parity * 4u, (uint32_t)b->cv[c]);
    }
}

/* A word is an output of the bottleneck: for each pair of inputs W2 (byte (j & 1)*9 + tap, 20 bytes), then B1, B2. */
static void pack_rows(const struct quell_block *b, uint32_t mb, uint8_t *out)
{
    size_t word_bytes = (size_t)(mb / 2 * 5 + 2) * 4;
    for (uint32_t k = 0; k < b->m; k++) {
        uint8_t *word = out + k * word_bytes;
        for (uint32_t j = 0; j < b->m; j++)
            for (uint32_t tap = 0; tap < 9; tap++)
                word[j / 2 * 20 + (j & 1) * 9 + tap] = (uint8_t)b->w2[((size_t)k * b->m + j) * 9 + tap];
        quell_put32(word + mb / 2 * 20, (uint32_t)b->b1[k]);
        quell_put32(word + mb / 2 * 20 + 4, (uint32_t)b->b2[k]);
    }
}

quell_status quell_pack(enum qp_memory memory, const struct quell_model_layer *l, const struct quell_unit *unit, const quell_limits *limits, uint32_t *first, uint32_t *words, uint8_t **bytes, quell_error *err)
{
    const struct quell_block *b = l->block;
    if (memory < QP_MEM_WEIGHT || memory > QP_MEM_TABLE)
        return quell_fail(err, QUELL_E_INTERNAL, "memory %d holds no parameters", (int)memory);
    const struct quell_span table = {(uint32_t)l->table.table_index, l->table.table_on && !unit->at}, span = memory == QP_MEM_TABLE ? table : unit->span[memory - QP_MEM_WEIGHT];
    *first = span.first;
    *words = span.words;
    uint8_t *out = *bytes = calloc((size_t)*words * quell_lanes(memory, limits) + 1, 4);
    if (!out)
        return quell_fail(err, QUELL_E_MEMORY, "out of memory");
    if (memory == QP_MEM_WEIGHT)
        pack_weights(l, unit, limits->cores, out);
    else if (memory == QP_MEM_CONSTANT)
        pack_constants(l, unit, out);
    else if (memory == QP_MEM_DN_PAIR && b)
        pack_pairs(b, limits->bottleneck_max, out);
    else if (memory == QP_MEM_TABLE) {
        if (*words)
            memcpy(out, l->act_table, QUELL_TABLE_CODES);
    } else if (b)
        pack_rows(b, limits->bottleneck_max, out);
    return QUELL_OK;
}
