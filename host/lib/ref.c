/* SPDX-License-Identifier: Apache-2.0 */
/* The reference device: images shared out among threads, layers run by ref_plain.c or ref_layer.c. */
#include "ref.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct ref_device {
    quell_device base;
    uint32_t threads;
    enum qr_path path;
    struct qr_layer *packed; /* a layer of the program, or NULL */
    uint32_t packed_count;
    quell_counters counters;
};

quell_status qr_set_path(quell_device *device, enum qr_path path)
{
    if (!qr_path_here(path))
        return QUELL_E_DEVICE;
    ((struct ref_device *)device)->path = path;
    return QUELL_OK;
}

/* ---- One image in one thread ------------------------------------------------------------------------------------------------- */

struct lane {
    const struct ref_device *device;
    const struct qr_kernels *kernels;
    struct qr_scratch scratch;
    int8_t *image;    /* input codes */
    int8_t **outputs; /* of every layer, all in one block */
    int8_t **joined;  /* by its last layer: a tensor that several write; else NULL. In the same block */
    int8_t *block;
};

static void lane_free(struct lane *lane)
{
    qr_scratch_free(&lane->scratch);
    free(lane->image);
    free(lane->outputs);
    free(lane->joined);
    free(lane->block);
}

/* Bytes of the joined tensor whose last layer this is. */
static size_t joined_size(const struct quell_model_layer *layer, uint32_t index)
{
    return layer->join == index + 1 ? qr_output_size(layer) / layer->channels * (size_t)layer->table.out_pitch * 8 : 0;
}

/* A layer's codes into its words of every pixel. */
static void join(const struct quell_model_layer *layer, const int8_t *codes, int8_t *joined)
{
    size_t pixels = qr_output_size(layer) / layer->channels, pitch = (size_t)layer->table.out_pitch * 8;
    for (size_t i = 0; i < pixels; i++)
        memcpy(joined + i * pitch + layer->join_at * 8, codes + i * layer->channels, layer->channels);
}

/* 0: no memory. */
static int lane_make(struct lane *lane, const struct ref_device *device)
{
    const struct quell_program *program = device->base.program;
    const struct quell_model *model = program->model;
    uint32_t count = model->layer_count;
    size_t total = 0;
    memset(lane, 0, sizeof *lane);
    lane->device = device;
    lane->kernels = qr_kernels_of(device->path);
    for (uint32_t i = 0; i < count; i++)
        total += qr_output_size(&program->layers[i]) + joined_size(&program->layers[i], i);
    lane->image = malloc(qr_image_size(model) + QR_LANES); /* kernels read whole vectors */
    lane->outputs = malloc(count * sizeof *lane->outputs);
    lane->block = malloc(total + QR_LANES);
    lane->joined = calloc(count, sizeof *lane->joined);
    if (!lane->image || !lane->outputs || !lane->joined || !lane->block || !qr_scratch_make(&lane->scratch, device->packed, device->packed_count)) {
        lane_free(lane);
        return 0;
    }
    int8_t *at = lane->block;
    for (uint32_t i = 0; i < count; at += qr_output_size(&program->layers[i]), i++)
        lane->outputs[i] = at;
    for (uint32_t i = 0; i < count; at += joined_size(&program->layers[i], i), i++)
        lane->joined[i] = joined_size(&program->layers[i], i) ? at : NULL;
    return 1;
}

static const int8_t *lane_tensor(const struct lane *lane, int producer) { return producer >= 0 ? (lane->joined[producer] ? lane->joined[producer] : lane->outputs[producer]) : producer == -1 ? lane->image : NULL; }

/* Layers 0 ... last. */
static quell_status lane_run(struct lane *lane, const quell_images *images, uint32_t index, uint32_t noise_seed, uint32_t inference, uint32_t last)
{
    const struct quell_program *program = lane->device->base.program;
    qr_image_codes(program->model, images, index, lane->image);
    for (uint32_t i = 0; i <= last; i++) {
        const struct quell_model_layer *layer = &program->layers[i];
        const int8_t *input = lane_tensor(lane, layer->input_layer), *residual = lane_tensor(lane, layer->residual_layer);
        if (lane->kernels)
            TRY(qr_run_layer(lane->kernels, &lane->device->packed[i], &lane->scratch, input, residual, noise_seed, inference, lane->outputs[i]));
        else
            TRY(qr_plain_layer(layer, input, residual, noise_seed, inference, lane->outputs[i]));
        if (layer->join)
            join(layer, lane->outputs[i], lane->joined[layer->join - 1]);
    }
    return QUELL_OK;
}

/* ---- Many images in threads --------------------------------------------------------------------------------------------------- */

struct job {
    const struct ref_device *device;
    const struct quell_batch *batch;
    uint32_t count; /* inferences */
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    /* below: under the mutex */
    uint32_t next;     /* inference to be taken */
    uint32_t prefix;   /* those before this one are finished */
    uint8_t *finished; /* an inference */
    uint32_t running;  /* threads */
    int stop;
    quell_status status;
};

