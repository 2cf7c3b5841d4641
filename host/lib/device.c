/* SPDX-License-Identifier: Apache-2.0 */
/* The public face of all devices: opening by name, and the checks that every device needs. */
#include "model.h"

#include <string.h>

#include "input.h"
#include "usb.h"

quell_status quell_device_open(const char *name, const quell_device_options *options, quell_device **device, quell_error *err)
{
    static const quell_device_options defaults = {0};
    *device = NULL;
    if (!options)
        options = &defaults;
    if (strcmp(name, "ref") == 0)
        return quell_ref_open(options, device, err);
    if (strcmp(name, "sim") == 0)
        return quell_sim_open(options, device, err);
    if (strcmp(name, "usb") == 0 || strcmp(name, "usb:") == 0)
        return quell_board_open(NULL, device, err);
    if (strncmp(name, "usb:", 4) == 0)
        return quell_board_open(name + 4, device, err);
    return quell_fail(err, QUELL_E_DEVICE, "no device '%.80s': the devices are ref, sim, usb, usb:SERIAL", name);
}

void quell_device_close(quell_device *device)
{
    if (device)
        device->ops->close(device);
}

const char *quell_device_name(const quell_device *device) { return device->name; }

void quell_device_get_info(const quell_device *device, quell_device_info *info) { *info = device->info; }

quell_status quell_boards_list(quell_board *boards, uint32_t capacity, uint32_t *count, quell_error *err) { return quell_usb_list(boards, capacity, count, err); }

quell_status quell_device_get_limits(quell_device *device, quell_limits *limits, quell_error *err) { return device->ops->get_limits(device, limits, err); }

quell_status quell_device_load(quell_device *device, const quell_program *program, quell_error *err)
{
    device->program = NULL;
    quell_status status = device->ops->load(device, program, err);
    if (status == QUELL_OK)
        device->program = program;
    return status;
}

/* A program is there, and images first ... first + count - 1 exist and are what its model wants. */
static quell_status check_images(const quell_device *device, const quell_images *images, uint32_t first, uint32_t count, quell_error *err)
{
    if (!device->program)
        return quell_fail(err, QUELL_E_DEVICE, "%s: no program is loaded", device->name);
    const quell_model_info *want = &device->program->model->info;
    quell_images_info have;
    quell_images_get_info(images, &have);
    if (have.h != want->image_h || have.w != want->image_w || have.c != want->image_c)
        return quell_fail(err, QUELL_E_IMAGES, "images are %ux%ux%u (height, width, channels), the model wants %ux%ux%u", have.h, have.w, have.c, want->image_h, want->image_w, want->image_c);
    if (!quell_images_codes(images, 0)) {
        quell_status status = input_check(device->program->model, err);
        if (status != QUELL_OK)
            return status;
    }
    if (first > have.count || count > have.count - first)
        return quell_fail(err, QUELL_E_USAGE, "images %u to %llu wanted, there are %u", first, (unsigned long long)first + count, have.count);
    return QUELL_OK;
}

quell_status quell_device_run(quell_device *device, const quell_images *images, uint32_t first, uint32_t count, uint32_t noise_seed, uint32_t first_inference, int8_t *logits, uint32_t *done,
                              quell_progress progress, void *context, quell_error *err)
{
    return quell_device_run_seeds(device, images, first, count, noise_seed, 1, first_inference, logits, done, progress, context, err);
}

quell_status quell_device_run_seeds(quell_device *device, const quell_images *images, uint32_t first, uint32_t count, uint32_t noise_seed, uint32_t seeds, uint32_t first_inference, int8_t *logits, uint32_t *done,
                                    quell_progress progress, void *context, quell_error *err)
{
    uint32_t finished = 0;
    if (!done)
        done = &finished;
    *done = 0;
    quell_status status = check_images(device, images, first, count, err);
    if (status != QUELL_OK || count == 0)
        return status;
    if (seeds < 1 || seeds > UINT32_MAX / count)
        return quell_fail(err, QUELL_E_USAGE, "%u images with %u seeds each are %s", count, seeds, seeds ? "more than can be counted" : "none");
    const struct quell_batch batch = {images, first, count, noise_seed, seeds, first_inference, logits, done, progress, context};
    return device->ops->run(device, &batch, err);
}

quell_status quell_device_activations(quell_device *device, const quell_images *images, uint32_t index, uint32_t noise_seed, uint32_t inference, uint32_t layer, int8_t *codes, quell_error *err)
{
    quell_status status = check_images(device, images, index, 1, err);
    if (status != QUELL_OK)
        return status;
    if (layer >= device->program->model->layer_count)
        return quell_fail(err, QUELL_E_USAGE, "layer %u wanted, the model has %u", layer, device->program->model->layer_count);
    return device->ops->activations(device, images, index, noise_seed, inference, layer, codes, err);
}

quell_status quell_device_get_counters(quell_device *device, quell_counters *counters, quell_error *err) { return device->ops->get_counters(device, counters, err); }
