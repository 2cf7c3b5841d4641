/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The chip keeps eight-bit codes where some tools keep real values: between a convolution and an addition, a pooling, the end. There a pair is put in,
 * with a step taken from what reads it or from the largest value that the weights allow; where its rounding could show, the network is refused.
 *   before   y = Conv(x, w)   a = Add(y, r)   q = QuantizeLinear(Relu(a), s, z)
 *   after    y = Conv(x, w)   y' = DequantizeLinear(QuantizeLinear(y, s', z'))   a = Add(y', r)   q = QuantizeLinear(Relu(a), s, z)
 */
#include <math.h>
#include <string.h>

#include "affine.h"

struct range {
    double low, high;
};

static int is_clip(const struct graph_node *n) { return graph_is(n, "Relu") || graph_is(n, "Clip"); }

static int clamp(const struct graph_node *n, struct range *r)
{
    double low = graph_is(n, "Relu") ? 0 : -INFINITY, high = INFINITY;
    if (graph_is(n, "Clip") && ((graph_in(n, 1) && !pass_scalar(graph_in(n, 1), &low)) || (graph_in(n, 2) && !pass_scalar(graph_in(n, 2), &high))))
        return 0;
    r->low = fmin(fmax(r->low, low), high);
    r->high = fmin(fmax(r->high, low), high);
    return 1;
}

/* What the codes of a Q or DQ can stand for. */
static int codes_range(const struct graph_node *q, struct range *r, double *scale)
{
    double zero;
    if (!q || !pass_quantisation(q, scale, &zero) || !graph_is_code(graph_in(q, 2)->type))
        return 0;
    double least = graph_in(q, 2)->type == GRAPH_INT8 ? -128 : 0;
    *r = (struct range){(least - zero) * *scale, (least + 255 - zero) * *scale};
    return 1;
}

/* The largest and least sum that the weights allow. */
static int products_range(struct graph *g, const struct graph_node *n, struct range *r)
{
    const struct graph_node *d = pass_output_axis(n) >= 0 ? pass_dequantised(graph_in(n, 1)) : NULL, *source = graph_maker(graph_in(n, 0));
    struct range x;
    double scale;
    while (source && !graph_is(source, "DequantizeLinear") && graph_in(source, 0))
        source = graph_maker(graph_in(source, 0));
    if (!d || !affine_can_fold(n) || !codes_range(source, &x, &scale))
        return 0;
    const struct graph_tensor *w = graph_in(d, 0), *s = graph_in(d, 1), *bias = graph_in(n, 2);
    const struct graph_node *bias_d = pass_dequantised(bias);
    size_t axis = (size_t)pass_output_axis(n), inner = 1, outputs = (size_t)w->dims[axis], count = graph_elements(w);
    for (size_t i = axis + 1; i < w->rank; i++)
        inner *= (size_t)w->dims[i];
    x.low = fmin(x.low, 0);
    x.high = fmax(x.high, 0);
    *r = (struct range){0, 0};
    struct range *sums = graph_alloc(g, outputs + 1, sizeof *sums);
    if (!sums)
        return 0;
    for (size_t i = 0; i < count; i++) {
        size_t o = i / inner % outputs;
        double v = graph_get(w, i) * graph_get(s, graph_elements(s) == 1 ? 0 : o);
        sums[o].low += v > 0 ? v * x.low : v * x.high;
        sums[o].high += v > 0 ? v * x.high : v * x.low;
    }
    for (size_t o = 0; o < outputs; o++) {
        double b = 0;
        if (bias && bias_d && graph_elements(graph_in(bias_d, 0)) == outputs && (graph_elements(graph_in(bias_d, 1)) == 1 || graph_elements(graph_in(bias_d, 1)) == outputs))
            b = graph_get(graph_in(bias_d, 0), o) * graph_get(graph_in(bias_d, 1), graph_elements(graph_in(bias_d, 1)) == 1 ? 0 : o);
        else if (bias && pass_is_const(bias) && graph_elements(bias) == outputs)
            b = graph_get(bias, o);
        r->low = fmin(r->low, sums[o].low + b);
        r->high = fmax(r->high, sums[o].high + b);
    }
    return 1;
}

/* A real value that comes straight from products: its range. */
static int real_range(struct graph *g, const struct graph_tensor *t, struct range *r)
{
    const struct graph_node *n = graph_maker(t), *clips[8];
    size_t count = 0;
    for (; is_clip(n) && count < 8; n = graph_maker(graph_in(n, 0)))
        clips[count++] = n;
    if (!products_range(g, n, r))
        return 0;
    while (count)
        if (!clamp(clips[--count], r))
            return 0;
    return 1;
}

