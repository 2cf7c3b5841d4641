/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Column correction measured on a device, layer by layer. For each layer the device runs a program that stops behind that layer's
 * ADC; the codes it gives are compared with what an ideal layer gives on the very codes that the device's layer read.
 */
#include "calibration.h"
#include "program.h"
#include "ref.h"

#include <stdlib.h>
#include <string.h>

#define MOST_SAMPLES 256u /* pixels of an image that are looked at, spread evenly */

/* One layer under observation. */
struct observation {
    quell_device *device;
    const struct quell_model *model;
    const quell_images *images;
    uint32_t first, count, noise_seed, layer;
    const struct qr_kernels *kernels;
    struct qr_layer ideal;
    struct qr_scratch scratch;
    size_t in_pixels;
    uint32_t in_channels;
    int8_t *packed, *input; /* codes read, without and with channel padding */
    int8_t *codes;          /* the chip's, conv outputs without channel padding */
    int32_t *values;        /* the ideal layer's, with padding */
    int32_t *v;             /* samples: struct qc_samples */
    int16_t *code;
    uint32_t per_image;
};

static const struct quell_model_layer *layer_of(const struct observation *o) { return &o->model->layers[o->layer]; }

static void forget(struct observation *o)
{
    qr_unpack(&o->ideal);
    qr_scratch_free(&o->scratch);
    free(o->packed);
    free(o->input);
    free(o->codes);
    free(o->values);
    free(o->v);
    free(o->code);
}

/* 0: no memory. */
static int prepare(struct observation *o)
{
    const struct quell_model_layer *l = layer_of(o);
    size_t pixels = (size_t)l->table.out_h * (size_t)l->table.out_w;
    memset(&o->scratch, 0, sizeof o->scratch);
    if (!qr_pack(&o->ideal, l))
        return 0;
    qr_source_shape(o->model, l->input_layer, &o->in_pixels, &o->in_channels);
    o->per_image = pixels < MOST_SAMPLES ? (uint32_t)pixels : MOST_SAMPLES;
    size_t samples = (size_t)o->count * o->per_image * l->real_channels;
    o->packed = malloc(o->in_pixels * o->in_channels);
    o->input = malloc(o->in_pixels * qr_round_up(o->in_channels, 8));
    o->codes = malloc(pixels * l->real_channels);
    o->values = malloc(pixels * l->channels * sizeof *o->values);
    o->v = malloc(samples * sizeof *o->v);
    o->code = malloc(samples * sizeof *o->code);
    return o->packed && o->input && o->codes && o->values && o->v && o->code && qr_scratch_make(&o->scratch, &o->ideal, 1);
}

/* What the layer reads when the device runs image i. */
static quell_status read_input(struct observation *o, uint32_t i, quell_error *err)
{
    int producer = layer_of(o)->input_layer;
    if (producer < 0) {
        qr_image_codes(o->model, o->images, o->first + i, o->input);
        return QUELL_OK;
    }
    const struct quell_model_layer *last = &o->model->layers[producer];
    size_t pitch = qr_round_up(o->in_channels, 8);
    memset(o->input, 0, o->in_pixels * pitch);
    for (int k = 0; k <= producer; k++) { /* the layer that made it, or all that wrote it */
        const struct quell_model_layer *l = &o->model->layers[k];
        if (last->join ? !quell_joins(l, producer) : k != producer)
            continue;
        quell_status status = quell_device_activations(o->device, o->images, o->first + i, o->noise_seed, i, (uint32_t)k, o->packed, err);
        if (status != QUELL_OK)
            return status;
        for (size_t p = 0; p < o->in_pixels; p++)
            memcpy(o->input + p * pitch + l->join_at * 8, o->packed + p * l->real_channels, l->real_channels);
    }
    return QUELL_OK;
}

static void take_samples(struct observation *o, uint32_t i)
{
    const struct quell_model_layer *l = layer_of(o);
    size_t pixels = (size_t)l->table.out_h * (size_t)l->table.out_w, at = (size_t)i * o->per_image * l->real_channels;
    for (uint32_t s = 0; s < o->per_image; s++) {
        size_t pixel = (s * pixels / o->per_image + 7 * (size_t)i) % pixels; /* other places in every image */
        for (uint32_t c = 0; c < l->real_channels; c++, at++) {
            o->v[at] = o->values[pixel * l->channels + c];
            int code = o->codes[pixel * l->real_channels + c];
            o->code[at] = (int16_t)(l->table.adc_wide ? 2 * code : code - l->table.z_v); /* as quell_program_observe has them sent */
        }
    }
}

