/* SPDX-License-Identifier: Apache-2.0 */
/* Inside libquell: what a compiled model and a program consist of. The compiler makes a model, program.c a program, devices run it. */
#ifndef QUELL_MODEL_H
#define QUELL_MODEL_H

#include "quell.h"
#include "quell_fields.h"

/* One layer-table entry, unpacked: a member for every field of hw/regs/quell.rdl's layer_rf; zero points, lo and hi are
 * sign-extended (see layer.c), everything else is unsigned. */
struct quell_layer {
#define QUELL_MEMBER(name, offset, lsb, width, text) int32_t name;
    QUELL_LAYER_FIELDS(QUELL_MEMBER)
#undef QUELL_MEMBER
};

/* Windows of an output, taps of a window and of all windows. */
static inline uint32_t quell_layer_windows(const struct quell_layer *t) { return (uint32_t)(t->win_h + 1) * (uint32_t)(t->win_w + 1); }
static inline uint32_t quell_layer_side(const struct quell_layer *t) { return t->mode == 1 ? 1 : 3; }
static inline uint32_t quell_layer_taps(const struct quell_layer *t) { return quell_layer_windows(t) * quell_layer_side(t) * quell_layer_side(t); }

void quell_layer_pack(const struct quell_layer *layer, uint32_t words[QUELL_LAYER_WORDS]);
void quell_layer_unpack(const uint32_t words[QUELL_LAYER_WORDS], struct quell_layer *layer);

enum { QUELL_TABLE_CODES = 256 }; /* of an activation table */

/* Zero point of what pooling reads. */
static inline int32_t quell_layer_z_pooled(const struct quell_layer *t) { return t->table_on ? t->z_table : t->z_y; }

/* Constants of one output channel; formats in docs/arithmetic.md. */
struct quell_channel {
    int32_t bias;
    uint32_t m; /* 24 bits */
    uint32_t s; /* 1...63 */
    uint32_t gain;  /* Q2.16; 0x10000 on an ideal chip */
    int32_t offset; /* s11.12 */
    uint32_t a;     /* Q2.14; 0x4000 is none */
    int32_t b;      /* s7.8 */
};

/* One denoising block; arrays are m x c8*8 and so on, rows/columns as in docs/arithmetic.md; channels padded with zeros. */
struct quell_block {
    uint32_t m, channels; /* m = 0: no bottleneck; channels = c8*8 */
    int8_t *d;            /* [channels][9], zeros without the depthwise path */
    int8_t *w1;           /* [m][channels] */
    int32_t *b1;          /* [m] */
    int8_t *w2;           /* [m][m][9]: output k, input j, tap */
    int32_t *b2;          /* [m] */
    int8_t *wu, *wv;      /* [channels][m] */
    int32_t *cv;          /* [channels], 24 bits */
    uint32_t parameters;  /* counted as in the ONNX file */
    uint64_t macs;
};

struct quell_model_layer {
    struct quell_layer table;      /* flags for the ideal chip: noise, correct, dn_* all 0; the other dn_ fields are set */
    struct quell_layer_info info;
    uint32_t channels;             /* padded output channels = out_c8*8 */
    uint32_t real_channels;        /* conv outputs without padding */
    uint32_t taps, in_channels;    /* weights are [channels][taps][in_channels] (I padded to 8, in depthwise 1); taps: window by window, see docs/geometry.md */
    int8_t *weights;
    struct quell_channel *constants; /* [channels] */
    struct quell_block *block;       /* NULL: no denoiser */
    int dn_depthwise, dn_bottleneck; /* paths that the block has */
    int8_t *act_table;               /* [QUELL_TABLE_CODES]: the code for q at place q & 255; NULL: no activation table */
    int input_layer, residual_layer; /* index of the producing layer, of a joined tensor its last one; -1 the image, -2 none */
    uint32_t join;                   /* 0: it writes a tensor of its own; else 1 + the last layer of those that write one tensor, each its words of every pixel */
    uint32_t join_at;                /* the first of these words */
};

/* Is this layer one of those that write the tensor which is known by `last`? */
static inline int quell_joins(const struct quell_model_layer *layer, int last) { return last >= 0 && layer->join == (uint32_t)last + 1; }

/* Channels of the tensor known by layer `last`: its own, or those of all that write it. */
static inline uint32_t quell_tensor_channels(const struct quell_model_layer *layers, int last)
{
    uint32_t most = layers[last].real_channels;
    for (int i = 0; i <= last && layers[last].join; i++)
        if (quell_joins(&layers[i], last) && layers[i].join_at * 8 + layers[i].real_channels > most)
            most = layers[i].join_at * 8 + layers[i].real_channels;
    return most;
}

enum { QUELL_CHANNELS_MAX = 4 }; /* of an image */

/* One operator in front of the first QuantizeLinear, on float32 numbers: a number a channel. */
struct quell_input_step {
    uint32_t op; /* enum input_op, input.h */
    double k[QUELL_CHANNELS_MAX], high;
};

enum { QUELL_INPUT_STEPS_MAX = 12 };

/* From a pixel, or an element of a tensor, to a code: element = meaning(pixel); value = steps(element); code = value / scale + zero. */
struct quell_model_input {
    quell_input meaning;
    uint32_t source;                      /* enum quell_input_source */
    uint32_t type;                        /* of the file's input, ONNX's number: 1 float32, 2 uint8, 3 int8 */
    uint32_t code_type;                   /* of the first QuantizeLinear: 2 uint8, 3 int8 */
    float scale, element_scale;           /* of the first QuantizeLinear; of the DequantizeLinear behind an input of codes, 0: none */
    int32_t zero, element_zero;           /* zero: for int8 codes; element_zero: as in the file */
    uint32_t file_nhwc;                   /* the file's input is N x H x W x C */
    uint32_t shared;                      /* the image is stored in one form for several QuantizeLinear: floating-point tensors cannot be given */
    uint32_t step_count;
    struct quell_input_step steps[QUELL_INPUT_STEPS_MAX];
};

