/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Transposes move towards the image until two meet and cancel, or the image itself is transposed; what reads few dimensions takes them in.
 *   before   q = QuantizeLinear(image: N x H x W x C)   t = Transpose(DequantizeLinear(q)) 0,3,1,2
 *   after    t' = Transpose(image) 0,3,1,2   q = QuantizeLinear(t')   DequantizeLinear(q)
 */
#include <string.h>

#include "tools.h"

static int read_perm(const struct graph_node *n, size_t rank, int64_t *perm)
{
    size_t count;
    const int64_t *p = graph_attr_ints(n, "perm", &count);
    unsigned seen = 0;
    if (rank == 0 || rank > GRAPH_RANK_MAX || (p && count != rank))
        return 0;
    for (size_t i = 0; i < rank; i++) {
        perm[i] = p ? p[i] : (int64_t)(rank - 1 - i);
        if (perm[i] < 0 || perm[i] >= (int64_t)rank)
            return 0;
        seen |= 1u << perm[i];
    }
    return seen == (1u << rank) - 1;
}

static int is_elementwise(const struct graph_node *m)
{
    static const char *const NAMES[] = {"QuantizeLinear", "DequantizeLinear", "Relu", "Clip", "Cast", "Identity", "Dropout", "Sigmoid", "LeakyRelu", "Tanh", "HardSwish", "HardSigmoid", "Neg",
                                        "Abs", "Elu", "Selu", "Celu", "Gelu", "Erf", "Exp", "Log", "Sqrt", "Softplus", "Softsign", "Mish", "ThresholdedRelu", "Reciprocal", "Sign", "Floor", "Ceil", "Round"};
    for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++)
        if (graph_is(m, NAMES[i]))
            return (i > 1 || (graph_in(m, 1) && graph_elements(graph_in(m, 1)) == 1)) && graph_in(m, 0) && !graph_in(m, 0)->data;
    return pass_table_codes(m) != NULL || (graph_is(m, "PRelu") && graph_in(m, 0) && !graph_in(m, 0)->data && graph_in(m, 1) && graph_elements(graph_in(m, 1)) == 1);
}

static int is_binary(const struct graph_node *m) { return graph_is(m, "Add") || graph_is(m, "Sub") || graph_is(m, "Mul") || graph_is(m, "Div") || graph_is(m, "Min") || graph_is(m, "Max"); }

static struct graph_tensor *transposed(struct graph *g, struct graph_node *n, struct graph_node *before, struct graph_tensor *x, size_t rank, const int64_t *perm)
{
    struct graph_tensor *const inputs[] = {x};
    struct graph_tensor *t = pass_node(g, "Transpose", n->name, before, 1, inputs);
    if (!t || !graph_set_ints(g, t->producer, "perm", rank, perm))
        return NULL;
    t->type = x->type;
    return t;
}

/* Transpose(f(x)) -> f'(Transpose(x)), f' a copy where others read f's result too. */
static quell_status above_elementwise(struct graph *g, struct graph_node *n, struct graph_node *m, size_t rank, const int64_t *perm, quell_error *err)
{
    struct graph_tensor *old = graph_out(n);
    struct graph_node *copy = pass_clone(g, m, n);
    struct graph_tensor *t = copy ? transposed(g, n, copy, graph_in(m, 0), rank, perm) : NULL;
    if (!t)
        return pass_full(err);
    copy->name = m->name;
    graph_out(copy)->name = graph_out(m)->use_count == 1 ? graph_out(m)->name : graph_out(copy)->name;
    graph_out(copy)->shaped = 0;
    graph_set_input(copy, 0, t);
    graph_replace(old, graph_out(copy));
    graph_remove(g, n);
    return QUELL_OK;
}

