/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fitting a model into a device: line and row buffers, then an address for every tensor; the parameters' are in parameters.c.
 *
 * A tensor of activation memory lives from the layer that writes it to the last one that reads it; tensors whose lives meet do not
 * overlap. The array may already work on layer N + 1 while post-processing ends layer N, so what layer N reads as residual lives for one
 * layer more. Layers that write one tensor, each its words of every pixel, have it from the first of them on. The image (two buffers: the host fills one while the other is computed) and the logits live for ever.
 */
#include <stdlib.h>
#include <string.h>

#include "compiled.h"
#include "parameters.h"
#include "quell_protocol.h"

enum { TENSORS_MAX = QUELL_LAYERS_MAX + 2 };

struct tensor {
    uint32_t words, address;
    int first, last; /* layers between which it lives, both included */
    int next;        /* and layers 0...next of the next image; -1: not */
};

quell_limits quell_default_limits(void)
{
    return (quell_limits){.cores = 8, .bottleneck_max = 4, .act_words = 8192, .weight_words = 2048, .const_words = 512, .row_words = 512,
                          .dn_pair_words = 256, .dn_row_words = 64, .line_words = 1024, .max_payload = QP_MAX_PAYLOAD, .tables = 8, .ext_words = 1 << 22 /* 32 MB, as on the ULX3S */};
}

enum { ENDLESS = INT32_MAX };

quell_limits quell_endless_limits(void)
{
    return (quell_limits){.cores = 8, .bottleneck_max = 15, .act_words = ENDLESS, .weight_words = ENDLESS, .const_words = ENDLESS, .row_words = ENDLESS, .dn_pair_words = ENDLESS, .dn_row_words = ENDLESS,
                          .line_words = ENDLESS, .max_payload = ENDLESS, .tables = ENDLESS};
}

/* ---- buffers that every layer has to itself ---- */

static quell_status check_layer(const struct quell_model_layer *l, const quell_limits *limits, quell_error *err)
{
    const struct quell_layer *t = &l->table;
    uint64_t pixels_words = (uint64_t)t->out_w * (uint64_t)t->out_c8;
    TRY(quell_check_memory("row buffer (one output row)", l->info.name, pixels_words * 8, (uint64_t)limits->row_words * limits->cores, 4, err));
    if (l->block)
        TRY(quell_check_memory("line buffer (one output row of a denoised layer)", l->info.name, pixels_words * 4, limits->line_words, 2, err));
    if (t->pool_kind) {
        uint64_t rows = (uint64_t)(t->pool_kh + t->pool_sy - 1) / (uint64_t)t->pool_sy; /* of windows, unfinished at the same time */
        TRY(quell_check_memory("line buffer (unfinished windows of a pooled layer)", l->info.name, rows * (uint64_t)t->pooled_w * (uint64_t)t->out_c8 * 4, limits->line_words, 6, err));
    }
    if (l->block && l->block->m > limits->bottleneck_max)
        return quell_fail(err, QUELL_E_TOO_LARGE, "layer '%s': its denoising block has a bottleneck of %u channels; the hardware has %u", l->info.name, l->block->m, limits->bottleneck_max);
    return QUELL_OK;
}

/* ---- tensors ---- */

static int meet(const struct tensor *a, const struct tensor *b) { return (a->first <= b->last && b->first <= a->last) || a->first <= b->next || b->first <= a->next; }

/* Lowest address at which tensor k meets none of those placed before it in `order`. */
static void place_tensor(struct tensor *tensors, const uint32_t *order, uint32_t placed, uint32_t k)
{
    struct tensor *t = &tensors[k];
    t->address = 0;
    for (int moved = 1; moved;) {
        moved = 0;
        for (uint32_t i = 0; i < placed; i++) {
            const struct tensor *o = &tensors[order[i]];
            if (meet(t, o) && t->address < o->address + o->words && o->address < t->address + t->words) {
                t->address = o->address + o->words;
                moved = 1;
            }
        }
    }
}

static uint32_t place_in_order(struct tensor *tensors, const uint32_t *order, uint32_t count)
{
    uint32_t top = 0;
    for (uint32_t i = 0; i < count; i++) {
        struct tensor *t = &tensors[order[i]];
        place_tensor(tensors, order, i, order[i]);
        if (t->address + t->words > top)
            top = t->address + t->words;
    }
    return top;
}

/* First in the order of their layers, then the large ones first: the better of both. -> words used */
static uint32_t place_tensors(struct tensor *tensors, uint32_t count)
{
    uint32_t by_layer[TENSORS_MAX], by_size[TENSORS_MAX];
    for (uint32_t i = 0; i < count; i++) {
        uint32_t k = i;
        by_layer[i] = i;
        for (; k > 0 && tensors[by_size[k - 1]].words < tensors[i].words; k--)
            by_size[k] = by_size[k - 1];
        by_size[k] = i;
    }
    uint32_t small = place_in_order(tensors, by_size, count), top = place_in_order(tensors, by_layer, count);
    return small < top ? place_in_order(tensors, by_size, count) : top;
}