/* Number of the next inference to do, or -1. */
static int64_t take_next(struct job *job)
{
    pthread_mutex_lock(&job->mutex);
    int64_t next = job->stop || job->next == job->count ? -1 : (int64_t)job->next++;
    pthread_mutex_unlock(&job->mutex);
    return next;
}

static void inference_done(struct job *job, uint32_t inference, quell_status status)
{
    pthread_mutex_lock(&job->mutex);
    if (status == QUELL_OK) {
        job->finished[inference] = 1;
    } else {
        job->status = status;
        job->stop = 1;
    }
    while (job->prefix < job->count && job->finished[job->prefix])
        job->prefix++;
    pthread_mutex_unlock(&job->mutex);
}

static void *worker(void *argument)
{
    struct job *job = argument;
    const struct quell_batch *b = job->batch;
    const struct quell_program *program = job->device->base.program;
    uint32_t classes = program->model->info.classes, last = program->model->layer_count - 1;
    struct lane lane;
    int ready = lane_make(&lane, job->device);
    int64_t next;
    while ((next = take_next(job)) >= 0) {
        quell_status status = QUELL_E_MEMORY;
        uint32_t image = (uint32_t)next / b->seeds, seed = (uint32_t)next % b->seeds;
        if (ready)
            status = lane_run(&lane, b->images, b->first + image, b->noise_seed + seed, b->first_inference + image, last);
        if (status == QUELL_OK)
            memcpy(b->logits + (size_t)next * classes, lane.outputs[last], classes);
        inference_done(job, (uint32_t)next, status);
    }
    if (ready)
        lane_free(&lane);
    pthread_mutex_lock(&job->mutex);
    job->running--;
    pthread_cond_signal(&job->changed);
    pthread_mutex_unlock(&job->mutex);
    return NULL;
}

/* Wait until the threads are done, or for a moment: waking the caller for every image would cost small networks a few percent. */
static void wait_a_moment(struct job *job)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += 10000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_nsec -= 1000000000;
        until.tv_sec++;
    }
    pthread_cond_timedwait(&job->changed, &job->mutex, &until);
}

/* Wait for the threads and tell how far they are. The caller's function runs without the mutex, in the caller's thread. */
static void watch(struct job *job, quell_progress progress, void *context)
{
    uint32_t told = 0;
    pthread_mutex_lock(&job->mutex);
    for (;;) {
        while (job->running && job->prefix == told)
            wait_a_moment(job);
        uint32_t prefix = job->prefix;
        if (prefix != told && progress && !job->stop) {
            pthread_mutex_unlock(&job->mutex);
            int stop = progress(context, prefix);
            pthread_mutex_lock(&job->mutex);
            if (stop) {
                job->stop = 1;
                if (job->status == QUELL_OK)
                    job->status = QUELL_E_INTERRUPTED;
            }
        }
        told = prefix;
        if (!job->running && job->prefix == told)
            break;
    }
    pthread_mutex_unlock(&job->mutex);
}

/* Start up to `threads` workers; one is enough. Returns how many. */
static uint32_t start_workers(struct job *job, pthread_t *threads, uint32_t wanted)
{
    uint32_t started = 0;
    for (; started < wanted; started++) {
        pthread_mutex_lock(&job->mutex);
        job->running++;
        pthread_mutex_unlock(&job->mutex);
        if (pthread_create(&threads[started], NULL, worker, job) != 0) {
            pthread_mutex_lock(&job->mutex);
            job->running--;
            pthread_mutex_unlock(&job->mutex);
            break;
        }
    }
    return started;
}

static quell_status ref_run(quell_device *base, const struct quell_batch *b, quell_error *err)
{
    struct ref_device *device = (struct ref_device *)base;
    uint32_t count = b->count * b->seeds;
    uint32_t wanted = device->threads < count ? device->threads : count;
    struct job job = {.device = device, .batch = b, .count = count, .status = QUELL_OK};
    pthread_t *threads = malloc(wanted * sizeof *threads);
    job.finished = calloc(count, 1);
    if (!threads || !job.finished) {
        free(threads);
        free(job.finished);
        return quell_fail(err, QUELL_E_MEMORY, "out of memory for %u images", count);
    }
    pthread_mutex_init(&job.mutex, NULL);
    pthread_cond_init(&job.changed, NULL);
    uint32_t started = start_workers(&job, threads, wanted);
    watch(&job, b->progress, b->context);
    for (uint32_t i = 0; i < started; i++)
        pthread_join(threads[i], NULL);
    pthread_cond_destroy(&job.changed);
    pthread_mutex_destroy(&job.mutex);
    free(threads);
    free(job.finished);
    *b->done = job.prefix;
    device->counters.images += job.prefix;
    device->counters.macs += job.prefix * device->base.program->model->info.macs;
    if (!started)
        return quell_fail(err, QUELL_E_MEMORY, "cannot start a thread");
    if (job.status == QUELL_E_INTERRUPTED)
        return quell_fail(err, job.status, "stopped after %u of %u images", job.prefix, count);
    if (job.status != QUELL_OK)
        return quell_fail(err, job.status, "out of memory after %u of %u images", job.prefix, count);
    return QUELL_OK;
}

/* ---- The rest of the device ---------------------------------------------------------------------------------------------------- */