/* A constant of fewer dimensions is seen with ones in front, as broadcasting does. */
static struct graph_tensor *constant_transposed(struct graph *g, const struct graph_tensor *k, size_t rank, const int64_t *perm)
{
    int64_t dims[GRAPH_RANK_MAX], wide[GRAPH_RANK_MAX];
    if (k->rank > rank)
        return NULL;
    for (size_t i = 0; i < rank; i++)
        wide[i] = i + k->rank < rank ? 1 : k->dims[i + k->rank - rank];
    for (size_t i = 0; i < rank; i++)
        dims[i] = wide[perm[i]];
    struct graph_tensor *y = graph_constant(g, k->name, k->type, rank, dims);
    for (size_t i = 0; y && i < graph_elements(y); i++) {
        size_t rest = i, from = 0, at[GRAPH_RANK_MAX] = {0};
        for (size_t d = rank; d-- > 0; rest /= (size_t)dims[d])
            at[perm[d]] = rest % (size_t)dims[d];
        for (size_t d = 0; d < rank; d++)
            from = from * (size_t)wide[d] + at[d];
        graph_put(y, i, graph_get(k, from));
    }
    return y;
}

static quell_status above_binary(struct graph *g, struct graph_node *n, struct graph_node *m, size_t rank, const int64_t *perm, quell_error *err)
{
    for (size_t i = 0; i < 2; i++) {
        struct graph_tensor *x = graph_in(m, i);
        if (!x || (x->data ? !pass_is_const(x) : !x->shaped || x->rank != rank))
            return QUELL_OK;
    }
    if (graph_out(m)->use_count > 1) { /* a sum of its own for this reader */
        struct graph_node *copy = pass_clone(g, m, n);
        if (!copy)
            return pass_full(err);
        graph_set_input(n, 0, graph_out(copy));
        m = copy;
    }
    for (size_t i = 0; i < 2; i++) {
        struct graph_tensor *x = graph_in(m, i);
        x = !x->data ? transposed(g, n, m, x, rank, perm) : graph_elements(x) == 1 ? x : constant_transposed(g, x, rank, perm);
        if (!x)
            return pass_full(err);
        graph_set_input(m, i, x);
    }
    graph_out(m)->shaped = 0;
    pass_bypass(g, n);
    return QUELL_OK;
}

/* A transpose that moves only dimensions of one element is another shape of the same numbers. */
static int moves_ones(const struct graph_tensor *x, const int64_t *perm)
{
    int64_t last = -1;
    if (!pass_shaped(x))
        return 0;
    for (size_t i = 0; i < x->rank; i++)
        if (x->dims[perm[i]] != 1) {
            if (perm[i] < last)
                return 0;
            last = perm[i];
        }
    return 1;
}

static quell_status as_reshape(struct graph *g, struct graph_node *n, quell_error *err)
{
    const int64_t rank = (int64_t)graph_out(n)->rank;
    struct graph_tensor *shape = graph_constant(g, "shape", GRAPH_INT64, 1, &rank);
    if (!shape)
        return pass_full(err);
    for (size_t i = 0; i < (size_t)rank; i++)
        graph_put_int(shape, i, graph_out(n)->dims[i]);
    struct graph_tensor *const inputs[] = {graph_in(n, 0), shape};
    struct graph_tensor *y = pass_node(g, "Reshape", n->name, n, 2, inputs);
    if (!y)
        return pass_full(err);
    graph_replace(graph_out(n), y);
    graph_remove(g, n);
    return QUELL_OK;
}

/* ReduceMean(Transpose(x), axes) -> ReduceMean(x, other axes), transposed behind where dimensions are kept. */
static quell_status into_reduce(struct graph *g, struct graph_node *n, struct graph_node *r, size_t rank, const int64_t *perm, quell_error *err)
{
    const struct graph_tensor *axes = graph_in(r, 1);
    int keep = graph_attr_int(r, "keepdims", 1) != 0;
    if (!pass_is_const(axes) || axes->rank != 1)
        return QUELL_OK;
    struct graph_tensor *moved = graph_constant(g, axes->name, GRAPH_INT64, 1, axes->dims);
    int64_t last = -1;
    unsigned gone = 0;
    for (size_t i = 0; moved && i < graph_elements(axes); i++) {
        int64_t axis = pass_axis(graph_get_int(axes, i), rank);
        if (axis < 0)
            return QUELL_OK;
        graph_put_int(moved, i, perm[axis]);
        gone |= 1u << axis;
    }
    for (size_t i = 0; i < rank && !keep; i++) /* what is left must stay in order */
        if (!(gone >> i & 1)) {
            if (perm[i] < last)
                return QUELL_OK;
            last = perm[i];
        }
    struct graph_tensor *y = graph_out(r), *inner = keep ? graph_tensor(g, y->name, y->type) : y;
    if (!moved || !inner)
        return pass_full(err);
    graph_set_input(r, 1, moved);
    graph_set_input(r, 0, graph_in(n, 0));
    if (keep) {
        graph_set_output(r, 0, inner);
        struct graph_tensor *t = transposed(g, n, r->next, inner, rank, perm);
        if (!t)
            return pass_full(err);
        graph_replace(y, t);
    }
    g->changed++;
    return QUELL_OK;
}

