/* SPDX-License-Identifier: Apache-2.0 */
/* Tensors of a TensorFlow Lite file; see tflite_tensor.h. */
#include "tflite_tensor.h"

#include <string.h>

static enum graph_type type_of(int64_t tflite)
{
    static const enum graph_type TYPES[] = {GRAPH_FLOAT, GRAPH_FLOAT16, GRAPH_INT32, GRAPH_UINT8, GRAPH_INT64, GRAPH_STRING, GRAPH_BOOL, GRAPH_INT16, GRAPH_UNKNOWN, GRAPH_INT8, GRAPH_DOUBLE};
    return tflite >= 0 && tflite < (int64_t)(sizeof TYPES / sizeof *TYPES) ? TYPES[tflite] : GRAPH_UNKNOWN;
}

static const char *text_of(struct tflite *r, struct fb_table t, unsigned slot)
{
    struct fb_vector v = fb_vector(t, slot, 1);
    const char *text = graph_text(r->g, v.count ? (const char *)r->file.data + v.at : "", v.count);
    return text ? text : "";
}

quell_status tflite_tensor(struct tflite *r, size_t i)
{
    struct fb_table t = fb_table_of(r->tensors, i);
    struct fb_vector shape = fb_vector(t, 0, 4), data = fb_vector(fb_table_of(r->buffers, (size_t)fb_number(t, 2, 4, 0)), 0, 1);
    enum graph_type type = type_of(fb_number(t, 1, 1, 0));
    const char *name = text_of(r, t, 3);
    int64_t dims[GRAPH_RANK_MAX];
    if (shape.count > GRAPH_RANK_MAX)
        return FAIL(r, QUELL_E_UNSUPPORTED, "tensor '%s' has %zu dimensions; supported: up to %d", name, shape.count, GRAPH_RANK_MAX);
    for (size_t d = 0; d < shape.count; d++)
        if ((dims[d] = fb_number_of(shape, d)) < 0 || dims[d] > GRAPH_ELEMENTS_MAX)
            return FAIL(r, QUELL_E_MODEL, "tensor '%s' has an impossible shape", name);
    struct graph_tensor probe = {.rank = shape.count}, *made;
    memcpy(probe.dims, dims, shape.count * sizeof *dims);
    size_t elements = graph_elements(&probe);
    if (elements > GRAPH_ELEMENTS_MAX)
        return FAIL(r, QUELL_E_MODEL, "tensor '%s' has an impossible shape", name);
    if (!data.count || !graph_type_bytes(type)) {
        if (!(made = graph_tensor(r->g, name, type)))
            return NO_MEMORY(r);
        made->shaped = 1;
        made->rank = shape.count;
        memcpy(made->dims, dims, shape.count * sizeof *dims);
    } else {
        if (data.count != elements * graph_type_bytes(type))
            return FAIL(r, QUELL_E_MODEL, "constant '%s' of %zu elements (%s) has %zu bytes", name, elements, graph_type_name(type), data.count);
        if (!(made = graph_constant(r->g, name, type, shape.count, dims)))
            return NO_MEMORY(r);
        struct fb_vector list = {&r->file, data.at, elements, graph_type_bytes(type)};
        for (size_t k = 0; k < elements; k++)
            if (type == GRAPH_FLOAT)
                graph_put(made, k, fb_float_of(list, k));
            else
                graph_put_int(made, k, fb_number_of(list, k));
    }
    r->made[i] = made;
    return QUELL_OK;
}

quell_status tflite_quantisation(struct tflite *r, size_t i, struct graph_tensor **scale, struct graph_tensor **zero, int64_t *axis)
{
    struct fb_table q = fb_child(fb_table_of(r->tensors, i), 4);
    struct fb_vector scales = fb_vector(q, 2, 4), zeros = fb_vector(q, 3, 8);
    const int64_t count = (int64_t)scales.count;
    *scale = *zero = NULL;
    *axis = fb_number(q, 6, 4, 0);
    if (!count || r->made[i]->type == GRAPH_FLOAT)
        return QUELL_OK;
    if (zeros.count && zeros.count != scales.count)
        return FAIL(r, QUELL_E_MODEL, "tensor '%s' has %zu scales and %zu zero points", r->made[i]->name, scales.count, zeros.count);
    *scale = graph_constant(r->g, graph_format(r->g, "%.200s.scale", r->made[i]->name), GRAPH_FLOAT, count > 1, &count);
    *zero = graph_constant(r->g, graph_format(r->g, "%.200s.zero_point", r->made[i]->name), r->made[i]->type, count > 1, &count);
    if (!*scale || !*zero)
        return NO_MEMORY(r);
    for (size_t k = 0; k < scales.count; k++) {
        int64_t z = fb_number_of(zeros, k);
        graph_put(*scale, k, fb_float_of(scales, k));
        graph_put_int(*zero, k, z);
        if (graph_get_int(*zero, k) != z)
            return FAIL(r, QUELL_E_MODEL, "tensor '%s': the zero point %lld is no %s", r->made[i]->name, (long long)z, graph_type_name(r->made[i]->type));
    }
    return QUELL_OK;
}
