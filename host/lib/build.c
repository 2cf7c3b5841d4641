/* SPDX-License-Identifier: Apache-2.0 */
/* The compiler's working state: what each tensor is, inputs and outputs of the present node, new layers. See build.h. */
#include "build.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compiled.h"

struct value *build_value(const struct builder *b, const struct graph_tensor *tensor) { return &b->values[tensor->number]; }

/* ---- inputs and outputs of a node ---- */

quell_status build_input(const struct builder *b, size_t index, unsigned kinds, const char *what, const struct value **value)
{
    const struct graph_tensor *t = graph_in(b->node, index);
    *value = NULL;
    if (!t)
        return BUILD_FAIL(b, QUELL_E_MODEL, "%s has no input %zu", b->label, index);
    const struct value *found = build_value(b, t);
    if (found->kind == VALUE_NONE)
        return BUILD_FAIL(b, QUELL_E_MODEL, "%s reads '%s', which nothing before it makes", b->label, t->name);
    if (!(kinds >> found->kind & 1))
        return BUILD_FAIL(b, QUELL_E_UNSUPPORTED, "%s: input '%s' must be %s", b->label, t->name, what);
    *value = found;
    return QUELL_OK;
}

quell_status build_output(struct builder *b, const struct value *value)
{
    struct graph_tensor *t = graph_out(b->node);
    if (!t || build_value(b, t)->kind != VALUE_NONE)
        return BUILD_FAIL(b, QUELL_E_MODEL, "%s has no output of its own", b->label);
    *build_value(b, t) = *value;
    return QUELL_OK;
}

quell_status build_float_output(struct builder *b, int layer, enum stage stage, uint32_t h, uint32_t w, uint32_t c, int flat)
{
    if (build_uses(b) != 1)
        return BUILD_FAIL(b, QUELL_E_UNSUPPORTED, "%s: its output must be quantised (QuantizeLinear) and have no other reader: calibrate with a pair behind it", b->label);
    struct value v = {.kind = VALUE_FLOAT, .layer = layer, .stage = stage, .h = h, .w = w, .c = c, .flat = flat};
    return build_output(b, &v);
}

size_t build_uses(const struct builder *b)
{
    const struct graph_tensor *t = graph_out(b->node);
    return t ? t->use_count : 0;
}

quell_status build_scalar(const struct builder *b, size_t index, const char *what, double *value, enum graph_type *type)
{
    const struct value *v;
    TRY(build_input(b, index, KINDS(CONST), "a constant", &v));
    if (graph_elements(v->tensor) != 1)
        return BUILD_FAIL(b, QUELL_E_UNSUPPORTED, "%s: the %s '%s' has %zu elements (a number a channel); supported: one for the whole tensor; quantise activations per tensor", b->label, what, v->tensor->name, graph_elements(v->tensor));
    *value = graph_get(v->tensor, 0);
    if (type)
        *type = v->tensor->type;
    return QUELL_OK;
}

/* ---- layers ---- */

quell_status build_new_layer(struct builder *b, const struct value *input, int *layer)
{
    struct quell_model *m = b->model;
    if (m->layer_count >= QUELL_LAYERS_MAX)
        return BUILD_FAIL(b, QUELL_E_TOO_LARGE, "%s would be layer number %u; supported: %u layers", b->label, m->layer_count + 1, QUELL_LAYERS_MAX);
    if (!m->layers) {
        m->layers = calloc(QUELL_LAYERS_MAX, sizeof *m->layers);
        b->drafts = calloc(QUELL_LAYERS_MAX, sizeof *b->drafts);
        if (!m->layers || !b->drafts)
            return BUILD_FAIL(b, QUELL_E_MEMORY, "out of memory");
    }
    *layer = (int)m->layer_count++;
    struct quell_model_layer *l = &m->layers[*layer];
    snprintf(l->info.name, sizeof l->info.name, "%s", b->node->name);
    snprintf(l->info.input, sizeof l->info.input, "%s", input->codes);
    l->info.in_h = input->h;
    l->info.in_w = input->w;
    l->info.in_c = input->c;
    l->input_layer = input->layer;
    l->residual_layer = QUELL_NO_LAYER;
    l->table.z_in = input->zero;
    l->table.wait_prev = input->layer >= 0 && input->layer == *layer - 1; /* all of it: layer_set_v */
    l->table.rng_layer = *layer;
    b->drafts[*layer] = (struct draft){.stage = STAGE_ACC, .s_in = input->scale, .low = -INFINITY, .high = INFINITY};
    return QUELL_OK;
}
