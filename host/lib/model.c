/* SPDX-License-Identifier: Apache-2.0 */
/* A compiled model as a whole: what must hold in it, what it sums up to, and its end. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compiled.h"

/* ---- checks ---- */

/* First field that is out of its register's range, or NULL. */
static const char *bad_field(const struct quell_layer *t)
{
    static const char *const SIGNED[] = {"z_in", "z_v", "z_res", "z_y", "z_pool", "lo", "hi", "z_table"};
#define CHECK_FIELD(name, offset, lsb, width, text)                                             \
    {                                                                                           \
        int is_signed = 0;                                                                      \
        for (size_t i = 0; i < sizeof SIGNED / sizeof *SIGNED; i++)                             \
            is_signed |= strcmp(SIGNED[i], #name) == 0;                                         \
        int64_t low = is_signed ? -128 : 0, high = is_signed ? 127 : ((int64_t)1 << width) - 1; \
        if (t->name < low || t->name > high)                                                    \
            return #name;                                                                       \
    }
    QUELL_LAYER_FIELDS(CHECK_FIELD)
#undef CHECK_FIELD
    return NULL;
}

#define EXPECT(condition, what)                                                                                                                     \
    do {                                                                                                                                            \
        if (!(condition))                                                                                                                           \
            return quell_fail(err, QUELL_E_MODEL, "layer %u ('%s') is inconsistent: %s", index, m->layers[index].info.name, what); \
    } while (0)

/* One side of the pooling windows: each holds an element of the frame. */
static int windows_reach(int32_t size, int32_t kernel, int32_t stride, int32_t pad, int32_t windows)
{
    return kernel >= 1 && stride >= 1 && pad < kernel && windows >= 1 && (windows - 1) * stride - pad < size;
}

static quell_status check_pool(const struct quell_model *m, uint32_t index, quell_error *err)
{
    const struct quell_model_layer *l = &m->layers[index];
    const struct quell_layer *t = &l->table;
    EXPECT(l->info.out_h == (uint32_t)t->pooled_h && l->info.out_w == (uint32_t)t->pooled_w, "output size");
    EXPECT(t->pool_kind <= 2 && t->pool_kh * t->pool_kw <= 4096, "pooling");
    EXPECT(windows_reach(t->out_h, t->pool_kh, t->pool_sy, t->pool_pad_top, t->pooled_h) && windows_reach(t->out_w, t->pool_kw, t->pool_sx, t->pool_pad_left, t->pooled_w), "pooling");
    EXPECT(t->pool_kind != 0 || (t->pool_kh == 1 && t->pool_kw == 1 && t->pool_sy == 1 && t->pool_sx == 1 && t->pooled_h == t->out_h && t->pooled_w == t->out_w), "pooling");
    return QUELL_OK;
}

static quell_status check_geometry(const struct quell_model *m, uint32_t index, quell_error *err)
{
    const struct quell_model_layer *l = &m->layers[index];
    const struct quell_layer *t = &l->table;
    const char *bad = bad_field(t);
    if (bad)
        return quell_fail(err, QUELL_E_TOO_LARGE, "layer '%s': its %s is out of the layer table's range", l->info.name, bad);
    EXPECT(t->mode <= 2, "mode");
    EXPECT(t->in_w > 0 && t->in_h > 0 && t->out_w > 0 && t->out_h > 0 && t->in_c8 > 0 && t->out_c8 > 0, "a size is 0");
    EXPECT(l->channels == (uint32_t)t->out_c8 * 8 && l->real_channels > 0 && l->real_channels <= l->channels && l->channels - l->real_channels < 8, "output channels");
    EXPECT(l->info.out_c == l->real_channels, "output channels");
    EXPECT(l->taps == quell_layer_taps(t) && l->in_channels == (t->mode == 2 ? 1 : (uint32_t)t->in_c8 * 8), "weights");
    EXPECT(l->info.kernel_h > 0 && l->info.kernel_w > 0 && l->info.groups > 0 && l->info.in_c % l->info.groups == 0 && l->real_channels % l->info.groups == 0, "kernel");
    EXPECT(t->mode != 2 || t->in_c8 == t->out_c8, "depthwise channels");
    EXPECT(t->out_h <= 1023 && t->out_w <= 1023 && (t->out_h - 1) * (t->stride_y + 1) - t->pad_top < t->in_h && (t->out_w - 1) * (t->stride_x + 1) - t->pad_left < t->in_w, "output size");
    TRY(check_pool(m, index, err));
    EXPECT(t->adc_shift <= 8, "converter");
    EXPECT(t->post_shift >= 1 && t->pool_shift >= 1 && t->lo <= t->hi, "post-processing");
    EXPECT(t->dn_s1 >= 1 && t->dn_s2 >= 1 && t->dn_sd >= 1 && t->dn_su >= 1 && t->dn_sv >= 1, "denoiser shifts");
    EXPECT((l->act_table != NULL) == (t->table_on != 0), "its activation table");
    EXPECT(t->rng_layer == (int)index, "number");
    EXPECT(l->block || (!l->dn_depthwise && !l->dn_bottleneck), "its denoising block");
    return QUELL_OK;
}

/* Pixels and channels of what a layer reads. */
static void source_shape(const struct quell_model *m, int layer, uint32_t *h, uint32_t *w, uint32_t *c)
{
    *h = layer < 0 ? m->info.image_h + 2 * m->info.image_pad : m->layers[layer].info.out_h;
    *w = layer < 0 ? m->info.image_w + 2 * m->info.image_pad : m->layers[layer].info.out_w;
    *c = layer < 0 ? m->info.image_c : quell_tensor_channels(m->layers, layer);
}

/* The layers that write one tensor fill it without gaps, and nobody reads a part. */
static quell_status check_join(const struct quell_model *m, uint32_t index, quell_error *err)
{
    const struct quell_model_layer *l = &m->layers[index], *last;
    const struct quell_layer *t = &l->table;
    uint32_t words = 0, before = 0;
    if (!l->join) {
        EXPECT(t->out_pitch == t->out_c8 && !l->join_at, "its place in a joined tensor");
        return QUELL_OK;
    }
    EXPECT(l->join > index && l->join <= m->layer_count && m->layers[l->join - 1].join == l->join && index + 1 < m->layer_count, "its joined tensor");
    last = &m->layers[l->join - 1];
    for (uint32_t k = 0; k < l->join; k++)
        if (m->layers[k].join == l->join) {
            words += (uint32_t)m->layers[k].table.out_c8;
            before += m->layers[k].join_at < l->join_at ? (uint32_t)m->layers[k].table.out_c8 : 0;
        }
    EXPECT((uint32_t)t->out_pitch == words && l->join_at == before && (l->real_channels == l->channels || l->join_at + (uint32_t)t->out_c8 == words), "its place in a joined tensor");
    EXPECT(l->info.out_h == last->info.out_h && l->info.out_w == last->info.out_w && l->info.out_zero == last->info.out_zero, "its joined tensor's shape");
    for (uint32_t k = index + 1; k < m->layer_count && l->join != index + 1; k++)
        EXPECT(m->layers[k].input_layer != (int)index && m->layers[k].residual_layer != (int)index, "part of a joined tensor is read");
    return QUELL_OK;
}

static quell_status check_links(const struct quell_model *m, uint32_t index, quell_error *err)
{
    const struct quell_model_layer *l = &m->layers[index];
    const struct quell_layer *t = &l->table;
    uint32_t h, w, c;
    EXPECT(l->input_layer >= QUELL_IMAGE && l->input_layer < (int)index, "its input");
    source_shape(m, l->input_layer, &h, &w, &c);
    uint32_t c8 = (c + 7) / 8;
    int image = (uint32_t)t->in_h == h && (uint32_t)t->in_w == w && (uint32_t)t->in_c8 == c8;
    int vector = t->mode == 1 && t->in_h == 1 && t->in_w == 1 && (uint64_t)t->in_c8 == (uint64_t)h * w * c8;
    EXPECT(l->info.in_h == h && l->info.in_w == w && l->info.in_c == c && (image || vector), "its input's shape");
    EXPECT(t->mode != 0 || quell_real_inputs(t) == c, "its input's channels");
    EXPECT(t->wait_prev == (index == 0 || l->input_layer != (int)index - 1 ? 0 : image || h == 1 ? 1 : 2), "wait_prev");
    EXPECT((l->residual_layer != QUELL_NO_LAYER) == (t->residual != 0), "its residual");
    if (l->residual_layer != QUELL_NO_LAYER) {
        EXPECT(l->residual_layer >= QUELL_IMAGE && l->residual_layer < (int)index, "its residual");
        source_shape(m, l->residual_layer, &h, &w, &c);
        EXPECT(h == (uint32_t)t->out_h && w == (uint32_t)t->out_w && c == l->real_channels, "its residual's shape");
    }
    return QUELL_OK;
}

int64_t quell_channel_reach(const struct quell_model_layer *layer, uint32_t channel, int distance)
{
    size_t n = (size_t)layer->taps * layer->in_channels;
    const int8_t *w = layer->weights + channel * n;
    int64_t sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += abs(w[i]);
    return sum * distance + llabs((long long)layer->constants[channel].bias);
}

/* Bound of a channel's accumulator: every input code may take every value. */
static quell_status check_sums(const struct quell_model *m, uint32_t index, quell_error *err)
{
    const struct quell_model_layer *l = &m->layers[index];
    int reach = l->table.z_in < 0 ? 127 - l->table.z_in : 128 + l->table.z_in;
    for (uint32_t c = 0; c < l->channels; c++) {
        const struct quell_channel *k = &l->constants[c];
        int64_t sum = quell_channel_reach(l, c, reach);
        if (sum > INT32_MAX)
            return quell_fail(err, QUELL_E_TOO_LARGE, "layer '%s', channel %u: the accumulator could reach %lld, beyond 32 bits", l->info.name, c, (long long)sum);
        EXPECT(k->m < 1u << 24 && k->s >= 1 && k->s <= 63 && k->gain < 1u << 18 && k->offset >= -(1 << 23) && k->offset < 1 << 23 && k->a < 1u << 16 && k->b >= -(1 << 15) && k->b < 1 << 15,
               "a channel's constants");
    }
    return QUELL_OK;
}

static quell_status check_block(const struct quell_model *m, uint32_t index, quell_error *err)
{
    const struct quell_model_layer *l = &m->layers[index];
    const struct quell_block *b = l->block;
    EXPECT(b->channels == l->channels && b->m <= 15 && l->table.dn_width == (int)b->m && (l->dn_bottleneck != 0) == (b->m != 0), "its denoising block");
    for (uint32_t j = 0; j < b->m; j++) {
        int64_t sum1 = llabs((long long)b->b1[j]), sum2 = llabs((long long)b->b2[j]);
        for (uint32_t c = 0; c < b->channels; c++)
            sum1 += abs(b->w1[(size_t)j * b->channels + c]) * 256;
        for (uint32_t i = 0; i < b->m * 9; i++)
            sum2 += abs(b->w2[(size_t)j * b->m * 9 + i]) * 255;
        if (sum1 > INT32_MAX || sum2 > INT32_MAX)
            return quell_fail(err, QUELL_E_TOO_LARGE, "layer '%s': an accumulator of its denoising block could overflow 32 bits", l->info.name);
    }
    for (uint32_t c = 0; c < b->channels; c++)
        EXPECT(b->cv[c] >= -(1 << 23) && b->cv[c] < 1 << 23, "its denoising block's cv");
    return QUELL_OK;
}

quell_status quell_model_check(const struct quell_model *m, quell_error *err)
{
    quell_status status;
    const struct quell_model_info *i = &m->info;
    if (m->layer_count < 1 || m->layer_count > QUELL_LAYERS_MAX)
        return quell_fail(err, QUELL_E_MODEL, "the model has %u layers; supported: 1 to %d", m->layer_count, QUELL_LAYERS_MAX);
    if (i->image_h < 1 || i->image_w < 1 || i->image_c < 1 || i->image_c > 4 || i->image_pad > 255 || i->image_h + 2 * i->image_pad > 1023 || i->image_w + 2 * i->image_pad > 1023)
        return quell_fail(err, QUELL_E_MODEL, "the model's image is %u x %u x %u with %u pixels of padding; supported: up to 1023 x 1023 x 4", i->image_h, i->image_w, i->image_c, i->image_pad);
    for (uint32_t c = 1; i->image_pad && c < i->image_c; c++)
        if (m->pixel_code[c][0] != m->pixel_code[0][0])
            return quell_fail(err, QUELL_E_UNSUPPORTED, "the image is padded (metadata quell.padding), but a pixel of 0 has another code in every channel; pad in the network, behind its normalisation");
    for (uint32_t k = 0; k < m->layer_count; k++) {
        if ((status = check_geometry(m, k, err)) != QUELL_OK || (status = check_join(m, k, err)) != QUELL_OK || (status = check_links(m, k, err)) != QUELL_OK || (status = check_sums(m, k, err)) != QUELL_OK)
            return status;
        if (m->layers[k].block && (status = check_block(m, k, err)) != QUELL_OK)
            return status;
    }
    const struct quell_model_layer *last = &m->layers[m->layer_count - 1];
    if (last->info.out_h != 1 || last->info.out_w != 1 || last->info.out_c != i->classes)
        return quell_fail(err, QUELL_E_MODEL, "the last layer does not give one number a class");
    return QUELL_OK;
}

/* ---- sums ---- */

void quell_hash_bytes(uint64_t *hash, const void *data, size_t size)
{
    for (size_t i = 0; i < size; i++)
        *hash = (*hash ^ ((const uint8_t *)data)[i]) * 0x100000001B3u;
}

static void hash_words(uint64_t *hash, const void *words, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        uint32_t w = ((const uint32_t *)words)[i];
        const uint8_t bytes[4] = {(uint8_t)w, (uint8_t)(w >> 8), (uint8_t)(w >> 16), (uint8_t)(w >> 24)};
        quell_hash_bytes(hash, bytes, 4);
    }
}

