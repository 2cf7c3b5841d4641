/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside the reference device. Two ways of running a layer give the same bytes:
 *   plain   ref_plain.c: element by element with the functions of arith.h; this one defines;
 *   vector  ref_pack.c rearranges a layer, ref_layer.c runs it a row at a time on the kernels of ref_kernels.h, compiled once for each
 *           instruction set (ref_avx2.c and so on; cpu.c chooses). All work on int16 inputs and in 32-bit lanes; a layer for
 *           which these have not been shown to be enough is left to the plain way.
 * Tensors are int8 NHWC with channels padded to a multiple of 8, as in the chip's activation memory.
 */
#ifndef QUELL_REF_H
#define QUELL_REF_H

#include <stddef.h>

#include "arith.h"
#include "model.h"

#define QR_LANES 16 /* output channels side by side in packed weights and accumulator rows */

/* Worst first. */
enum qr_path { QR_SCALAR, QR_NEON, QR_AVX2, QR_AVXVNNI, QR_AVX512, QR_AVX512VNNI, QR_PATHS };

/* A 3x3 or 1x1 convolution. Input pairs without any weight are left out at the end. */
struct qr_conv {
    uint32_t kernel, stride, blocks, pairs; /* blocks of QR_LANES outputs, pairs of input channels */
    uint32_t pixel, row;                    /* int16 elements from one input pixel or row to the next */
    int16_t *weights;                       /* [block][tap][pair][QR_LANES][2] */
    int32_t *bias;                          /* [block][QR_LANES] */
};

struct qr_depthwise {
    uint32_t stride, blocks, pixel, row;
    uint32_t taps;    /* those of the 3x3 that have a weight other than 0 */
    uint32_t tap[9];  /* their numbers, y*3 + x */
    int16_t *weights; /* [taps][blocks*QR_LANES][2]: weight, 0 */
    int32_t *bias;    /* [blocks*QR_LANES] */
};

/* M and S of one tensor or channel, for 32-bit lanes: floor(x*M / 2^S) is the upper half of (x << up) * m, >> down; something is lost exactly if x & lost.
 * S is one less where half is to go towards +infinity, two less where it is to go to even: the rest is done with what is left. */
struct qr_scale {
    int32_t m, up, down, lost;
};

/* A denoising block; its bottleneck's activations go two by two, as halves of an int32. */
struct qr_block {
    uint32_t pairs;          /* of the bottleneck */
    uint32_t next2;          /* from one pair of b2 to the next */
    uint32_t taps;           /* of the depthwise path, products of pairs that have a weight other than 0 */
    ptrdiff_t offset[6];     /* where in the frame */
    int32_t *w1;             /* [2*pairs][lanes], in the lower halves */
    int32_t *bias1, *bias2;  /* [2*pairs] */
    int32_t *w2;             /* [2*pairs][pairs][9]: for two inputs */
    int32_t *wu, *wv, *cv;   /* [pairs][lanes]: for two inputs; cv [lanes] */
    int32_t *d;              /* [taps][lanes] */
};

struct qr_layer {
    const struct quell_model_layer *source;
    struct quell_layer t;
    uint32_t in_c, channels, lanes; /* padded to 8; lanes: channels padded to QR_LANES */
    uint32_t kernel, stride, frame_h, frame_w; /* input with its border of zeros */
    int plain; /* several windows an output, or unequal strides: left to ref_plain.c, nothing is packed */
    int denoise, bottleneck, depthwise;
    int32_t low, high; /* of d, the codes less their zero point from the ADC on */
    int uneven;       /* some column has a gain or an offset */
    int narrow;       /* the kernels' arithmetic is enough; otherwise the layer is left to ref_plain.c */
    int winograd;             /* by tiles of 2x2 outputs: ref_winograd.h */
    struct qr_conv conv;      /* one of the three */
    struct qr_conv place[16]; /* a 1x1 convolution for each place of a transformed tile */
    struct qr_depthwise dw;
    int32_t *m, *up, *down, *lost;  /* [lanes]: struct qr_scale of every channel */
    int32_t *gain, *offset, *a, *b; /* [lanes]; gain is in 2^-25, b in 2^-14 codes */
    struct qr_block block;
    struct qr_scale s1, s2, sd, su, sv;
    void *memory; /* everything above lies here */
};

/* Buffers of one thread. */
struct qr_scratch {
    int16_t *frame;        /* input with border */
    int32_t *d;            /* codes from the ADC on, whole layer with border, lanes a pixel: in the upper half the right neighbour's */
    int32_t *b1, *b2;      /* bottleneck activations, [pair]: whole layer with border, one row */
    int16_t *eps;          /* one row */
    int32_t *acc;          /* two rows, lanes a pixel */
    int16_t *places;       /* transformed tiles of two rows, [16][tiles][channels] */
    int32_t *place_sums;   /* [16][tiles][lanes] */
    int8_t *codes;         /* whole layer, before pooling */
    void *memory;
};

