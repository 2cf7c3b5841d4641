/* SPDX-License-Identifier: Apache-2.0 */
/* A model: ONNX, TensorFlow Lite, or a compiled file, whose CRC is put right so that what follows it is read. */
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "compiled.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum { HEADER = 24 };
    const quell_limits limits = quell_endless_limits();
    quell_model *model;
    quell_error err = {0};
    uint8_t *copy = malloc(size + 1);
    if (!copy)
        return 0;
    memcpy(copy, data, size);
    if (size > HEADER && quell_is_compiled(copy, size)) {
        uint32_t crc = (uint32_t)crc32(0, copy + HEADER, (uInt)(size - HEADER));
        for (int i = 0; i < 4; i++)
            copy[12 + i] = (uint8_t)(crc >> 8 * i);
        for (int i = 0; i < 8; i++)
            copy[16 + i] = (uint8_t)((uint64_t)(size - HEADER) >> 8 * i);
    }
    fuzz_answer(quell_model_load(fuzz_file(copy, size), &limits, &model, &err), model, &err);
    if (model) {
        quell_input input;
        char text[400];
        quell_model_input(model, &input, text);
        quell_model_input_doubt(model, text);
    }
    quell_model_free(model);
    free(copy);
    return 0;
}
