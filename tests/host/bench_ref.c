/* SPDX-License-Identifier: Apache-2.0 */
/* Images a second of the reference device on a network of ResNet-8's shape, noise and denoisers on: bench_ref [images]. */
#include "random_model.h"
#include "ref.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static double now(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Images a second; *cpu: a second of processor time, for comparison on a machine with other work. */
static double rate(const quell_program *program, const quell_images *images, uint32_t count, uint32_t threads, enum qr_path path, double *cpu)
{
    quell_device_options options = {.threads = threads};
    quell_device *device;
    int8_t *logits = malloc(count * program->model->info.classes);
    double start = 0, used;
    *cpu = 0;
    if (!logits || quell_ref_open(&options, &device, NULL) != QUELL_OK)
        exit(1);
    if (qr_set_path(device, path) == QUELL_OK && quell_device_load(device, program, NULL) == QUELL_OK) {
        start = now(CLOCK_MONOTONIC);
        used = now(CLOCK_PROCESS_CPUTIME_ID);
        if (quell_device_run(device, images, 0, count, 1, 0, logits, NULL, NULL, NULL, NULL) != QUELL_OK)
            exit(1);
        *cpu = count / (now(CLOCK_PROCESS_CPUTIME_ID) - used);
        start = count / (now(CLOCK_MONOTONIC) - start);
    }
    quell_device_close(device);
    free(logits);
    return start;
}

int main(int argc, char **argv)
{
    uint32_t count = argc > 1 ? (uint32_t)atoi(argv[1]) : 400;
    struct quell_profile profile = {.name = "bench", .read_additive = 0.05, .read_multiplicative = 0.1, .column_gain_sigma = 0.1, .column_offset_sigma = 0.02, .adc_bits = 8};
    printf("%-10s %-28s %10s %10s %16s\n", "path", "", "1 thread", "2 threads", "a processor-s");
    struct quell_model *model = random_resnet8(1, 4);
    quell_images *images = random_images(2, count, model);
    for (int mode = 0; mode < 4; mode++) {
        static const char *const names[] = {"clean", "noise", "noise, 4 denoisers (mean)", "noise, 4 denoisers (sample)"};
        quell_program *program;
        if (quell_program_make(model, mode ? &profile : NULL, 1, NULL, mode == 3 ? QUELL_DENOISER_SAMPLE : mode == 2 ? QUELL_DENOISER_MEAN : QUELL_DENOISER_OFF, &program, NULL) != QUELL_OK)
            return 1;
        for (int path = 0; path < QR_PATHS; path++) {
            if (!qr_path_here((enum qr_path)path))
                continue;
            uint32_t n = path == QR_SCALAR && count > 40 ? count / 8 : count;
            double cpu, one = rate(program, images, n, 1, path, &cpu), two = rate(program, images, n, 2, path, &cpu);
            printf("%-10s %-28s %10.0f %10.0f %16.0f\n", qr_path_name((enum qr_path)path), names[mode], one, two, cpu);
        }
        quell_program_free(program);
    }
    random_images_free(images);
    random_model_free(model);
    return 0;
}
