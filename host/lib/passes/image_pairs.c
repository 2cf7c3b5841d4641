/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The image is stored in one form. A second QuantizeLinear of it reads the first one's codes, if these give the same codes for each of the 256 pixels;
 * else both read a third one, of codes that tell all pixels apart.
 *   before   a = QuantizeLinear(image, s1, z1)   b = QuantizeLinear(image, s2, z2)
 *   after    a = QuantizeLinear(image, s1, z1)   b = QuantizeLinear(DequantizeLinear(a, s1, z1), s2, z2)
 */
#include <math.h>

#include "scale.h"
#include "tools.h"

struct form {
    float scale;
    int zero; /* for int8 codes */
};

static int read_form(const struct graph_node *q, struct form *f)
{
    double scale, zero;
    if (!graph_is(q, "QuantizeLinear") || !pass_quantisation(q, &scale, &zero) || !graph_is_code(graph_in(q, 2)->type) || !isnormal((float)scale) || scale < 0)
        return 0;
    f->scale = (float)scale;
    f->zero = (int)zero - (graph_in(q, 2)->type == GRAPH_UINT8 ? 128 : 0);
    return 1;
}

/* Do codes of `from`, requantised as a layer of ones does it, equal codes of `to` for every pixel? */
static int gives(const struct graph *g, const struct form *from, const struct form *to)
{
    float multiplier = from->scale / to->scale;
    for (size_t c = 0; c < (size_t)g->input->dims[1]; c++)
        for (size_t p = 0; p < 256; p++) {
            float x = g->meaning.value[c][p];
            double v = nearbyint((double)(quell_code_of(x, from->scale, from->zero) - from->zero) * multiplier) + to->zero;
            if (quell_code_of(x, to->scale, to->zero) != (int)fmin(fmax(v, -128), 127))
                return 0;
        }
    return 1;
}

static int gives_all(const struct graph *g, const struct form *from, const struct graph_tensor *x)
{
    struct form to;
    for (const struct graph_use *u = x->uses; u; u = u->next)
        if (!read_form(u->node, &to) || !gives(g, from, &to))
            return 0;
    return 1;
}

/* Codes over the whole range of the values, all apart if there are no more than 256. */
static struct form fine_form(const struct graph *g)
{
    float least = 0, most = 0;
    for (size_t c = 0; c < (size_t)g->input->dims[1]; c++)
        for (size_t p = 0; p < 256; p++) {
            least = fminf(least, g->meaning.value[c][p]);
            most = fmaxf(most, g->meaning.value[c][p]);
        }
    float scale = (float)(((double)most - least) / 255);
    return (struct form){scale > 0 ? scale : 1, (int)nearbyintf(-128 - least / (scale > 0 ? scale : 1))};
}

/* DequantizeLinear of the form's codes, for the others to read. */
static struct graph_tensor *base(struct graph *g, struct graph_node *first, const struct form *f)
{
    struct graph_tensor *scale = pass_float(g, "scale", GRAPH_FLOAT, f->scale), *zero = pass_float(g, "zero", GRAPH_INT8, f->zero);
    struct graph_tensor *const inputs[] = {g->input, scale, zero};
    struct graph_tensor *q = scale && zero ? pass_node(g, "QuantizeLinear", g->input->name, g->first, 3, inputs) : NULL;
    struct graph_tensor *const back[] = {q, scale, zero};
    (void)first;
    return q ? pass_node(g, "DequantizeLinear", g->input->name, q->producer->next, 3, back) : NULL;
}

quell_status pass_image_pairs(struct graph *g, quell_error *err)
{
    struct graph_tensor *x = g->input;
    struct form f, fine;
    if (!x || x->use_count < 2 || !pass_shaped(x) || x->rank != 4 || x->dims[1] < 1 || x->dims[1] > GRAPH_CHANNELS_MAX)
        return QUELL_OK;
    struct graph_node *keeper = NULL;
    for (struct graph_use *u = x->uses; u; u = u->next) {
        if (!read_form(u->node, &f))
            return QUELL_OK; /* whoever else reads the image is refused where it stands */
        if (!keeper && gives_all(g, &f, x)) {
            keeper = u->node;
            fine = f;
        }
    }
    if (!keeper) {
        fine = fine_form(g);
        if (!gives_all(g, &fine, x))
            return quell_fail(err, QUELL_E_UNSUPPORTED, "the image '%s' is quantised in two ways that cannot both be made of one code a pixel; quantise it once", x->name);
    }
    g->meaning.input.shared = 1;
    struct graph_tensor *real = base(g, keeper, &fine);
    if (!real)
        return pass_full(err);
    for (struct graph_use *u = x->uses, *next; u; u = next) {
        next = u->next;
        if (u->node != graph_maker(graph_in(real->producer, 0)))
            graph_link(u, real);
    }
    graph_note(g, "image_pairs: '%s' is quantised in several ways; stored once, the others made from it", x->name);
    return QUELL_OK;
}
