/* SPDX-License-Identifier: Apache-2.0 */
/* Kernel, stride, dilation, padding and groups of a convolution, and how the array makes it: docs/geometry.md. */
#include "build.h"

#include <string.h>

/* ---- as the file has it ---- */

static quell_status read_pair(const struct builder *b, const char *name, uint32_t most, uint32_t *y, uint32_t *x)
{
    size_t n;
    const int64_t *given = graph_attr_ints(b->node, name, &n);
    *y = *x = 1;
    if (!given || n == 0)
        return QUELL_OK;
    if (n != 2)
        return BUILD_FAIL(b, QUELL_E_UNSUPPORTED, "%s: %s has %zu numbers; supported: two-dimensional convolution", b->label, name, n);
    if (given[0] < 1 || given[1] < 1 || given[0] > most || given[1] > most)
        return BUILD_FAIL(b, QUELL_E_UNSUPPORTED, "%s: its %s are %lld, %lld; supported: 1 to %u", b->label, name, (long long)given[0], (long long)given[1], most);
    *y = (uint32_t)given[0];
    *x = (uint32_t)given[1];
    return QUELL_OK;
}

static quell_status read_pads(const struct builder *b, const struct value *x, struct geometry *g)
{
    size_t n;
    const int64_t *pads = graph_attr_ints(b->node, "pads", &n);
    const char *mode = graph_attr_text(b->node, "auto_pad", "NOTSET");
    if (pads && n != 4)
        return BUILD_FAIL(b, QUELL_E_UNSUPPORTED, "%s: pads has %zu numbers; supported: two-dimensional convolution", b->label, n);
    if (pads)
        memcpy(g->pad, pads, sizeof g->pad);
    if (strncmp(mode, "SAME_", 5) == 0)
        for (int i = 0; i < 2; i++) { /* rows, columns */
            int64_t size = i ? x->w : x->h, stride = i ? g->stride_x : g->stride_y, reach = ((int64_t)(i ? g->kw : g->kh) - 1) * (i ? g->dilation_x : g->dilation_y) + 1;
            int64_t out = (size + stride - 1) / stride, total = (out - 1) * stride + reach - size;
            total = total < 0 ? 0 : total;
            g->pad[i] = strcmp(mode, "SAME_LOWER") == 0 ? total - total / 2 : total / 2;
            g->pad[i + 2] = total - g->pad[i];
        }
    else if (strcmp(mode, "VALID") == 0)
        memset(g->pad, 0, sizeof g->pad);
    for (int i = 0; i < 4; i++)
        if (g->pad[i] < 0 || g->pad[i] > PAD_MAX)
            return BUILD_FAIL(b, QUELL_E_UNSUPPORTED, "%s: pads %lld, %lld, %lld, %lld; supported: 0 to %d", b->label, (long long)g->pad[0], (long long)g->pad[1], (long long)g->pad[2], (long long)g->pad[3],
                              PAD_MAX);
    return QUELL_OK;
}

/* Output size along one axis; the last window must begin inside the image. */
static quell_status output_size(const struct builder *b, uint32_t size, uint32_t kernel, uint32_t stride, uint32_t dilation, int64_t before, int64_t after, uint32_t *out)
{
    int64_t reach = ((int64_t)kernel - 1) * dilation + 1, room = (int64_t)size + before + after - reach, n = room < 0 ? 0 : room / stride + 1;
    if (n < 1)
        return BUILD_FAIL(b, QUELL_E_UNSUPPORTED, "%s: an image of %u is smaller than the kernel", b->label, size);
    if ((n - 1) * stride - before >= (int64_t)size)
        return BUILD_FAIL(b, QUELL_E_UNSUPPORTED, "%s: pads so large that the last window lies outside the image; supported: windows that begin inside it", b->label);
    *out = (uint32_t)n;
    return QUELL_OK;
}

/* ---- as the array makes it ---- */

static uint32_t thirds(uint32_t n) { return (n + 2) / 3; }

/*
 * Cycles of an output group for one output. 3x3 windows take a cycle a channel, and not less than their words of new columns; single taps take one for
 * eight channels. The cheaper one; 3x3 windows if they are equal.
 */
static void choose_windows(struct geometry *g, uint32_t inputs)
{
    int dilated = g->dilation_y > 1 || g->dilation_x > 1;
    uint32_t words = 3 * (g->stride_x < 3 ? g->stride_x : 3), groups = (inputs + 7) / 8, last = inputs - (groups - 1) * 8;
    uint64_t windows = (uint64_t)thirds(g->kh) * thirds(g->kw) * ((uint64_t)(groups - 1) * (words < 8 ? 8 : words) + (words < last ? last : words));
    uint64_t taps = (uint64_t)g->kh * g->kw * groups;
    g->mode = !dilated && windows <= taps ? 0 : 1;
    if (g->groups > 1 && g->groups == inputs && g->outputs == inputs)
        g->mode = 2;
    if (g->mode == 1 || dilated) {
        g->win_h = g->kh;
        g->win_w = g->kw;
        g->step_y = g->dilation_y;
        g->step_x = g->dilation_x;
    } else {
        g->win_h = thirds(g->kh);
        g->win_w = thirds(g->kw);
        g->step_y = g->step_x = 3;
    }
}

