/* SPDX-License-Identifier: Apache-2.0 */
#include "random_model.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

uint32_t random_next(struct random *random) /* splitmix64 */
{
    uint64_t x = random->state += 0x9E3779B97F4A7C15u;
    x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9u;
    x = (x ^ x >> 27) * 0x94D049BB133111EBu;
    return (uint32_t)((x ^ x >> 31) >> 16);
}

int32_t random_range(struct random *random, int32_t low, int32_t high)
{
    uint32_t span = (uint32_t)high - (uint32_t)low + 1; /* 0: all of 2^32 */
    return (int32_t)((uint32_t)low + (span ? random_next(random) % span : random_next(random)));
}

static void *zeros(size_t count, size_t size)
{
    void *memory = calloc(count ? count : 1, size);
    if (!memory)
        abort();
    return memory;
}

static int8_t *weights(struct random *random, size_t n, int32_t most)
{
    int8_t *w = zeros(n, 1);
    for (size_t i = 0; i < n; i++)
        w[i] = (int8_t)random_range(random, -most, most);
    return w;
}

/* M and S such that an accumulator of this size becomes `wanted` with `fraction` more bits; m has `bits` bits. */
static void scale_for(struct random *random, double acc, double wanted, int bits, int32_t *m, int32_t *s)
{
    *m = random_range(random, 1 << (bits - 1), (1 << bits) - 1);
    *s = (int32_t)lround(log2(*m * acc / wanted));
    *s = *s < 1 ? 1 : *s > 63 ? 63 : *s;
}

struct quell_model *random_model_new(uint32_t image_h, uint32_t image_w, uint32_t image_c, uint32_t pad, uint32_t max_layers, struct random *random)
{
    struct quell_model *model = zeros(1, sizeof *model);
    model->info.image_h = image_h;
    model->info.image_w = image_w;
    model->info.image_c = image_c;
    model->info.image_pad = pad;
    model->layers = zeros(max_layers, sizeof *model->layers);
    model->limits = (quell_limits){.cores = 8, .bottleneck_max = 8, .act_words = 65535};
    int32_t zero = random_range(random, -128, 0);
    for (int c = 0; c < QUELL_CHANNELS_MAX; c++) /* steps of their own, the same code for 0, which pads */
        for (int i = 0; i < 256; i++)
            model->pixel_code[c][i] = (int8_t)(zero + i / (2 + c));
    model->input.scale = 1.0f / 255;
    model->input.zero = zero;
    model->hash = random_next(random);
    return model;
}

static struct quell_block *make_block(struct random *random, struct quell_layer *t, const struct random_spec *spec, uint32_t channels)
{
    struct quell_block *b = zeros(1, sizeof *b);
    uint32_t m = spec->block & 2 ? (uint32_t)spec->m : 0;
    b->m = m;
    b->channels = channels;
    b->d = spec->block & 1 ? weights(random, channels * 9, 40) : zeros(channels * 9, 1);
    b->w1 = weights(random, m * channels, 100);
    b->b1 = zeros(m, sizeof *b->b1);
    b->w2 = weights(random, m * m * 9, 100);
    b->b2 = zeros(m, sizeof *b->b2);
    b->wu = weights(random, channels * m, 100);
    b->wv = weights(random, channels * m, 60);
    b->cv = zeros(channels, sizeof *b->cv);
    for (uint32_t j = 0; j < m; j++) {
        b->b1[j] = random_range(random, -20000, 40000);
        b->b2[j] = random_range(random, -20000, 40000);
    }
    for (uint32_t c = 0; c < channels; c++)
        b->cv[c] = random_range(random, 0, 20000);
    t->dn_width = (int32_t)m;
    scale_for(random, 60 * 40 * sqrt(channels), 100, 17, &t->dn_m1, &t->dn_s1);
    scale_for(random, 60 * 100 * sqrt(9.0 * m + 1), 100, 17, &t->dn_m2, &t->dn_s2);
    scale_for(random, 20 * 40 * 3, 6 * 4096, 17, &t->dn_md, &t->dn_sd);
    scale_for(random, 60 * 100 * sqrt(m + 1), 6 * 4096, 17, &t->dn_mu, &t->dn_su);
    scale_for(random, 15000, 6 * 256, 17, &t->dn_mv, &t->dn_sv);
    if (spec->wild) {
        int32_t *shifts[] = {&t->dn_s1, &t->dn_s2, &t->dn_sd, &t->dn_su, &t->dn_sv};
        for (int i = 0; i < 5; i++)
            *shifts[i] = random_range(random, 0, 3) ? *shifts[i] : random_range(random, 1, 63);
    }
    return b;
}

