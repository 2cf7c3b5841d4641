/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From an ONNX file's bytes to a graph. Older forms become today's on the way: what was an attribute once (the limits of Clip, axes, pads) becomes a
 * constant input, Constant nodes become constants, ai.onnx is domain "".
 */
#include "onnx_reader.h"

#include <stdlib.h>
#include <string.h>

enum { OPSET_MIN = 10 };

/* ---- names ---- */

struct reader {
    const Onnx__ModelProto *model;
    const char *path;
    struct graph *g;
    struct graph_tensor **names; /* sorted */
    size_t name_count;
    quell_error *err;
};

#define NO_MEMORY(r) quell_fail((r)->err, QUELL_E_MEMORY, "out of memory")

static int by_name(const void *a, const void *b) { return strcmp((*(struct graph_tensor *const *)a)->name, (*(struct graph_tensor *const *)b)->name); }

static struct graph_tensor *find(const struct reader *r, const char *name)
{
    struct graph_tensor key = {.name = name}, *pointer = &key, **found;
    found = bsearch(&pointer, r->names, r->name_count, sizeof *r->names, by_name);
    return found ? *found : NULL;
}

static quell_status sort_names(struct reader *r)
{
    qsort(r->names, r->name_count, sizeof *r->names, by_name);
    for (size_t i = 1; i < r->name_count; i++)
        if (strcmp(r->names[i - 1]->name, r->names[i]->name) == 0)
            return quell_fail(r->err, QUELL_E_MODEL, "the tensor '%s' is made twice", r->names[i]->name);
    return QUELL_OK;
}

static const char *copy(struct reader *r, const char *text)
{
    const char *c = graph_text(r->g, text ? text : "", text ? strlen(text) : 0);
    return c ? c : "";
}

/* The first Quantize- or DequantizeLinear that takes this constant as its zero point. */
static const Onnx__NodeProto *zero_point_of(const struct reader *r, const char *name)
{
    const Onnx__GraphProto *g = r->model->graph;
    for (size_t i = 0; i < g->n_node; i++) {
        const Onnx__NodeProto *n = g->node[i];
        if (n->n_input > 2 && strcmp(n->input[2], name) == 0 && (strcmp(n->op_type, "QuantizeLinear") == 0 || strcmp(n->op_type, "DequantizeLinear") == 0))
            return n;
    }
    return NULL;
}

static quell_status read_constant(struct reader *r, const Onnx__TensorProto *p, const char *name)
{
    struct graph_tensor *t;
    quell_status status = onnx_constant(r->g, p, name, r->path, &t, r->err);
    const Onnx__NodeProto *reader = status == QUELL_E_MODEL && p->n_int32_data == 1 && !p->has_raw_data ? zero_point_of(r, name) : NULL;
    if (reader)
        return quell_fail(r->err, QUELL_E_MODEL, "node '%.90s' (%s): the zero point '%.60s' is %d, which is no %s", reader->name ? reader->name : "", reader->op_type, name, (int)p->int32_data[0],
                          graph_type_name((enum graph_type)p->data_type));
    if (status == QUELL_OK)
        r->names[r->name_count++] = t;
    return status;
}

/* A Constant node's value as a tensor: the attribute 'value' or one of the short forms. */
static quell_status read_constant_node(struct reader *r, const Onnx__NodeProto *n, const char *name)
{
    const Onnx__AttributeProto *a = n->n_attribute == 1 && n->attribute[0]->name ? n->attribute[0] : NULL;
    if (a && a->t && strcmp(a->name, "value") == 0)
        return read_constant(r, a->t, name);
    int one_float = a && strcmp(a->name, "value_float") == 0, one_int = a && strcmp(a->name, "value_int") == 0;
    int floats = a && strcmp(a->name, "value_floats") == 0, ints = a && strcmp(a->name, "value_ints") == 0;
    if (!one_float && !one_int && !floats && !ints)
        return quell_fail(r->err, QUELL_E_UNSUPPORTED, "node '%.90s' (Constant): its value is %s; supported: a tensor, numbers of float32 or int64", n->name && *n->name ? n->name : name,
                          a ? a->name : "missing");
    const int64_t count = one_float || one_int ? 1 : (int64_t)(floats ? a->n_floats : a->n_ints);
    struct graph_tensor *t = graph_constant(r->g, name, one_float || floats ? GRAPH_FLOAT : GRAPH_INT64, !(one_float || one_int), &count);
    if (!t)
        return NO_MEMORY(r);
    for (size_t i = 0; i < (size_t)count; i++)
        if (one_float || floats)
            graph_put(t, i, floats ? a->floats[i] : a->f);
        else
            graph_put_int(t, i, ints ? a->ints[i] : a->i);
    r->names[r->name_count++] = t;
    return QUELL_OK;
}

