/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Joined tensors: layers that write one tensor, each its channels of every pixel (out_pitch in the layer table). What cannot write there itself is copied
 * by an identity layer: the image, tensors with other readers, those that are joined twice or are joined ones.
 *
 * A reader names the last of the layers that write the tensor. Waiting for its rows is enough: the array is at most one layer ahead of post-processing
 * (hw/soc/layer_queue.sv), so when it begins layer N only layer N - 1 may still be writing. If that is one of the writers it is the last one, wait_prev is
 * set and its rows are waited for; those before it, and any writer further back, have been complete since post-processing took N - 1.
 */
#include "build.h"

#include <stdio.h>

enum { PARTS_MAX = 64 };

/* Input i of quell.Concat: codes 0, scale, zero point, codes 1, 2, ... */
static size_t input_of(size_t part) { return part ? part + 2 : 0; }

static quell_status check_part(struct builder *b, const struct value *x, const struct value *first, int last)
{
    if (x->h != first->h || x->w != first->w || x->flat != first->flat || (x->flat && x->h * x->w > 1))
        return BUILD_FAIL(b, QUELL_E_UNSUPPORTED, "%s: an image of %u x %u and one of %u x %u; supported: images of the same size, joined along channels (axis 1)", b->label, first->h, first->w, x->h, x->w);
    if (!last && x->c % 8)
        return BUILD_FAIL(b, QUELL_E_UNSUPPORTED, "%s: '%.100s' has %u channels; supported: a multiple of 8, but for the last tensor: put it last, or give the layer before %u channels", b->label, x->codes, x->c, (x->c + 7) / 8 * 8);
    return QUELL_OK;
}

/* The layer that writes a part: the one that made it, or a copy. */
static quell_status writer(struct builder *b, const struct value *x, const int *taken, size_t count, int *layer)
{
    int own = x->layer >= 0 && x->sole && !build_layer(b, x->layer)->join;
    for (size_t i = 0; i < count; i++)
        own = own && taken[i] != x->layer;
    *layer = x->layer;
    if (own)
        return QUELL_OK;
    TRY(layer_identity(b, x, layer));
    TRY(layer_set_v(b, *layer, x->scale, x->zero));
    b->drafts[*layer].stage = STAGE_V;
    struct value copy = *x;
    copy.layer = *layer;
    build_describe_output(b, &copy);
    return QUELL_OK;
}

quell_status build_concat(struct builder *b)
{
    const struct value *first, *x;
    int writers[PARTS_MAX], last = -1;
    size_t parts = b->node->input_count < 4 ? 0 : b->node->input_count - 2;
    uint32_t words = 0, channels = 0;
    float scale;
    int zero;
    snprintf(b->label, sizeof b->label, "node '%.90s' (Concat)", b->node->name); /* as the file has it */
    if (parts < 2 || parts > PARTS_MAX)
        return BUILD_FAIL(b, QUELL_E_UNSUPPORTED, "%s: it joins %zu tensors; supported: 2 to %d", b->label, parts, PARTS_MAX);
    TRY(build_quantisation(b, &scale, &zero));
    TRY(build_input(b, 0, KINDS(CODES), "quantised codes", &first));
    for (size_t i = 0; i < parts; i++) {
        TRY(build_input(b, input_of(i), KINDS(CODES), "quantised codes", &x));
        TRY(check_part(b, x, first, i + 1 == parts));
        TRY(writer(b, x, writers, i, &writers[i]));
        struct quell_model_layer *l = build_layer(b, writers[i]);
        l->join_at = words;
        words += l->channels / 8;
        channels += x->c;
        last = writers[i] > last ? writers[i] : last;
    }
    struct value v = *first;
    for (size_t i = 0; i < parts; i++) {
        struct quell_model_layer *l = build_layer(b, writers[i]);
        l->join = (uint32_t)last + 1;
        l->table.out_pitch = (int32_t)words;
    }
    v.layer = last;
    v.scale = scale;
    v.zero = zero;
    v.c = channels;
    v.sole = 0; /* nothing becomes part of one of its layers */
    v.codes = graph_out(b->node)->name;
    return build_output(b, &v);
}
