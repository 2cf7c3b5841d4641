/* SPDX-License-Identifier: Apache-2.0 */
/* From an ONNX tree to a struct quell_model: the table of tensor names, the walk over the nodes, what goes in and what comes out. */
#include "compile.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compiled.h"
#include "file.h"
#include "scale.h"

enum { PADDING_MAX = 15, CLASS_TEXT_MAX = 4096, FILE_MAX = 1 << 28 };

/* ---- names ---- */

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct named_value *)a)->name, ((const struct named_value *)b)->name);
}

struct named_value *build_find(const struct builder *b, const char *name)
{
    struct named_value key = {.name = name};
    return name && *name ? bsearch(&key, b->names, b->name_count, sizeof key, by_name) : NULL;
}

static quell_status sort_names(struct builder *b, size_t n)
{
    b->name_count = n;
    qsort(b->names, n, sizeof *b->names, by_name);
    for (size_t i = 1; i < n; i++)
        if (strcmp(b->names[i - 1].name, b->names[i].name) == 0)
            return BUILD_FAIL(b, QUELL_E_MODEL, "the tensor '%s' is made twice", b->names[i].name);
    return QUELL_OK;
}

static quell_status collect_names(struct builder *b)
{
    const Onnx__GraphProto *g = b->onnx->graph;
    size_t room = g->n_input + g->n_initializer;
    for (size_t i = 0; i < g->n_node; i++)
        room += g->node[i]->n_output;
    b->names = calloc(room + 1, sizeof *b->names);
    if (!b->names)
        return BUILD_FAIL(b, QUELL_E_MEMORY, "out of memory");
    size_t n = 0;
    for (size_t i = 0; i < g->n_initializer; i++) {
        b->names[n].value.kind = VALUE_CONST;
        b->names[n].value.tensor = g->initializer[i];
        b->names[n++].name = g->initializer[i]->name;
    }
    for (size_t i = 0; i < g->n_node; i++)
        for (size_t o = 0; o < g->node[i]->n_output; o++)
            if (g->node[i]->output[o] && *g->node[i]->output[o])
                b->names[n++].name = g->node[i]->output[o];
    TRY(sort_names(b, n));
    /* Old files list initialisers among the inputs too: only the rest are inputs. */
    for (size_t i = 0; i < g->n_input; i++)
        if (!build_find(b, g->input[i]->name))
            b->names[n++].name = g->input[i]->name;
    TRY(sort_names(b, n));
    struct named_value *v;
    for (size_t i = 0; i < g->n_node; i++)
        for (size_t k = 0; k < g->node[i]->n_input; k++)
            if ((v = build_find(b, g->node[i]->input[k])))
                v->uses++;
    for (size_t i = 0; i < g->n_output; i++)
        if ((v = build_find(b, g->output[i]->name)))
            v->uses++;
    return QUELL_OK;
}

/* ---- inputs and outputs of a node ---- */

int build_has_input(const struct builder *b, size_t index)
{
    return index < b->node->n_input && b->node->input[index] && *b->node->input[index];
}

quell_status build_input(const struct builder *b, size_t index, unsigned kinds, const char *what, const struct value **value)
{
    *value = NULL;
    if (!build_has_input(b, index))
        return BUILD_FAIL(b, QUELL_E_MODEL, "%s has no input %zu", b->label, index);
    const struct named_value *found = build_find(b, b->node->input[index]);
    if (!found || found->value.kind == VALUE_NONE)
        return BUILD_FAIL(b, QUELL_E_MODEL, "%s reads '%s', which nothing before it makes", b->label, b->node->input[index]);
    if (!(kinds >> found->value.kind & 1))
        return BUILD_FAIL(b, QUELL_E_UNSUPPORTED, "%s: input '%s' must be %s", b->label, b->node->input[index], what);
    *value = &found->value;
    return QUELL_OK;
}

