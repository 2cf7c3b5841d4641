/* SPDX-License-Identifier: Apache-2.0 */
/* Make a program: a model on one chip (chip.c), with its calibration and the denoiser's mode. */
#include "program.h"
#include "ref.h"

#include <stdlib.h>
#include <string.h>

/* ---- Programs -------------------------------------------------------------------------------------------------------------------------- */

static quell_status check_calibration(const struct quell_model *model, uint32_t chip, const struct quell_calibration *calibration, quell_error *err)
{
    if (calibration->model_hash != model->hash)
        return quell_fail(err, QUELL_E_CALIBRATION, "this calibration was made for another model (its number is %016llx, this model's %016llx)", (unsigned long long)calibration->model_hash, (unsigned long long)model->hash);
    if (calibration->chip != chip)
        return quell_fail(err, QUELL_E_CALIBRATION, "this calibration was made for chip %u, not for chip %u", calibration->chip, chip);
    if (calibration->layer_count != model->layer_count)
        return quell_fail(err, QUELL_E_CALIBRATION, "this calibration has %u layers, the model %u", calibration->layer_count, model->layer_count);
    for (uint32_t i = 0; i < model->layer_count; i++)
        if (calibration->channels[i] != model->layers[i].channels)
            return quell_fail(err, QUELL_E_CALIBRATION, "this calibration has %u channels in layer %u, the model %u", calibration->channels[i], i, model->layers[i].channels);
    return QUELL_OK;
}

void quell_program_correct(struct quell_program *program, uint32_t layer, const struct quell_calibration *calibration)
{
    struct quell_model_layer *l = &program->layers[layer];
    l->table.correct = 1;
    for (uint32_t c = 0; c < l->channels; c++) {
        l->constants[c].a = calibration->a[layer][c];
        l->constants[c].b = calibration->b[layer][c];
    }
}

/* Own copies of weights and constants. */
static int copy_layer(struct quell_model_layer *to, const struct quell_model_layer *from)
{
    size_t weights = (size_t)from->channels * from->taps * from->in_channels;
    *to = *from;
    to->weights = malloc(weights);
    to->constants = malloc(from->channels * sizeof *to->constants);
    if (!to->weights || !to->constants)
        return 0;
    memcpy(to->weights, from->weights, weights);
    memcpy(to->constants, from->constants, from->channels * sizeof *to->constants);
    return 1;
}

static struct quell_program *copy_model(const struct quell_model *model)
{
    struct quell_program *program = calloc(1, sizeof *program);
    if (!program)
        return NULL;
    program->model = model;
    program->layers = calloc(model->layer_count, sizeof *program->layers);
    for (uint32_t i = 0; program->layers && i < model->layer_count; i++)
        if (!copy_layer(&program->layers[i], &model->layers[i])) {
            quell_program_free(program);
            return NULL;
        }
    if (!program->layers) {
        free(program);
        return NULL;
    }
    return program;
}

void quell_program_free(quell_program *program)
{
    if (!program)
        return;
    for (uint32_t i = 0; i < program->model->layer_count; i++) {
        free(program->layers[i].weights);
        free(program->layers[i].constants);
    }
    free(program->layers);
    free(program);
}

quell_status quell_program_make(const quell_model *model, const quell_profile *profile, uint32_t chip, const quell_calibration *calibration, quell_denoiser denoiser, quell_program **program, quell_error *err)
{
    *program = NULL;
    if (denoiser != QUELL_DENOISER_OFF && denoiser != QUELL_DENOISER_MEAN && denoiser != QUELL_DENOISER_SAMPLE)
        return quell_fail(err, QUELL_E_USAGE, "no denoiser mode %d", (int)denoiser);
    quell_status status = calibration ? check_calibration(model, chip, calibration, err) : QUELL_OK;
    if (status != QUELL_OK)
        return status;
    struct quell_program *made = copy_model(model);
    if (!made)
        return quell_fail(err, QUELL_E_MEMORY, "out of memory for a program");
    for (uint32_t i = 0; i < model->layer_count && status == QUELL_OK; i++) {
        struct quell_model_layer *layer = &made->layers[i];
        if (profile)
            status = quell_manufacture(layer, profile, chip, err);
        if (calibration)
            quell_program_correct(made, i, calibration);
        if (layer->block && denoiser != QUELL_DENOISER_OFF) {
            layer->table.dn_depthwise = layer->dn_depthwise;
            layer->table.dn_bottleneck = layer->dn_bottleneck;
            layer->table.dn_sample = denoiser == QUELL_DENOISER_SAMPLE;
        }
    }
    if (status != QUELL_OK) {
        quell_program_free(made);
        return status;
    }
    *program = made;
    return QUELL_OK;
}