static void source(const struct quell_model *model, int producer, uint32_t *h, uint32_t *w, uint32_t *c, int32_t *zero, int32_t *address)
{
    if (producer < 0) {
        *h = model->info.image_h + 2 * model->info.image_pad;
        *w = model->info.image_w + 2 * model->info.image_pad;
        *c = model->info.image_c;
        *zero = model->pixel_code[0][0];
        *address = 0;
    } else {
        const struct quell_model_layer *l = &model->layers[producer];
        *h = l->info.out_h;
        *w = l->info.out_w;
        *c = l->real_channels;
        *zero = l->info.out_zero;
        *address = l->table.out_addr;
    }
}

static void make_constants(struct quell_model_layer *l, const struct random_spec *spec, struct random *random)
{
    double acc = 60 * 40 * sqrt((double)l->taps * l->in_channels);
    l->constants = zeros(l->channels, sizeof *l->constants);
    for (uint32_t c = 0; c < l->channels; c++) {
        struct quell_channel *k = &l->constants[c];
        int32_t m = 0, s = 1;
        if (c < l->real_channels) {
            scale_for(random, acc, 40 * 4096, 24, &m, &s);
            k->bias = random_range(random, (int32_t)-acc, (int32_t)acc);
        }
        if (spec->wild && random_range(random, 0, 7) == 0)
            s = random_range(random, 1, 63);
        if (spec->wild && random_range(random, 0, 15) == 0)
            k->bias = random_range(random, -(1 << 30), 1 << 30);
        *k = (struct quell_channel){.bias = k->bias, .m = (uint32_t)m, .s = (uint32_t)s, .gain = 0x10000, .a = 0x4000};
    }
}

static void make_post(struct quell_model_layer *l, const struct random_spec *spec, struct random *random)
{
    struct quell_layer *t = &l->table;
    t->z_v = random_range(random, -40, 40);
    t->z_y = spec->relu ? -128 : random_range(random, -40, 40);
    t->lo = spec->relu ? t->z_y : -128;
    t->hi = spec->wild ? random_range(random, t->lo, 127) : 127;
    t->post_a = random_range(random, 1 << 23, (1 << 24) - 1);
    t->post_shift = 23;
    t->adc_wide = random_range(random, 0, 3) == 0;
    if (spec->residual >= -1)
        t->post_b = random_range(random, 0, (1 << 24) - 1);
    if (spec->wild) {
        t->z_v = random_range(random, -128, 127);
        t->post_shift = random_range(random, 0, 3) ? 23 : random_range(random, 1, 31);
    }
    t->pool_kind = spec->pool_kind;
    t->pool_kh = spec->pool_kind ? spec->pool_kh : 1;
    t->pool_kw = spec->pool_kind ? spec->pool_kw : 1;
    t->z_pool = spec->pool_kind ? random_range(random, -60, 60) : 0;
    t->pool_m = 1 << 23;
    t->pool_shift = 23;
    if (spec->pool_kind == 1)
        scale_for(random, t->pool_kh * t->pool_kw, 1, 24, &t->pool_m, &t->pool_shift);
}

static int32_t output_side(int32_t in, int32_t before, int32_t after, int32_t reach, int32_t stride) { return (in + before + after - reach) / stride + 1; }

static int32_t pool_windows(int32_t size, int32_t kernel, int32_t stride, int32_t pad, int beyond)
{
    int32_t room = size + pad - kernel;
    return beyond && stride > 1 ? (size + pad - 1) / stride + 1 : room < 0 ? 1 : room / stride + 1;
}

