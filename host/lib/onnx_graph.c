/* SPDX-License-Identifier: Apache-2.0 */
/* Reading an ONNX file; see onnx_graph.h. */
#include "onnx_graph.h"

#include <stdlib.h>
#include <string.h>

enum { DEPTH_MAX = 24, ELEMENTS_MAX = 1 << 27 };

/* One base-128 number; 0 on a cut-off or overlong one. */
static int varint(const uint8_t **p, const uint8_t *end, uint64_t *value)
{
    *value = 0;
    for (unsigned shift = 0; *p < end && shift < 64; shift += 7) {
        uint8_t byte = *(*p)++;
        *value |= (uint64_t)(byte & 0x7F) << shift;
        if (!(byte & 0x80))
            return 1;
    }
    return 0;
}

/* protobuf-c recurses once a level without a limit: walk the bytes with its descriptors first, so that no file can exhaust the stack.
 * -> 1 sound, 0 damaged. */
static int depth_ok(const ProtobufCMessageDescriptor *type, const uint8_t *p, const uint8_t *end, int depth)
{
    if (depth > DEPTH_MAX)
        return 0;
    while (p < end) {
        uint64_t tag, value;
        if (!varint(&p, end, &tag))
            return 0;
        switch (tag & 7) {
        case 0:
            if (!varint(&p, end, &value))
                return 0;
            break;
        case 1:
        case 5: {
            size_t bytes = (tag & 7) == 1 ? 8 : 4;
            if ((size_t)(end - p) < bytes)
                return 0;
            p += bytes;
            break;
        }
        case 2: {
            if (!varint(&p, end, &value) || value > (uint64_t)(end - p))
                return 0;
            const ProtobufCFieldDescriptor *field = tag >> 3 <= 0x1FFFFFFF ? protobuf_c_message_descriptor_get_field(type, (unsigned)(tag >> 3)) : NULL;
            if (field && field->type == PROTOBUF_C_TYPE_MESSAGE && !depth_ok(field->descriptor, p, p + value, depth + 1))
                return 0;
            p += value;
            break;
        }
        default:
            return 0;
        }
    }
    return 1;
}

/* Strings that later code compares may be absent in a damaged file: make that an error once, here. */
static int strings_ok(const Onnx__GraphProto *graph)
{
    for (size_t i = 0; i < graph->n_node; i++)
        if (!graph->node[i]->op_type)
            return 0;
    for (size_t i = 0; i < graph->n_initializer; i++)
        if (!graph->initializer[i]->name)
            return 0;
    for (size_t i = 0; i < graph->n_input; i++)
        if (!graph->input[i]->name)
            return 0;
    for (size_t i = 0; i < graph->n_output; i++)
        if (!graph->output[i]->name)
            return 0;
    return 1;
}

quell_status onnx_parse(const char *path, const uint8_t *data, size_t size, onnx_model **model, quell_error *err)
{
    if (size == 0)
        return quell_fail(err, QUELL_E_MODEL, "%s is empty", path);
    if (!depth_ok(&onnx__model_proto__descriptor, data, data + size, 0))
        return quell_fail(err, QUELL_E_MODEL, "%s is not an ONNX file, or it is truncated or damaged", path);
    onnx_model *m = onnx__model_proto__unpack(NULL, size, data);
    if (!m)
        return quell_fail(err, QUELL_E_MODEL, "%s is not an ONNX file, or it is truncated or damaged", path);
    if (!m->graph || m->graph->n_node == 0) {
        onnx_free(m);
        return quell_fail(err, QUELL_E_MODEL, "%s holds no network: it is not an ONNX file, or it is truncated or damaged", path);
    }
    if (!strings_ok(m->graph)) {
        onnx_free(m);
        return quell_fail(err, QUELL_E_MODEL, "%s is damaged: a node, an input or a constant has no name", path);
    }
    *model = m;
    return QUELL_OK;
}

void onnx_free(onnx_model *model)
{
    if (model)
        onnx__model_proto__free_unpacked(model, NULL);
}

static const char *tensor_name(const onnx_tensor *t) { return t->name && *t->name ? t->name : "without name"; }

/* Bytes of one element in raw_data; 0 for types that Quell has no use for. */
static size_t element_bytes(int32_t type)
{
    switch (type) {
    case ONNX__TENSOR_PROTO__DATA_TYPE__INT8:
    case ONNX__TENSOR_PROTO__DATA_TYPE__UINT8:
        return 1;
    case ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT:
    case ONNX__TENSOR_PROTO__DATA_TYPE__INT32:
        return 4;
    case ONNX__TENSOR_PROTO__DATA_TYPE__INT64:
    case ONNX__TENSOR_PROTO__DATA_TYPE__DOUBLE:
        return 8;
    default:
        return 0;
    }
}

