/* SPDX-License-Identifier: Apache-2.0 */
/* One constant of an ONNX file: raw bytes, typed lists, or another file; see onnx_reader.h. */
#include <math.h>
#include <string.h>

#include "onnx_reader.h"

/* int4 and uint4 lie two in a byte, the first in its low half. */
static int is_small(int32_t type) { return type == GRAPH_INT4 || type == GRAPH_UINT4; }

static size_t file_bytes(int32_t type, size_t n) { return is_small(type) ? (n + 1) / 2 : n * graph_type_bytes((enum graph_type)type); }

static void unpack_small(struct graph_tensor *t, const uint8_t *packed, size_t n, int is_signed)
{
    for (size_t i = 0; i < n; i++) {
        int v = packed[i / 2] >> (i % 2 * 4) & 15;
        graph_put_int(t, i, is_signed && v > 7 ? v - 16 : v);
    }
}

/* Files are little-endian. */
static void swap_if_needed(struct graph_tensor *t, size_t n)
{
    const uint16_t probe = 1;
    size_t bytes = graph_type_bytes(t->type);
    uint8_t *p = (uint8_t *)t->data;
    if (*(const uint8_t *)&probe == 1 || bytes == 1)
        return;
    for (size_t i = 0; i < n; i++, p += bytes)
        for (size_t k = 0; k < bytes / 2; k++) {
            uint8_t swap = p[k];
            p[k] = p[bytes - 1 - k];
            p[bytes - 1 - k] = swap;
        }
}

static size_t list_count(const Onnx__TensorProto *p)
{
    switch (p->data_type) {
    case GRAPH_FLOAT: return p->n_float_data;
    case GRAPH_DOUBLE: return p->n_double_data;
    case GRAPH_INT64: return p->n_int64_data;
    case GRAPH_UINT32: case GRAPH_UINT64: return p->n_uint64_data;
    default: return p->n_int32_data;
    }
}

/* -> 0: the list holds a value that is none of the type. */
static int copy_list(struct graph_tensor *t, const Onnx__TensorProto *p, size_t n, double *beyond)
{
    for (size_t i = 0; i < n; i++) {
        switch (p->data_type) {
        case GRAPH_FLOAT: graph_put(t, i, p->float_data[i]); break;
        case GRAPH_DOUBLE: graph_put(t, i, p->double_data[i]); break;
        case GRAPH_INT64: graph_put_int(t, i, p->int64_data[i]); break;
        case GRAPH_UINT32: case GRAPH_UINT64: graph_put_int(t, i, (int64_t)p->uint64_data[i]); break;
        case GRAPH_FLOAT16: case GRAPH_BFLOAT16: ((uint16_t *)t->data)[i] = (uint16_t)p->int32_data[i]; break;
        default:
            graph_put_int(t, i, p->int32_data[i]);
            if (graph_get_int(t, i) != p->int32_data[i]) {
                *beyond = p->int32_data[i];
                return 0;
            }
        }
    }
    return 1;
}

static enum graph_type type_in_graph(int32_t type) { return type == GRAPH_INT4 ? GRAPH_INT8 : type == GRAPH_UINT4 ? GRAPH_UINT8 : (enum graph_type)type; }

quell_status onnx_constant(struct graph *g, const Onnx__TensorProto *p, const char *name, const char *path, struct graph_tensor **tensor, quell_error *err)
{
    int64_t dims[GRAPH_RANK_MAX];
    size_t n = 1;
    *tensor = NULL;
    if (p->n_dims > GRAPH_RANK_MAX)
        return quell_fail(err, QUELL_E_UNSUPPORTED, "constant '%s' has %zu dimensions; supported: up to %d", name, p->n_dims, GRAPH_RANK_MAX);
    for (size_t i = 0; i < p->n_dims; i++) {
        if (p->dims[i] < 0 || p->dims[i] > GRAPH_ELEMENTS_MAX || n * (size_t)p->dims[i] > GRAPH_ELEMENTS_MAX)
            return quell_fail(err, QUELL_E_MODEL, "constant '%s' has an impossible shape", name);
        dims[i] = p->dims[i];
        n *= (size_t)p->dims[i];
    }
    enum graph_type type = type_in_graph(p->data_type);
    int external = p->has_data_location && p->data_location == ONNX__TENSOR_PROTO__DATA_LOCATION__EXTERNAL;
    size_t bytes = file_bytes(p->data_type, n);
    int known = graph_type_bytes(type) != 0; /* of others only the name is kept: whoever reads them says so */
    size_t have = external ? bytes : p->has_raw_data ? p->raw_data.len : list_count(p);
    if (known && have != (external || p->has_raw_data ? bytes : is_small(p->data_type) ? (n + 1) / 2 : n))
        return quell_fail(err, QUELL_E_MODEL, "constant '%s' of %zu elements (%s) should have %zu %s and has %zu", name, n, graph_type_name(type), external || p->has_raw_data ? bytes : n,
                          external || p->has_raw_data ? "bytes" : "numbers", have);
    struct graph_tensor *t = *tensor = known ? graph_constant(g, name, type, p->n_dims, dims) : graph_tensor(g, name, (enum graph_type)p->data_type);
    if (!t)
        return quell_fail(err, QUELL_E_MEMORY, "out of memory");
    if (!known) {
        t->data = "";
        return QUELL_OK;
    }
    double beyond = 0;
    if (is_small(p->data_type)) {
        uint8_t *packed = graph_alloc(g, bytes + 1, 1);
        if (!packed)
            return quell_fail(err, QUELL_E_MEMORY, "out of memory");
        if (external) {
            quell_status status = onnx_external(p, name, path, packed, bytes, err);
            if (status != QUELL_OK)
                return status;
        } else {
            for (size_t i = 0; i < bytes; i++)
                packed[i] = p->has_raw_data ? p->raw_data.data[i] : (uint8_t)p->int32_data[i];
        }
        unpack_small(t, packed, n, p->data_type == GRAPH_INT4);
    } else if (external) {
        quell_status status = onnx_external(p, name, path, (void *)t->data, bytes, err);
        if (status != QUELL_OK)
            return status;
        swap_if_needed(t, n);
    } else if (p->has_raw_data) {
        if (bytes)
            memcpy((void *)t->data, p->raw_data.data, bytes);
        swap_if_needed(t, n);
    } else if (!copy_list(t, p, n, &beyond)) {
        return quell_fail(err, QUELL_E_MODEL, "constant '%s' holds %g, which is no %s", name, beyond, graph_type_name(type));
    }
    return QUELL_OK;
}