static int is_constant_node(const Onnx__NodeProto *n) { return strcmp(n->op_type, "Constant") == 0 && (!n->domain || !*n->domain || strcmp(n->domain, "ai.onnx") == 0); }

static quell_status read_names(struct reader *r)
{
    const Onnx__GraphProto *g = r->model->graph;
    size_t room = g->n_initializer + g->n_input + 1;
    for (size_t i = 0; i < g->n_node; i++)
        room += g->node[i]->n_output;
    if (!(r->names = calloc(room, sizeof *r->names)))
        return NO_MEMORY(r);
    for (size_t i = 0; i < g->n_initializer; i++)
        TRY(read_constant(r, g->initializer[i], copy(r, g->initializer[i]->name)));
    for (size_t i = 0; i < g->n_node; i++)
        for (size_t o = 0; o < g->node[i]->n_output; o++) {
            const char *name = copy(r, g->node[i]->output[o]);
            if (!*name)
                continue;
            if (is_constant_node(g->node[i]) && o == 0)
                TRY(read_constant_node(r, g->node[i], name));
            else if (!(r->names[r->name_count++] = graph_tensor(r->g, name, GRAPH_UNKNOWN)))
                return NO_MEMORY(r);
        }
    return sort_names(r);
}

/* ---- what goes in ---- */

static void read_shape(struct graph_tensor *t, const Onnx__TypeProto__Tensor *type)
{
    t->type = (enum graph_type)type->elem_type;
    const Onnx__TensorShapeProto *shape = type->shape;
    if (!shape || shape->n_dim > GRAPH_RANK_MAX)
        return;
    t->shaped = 1;
    t->rank = shape->n_dim;
    for (size_t i = 0; i < t->rank; i++) {
        const Onnx__TensorShapeProto__Dimension *d = shape->dim[i];
        int fixed = d->value_case == ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE && d->dim_value > 0;
        t->dims[i] = fixed ? d->dim_value : i ? -1 : 1; /* an open batch is one image */
    }
}

/* Old files list initialisers among the inputs too: only the rest are inputs. */
static quell_status read_inputs(struct reader *r)
{
    const Onnx__GraphProto *g = r->model->graph;
    for (size_t i = 0; i < g->n_input; i++) {
        const Onnx__ValueInfoProto *input = g->input[i];
        if (find(r, input->name))
            continue;
        struct graph_tensor *t = graph_tensor(r->g, copy(r, input->name), GRAPH_UNKNOWN);
        if (!t)
            return NO_MEMORY(r);
        if (input->type && input->type->value_case == ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE && input->type->tensor_type)
            read_shape(t, input->type->tensor_type);
        if (!r->g->input) {
            r->g->input = t;
        } else if (!r->g->extra_inputs++) {
            r->g->second_input = t;
        }
        r->names[r->name_count++] = t;
    }
    return sort_names(r);
}

/* ---- nodes ---- */

