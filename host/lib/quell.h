/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libquell: compile quantised ONNX models for the Quell accelerator, make chips misbehave, run images on a device.
 *
 * Every object is an opaque handle, freed by its _free function (NULL is allowed). Every function that can fail returns a
 * quell_status and, if `err` is not NULL, fills a message for people. The library prints nothing, has no global state, and is safe
 * to use from several threads on different objects; models, profiles, calibrations and programs are immutable once made and may be
 * shared. The arithmetic is described in docs/arithmetic.md.
 */
#ifndef QUELL_H
#define QUELL_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Kinds of failure; the tool `quell` exits with the same number. 1 is kept for "anything else", 2 for wrong usage. */
typedef enum quell_status {
    QUELL_OK = 0,
    QUELL_E_INTERNAL = 1,
    QUELL_E_USAGE = 2,
    QUELL_E_FILE = 3,        /* cannot open, read or write; full disk */
    QUELL_E_MODEL = 4,       /* not a model, truncated, inconsistent */
    QUELL_E_UNSUPPORTED = 5, /* an operator or attribute that Quell does not have */
    QUELL_E_TOO_LARGE = 6,   /* does not fit a memory, or could overflow an accumulator */
    QUELL_E_PROFILE = 7,
    QUELL_E_IMAGES = 8,
    QUELL_E_CALIBRATION = 9,
    QUELL_E_DEVICE = 10,      /* no such kind of device, or it refused a request */
    QUELL_E_DEVICE_LOST = 11, /* died, was unplugged, or its answers are damaged */
    QUELL_E_MEMORY = 12,
    QUELL_E_INTERRUPTED = 13, /* the caller's progress function asked to stop */
    QUELL_E_NOT_FOUND = 14,   /* no such board is plugged in */
    QUELL_E_ACCESS = 15,      /* the board may not be used by this user */
    QUELL_E_BUSY = 16,        /* the board is in use by another program */
    QUELL_E_VERSION = 17,     /* the device's firmware, hardware or protocol is of another version */
    QUELL_E_TIMEOUT = 18,     /* the device did not answer in time */
} quell_status;

#define QUELL_STATUS_LAST QUELL_E_TIMEOUT

typedef struct quell_error {
    quell_status status;
    char text[480]; /* one line, no newline at the end */
} quell_error;

const char *quell_version(void);                /* "0.1.0" */
const char *quell_status_name(quell_status s);  /* "too large" */

/* The instructions that the reference device computes with: "avx2", "scalar", ...: the processor's best, or those that the environment variable QUELL_CPU names. All give the
 * same bytes. QUELL_E_USAGE (and *name NULL) if QUELL_CPU names none, or one that this processor does not have. */
quell_status quell_code_path(const char **name, quell_error *err);

/* ---- Hardware limits a model is compiled for ------------------------------------------------------------------------------ */

typedef struct quell_limits {
    uint32_t cores, bottleneck_max;
    uint32_t act_words;    /* 64-bit words */
    uint32_t weight_words; /* cores * 9 bytes each */
    uint32_t const_words;  /* channel pairs */
    uint32_t row_words, dn_pair_words, dn_row_words, line_words;
    uint32_t max_payload; /* bytes of one message: bounds the image */
    uint32_t tables;      /* activation tables of 256 codes; 0: the hardware has none */
    uint32_t ext_words;   /* external memory, 64-bit words; 0: none */
} quell_limits;

quell_limits quell_default_limits(void); /* the SoC's defaults */
quell_limits quell_endless_limits(void); /* the reference device: a model of any size */

/* ---- Models ----------------------------------------------------------------------------------------------------------------- */

typedef struct quell_model quell_model;

/*
 * What an image means to a network: the network's input is (pixel * scale - mean) / std, pixels being 0...255. Numbers are by colour, in the order red,
 * green, blue (, fourth), whatever the order of the network's channels. docs/quell.md, "What a pixel means".
 */
typedef struct quell_input {
    uint32_t said; /* which of the following was said: QUELL_INPUT_...; the rest is found out */
    double scale, mean[4], std[4];
    uint32_t means, stds; /* how many numbers there are: 1 is for all channels; 0: mean 0, std 1 */
    uint32_t bgr;         /* the network's channels are blue, green, red */
    uint32_t nhwc;        /* tensors lie N x H x W x C, else N x C x H x W */
    uint32_t resize;      /* PNG and JPEG files: the short side gets so many pixels, then the middle is taken; 0: a file must have the network's size */
} quell_input;

enum { QUELL_INPUT_VALUE = 1, QUELL_INPUT_ORDER = 2, QUELL_INPUT_LAYOUT = 4, QUELL_INPUT_RESIZE = 8 };
enum { QUELL_RESIZE_MAX = 4096 };