quell_status build_output(struct builder *b, const struct value *value)
{
    struct named_value *found = b->node->n_output ? build_find(b, b->node->output[0]) : NULL;
    if (!found || found->value.kind != VALUE_NONE)
        return BUILD_FAIL(b, QUELL_E_MODEL, "%s has no output of its own", b->label);
    found->value = *value;
    return QUELL_OK;
}

uint32_t build_uses(const struct builder *b)
{
    const struct named_value *found = b->node->n_output ? build_find(b, b->node->output[0]) : NULL;
    return found ? found->uses : 0;
}

quell_status build_scalar(const struct builder *b, size_t index, const char *what, double *value, int32_t *type)
{
    const struct value *v;
    TRY(build_input(b, index, 1 << VALUE_CONST, "a constant", &v));
    size_t count;
    double *values;
    TRY(onnx_values(v->tensor, &count, &values, b->err));
    double first = count == 1 ? values[0] : 0;
    free(values);
    if (count != 1)
        return BUILD_FAIL(b, QUELL_E_UNSUPPORTED, "%s: %s '%s' has %zu elements; supported: one for the whole tensor", b->label, what, b->node->input[index], count);
    *value = first;
    if (type)
        *type = v->tensor->data_type;
    return QUELL_OK;
}

/* ---- the network's input ---- */

static int64_t dimension(const Onnx__TensorShapeProto *shape, size_t i)
{
    const Onnx__TensorShapeProto__Dimension *d = shape->dim[i];
    return d->value_case == ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE ? d->dim_value : 0;
}

static quell_status read_padding(struct builder *b, uint32_t h, uint32_t w)
{
    const char *text = onnx_metadata(b->onnx, "quell.padding");
    long padding = 0;
    if (text) {
        char *end;
        padding = strtol(text, &end, 10);
        if (end == text || *end || padding < 0 || padding > PADDING_MAX || 2 * padding >= (long)h || 2 * padding >= (long)w)
            return BUILD_FAIL(b, QUELL_E_MODEL, "metadata quell.padding is '%.40s'; it must be 0 to %d and leave an image of the %u x %u input", text, PADDING_MAX, h, w);
    }
    b->model->info.image_pad = (uint32_t)padding;
    b->model->info.image_h = h - 2 * (uint32_t)padding;
    b->model->info.image_w = w - 2 * (uint32_t)padding;
    return QUELL_OK;
}

static quell_status read_graph_input(struct builder *b)
{
    const Onnx__GraphProto *g = b->onnx->graph;
    const Onnx__ValueInfoProto *input = NULL;
    for (size_t i = 0; i < g->n_input; i++) {
        const struct named_value *v = build_find(b, g->input[i]->name);
        if (!v || v->value.kind == VALUE_CONST)
            continue;
        if (input)
            return BUILD_FAIL(b, QUELL_E_UNSUPPORTED, "the network has the inputs '%s' and '%s'; supported: one, the image", input->name, g->input[i]->name);
        input = g->input[i];
    }
    if (!input)
        return BUILD_FAIL(b, QUELL_E_MODEL, "the network has no input");
    const Onnx__TypeProto__Tensor *type = input->type && input->type->value_case == ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE ? input->type->tensor_type : NULL;
    if (!type || !type->shape || type->shape->n_dim != 4 || type->elem_type != ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT)
        return BUILD_FAIL(b, QUELL_E_UNSUPPORTED, "the network's input '%s' must be float32 of shape N x C x H x W", input->name);
    int64_t c = dimension(type->shape, 1), h = dimension(type->shape, 2), w = dimension(type->shape, 3);
    if (c < 1 || c > 4 || h < 1 || h > 1023 || w < 1 || w > 1023)
        return BUILD_FAIL(b, QUELL_E_UNSUPPORTED, "the network's input '%s' has %lld channels, %lld rows, %lld columns; supported: fixed sizes, 1 to 4 channels, up to 1023 x 1023", input->name, (long long)c,
                          (long long)h, (long long)w);
    TRY(read_padding(b, (uint32_t)h, (uint32_t)w));
    b->model->info.image_c = (uint32_t)c;
    struct named_value *v = build_find(b, input->name);
    v->value = (struct value){.kind = VALUE_IMAGE, .layer = -1, .h = (uint32_t)h, .w = (uint32_t)w, .c = (uint32_t)c};
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
    const char *name = b->node->name && *b->node->name ? b->node->name : b->node->output[0];
    snprintf(l->info.name, sizeof l->info.name, "%s", name);
    snprintf(l->info.input, sizeof l->info.input, "%s", input->codes);
    l->info.in_h = input->h;
    l->info.in_w = input->w;
    l->info.in_c = input->c;
    l->input_layer = input->layer;
    l->residual_layer = QUELL_NO_LAYER;
    l->table.z_in = input->zero;
    l->table.wait_prev = input->layer >= 0 && input->layer == *layer - 1;
    l->table.rng_layer = *layer;
    b->drafts[*layer] = (struct draft){.stage = STAGE_ACC, .s_in = input->scale, .low = -INFINITY, .high = INFINITY};
    return QUELL_OK;
}

