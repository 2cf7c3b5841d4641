/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Resampling as Pillow does it: a triangle as wide as the picture shrinks (antialiasing), its weights in double, then rounded to 22 fractional bits; rows
 * and columns one after the other, each result rounded to 8 bits. A pixel depends on its own place alone, so only the middle that is wanted is computed: the cost does
 * not grow with the long side.
 */
#include "picture_resize.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { FRACTION = 22 };

/* One direction: `count` results from `first` on, of a line of `in` pixels made `out` long. */
struct line {
    uint32_t in, out, first, count;
    uint32_t taps;    /* most weights that a result has */
    uint32_t *from;   /* first pixel of each result */
    uint32_t *number; /* weights it has */
    int32_t *weight;  /* count x taps */
};

static void line_free(struct line *l)
{
    free(l->from);
    free(l->number);
    free(l->weight);
}

/* The weights of one result; `real` is room for them. */
static void weigh(struct line *l, uint32_t i, double *real)
{
    const double scale = (double)l->in / l->out, stretch = fmax(scale, 1), centre = (l->first + i + 0.5) * scale, narrow = 1 / stretch;
    const int from = (int)fmax(centre - stretch + 0.5, 0), to = (int)fmin(centre + stretch + 0.5, l->in);
    double sum = 0;
    l->from[i] = (uint32_t)from;
    l->number[i] = (uint32_t)(to - from);
    for (int k = 0; k < to - from; k++) {
        real[k] = fmax(0, 1 - fabs((k + from - centre + 0.5) * narrow));
        sum += real[k];
    }
    for (int k = 0; k < to - from; k++)
        l->weight[(size_t)i * l->taps + (uint32_t)k] = (int32_t)(0.5 + (sum != 0 ? real[k] / sum : real[k]) * (1 << FRACTION));
}

static int line_plan(struct line *l)
{
    l->taps = (uint32_t)ceil(fmax((double)l->in / l->out, 1)) * 2 + 1;
    l->from = malloc(l->count * sizeof *l->from);
    l->number = malloc(l->count * sizeof *l->number);
    l->weight = malloc((size_t)l->count * l->taps * sizeof *l->weight);
    double *real = malloc(l->taps * sizeof *real);
    const int good = l->from && l->number && l->weight && real;
    for (uint32_t i = 0; good && i < l->count; i++)
        weigh(l, i, real);
    free(real);
    return good;
}

/* Result i of a line whose pixels lie `step` bytes apart. */
static uint8_t sum(const struct line *l, uint32_t i, const uint8_t *in, size_t step)
{
    const int32_t *weight = l->weight + (size_t)i * l->taps;
    int32_t acc = 1 << (FRACTION - 1);
    in += l->from[i] * step;
    for (uint32_t k = 0; k < l->number[i]; k++, in += step)
        acc += *in * weight[k];
    acc >>= FRACTION;
    return (uint8_t)(acc < 0 ? 0 : acc > 255 ? 255 : acc);
}

/* Colours as much as they are seen, so that what is transparent does not shine through; and back. */
static void premultiply(uint8_t *rgba, size_t pixels)
{
    for (size_t i = 0; i < pixels; i++, rgba += 4)
        for (int c = 0; c < 3; c++) {
            uint32_t t = rgba[c] * rgba[3] + 128u;
            rgba[c] = (uint8_t)(((t >> 8) + t) >> 8);
        }
}

static void divide(uint8_t *rgba, size_t pixels)
{
    for (size_t i = 0; i < pixels; i++, rgba += 4)
        for (int c = 0; c < 3 && rgba[3] != 0; c++) {
            uint32_t t = 255u * rgba[c] / rgba[3];
            rgba[c] = (uint8_t)(t > 255 ? 255 : t);
        }
}

/* `rows` lines of pixels side by side. -> the results, or NULL: no memory. */
static uint8_t *across(const uint8_t *in, size_t pitch, uint32_t rows, uint32_t c, const struct line *x)
{
    uint8_t *out = malloc((size_t)rows * x->count * c), *to = out;
    for (uint32_t r = 0; out && r < rows; r++, in += pitch)
        for (uint32_t i = 0; i < x->count; i++)
            for (uint32_t k = 0; k < c; k++)
                *to++ = sum(x, i, in + k, c);
    return out;
}

/* `bytes` lines of pixels on top of each other. */
static uint8_t *down(const uint8_t *in, size_t pitch, uint32_t bytes, const struct line *y)
{
    uint8_t *out = malloc((size_t)y->count * bytes), *to = out;
    for (uint32_t j = 0; out && j < y->count; j++)
        for (uint32_t i = 0; i < bytes; i++)
            *to++ = sum(y, j, in + i, pitch);
    return out;
}

/* The pixels that the results need: from where, how many. The results then count from there. */
static uint32_t span(struct line *l, uint32_t *first)
{
    *first = l->from[0];
    for (uint32_t i = 0; i < l->count; i++)
        l->from[i] -= *first;
    return l->from[l->count - 1] + l->number[l->count - 1];
}

/* The order matters, since both steps round: columns come first where they lose more than twice the pixels that rows lose (found by trial of Pillow 13.0). */
static uint8_t *resample(const struct picture *p, struct line *x, struct line *y)
{
    const size_t pitch = (size_t)p->w * p->c;
    uint32_t first;
    uint8_t *middle, *out = NULL;
    if (y->out < y->in && (int64_t)y->in - y->out > 2 * ((int64_t)x->in - x->out)) {
        const uint32_t columns = span(x, &first);
        middle = down(p->pixels + (size_t)first * p->c, pitch, columns * p->c, y);
        out = middle ? across(middle, (size_t)columns * p->c, y->count, p->c, x) : NULL;
    } else {
        const uint32_t rows = span(y, &first);
        middle = across(p->pixels + first * pitch, pitch, rows, p->c, x);
        out = middle ? down(middle, (size_t)x->count * p->c, x->count * p->c, y) : NULL;
    }
    free(middle);
    return out;
}

/* Half of what is left over, halves of a pixel to even. */
static uint32_t margin(uint32_t all, uint32_t part)
{
    uint32_t rest = all - part;
    return rest / 2 + (rest % 4 == 3);
}

enum picture_result picture_resize(struct picture *p, uint32_t short_side, uint32_t h, uint32_t w)
{
    const uint32_t least = p->h < p->w ? p->h : p->w;
    const uint32_t all_h = (uint32_t)((uint64_t)short_side * p->h / least), all_w = (uint32_t)((uint64_t)short_side * p->w / least);
    if (all_h < h || all_w < w) {
        p->h = all_h;
        p->w = all_w;
        return PICTURE_OTHER_SIZE;
    }
    struct line x = {.in = p->w, .out = all_w, .first = margin(all_w, w), .count = w}, y = {.in = p->h, .out = all_h, .first = margin(all_h, h), .count = h};
    const int alpha = p->c == 4 && least != short_side;
    uint8_t *out = NULL;
    if (line_plan(&x) && line_plan(&y)) {
        if (alpha)
            premultiply(p->pixels, (size_t)p->h * p->w);
        out = resample(p, &x, &y);
    }
    line_free(&x);
    line_free(&y);
    if (!out)
        return PICTURE_NO_MEMORY;
    if (alpha)
        divide(out, (size_t)h * w);
    free(p->pixels);
    p->pixels = out;
    p->h = h;
    p->w = w;
    return PICTURE_GOOD;
}
