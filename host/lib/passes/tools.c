/* SPDX-License-Identifier: Apache-2.0 */
/* See tools.h. */
#include "tools.h"

#include <string.h>

quell_status pass_full(quell_error *err) { return quell_fail(err, QUELL_E_TOO_LARGE, "the network has become too large while it was simplified: out of memory, or more than %d nodes", GRAPH_NODES_MAX); }

int pass_scalar(const struct graph_tensor *t, double *value)
{
    if (!pass_is_const(t) || graph_elements(t) != 1)
        return 0;
    *value = graph_get(t, 0);
    return 1;
}

int pass_same_constant(const struct graph_tensor *a, const struct graph_tensor *b)
{
    if (a == b)
        return 1;
    if (!pass_is_const(a) || !pass_is_const(b) || a->type != b->type)
        return 0;
    size_t n = graph_elements(a);
    if (n != graph_elements(b) || (n > 1 && (a->rank != b->rank || memcmp(a->dims, b->dims, a->rank * sizeof *a->dims) != 0)))
        return 0;
    return memcmp(a->data, b->data, n * graph_type_bytes(a->type)) == 0;
}

int pass_shaped(const struct graph_tensor *t)
{
    if (!t || !t->shaped)
        return 0;
    for (size_t i = 0; i < t->rank; i++)
        if (t->dims[i] < 0 || t->dims[i] > GRAPH_ELEMENTS_MAX)
            return 0;
    return graph_elements(t) <= GRAPH_ELEMENTS_MAX;
}

void pass_take_shape(struct graph_tensor *to, const struct graph_tensor *from)
{
    to->shaped = from->shaped;
    to->rank = from->rank;
    memcpy(to->dims, from->dims, sizeof to->dims);
}

int64_t pass_axis(int64_t axis, size_t rank)
{
    if (axis < 0)
        axis += (int64_t)rank;
    return axis >= 0 && axis < (int64_t)rank ? axis : -1;
}

struct graph_tensor *pass_float(struct graph *g, const char *name, enum graph_type type, double value)
{
    struct graph_tensor *t = graph_constant(g, name, type, 0, NULL);
    if (t)
        graph_put(t, 0, value);
    return t;
}

struct graph_tensor *pass_node(struct graph *g, const char *op, const char *name, struct graph_node *before, size_t count, struct graph_tensor *const *inputs)
{
    struct graph_node *n = graph_node(g, op, "", name, count, 1, before);
    struct graph_tensor *out = n ? graph_tensor(g, name, GRAPH_UNKNOWN) : NULL;
    if (!out)
        return NULL;
    for (size_t i = 0; i < count; i++)
        graph_set_input(n, i, inputs[i]);
    graph_set_output(n, 0, out);
    return out;
}

struct graph_node *pass_clone(struct graph *g, const struct graph_node *node, struct graph_node *before)
{
    struct graph_node *n = graph_node(g, node->op, node->domain, graph_format(g, "%.200s#2", node->name), node->input_count, node->output_count, before);
    if (!n)
        return NULL;
    n->attributes = NULL;
    for (const struct graph_attribute *a = node->attributes; a; a = a->next) {
        struct graph_attribute *copy = graph_add_attr(g, n, a->name);
        if (!copy)
            return NULL;
        struct graph_attribute *next = copy->next;
        *copy = *a;
        copy->next = next;
    }
    for (size_t i = 0; i < node->input_count; i++)
        graph_set_input(n, i, node->inputs[i].tensor);
    for (size_t i = 0; i < node->output_count; i++) {
        struct graph_tensor *old = node->outputs[i], *t = old ? graph_tensor(g, graph_format(g, "%.200s#2", old->name), old->type) : NULL;
        if (old && !t)
            return NULL;
        if (t) {
            pass_take_shape(t, old);
            graph_set_output(n, i, t);
        }
    }
    return n;
}

void pass_bypass(struct graph *g, struct graph_node *node)
{
    struct graph_tensor *x = graph_in(node, 0), *y = graph_out(node);
    graph_replace(y, x);
    graph_remove(g, node);
}

struct graph_node *pass_dequantised(const struct graph_tensor *t)
{
    struct graph_node *n = t ? t->producer : NULL;
    return graph_is(n, "DequantizeLinear") && pass_is_const(graph_in(n, 0)) && pass_is_const(graph_in(n, 1)) && (!graph_in(n, 2) || pass_is_const(graph_in(n, 2))) ? n : NULL;
}

int64_t pass_output_axis(const struct graph_node *node)
{
    if (graph_is(node, "Conv"))
        return 0;
    if (graph_is(node, "Gemm"))
        return graph_attr_int(node, "transB", 0) ? 0 : 1;
    return graph_is(node, "MatMul") ? 1 : -1;
}

int pass_quantisation(const struct graph_node *node, double *scale, double *zero) { return pass_scalar(graph_in(node, 1), scale) && pass_scalar(graph_in(node, 2), zero); }

struct graph_node *pass_sole_reader(const struct graph_tensor *t) { return t && t->use_count == 1 ? t->uses->node : NULL; }

int pass_channels(const struct graph_tensor *x, int64_t *channels, int64_t *pixels)
{
    for (int steps = 0; x && steps < 64; steps++) {
        const struct graph_node *m = graph_maker(x);
        if (pass_shaped(x) && x->rank == 4) {
            *channels = x->dims[1];
            *pixels = x->dims[2] * x->dims[3];
            return *channels > 0;
        }
        if (pass_shaped(x) && (graph_is(m, "Gemm") || graph_is(m, "MatMul"))) {
            *channels = x->dims[x->rank - 1];
            *pixels = 1;
            return *channels > 0;
        }
        x = m ? graph_in(m, 0) : NULL;
    }
    return 0;
}

int pass_is_function(const struct graph_node *n)
{
    static const char *const NAMES[] = {"LeakyRelu", "ThresholdedRelu", "Sigmoid", "HardSigmoid", "HardSwish", "Tanh", "Elu", "Selu", "Celu", "Softplus", "Softsign", "Mish", "Gelu", "Erf", "Exp", "Log", "Sqrt",
                                        "Reciprocal", "Abs", "Neg", "Sign", "Floor", "Ceil", "Round"};
    for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++)
        if (graph_is(n, NAMES[i]))
            return n->input_count == 1;
    return 0;
}

const int8_t *pass_table_codes(const struct graph_node *n)
{
    if (!n || n->removed || strcmp(n->domain, "quell") != 0 || strcmp(n->op, "Table") != 0 || n->input_count != 4 || !graph_out(n))
        return NULL;
    const struct graph_tensor *x = graph_in(n, 0), *zero = graph_in(n, 2), *codes = graph_in(n, 3);
    double scale, z;
    if (!x || x->data || !pass_quantisation(n, &scale, &z) || !graph_is_code(zero->type) || !pass_is_const(codes) || codes->type != GRAPH_INT8 || graph_elements(codes) != QUELL_TABLE_CODES)
        return NULL;
    return codes->data;
}