/* Tensors 0, 1: the image's buffers; 2 + i: layer i's output. One image buffer is enough if two do not fit. */
static uint32_t make_tensors(const struct quell_model *m, int buffers, struct tensor *tensors)
{
    const struct quell_model_info *info = &m->info;
    uint32_t image = (info->image_h + 2 * info->image_pad) * (info->image_w + 2 * info->image_pad) * ((info->image_c + 7) / 8);
    int end = (int)m->layer_count;
    memset(tensors, 0, TENSORS_MAX * sizeof *tensors);
    tensors[0] = (struct tensor){.words = image, .last = buffers == 2 ? end : 0, .next = -1};
    tensors[1] = (struct tensor){.words = buffers == 2 ? image : 0, .last = buffers == 2 ? end : -1, .next = -1};
    for (int i = 0; i < end; i++) {
        const struct quell_model_layer *l = &m->layers[i];
        uint32_t c8 = !l->join ? l->channels / 8 : l->join == (uint32_t)i + 1 ? (uint32_t)l->table.out_pitch : 0; /* a joined tensor is its last layer's */
        tensors[2 + i] = (struct tensor){.words = l->info.out_h * l->info.out_w * c8, .first = i, .last = i, .next = -1};
        for (int k = 0; k < i && l->join == (uint32_t)i + 1; k++)
            if (quell_joins(&m->layers[k], i)) {
                tensors[2 + i].first = k;
                break;
            }
    }
    tensors[1 + end].next = 1;
    tensors[1 + end].last = end;
    for (int i = 0; i < end; i++) {
        const struct quell_model_layer *l = &m->layers[i];
        struct tensor *in = &tensors[l->input_layer < 0 ? 0 : 2 + l->input_layer];
        if (in->last < i)
            in->last = i;
        if (l->residual_layer == QUELL_NO_LAYER)
            continue;
        struct tensor *residual = &tensors[l->residual_layer < 0 ? 0 : 2 + l->residual_layer];
        if (residual->last < i + 1)
            residual->last = i + 1;
    }
    return 2 + (uint32_t)end;
}

static quell_status place_activations(struct quell_model *m, quell_error *err)
{
    struct tensor tensors[TENSORS_MAX];
    uint64_t sum = 0; /* of all tensors: keeps the addresses below from wrapping */
    for (uint32_t i = 0; i < m->layer_count; i++)
        sum += (uint64_t)m->layers[i].info.out_h * m->layers[i].info.out_w * (m->layers[i].channels / 8);
    if (sum > UINT32_MAX / 2)
        return quell_check_memory("activation memory", NULL, sum, m->limits.act_words, 8, err);
    int buffers = 2;
    uint32_t count = make_tensors(m, 2, tensors), used = place_tensors(tensors, count);
    if (used > m->limits.act_words) {
        buffers = 1;
        count = make_tensors(m, 1, tensors);
        used = place_tensors(tensors, count);
    }
    TRY(quell_check_memory("activation memory", NULL, used, m->limits.act_words, 8, err));
    m->input_addr[0] = tensors[0].address;
    m->input_addr[1] = tensors[buffers - 1].address;
    m->logits_addr = tensors[count - 1].address;
    for (uint32_t i = 0; i < m->layer_count; i++) {
        struct quell_model_layer *l = &m->layers[i];
        l->table.out_addr = (int32_t)(tensors[l->join ? 1 + l->join : 2 + i].address + l->join_at);
        l->table.in_addr = (int32_t)tensors[l->input_layer < 0 ? 0 : 2 + l->input_layer].address;
        l->table.res_addr = l->residual_layer == QUELL_NO_LAYER ? 0 : (int32_t)tensors[l->residual_layer < 0 ? 0 : 2 + l->residual_layer].address;
    }
    m->info.act_words = used;
    return QUELL_OK;
}

void quell_model_fitted_free(struct quell_model *copy)
{
    if (copy)
        free(copy->layers);
    free(copy);
}

quell_status quell_model_fitted(const struct quell_model *model, const quell_limits *limits, struct quell_model **copy, quell_error *err)
{
    struct quell_model *made = *copy = malloc(sizeof *made);
    struct quell_model_layer *layers = malloc(model->layer_count * sizeof *layers);
    if (!made || !layers) {
        free(made);
        free(layers);
        *copy = NULL;
        return quell_fail(err, QUELL_E_MEMORY, "out of memory");
    }
    memcpy(layers, model->layers, model->layer_count * sizeof *layers);
    *made = *model;
    made->layers = layers;
    made->limits = *limits;
    quell_status status = quell_model_fit(made, err);
    if (status != QUELL_OK) {
        quell_model_fitted_free(made);
        *copy = NULL;
    }
    return status;
}

quell_status quell_model_fits(const quell_model *model, const quell_limits *limits, quell_error *err)
{
    struct quell_model *copy;
    quell_status status = quell_model_fitted(model, limits, &copy, err);
    quell_model_fitted_free(copy);
    return status;
}

quell_status quell_model_fit(struct quell_model *m, quell_error *err)
{
    const quell_limits *limits = &m->limits;
    if (limits->act_words == ENDLESS)
        ; /* no device's: addresses may be beyond the table's fields */
    else if (limits->cores < 4 || limits->cores % 4 != 0 || limits->bottleneck_max > 15 || limits->act_words > 1 << 16 || limits->weight_words > 1 << 16 || limits->const_words > 1 << 16
        || limits->dn_pair_words > 1 << 16 || limits->dn_row_words > 1 << 16 || limits->tables > QUELL_TABLES_MOST)
        return quell_fail(err, QUELL_E_DEVICE, "the hardware's limits are impossible (%u cores, %u activation words)", limits->cores, limits->act_words);
    for (uint32_t i = 0; i < m->layer_count; i++)
        TRY(check_layer(&m->layers[i], limits, err));
    uint64_t image = (uint64_t)m->info.image_h * m->info.image_w * m->info.image_c, classes = m->info.classes;
    TRY(quell_check_memory("message buffer (one image)", NULL, image + sizeof(struct qp_image), limits->max_payload, 1, err));
    TRY(quell_check_memory("message buffer (one result)", NULL, classes + sizeof(struct qp_result), limits->max_payload, 1, err));
    TRY(quell_place_parameters(m, err));
    return place_activations(m, err);
}
