/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside libquell: from a pixel or an element of a tensor to the network's first codes. The compiler tells the operators in front of the first
 * QuantizeLinear one by one (steps) and then that QuantizeLinear; here the table of codes is made, and what a pixel means is found and judged.
 */
#ifndef QUELL_INPUT_H
#define QUELL_INPUT_H

#include "model.h"

/* Operators on one float32 number. The _DOUBLE ones compute in double and round once: factors of a BatchNormalization. */
enum input_op { INPUT_ADD, INPUT_SUB, INPUT_SUB_FROM, INPUT_MUL, INPUT_DIV, INPUT_CLIP, INPUT_ADD_DOUBLE, INPUT_MUL_DOUBLE, INPUT_OPS };

float input_step(const struct quell_input_step *step, uint32_t channel, float x);

/* The element of the network's input that a pixel is, on the network's channel; `channels` of the image. */
float input_element(const struct quell_model_input *input, uint32_t channels, uint32_t channel, int pixel);
/* The value that reaches the first QuantizeLinear. */
float input_value(const struct quell_model_input *input, uint32_t channel, float element);

/* What the file's metadata says; `get` gives the text of a key, or NULL. */
quell_status input_read_metadata(quell_input *input, const char *(*get)(const void *context, const char *key), const void *context, quell_error *err);

/* What is said, else what the file says, else pixel / 255, RGB, N x C x H x W. */
void input_join(quell_input *to, const quell_input *said, const quell_input *file);
/* A model that was read from a compiled file gets another meaning of its pixels. */
quell_status input_change(struct quell_model *model, const quell_input *said, quell_error *err);

/* Nothing was said: find what a pixel means from input->scale, zero and steps. -> 1: another meaning than before was put into *input. */
int input_find(struct quell_model_input *input, uint32_t channels);

/* Codes of all pixels. Refused: a mean or std for another number of channels than the network has, order BGR of a grey one. */
quell_status input_fill(struct quell_model *model, quell_error *err);

/* Refused if pixels cannot be given: what they mean is not known, or the file's metadata cannot be true. */
quell_status input_check(const struct quell_model *model, quell_error *err);

/* Which colour of the image the network's channel is. */
static inline uint32_t input_colour(const struct quell_model *m, uint32_t channel) { return m->input.meaning.bgr && channel < 3 ? 2 - channel : channel; }

#endif
