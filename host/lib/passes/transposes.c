/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Transposes move towards the image until two meet and cancel, or the image itself is transposed; what cannot rise sinks, and what reads few dimensions takes it in.
 *   before   q = QuantizeLinear(image: N x H x W x C)   t = Transpose(DequantizeLinear(q)) 0,3,1,2
 *   after    t' = Transpose(image) 0,3,1,2   q = QuantizeLinear(t')   DequantizeLinear(q)
 */
#include <string.h>

#include "transposes_end.h"

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

static int is_binary(const struct graph_node *m)
{
    return (graph_is(m, "Add") || graph_is(m, "Sub") || graph_is(m, "Mul") || graph_is(m, "Div") || graph_is(m, "Min") || graph_is(m, "Max")) && m->input_count == 2; /* Min and Max may have more */
}

/* Transpose(f(x)) -> f'(Transpose(x)), f' a copy where others read f's result too. */
static quell_status above_elementwise(struct graph *g, struct graph_node *n, struct graph_node *m, size_t rank, const int64_t *perm, quell_error *err)
{
    struct graph_tensor *old = graph_out(n);
    struct graph_node *copy = pass_clone(g, m, n);
    struct graph_tensor *t = copy ? transpose_of(g, n, copy, graph_in(m, 0), rank, perm) : NULL;
    if (!t)
        return pass_full(err);
    copy->name = m->name;
    graph_out(copy)->name = graph_out(m)->use_count == 1 ? graph_out(m)->name : graph_out(copy)->name;
    graph_out(copy)->shaped = 0;
    graph_set_input(copy, 0, t);
    graph_replace(old, graph_out(copy));
    graph_remove(g, n);
    if (!old->use_count && m->output_count == 1) /* or the image would seem to have another reader */
        graph_remove(g, m);
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
        x = !x->data ? transpose_of(g, n, m, x, rank, perm) : graph_elements(x) == 1 ? x : constant_transposed(g, x, rank, perm);
        if (!x)
            return pass_full(err);
        graph_set_input(m, i, x);
    }
    graph_out(m)->shaped = 0;
    pass_bypass(g, n);
    return QUELL_OK;
}

enum { VISITS_MAX = 1000, MOVES_MAX = 10000 };

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
        if (!transpose_passes(t->producer))
            return 0;
    }
    return 0;
}

/* f(Transpose(x)) -> Transpose(f(x)), for f the only reader, that has it as input `at`. */
static quell_status below_elementwise(struct graph *g, struct graph_node *n, struct graph_node *f, size_t at, size_t rank, const int64_t *perm, quell_error *err)
{
    struct graph_tensor *y = graph_out(f), *inner = graph_tensor(g, y->name, y->type);
    if (!inner)
        return pass_full(err);
    graph_set_input(f, at, graph_in(n, 0));
    graph_set_output(f, 0, inner);
    struct graph_tensor *t = transpose_of(g, n, f->next, inner, rank, perm);
    if (!t)
        return pass_full(err);
    graph_replace(y, t);
    graph_remove(g, n);
    return QUELL_OK;
}

/* The tensor that is `k` when transposed by perm: what another Transpose of that kind reads that cannot rise either, or a constant; NULL: there is none. */
static struct graph_tensor *before_transpose(struct graph *g, struct graph_tensor *k, size_t rank, const int64_t *perm, int image)
{
    int64_t own[GRAPH_RANK_MAX], back[GRAPH_RANK_MAX];
    const struct graph_node *twin = graph_maker(k);
    if (graph_is(twin, "Transpose")) {
        struct graph_tensor *x = graph_in(twin, 0);
        int visits = 0, alike = k->use_count == 1 && x && x->shaped && x->rank == rank && read_perm(twin, rank, own) && memcmp(own, perm, rank * sizeof *perm) == 0;
        return alike && !can_rise(g, x, image, &visits) ? x : NULL;
    }
    if (!pass_is_const(k) || k->rank > rank)
        return NULL;
    for (size_t i = 0; i < rank; i++)
        back[perm[i]] = (int64_t)i;
    return graph_elements(k) == 1 ? k : constant_transposed(g, k, rank, back);
}