static double raw_element(int32_t type, const uint8_t *p)
{
    uint64_t bits = 0;
    size_t bytes = element_bytes(type);
    for (size_t i = 0; i < bytes; i++)
        bits |= (uint64_t)p[i] << (8 * i);
    uint32_t low = (uint32_t)bits;
    float f;
    double d;
    switch (type) {
    case ONNX__TENSOR_PROTO__DATA_TYPE__INT8:
        return (int8_t)bits;
    case ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT:
        memcpy(&f, &low, sizeof f);
        return f;
    case ONNX__TENSOR_PROTO__DATA_TYPE__INT32:
        return (int32_t)low;
    case ONNX__TENSOR_PROTO__DATA_TYPE__INT64:
        return (double)(int64_t)bits;
    case ONNX__TENSOR_PROTO__DATA_TYPE__DOUBLE:
        memcpy(&d, &bits, sizeof d);
        return d;
    default:
        return (double)bits;
    }
}

/* Elements kept in the typed lists instead of raw_data: how many, and one of them. */
static size_t typed_count(const onnx_tensor *t)
{
    return t->n_float_data ? t->n_float_data : t->n_int64_data ? t->n_int64_data : t->n_int32_data;
}

static double typed_element(const onnx_tensor *t, size_t i)
{
    if (t->n_float_data)
        return t->float_data[i];
    return t->n_int64_data ? (double)t->int64_data[i] : t->int32_data[i];
}

quell_status onnx_values(const onnx_tensor *t, size_t *count, double **values, quell_error *err)
{
    if (t->has_data_location && t->data_location == ONNX__TENSOR_PROTO__DATA_LOCATION__EXTERNAL)
        return quell_fail(err, QUELL_E_UNSUPPORTED, "constant '%s' lies in another file; supported: everything in the ONNX file itself", tensor_name(t));
    size_t bytes = element_bytes(t->data_type), n = 1;
    if (!bytes)
        return quell_fail(err, QUELL_E_UNSUPPORTED, "constant '%s' has ONNX data type %d; supported: float, int8, uint8, int32, int64", tensor_name(t), (int)t->data_type);
    for (size_t i = 0; i < t->n_dims; i++) {
        if (t->dims[i] < 0 || t->dims[i] > ELEMENTS_MAX || n * (size_t)t->dims[i] > ELEMENTS_MAX)
            return quell_fail(err, QUELL_E_MODEL, "constant '%s' has an impossible shape", tensor_name(t));
        n *= (size_t)t->dims[i];
    }
    size_t have = t->has_raw_data ? t->raw_data.len / bytes : typed_count(t);
    if (have != n || (t->has_raw_data && t->raw_data.len != n * bytes))
        return quell_fail(err, QUELL_E_MODEL, "constant '%s' should have %zu elements and has %zu", tensor_name(t), n, have);
    double *v = malloc((n + 1) * sizeof *v);
    if (!v)
        return quell_fail(err, QUELL_E_MEMORY, "out of memory");
    for (size_t i = 0; i < n; i++)
        v[i] = t->has_raw_data ? raw_element(t->data_type, t->raw_data.data + i * bytes) : typed_element(t, i);
    *count = n;
    *values = v;
    return QUELL_OK;
}

const Onnx__AttributeProto *onnx_attr(const onnx_node *node, const char *name)
{
    for (size_t i = 0; i < node->n_attribute; i++)
        if (node->attribute[i]->name && strcmp(node->attribute[i]->name, name) == 0)
            return node->attribute[i];
    return NULL;
}

int64_t onnx_attr_int(const onnx_node *node, const char *name, int64_t otherwise)
{
    const Onnx__AttributeProto *a = onnx_attr(node, name);
    return a && a->has_i ? a->i : otherwise;
}

float onnx_attr_float(const onnx_node *node, const char *name, float otherwise)
{
    const Onnx__AttributeProto *a = onnx_attr(node, name);
    return a && a->has_f ? a->f : otherwise;
}

const int64_t *onnx_attr_ints(const onnx_node *node, const char *name, size_t *count)
{
    const Onnx__AttributeProto *a = onnx_attr(node, name);
    *count = a ? a->n_ints : 0;
    return a && a->n_ints ? a->ints : NULL;
}

const char *onnx_metadata(const onnx_model *model, const char *key)
{
    for (size_t i = 0; i < model->n_metadata_props; i++)
        if (model->metadata_props[i]->key && strcmp(model->metadata_props[i]->key, key) == 0)
            return model->metadata_props[i]->value;
    return NULL;
}

int64_t onnx_opset(const onnx_model *model, const char *domain)
{
    for (size_t i = 0; i < model->n_opset_import; i++) {
        const char *d = model->opset_import[i]->domain ? model->opset_import[i]->domain : "";
        if (strcmp(d, domain) == 0 || (!*domain && strcmp(d, "ai.onnx") == 0))
            return model->opset_import[i]->version;
    }
    return 0;
}
