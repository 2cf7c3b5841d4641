/* SPDX-License-Identifier: Apache-2.0 */
/* A device at the other end of a link; see remote.h. */
#include "remote.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compiled.h"
#include "input.h"
#include "parameters.h"

enum { MESSAGE_HEAD = sizeof(struct qp_header), READ_HEAD = sizeof(struct qp_read), IMAGE_HEAD = sizeof(struct qp_image), RESULT_HEAD = sizeof(struct qp_result) };

static const uint64_t COUNTERS_AT_LEAST_EVERY = 1u << 30; /* cycles: before a 32-bit counter can come round */

quell_status quell_remote_explain(struct quell_remote *r, quell_status status, quell_error *err)
{
    char why[120] = "";
    if (status != QUELL_E_DEVICE_LOST || !err || !r->reason)
        return status;
    r->reason(r, why, sizeof why);
    size_t used = strlen(err->text);
    if (*why)
        snprintf(err->text + used, sizeof err->text - used, ": %s", why);
    return status;
}

/* ---- hello ---- */

quell_status quell_remote_start(struct quell_remote *r, quell_error *err)
{
    const uint8_t *p;
    unsigned major = 0, minor = 0, patch = 0;
    quell_status status = quell_link_hello(&r->link, &p, err);
    if (status != QUELL_OK)
        return quell_remote_explain(r, status, err);
    uint32_t v[sizeof(struct qp_info) / 4];
    for (size_t i = 0; i < sizeof v / sizeof *v; i++)
        v[i] = quell_get32(p + 4 * i);
    sscanf(quell_version(), "%u.%u.%u", &major, &minor, &patch);
    if (v[0] != (major << 16 | minor << 8 | patch))
        return quell_fail(err, QUELL_E_VERSION, "the device has version %u.%u.%u, this is %s: both must be of one build", v[0] >> 16, v[0] >> 8 & 255, v[0] & 255, quell_version());
    r->base.info.version = v[0];
    r->base.info.build = v[1];
    r->limits = (quell_limits){.cores = v[2], .bottleneck_max = v[3], .act_words = v[4], .weight_words = v[5], .const_words = v[6], .row_words = v[7], .dn_pair_words = v[8], .dn_row_words = v[9],
                               .line_words = v[10], .max_payload = v[11], .tables = v[12], .ext_words = v[13]};
    r->program[0] = v[14];
    r->program[1] = v[15];
    if (r->limits.max_payload < 256 || r->limits.max_payload > QP_MAX_PAYLOAD || r->limits.cores < 4 || r->limits.cores > 64)
        return quell_fail(err, QUELL_E_DEVICE, "the device says impossible things about itself (%u cores, messages of %u bytes)", r->limits.cores, r->limits.max_payload);
    return QUELL_OK;
}

quell_status quell_remote_get_limits(quell_device *device, quell_limits *limits, quell_error *err)
{
    (void)err;
    *limits = quell_remote_of(device)->limits;
    return QUELL_OK;
}

/* ---- counters ---- */

/* Read the counters; add what happened since the last time, or forget it. Nothing else may be under way. */
static quell_status read_counters(struct quell_remote *r, int add, quell_error *err)
{
    const uint8_t *p;
    quell_counters *c = &r->counters;
    uint64_t *const sums[10] = {&c->array_busy, &c->array_starved, &c->array_blocked, &c->post_busy, &c->post_starved, &c->post_blocked, &c->samples, &c->dn_busy, &c->dn_blocked, &c->window_wait};
    TRY(quell_link_ask(&r->link, QP_COUNTERS, NULL, QP_COUNTER_COUNT * 4, &p, err));
    for (int i = 0; i < 10; i++) {
        uint32_t now = quell_get32(p + 4 * i);
        if (add)
            *sums[i] += (uint32_t)(now - r->seen[i]);
        r->seen[i] = now;
    }
    r->unread_cycles = 0;
    return QUELL_OK;
}

quell_status quell_remote_get_counters(quell_device *device, quell_counters *counters, quell_error *err)
{
    struct quell_remote *r = quell_remote_of(device);
    if (r->unread_cycles)
        TRY(quell_remote_explain(r, read_counters(r, 1, err), err));
    *counters = r->counters;
    return QUELL_OK;
}

/* ---- images ---- */

static void image_head(uint8_t head[IMAGE_HEAD], uint32_t noise_seed, uint32_t inference, uint32_t layers)
{
    quell_put32(head, inference);
    quell_put32(head + 4, noise_seed);
    quell_put32(head + 8, layers);
}

