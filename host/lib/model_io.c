/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compiled models as files (.quell). Little-endian: 8 bytes of magic, u32 format, u32 CRC-32 of the rest, u64 length of the rest; then what
 * the functions put_... write, in their order. Addresses are stored too but given anew on loading, for the hardware asked for.
 */
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "compiled.h"
#include "file.h"
#include "input.h"

enum { FORMAT = 6, HEADER_BYTES = 24, NAME_BYTES_MAX = 4096 };
static const uint8_t MAGIC[8] = {'Q', 'U', 'E', 'L', 'L', 'M', 'D', 'L'};

/* ---- writing ---- */

struct writer {
    uint8_t *data;
    size_t size, room;
    int failed;
};

static void put_bytes(struct writer *w, const void *data, size_t size)
{
    if (w->size + size > w->room && !w->failed) {
        size_t room = (w->size + size) * 2 + 4096;
        uint8_t *more = realloc(w->data, room);
        w->failed = !more;
        if (more) {
            w->data = more;
            w->room = room;
        }
    }
    if (w->failed || size == 0)
        return;
    memcpy(w->data + w->size, data, size);
    w->size += size;
}

static void put_u32(struct writer *w, uint32_t v)
{
    const uint8_t bytes[4] = {(uint8_t)v, (uint8_t)(v >> 8), (uint8_t)(v >> 16), (uint8_t)(v >> 24)};
    put_bytes(w, bytes, 4);
}

static void put_words(struct writer *w, const void *words, size_t count)
{
    for (size_t i = 0; i < count; i++)
        put_u32(w, ((const uint32_t *)words)[i]);
}

static void put_u64(struct writer *w, uint64_t v)
{
    put_u32(w, (uint32_t)v);
    put_u32(w, (uint32_t)(v >> 32));
}

static void put_block(struct writer *w, const struct quell_block *b)
{
    put_u32(w, b->m);
    put_u32(w, b->parameters);
    put_u64(w, b->macs);
    put_bytes(w, b->d, (size_t)b->channels * 9);
    put_words(w, b->cv, b->channels);
    put_bytes(w, b->w1, (size_t)b->m * b->channels);
    put_words(w, b->b1, b->m);
    put_bytes(w, b->w2, (size_t)b->m * b->m * 9);
    put_words(w, b->b2, b->m);
    put_bytes(w, b->wu, (size_t)b->channels * b->m);
    put_bytes(w, b->wv, (size_t)b->channels * b->m);
}

static void put_layer(struct writer *w, const struct quell_model_layer *l)
{
    uint32_t words[QUELL_LAYER_WORDS], scale;
    const struct quell_layer_info *i = &l->info;
    quell_layer_pack(&l->table, words);
    put_words(w, words, QUELL_LAYER_WORDS);
    put_bytes(w, i->name, sizeof i->name);
    put_bytes(w, i->output, sizeof i->output);
    put_bytes(w, i->input, sizeof i->input);
    put_bytes(w, i->residual, sizeof i->residual);
    memcpy(&scale, &i->out_scale, 4);
    const uint32_t numbers[] = {scale, (uint32_t)i->out_zero, i->in_h, i->in_w, i->in_c, i->conversions, l->real_channels, l->taps, l->in_channels,
                                (uint32_t)l->input_layer, (uint32_t)l->residual_layer, (uint32_t)l->dn_depthwise, (uint32_t)l->dn_bottleneck, l->block != NULL, i->kernel_h, i->kernel_w, i->dilation_y, i->dilation_x, i->groups, l->join, l->join_at};
    put_words(w, numbers, sizeof numbers / sizeof *numbers);
    put_u64(w, i->macs);
    put_bytes(w, l->weights, (size_t)l->channels * l->taps * l->in_channels);
    put_words(w, l->constants, l->channels * (sizeof *l->constants / 4));
    if (l->act_table)
        put_bytes(w, l->act_table, QUELL_TABLE_CODES);
    if (l->block)
        put_block(w, l->block);
}