/* QuantizeLinear and DequantizeLinear over that range in front of input `index` of the node. */
static quell_status put_pair(struct graph *g, struct graph_use *use, struct graph_node *before, struct range r, double step, quell_error *err)
{
    const char *name = graph_format(g, "%.200s.quantised", use->tensor->name);
    r.low = fmin(r.low, 0);
    struct graph_tensor *scale = pass_float(g, name, GRAPH_FLOAT, step), *zero = pass_float(g, name, GRAPH_INT8, fmin(fmax(nearbyint(-128 - r.low / step), -128), 127));
    struct graph_tensor *const inputs[] = {use->tensor, scale, zero};
    struct graph_tensor *q = scale && zero ? pass_node(g, "QuantizeLinear", name, before, 3, inputs) : NULL;
    struct graph_tensor *const back[] = {q, scale, zero};
    struct graph_tensor *y = q ? pass_node(g, "DequantizeLinear", name, before, 3, back) : NULL;
    if (!y)
        return pass_full(err);
    q->type = GRAPH_INT8;
    y->type = GRAPH_FLOAT;
    pass_take_shape(y, use->tensor);
    graph_link(use, y);
    return QUELL_OK;
}

static double step_of(const struct range *r) { return (fmax(r->high, 0) - fmin(r->low, 0)) / 255; }

/* The QuantizeLinear behind a node, past clips, with the range that it tells apart. */
static const struct graph_node *quantised_behind(const struct graph_node *n, struct range *r, double *scale)
{
    const struct graph_node *clips[8], *q = pass_sole_reader(graph_out(n));
    size_t count = 0;
    for (; is_clip(q) && count < 8; q = pass_sole_reader(graph_out(q)))
        clips[count++] = q;
    if (!graph_is(q, "QuantizeLinear") || !codes_range(q, r, scale))
        return NULL;
    for (size_t i = 0; i < count; i++)
        if (!clamp(clips[i], r))
            return NULL;
    return q;
}

static int is_float_product(const struct graph_tensor *t)
{
    const struct graph_node *n = graph_maker(t);
    for (int i = 0; is_clip(n) && i < 8; i++)
        n = graph_maker(graph_in(n, 0));
    return pass_output_axis(n) >= 0;
}

enum { CODES_OFF_MAX = 2 }; /* what the rounding of a pair put in may change in the codes behind an addition */

static quell_status before_add(struct graph *g, struct graph_node *n, quell_error *err)
{
    struct range y, own[2];
    double scale, unused, off = 0;
    int is_product[2] = {is_float_product(graph_in(n, 0)), is_float_product(graph_in(n, 1))};
    if (!is_product[0] && !is_product[1])
        return QUELL_OK;
    if (!quantised_behind(n, &y, &scale))
        return quell_fail(err, QUELL_E_UNSUPPORTED, "%s: neither its inputs nor its result are quantised; calibrate with a QuantizeLinear behind the convolutions that it adds", PASS_LABEL(n));
    for (int i = 0; i < 2; i++)
        if (is_product[i] ? !real_range(g, graph_in(n, (size_t)i), &own[i]) : !codes_range(graph_maker(graph_in(n, (size_t)i)), &own[i], &unused))
            return QUELL_OK;
    for (int i = 0; i < 2; i++) { /* beyond these the sum saturates whatever the other one is */
        if (!is_product[i])
            continue;
        own[i].low = fmax(own[i].low, y.low - own[1 - i].high);
        own[i].high = fmin(own[i].high, y.high - own[1 - i].low);
        off += step_of(&own[i]) / 2 / scale;
    }
    if (off > CODES_OFF_MAX)
        return quell_fail(err, QUELL_E_UNSUPPORTED, "%s: a convolution that it adds is not quantised, and codes in between could change the sum by %.1f codes; calibrate with a QuantizeLinear behind '%.60s'",
                          PASS_LABEL(n), off, graph_in(n, is_product[0] ? 0 : 1)->name);
    for (size_t i = 0; i < 2; i++)
        if (is_product[i]) {
            double step = step_of(&own[i]);
            quell_status status = put_pair(g, &n->inputs[i], n, own[i], step > 0 ? step : 1, err);
            if (status != QUELL_OK)
                return status;
        }
    graph_note(g, "gaps: a convolution in front of %s is not quantised; codes put in, which change the sum by at most %.2f codes", PASS_LABEL(n), off);
    return QUELL_OK;
}