uint32_t geometry_tap(const struct geometry *g, uint32_t y, uint32_t x)
{
    if (g->mode == 1)
        return y * g->win_w + x;
    if (g->dilation_y > 1 || g->dilation_x > 1) /* a window for every tap: its first */
        return (y * g->win_w + x) * 9;
    return (y / 3 * g->win_w + x / 3) * 9 + y % 3 * 3 + x % 3;
}

quell_status geometry_read(const struct builder *b, const struct value *x, const struct graph_tensor *w, struct geometry *g)
{
    memset(g, 0, sizeof *g);
    if (w->rank != 4)
        return BUILD_FAIL(b, QUELL_E_UNSUPPORTED, "%s: its weights have %zu dimensions; supported: two-dimensional convolution", b->label, w->rank);
    if (w->dims[2] < 1 || w->dims[3] < 1 || w->dims[2] > KERNEL_MAX || w->dims[3] > KERNEL_MAX)
        return BUILD_FAIL(b, QUELL_E_UNSUPPORTED, "%s: the kernel is %lld x %lld; supported: up to %d x %d, or the whole image without pads", b->label, (long long)w->dims[2], (long long)w->dims[3], KERNEL_MAX,
                          KERNEL_MAX);
    g->kh = (uint32_t)w->dims[2];
    g->kw = (uint32_t)w->dims[3];
    TRY(read_pair(b, "strides", STRIDE_MAX, &g->stride_y, &g->stride_x));
    TRY(read_pair(b, "dilations", PAD_MAX, &g->dilation_y, &g->dilation_x));
    if (g->kh == 1)
        g->dilation_y = 1;
    if (g->kw == 1)
        g->dilation_x = 1;
    int64_t groups = graph_attr_int(b->node, "group", 1), outputs = w->dims[0];
    if (outputs < 1 || outputs > 4095 * 8)
        return BUILD_FAIL(b, QUELL_E_TOO_LARGE, "%s: %lld output channels; supported: up to %d", b->label, (long long)outputs, 4095 * 8);
    if (groups < 1 || x->c % groups != 0 || outputs % groups != 0)
        return BUILD_FAIL(b, QUELL_E_MODEL, "%s: %lld groups of %u input and %lld output channels", b->label, (long long)groups, x->c, (long long)outputs);
    if (w->dims[1] != x->c / groups)
        return BUILD_FAIL(b, QUELL_E_MODEL, "%s: weights for %lld input channels a group, but the input has %u in %lld groups", b->label, (long long)w->dims[1], x->c, (long long)groups);
    g->groups = (uint32_t)groups;
    g->outputs = (uint32_t)outputs;
    TRY(read_pads(b, x, g));
    TRY(output_size(b, x->h, g->kh, g->stride_y, g->dilation_y, g->pad[0], g->pad[2], &g->out_h));
    TRY(output_size(b, x->w, g->kw, g->stride_x, g->dilation_x, g->pad[1], g->pad[3], &g->out_w));
    choose_windows(g, x->c);
    return QUELL_OK;
}

void geometry_set(struct quell_model_layer *l, const struct value *x, const struct geometry *g)
{
    struct quell_layer *t = &l->table;
    l->info.kernel_h = g->kh;
    l->info.kernel_w = g->kw;
    l->info.dilation_y = g->dilation_y;
    l->info.dilation_x = g->dilation_x;
    l->info.groups = g->groups;
    t->mode = g->mode;
    t->stride_y = (int32_t)g->stride_y - 1;
    t->stride_x = (int32_t)g->stride_x - 1;
    t->pad_top = (int32_t)g->pad[0];
    t->pad_left = (int32_t)g->pad[1];
    t->win_h = (int32_t)g->win_h - 1;
    t->win_w = (int32_t)g->win_w - 1;
    t->step_y = (int32_t)g->step_y;
    t->step_x = (int32_t)g->step_x;
    t->in_h = (int32_t)x->h;
    t->in_w = (int32_t)x->w;
    t->out_h = (int32_t)g->out_h;
    t->out_w = (int32_t)g->out_w;
    l->taps = quell_layer_taps(t);
    l->in_channels = g->mode == 2 ? 1 : (x->c + 7) / 8 * 8;
}