static void put_float(struct writer *w, double value)
{
    uint64_t bits;
    memcpy(&bits, &value, 8);
    put_u64(w, bits);
}

static void put_floats(struct writer *w, const double *values, size_t count)
{
    for (size_t i = 0; i < count; i++)
        put_float(w, values[i]);
}

static void put_input(struct writer *w, const struct quell_model_input *in)
{
    const quell_input *m = &in->meaning;
    const uint32_t numbers[] = {m->said, m->means, m->stds, m->bgr, m->nhwc, in->source, in->type, in->code_type, (uint32_t)in->zero, (uint32_t)in->element_zero, in->file_nhwc, in->shared, in->step_count, m->resize};
    put_words(w, numbers, sizeof numbers / sizeof *numbers);
    put_float(w, m->scale);
    put_floats(w, m->mean, 4);
    put_floats(w, m->std, 4);
    put_float(w, in->scale);
    put_float(w, in->element_scale);
    for (uint32_t i = 0; i < in->step_count; i++) {
        put_u32(w, in->steps[i].op);
        put_floats(w, in->steps[i].k, QUELL_CHANNELS_MAX);
        put_float(w, in->steps[i].high);
    }
}

static void put_model(struct writer *w, const struct quell_model *m)
{
    const quell_model_info *i = &m->info;
    const uint32_t numbers[] = {i->image_h, i->image_w, i->image_c, i->image_pad, i->classes, m->layer_count, m->class_names != NULL, i->end};
    put_words(w, numbers, sizeof numbers / sizeof *numbers);
    put_bytes(w, m->pixel_code, sizeof m->pixel_code);
    put_input(w, &m->input);
    for (uint32_t c = 0; m->class_names && c < i->classes; c++) {
        put_u32(w, (uint32_t)strlen(m->class_names[c]));
        put_bytes(w, m->class_names[c], strlen(m->class_names[c]));
    }
    for (uint32_t k = 0; k < m->layer_count; k++)
        put_layer(w, &m->layers[k]);
}

quell_status quell_model_save(const quell_model *model, const char *path, quell_error *err)
{
    struct writer body = {0}, head = {0};
    put_model(&body, model);
    put_bytes(&head, MAGIC, sizeof MAGIC);
    put_u32(&head, FORMAT);
    put_u32(&head, body.failed ? 0 : (uint32_t)crc32(0, body.data, (uInt)body.size));
    put_u64(&head, body.size);
    quell_status status = body.failed || head.failed ? quell_fail(err, QUELL_E_MEMORY, "out of memory") : QUELL_OK;
    struct quell_file_out out;
    if (status == QUELL_OK)
        status = quell_file_create(&out, path, err);
    if (status == QUELL_OK) {
        fwrite(head.data, 1, head.size, out.stream);
        fwrite(body.data, 1, body.size, out.stream);
        status = quell_file_commit(&out, err);
    }
    free(body.data);
    free(head.data);
    return status;
}

/* ---- reading ---- */

struct reader {
    const uint8_t *p, *end;
    int failed; /* cut off, or out of memory */
};

static void get_bytes(struct reader *r, void *data, size_t size)
{
    if (r->failed || (size_t)(r->end - r->p) < size) {
        r->failed = 1;
        memset(data, 0, size);
        return;
    }
    memcpy(data, r->p, size);
    r->p += size;
}

static uint32_t get_u32(struct reader *r)
{
    uint8_t b[4];
    get_bytes(r, b, 4);
    return (uint32_t)b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
}

static uint64_t get_u64(struct reader *r)
{
    uint64_t low = get_u32(r);
    return low | (uint64_t)get_u32(r) << 32;
}

static void get_words(struct reader *r, void *words, size_t count)
{
    for (size_t i = 0; i < count; i++)
        ((uint32_t *)words)[i] = get_u32(r);
}

