/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading FlatBuffers without a schema compiler: tables by slot number, vectors, strings. Every offset is checked against the buffer; what lies outside reads
 * as absent and marks the buffer bad, so that a reader checks once, at its end.
 */
#ifndef QUELL_FLATBUFFER_H
#define QUELL_FLATBUFFER_H

#include <stddef.h>
#include <stdint.h>

struct fb {
    const uint8_t *data;
    size_t size;
    int bad;
};

struct fb_table {
    struct fb *f;
    size_t at; /* 0: absent */
};

struct fb_vector {
    struct fb *f;
    size_t at, count, element; /* of its first element */
};

struct fb_table fb_root(struct fb *f);
int64_t fb_number(struct fb_table t, unsigned slot, unsigned bytes, int64_t otherwise); /* little-endian, sign-extended */
struct fb_table fb_child(struct fb_table t, unsigned slot);
struct fb_vector fb_vector(struct fb_table t, unsigned slot, unsigned element); /* element: bytes of one */
struct fb_table fb_table_of(struct fb_vector v, size_t i);                       /* of a vector of tables (element 4) */
int64_t fb_number_of(struct fb_vector v, size_t i);
float fb_float_of(struct fb_vector v, size_t i);

#endif