static quell_status send_image(struct quell_remote *r, const quell_images *images, uint32_t index, uint32_t noise_seed, uint32_t inference, uint32_t layers, uint8_t *codes, quell_error *err)
{
    const struct quell_model *m = r->base.program->model;
    size_t size = (size_t)m->info.image_h * m->info.image_w * m->info.image_c;
    const int8_t *given = quell_images_codes(images, index);
    const uint8_t *pixels = given ? NULL : quell_images_pixels(images, index);
    const uint32_t channels = m->info.image_c;
    uint8_t head[IMAGE_HEAD];
    for (size_t i = 0; i < size; i += channels)
        for (uint32_t c = 0; c < channels; c++)
            codes[i + c] = (uint8_t)(given ? given[i + c] : m->pixel_code[c][pixels[i + input_colour(m, c)]]);
    image_head(head, noise_seed, inference, layers);
    const struct quell_piece pieces[2] = {{head, sizeof head}, {codes, size}};
    return quell_link_send(&r->link, QP_IMAGE, pieces, err);
}

/* The image that was sent last. */
static quell_status send_repeat(struct quell_remote *r, uint32_t noise_seed, uint32_t inference, uint32_t layers, quell_error *err)
{
    uint8_t head[IMAGE_HEAD];
    image_head(head, noise_seed, inference, layers);
    const struct quell_piece pieces[2] = {{head, sizeof head}, {NULL, 0}};
    return quell_link_send(&r->link, QP_REPEAT, pieces, err);
}

static quell_status receive_result(struct quell_remote *r, int8_t *logits, quell_error *err)
{
    const uint8_t *p;
    uint32_t classes = r->base.program->model->info.classes;
    TRY(quell_link_receive(&r->link, RESULT_HEAD + classes, &p, err));
    uint64_t cycles = quell_get32(p);
    r->counters.cycles += cycles;
    r->counters.macs += quell_get32(p + 4) | (uint64_t)quell_get32(p + 8) << 32;
    r->counters.images++;
    r->counters.link_received += MESSAGE_HEAD + RESULT_HEAD + classes;
    r->unread_cycles += cycles;
    memcpy(logits, p + RESULT_HEAD, classes);
    return QUELL_OK;
}

/* Does the image stay where it is while the layers run? Then the device runs it again without being sent it again; as the firmware finds out too. */
static int image_stays(const struct quell_program *program)
{
    const struct quell_model *m = program->model;
    const quell_model_info *info = &m->info;
    uint32_t size = (info->image_h + 2 * info->image_pad) * (info->image_w + 2 * info->image_pad) * ((info->image_c + 7) / 8);
    for (uint32_t i = 0; i < m->layer_count; i++) {
        const struct quell_model_layer *l = &program->layers[i];
        uint32_t from = (uint32_t)l->table.out_addr, words = (l->info.out_h * l->info.out_w - 1) * (uint32_t)l->table.out_pitch + l->channels / 8;
        for (int k = 0; k < 2; k++)
            if (from < m->input_addr[k] + size && m->input_addr[k] < from + words)
                return 0;
    }
    return m->input_addr[0] == m->input_addr[1] || m->input_addr[0] + size <= m->input_addr[1] || m->input_addr[1] + size <= m->input_addr[0];
}

static quell_status send_inference(struct quell_remote *r, const struct quell_batch *b, uint32_t number, int again, uint8_t *codes, quell_error *err)
{
    const quell_model_info *info = &r->base.program->model->info;
    uint32_t image = number / b->seeds, seed = b->noise_seed + number % b->seeds, inference = b->first_inference + image, layers = r->base.program->model->unit_count;
    r->counters.link_sent += MESSAGE_HEAD + IMAGE_HEAD + (again ? 0 : info->image_h * info->image_w * info->image_c);
    return again ? send_repeat(r, seed, inference, layers, err) : send_image(r, b->images, b->first + image, seed, inference, layers, codes, err);
}

/* Send images ahead as far as the window and the counters allow. */
static quell_status send_ahead(struct quell_remote *r, const struct quell_batch *b, uint32_t *sent, int stays, uint8_t *codes, quell_error *err)
{
    while (*sent < b->count * b->seeds && *sent - *b->done < QUELL_LINK_WINDOW && r->unread_cycles <= COUNTERS_AT_LEAST_EVERY) {
        TRY(send_inference(r, b, *sent, stays && *sent % b->seeds != 0, codes, err));
        ++*sent;
    }
    return QUELL_OK;
}