void random_model_add(struct quell_model *model, const struct random_spec *spec, struct random *random)
{
    struct quell_model_layer *l = &model->layers[model->layer_count];
    struct quell_layer *t = &l->table;
    uint32_t h, w, c, rh, rw, rc;
    source(model, spec->input, &h, &w, &c, &t->z_in, &t->in_addr);
    l->in_channels = (c + 7) / 8 * 8;
    uint32_t rows = h;
    if (spec->fully_connected) {
        l->in_channels *= h * w;
        h = w = 1;
    }
    t->in_c8 = (int32_t)l->in_channels / 8;
    t->in_last = spec->fully_connected ? 7 : (int32_t)(c - 1) % 8;
    if (spec->mode == 2)
        l->in_channels = 1;
    l->real_channels = spec->mode == 2 ? c : (uint32_t)spec->channels;
    l->channels = (l->real_channels + 7) / 8 * 8;
    t->mode = spec->mode;
    t->stride_y = spec->stride - 1;
    t->stride_x = (spec->stride_x ? spec->stride_x : spec->stride) - 1;
    t->win_h = spec->win_h ? spec->win_h - 1 : 0;
    t->win_w = spec->win_w ? spec->win_w - 1 : 0;
    t->step_y = spec->step_y ? spec->step_y : 1;
    t->step_x = spec->step_x ? spec->step_x : 1;
    t->pad_top = spec->pad_top;
    t->pad_left = spec->pad_left;
    t->wait_prev = spec->input == (int)model->layer_count - 1 && spec->input >= 0 ? 1 + (spec->fully_connected && rows > 1) : 0;
    t->rng_layer = (int32_t)model->layer_count;
    t->in_h = (int32_t)h;
    t->in_w = (int32_t)w;
    l->taps = quell_layer_taps(t);
    uint32_t side = quell_layer_side(t);
    l->info.kernel_h = (uint32_t)(t->win_h + 1) * side; /* every tap stands for a weight, also where windows overlap */
    l->info.kernel_w = (uint32_t)(t->win_w + 1) * side;
    l->info.dilation_y = l->info.dilation_x = l->info.groups = 1;
    t->out_h = output_side((int32_t)h, spec->pad_top, spec->pad_bottom, t->win_h * t->step_y + (int32_t)side, t->stride_y + 1);
    t->out_w = output_side((int32_t)w, spec->pad_left, spec->pad_right, t->win_w * t->step_x + (int32_t)side, t->stride_x + 1);
    t->out_c8 = t->out_pitch = (int32_t)l->channels / 8;
    size_t n = (size_t)l->taps * l->in_channels;
    l->weights = weights(random, n * l->channels, 100);
    memset(l->weights + n * l->real_channels, 0, n * (l->channels - l->real_channels));
    for (size_t i = 0; spec->mode != 2 && i < n * l->channels; i++)
        if (i % l->in_channels % ((c + 7) / 8 * 8) >= c)
            l->weights[i] = 0;
    make_constants(l, spec, random);
    make_post(l, spec, random);
    l->input_layer = spec->input;
    l->residual_layer = spec->residual;
    if (spec->residual >= -1) {
        source(model, spec->residual, &rh, &rw, &rc, &t->z_res, &t->res_addr);
        t->residual = 1;
    }
    if (spec->block) {
        l->block = make_block(random, t, spec, l->channels);
        l->dn_depthwise = spec->block & 1;
        l->dn_bottleneck = l->block->m > 0;
    }
    snprintf(l->info.name, sizeof l->info.name, "layer%u", model->layer_count);
    t->pool_sy = t->pool_kind && spec->pool_sy ? spec->pool_sy : t->pool_kh;
    t->pool_sx = t->pool_kind && spec->pool_sx ? spec->pool_sx : t->pool_kw;
    t->pool_pad_top = t->pool_kind ? spec->pool_top : 0;
    t->pool_pad_left = t->pool_kind ? spec->pool_left : 0;
    l->info.out_h = (uint32_t)(t->pooled_h = pool_windows(t->out_h, t->pool_kh, t->pool_sy, t->pool_pad_top, spec->pool_beyond));
    l->info.out_w = (uint32_t)(t->pooled_w = pool_windows(t->out_w, t->pool_kw, t->pool_sx, t->pool_pad_left, spec->pool_beyond));
    l->info.out_c = l->real_channels;
    l->info.out_scale = 1;
    if (spec->table) {
        l->act_table = weights(random, QUELL_TABLE_CODES, 127);
        t->table_on = 1;
        t->table_index = (int32_t)(model->layer_count % 8);
        t->z_table = random_range(random, -128, 127);
    }
    l->info.out_zero = t->pool_kind ? t->z_pool : quell_layer_z_pooled(t);
    l->info.in_h = h;
    l->info.in_w = w;
    l->info.in_c = c;
    l->info.macs = (uint64_t)t->out_h * (uint64_t)t->out_w * l->real_channels * l->taps * (spec->mode == 2 ? 1 : spec->fully_connected ? l->in_channels : c);
    l->info.conversions = (uint32_t)t->out_h * (uint32_t)t->out_w * l->real_channels;
    model->info.macs += l->info.macs;
    t->out_addr = 1024 + (int32_t)model->layer_count * 2560;
    model->layer_count++;
}