/* Say one thing. Keys: range (0..255, 0..1, -1..1, -128..127, imagenet), scale, mean, std ("0.5" or "0.5,0.5,0.5"), order (rgb, bgr), layout (nchw, nhwc),
 * resize (the short side of pictures, or off).
 * *input begins as all zeros. Range and scale, mean, std exclude each other. */
quell_status quell_input_say(quell_input *input, const char *key, const char *text, quell_error *err);

/* Read an ONNX QDQ file, a TensorFlow Lite file of 8 bits, or a compiled file written by quell_model_save (told by their first bytes), for hardware of these limits. */
quell_status quell_model_load(const char *path, const quell_limits *limits, quell_model **model, quell_error *err);
/* The same, with what is said about its input instead of what the file says or what can be found out. */
quell_status quell_model_load_for(const char *path, const quell_limits *limits, const quell_input *input, quell_model **model, quell_error *err);
/* Would the model fit a device of these limits? QUELL_E_TOO_LARGE: the message says which memory is too small, and by how much. */
quell_status quell_model_fits(const quell_model *model, const quell_limits *limits, quell_error *err);
quell_status quell_model_save(const quell_model *model, const char *path, quell_error *err);
void quell_model_free(quell_model *model);

/* What a network's file does behind its logits. The chip's answer is the logits' codes; the largest is the same before and after. */
typedef enum quell_end { QUELL_END_NONE, QUELL_END_SOFTMAX, QUELL_END_LOG_SOFTMAX, QUELL_END_SIGMOID, QUELL_END_ARGMAX } quell_end;

typedef struct quell_model_info {
    uint32_t layers;
    uint32_t image_h, image_w, image_c; /* of the images, without padding */
    uint32_t image_pad;
    uint32_t classes;
    uint32_t parameters;          /* backbone: weights and biases */
    uint32_t denoiser_parameters; /* all numbers in all denoising blocks, biases and sigma heads included */
    uint32_t denoisers;           /* blocks */
    uint64_t macs, denoiser_macs; /* for one image */
    uint32_t act_words, weight_words, const_words, dn_pair_words, dn_row_words; /* used */
    uint32_t end;                 /* enum quell_end: what the file does with the logits */
    uint32_t tables;              /* activation tables used */
    uint32_t ext_words;           /* 64-bit words of the external memory used: parameters that come from there, layer by layer */
} quell_model_info;

void quell_model_get_info(const quell_model *model, quell_model_info *info);

/* Where a model's quell_input comes from. */
typedef enum quell_input_source {
    QUELL_INPUT_QUANTISER, /* found from the range of its first QuantizeLinear */
    QUELL_INPUT_SAID,      /* by the caller */
    QUELL_INPUT_METADATA,  /* the file's quell.input.* */
    QUELL_INPUT_GRAPH,     /* found from the operators in front of its first QuantizeLinear */
    QUELL_INPUT_CODES,     /* the file's input is int8 or uint8: a pixel is its code */
    QUELL_INPUT_UNKNOWN,   /* nothing fits: only tensors can be given */
} quell_input_source;

/* What the model's input is, and where this is from; text: the same in words. */
quell_input_source quell_model_input(const quell_model *model, quell_input *input, char text[320]);
/* -> 1 if there is something to say about it: what else would fit, what does not; text: in words. With QUELL_INPUT_UNKNOWN always. */
int quell_model_input_doubt(const quell_model *model, char text[400]);
const char *quell_model_class_name(const quell_model *model, uint32_t index); /* NULL if the model names none */
/* What the compiler made of the file's forms, one line each; NULL: no further one (a compiled file has none). */
const char *quell_model_note(const quell_model *model, uint32_t index);

typedef struct quell_layer_info {
    char name[64];       /* the ONNX node's */
    char output[64];     /* ONNX name of the quantised tensor that the layer writes: what its codes are compared with */
    char input[64], residual[64]; /* ONNX names of the quantised tensors it reads; residual is "" without one */
    uint32_t out_h, out_w, out_c; /* what it writes, after pooling; channels without padding */
    float out_scale;
    int32_t out_zero;
    uint32_t in_h, in_w, in_c;
    uint64_t macs, denoiser_macs; /* macs 0: an identity layer that the compiler put in; no analog tile, no noise */
    uint32_t has_denoiser, conversions; /* conversions: ADC conversions per image = conv outputs */
    uint32_t kernel_h, kernel_w, dilation_y, dilation_x, groups; /* of the convolution as the file has it; a fully connected layer: 1 */
} quell_layer_info;

quell_status quell_model_get_layer(const quell_model *model, uint32_t index, quell_layer_info *info);

