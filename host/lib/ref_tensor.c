/* SPDX-License-Identifier: Apache-2.0 */
/* Tensors with and without channel padding; images as input codes. */
#include "ref.h"

#include <string.h>

#include "input.h"

uint32_t qr_round_up(uint32_t x, uint32_t to) { return (x + to - 1) / to * to; }

void qr_pad_channels(const int8_t *packed, size_t pixels, uint32_t channels, int8_t *padded)
{
    uint32_t wide = qr_round_up(channels, 8);
    memset(padded, 0, pixels * wide);
    for (size_t i = 0; i < pixels; i++)
        memcpy(padded + i * wide, packed + i * channels, channels);
}

void qr_drop_padding(const int8_t *padded, size_t pixels, uint32_t channels, int8_t *packed)
{
    uint32_t wide = qr_round_up(channels, 8);
    for (size_t i = 0; i < pixels; i++)
        memcpy(packed + i * channels, padded + i * wide, channels);
}

size_t qr_image_size(const struct quell_model *model)
{
    const quell_model_info *i = &model->info;
    return (size_t)(i->image_h + 2 * i->image_pad) * (i->image_w + 2 * i->image_pad) * qr_round_up(i->image_c, 8);
}

void qr_image_codes(const struct quell_model *model, const quell_images *images, uint32_t index, int8_t *codes)
{
    const int8_t *given = quell_images_codes(images, index);
    const uint8_t *pixels = given ? NULL : quell_images_pixels(images, index);
    const quell_model_info *i = &model->info;
    uint32_t wide = qr_round_up(i->image_c, 8), width = i->image_w + 2 * i->image_pad;
    memset(codes, model->pixel_code[0][0], qr_image_size(model));
    for (uint32_t y = 0, from = 0; y < i->image_h; y++)
        for (uint32_t x = 0; x < i->image_w; x++, from += i->image_c)
            for (uint32_t c = 0; c < i->image_c; c++)
                codes[((size_t)(y + i->image_pad) * width + x + i->image_pad) * wide + c] = given ? given[from + c] : model->pixel_code[c][pixels[from + input_colour(model, c)]];
}

void qr_source_shape(const struct quell_model *model, int producer, size_t *pixels, uint32_t *channels)
{
    if (producer < 0) {
        *channels = model->info.image_c;
        *pixels = qr_image_size(model) / qr_round_up(*channels, 8);
    } else {
        *channels = quell_tensor_channels(model->layers, producer);
        *pixels = qr_output_size(&model->layers[producer]) / model->layers[producer].channels;
    }
}

size_t qr_input_size(const struct quell_model_layer *layer)
{
    return (size_t)layer->table.in_h * (size_t)layer->table.in_w * (size_t)layer->table.in_c8 * 8;
}

size_t qr_output_size(const struct quell_model_layer *layer)
{
    const struct quell_layer *t = &layer->table;
    size_t h = (size_t)t->pooled_h, w = (size_t)t->pooled_w;
    return h * w * layer->channels;
}