void random_model_finish(struct quell_model *model, struct random *random)
{
    (void)random;
    model->info.layers = model->layer_count;
    model->info.classes = model->layers[model->layer_count - 1].real_channels;
    model->logits_addr = (uint32_t)model->layers[model->layer_count - 1].table.out_addr;
    model->input_addr[1] = 40000;
}

static int same_shape(const struct quell_model *model, int producer, uint32_t h, uint32_t w, uint32_t c)
{
    uint32_t ph, pw, pc;
    int32_t z, a;
    source(model, producer, &ph, &pw, &pc, &z, &a);
    return ph == h && pw == w && pc == c;
}

/* Several windows, any stride. */
static void random_windows(struct random_spec *s, struct random *r)
{
    s->win_h = random_range(r, 1, 3);
    s->win_w = random_range(r, 1, 3);
    s->step_y = random_range(r, 1, 4);
    s->step_x = random_range(r, 1, 4);
    s->stride = random_range(r, 1, 4);
    s->stride_x = random_range(r, 1, 4);
}

/* As wanted, and such that there is an output. The first tap of the last one lies in the image. */
static void pads(int *before, int *after, int32_t size, int32_t reach, int wanted, struct random *r)
{
    *before = wanted ? random_range(r, 0, reach / 2) : 0;
    *after = wanted ? random_range(r, 0, reach / 2) : 0;
    if (size + *before + *after < reach)
        *before = reach - size - *after;
}

static void random_layer(struct quell_model *model, struct random *r, int last)
{
    int previous = (int)model->layer_count - 1;
    uint32_t h, w, c;
    int32_t zero, address;
    source(model, previous, &h, &w, &c, &zero, &address);
    struct random_spec s = {.mode = random_range(r, 0, 2), .stride = random_range(r, 1, 2), .input = previous, .residual = -2, .channels = random_range(r, 1, 40), .relu = random_range(r, 0, 1), .wild = random_range(r, 0, 1)};
    if (last) {
        s.mode = s.fully_connected = 1;
        s.stride = 1;
        s.channels = 10;
        random_model_add(model, &s, r);
        return;
    }
    if (random_range(r, 0, 2) == 0)
        random_windows(&s, r);
    int32_t reach_y = s.win_h ? (s.win_h - 1) * s.step_y : 0, reach_x = s.win_w ? (s.win_w - 1) * s.step_x : 0;
    reach_y += s.mode == 1 ? 1 : 3;
    reach_x += s.mode == 1 ? 1 : 3;
    pads(&s.pad_top, &s.pad_bottom, (int32_t)h, reach_y, s.mode != 1, r);
    pads(&s.pad_left, &s.pad_right, (int32_t)w, reach_x, s.mode != 1, r);
    uint32_t oh = (uint32_t)output_side((int32_t)h, s.pad_top, s.pad_bottom, reach_y, s.stride), ow = (uint32_t)output_side((int32_t)w, s.pad_left, s.pad_right, reach_x, s.stride_x ? s.stride_x : s.stride);
    for (int i = -1; i <= previous; i++) /* a residual wherever one fits */
        if (same_shape(model, i, oh, ow, s.mode == 2 ? c : (uint32_t)s.channels) && random_range(r, 0, 1))
            s.residual = i;
    if (oh >= 4 && ow >= 4 && random_range(r, 0, 2) == 0) {
        s.pool_kind = random_range(r, 1, 2);
        s.pool_kh = random_range(r, 1, 3);
        s.pool_kw = random_range(r, 1, 3);
        if (random_range(r, 0, 2)) { /* windows that overlap, leave gaps, reach over the borders */
            s.pool_kh = random_range(r, 1, 5);
            s.pool_kw = random_range(r, 1, 5);
            s.pool_sy = random_range(r, 1, 4);
            s.pool_sx = random_range(r, 1, 4);
            s.pool_top = random_range(r, 0, s.pool_kh - 1);
            s.pool_left = random_range(r, 0, s.pool_kw - 1);
            s.pool_beyond = random_range(r, 0, 1);
        }
    }
    s.table = random_range(r, 0, 3) == 0;
    s.block = random_range(r, 0, 3);
    s.m = random_range(r, 1, 8);
    random_model_add(model, &s, r);
}