/* What one entry of the layer table computes: a layer, or a slice of its output channels. Parameters: of weights, constants, denoiser pairs, denoiser rows. */
enum { QUELL_UNITS_MAX = 64, QUELL_KINDS = 4 };
struct quell_unit {
    uint32_t layer, at, c8;                            /* the first and number of words of a pixel */
    struct quell_span {
        uint32_t first, words;
    } span[QUELL_KINDS];
};

struct quell_model {
    quell_limits limits;
    quell_model_info info;
    struct quell_model_input input;
    uint32_t layer_count;
    struct quell_model_layer *layers;
    int8_t pixel_code[QUELL_CHANNELS_MAX][256]; /* input code of a pixel value, a channel of the network; unused channels as the first */
    uint32_t input_addr[2], logits_addr;
    uint32_t from_outside;  /* a bit for every enum qp_memory that is filled unit by unit from the external memory */
    uint32_t unit_count;
    struct quell_unit units[QUELL_UNITS_MAX]; /* in the order in which the chip runs them */
    char **class_names;     /* NULL or info.classes strings */
    char **notes;           /* what the compiler's passes did, one line each; none in a compiled file */
    uint32_t note_count;
    uint64_t hash;          /* of everything that fixes the outputs: calibration files are bound to it */
};

enum { QUELL_PROGRAMMING_TERMS = 8 };

/* Every column's gain is (age / start) ** -exponent, the exponents spread. */
struct quell_column_drift {
    double exponent, exponent_sigma, start_s, age_s;
};

/* What pairs of conducting devices make of weights; microsiemens and seconds. Exponents: slope, offset, least, most over ln(g / g_max). */
struct quell_conductance {
    double g_max_us, programming_us[QUELL_PROGRAMMING_TERMS];
    double drift_exponent[4], drift_exponent_sigma[4];
    double read[3]; /* factor, exponent, most */
    double read_s, start_s, age_s;
};

/* A noise profile: see docs/profiles.md. Shares of the code range are of 256 codes. */
struct quell_profile {
    char name[64];
    double read_additive, read_multiplicative;
    double column_gain_sigma, column_offset_sigma;
    double weight_programming_sigma, stuck_columns;
    int adc_bits;
    int drifts, conducts; /* whether the profile has them */
    struct quell_column_drift column_drift;
    struct quell_conductance conductance;
};

/* Column correction: for every layer, for every padded channel. */
struct quell_calibration {
    uint64_t model_hash;
    uint32_t chip;
    uint32_t layer_count;
    uint32_t *channels; /* a layer */
    uint32_t **a;       /* Q2.14 */
    int32_t **b;        /* s7.8 */
};

/* A model with the chip's peculiarities: layers own copies of what differs (weights, constants, table flags); blocks are shared. */
struct quell_program {
    const quell_model *model;
    struct quell_model_layer *layers; /* [model->layer_count]; info and block as in the model */
};

/* What quell_device_run_seeds is asked for; all of it is checked. */
struct quell_batch {
    const quell_images *images;
    uint32_t first, count, noise_seed, seeds, first_inference;
    int8_t *logits;
    uint32_t *done;
    quell_progress progress;
    void *context;
};

/* Device interface: one implementation a file. All functions as their public namesakes. */
struct quell_device_ops {
    quell_status (*load)(quell_device *device, const quell_program *program, quell_error *err);
    quell_status (*run)(quell_device *device, const struct quell_batch *batch, quell_error *err);
    quell_status (*activations)(quell_device *device, const quell_images *images, uint32_t index, uint32_t noise_seed, uint32_t inference, uint32_t layer, int8_t *codes, quell_error *err);
    quell_status (*get_limits)(quell_device *device, quell_limits *limits, quell_error *err);
    quell_status (*get_counters)(quell_device *device, quell_counters *counters, quell_error *err);
    void (*close)(quell_device *device);
};

struct quell_device { /* first member of every device's own struct */
    const struct quell_device_ops *ops;
    const char *name;
    const quell_program *program;
    quell_device_info info;
};

quell_status quell_ref_open(const quell_device_options *options, quell_device **device, quell_error *err);
quell_status quell_sim_open(const quell_device_options *options, quell_device **device, quell_error *err);
quell_status quell_board_open(const char *which, quell_device **device, quell_error *err); /* which: as quell_usb_open's */

/* Whether a weight stands for one of the file; the others only fill windows, groups and words, and are 0. */
int quell_weight_exists(const struct quell_model_layer *layer, uint32_t output, uint32_t tap, uint32_t input);

/* Fill err (may be NULL) and return status. */
quell_status quell_fail(quell_error *err, quell_status status, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Largest |accumulator| that weights and bias of a channel allow when an input code differs from its zero point by up to `distance`; 255 covers every zero point. */
int64_t quell_channel_reach(const struct quell_model_layer *layer, uint32_t channel, int distance);

/* Go on, or give a failure to the caller. */
#define TRY(expression)                 \
    do {                                \
        quell_status try_ = expression; \
        if (try_ != QUELL_OK)           \
            return try_;                \
    } while (0)

/* FNV-1a, 64 bits: add bytes to a hash that begins with QUELL_HASH_SEED. */
#define QUELL_HASH_SEED UINT64_C(0xCBF29CE484222325)
void quell_hash_bytes(uint64_t *hash, const void *data, size_t size);

#endif