static int read_attribute(struct reader *r, struct graph_node *node, const Onnx__AttributeProto *p)
{
    struct graph_attribute *a = graph_add_attr(r->g, node, copy(r, p->name));
    if (!a)
        return 0;
    a->kind = GRAPH_ATTR_OTHER;
    if (p->g || p->n_graphs || p->n_tensors || p->n_strings)
        return 1;
    if (p->t) {
        struct graph_tensor *t;
        if (onnx_constant(r->g, p->t, a->name, r->path, &t, NULL) == QUELL_OK) {
            a->kind = GRAPH_ATTR_TENSOR;
            a->tensor = t;
        }
    } else if (p->n_ints || (p->has_type && p->type == ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INTS)) {
        int64_t *ints = graph_alloc(r->g, p->n_ints + 1, sizeof *ints);
        if (!ints)
            return 0;
        if (p->n_ints)
            memcpy(ints, p->ints, p->n_ints * sizeof *ints);
        a->kind = GRAPH_ATTR_INTS;
        a->ints = ints;
        a->count = p->n_ints;
    } else if (p->n_floats) {
        float *floats = graph_alloc(r->g, p->n_floats, sizeof *floats);
        if (!floats)
            return 0;
        memcpy(floats, p->floats, p->n_floats * sizeof *floats);
        a->kind = GRAPH_ATTR_FLOATS;
        a->floats = floats;
        a->count = p->n_floats;
    } else if (p->has_s) {
        a->kind = GRAPH_ATTR_TEXT;
        a->text = graph_text(r->g, (const char *)p->s.data, p->s.len);
        return a->text != NULL;
    } else if (p->has_f) {
        a->kind = GRAPH_ATTR_FLOAT;
        a->f = p->f;
    } else {
        a->kind = GRAPH_ATTR_INT;
        a->i = p->has_i ? p->i : 0;
    }
    return 1;
}

/* What older operator sets give as an attribute and newer ones as an input. */
static const struct {
    const char *op, *attribute;
    size_t input;
} MOVED[] = {{"Clip", "min", 1}, {"Clip", "max", 2}, {"Squeeze", "axes", 1}, {"Unsqueeze", "axes", 1}, {"ReduceMean", "axes", 1}, {"ReduceMax", "axes", 1}, {"ReduceSum", "axes", 1},
             {"Pad", "pads", 1}, {"Pad", "value", 2}, {"Slice", "starts", 1}, {"Slice", "ends", 2}, {"Slice", "axes", 3}};

static size_t moved_inputs(const Onnx__NodeProto *p)
{
    size_t inputs = p->n_input;
    for (size_t i = 0; i < sizeof MOVED / sizeof *MOVED; i++)
        if (strcmp(p->op_type, MOVED[i].op) == 0)
            for (size_t k = 0; k < p->n_attribute; k++)
                if (p->attribute[k]->name && strcmp(p->attribute[k]->name, MOVED[i].attribute) == 0 && inputs <= MOVED[i].input)
                    inputs = MOVED[i].input + 1;
    return inputs;
}

static int move_attributes(struct reader *r, struct graph_node *n)
{
    for (size_t i = 0; i < sizeof MOVED / sizeof *MOVED; i++) {
        const struct graph_attribute *a = graph_is(n, MOVED[i].op) ? graph_attr(n, MOVED[i].attribute) : NULL;
        if (!a || graph_in(n, MOVED[i].input) || (a->kind != GRAPH_ATTR_FLOAT && a->kind != GRAPH_ATTR_INTS))
            continue;
        int64_t count = a->kind == GRAPH_ATTR_INTS ? (int64_t)a->count : 1;
        struct graph_tensor *t = graph_constant(r->g, graph_format(r->g, "%.200s.%s", n->name, a->name), a->kind == GRAPH_ATTR_INTS ? GRAPH_INT64 : GRAPH_FLOAT, a->kind == GRAPH_ATTR_INTS, &count);
        if (!t)
            return 0;
        for (size_t k = 0; k < (size_t)count; k++)
            if (a->kind == GRAPH_ATTR_INTS)
                graph_put_int(t, k, a->ints[k]);
            else
                graph_put(t, k, a->f);
        graph_set_input(n, MOVED[i].input, t);
        graph_drop_attr(n, MOVED[i].attribute);
    }
    return 1;
}

static quell_status read_node(struct reader *r, const Onnx__NodeProto *p)
{
    const char *domain = p->domain && strcmp(p->domain, "ai.onnx") != 0 ? copy(r, p->domain) : "";
    const char *name = copy(r, p->name && *p->name ? p->name : p->n_output ? p->output[0] : "");
    struct graph_node *n = graph_node(r->g, copy(r, p->op_type), domain, name, moved_inputs(p), p->n_output, NULL);
    char label[200];
    if (!n)
        return NO_MEMORY(r);
    for (size_t i = 0; i < p->n_output; i++)
        graph_set_output(n, i, *p->output[i] ? find(r, p->output[i]) : NULL);
    for (size_t i = 0; i < p->n_input; i++) {
        struct graph_tensor *t = *p->input[i] ? find(r, p->input[i]) : NULL;
        if (*p->input[i] && !t)
            return quell_fail(r->err, QUELL_E_MODEL, "%s reads '%s', which nothing makes", graph_label(n, label, sizeof label), p->input[i]);
        graph_set_input(n, i, t);
    }
    for (size_t i = 0; i < p->n_attribute; i++)
        if (p->attribute[i]->name && !read_attribute(r, n, p->attribute[i]))
            return NO_MEMORY(r);
    return move_attributes(r, n) ? QUELL_OK : NO_MEMORY(r);
}

