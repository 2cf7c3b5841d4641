/* SPDX-License-Identifier: Apache-2.0 */
/* What a pixel means to a network: said, or found from the range of its first QuantizeLinear; see input.h. */
#include "input.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "input_range.h"
#include "scale.h"

enum { FLOAT = 1, UINT8 = 2, INT8 = 3 };
enum { COLOURS = 3 };

quell_status input_change(struct quell_model *m, const quell_input *said, quell_error *err)
{
    quell_input old = m->input.meaning;
    old.said = QUELL_INPUT_VALUE | QUELL_INPUT_ORDER | QUELL_INPUT_LAYOUT | QUELL_INPUT_RESIZE;
    input_join(&m->input.meaning, said, &old);
    if (said->said & QUELL_INPUT_VALUE)
        m->input.source = QUELL_INPUT_SAID;
    return input_fill(m, err);
}

/* ---- from a pixel to a code ---- */

float input_step(const struct quell_input_step *step, uint32_t channel, float x)
{
    double k = step->k[channel];
    switch (step->op) {
    case INPUT_ADD: return x + (float)k;
    case INPUT_SUB: return x - (float)k;
    case INPUT_SUB_FROM: return (float)k - x;
    case INPUT_MUL: return x * (float)k;
    case INPUT_DIV: return x / (float)k;
    case INPUT_CLIP: return fminf(fmaxf(x, (float)k), (float)step->high);
    case INPUT_ADD_DOUBLE: return (float)(x + k);
    case INPUT_MUL_DOUBLE: return (float)(x * k);
    default: return x;
    }
}

float input_value(const struct quell_model_input *in, uint32_t channel, float element)
{
    for (uint32_t i = 0; i < in->step_count; i++)
        element = input_step(&in->steps[i], channel, element);
    return element;
}

/* In float32, one rounding an operation, as training frameworks do it. */
static float meant(const quell_input *m, uint32_t colour, int pixel)
{
    float x = (float)(pixel * m->scale);
    if (m->means)
        x = x - (float)m->mean[m->means > 1 ? colour : 0];
    return m->stds ? x / (float)m->std[m->stds > 1 ? colour : 0] : x;
}

float input_element(const struct quell_model_input *in, uint32_t channels, uint32_t channel, int pixel)
{
    if (in->source == QUELL_INPUT_CODES)
        return (float)(in->type == INT8 ? pixel - 128 : pixel);
    float x = meant(&in->meaning, in->meaning.bgr && channels >= COLOURS && channel < COLOURS ? COLOURS - 1 - channel : channel, pixel);
    if (in->type == FLOAT)
        return x;
    float low = in->type == INT8 ? -128 : 0, code = rintf(in->element_scale > 0 ? x / in->element_scale : x) + (float)in->element_zero;
    return fminf(fmaxf(code, low), low + 255);
}

/* ---- does it fit? ---- */

/* Where the pixels 0...255 of all channels come to lie, in codes before they are clipped. */
struct extent {
    double low, high;
};

static struct extent extent_of(const struct quell_model_input *in, uint32_t channels)
{
    struct extent e = {INFINITY, -INFINITY};
    for (uint32_t c = 0; c < channels; c++)
        for (int p = 0; p < 256; p++) {
            float code = rintf(input_value(in, c, input_element(in, channels, c, p)) / in->scale) + (float)in->zero;
            e.low = code < e.low ? code : e.low;
            e.high = code > e.high ? code : e.high;
        }
    return e;
}

static double clipped(struct extent e) { return fmax(0, fmax(-128 - e.low, e.high - 127)); }
static double used(struct extent e) { return fmax(0, fmin(e.high, 127) - fmax(e.low, -128)); }

/* Half of the codes, less what a symmetric scale leaves. */
static int good(struct extent e) { return clipped(e) <= 1 && used(e) >= 126; }

/* Both ends within three codes: a scale from images without black or white is off by so much. */
static int about(struct extent e) { return fabs(e.low + 128) <= 3 && fabs(e.high - 127) <= 3; }

/* A symmetric quantiser of numbers from 0 on: half of the codes are never used. */
static int upper_half(const struct quell_model_input *in, struct extent e) { return in->zero == 0 && fabs(e.low) <= 1 && fabs(e.high - 127) <= 3; }

/* Scale 1/127 or 1/128 is of a symmetric quantiser, of -1..1 or of 0..1; 1/127.5 is of -1..1. */
static int symmetric(const struct quell_model_input *in) { return in->step_count == 0 && in->zero == 0 && fabs(1.0 / in->scale - 127.5) > 0.25; }

static struct extent extent_with(const struct quell_model_input *in, uint32_t channels, const struct input_range *r)
{
    struct quell_model_input other = *in;
    input_use_range(&other.meaning, r);
    other.source = QUELL_INPUT_SAID;
    return extent_of(&other, channels);
}