/* What one image would cost on analog tiles of 256 x 256 (an estimate; figures and sources in docs/energy.md). */
typedef struct quell_energy {
    uint64_t tile_products, conversions, digital_macs; /* digital: the denoising blocks, 0 with the denoiser off */
    double tile_nj, adc_nj, digital_nj, total_nj;      /* nanojoules */
    double latency_us;                                 /* microseconds: a layer's tiles side by side, layers one after the other */
} quell_energy;

void quell_estimate_energy(const quell_model *model, int denoiser_on, quell_energy *energy);

/* What a layer takes on the chip, estimated from the layer table (docs/compiler.md, "Cycles"). */
typedef struct quell_cycles {
    uint64_t array, post; /* work of the array, of the units behind it: both at once, the longer one bounds the layer */
    uint64_t load;        /* of the external memory, for the layer's parameters: while the layers before run, as far as there is room */
    uint32_t slices;      /* one after the other */
    uint64_t cycles;      /* from the end of the layer before, as the host sees it, to its own */
} quell_cycles;

/* layers: one each; *total: from the first layer's start to the last one's end, what the chip counts. */
quell_status quell_estimate_cycles(const quell_model *model, int denoiser_on, quell_cycles *layers, uint64_t *total, quell_error *err);

/* ---- Noise profiles and chips ------------------------------------------------------------------------------------------------- */

typedef struct quell_profile quell_profile;

/* docs/profiles.md lists the keys, units and legal ranges. Unknown or missing keys and non-finite or out-of-range values are errors. */
quell_status quell_profile_load(const char *path, quell_profile **profile, quell_error *err);
void quell_profile_free(quell_profile *profile);
const char *quell_profile_name(const quell_profile *profile);
/* The same profile with every spread and every drift exponent times `severity` (>= 0); the ADC's bits stay. */
quell_status quell_profile_scale(const quell_profile *profile, double severity, quell_profile **scaled, quell_error *err);
int quell_profile_is_static(const quell_profile *profile); /* 1: it has something that calibration can take out */

typedef struct quell_calibration quell_calibration;

quell_status quell_calibration_load(const char *path, quell_calibration **calibration, quell_error *err);
quell_status quell_calibration_save(const quell_calibration *calibration, const char *path, quell_error *err);
void quell_calibration_free(quell_calibration *calibration);

typedef enum quell_denoiser { QUELL_DENOISER_OFF, QUELL_DENOISER_MEAN, QUELL_DENOISER_SAMPLE } quell_denoiser;

/*
 * A program is what is loaded into a device: the model on one chip (profile + chip seed: column gains, offsets, weights as
 * programmed, stuck columns), its calibration and the denoiser mode. profile NULL: an ideal chip, noise off. calibration NULL: none;
 * one made for another model or chip seed is refused.
 */
typedef struct quell_program quell_program;

quell_status quell_program_make(const quell_model *model, const quell_profile *profile, uint32_t chip, const quell_calibration *calibration, quell_denoiser denoiser, quell_program **program,
                                quell_error *err);
void quell_program_free(quell_program *program);

/* ---- Images ---------------------------------------------------------------------------------------------------------------------- */

typedef struct quell_images quell_images;

typedef struct quell_images_info {
    uint32_t count, h, w, c;
    uint32_t labelled; /* 1 if labels are there */
    uint32_t skipped;  /* bad files left out */
} quell_images_info;

/*
 * path: an IDX file (gzip or not), CIFAR-10 binary file(s) (.bin; a folder of data_batch_*.bin / test_batch.bin), a folder of PNG/JPEG files or of a folder
 * of them per class, one such file, or a NumPy file of tensors. labels: an IDX file, a label a line, CSV lines file,label; NULL: as the images bring them.
 * limit: 0 is all. All images are checked and read before the function returns; skip_bad leaves out corrupt ones instead of failing.
 * model: whom they are for: its size and channels, its class names (folders are classes by name), what its input means. NULL: the first image decides the
 * size, folders are classes in alphabetical order, and there are no tensors.
 */
quell_status quell_images_open_for(const quell_model *model, const char *path, const char *labels, uint32_t limit, int skip_bad, quell_images **images, quell_error *err);
quell_status quell_images_open(const char *path, const char *labels, uint32_t limit, int skip_bad, quell_images **images, quell_error *err); /* for no model */
void quell_images_free(quell_images *images);
void quell_images_get_info(const quell_images *images, quell_images_info *info);
const uint8_t *quell_images_pixels(const quell_images *images, uint32_t index); /* h*w*c bytes, NHWC, red first; NULL: they came as tensors */
const int8_t *quell_images_codes(const quell_images *images, uint32_t index);   /* the network's first codes, NHWC, of what came as tensors; else NULL */
int quell_images_label(const quell_images *images, uint32_t index);             /* -1 if unknown */
const char *quell_images_note(const quell_images *images); /* something that people should know about them, or NULL */