static quell_status observe(struct observation *o, quell_progress progress, void *context, quell_error *err)
{
    for (uint32_t i = 0; i < o->count; i++) {
        quell_status status = read_input(o, i, err);
        if (status == QUELL_OK)
            status = quell_device_activations(o->device, o->images, o->first + i, o->noise_seed, i, o->layer, o->codes, err);
        if (status != QUELL_OK)
            return status;
        qr_run_values(o->kernels, &o->ideal, &o->scratch, o->input, o->values);
        take_samples(o, i);
        if (progress && progress(context, o->layer * o->count + i + 1))
            return quell_fail(err, QUELL_E_INTERRUPTED, "calibration stopped in layer %u of %u", o->layer, o->model->layer_count);
    }
    return QUELL_OK;
}

/* Observe one layer of the chip and put its correction into the calibration and the chip. */
static quell_status calibrate_layer(struct observation *o, struct quell_program *chip, struct quell_calibration *calibration, quell_progress progress, void *context, quell_error *err)
{
    const struct quell_model_layer *l = layer_of(o);
    quell_program *variant = NULL;
    quell_limits limits;
    quell_status status = quell_device_get_limits(o->device, &limits, err);
    if (status == QUELL_OK)
        status = quell_program_observe(chip, o->layer, &limits, &variant, err);
    if (status == QUELL_OK)
        status = quell_device_load(o->device, variant, err);
    if (status == QUELL_OK && !prepare(o))
        status = quell_fail(err, QUELL_E_MEMORY, "out of memory for %u images of layer %u", o->count, o->layer);
    if (status == QUELL_OK)
        status = observe(o, progress, context, err);
    if (status == QUELL_OK) {
        struct qc_samples samples = {o->count, o->per_image, l->real_channels, qa_low(l->table.z_v, l->table.adc_wide), qa_high(l->table.z_v, l->table.adc_wide), o->v, o->code};
        if (!qc_fit(&samples, calibration->a[o->layer], calibration->b[o->layer]))
            status = quell_fail(err, QUELL_E_MEMORY, "out of memory for layer %u", o->layer);
    }
    if (status == QUELL_OK)
        quell_program_correct(chip, o->layer, calibration);
    forget(o);
    o->device->program = NULL; /* the variant ends here */
    quell_program_free(variant);
    return status;
}

static quell_status check(const struct quell_model *model, const quell_images *images, uint32_t first, uint32_t count, quell_error *err)
{
    quell_images_info info;
    quell_images_get_info(images, &info);
    if (info.h != model->info.image_h || info.w != model->info.image_w || info.c != model->info.image_c)
        return quell_fail(err, QUELL_E_IMAGES, "images are %ux%ux%u (height, width, channels), the model wants %ux%ux%u", info.h, info.w, info.c, model->info.image_h, model->info.image_w, model->info.image_c);
    if (first > info.count || count > info.count - first)
        return quell_fail(err, QUELL_E_USAGE, "images %u to %llu wanted, there are %u", first, (unsigned long long)first + count, info.count);
    return count ? QUELL_OK : quell_fail(err, QUELL_E_USAGE, "calibration needs at least one image");
}

static struct quell_calibration *identity(const struct quell_model *model, uint32_t chip)
{
    uint32_t *channels = malloc(model->layer_count * sizeof *channels);
    if (!channels)
        return NULL;
    for (uint32_t i = 0; i < model->layer_count; i++)
        channels[i] = model->layers[i].channels;
    struct quell_calibration *c = qc_new(model->layer_count, channels);
    free(channels);
    if (c) {
        c->model_hash = model->hash;
        c->chip = chip;
    }
    return c;
}

quell_status quell_calibrate(quell_device *device, const quell_model *model, const quell_profile *profile, uint32_t chip, const quell_images *images, uint32_t first, uint32_t count, uint32_t noise_seed,
                             quell_calibration **calibration, quell_progress progress, void *context, quell_error *err)
{
    quell_program *program = NULL;
    enum qr_path path = QR_SCALAR;
    *calibration = NULL;
    quell_status status = check(model, images, first, count, err);
    if (status == QUELL_OK)
        status = qr_choose_path(&path, err);
    if (status == QUELL_OK)
        status = quell_program_make(model, profile, chip, NULL, QUELL_DENOISER_OFF, &program, err);
    if (status != QUELL_OK)
        return status;
    struct quell_calibration *made = identity(model, chip);
    if (!made)
        status = quell_fail(err, QUELL_E_MEMORY, "out of memory for a calibration");
    for (uint32_t i = 0; i < model->layer_count && status == QUELL_OK; i++) {
        if (!program->layers[i].table.noise)
            continue; /* nothing analog here */
        struct observation o = {.device = device, .model = model, .images = images, .first = first, .count = count, .noise_seed = noise_seed, .layer = i, .kernels = qr_kernels_of(path)};
        status = calibrate_layer(&o, program, made, progress, context, err);
    }
    quell_program_free(program);
    if (status != QUELL_OK) {
        quell_calibration_free(made);
        return status;
    }
    *calibration = made;
    return QUELL_OK;
}
