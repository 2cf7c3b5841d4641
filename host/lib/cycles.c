/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How many clock cycles a network takes on the chip, row by row of every layer: docs/array.md ("Timing") has what the array takes for a row, and the units behind it take a
 * pair of channels a cycle. Two row buffers lie between them; a layer waits for the rows of the one before that it reads.
 */
#include <stdlib.h>
#include <string.h>

#include "pack.h"
#include "parameters.h"

enum {
    PROGRAM = 1950,   /* the firmware, for a layer's words: 1800 to 2700 by gcc 12, some 250 less by gcc 14; it begins when the layer before has started */
    START = 20,       /* from the start of a layer to its first window */
    PLACE = 8,        /* a place (output group, window of the kernel) takes no less */
    TAIL = 8,         /* from a window's issue to its sum in the row buffer */
    DRAIN = 2,        /* lost with every row that leaves the row buffer */
    POST = 45,        /* from the row buffer to activation memory */
    BLOCK = 60,       /* the same of a denoising block */
    LOAD = 150,       /* the firmware and the first word, for a load from the external memory */
    WRITE = 900,      /* the firmware, for the words of a layer that had to wait for its loads */
    DEPTHWISE = 2, CONV1X1 = 1
};

/* Where each row of a layer is: cycles from the first layer's start. */
struct rows {
    uint64_t *stored; /* a row of what the layer writes, after pooling */
    uint32_t count;
};

struct machine {
    uint64_t firmware; /* the next layer's words are there */
    uint64_t array;   /* free again */
    uint64_t drain;   /* the units behind the row buffer, the same */
    uint64_t bank[2]; /* each half of the row buffer, the same */
    uint32_t turn;
    uint64_t loaded;  /* the loader is free again */
    uint64_t ready[QUELL_UNITS_MAX]; /* everything that a unit needs is there; 0: always is */
    uint64_t ends[QUELL_UNITS_MAX];
};

static uint64_t at_least(uint64_t a, uint64_t b) { return a > b ? a : b; }

/* Steps of the fetch unit for a row of windows whose kernel window begins at column `first` and has `rows` rows inside the image. */
static uint64_t fetch_steps(const struct quell_layer *t, int first, uint32_t rows)
{
    int stride = t->stride_x + 1, need = t->mode == CONV1X1 || stride == 1 ? 1 : stride == 2 ? 2 : 3, side = t->mode == CONV1X1 ? 1 : 3;
    int skip = t->mode == CONV1X1 || first >= 0 ? 0 : first == -1 ? 1 : 2;
    uint64_t steps = 0;
    for (int x = 0; x < t->out_w; x++) {
        int end = first + x * stride + side, columns = x ? need : side - skip;
        for (int column = end - columns; column < end; column++)
            steps += rows && column >= 0 && column < t->in_w ? rows : 1;
    }
    return steps;
}

/* What the array takes for one place: all its passes. */
static uint64_t place_cycles(const struct quell_layer *t, int first_row, int first_column, uint64_t by_rows[4])
{
    uint32_t rows = 0;
    const uint32_t groups = t->mode == DEPTHWISE ? 1 : (uint32_t)t->in_c8, width = (uint32_t)t->out_w;
    for (int r = 0; r < (t->mode == CONV1X1 ? 1 : 3); r++)
        rows += first_row + r >= 0 && first_row + r < t->in_h;
    if (by_rows[rows])
        return by_rows[rows];
    uint64_t steps = fetch_steps(t, first_column, rows), sum = 0;
    for (uint32_t g = 0; g < groups; g++) {
        uint64_t work = t->mode != 0 ? 1 : g + 1 < groups ? 8 : (uint64_t)t->in_last + 1;
        uint64_t gap = width > 1 && width < 4 && work == 1 ? 4 - width : 0; /* a sum can be used again four cycles later */
        sum += at_least(steps, width * work + gap);
    }
    return by_rows[rows] = at_least(sum, PLACE);
}

/* What the array takes for output row y. */
static uint64_t array_row(const struct quell_layer *t, int y, uint32_t cores, uint64_t *memo)
{
    uint64_t sum = 0, groups = t->mode == DEPTHWISE ? (uint64_t)t->out_c8 : ((uint64_t)t->out_c8 * 8 + cores - 1) / cores;
    for (int wy = 0; wy <= t->win_h; wy++)
        for (int wx = 0; wx <= t->win_w; wx++)
            sum += place_cycles(t, y * (t->stride_y + 1) + wy * t->step_y - t->pad_top, wx * t->step_x - t->pad_left, memo + 4 * wx);
    return sum * groups;
}

/* Elements of the frame, along one axis, that all windows of a pool hold together. */
static uint64_t visits(int frame, int kernel, int stride, int pad, int windows)
{
    uint64_t sum = 0;
    for (int i = 0; i < windows; i++) {
        int first = i * stride - pad, end = first + kernel;
        sum += (uint64_t)((end < frame ? end : frame) - (first > 0 ? first : 0));
    }
    return sum;
}

/* Clocks of the units behind the array for a row of the convolution's output: of overlapping pools each pair comes as often as windows hold it. */
static uint64_t post_row(const struct quell_layer *t)
{
    uint64_t pairs = (uint64_t)t->out_w * (uint64_t)t->out_c8 * 4;
    if (!t->pool_kind)
        return pairs + DRAIN;
    uint64_t all = visits(t->out_h, t->pool_kh, t->pool_sy, t->pool_pad_top, t->pooled_h) * visits(t->out_w, t->pool_kw, t->pool_sx, t->pool_pad_left, t->pooled_w) * (uint64_t)t->out_c8 * 4;
    return at_least(pairs, (all + (uint64_t)t->out_h - 1) / (uint64_t)t->out_h) + DRAIN;
}