/* ---- the network's output ---- */

static quell_status read_class_names(struct builder *b)
{
    const char *text = onnx_metadata(b->onnx, "quell.classes");
    struct quell_model *m = b->model;
    if (!text || !*text)
        return QUELL_OK;
    uint32_t count = 1;
    for (const char *p = text; *p; p++)
        count += *p == ',';
    if (count != m->info.classes || strlen(text) > CLASS_TEXT_MAX)
        return BUILD_FAIL(b, QUELL_E_MODEL, "metadata quell.classes has %u names for %u classes", count, m->info.classes);
    m->class_names = calloc(count, sizeof *m->class_names);
    for (uint32_t i = 0; m->class_names && i < count; i++) {
        size_t length = strcspn(text, ",");
        m->class_names[i] = calloc(length + 1, 1);
        if (!m->class_names[i])
            return BUILD_FAIL(b, QUELL_E_MEMORY, "out of memory");
        memcpy(m->class_names[i], text, length);
        text += length + (text[length] == ',');
    }
    return m->class_names ? QUELL_OK : BUILD_FAIL(b, QUELL_E_MEMORY, "out of memory");
}

static quell_status read_graph_output(struct builder *b)
{
    const Onnx__GraphProto *g = b->onnx->graph;
    struct quell_model *m = b->model;
    if (g->n_output != 1)
        return BUILD_FAIL(b, QUELL_E_UNSUPPORTED, "the network has %zu outputs; supported: one", g->n_output);
    const char *name = g->output[0]->name;
    const struct named_value *found = build_find(b, name);
    const struct value *v = found ? &found->value : NULL;
    if (!v || v->kind == VALUE_NONE)
        return BUILD_FAIL(b, QUELL_E_MODEL, "nothing makes the network's output '%s'", name);
    if ((v->kind != VALUE_CODES && v->kind != VALUE_REAL && v->kind != VALUE_CLASSES) || v->layer < 0)
        return BUILD_FAIL(b, QUELL_E_UNSUPPORTED, "the network's output '%s' must be a layer's quantised result (QuantizeLinear before the end)", name);
    const struct quell_layer_info *info = &m->layers[v->layer].info;
    if (info->out_h != 1 || info->out_w != 1)
        return BUILD_FAIL(b, QUELL_E_UNSUPPORTED, "the network's output '%s' is an image of %u x %u; supported: one number a class", name, info->out_h, info->out_w);
    if ((uint32_t)v->layer + 1 != m->layer_count)
        return BUILD_FAIL(b, QUELL_E_UNSUPPORTED, "the layer '%s' comes after the network's output '%s'", m->layers[m->layer_count - 1].info.name, name);
    m->info.classes = info->out_c;
    return read_class_names(b);
}

