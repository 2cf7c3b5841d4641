/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The compiler's working state while it walks a graph: for every tensor what it is, for every layer what is known of it. The files, each of which
 * calls only those before it: build.c (this state), build_layer.c (scales into a layer's integers), build_block.c (denoising blocks),
 * build_geometry.c (kernels as windows of the array), build_conv.c (operators that open a layer), build_quantise.c (Q, DQ, tables), build_concat.c (joined tensors), build_post.c (add, clip, pool), build_shape.c; compile.c walks.
 */
#ifndef QUELL_BUILD_H
#define QUELL_BUILD_H

#include "graph.h"

/* How far a layer is: what its output codes are so far, in the order of the chip's stages. */
enum stage { STAGE_ACC, STAGE_V, STAGE_DENOISED, STAGE_POST, STAGE_TABLE, STAGE_POOLED };

enum value_kind {
    VALUE_NONE,   /* nothing has made it yet */
    VALUE_CONST,  /* a constant */
    VALUE_WEIGHT, /* a constant behind DequantizeLinear */
    VALUE_IMAGE,  /* the network's input */
    VALUE_CODES,  /* int8 codes of a layer or of the image */
    VALUE_REAL,   /* the same behind DequantizeLinear */
    VALUE_FLOAT,  /* a layer's result that is not quantised yet */
};

struct value {
    enum value_kind kind;
    const struct graph_tensor *tensor, *scales, *zeros; /* CONST, WEIGHT */
    int64_t axis;                               /* WEIGHT */
    int layer;           /* CODES, REAL, FLOAT: the layer; -1 the image */
    enum stage stage;    /* FLOAT: what will be there once it is quantised */
    float scale;         /* CODES, REAL */
    int zero;            /* CODES, REAL: for int8 codes; uint8 ones are shifted by 128 */
    uint32_t h, w, c;
    int flat;            /* two-dimensional: N x (C*H*W) */
    int sole;            /* CODES, REAL: exactly one node reads it, so that node may become part of the layer */
    const char *codes;   /* CODES, REAL: name of the quantised tensor */
};

/* What the compiler must remember of a layer beyond struct quell_model_layer. */
struct draft {
    enum stage stage;
    int fully_connected, identity;
    uint64_t products;      /* multiplications an output */
    float s_in, s_v, s_res; /* scales of input, conv output, residual */
    float low, high;        /* clip in real units */
    float *w_scale;         /* [real_channels] */
    double *bias;           /* [real_channels] or NULL */
    float *bias_scale;      /* [real_channels]: bias is integer at this scale; NULL: bias is real */
};

struct builder {
    struct graph *graph;
    struct quell_model *model;
    struct draft *drafts; /* beside model->layers */
    struct value *values; /* by the tensor's number */
    const struct graph_node *node;
    char label[200]; /* the present node for messages: node 'conv1' (Conv) */
    quell_error *err;
};

#define BUILD_FAIL(b, status, ...) quell_fail((b)->err, status, __VA_ARGS__)
#define KINDS(k) (1u << VALUE_##k)

static inline struct quell_model_layer *build_layer(const struct builder *b, int layer) { return &b->model->layers[layer]; }

/* ---- build.c ---- */
struct value *build_value(const struct builder *b, const struct graph_tensor *tensor);
/* Value of input `index` of the present node: an error if it is missing or of none of the kinds in the mask (1 << VALUE_...). */
quell_status build_input(const struct builder *b, size_t index, unsigned kinds, const char *what, const struct value **value);
/* Record output 0 of the present node. */
quell_status build_output(struct builder *b, const struct value *value);
/* Output 0 of the present node is a layer's result that is not quantised yet: it can have one reader only, the chip does not keep it. */
quell_status build_float_output(struct builder *b, int layer, enum stage stage, uint32_t h, uint32_t w, uint32_t c, int flat);
size_t build_uses(const struct builder *b); /* of output 0 */
quell_status build_scalar(const struct builder *b, size_t index, const char *what, double *value, enum graph_type *type);
quell_status build_new_layer(struct builder *b, const struct value *input, int *layer);

/* ---- build_layer.c ---- */
/* A bias given at `given` in steps of `wanted`; scales that differ by float rounding only leave it as it is. -> 0 if it does not fit `limit`. */
int layer_rescale(double value, double given, double wanted, double limit, int32_t *result);
/* Scales known up to the conv output's: bias, M, S of every channel; identity in everything behind. */
quell_status layer_set_v(struct builder *b, int layer, float scale, int zero);
quell_status layer_set_post(struct builder *b, int layer, float scale, int zero);
quell_status layer_set_pool(struct builder *b, int layer, float scale, int zero);
/* A layer that computes x again: its weights are 1, its scales are not set yet. */
quell_status layer_identity(struct builder *b, const struct value *x, int *layer);
/* Take an operator behind stage `last` into the layer that made x; if it cannot be, into a new identity layer. */
quell_status layer_open_stage(struct builder *b, const struct value *x, enum stage last, int *layer);

/* ---- build_block.c ---- */
quell_status build_denoise(struct builder *b);

/* ---- build_geometry.c ---- */
enum { KERNEL_MAX = 16, STRIDE_MAX = 8, PAD_MAX = 63 }; /* dilation: as the step from window to window, at most PAD_MAX */

/* A convolution as the file has it, and the windows of the array that make it: docs/geometry.md. */
struct geometry {
    uint32_t kh, kw, stride_y, stride_x, dilation_y, dilation_x, groups, outputs;
    int64_t pad[4]; /* top, left, bottom, right */
    uint32_t out_h, out_w;
    int mode; /* of the layer table */
    uint32_t win_h, win_w, step_y, step_x;
};

quell_status geometry_read(const struct builder *b, const struct value *x, const struct graph_tensor *w, struct geometry *g);
/* Sizes, windows and the shape of the weights (no weights yet) of a new layer that reads x. */
void geometry_set(struct quell_model_layer *layer, const struct value *x, const struct geometry *g);
/* Where weight (y, x) of the kernel is among the taps of the windows. */
uint32_t geometry_tap(const struct geometry *g, uint32_t y, uint32_t x);

/* ---- build_conv.c ---- */
quell_status build_conv(struct builder *b);
quell_status build_gemm(struct builder *b);
quell_status build_matmul(struct builder *b);

/* ---- build_quantise.c ---- */
/* Scale and zero point (for int8 codes) of the present node, inputs 1 and 2. */
quell_status build_quantisation(const struct builder *b, float *scale, int *zero);
/* What the layer writes so far. */
void build_describe_output(struct builder *b, const struct value *v);
quell_status build_quantise(struct builder *b);
quell_status build_dequantise(struct builder *b);
quell_status build_table(struct builder *b);

/* ---- build_post.c ---- */
quell_status build_add(struct builder *b);
quell_status build_relu(struct builder *b);
quell_status build_clip(struct builder *b);
quell_status build_pool(struct builder *b);
quell_status build_global_pool(struct builder *b);
quell_status build_reduce_mean(struct builder *b);

/* ---- build_concat.c ---- */
quell_status build_concat(struct builder *b);

/* ---- build_shape.c ---- */
quell_status build_identity(struct builder *b);
quell_status build_flatten(struct builder *b);
quell_status build_squeeze(struct builder *b);
quell_status build_reshape(struct builder *b);

#endif