/* f(Transpose(x), k) -> Transpose(f(x, k')), for f the only reader. A constant must not hold up what meets its partner further down. */
static quell_status below_binary(struct graph *g, struct graph_node *n, struct graph_node *f, size_t rank, const int64_t *perm, int image, quell_error *err)
{
    size_t at = graph_in(f, 0) != graph_out(n);
    struct graph_tensor *k = before_transpose(g, graph_in(f, 1 - at), rank, perm, image);
    if (!k)
        return g->full ? pass_full(err) : QUELL_OK;
    graph_set_input(f, 1 - at, k);
    return below_elementwise(g, n, f, at, rank, perm, err);
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
    if (transpose_keeps_all(x, rank, perm)) { /* or others would rise to meet what is none */
        pass_bypass(g, n);
        return QUELL_OK;
    }
    if (graph_is(m, "Transpose") && read_perm(m, rank, first)) {
        int64_t both[GRAPH_RANK_MAX];
        for (size_t i = 0; i < rank; i++)
            both[i] = first[perm[i]];
        graph_set_input(n, 0, graph_in(m, 0));
        g->changed++;
        return graph_set_ints(g, n, "perm", rank, both) ? QUELL_OK : pass_full(err);
    }
    if (graph_is(reader, "ReduceMean") || graph_is(reader, "ReduceMax"))
        return transpose_into_reduce(g, n, reader, rank, perm, err);
    if ((graph_is(reader, "Flatten") || graph_is(reader, "Reshape")) && transpose_product_behind(graph_out(reader)))
        return transpose_into_product(g, n, reader, perm, err);
    int visits = 0, only_ones = transpose_moves_ones(x, perm) && pass_shaped(graph_out(n));
    if (only_ones && (graph_is(reader, "Flatten") || graph_is(reader, "Reshape") || graph_is(reader, "Squeeze") || graph_is(reader, "Unsqueeze")))
        return transpose_as_reshape(g, n, err);
    static const int64_t TO_NCHW[4] = {0, 3, 1, 2}; /* what pass_input knows */
    const int image = rank == 4 && memcmp(perm, TO_NCHW, sizeof TO_NCHW) == 0 && !g->meaning.input.file_nhwc;
    if (can_rise(g, x, image, &visits))
        return transpose_passes(m) ? above_elementwise(g, n, m, rank, perm, err) : is_binary(m) ? above_binary(g, n, m, rank, perm, err) : QUELL_OK;
    if (transpose_passes(reader) && reader->inputs[0].tensor == graph_out(n))
        return below_elementwise(g, n, reader, 0, rank, perm, err);
    return is_binary(reader) ? below_binary(g, n, reader, rank, perm, image, err) : QUELL_OK;
}

/* Each one goes all its way before the next moves and before another pass looks: one that stands above a function of the image is the image's, whatever comes further down. */
quell_status pass_transposes(struct graph *g, quell_error *err)
{
    size_t moves = 0;
    for (struct graph_node *n = g->first, *next; n; n = next) {
        const size_t before = g->changed;
        if (graph_is(n, "Transpose") && graph_in(n, 0) && graph_out(n) && graph_out(n)->use_count) {
            quell_status status = transpose_of_image(g, n) ? QUELL_OK : move(g, n, err);
            if (status != QUELL_OK)
                return status;
        }
        next = g->changed != before && ++moves < MOVES_MAX ? g->first : n->next;
    }
    return QUELL_OK;
}

/* Those that have found neither another one nor an end. Not before every pass has come to rest: as Reshape it is nobody's partner any more. */
quell_status pass_lone_transposes(struct graph *g, quell_error *err)
{
    quell_status status = QUELL_OK;
    for (struct graph_node *n = g->first; n && status == QUELL_OK; n = n->next) {
        int64_t perm[GRAPH_RANK_MAX];
        if (graph_is(n, "Transpose") && graph_in(n, 0) && graph_out(n) && pass_shaped(graph_out(n)) && read_perm(n, graph_in(n, 0)->rank, perm) && transpose_moves_ones(graph_in(n, 0), perm))
            status = transpose_as_reshape(g, n, err);
    }
    return status;
}
