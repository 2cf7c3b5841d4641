/* SPDX-License-Identifier: Apache-2.0 */
/* What the fuzz targets share: bytes as a file, since that is what the library reads. */
#ifndef FUZZ_H
#define FUZZ_H

#include <stddef.h>
#include <stdint.h>

#include "model.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The path of a file in memory with these bytes; the next call replaces it. */
const char *fuzz_file(const uint8_t *data, size_t size);
/* A network of 8 x 8 with three channels and three named classes: whom images and labels are for. */
const struct quell_model *fuzz_model(void);
/* The answer must be a status with a message, or what was asked for. */
void fuzz_answer(quell_status status, const void *result, const quell_error *err);

#endif