/* The products that read a flattened tensor, past what works on each element alone; NULL: something else reads it. */
static struct graph_node *product_behind(const struct graph_tensor *t)
{
    struct graph_node *n = pass_sole_reader(t);
    while (is_elementwise(n) && n->inputs[0].tensor == t && graph_out(n)) {
        t = graph_out(n);
        n = pass_sole_reader(t);
    }
    return n && (graph_is(n, "Gemm") || graph_is(n, "MatMul")) && n->inputs[0].tensor == t ? n : NULL;
}

/* Flatten(Transpose(x)) in front of a product: the rows of its weights change places instead. */
static quell_status into_product(struct graph *g, struct graph_node *n, struct graph_node *flat, const int64_t *perm, quell_error *err)
{
    const struct graph_tensor *x = graph_in(n, 0), *y = graph_out(n);
    struct graph_node *p = product_behind(graph_out(flat)), *d = p ? pass_dequantised(graph_in(p, 1)) : NULL;
    size_t axis = p ? 1 - (size_t)pass_output_axis(p) : 0, features;
    if (!d || !pass_shaped(x) || !pass_shaped(y) || x->rank != 4 || x->dims[0] != y->dims[0] || !pass_shaped(graph_out(flat)) || graph_out(flat)->rank != 2 || perm[0] != 0)
        return QUELL_OK;
    const struct graph_tensor *w = graph_in(d, 0);
    features = graph_elements(x) / (size_t)x->dims[0];
    if (w->rank != 2 || (size_t)w->dims[axis] != features || (graph_elements(graph_in(d, 1)) > 1 && pass_axis(graph_attr_int(d, "axis", 1), 2) == (int64_t)axis))
        return QUELL_OK;
    struct graph_tensor *moved = graph_constant(g, w->name, w->type, 2, w->dims);
    if (!moved)
        return pass_full(err);
    size_t others = (size_t)w->dims[1 - axis];
    for (size_t k = 0; k < features; k++) { /* k in the order of x; old in that of its transpose */
        size_t rest = k, at[4] = {0}, old = 0;
        for (size_t i = 4; i-- > 1; rest /= (size_t)x->dims[i])
            at[i] = rest % (size_t)x->dims[i];
        for (size_t i = 1; i < 4; i++)
            old = old * (size_t)y->dims[i] + at[perm[i]];
        for (size_t o = 0; o < others; o++)
            graph_put_int(moved, axis ? o * features + k : k * others + o, graph_get_int(w, axis ? o * features + old : old * others + o));
    }
    struct graph_tensor *const inputs[] = {moved, graph_in(d, 1), graph_in(d, 2)};
    struct graph_tensor *v = pass_node(g, "DequantizeLinear", d->name, p, graph_in(d, 2) ? 3 : 2, inputs);
    if (!v || !graph_set_int(g, v->producer, "axis", graph_attr_int(d, "axis", 1)))
        return pass_full(err);
    graph_set_input(p, 1, v);
    graph_set_input(flat, 0, graph_in(n, 0));
    if (graph_is(flat, "Reshape")) { /* its shape may name dimensions of the transposed tensor */
        flat->op = "Flatten";
        graph_set_input(flat, 1, NULL);
        flat->attributes = NULL;
    }
    graph_note(g, "transposes: %s folded into the weights of node '%.90s'", PASS_LABEL(n), p->name);
    return QUELL_OK;
}

enum { VISITS_MAX = 1000 };