/* Addresses depend on the hardware and do not change any result: they are left out. */
static void hash_layer(uint64_t *hash, const struct quell_model_layer *l)
{
    struct quell_layer t = l->table;
    uint32_t words[QUELL_LAYER_WORDS];
    t.in_addr = t.out_addr = t.res_addr = t.w_addr = t.const_addr = t.dn_pair_addr = t.dn_row_addr = t.table_index = 0;
    quell_layer_pack(&t, words);
    hash_words(hash, words, QUELL_LAYER_WORDS);
    const uint32_t links[4] = {(uint32_t)l->input_layer, (uint32_t)l->residual_layer, l->join, l->join_at};
    hash_words(hash, links, l->join ? 4 : 2);
    quell_hash_bytes(hash, l->weights, (size_t)l->channels * l->taps * l->in_channels);
    hash_words(hash, l->constants, l->channels * (sizeof *l->constants / 4));
    if (l->act_table)
        quell_hash_bytes(hash, l->act_table, QUELL_TABLE_CODES);
    const struct quell_block *b = l->block;
    if (!b)
        return;
    quell_hash_bytes(hash, b->d, (size_t)b->channels * 9);
    hash_words(hash, b->cv, b->channels);
    quell_hash_bytes(hash, b->w1, (size_t)b->m * b->channels);
    hash_words(hash, b->b1, b->m);
    quell_hash_bytes(hash, b->w2, (size_t)b->m * b->m * 9);
    hash_words(hash, b->b2, b->m);
    quell_hash_bytes(hash, b->wu, (size_t)b->channels * b->m);
    quell_hash_bytes(hash, b->wv, (size_t)b->channels * b->m);
}