/* The largest of real values, quantised behind, is the largest of codes. */
static quell_status before_max(struct graph *g, struct graph_node *n, const struct graph_node *q, quell_error *err)
{
    struct graph_tensor *const inputs[] = {graph_in(n, 0), graph_in(q, 1), graph_in(q, 2)};
    struct graph_tensor *codes = pass_node(g, "QuantizeLinear", n->name, n, 3, inputs);
    struct graph_tensor *const back[] = {codes, graph_in(q, 1), graph_in(q, 2)};
    struct graph_tensor *y = codes ? pass_node(g, "DequantizeLinear", n->name, n, 3, back) : NULL;
    if (!y)
        return pass_full(err);
    codes->type = graph_in(q, 2)->type;
    y->type = GRAPH_FLOAT;
    graph_set_input(n, 0, y);
    return QUELL_OK;
}

static quell_status before_pool(struct graph *g, struct graph_node *n, quell_error *err)
{
    struct range y, own;
    double scale, elements = 1;
    const struct graph_tensor *x = graph_in(n, 0), *out = graph_out(n);
    if (!is_float_product(x))
        return QUELL_OK;
    const struct graph_node *q = quantised_behind(n, &y, &scale);
    if (!q)
        return quell_fail(err, QUELL_E_UNSUPPORTED, "%s: neither its input nor its result is quantised; calibrate with a QuantizeLinear in front of it", PASS_LABEL(n));
    if (graph_is(n, "MaxPool") || graph_is(n, "GlobalMaxPool"))
        return before_max(g, n, q, err);
    if (!real_range(g, x, &own) || !pass_shaped(x) || !pass_shaped(out) || x->rank != 4)
        return QUELL_OK;
    size_t sides;
    const int64_t *kernel = graph_attr_ints(n, "kernel_shape", &sides);
    for (size_t i = 0; i < 2; i++)
        elements *= graph_is(n, "AveragePool") && sides == 2 ? (double)kernel[i] : (double)x->dims[2 + i];
    if (own.low >= 0) /* one larger than all together may be: the mean saturates */
        own.high = fmin(own.high, y.high * elements);
    double step = step_of(&own), off = 4 * step / sqrt(12 * elements) / scale;
    if (off > 1)
        return quell_fail(err, QUELL_E_UNSUPPORTED, "%s: its input is not quantised, and codes in between could change the mean by %.1f codes; calibrate with a QuantizeLinear behind '%.60s'", PASS_LABEL(n), off,
                          x->name);
    graph_note(g, "gaps: the input of %s is not quantised; codes put in, which change the mean by %.2f codes at most in 99.99 %% of the cases", PASS_LABEL(n), off);
    return put_pair(g, &n->inputs[0], n, own, step > 0 ? step : 1, err);
}

static quell_status before_end(struct graph *g, quell_error *err)
{
    struct range own;
    struct graph_use *out = &g->outputs[0];
    if (!is_float_product(out->tensor) || !real_range(g, out->tensor, &own))
        return QUELL_OK;
    double step = step_of(&own);
    graph_note(g, "gaps: the logits '%.90s' are not quantised; their codes have the step %g, of the largest sum that the weights allow", out->tensor->name, step);
    return put_pair(g, out, NULL, own, step > 0 ? step : 1, err);
}

/* A network without any codes is not quantised at all: say that, not what is missing at one node. */
static quell_status is_quantised(const struct graph *g, quell_error *err)
{
    const struct graph_node *product = NULL;
    for (const struct graph_node *n = g->first; n; n = n->next) {
        if (graph_is(n, "QuantizeLinear") || strncmp(n->op, "QLinear", 7) == 0 || strstr(n->op, "Integer") || strcmp(n->op, "DynamicQuantizeLinear") == 0)
            return QUELL_OK;
        product = pass_output_axis(n) >= 0 && !product ? n : product;
    }
    return product ? quell_fail(err, QUELL_E_UNSUPPORTED, "%s: the network is not quantised (it has no QuantizeLinear); quantise it statically in QDQ format, 8 bits, for example with onnxruntime's quantize_static", PASS_LABEL(product))
                   : QUELL_OK;
}

quell_status pass_gaps(struct graph *g, quell_error *err)
{
    quell_status quantised = is_quantised(g, err);
    if (quantised != QUELL_OK)
        return quantised;
    for (struct graph_node *n = g->first; n; n = n->next) {
        quell_status status = QUELL_OK;
        if (n->removed || !graph_out(n))
            continue;
        if (graph_is(n, "Add") && graph_in(n, 0) && graph_in(n, 1))
            status = before_add(g, n, err);
        else if (graph_is(n, "AveragePool") || graph_is(n, "GlobalAveragePool") || graph_is(n, "MaxPool") || graph_is(n, "GlobalMaxPool") || graph_is(n, "ReduceMean"))
            status = before_pool(g, n, err);
        if (status != QUELL_OK)
            return status;
    }
    return g->output_count == 1 ? before_end(g, err) : QUELL_OK;
}