/* Every layer must be quantised and read by someone: a result that is lost is a mistake in the file. */
static quell_status check_layers(struct builder *b)
{
    const struct quell_model *m = b->model;
    if (m->layer_count == 0)
        return BUILD_FAIL(b, QUELL_E_UNSUPPORTED, "the network has no layer: supported are quantised (QDQ) networks with at least one Conv or Gemm");
    for (uint32_t i = 0; i < m->layer_count; i++) {
        int read = i + 1 == m->layer_count;
        for (uint32_t k = i + 1; k < m->layer_count; k++)
            read |= m->layers[k].input_layer == (int)i || m->layers[k].residual_layer == (int)i;
        if (b->drafts[i].stage == STAGE_ACC)
            return BUILD_FAIL(b, QUELL_E_UNSUPPORTED, "the output of node '%s' is never quantised; supported: QDQ models (QuantizeLinear behind every layer)", m->layers[i].info.name);
        if (!read)
            return BUILD_FAIL(b, QUELL_E_UNSUPPORTED, "nothing uses the output of node '%s'", m->layers[i].info.name);
    }
    return QUELL_OK;
}

/* ---- the walk ---- */

static quell_status walk(struct builder *b)
{
    const Onnx__GraphProto *g = b->onnx->graph;
    for (size_t i = 0; i < g->n_node; i++) {
        b->node = g->node[i];
        const char *name = b->node->name && *b->node->name ? b->node->name : b->node->n_output ? b->node->output[0] : "";
        const char *domain = b->node->domain ? b->node->domain : "";
        snprintf(b->label, sizeof b->label, "node '%.90s' (%.20s%s%.30s)", name, domain, *domain ? "." : "", b->node->op_type);
        if (b->node->n_output == 0 || !b->node->output[0] || !*b->node->output[0])
            return BUILD_FAIL(b, QUELL_E_MODEL, "%s has no output", b->label);
        TRY(build_node(b));
    }
    return QUELL_OK;
}

static quell_status build(struct builder *b)
{
    if (onnx_opset(b->onnx, "") < 10) /* QuantizeLinear's first */
        return BUILD_FAIL(b, QUELL_E_MODEL, "the file names no operator set, or one before 10: it is truncated, damaged or too old");
    TRY(collect_names(b));
    TRY(read_graph_input(b));
    TRY(walk(b));
    TRY(check_layers(b));
    return read_graph_output(b);
}

quell_status quell_compile_onnx(const char *path, const uint8_t *data, size_t size, struct quell_model *model, quell_error *err)
{
    onnx_model *onnx;
    TRY(onnx_parse(path, data, size, &onnx, err));
    struct builder b = {.onnx = onnx, .model = model, .err = err};
    quell_status status = build(&b);
    for (uint32_t i = 0; b.drafts && i < model->layer_count; i++) {
        free(b.drafts[i].w_scale);
        free(b.drafts[i].bias);
        free(b.drafts[i].bias_scale);
    }
    free(b.drafts);
    free(b.names);
    onnx_free(onnx);
    return status;
}

quell_status quell_model_load(const char *path, const quell_limits *limits, quell_model **model, quell_error *err)
{
    uint8_t *data;
    size_t size;
    *model = NULL;
    TRY(quell_file_read(path, FILE_MAX, &data, &size, err));
    struct quell_model *m = calloc(1, sizeof *m);
    quell_status status = m ? QUELL_OK : quell_fail(err, QUELL_E_MEMORY, "out of memory");
    if (m) {
        m->limits = *limits;
        status = quell_is_compiled(data, size) ? quell_model_read(path, data, size, m, err) : quell_compile_onnx(path, data, size, m, err);
    }
    free(data);
    if (status == QUELL_OK)
        status = quell_model_check(m, err);
    if (status == QUELL_OK)
        status = quell_model_fit(m, err);
    if (status != QUELL_OK) {
        quell_model_free(m);
        return status;
    }
    quell_model_summarise(m);
    *model = m;
    return QUELL_OK;
}