/* ---- Devices --------------------------------------------------------------------------------------------------------------------- */

typedef struct quell_device quell_device;

/* name: "ref" (threads: how many, 0 = all cores), "sim" (the Verilated SoC; simulator: path of quell-simboard or NULL to look
 * beside the executable and in PATH; trace: waveform file or NULL), or "usb" (the only board plugged in), "usb:X" with a serial number or a place. */
typedef struct quell_device_options {
    uint32_t threads;
    const char *simulator;
    const char *trace;
} quell_device_options;

quell_status quell_device_open(const char *name, const quell_device_options *options, quell_device **device, quell_error *err);
void quell_device_close(quell_device *device);
const char *quell_device_name(const quell_device *device); /* "ref", "sim", "usb" */
quell_status quell_device_get_limits(quell_device *device, quell_limits *limits, quell_error *err);

/* A board on the USB. */
typedef struct quell_board {
    char serial[64]; /* "" if it has none or may not be asked */
    char place[24];  /* bus and ports, "1-2.3"; unique at any moment */
} quell_board;

/* What device it is. */
typedef struct quell_device_info {
    uint32_t version; /* of hardware and firmware: major << 16 | minor << 8 | patch */
    uint32_t build;   /* hash of the hardware's sources; 0: this library is the device */
    quell_board board; /* of a board on the USB */
} quell_device_info;

void quell_device_get_info(const quell_device *device, quell_device_info *info);

/* Boards that are plugged in; at most `capacity` of them are described, *count tells how many there are. Opens none for use. */
quell_status quell_boards_list(quell_board *boards, uint32_t capacity, uint32_t *count, quell_error *err);

/* Load a program. It must outlive its use on the device. */
quell_status quell_device_load(quell_device *device, const quell_program *program, quell_error *err);

typedef struct quell_counters { /* sums over the images run since the last load; zero on `ref` where only the chip knows */
    uint64_t images, cycles, macs;
    uint64_t array_busy, array_starved, array_blocked, post_busy, post_starved, post_blocked, samples, dn_busy, dn_blocked, window_wait;
    uint64_t link_sent, link_received; /* bytes of those images and their results over the link */
} quell_counters;

/* Called now and then with the number of finished images, which are always the first ones in order; return non-zero to stop:
 * quell_device_run then returns QUELL_E_INTERRUPTED. */
typedef int (*quell_progress)(void *context, uint32_t done);

/*
 * Run images first...first+count-1. Image i has inference number first_inference + i - first. logits: int8, count x classes.
 * *done (may be NULL) tells how many images have valid logits also when the function fails.
 */
quell_status quell_device_run(quell_device *device, const quell_images *images, uint32_t first, uint32_t count, uint32_t noise_seed, uint32_t first_inference, int8_t *logits, uint32_t *done,
                              quell_progress progress, void *context, quell_error *err);

/*
 * The same with several noise seeds an image, noise_seed...noise_seed+seeds-1: count x seeds inferences, those of an image in a row. A device at the end of a link
 * gets each image once. logits: int8, count x seeds x classes, the bytes of `seeds` calls of quell_device_run. *done and progress count inferences.
 */
quell_status quell_device_run_seeds(quell_device *device, const quell_images *images, uint32_t first, uint32_t count, uint32_t noise_seed, uint32_t seeds, uint32_t first_inference, int8_t *logits, uint32_t *done,
                                    quell_progress progress, void *context, quell_error *err);

/* Run one image through layers 0...layer and give that layer's output: int8 NHWC, out_h x out_w x out_c (channels not padded). */
quell_status quell_device_activations(quell_device *device, const quell_images *images, uint32_t index, uint32_t noise_seed, uint32_t inference, uint32_t layer, int8_t *codes, quell_error *err);

quell_status quell_device_get_counters(quell_device *device, quell_counters *counters, quell_error *err);

/* Reference arithmetic of one layer on given input codes (int8 NHWC without channel padding); residual NULL if the layer has none. */
quell_status quell_reference_layer(const quell_program *program, uint32_t layer, const int8_t *input, const int8_t *residual, uint32_t noise_seed, uint32_t inference, int8_t *output, quell_error *err);

/*
 * Column correction from unlabelled images: for every layer in order, compare the chip's conv-output codes with the ideal chip's on
 * the same input images, and set gain and offset a channel to the part that is explained by the ideal code. Runs on any device.
 */
quell_status quell_calibrate(quell_device *device, const quell_model *model, const quell_profile *profile, uint32_t chip, const quell_images *images, uint32_t first, uint32_t count, uint32_t noise_seed,
                             quell_calibration **calibration, quell_progress progress, void *context, quell_error *err);

#ifdef __cplusplus
}
#endif

#endif