struct quell_model *random_model(uint32_t seed, uint32_t layers)
{
    struct random r = {seed};
    struct quell_model *model = random_model_new((uint32_t)random_range(&r, 5, 18), (uint32_t)random_range(&r, 5, 18), (uint32_t)random_range(&r, 1, 3), (uint32_t)random_range(&r, 0, 2), layers, &r);
    for (uint32_t i = 0; i < layers; i++)
        random_layer(model, &r, i == layers - 1);
    random_model_finish(model, &r);
    return model;
}

struct quell_model *random_resnet8(uint32_t seed, int denoisers)
{
    struct random r = {seed};
    struct quell_model *model = random_model_new(28, 28, 1, 2, 10, &r);
    /*              mode stride  input residual channels; pads at stride 2 as ONNX's SAME_UPPER */
    const int shape[10][5] = {{0, 1, -1, -2, 16}, {0, 1, 0, -2, 16}, {0, 1, 1, 0, 16}, {0, 2, 2, -2, 32}, {1, 2, 2, -2, 32}, {0, 1, 3, 4, 32}, {0, 2, 5, -2, 64}, {1, 2, 5, -2, 64}, {0, 1, 6, 7, 64}, {1, 1, 8, -2, 10}};
    for (int i = 0; i < 10; i++) {
        const int *d = shape[i];
        int pad = d[0] == 0, even = d[1] == 2;
        struct random_spec s = {.mode = d[0], .stride = d[1], .input = d[2], .residual = d[3], .channels = d[4], .pad_top = pad && !even, .pad_left = pad && !even, .pad_bottom = pad, .pad_right = pad, .relu = i != 4 && i != 7 && i != 9};
        if (i == 8) {
            s.pool_kind = 1;
            s.pool_kh = s.pool_kw = 8;
        }
        s.fully_connected = i == 9;
        s.block = i < denoisers ? 3 : 0;
        s.m = 4;
        random_model_add(model, &s, &r);
    }
    random_model_finish(model, &r);
    return model;
}

void random_model_free(struct quell_model *model)
{
    for (uint32_t i = 0; i < model->layer_count; i++) {
        struct quell_model_layer *l = &model->layers[i];
        free(l->weights);
        free(l->constants);
        free(l->act_table);
        if (l->block) {
            struct quell_block *b = l->block;
            void *const all[] = {b->d, b->w1, b->b1, b->w2, b->b2, b->wu, b->wv, b->cv, b};
            for (size_t j = 0; j < sizeof all / sizeof *all; j++)
                free(all[j]);
        }
    }
    free(model->layers);
    free(model);
}

/* ---- Images ---- */

struct quell_images {
    quell_images_info info;
    uint8_t *pixels;
};

quell_images *random_images(uint32_t seed, uint32_t count, const struct quell_model *model)
{
    struct random r = {seed};
    quell_images *images = zeros(1, sizeof *images);
    const quell_model_info *i = &model->info;
    images->info = (quell_images_info){.count = count, .h = i->image_h, .w = i->image_w, .c = i->image_c};
    size_t row = (size_t)i->image_w * i->image_c, size = i->image_h * row;
    images->pixels = zeros(count * size, 1);
    for (size_t p = 0; p < count * size; p++) { /* smooth, so that codes are correlated as in a picture */
        int before = p % row >= i->image_c ? images->pixels[p - i->image_c] : random_range(&r, 0, 255);
        int next = before + random_range(&r, -40, 40);
        images->pixels[p] = (uint8_t)(next < 0 ? -next : next > 255 ? 510 - next : next);
    }
    return images;
}

void random_images_free(quell_images *images)
{
    free(images->pixels);
    free(images);
}

void quell_images_get_info(const quell_images *images, quell_images_info *info) { *info = images->info; }

const uint8_t *quell_images_pixels(const quell_images *images, uint32_t index) { return images->pixels + (size_t)index * images->info.h * images->info.w * images->info.c; }

const int8_t *quell_images_codes(const quell_images *images, uint32_t index)
{
    (void)images;
    (void)index;
    return NULL;
}
