/* SPDX-License-Identifier: Apache-2.0 */
/* What can be said about a pixel's meaning, in words and numbers: on the command line, in a file's metadata. */
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "input.h"
#include "input_range.h"

const struct input_range INPUT_RANGES[INPUT_RANGE_COUNT] = {
    {"0..1", 1 / 255.0, {0}, {1}, 1, 1},
    {"0..255", 1, {0}, {1}, 1, 1},
    {"-1..1", 1 / 127.5, {1}, {1}, 1, 1},
    {"-128..127", 1, {128}, {1}, 1, 1},
    {"imagenet", 1 / 255.0, {0.485, 0.456, 0.406}, {0.229, 0.224, 0.225}, 3, 0},
};
void input_use_range(quell_input *in, const struct input_range *r)
{
    in->scale = r->scale;
    memcpy(in->mean, r->mean, sizeof in->mean);
    memcpy(in->std, r->std, sizeof in->std);
    in->means = in->stds = r->numbers;
}

const struct input_range *input_range_of(const quell_input *in)
{
    for (size_t i = 0; i < INPUT_RANGE_COUNT; i++) {
        quell_input other = *in;
        input_use_range(&other, &INPUT_RANGES[i]);
        if (other.scale == in->scale && other.means == in->means && other.stds == in->stds && memcmp(other.mean, in->mean, sizeof in->mean) == 0 && memcmp(other.std, in->std, sizeof in->std) == 0)
            return &INPUT_RANGES[i];
    }
    return NULL;
}

/* Up to four numbers with commas between them; -> how many, 0: they are none. The decimal point is a point whatever the locale. */
static uint32_t read_numbers(const char *text, double numbers[4])
{
    uint32_t count = 0;
    locale_t c = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    for (const char *at = text; c; at++) {
        char *end;
        double v = strtod_l(at, &end, c);
        if (end == at || !isfinite(v) || count == 4 || (*end && *end != ',')) {
            count = 0;
            break;
        }
        numbers[count++] = v;
        at = end;
        if (!*at)
            break;
    }
    if (c)
        freelocale(c);
    return count;
}

static quell_status say_numbers(quell_input *in, const char *key, const char *text, quell_error *err)
{
    double numbers[4] = {0};
    uint32_t count = read_numbers(text, numbers);
    if (!count || (strcmp(key, "scale") == 0 && count != 1))
        return quell_fail(err, QUELL_E_USAGE, "input %s: '%.60s' is not %s", key, text, strcmp(key, "scale") == 0 ? "a number" : "one number, or one a channel with commas between them (red,green,blue)");
    for (uint32_t i = 0; i < count && strcmp(key, "mean") != 0; i++)
        if (!(numbers[i] > 0))
            return quell_fail(err, QUELL_E_USAGE, "input %s: '%.60s' must be above 0", key, text);
    if (in->said & QUELL_INPUT_VALUE && input_range_of(in))
        return quell_fail(err, QUELL_E_USAGE, "input %s and range exclude each other", key);
    if (!(in->said & QUELL_INPUT_VALUE)) {
        in->said |= QUELL_INPUT_VALUE;
        in->scale = 1;
        in->means = in->stds = 0;
        in->std[0] = 1;
    }
    if (strcmp(key, "scale") == 0) {
        in->scale = numbers[0];
    } else if (strcmp(key, "mean") == 0) {
        memcpy(in->mean, numbers, sizeof numbers);
        in->means = count;
    } else {
        memcpy(in->std, numbers, sizeof numbers);
        in->stds = count;
    }
    return QUELL_OK;
}

static quell_status say_word(quell_input *in, const char *key, const char *text, const char *no, const char *yes, uint32_t bit, uint32_t *member, quell_error *err)
{
    if (strcmp(text, no) != 0 && strcmp(text, yes) != 0)
        return quell_fail(err, QUELL_E_USAGE, "input %s: '%.60s' is not %s or %s", key, text, no, yes);
    *member = strcmp(text, yes) == 0;
    in->said |= bit;
    return QUELL_OK;
}

static quell_status say_resize(quell_input *in, const char *text, quell_error *err)
{
    char *end;
    unsigned long side = *text >= '1' && *text <= '9' ? strtoul(text, &end, 10) : 0;
    if (strcmp(text, "off") != 0 && (!side || *end || side > QUELL_RESIZE_MAX))
        return quell_fail(err, QUELL_E_USAGE, "input resize: '%.60s' is not off or the length of the short side, 1 to %d", text, QUELL_RESIZE_MAX);
    in->resize = (uint32_t)side;
    in->said |= QUELL_INPUT_RESIZE;
    return QUELL_OK;
}

quell_status quell_input_say(quell_input *in, const char *key, const char *text, quell_error *err)
{
    if (strcmp(key, "order") == 0)
        return say_word(in, key, text, "rgb", "bgr", QUELL_INPUT_ORDER, &in->bgr, err);
    if (strcmp(key, "layout") == 0)
        return say_word(in, key, text, "nchw", "nhwc", QUELL_INPUT_LAYOUT, &in->nhwc, err);
    if (strcmp(key, "resize") == 0)
        return say_resize(in, text, err);
    if (strcmp(key, "scale") == 0 || strcmp(key, "mean") == 0 || strcmp(key, "std") == 0)
        return say_numbers(in, key, text, err);
    if (strcmp(key, "range") != 0)
        return quell_fail(err, QUELL_E_USAGE, "input '%.60s': the keys are range, scale, mean, std, order, layout, resize", key);
    for (size_t i = 0; i < INPUT_RANGE_COUNT; i++)
        if (strcmp(text, INPUT_RANGES[i].name) == 0) {
            if (in->said & QUELL_INPUT_VALUE)
                return quell_fail(err, QUELL_E_USAGE, "input range and scale, mean, std exclude each other");
            input_use_range(in, &INPUT_RANGES[i]);
            in->said |= QUELL_INPUT_VALUE;
            return QUELL_OK;
        }
    return quell_fail(err, QUELL_E_USAGE, "input range: '%.60s' is not 0..255, 0..1, -1..1, -128..127 or imagenet", text);
}

quell_status input_read_metadata(quell_input *in, const char *(*get)(const void *context, const char *key), const void *context, quell_error *err)
{
    static const char *const KEYS[] = {"range", "scale", "mean", "std", "order", "layout", "resize"};
    for (size_t i = 0; i < sizeof KEYS / sizeof *KEYS; i++) {
        char name[40];
        snprintf(name, sizeof name, "quell.input.%s", KEYS[i]);
        const char *text = get(context, name);
        quell_error reason;
        if (text && quell_input_say(in, KEYS[i], text, &reason) != QUELL_OK)
            return quell_fail(err, QUELL_E_MODEL, "metadata %s: %s", name, reason.text);
    }
    return QUELL_OK;
}

void input_join(quell_input *to, const quell_input *said, const quell_input *file)
{
    const quell_input *value = said->said & QUELL_INPUT_VALUE ? said : file->said & QUELL_INPUT_VALUE ? file : NULL;
    *to = (quell_input){0};
    if (value)
        *to = *value;
    else
        input_use_range(to, &INPUT_RANGES[0]);
    to->said = said->said | file->said;
    to->bgr = said->said & QUELL_INPUT_ORDER ? said->bgr : file->bgr;
    to->nhwc = said->said & QUELL_INPUT_LAYOUT ? said->nhwc : file->nhwc;
    to->resize = said->said & QUELL_INPUT_RESIZE ? said->resize : file->resize;
}