/* ---- Looking at one layer's ADC -------------------------------------------------------------------------------------------------------- */

/* Nothing of [from, from + size) may be written. */
struct area {
    uint32_t from, size;
};

static int overlap(uint32_t at, uint32_t size, const struct area *area) { return at < area->from + area->size && area->from < at + size; }

/* Lowest address where size words fit beside the areas; limit if there is none. */
static uint32_t place(uint32_t size, const struct area *areas, uint32_t count, uint32_t limit)
{
    uint32_t best = limit;
    for (uint32_t i = 0; i <= count; i++) { /* the lowest place begins at 0 or right behind an area */
        uint32_t at = i < count ? areas[i].from + areas[i].size : 0, free_here = size <= limit && at <= limit - size;
        for (uint32_t j = 0; j < count && free_here; j++)
            free_here = !overlap(at, size, &areas[j]);
        if (free_here && at < best)
            best = at;
    }
    return best;
}

static quell_status place_output(const struct quell_program *program, uint32_t layer, const quell_limits *limits, quell_error *err)
{
    struct quell_model_layer *l = &program->layers[layer];
    const struct quell_model *model = program->model;
    uint32_t size = (uint32_t)(qr_output_size(l) / 8), image = (uint32_t)(qr_image_size(model) / 8), read = (uint32_t)(qr_input_size(l) / 8);
    struct area areas[2] = {{(uint32_t)l->table.in_addr, read}, {(uint32_t)l->table.in_addr, read}};
    if (l->input_layer < 0) /* the image may lie in either buffer */
        for (int i = 0; i < 2; i++)
            areas[i] = (struct area){model->input_addr[i], image};
    uint32_t at = place(size, areas, 2, limits->act_words);
    if (at == limits->act_words || at > 0xFFFF)
        return quell_fail(err, QUELL_E_TOO_LARGE, "layer %s: its %u words before pooling do not fit the activation memory (%u words) beside its input: this device cannot calibrate the model", l->info.name, size, limits->act_words);
    l->table.out_addr = (int32_t)at;
    return QUELL_OK;
}

quell_status quell_program_observe(const struct quell_program *from, uint32_t layer, const quell_limits *limits, quell_program **program, quell_error *err)
{
    struct quell_model source = *from->model; /* copies this program's layers instead of the model's */
    source.layers = from->layers;
    struct quell_program *made = copy_model(&source);
    *program = NULL;
    if (!made)
        return quell_fail(err, QUELL_E_MEMORY, "out of memory for a program");
    made->model = from->model;
    struct quell_model_layer *l = &made->layers[layer];
    struct quell_layer *t = &l->table;
    t->correct = t->dn_depthwise = t->dn_bottleneck = t->dn_sample = t->residual = t->pool_kind = t->table_on = 0;
    t->pool_kh = t->pool_kw = t->pool_sy = t->pool_sx = 1;
    t->pool_pad_top = t->pool_pad_left = 0;
    t->pooled_h = t->out_h;
    t->pooled_w = t->out_w;
    t->out_pitch = t->out_c8; /* a tensor of its own */
    l->join = l->join_at = 0;
    t->post_a = 1 << 23;
    t->post_b = 0;
    t->post_shift = 23 + t->adc_wide; /* nine bits into eight: every other code */
    t->z_y = t->adc_wide ? 0 : t->z_v;
    t->lo = -128;
    t->hi = 127;
    l->residual_layer = -2;
    l->info.out_h = (uint32_t)t->out_h;
    l->info.out_w = (uint32_t)t->out_w;
    quell_status status = place_output(made, layer, limits, err);
    if (status != QUELL_OK) {
        quell_program_free(made);
        return status;
    }
    *program = made;
    return QUELL_OK;
}
