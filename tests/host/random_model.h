/* SPDX-License-Identifier: Apache-2.0 */
/* Models made of random numbers, and images in memory, for tests of libquell. Link-time trick: an image set made here replaces the
 * library's image reader, so a test cannot use both. */
#ifndef RANDOM_MODEL_H
#define RANDOM_MODEL_H

#include "model.h"

/* A generator of its own: the same numbers on every machine. */
struct random {
    uint64_t state;
};
uint32_t random_next(struct random *random);
int32_t random_range(struct random *random, int32_t low, int32_t high); /* both included */

/* What one layer is; everything left out is 0. */
struct random_spec {
    int mode, stride, pad_top, pad_left, pad_bottom, pad_right;
    int stride_x;                       /* if another one */
    int win_h, win_w, step_y, step_x;   /* windows of an output, their distance; 0 is 1 */
    int input, residual;       /* producing layer; input -1 the image; residual -2 none */
    int channels;              /* outputs; ignored when depthwise */
    int fully_connected;       /* the input is read as one pixel */
    int pool_kind, pool_kh, pool_kw;
    int pool_sy, pool_sx, pool_top, pool_left; /* strides, 0: the kernel's sides; padding, less than the kernel */
    int pool_beyond;           /* where strides are above 1, windows that begin in the frame and end outside of it too */
    int relu;
    int table;                 /* an activation table of random codes */
    int block, m;              /* denoising block: 0 none, 1 depthwise, 2 bottleneck, 3 both; width */
    int wild;                  /* scales and zero points of any legal value, else such that codes look like a network's */
};

struct quell_model *random_model_new(uint32_t image_h, uint32_t image_w, uint32_t image_c, uint32_t pad, uint32_t max_layers, struct random *random);
void random_model_add(struct quell_model *model, const struct random_spec *spec, struct random *random);
void random_model_finish(struct quell_model *model, struct random *random);

struct quell_model *random_model(uint32_t seed, uint32_t layers);         /* any legal layers */
struct quell_model *random_resnet8(uint32_t seed, int denoisers);         /* 32x32x1, MLPerf Tiny's shape; blocks behind that many layers */
void random_model_free(struct quell_model *model);

quell_images *random_images(uint32_t seed, uint32_t count, const struct quell_model *model);
void random_images_free(quell_images *images);

#endif