/* A new array of count elements; NULL (and failed) if the file cannot hold them. */
static void *get_array(struct reader *r, uint64_t count, size_t element)
{
    if (r->failed || count > (uint64_t)(r->end - r->p) / element) {
        r->failed = 1;
        return NULL;
    }
    void *data = calloc(count ? count : 1, element);
    if (!data)
        r->failed = 1;
    else if (element == 1)
        get_bytes(r, data, count);
    else
        get_words(r, data, count * (element / 4));
    return data;
}

static void get_name(struct reader *r, char name[64])
{
    get_bytes(r, name, 64);
    name[63] = 0;
}

static void get_block(struct reader *r, struct quell_model_layer *l)
{
    struct quell_block *b = l->block = calloc(1, sizeof *b);
    if (!b) {
        r->failed = 1;
        return;
    }
    uint64_t c = b->channels = l->channels, m = b->m = get_u32(r);
    if (m > 15)
        r->failed = 1;
    b->parameters = get_u32(r);
    l->info.denoiser_macs = b->macs = get_u64(r);
    b->d = get_array(r, c * 9, 1);
    b->cv = get_array(r, c, 4);
    b->w1 = get_array(r, m * c, 1);
    b->b1 = get_array(r, m, 4);
    b->w2 = get_array(r, m * m * 9, 1);
    b->b2 = get_array(r, m, 4);
    b->wu = get_array(r, c * m, 1);
    b->wv = get_array(r, c * m, 1);
    l->info.has_denoiser = 1;
}

static void get_layer(struct reader *r, struct quell_model_layer *l)
{
    uint32_t words[QUELL_LAYER_WORDS], n[21];
    struct quell_layer_info *i = &l->info;
    get_words(r, words, QUELL_LAYER_WORDS);
    quell_layer_unpack(words, &l->table);
    get_name(r, i->name);
    get_name(r, i->output);
    get_name(r, i->input);
    get_name(r, i->residual);
    get_words(r, n, sizeof n / sizeof *n);
    memcpy(&i->out_scale, &n[0], 4);
    i->out_zero = (int32_t)n[1];
    i->in_h = n[2];
    i->in_w = n[3];
    i->in_c = n[4];
    i->conversions = n[5];
    i->out_c = l->real_channels = n[6];
    l->taps = n[7];
    l->in_channels = n[8];
    l->input_layer = (int)n[9];
    l->residual_layer = (int)n[10];
    l->dn_depthwise = n[11] != 0;
    l->dn_bottleneck = n[12] != 0;
    i->kernel_h = n[14];
    i->kernel_w = n[15];
    i->dilation_y = n[16];
    i->dilation_x = n[17];
    i->groups = n[18];
    l->join = n[19];
    l->join_at = n[20];
    i->macs = get_u64(r);
    l->channels = (uint32_t)l->table.out_c8 * 8;
    i->out_h = (uint32_t)l->table.pooled_h;
    i->out_w = (uint32_t)l->table.pooled_w;
    if (l->taps > 9 * 256 || l->in_channels > 4095 * 8)
        r->failed = 1;
    l->weights = get_array(r, (uint64_t)l->channels * l->taps * l->in_channels, 1);
    l->constants = get_array(r, l->channels, sizeof *l->constants);
    if (l->table.table_on && !r->failed)
        l->act_table = get_array(r, QUELL_TABLE_CODES, 1);
    if (n[13] && !r->failed)
        get_block(r, l);
}

static double get_float(struct reader *r)
{
    uint64_t bits = get_u64(r);
    double value;
    memcpy(&value, &bits, 8);
    return value;
}

static void get_floats(struct reader *r, double *values, size_t count)
{
    for (size_t i = 0; i < count; i++)
        values[i] = get_float(r);
}

