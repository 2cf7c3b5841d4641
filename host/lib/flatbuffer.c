/* SPDX-License-Identifier: Apache-2.0 */
/* See flatbuffer.h. */
#include "flatbuffer.h"

#include <string.h>

/* `bytes` at `at`, or 0 and the mark. */
static uint64_t raw(struct fb *f, size_t at, unsigned bytes)
{
    uint64_t value = 0;
    if (at > f->size || f->size - at < bytes) {
        f->bad = 1;
        return 0;
    }
    for (unsigned i = 0; i < bytes; i++)
        value |= (uint64_t)f->data[at + i] << (8 * i);
    return value;
}

static int64_t number(struct fb *f, size_t at, unsigned bytes)
{
    uint64_t value = raw(f, at, bytes), sign = (uint64_t)1 << (8 * bytes - 1);
    return bytes == 8 ? (int64_t)value : (int64_t)((value ^ sign) - sign);
}

/* Where an offset at `at` leads; 0: nowhere. */
static size_t follow(struct fb *f, size_t at)
{
    uint64_t offset = raw(f, at, 4);
    if (offset == 0 || offset > f->size - at) {
        f->bad = 1;
        return 0;
    }
    return at + (size_t)offset;
}

/* Place of a table's field; 0: it is left out. */
static size_t field(struct fb_table t, unsigned slot)
{
    if (!t.at)
        return 0;
    int64_t back = number(t.f, t.at, 4), vtable = (int64_t)t.at - back;
    if (vtable < 0 || vtable >= (int64_t)t.f->size) {
        t.f->bad = 1;
        return 0;
    }
    if (4 + 2 * (uint64_t)slot + 2 > raw(t.f, (size_t)vtable, 2))
        return 0;
    size_t offset = (size_t)raw(t.f, (size_t)vtable + 4 + 2 * slot, 2);
    return offset ? t.at + offset : 0;
}

struct fb_table fb_root(struct fb *f) { return (struct fb_table){f, follow(f, 0)}; }

int64_t fb_number(struct fb_table t, unsigned slot, unsigned bytes, int64_t otherwise)
{
    size_t at = field(t, slot);
    return at ? number(t.f, at, bytes) : otherwise;
}

struct fb_table fb_child(struct fb_table t, unsigned slot)
{
    size_t at = field(t, slot);
    return (struct fb_table){t.f, at ? follow(t.f, at) : 0};
}

struct fb_vector fb_vector(struct fb_table t, unsigned slot, unsigned element)
{
    size_t at = field(t, slot), start = at ? follow(t.f, at) : 0;
    struct fb_vector v = {t.f, start + 4, start ? (size_t)raw(t.f, start, 4) : 0, element};
    if (v.count && v.count > (t.f->size - start - 4) / element) {
        t.f->bad = 1;
        v.count = 0;
    }
    return v;
}

struct fb_table fb_table_of(struct fb_vector v, size_t i) { return (struct fb_table){v.f, i < v.count ? follow(v.f, v.at + 4 * i) : 0}; }

int64_t fb_number_of(struct fb_vector v, size_t i) { return i < v.count ? number(v.f, v.at + v.element * i, (unsigned)v.element) : 0; }

float fb_float_of(struct fb_vector v, size_t i)
{
    uint32_t bits = i < v.count ? (uint32_t)raw(v.f, v.at + 4 * i, 4) : 0;
    float value;
    memcpy(&value, &bits, 4);
    return value;
}