static int fits(const struct quell_model_input *in, struct extent e) { return about(e) || upper_half(in, e); }

static int usable(const struct input_range *r, uint32_t channels) { return r->numbers == 1 || r->numbers == channels; }

int input_find(struct quell_model_input *in, uint32_t channels)
{
    const struct input_range *found = NULL, *before = input_range_of(&in->meaning), *const unsigned_one = &INPUT_RANGES[0], *const signed_one = &INPUT_RANGES[2];
    if (in->type != FLOAT) {
        in->source = QUELL_INPUT_CODES;
        return 0;
    }
    if (!symmetric(in) && about(extent_with(in, channels, signed_one)))
        found = signed_one;
    for (size_t i = 0; i < INPUT_RANGE_COUNT && !found; i++)
        if (INPUT_RANGES[i].found && fits(in, extent_with(in, channels, &INPUT_RANGES[i])))
            found = &INPUT_RANGES[i];
    if (!found && good(extent_with(in, channels, unsigned_one)))
        found = unsigned_one;
    in->source = !found ? QUELL_INPUT_UNKNOWN : in->step_count ? QUELL_INPUT_GRAPH : QUELL_INPUT_QUANTISER;
    input_use_range(&in->meaning, found ? found : unsigned_one);
    return input_range_of(&in->meaning) != before;
}

quell_status input_fill(struct quell_model *m, quell_error *err)
{
    const struct quell_model_input *in = &m->input;
    const quell_input *said = &in->meaning;
    uint32_t channels = m->info.image_c;
    if ((said->means > 1 && said->means != channels) || (said->stds > 1 && said->stds != channels))
        return quell_fail(err, QUELL_E_USAGE, "the input's mean or std has %u numbers, the network %u channel%s", said->means > 1 && said->means != channels ? said->means : said->stds, channels,
                          channels == 1 ? "" : "s");
    if (said->bgr && channels < COLOURS)
        return quell_fail(err, QUELL_E_USAGE, "the input's order is said to be BGR, but the network has %u channel%s", channels, channels == 1 ? "" : "s");
    for (uint32_t c = 0; c < QUELL_CHANNELS_MAX; c++)
        for (int p = 0; p < 256; p++) {
            uint32_t own = c < channels ? c : 0;
            m->pixel_code[c][p] = (int8_t)quell_code_of(input_value(in, own, input_element(in, channels, own, p)), in->scale, in->zero);
        }
    return QUELL_OK;
}

/* ---- in words ---- */

static void add(char *text, size_t size, const char *format, ...) __attribute__((format(printf, 3, 4)));
static void add(char *text, size_t size, const char *format, ...)
{
    size_t used_bytes = strlen(text);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text + used_bytes, size - used_bytes, format, arguments);
    va_end(arguments);
}

static void add_numbers(char *text, size_t size, const char *before, const double *numbers, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        add(text, size, "%s%.6g", i ? ", " : before, numbers[i]);
}

static void add_meaning(char *text, size_t size, const struct quell_model_input *in)
{
    const quell_input *m = &in->meaning;
    const struct input_range *r = input_range_of(m);
    if (in->source == QUELL_INPUT_CODES) {
        add(text, size, in->type == INT8 ? "a pixel of 0...255 is the code -128...127" : "a pixel of 0...255 is its code");
        return;
    }
    if (r) {
        add(text, size, "a pixel of 0...255 is %s", r->numbers > 1 ? "(pixel / 255 - ImageNet's mean) / std (imagenet)" : r->name);
        return;
    }
    add(text, size, "a pixel of 0...255 is (pixel x %.6g", m->scale);
    add_numbers(text, size, " - (", m->mean, m->means);
    add(text, size, "%s)", m->means ? ")" : "");
    add_numbers(text, size, " / (", m->std, m->stds);
    add(text, size, "%s", m->stds ? ")" : "");
}

quell_input_source quell_model_input(const quell_model *model, quell_input *input, char text[320])
{
    static const char *const FROM[] = {"found from the first QuantizeLinear", "as said", "from the file's metadata", "found from the first operators", "as its input's type says", ""};
    const struct quell_model_input *in = &model->input;
    enum { SIZE = 320 };
    *text = 0;
    *input = in->meaning;
    add(text, SIZE, "%s, N x %s, %s; ", in->type == FLOAT ? "float32" : in->type == UINT8 ? "uint8" : "int8", in->meaning.nhwc ? "H x W x C" : "C x H x W",
        model->info.image_c < COLOURS ? "grey" : in->meaning.bgr ? "BGR" : "RGB");
    if (in->source == QUELL_INPUT_UNKNOWN)
        add(text, SIZE, "what a pixel means is not known");
    else {
        add_meaning(text, SIZE, in);
        add(text, SIZE, ", %s", FROM[in->source]);
    }
    if (in->meaning.resize)
        add(text, SIZE, "; of PNG and JPEG files, their short side resized to %u, the middle of %u x %u", in->meaning.resize, model->info.image_h, model->info.image_w);
    return (quell_input_source)in->source;
}

