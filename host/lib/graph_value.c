/* SPDX-License-Identifier: Apache-2.0 */
/* Elements of constants, by type; see graph.h. */
#include "graph.h"

#include <math.h>
#include <string.h>

const char *graph_type_name(enum graph_type type)
{
    static const char *const NAMES[] = {"unknown type", "float32", "uint8", "int8", "uint16", "int16", "int32", "int64", "string", "bool", "float16", "float64", "uint32", "uint64", "complex64", "complex128",
                                        "bfloat16", "float8e4m3fn", "float8e4m3fnuz", "float8e5m2", "float8e5m2fnuz", "uint4", "int4", "float4e2m1", "float8e8m0", "uint2", "int2"};
    return (size_t)type < sizeof NAMES / sizeof *NAMES ? NAMES[type] : NAMES[0];
}

size_t graph_type_bytes(enum graph_type type)
{
    switch (type) {
    case GRAPH_INT8: case GRAPH_UINT8: case GRAPH_BOOL: return 1;
    case GRAPH_INT16: case GRAPH_UINT16: case GRAPH_FLOAT16: case GRAPH_BFLOAT16: return 2;
    case GRAPH_FLOAT: case GRAPH_INT32: case GRAPH_UINT32: return 4;
    case GRAPH_INT64: case GRAPH_UINT64: case GRAPH_DOUBLE: return 8;
    default: return 0;
    }
}

int graph_is_code(enum graph_type type) { return type == GRAPH_INT8 || type == GRAPH_UINT8; }

size_t graph_elements(const struct graph_tensor *t)
{
    size_t n = 1;
    for (size_t i = 0; i < t->rank; i++) {
        size_t d = t->dims[i] > 0 ? (size_t)t->dims[i] : 0;
        if (d && n > GRAPH_ELEMENTS_MAX / d)
            return (size_t)GRAPH_ELEMENTS_MAX + 1;
        n *= d;
    }
    return n;
}

/* ---- half precision ---- */

float graph_from_half(uint16_t bits)
{
    int exponent = bits >> 10 & 31;
    float fraction = (float)(bits & 1023), value;
    if (exponent == 31)
        value = fraction ? NAN : INFINITY;
    else
        value = exponent ? ldexpf(1024 + fraction, exponent - 25) : ldexpf(fraction, -24);
    return bits >> 15 ? -value : value;
}

/* Round to `bits` of mantissa (with the leading one), to nearest even, subnormals below 2^least. */
static double round_bits(double value, int bits, int least)
{
    int exponent;
    frexp(value, &exponent);
    int step = exponent - bits < least ? least : exponent - bits;
    return ldexp(nearbyint(ldexp(value, -step)), step);
}

uint16_t graph_to_half(double value)
{
    uint16_t sign = signbit(value) ? 0x8000 : 0;
    if (isnan(value))
        return 0x7E00;
    double magnitude = isinf(value) ? INFINITY : round_bits(fabs(value), 11, -24);
    if (magnitude >= 65536)
        return sign | 0x7C00;
    if (magnitude < ldexp(1, -14))
        return (uint16_t)(sign | (uint16_t)ldexp(magnitude, 24));
    int exponent;
    double fraction = frexp(magnitude, &exponent); /* [0.5, 1) */
    return (uint16_t)(sign | (uint16_t)((exponent + 14) << 10) | (uint16_t)(ldexp(fraction, 11) - 1024));
}

static float from_bfloat(uint16_t bits)
{
    uint32_t wide = (uint32_t)bits << 16;
    float f;
    memcpy(&f, &wide, 4);
    return f;
}

static uint16_t to_bfloat(double value)
{
    float f = (float)value;
    uint32_t bits;
    memcpy(&bits, &f, 4);
    if (isnan(f))
        return 0x7FC0;
    return (uint16_t)((bits + 0x7FFF + (bits >> 16 & 1)) >> 16);
}

/* ---- elements ---- */

double graph_get(const struct graph_tensor *t, size_t i)
{
    switch (t->type) {
    case GRAPH_FLOAT: return ((const float *)t->data)[i];
    case GRAPH_DOUBLE: return ((const double *)t->data)[i];
    case GRAPH_FLOAT16: return graph_from_half(((const uint16_t *)t->data)[i]);
    case GRAPH_BFLOAT16: return from_bfloat(((const uint16_t *)t->data)[i]);
    case GRAPH_UINT64: return (double)((const uint64_t *)t->data)[i];
    default: return (double)graph_get_int(t, i);
    }
}

int64_t graph_get_int(const struct graph_tensor *t, size_t i)
{
    switch (t->type) {
    case GRAPH_INT8: return ((const int8_t *)t->data)[i];
    case GRAPH_UINT8: return ((const uint8_t *)t->data)[i];
    case GRAPH_BOOL: return ((const uint8_t *)t->data)[i] != 0;
    case GRAPH_INT16: return ((const int16_t *)t->data)[i];
    case GRAPH_UINT16: return ((const uint16_t *)t->data)[i];
    case GRAPH_INT32: return ((const int32_t *)t->data)[i];
    case GRAPH_UINT32: return ((const uint32_t *)t->data)[i];
    case GRAPH_INT64: case GRAPH_UINT64: return ((const int64_t *)t->data)[i];
    case GRAPH_FLOAT: case GRAPH_DOUBLE: case GRAPH_FLOAT16: case GRAPH_BFLOAT16: {
        double v = graph_get(t, i);
        return v >= 0x1p63 ? INT64_MAX : v < -0x1p63 || isnan(v) ? INT64_MIN : (int64_t)v;
    }
    default: return 0;
    }
}

void graph_put_int(struct graph_tensor *t, size_t i, int64_t value)
{
    void *data = (void *)t->data; /* a constant that is being made */
    switch (t->type) {
    case GRAPH_INT8: ((int8_t *)data)[i] = (int8_t)value; break;
    case GRAPH_UINT8: ((uint8_t *)data)[i] = (uint8_t)value; break;
    case GRAPH_BOOL: ((uint8_t *)data)[i] = value != 0; break;
    case GRAPH_INT16: ((int16_t *)data)[i] = (int16_t)value; break;
    case GRAPH_UINT16: ((uint16_t *)data)[i] = (uint16_t)value; break;
    case GRAPH_INT32: ((int32_t *)data)[i] = (int32_t)value; break;
    case GRAPH_UINT32: ((uint32_t *)data)[i] = (uint32_t)value; break;
    case GRAPH_INT64: case GRAPH_UINT64: ((int64_t *)data)[i] = value; break;
    case GRAPH_FLOAT: case GRAPH_DOUBLE: case GRAPH_FLOAT16: case GRAPH_BFLOAT16: graph_put(t, i, (double)value); break;
    default: break;
    }
}

void graph_put(struct graph_tensor *t, size_t i, double value)
{
    void *data = (void *)t->data;
    switch (t->type) {
    case GRAPH_FLOAT: ((float *)data)[i] = (float)value; break;
    case GRAPH_DOUBLE: ((double *)data)[i] = value; break;
    case GRAPH_FLOAT16: ((uint16_t *)data)[i] = graph_to_half(value); break;
    case GRAPH_BFLOAT16: ((uint16_t *)data)[i] = to_bfloat(value); break;
    case GRAPH_BOOL: ((uint8_t *)data)[i] = value != 0; break;
    default: graph_put_int(t, i, value >= 0x1p63 ? INT64_MAX : value < -0x1p63 || isnan(value) ? INT64_MIN : (int64_t)value);
    }
}
