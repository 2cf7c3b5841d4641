/* SPDX-License-Identifier: Apache-2.0 */
/* From an ONNX file's bytes to a protobuf tree that is safe to walk: not too deep, no names missing. */
#include "onnx_reader.h"

#include <string.h>

enum { DEPTH_MAX = 24 };

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
    for (size_t i = 0; i < graph->n_node; i++) {
        const Onnx__NodeProto *n = graph->node[i];
        if (!n->op_type)
            return 0;
        for (size_t k = 0; k < n->n_input; k++)
            if (!n->input[k])
                return 0;
        for (size_t k = 0; k < n->n_output; k++)
            if (!n->output[k])
                return 0;
    }
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

quell_status onnx_unpack(const char *path, const uint8_t *data, size_t size, Onnx__ModelProto **model, quell_error *err)
{
    if (size == 0)
        return quell_fail(err, QUELL_E_MODEL, "%s is empty", path);
    if (!depth_ok(&onnx__model_proto__descriptor, data, data + size, 0) || !(*model = onnx__model_proto__unpack(NULL, size, data)))
        return quell_fail(err, QUELL_E_MODEL, "%s is not an ONNX file, or it is truncated or damaged", path);
    const Onnx__GraphProto *g = (*model)->graph;
    if (!g || g->n_node == 0)
        return quell_fail(err, QUELL_E_MODEL, "%s holds no network: it is not an ONNX file, or it is truncated or damaged", path);
    if (!strings_ok(g))
        return quell_fail(err, QUELL_E_MODEL, "%s is damaged: a node, an input or a constant has no name", path);
    if (g->n_node > GRAPH_NODES_MAX / 2)
        return quell_fail(err, QUELL_E_TOO_LARGE, "%s has %zu nodes; supported: up to %d", path, g->n_node, GRAPH_NODES_MAX / 2);
    return QUELL_OK;
}