/* Rows of the layer before that output row y reads. */
static uint32_t rows_needed(const struct quell_layer *t, int y)
{
    int last = y * (t->stride_y + 1) + t->win_h * t->step_y - t->pad_top + (t->mode == CONV1X1 ? 1 : 3);
    return last < 0 ? 0 : last > t->in_h ? (uint32_t)t->in_h : (uint32_t)last;
}

static uint64_t input_ready(const struct quell_layer *t, int y, const struct rows *before)
{
    if (!t->wait_prev || !before->count)
        return 0;
    uint32_t needed = t->wait_prev == 1 ? rows_needed(t, y) : before->count;
    return needed ? before->stored[(needed < before->count ? needed : before->count) - 1] : 0;
}

/* The last row of the convolution's output that row y of what is stored depends on. */
static int last_source(const struct quell_layer *t, int y, int block)
{
    int row = !t->pool_kind ? y : y * t->pool_sy - t->pool_pad_top + t->pool_kh - 1;
    row += block;
    return row < 0 ? 0 : row >= t->out_h ? t->out_h - 1 : row;
}

static int run_layer(const struct quell_model_layer *l, uint32_t cores, int denoise, struct machine *m, const struct rows *before, struct rows *rows, quell_cycles *c)
{
    const struct quell_layer *t = &l->table;
    const int block = denoise && l->block, height = t->out_h;
    uint64_t *drained = calloc((size_t)height, sizeof *drained), *memo = calloc(4 * ((size_t)t->win_w + 1), sizeof *memo);
    rows->count = (uint32_t)(t->pool_kind ? t->pooled_h : height);
    rows->stored = calloc(rows->count, sizeof *rows->stored);
    if (!drained || !memo || !rows->stored) {
        free(drained);
        free(memo);
        return 0;
    }
    const uint64_t post = post_row(t);
    m->array = at_least(m->array, m->firmware) + START;
    m->firmware = m->array + PROGRAM;
    for (int y = 0; y < height; y++) {
        uint64_t work = array_row(t, y, cores, memo), ready = at_least(input_ready(t, y, before), m->bank[m->turn]);
        m->array = at_least(m->array, ready) + work;
        m->drain = at_least(m->drain, m->array + TAIL) + post;
        drained[y] = m->bank[m->turn] = m->drain;
        m->turn ^= 1;
        c->array += work;
        c->post += post;
    }
    for (uint32_t y = 0; y < rows->count; y++)
        rows->stored[y] = drained[last_source(t, (int)y, block)] + POST + (block ? BLOCK : 0);
    free(drained);
    free(memo);
    return 1;
}

/* The external memory gives 1.92 bytes a clock (docs/memory.md). */
static uint64_t load_clocks(const struct quell_model *model, enum qp_memory memory, uint32_t unit)
{
    const uint32_t words = quell_from_outside(model, memory) ? model->units[unit].span[memory - QP_MEM_WEIGHT].words : 0;
    return words ? (uint64_t)words * quell_lanes(memory, &model->limits) * 4 * 100 / 192 + LOAD : 0;
}

/* All loads that may begin when so many units have ended, one after the other, those of early units first; the image before has ended long ago. */
static void load_units(const struct quell_model *model, int ended, struct machine *m)
{
    m->loaded = at_least(m->loaded, ended ? m->ends[ended - 1] : 0);
    for (uint32_t unit = 0; unit < model->unit_count; unit++)
        for (enum qp_memory memory = QP_MEM_WEIGHT; memory <= QP_MEM_DN_ROW; memory++) {
            const uint64_t clocks = load_clocks(model, memory, unit);
            const int after = quell_load_after(model, memory, unit);
            if (!clocks || (after > 0 ? after : 0) != ended)
                continue;
            m->loaded += unit ? clocks : 0; /* an image begins when its first layer does */
            m->ready[unit] = at_least(m->ready[unit], m->loaded);
        }
}

quell_status quell_estimate_cycles(const quell_model *model, int denoiser_on, quell_cycles *layers, uint64_t *total, quell_error *err)
{
    struct machine m = {0};
    struct rows before = {0};
    uint64_t end = 0;
    memset(layers, 0, model->layer_count * sizeof *layers);
    for (uint32_t i = 0; i < model->unit_count; i++) {
        const struct quell_unit *u = &model->units[i];
        struct quell_model_layer slice = model->layers[u->layer];
        struct rows rows = {0};
        slice.table = quell_unit_table(&slice, u);
        load_units(model, (int)i, &m);
        if (m.ready[i])
            m.firmware = at_least(m.firmware, m.ready[i] + WRITE);
        for (enum qp_memory memory = QP_MEM_WEIGHT; memory <= QP_MEM_DN_ROW; memory++)
            layers[u->layer].load += load_clocks(model, memory, i);
        int done = run_layer(&slice, model->limits.cores, denoiser_on, &m, &before, &rows, &layers[u->layer]);
        free(before.stored);
        before = rows;
        if (!done) {
            free(rows.stored);
            return quell_fail(err, QUELL_E_MEMORY, "out of memory");
        }
        m.ends[i] = rows.stored[rows.count - 1];
        layers[u->layer].slices++;
        layers[u->layer].cycles += m.ends[i] - end;
        end = m.ends[i];
    }
    free(before.stored);
    *total = end;
    return QUELL_OK;
}