/* After a failed send, or Ctrl-C, what is under way is still received: those results are valid. */
static quell_status run_batch(struct quell_remote *r, const struct quell_batch *b, uint8_t *codes, quell_error *err)
{
    quell_status status = QUELL_OK;
    uint32_t sent = 0, classes = r->base.program->model->info.classes, count = b->count * b->seeds;
    int stop = 0, stays = image_stays(r->base.program);
    while (*b->done < count) {
        if (r->unread_cycles > COUNTERS_AT_LEAST_EVERY && sent == *b->done && status == QUELL_OK)
            TRY(read_counters(r, 1, err));
        if (!stop && status == QUELL_OK)
            status = send_ahead(r, b, &sent, stays, codes, err);
        if (sent == *b->done)
            break;
        quell_status received = receive_result(r, b->logits + (size_t)*b->done * classes, status == QUELL_OK ? err : NULL);
        if (received != QUELL_OK)
            return status == QUELL_OK ? received : status;
        ++*b->done;
        stop |= b->progress && b->progress(b->context, *b->done) != 0;
    }
    if (status == QUELL_OK && stop)
        return quell_fail(err, QUELL_E_INTERRUPTED, "interrupted after %u of %u images", *b->done, count);
    return status;
}

quell_status quell_remote_run(quell_device *device, const struct quell_batch *b, quell_error *err)
{
    struct quell_remote *r = quell_remote_of(device);
    const quell_model_info *info = &device->program->model->info;
    uint8_t *codes = malloc((size_t)info->image_h * info->image_w * info->image_c);
    if (!codes)
        return quell_fail(err, QUELL_E_MEMORY, "out of memory");
    quell_status status = quell_remote_explain(r, run_batch(r, b, codes, err), err);
    free(codes);
    if (status != QUELL_OK && status != QUELL_E_INTERRUPTED && err) {
        size_t used = strlen(err->text);
        snprintf(err->text + used, sizeof err->text - used, "; %u of %u images were done", *b->done, b->count * b->seeds);
    }
    return status;
}

/* ---- activations ---- */

static quell_status read_tensor(struct quell_remote *r, const struct quell_model_layer *l, int8_t *codes, quell_error *err)
{
    uint32_t pixels = l->info.out_h * l->info.out_w, c8 = l->channels / 8, pitch = (uint32_t)l->table.out_pitch, words = (pixels - 1) * pitch + c8, most = r->limits.max_payload / 8;
    for (uint32_t done = 0; done < words;) {
        uint32_t n = words - done < most ? words - done : most;
        uint8_t head[READ_HEAD];
        const uint8_t *p;
        quell_put32(head, (uint32_t)l->table.out_addr + done);
        quell_put32(head + 4, n);
        const struct quell_piece pieces[2] = {{head, sizeof head}, {NULL, 0}};
        TRY(quell_link_ask(&r->link, QP_READ, pieces, n * 8, &p, err));
        for (uint32_t i = 0; i < n * 8; i++) {
            uint32_t element = done * 8 + i, c = element % (pitch * 8); /* of a joined tensor others' words come too */
            if (c < l->info.out_c)
                codes[(size_t)(element / (pitch * 8)) * l->info.out_c + c] = (int8_t)p[i];
        }
        done += n;
    }
    return QUELL_OK;
}

static quell_status fetch(struct quell_remote *r, const quell_images *images, uint32_t index, uint32_t noise_seed, uint32_t inference, uint32_t layer, int8_t *codes, quell_error *err)
{
    const struct quell_model_layer *l = &r->base.program->layers[layer];
    const quell_model_info *info = &r->base.program->model->info;
    const uint8_t *p;
    if (r->unread_cycles)
        TRY(read_counters(r, 1, err)); /* what follows is not counted */
    uint8_t *buffer = malloc((size_t)info->image_h * info->image_w * info->image_c);
    if (!buffer)
        return quell_fail(err, QUELL_E_MEMORY, "out of memory");
    quell_status status = send_image(r, images, index, noise_seed, inference, quell_units_until(r->base.program->model, layer), buffer, err);
    free(buffer);
    TRY(status);
    TRY(quell_link_receive(&r->link, RESULT_HEAD + info->classes, &p, err));
    TRY(read_tensor(r, l, codes, err));
    return read_counters(r, 0, err);
}

quell_status quell_remote_activations(quell_device *device, const quell_images *images, uint32_t index, uint32_t noise_seed, uint32_t inference, uint32_t layer, int8_t *codes, quell_error *err)
{
    struct quell_remote *r = quell_remote_of(device);
    return quell_remote_explain(r, fetch(r, images, index, noise_seed, inference, layer, codes, err), err);
}
