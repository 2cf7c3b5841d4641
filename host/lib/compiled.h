/* SPDX-License-Identifier: Apache-2.0 */
/* Between the compiler's parts: a struct quell_model is read (ONNX or .quell), checked, fitted into a device's memories, summed up. */
#ifndef QUELL_COMPILED_H
#define QUELL_COMPILED_H

#include "model.h"

enum { QUELL_LAYERS_MAX = 64, QUELL_IMAGE = -1, QUELL_NO_LAYER = -2 };

/* Fill model (zeroed but for limits) from an ONNX file's bytes. Addresses are left to quell_model_fit. said: about its input; NULL: nothing. */
quell_status quell_compile_onnx(const char *path, const uint8_t *data, size_t size, const quell_input *said, struct quell_model *model, quell_error *err);

/* The same from the bytes of a compiled file. */
int quell_is_compiled(const uint8_t *data, size_t size);
quell_status quell_model_read(const char *path, const uint8_t *data, size_t size, struct quell_model *model, quell_error *err);

/* Everything that must hold between the fields of a model, whoever made it: sizes, ranges, no accumulator can overflow. */
quell_status quell_model_check(const struct quell_model *model, quell_error *err);

/* Give every tensor and parameter an address in memories of model->limits, or say which memory is too small and by how much. */
quell_status quell_model_fit(struct quell_model *model, quell_error *err);

/* A copy that is fitted into memories of other limits; it shares what the model owns, but for addresses. NULL if it does not fit. */
quell_status quell_model_fitted(const struct quell_model *model, const quell_limits *limits, struct quell_model **copy, quell_error *err);
void quell_model_fitted_free(struct quell_model *copy);

/* Fill info (sums over the layers) and hash. */
void quell_model_summarise(struct quell_model *model);

/* Words that a layer takes in the weight memory of a device with so many cores. */
uint32_t quell_weight_words(const struct quell_model_layer *layer, uint32_t cores);

/* Input channels without padding, as the hardware counts them. */
uint32_t quell_real_inputs(const struct quell_layer *table);

#endif