/* Weights and a bias for every output channel. */
static uint32_t count_parameters(const struct quell_model_layer *l)
{
    uint64_t outputs = (uint64_t)l->table.out_h * (uint64_t)l->table.out_w * l->real_channels;
    return l->info.macs ? l->real_channels * (uint32_t)(l->info.macs / outputs + 1) : 0;
}

void quell_model_summarise(struct quell_model *m)
{
    struct quell_model_info *info = &m->info;
    info->layers = m->layer_count;
    info->parameters = info->denoiser_parameters = info->denoisers = 0;
    info->macs = info->denoiser_macs = 0;
    m->hash = QUELL_HASH_SEED;
    const uint32_t head[] = {info->image_h, info->image_w, info->image_c, info->image_pad, info->classes};
    hash_words(&m->hash, head, sizeof head / sizeof *head);
    quell_hash_bytes(&m->hash, m->pixel_code[0], sizeof m->pixel_code[0]);
    for (uint32_t c = 1; c < info->image_c; c++)
        if (memcmp(m->pixel_code[c], m->pixel_code[0], sizeof m->pixel_code[0]) != 0)
            quell_hash_bytes(&m->hash, m->pixel_code[c], sizeof m->pixel_code[c]);
    if (m->input.meaning.bgr)
        quell_hash_bytes(&m->hash, "bgr", 3);
    for (uint32_t i = 0; i < m->layer_count; i++) {
        const struct quell_model_layer *l = &m->layers[i];
        info->parameters += count_parameters(l);
        info->macs += l->info.macs;
        if (l->block) {
            info->denoisers++;
            info->denoiser_parameters += l->block->parameters;
            info->denoiser_macs += l->block->macs;
        }
        hash_layer(&m->hash, l);
    }
}