static void get_input(struct reader *r, struct quell_model_input *in)
{
    uint32_t n[14];
    quell_input *m = &in->meaning;
    get_words(r, n, 14);
    m->said = n[0];
    m->means = n[1];
    m->stds = n[2];
    m->bgr = n[3];
    m->nhwc = n[4];
    in->source = n[5];
    in->type = n[6];
    in->code_type = n[7];
    in->zero = (int32_t)n[8];
    in->element_zero = (int32_t)n[9];
    in->file_nhwc = n[10];
    in->shared = n[11];
    in->step_count = n[12];
    m->resize = n[13];
    m->scale = get_float(r);
    get_floats(r, m->mean, 4);
    get_floats(r, m->std, 4);
    in->scale = (float)get_float(r);
    in->element_scale = (float)get_float(r);
    if (m->means > 4 || m->stds > 4 || m->bgr > 1 || m->nhwc > 1 || m->resize > QUELL_RESIZE_MAX || in->source > QUELL_INPUT_UNKNOWN || in->type < 1 || in->type > 3 || in->code_type < 2 || in->code_type > 3 || in->zero < -128 ||
        in->zero > 127 || !(in->scale > 0) || in->step_count > QUELL_INPUT_STEPS_MAX) {
        in->step_count = 0;
        r->failed = 1;
    }
    for (uint32_t i = 0; i < in->step_count; i++) {
        in->steps[i].op = get_u32(r);
        get_floats(r, in->steps[i].k, QUELL_CHANNELS_MAX);
        in->steps[i].high = get_float(r);
        if (in->steps[i].op >= INPUT_OPS)
            r->failed = 1;
    }
}

static void get_model(struct reader *r, struct quell_model *m)
{
    uint32_t n[8];
    quell_model_info *i = &m->info;
    get_words(r, n, 8);
    get_bytes(r, m->pixel_code, sizeof m->pixel_code);
    get_input(r, &m->input);
    i->image_h = n[0];
    i->image_w = n[1];
    i->image_c = n[2];
    i->image_pad = n[3];
    if (r->failed || n[4] < 1 || n[4] > 4095 * 8 || n[5] < 1 || n[5] > QUELL_LAYERS_MAX || !(m->layers = calloc(n[5], sizeof *m->layers))) {
        r->failed = 1;
        return;
    }
    i->classes = n[4];
    i->end = n[7];
    if (i->end > QUELL_END_ARGMAX)
        r->failed = 1;
    if (n[6] && !(m->class_names = calloc(i->classes, sizeof *m->class_names)))
        r->failed = 1;
    for (uint32_t c = 0; m->class_names && c < i->classes && !r->failed; c++) {
        uint32_t length = get_u32(r);
        m->class_names[c] = calloc(length <= NAME_BYTES_MAX ? length + 1 : 1, 1);
        if (length > NAME_BYTES_MAX || !m->class_names[c])
            r->failed = 1;
        else
            get_bytes(r, m->class_names[c], length);
    }
    for (; m->layer_count < n[5] && !r->failed; m->layer_count++)
        get_layer(r, &m->layers[m->layer_count]);
}

int quell_is_compiled(const uint8_t *data, size_t size) { return size >= sizeof MAGIC && memcmp(data, MAGIC, sizeof MAGIC) == 0; }

quell_status quell_model_read(const char *path, const uint8_t *data, size_t size, struct quell_model *model, quell_error *err)
{
    struct reader r = {.p = data + sizeof MAGIC, .end = data + size};
    uint32_t format = get_u32(&r), crc = get_u32(&r);
    uint64_t length = get_u64(&r);
    if (!r.failed && format != FORMAT)
        return quell_fail(err, QUELL_E_MODEL, "%s is a compiled model of format %u; this version reads format %d", path, format, FORMAT);
    if (r.failed || length != size - HEADER_BYTES)
        return quell_fail(err, QUELL_E_MODEL, "%s is truncated, or something was added to it", path);
    if (crc != (uint32_t)crc32(0, data + HEADER_BYTES, (uInt)length))
        return quell_fail(err, QUELL_E_MODEL, "%s is damaged: its CRC is wrong", path);
    get_model(&r, model);
    if (r.failed || r.p != r.end)
        return quell_fail(err, QUELL_E_MODEL, "%s is inconsistent", path);
    return QUELL_OK;
}