/* Does the way up from t end at transposes, or at the image where it takes this one in, on every branch? */
static int can_rise(const struct graph *g, const struct graph_tensor *t, int image, int *visits)
{
    for (; ++*visits < VISITS_MAX; t = graph_in(t->producer, 0)) {
        if (t == g->input)
            return image;
        if (t->data || graph_is(t->producer, "Transpose"))
            return 1;
        if (is_binary(t->producer))
            return graph_in(t->producer, 0) && graph_in(t->producer, 1) && can_rise(g, graph_in(t->producer, 0), image, visits) && can_rise(g, graph_in(t->producer, 1), image, visits);
        if (!is_elementwise(t->producer))
            return 0;
    }
    return 0;
}

/* f(Transpose(x)) -> Transpose(f(x)), for f the only reader. */
static quell_status below_elementwise(struct graph *g, struct graph_node *n, struct graph_node *f, size_t rank, const int64_t *perm, quell_error *err)
{
    struct graph_tensor *y = graph_out(f), *inner = graph_tensor(g, y->name, y->type);
    if (!inner)
        return pass_full(err);
    graph_set_input(f, 0, graph_in(n, 0));
    graph_set_output(f, 0, inner);
    struct graph_tensor *t = transposed(g, n, f->next, inner, rank, perm);
    if (!t)
        return pass_full(err);
    graph_replace(y, t);
    graph_remove(g, n);
    return QUELL_OK;
}

static quell_status move(struct graph *g, struct graph_node *n, quell_error *err)
{
    struct graph_tensor *x = graph_in(n, 0);
    struct graph_node *m = x->producer, *reader = pass_sole_reader(graph_out(n));
    const struct graph_attribute *given = graph_attr(n, "perm");
    size_t rank = given ? given->count : x->shaped ? x->rank : 0;
    int64_t perm[GRAPH_RANK_MAX], first[GRAPH_RANK_MAX];
    if (!read_perm(n, rank, perm) || (x->shaped && x->rank != rank))
        return QUELL_OK;
    if (graph_is(m, "Transpose") && read_perm(m, rank, first)) {
        int64_t both[GRAPH_RANK_MAX];
        for (size_t i = 0; i < rank; i++)
            both[i] = first[perm[i]];
        graph_set_input(n, 0, graph_in(m, 0));
        g->changed++;
        return graph_set_ints(g, n, "perm", rank, both) ? QUELL_OK : pass_full(err);
    }
    if (graph_is(reader, "ReduceMean") || graph_is(reader, "ReduceMax"))
        return into_reduce(g, n, reader, rank, perm, err);
    if ((graph_is(reader, "Flatten") || graph_is(reader, "Reshape")) && product_behind(graph_out(reader)))
        return into_product(g, n, reader, perm, err);
    int visits = 0, only_ones = moves_ones(x, perm) && pass_shaped(graph_out(n));
    if (only_ones && (graph_is(reader, "Flatten") || graph_is(reader, "Reshape") || graph_is(reader, "Squeeze") || graph_is(reader, "Unsqueeze")))
        return as_reshape(g, n, err);
    static const int64_t TO_NCHW[4] = {0, 3, 1, 2}; /* what pass_input knows */
    if (can_rise(g, x, rank == 4 && memcmp(perm, TO_NCHW, sizeof TO_NCHW) == 0 && !g->meaning.input.file_nhwc, &visits))
        return is_elementwise(m) ? above_elementwise(g, n, m, rank, perm, err) : is_binary(m) ? above_binary(g, n, m, rank, perm, err) : QUELL_OK;
    if (is_elementwise(reader) && reader->inputs[0].tensor == graph_out(n))
        return below_elementwise(g, n, reader, rank, perm, err);
    return only_ones ? as_reshape(g, n, err) : QUELL_OK;
}

quell_status pass_transposes(struct graph *g, quell_error *err)
{
    for (struct graph_node *n = g->first; n; n = n->next) {
        quell_status status = graph_is(n, "Transpose") && graph_in(n, 0) && graph_out(n) ? move(g, n, err) : QUELL_OK;
        if (status != QUELL_OK)
            return status;
    }
    return QUELL_OK;
}
