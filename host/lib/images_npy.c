/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tensors from a NumPy file, as the network takes them: float32 goes through the operators in front of the first QuantizeLinear and then through it, in
 * float32 as onnxruntime computes; int8 and uint8 are the network's codes. Nothing else is done to them.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "image_readers.h"
#include "input.h"
#include "npy.h"
#include "scale.h"

enum { FLOAT = 1, UINT8 = 2, INT8 = 3 }; /* ONNX's numbers */

static const char *type_name(uint32_t type) { return type == FLOAT ? "float32" : type == UINT8 ? "uint8" : "int8"; }

/* Shape and type against the model's. */
static quell_status check(const struct quell_images *im, const struct npy *npy, const char *path, quell_error *err)
{
    static const uint32_t ONNX[] = {FLOAT, INT8, UINT8};
    const struct quell_model_input *in = &im->model->input;
    const quell_model_info *i = &im->model->info;
    const uint64_t *s = npy->shape;
    uint32_t nhwc = in->meaning.nhwc, type = ONNX[npy->type];
    const uint64_t nhwc_shape[3] = {i->image_h, i->image_w, i->image_c}, nchw_shape[3] = {i->image_c, i->image_h, i->image_w};
    const uint64_t *want = nhwc ? nhwc_shape : nchw_shape, *other = nhwc ? nchw_shape : nhwc_shape;
    if (npy->dimensions != 4)
        return quell_fail(err, QUELL_E_IMAGES, "%s has %u dimensions; a tensor of images has 4: N x %llu x %llu x %llu", path, npy->dimensions, (unsigned long long)want[0], (unsigned long long)want[1],
                          (unsigned long long)want[2]);
    if (memcmp(s + 1, want, sizeof nhwc_shape) != 0)
        return quell_fail(err, QUELL_E_IMAGES, "%s is %llu x %llu x %llu x %llu; the network takes N x %llu x %llu x %llu (%s)%s", path, (unsigned long long)s[0], (unsigned long long)s[1], (unsigned long long)s[2],
                          (unsigned long long)s[3], (unsigned long long)want[0], (unsigned long long)want[1], (unsigned long long)want[2], nhwc ? "NHWC" : "NCHW",
                          memcmp(s + 1, other, sizeof nhwc_shape) == 0 ? (nhwc ? ": --input-layout nchw fits" : ": --input-layout nhwc fits") : i->image_pad ? "; its zero padding is added here" : "");
    if (s[0] > UINT32_MAX)
        return quell_fail(err, QUELL_E_IMAGES, "%s holds more than 4294967295 images", path);
    if (in->shared && (type == FLOAT || in->type == FLOAT))
        return quell_fail(err, QUELL_E_IMAGES, "%s: this network quantises its input in several ways, so that only pixels can be given", path);
    if (in->type != FLOAT && type != in->type)
        return quell_fail(err, QUELL_E_IMAGES, "%s holds %s; the network's input is %s", path, type_name(type), type_name(in->type));
    if (in->type == FLOAT && type != FLOAT && type != in->code_type)
        return quell_fail(err, QUELL_E_IMAGES, "%s holds %s; the network takes float32, or codes of its first QuantizeLinear, which are %s", path, type_name(type), type_name(in->code_type));
    return QUELL_OK;
}

struct converter {
    const struct quell_model_input *in;
    int direct; /* elements are codes of the first QuantizeLinear */
    enum npy_type type;
};

/* -> 0: it is no number. */
static int convert(const struct converter *k, const uint8_t *element, uint32_t channel, int8_t *code)
{
    float x;
    if (k->direct) {
        *code = (int8_t)(k->type == NPY_UINT8 ? element[0] - 128 : (int8_t)element[0]);
        return 1;
    }
    if (k->type == NPY_FLOAT32) {
        uint32_t bits = element[0] | (uint32_t)element[1] << 8 | (uint32_t)element[2] << 16 | (uint32_t)element[3] << 24;
        memcpy(&x, &bits, 4);
    } else {
        x = k->type == NPY_UINT8 ? (float)element[0] : (float)(int8_t)element[0];
    }
    x = input_value(k->in, channel, x);
    if (isnan(x))
        return 0;
    *code = (int8_t)quell_code_of(x, k->in->scale, k->in->zero);
    return 1;
}

static quell_status read_images(struct quell_images *im, const struct npy *npy, const char *path, FILE *file, const struct labels *labels, quell_error *err)
{
    const struct converter k = {&im->model->input, im->model->input.type == FLOAT && npy->type != NPY_FLOAT32, npy->type};
    const uint32_t channels = im->info.c, pixels = im->info.h * im->info.w, count = (uint32_t)npy->shape[0];
    const size_t size = (size_t)pixels * channels * npy->element_bytes;
    uint8_t *raw = malloc(size);
    quell_status status = raw ? QUELL_OK : quell_fail(err, QUELL_E_MEMORY, "out of memory for an image of %s", path);
    for (uint32_t i = 0; status == QUELL_OK && i < count && im->info.count < im->limit; i++) {
        if (fread(raw, 1, size, file) != size) {
            status = quell_fail(err, QUELL_E_IMAGES, "%s: image %u cannot be read", path, i);
            break;
        }
        int8_t *codes = (int8_t *)images_append(im, labels ? labels->entries[i].label : -1);
        if (!codes) {
            status = quell_fail(err, QUELL_E_MEMORY, "out of memory for the images of %s", path);
            break;
        }
        int good = 1;
        for (uint32_t p = 0; p < pixels; p++)
            for (uint32_t c = 0; c < channels; c++)
                good &= convert(&k, raw + npy->element_bytes * (im->model->input.meaning.nhwc ? (size_t)p * channels + c : (size_t)c * pixels + p), c, &codes[p * channels + c]);
        if (!good) {
            im->info.count--;
            status = images_bad(im, err, "%s: image %u holds something that is no number (NaN)", path, i);
        }
    }
    free(raw);
    return status;
}

quell_status images_read_npy(struct quell_images *im, const char *path, const struct labels *labels, quell_error *err)
{
    struct npy npy;
    FILE *file;
    if (!im->model)
        return quell_fail(err, QUELL_E_IMAGES, "%s is a tensor: what it means depends on the model it is for", path);
    quell_status status = npy_open(&npy, path, &file, err);
    if (status != QUELL_OK)
        return status;
    status = check(im, &npy, path, err);
    if (status == QUELL_OK && labels && labels->count != npy.shape[0])
        status = quell_fail(err, QUELL_E_IMAGES, "%s holds %u labels for the %llu images of %s", labels->path, labels->count, (unsigned long long)npy.shape[0], path);
    im->codes = 1;
    if (status == QUELL_OK)
        status = read_images(im, &npy, path, file, labels, err);
    fclose(file);
    return status;
}