static quell_status read_nodes(struct reader *r)
{
    const Onnx__GraphProto *g = r->model->graph;
    for (size_t i = 0; i < g->n_node; i++)
        if (!is_constant_node(g->node[i]))
            TRY(read_node(r, g->node[i]));
    return QUELL_OK;
}

/* ---- what comes out, and the rest ---- */

static quell_status read_outputs(struct reader *r)
{
    const Onnx__GraphProto *g = r->model->graph;
    r->g->outputs = graph_alloc(r->g, g->n_output + 1, sizeof *r->g->outputs);
    if (!r->g->outputs)
        return NO_MEMORY(r);
    r->g->output_count = g->n_output;
    for (size_t i = 0; i < g->n_output; i++) {
        struct graph_tensor *t = find(r, g->output[i]->name);
        if (!t)
            return quell_fail(r->err, QUELL_E_MODEL, "nothing makes the network's output '%s'", g->output[i]->name);
        r->g->outputs[i].index = i;
        graph_link(&r->g->outputs[i], t);
    }
    return QUELL_OK;
}

static quell_status read_rest(struct reader *r)
{
    const Onnx__ModelProto *m = r->model;
    for (size_t i = m->n_metadata_props; i-- > 0;) { /* the first of a name counts */
        if (!m->metadata_props[i]->key || !m->metadata_props[i]->value)
            continue;
        struct graph_metadata *d = graph_alloc(r->g, 1, sizeof *d);
        if (!d)
            return NO_MEMORY(r);
        d->key = copy(r, m->metadata_props[i]->key);
        d->value = copy(r, m->metadata_props[i]->value);
        d->next = r->g->metadata;
        r->g->metadata = d;
    }
    if (!(r->g->functions = graph_alloc(r->g, m->n_functions + 1, sizeof *r->g->functions)))
        return NO_MEMORY(r);
    for (size_t i = 0, n = 0; i < m->n_functions; i++)
        if (m->functions[i]->name)
            r->g->functions[n++] = copy(r, m->functions[i]->name);
    return QUELL_OK;
}

static int64_t opset(const Onnx__ModelProto *model)
{
    for (size_t i = 0; i < model->n_opset_import; i++) {
        const char *d = model->opset_import[i]->domain ? model->opset_import[i]->domain : "";
        if (!*d || strcmp(d, "ai.onnx") == 0)
            return model->opset_import[i]->version;
    }
    return 0;
}

static quell_status convert(struct reader *r)
{
    if (opset(r->model) < OPSET_MIN) /* QuantizeLinear's first */
        return quell_fail(r->err, QUELL_E_MODEL, "the file names no operator set, or one before %d: it is truncated, damaged or too old", OPSET_MIN);
    TRY(read_names(r));
    TRY(read_inputs(r));
    TRY(read_nodes(r));
    TRY(read_outputs(r));
    TRY(read_rest(r));
    return r->g->full ? NO_MEMORY(r) : QUELL_OK;
}

quell_status onnx_read(const char *path, const uint8_t *data, size_t size, struct graph **graph, quell_error *err)
{
    Onnx__ModelProto *model = NULL;
    struct reader r = {.path = path, .g = graph_make(), .err = err};
    quell_status status = r.g ? onnx_unpack(path, data, size, &model, err) : NO_MEMORY(&r);
    r.model = model;
    if (status == QUELL_OK)
        status = convert(&r);
    free(r.names);
    if (model)
        onnx__model_proto__free_unpacked(model, NULL);
    if (status != QUELL_OK) {
        graph_free(r.g);
        r.g = NULL;
    }
    *graph = r.g;
    return status;
}