/* What the first QuantizeLinear takes. */
static void add_takes(char *text, size_t size, const struct quell_model_input *in)
{
    add(text, size, "its first QuantizeLinear takes %.4g to %.4g", (-128.0 - in->zero) * in->scale, (127.0 - in->zero) * in->scale);
}

static void add_extent(char *text, size_t size, struct extent e)
{
    if (used(e) < 126)
        add(text, size, "uses %.0f %% of the codes", 100 * used(e) / 255);
    if (clipped(e) > 1)
        add(text, size, "%sis clipped by %.0f codes", used(e) < 126 ? " and " : "", fmin(clipped(e), 1e9));
}

/* Ranges that would fit, but for the one that is used. */
static void add_others(char *text, size_t size, const struct quell_model_input *in, uint32_t channels)
{
    const struct input_range *own = in->source == QUELL_INPUT_UNKNOWN ? NULL : input_range_of(&in->meaning);
    int count = 0;
    for (size_t i = 0; i < INPUT_RANGE_COUNT; i++)
        if (&INPUT_RANGES[i] != own && usable(&INPUT_RANGES[i], channels) && fits(in, extent_with(in, channels, &INPUT_RANGES[i])))
            add(text, size, "%s --input-range %s", count++ ? " or" : "; what fits is", INPUT_RANGES[i].name);
    if (!count)
        add(text, size, "; say what is meant with --input-range, or --input-scale, --input-mean and --input-std");
}

int quell_model_input_doubt(const quell_model *model, char text[400])
{
    const struct quell_model_input *in = &model->input;
    const uint32_t channels = model->info.image_c;
    const struct extent e = extent_of(in, channels);
    enum { SIZE = 400 };
    *text = 0;
    if (in->source == QUELL_INPUT_UNKNOWN) {
        add(text, SIZE, "what a pixel means to this network is not known: ");
        add_takes(text, SIZE, in);
        add(text, SIZE, ", and pixels of 0..1 would make a range that ");
        add_extent(text, SIZE, e);
        add_others(text, SIZE, in, channels);
        return 1;
    }
    if (in->source == QUELL_INPUT_CODES) {
        struct quell_model_input real = *in;
        if (in->element_scale <= 0)
            return 0;
        real.scale = in->element_scale;
        real.zero = in->element_zero - (in->type == UINT8 ? 128 : 0);
        real.type = FLOAT;
        real.step_count = 0;
        for (size_t i = 0; i < INPUT_RANGE_COUNT; i++)
            if (INPUT_RANGES[i].found && about(extent_with(&real, channels, &INPUT_RANGES[i])))
                return 0;
        add(text, SIZE, "the network's codes stand for %.4g to %.4g, and pixels are taken as codes: is another value meant, say it with --input-range, or --input-scale, --input-mean and --input-std",
            (-128.0 - real.zero) * real.scale, (127.0 - real.zero) * real.scale);
        return 1;
    }
    if (!fits(in, e) && !good(e)) {
        add(text, SIZE, "pixels as %s ", in->source == QUELL_INPUT_SAID ? "said make a range that" : "the file's metadata quell.input says make a range that");
        add_extent(text, SIZE, e);
        add(text, SIZE, ": ");
        add_takes(text, SIZE, in);
        add_others(text, SIZE, in, channels);
        return 1;
    }
    if (in->source == QUELL_INPUT_SAID || in->source == QUELL_INPUT_METADATA)
        return 0;
    if (upper_half(in, e) && about(extent_with(in, channels, &INPUT_RANGES[2]))) {
        add(text, SIZE, "pixels are taken as 0..1; the network's symmetric scale fits --input-range -1..1 as well");
        return 1;
    }
    if (!fits(in, e)) {
        add(text, SIZE, "pixels are taken as 0..1, but ");
        add_takes(text, SIZE, in);
        add(text, SIZE, "; if something else is meant, say it with --input-range, or --input-scale, --input-mean and --input-std");
        return 1;
    }
    if (clipped(e) > 1) {
        add(text, SIZE, "the lightest or darkest pixels are clipped by %.0f codes: ", clipped(e));
        add_takes(text, SIZE, in);
        return 1;
    }
    return 0;
}

quell_status input_check(const struct quell_model *m, quell_error *err)
{
    char text[400];
    const struct extent e = extent_of(&m->input, m->info.image_c);
    int blocked = m->input.source == QUELL_INPUT_UNKNOWN || (m->input.source == QUELL_INPUT_METADATA && !fits(&m->input, e) && !good(e));
    if (!blocked || !quell_model_input_doubt(m, text))
        return QUELL_OK;
    return quell_fail(err, QUELL_E_IMAGES, "%s", text);
}