static void forget_program(struct ref_device *device)
{
    for (uint32_t i = 0; i < device->packed_count; i++)
        qr_unpack(&device->packed[i]);
    free(device->packed);
    device->packed = NULL;
    device->packed_count = 0;
}

static quell_status ref_load(quell_device *base, const quell_program *program, quell_error *err)
{
    struct ref_device *device = (struct ref_device *)base;
    uint32_t count = program->model->layer_count;
    forget_program(device);
    memset(&device->counters, 0, sizeof device->counters);
    device->packed = calloc(count, sizeof *device->packed);
    for (uint32_t i = 0; device->packed && i < count; i++, device->packed_count++)
        if (!qr_pack(&device->packed[i], &program->layers[i]))
            break;
    if (!device->packed || device->packed_count != count) {
        forget_program(device);
        return quell_fail(err, QUELL_E_MEMORY, "out of memory for a program of %u layers", count);
    }
    return QUELL_OK;
}

static quell_status ref_activations(quell_device *base, const quell_images *images, uint32_t index, uint32_t noise_seed, uint32_t inference, uint32_t layer, int8_t *codes, quell_error *err)
{
    const struct ref_device *device = (struct ref_device *)base;
    const struct quell_model_layer *l = &base->program->layers[layer];
    struct lane lane;
    if (!lane_make(&lane, device))
        return quell_fail(err, QUELL_E_MEMORY, "out of memory for one image");
    quell_status status = lane_run(&lane, images, index, noise_seed, inference, layer);
    if (status == QUELL_OK)
        qr_drop_padding(lane.outputs[layer], qr_output_size(l) / l->channels, l->real_channels, codes);
    else
        quell_fail(err, status, "out of memory for one image");
    lane_free(&lane);
    return status;
}

static quell_status ref_get_limits(quell_device *base, quell_limits *limits, quell_error *err)
{
    (void)base;
    (void)err;
    *limits = quell_endless_limits();
    return QUELL_OK;
}

static quell_status ref_get_counters(quell_device *base, quell_counters *counters, quell_error *err)
{
    (void)err;
    *counters = ((struct ref_device *)base)->counters;
    return QUELL_OK;
}

static void ref_close(quell_device *base)
{
    struct ref_device *device = (struct ref_device *)base;
    forget_program(device);
    free(device);
}

static const struct quell_device_ops ref_ops = {.load = ref_load, .run = ref_run, .activations = ref_activations, .get_limits = ref_get_limits, .get_counters = ref_get_counters, .close = ref_close};

quell_status quell_ref_open(const quell_device_options *options, quell_device **device, quell_error *err)
{
    enum qr_path path;
    quell_status status = qr_choose_path(&path, err);
    if (status != QUELL_OK)
        return status;
    struct ref_device *ref = calloc(1, sizeof *ref);
    if (!ref)
        return quell_fail(err, QUELL_E_MEMORY, "out of memory for a device");
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    unsigned major = 0, minor = 0, patch = 0;
    sscanf(quell_version(), "%u.%u.%u", &major, &minor, &patch);
    ref->base = (quell_device){.ops = &ref_ops, .name = "ref", .info.version = major << 16 | minor << 8 | patch};
    ref->threads = options->threads ? options->threads : cores > 0 ? (uint32_t)cores : 1;
    ref->path = path;
    *device = &ref->base;
    return QUELL_OK;
}

/* ---- One layer on given codes ---------------------------------------------------------------------------------------------------- */

quell_status quell_reference_layer(const quell_program *program, uint32_t layer, const int8_t *input, const int8_t *residual, uint32_t noise_seed, uint32_t inference, int8_t *output, quell_error *err)
{
    if (layer >= program->model->layer_count)
        return quell_fail(err, QUELL_E_USAGE, "layer %u wanted, the model has %u", layer, program->model->layer_count);
    const struct quell_model_layer *l = &program->layers[layer];
    if (l->table.residual && !residual)
        return quell_fail(err, QUELL_E_USAGE, "layer %u adds a residual: its codes are needed", layer);
    size_t pixels, out_pixels = qr_output_size(l) / l->channels, conv_pixels = (size_t)l->table.out_h * (size_t)l->table.out_w;
    uint32_t channels;
    qr_source_shape(program->model, l->input_layer, &pixels, &channels);
    size_t in_size = pixels * qr_round_up(channels, 8), res_size = l->table.residual ? conv_pixels * l->channels : 0;
    int8_t *memory = malloc(in_size + res_size + out_pixels * l->channels);
    if (!memory)
        return quell_fail(err, QUELL_E_MEMORY, "out of memory for one layer");
    int8_t *in = memory, *res = in + in_size, *out = res + res_size;
    qr_pad_channels(input, pixels, channels, in);
    if (res_size)
        qr_pad_channels(residual, conv_pixels, l->real_channels, res);
    quell_status status = qr_plain_layer(l, in, res_size ? res : NULL, noise_seed, inference, out);
    if (status == QUELL_OK)
        qr_drop_padding(out, out_pixels, l->real_channels, output);
    else
        quell_fail(err, status, "out of memory for one layer");
    free(memory);
    return status;
}