struct qr_kernels {
    /* d = q - z for n codes. */
    void (*widen)(const int8_t *codes, int32_t z, uint32_t n, int16_t *d);
    /* One output row; in points at the first window's corner. acc: [pixels][blocks*QR_LANES]. */
    void (*conv)(const struct qr_conv *conv, const int16_t *in, uint32_t pixels, int32_t *acc);
    /* Two output rows of a layer with `winograd`. */
    void (*winograd)(const struct qr_layer *layer, const int16_t *in, int16_t *places, int32_t *sums, int32_t *acc);
    void (*depthwise)(const struct qr_depthwise *conv, const int16_t *in, uint32_t pixels, int32_t *acc);
    /* Requantised, analog noise with eps unless it is NULL, ADC, column correction. d: a row from border to border, [pixels + 2][lanes]. */
    void (*tile)(const struct qr_layer *layer, const int32_t *acc, const int16_t *eps, uint32_t pixels, int32_t *d);
    /* First activations of one row of the frame, b1 [pair], `plane` from one to the next; up to QR_LANES behind the row's end are written. Second ones, b1 being the first window's corner. */
    void (*squeeze)(const struct qr_layer *layer, const int32_t *in, uint32_t pixels, size_t plane, int32_t *b1);
    void (*spread)(const struct qr_layer *layer, const int32_t *b1, uint32_t pixels, size_t row, size_t plane, int32_t *b2);
    /* One row of the block and what follows it; in: the row in the frame without its border. eps NULL: mean mode; residual: codes, NULL without one. Up to eight codes may be written behind the end. */
    void (*denoise)(const struct qr_layer *layer, const int32_t *b2, const int16_t *eps, const int32_t *in, const int8_t *residual, uint32_t pixels, int8_t *codes);
    /* The same without a block; d as in tile. */
    void (*post)(const struct qr_layer *layer, const int32_t *d, const int8_t *residual, uint32_t pixels, int8_t *codes);
    /* As qa_gaussian_fill. */
    void (*gaussian)(uint32_t seed, enum qa_purpose purpose, uint32_t layer, uint32_t inference, uint32_t first_pair, uint32_t pairs, int16_t *eps);
};

/* NULL where the processor does not have it. */
const struct qr_kernels *qr_kernels_neon(void);
const struct qr_kernels *qr_kernels_avx2(void);
const struct qr_kernels *qr_kernels_avxvnni(void);
const struct qr_kernels *qr_kernels_avx512(void);
const struct qr_kernels *qr_kernels_avx512vnni(void);

/* cpu.c */
const struct qr_kernels *qr_kernels_of(enum qr_path path); /* NULL also for QR_SCALAR */
const char *qr_path_name(enum qr_path path);               /* as QUELL_CPU has it: "scalar", "avx2" */
int qr_path_here(enum qr_path path);                       /* whether this processor has it */
/* The path that the environment variable QUELL_CPU names, or the best; QUELL_E_USAGE if it names none, or one that is not here. */
quell_status qr_choose_path(enum qr_path *path, quell_error *err);

/* Sizes of a layer's tensors in elements. */
size_t qr_input_size(const struct quell_model_layer *layer);
size_t qr_output_size(const struct quell_model_layer *layer);

/* ref_plain.c. residual NULL without one; output has qr_output_size codes. */
quell_status qr_plain_layer(const struct quell_model_layer *layer, const int8_t *input, const int8_t *residual, uint32_t noise_seed, uint32_t inference, int8_t *output);
void qr_plain_values(const struct quell_model_layer *layer, const int8_t *input, int32_t *values);
void qr_table(const struct quell_model_layer *layer, size_t n, int8_t *codes); /* in place */
void qr_pool(const struct quell_layer *t, uint32_t channels, const int8_t *codes, int8_t *output);

/* ref_pack.c. 0: no memory. */
int qr_pack(struct qr_layer *packed, const struct quell_model_layer *layer);
void qr_unpack(struct qr_layer *packed);
int qr_scratch_make(struct qr_scratch *scratch, const struct qr_layer *layers, uint32_t count);
void qr_scratch_free(struct qr_scratch *scratch);

/* ref_layer.c. Behind residual there are QR_LANES bytes that may be read. */
quell_status qr_run_layer(const struct qr_kernels *kernels, const struct qr_layer *layer, struct qr_scratch *scratch, const int8_t *input, const int8_t *residual, uint32_t noise_seed, uint32_t inference, int8_t *output);
/* Requantised values (s11.12) of a layer before the analog tile, all pixels and padded channels. kernels NULL: plain. */
void qr_run_values(const struct qr_kernels *kernels, const struct qr_layer *layer, struct qr_scratch *scratch, const int8_t *input, int32_t *values);

/* ref.c: choose how a reference device computes; QUELL_E_DEVICE if this machine cannot. Takes effect at once. */
quell_status qr_set_path(quell_device *device, enum qr_path path);

/* ref_tensor.c: channels padded to 8 and back, images as the first layer sees them. */
uint32_t qr_round_up(uint32_t x, uint32_t to);
void qr_pad_channels(const int8_t *packed, size_t pixels, uint32_t channels, int8_t *padded);
void qr_drop_padding(const int8_t *padded, size_t pixels, uint32_t channels, int8_t *packed);
void qr_image_codes(const struct quell_model *model, const quell_images *images, uint32_t index, int8_t *codes); /* (h + 2 pad) x (w + 2 pad) x C8 */
size_t qr_image_size(const struct quell_model *model);

/* The tensor a layer reads: pixels and real channels. */
void qr_source_shape(const struct quell_model *model, int producer, size_t *pixels, uint32_t *channels);

#endif