/* ---- public ---- */

void quell_model_get_info(const quell_model *model, quell_model_info *info) { *info = model->info; }

const char *quell_model_class_name(const quell_model *model, uint32_t index) { return model->class_names && index < model->info.classes ? model->class_names[index] : NULL; }

const char *quell_model_note(const quell_model *model, uint32_t index) { return index < model->note_count ? model->notes[index] : NULL; }

quell_status quell_model_get_layer(const quell_model *model, uint32_t index, quell_layer_info *info)
{
    if (index >= model->layer_count)
        return QUELL_E_USAGE;
    *info = model->layers[index].info;
    return QUELL_OK;
}

static void free_block(struct quell_block *b)
{
    if (!b)
        return;
    free(b->d);
    free(b->w1);
    free(b->b1);
    free(b->w2);
    free(b->b2);
    free(b->wu);
    free(b->wv);
    free(b->cv);
    free(b);
}

void quell_model_free(quell_model *model)
{
    if (!model)
        return;
    for (uint32_t i = 0; i < model->layer_count; i++) {
        free(model->layers[i].weights);
        free(model->layers[i].constants);
        free(model->layers[i].act_table);
        free_block(model->layers[i].block);
    }
    free(model->layers);
    for (uint32_t i = 0; model->class_names && i < model->info.classes; i++)
        free(model->class_names[i]);
    free(model->class_names);
    for (uint32_t i = 0; i < model->note_count; i++)
        free(model->notes[i]);
    free(model->notes);
    free(model);
}
