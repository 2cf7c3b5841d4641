/* SPDX-License-Identifier: Apache-2.0 */
/* See fuzz.h. */
#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

const char *fuzz_file(const uint8_t *data, size_t size)
{
    static char path[64];
    static int file = -1;
    if (file < 0) {
        file = memfd_create("fuzz", 0);
        snprintf(path, sizeof path, "/proc/self/fd/%d", file);
    }
    if (file < 0 || ftruncate(file, 0) != 0 || pwrite(file, data, size, 0) != (ssize_t)size)
        abort();
    return path;
}

const struct quell_model *fuzz_model(void)
{
    static char *names[] = {"cat", "dog", "T-shirt/top"};
    static struct quell_model model = {.info = {.image_h = 8, .image_w = 8, .image_c = 3, .classes = 3}, .class_names = names};
    model.input.type = 1;
    model.input.code_type = 2;
    model.input.meaning.scale = 1 / 255.0;
    model.input.scale = 1 / 255.0f;
    model.input.zero = -128;
    return &model;
}

void fuzz_answer(quell_status status, const void *result, const quell_error *err)
{
    if (status == QUELL_OK ? !result : result || !*err->text || err->status != status || status == QUELL_E_INTERNAL)
        abort();
}
