/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What lies between two quantised tensors and is a function of one number becomes a table of 256 codes, whatever operators it is written in.
 *   before   d = DequantizeLinear(q, s, z)   h = HardSigmoid(d)   y = Mul(d, h)   p = QuantizeLinear(y, s', z')
 *   after    p = quell.Table(q, s', z', codes)
 *
 * The function is computed for each of the 256 codes as onnxruntime without optimisation does it: one float32 rounding an operator; of functions such as
 * exp the double-precision value, rounded. Scales, ReLU and Clip alone stay as they are: the chip does them without a table.
 */
#include <math.h>
#include <string.h>

#include "real.h"
#include "tools.h"

enum { STEPS_MAX = 64, SOURCES_MAX = 8, OPENED_MAX = 8, DEPTH_MAX = 64, INPUTS_MAX = 3 };

/* ---- functions of one number ---- */

static double sigmoid(double x) { return 1 / (1 + quell_exp(-x)); }

static double softplus(double x) { return (x > 0 ? x : 0) + quell_log(1 + quell_exp(-fabs(x))); }

static double hyperbolic_tangent(double x)
{
    double e = quell_exp(-2 * fabs(x)), y = (1 - e) / (1 + e);
    return x < 0 ? -y : y;
}

static float power(float x, float y)
{
    if (y == 2)
        return x * x;
    if (y == 3)
        return x * x * x;
    if (y == 0)
        return 1;
    if (x == 0)
        return y > 0 ? 0 : INFINITY;
    if (x > 0)
        return (float)quell_pow(x, y);
    return y != rintf(y) ? NAN : (float)(fmodf(y, 2) == 0 ? quell_pow(-x, y) : -quell_pow(-x, y));
}

static float hard_sigmoid(float x, float alpha, float beta) { return fmaxf(0, fminf(1, alpha * x + beta)); }

static float elu(float x, float alpha) { return x >= 0 ? x : alpha * ((float)quell_exp(x) - 1); }

static float gelu(float x, int approximate)
{
    if (approximate)
        return (float)(0.5 * x * (1 + hyperbolic_tangent(0.79788456080286535588 * (x + 0.044715 * x * x * x))));
    return (float)(0.5 * x * (1 + quell_erf(x * 0.70710678118654752440)));
}

/* One operator on numbers; those that are left out are NAN. */
static float apply(const struct graph_node *n, const float *in)
{
    const float x = in[0], y = in[1];
    const char *op = n->op;
#define IS(name) (strcmp(op, name) == 0)
#define A(name, otherwise) graph_attr_float(n, name, otherwise)
    if (IS("Relu")) return fmaxf(x, 0);
    if (IS("Clip")) return fminf(isnan(y) ? x : fmaxf(x, y), isnan(in[2]) ? INFINITY : in[2]);
    if (IS("Add")) return x + y;
    if (IS("Sub")) return x - y;
    if (IS("Mul")) return x * y;
    if (IS("Div")) return x / y;
    if (IS("Min")) return fminf(x, y);
    if (IS("Max")) return fmaxf(x, y);
    if (IS("Pow")) return power(x, y);
    if (IS("LeakyRelu")) return x >= 0 ? x : A("alpha", 0.01f) * x;
    if (IS("PRelu")) return x < 0 ? x * y : x;
    if (IS("ThresholdedRelu")) return x > A("alpha", 1) ? x : 0;
    if (IS("Sigmoid")) return (float)sigmoid(x);
    if (IS("HardSigmoid")) return hard_sigmoid(x, A("alpha", 0.2f), A("beta", 0.5f));
    if (IS("HardSwish")) return x * hard_sigmoid(x, 1.0f / 6, 0.5f);
    if (IS("Tanh")) return (float)hyperbolic_tangent(x);
    if (IS("Elu")) return elu(x, A("alpha", 1));
    if (IS("Selu")) return A("gamma", 1.05070098735548049342f) * elu(x, A("alpha", 1.67326324235437728481f)); /* alpha e^x - alpha */
    if (IS("Celu")) return A("alpha", 1) * elu(x / A("alpha", 1), 1);
    if (IS("Softplus")) return (float)softplus(x);
    if (IS("Softsign")) return x / (1 + fabsf(x));
    if (IS("Mish")) return x * (float)hyperbolic_tangent((float)softplus(x));
    if (IS("Gelu")) return gelu(x, strcmp(graph_attr_text(n, "approximate", "none"), "tanh") == 0);
    if (IS("Erf")) return (float)quell_erf(x);
    if (IS("Exp")) return (float)quell_exp(x);
    if (IS("Log")) return x > 0 ? (float)quell_log(x) : x == 0 ? -INFINITY : NAN;
    if (IS("Sqrt")) return sqrtf(x);
    if (IS("Reciprocal")) return 1 / x;
    if (IS("Abs")) return fabsf(x);
    if (IS("Neg")) return -x;
    if (IS("Sign")) return (float)((x > 0) - (x < 0));
    if (IS("Floor")) return floorf(x);
    if (IS("Ceil")) return ceilf(x);
    if (IS("Round")) return rintf(x);
#undef A
#undef IS
    return NAN;
}

static int one_of(const struct graph_node *n, const char *const *names)
{
    for (; *names; names++)
        if (graph_is(n, *names))
            return 1;
    return 0;
}

static int is_binary(const struct graph_node *n)
{
    static const char *const NAMES[] = {"Add", "Sub", "Mul", "Div", "Min", "Max", "Pow", "PRelu", NULL};
    return one_of(n, NAMES) && n->input_count == 2;
}

/* What the chip has no other way for: a function, a product or quotient of two computed values, a power. */
static int wants_table(const struct graph_node *n)
{
    int computed = is_binary(n) && !graph_in(n, 0)->data && !graph_in(n, 1)->data;
    return pass_is_function(n) || graph_is(n, "Pow") || graph_is(n, "PRelu") || ((graph_is(n, "Mul") || graph_is(n, "Div")) && computed) || ((graph_is(n, "Min") || graph_is(n, "Max")) && computed) ||
           (graph_is(n, "Div") && graph_in(n, 0)->data);
}

/* ---- what lies between ---- */

struct region {
    const struct graph_node *last;              /* the QuantizeLinear at its end */
    const struct graph_node *steps[STEPS_MAX];  /* in the order of the data */
    size_t count;
    struct graph_tensor *sources[SOURCES_MAX];  /* codes that it reads */
    size_t source_count;
    const struct graph_tensor *opened[OPENED_MAX]; /* codes that it looks behind */
    size_t opened_count;
    const struct graph_node *moved;             /* one of the Transposes on each way through it, or NULL */
};

static int place_of(const struct region *r, const struct graph_node *n)
{
    for (size_t i = 0; i < r->count; i++)
        if (r->steps[i] == n)
            return (int)i;
    return -1;
}

static int collect_step(struct region *r, const struct graph_node *n, int depth);

/* A tensor of codes: a source, or what lies behind. */
static int collect_codes(struct region *r, struct graph_tensor *t, int depth)
{
    if (graph_is(t->producer, "Transpose"))
        return collect_step(r, t->producer, depth);
    for (size_t i = 0; i < r->opened_count; i++)
        if (r->opened[i] == t)
            return collect_step(r, t->producer, depth);
    for (size_t i = 0; i < r->source_count; i++)
        if (r->sources[i] == t)
            return 1;
    if (t->data || !t->producer || !graph_is_code(t->type) || r->source_count == SOURCES_MAX)
        return 0;
    r->sources[r->source_count++] = t;
    return 1;
}

static int collect_step(struct region *r, const struct graph_node *n, int depth)
{
    double scale, zero;
    if (!n || depth > DEPTH_MAX || place_of(r, n) >= 0)
        return n && depth <= DEPTH_MAX;
    if (graph_is(n, "DequantizeLinear") || graph_is(n, "QuantizeLinear") || pass_table_codes(n)) {
        struct graph_tensor *x = graph_in(n, 0);
        if (!x || !pass_quantisation(n, &scale, &zero) || !graph_is_code(graph_in(n, 2)->type) || !((float)scale > 0))
            return 0;
        if (graph_is(n, "QuantizeLinear") ? !collect_step(r, x->producer, depth + 1) : !collect_codes(r, x, depth + 1))
            return 0;
    } else if (graph_is(n, "Transpose")) {
        struct graph_tensor *x = graph_in(n, 0);
        if (!x || (graph_is_code(x->type) ? !collect_codes(r, x, depth + 1) : !collect_step(r, x->producer, depth + 1)))
            return 0;
    } else if (pass_is_function(n) || is_binary(n) || graph_is(n, "Relu") || graph_is(n, "Clip")) {
        for (size_t i = 0; i < n->input_count; i++) {
            struct graph_tensor *x = graph_in(n, i);
            double number;
            if (x && x->data ? !pass_scalar(x, &number) || (graph_out(n)->shaped && x->rank > graph_out(n)->rank) : x ? !collect_step(r, x->producer, depth + 1) : i == 0)
                return 0;
        }
    } else {
        return 0;
    }
    if (r->count == STEPS_MAX)
        return 0;
    r->steps[r->count++] = n;
    return 1;
}

static int same_perm(const struct graph_node *a, const struct graph_node *b)
{
    size_t m, n;
    const int64_t *p = graph_attr_ints(a, "perm", &m), *q = graph_attr_ints(b, "perm", &n);
    return p && q && m == n && memcmp(p, q, n * sizeof *p) == 0;
}

/* A function of each number does not care where the numbers stand: on every way through the region lies the same Transpose, or on none. */
static int moved_alike(struct region *r)
{
    int moves[STEPS_MAX] = {0};
    r->moved = NULL;
    for (size_t i = 0; i < r->count; i++) {
        const struct graph_node *n = r->steps[i];
        int known = -1;
        for (size_t k = 0; k < n->input_count; k++) {
            const struct graph_tensor *x = graph_in(n, k);
            if (!x || x->data)
                continue;
            int place = place_of(r, x->producer), own = place < 0 || x == r->sources[0] ? 0 : moves[place];
            if (known >= 0 && own != known)
                return 0;
            known = own;
        }
        moves[i] = known;
        if (!graph_is(n, "Transpose"))
            continue;
        if (known > 0 || (r->moved && !same_perm(r->moved, n)) || !same_perm(n, n))
            return 0;
        r->moved = n;
        moves[i] = 1;
    }
    return moves[r->count - 1] == (r->moved != NULL);
}

static int collect(struct region *r)
{
    r->count = r->source_count = 0;
    return collect_step(r, r->last, 0) && r->source_count > 0;
}

/* Are these codes, made by a table, read by the region alone? Then both are one table. */
static int only_here(const struct region *r, const struct graph_tensor *codes)
{
    for (const struct graph_use *u = codes->uses; u; u = u->next) {
        if (!u->node || place_of(r, u->node) < 0)
            return 0;
        for (const struct graph_use *v = graph_out(u->node)->uses; v; v = v->next)
            if (!v->node || place_of(r, v->node) < 0)
                return 0;
    }
    return 1;
}

/* Codes of this region alone that are themselves a function of one other tensor (another scale, a ReLU) belong to the table: it rounds as onnxruntime does. */
static int reopen(struct region *r, struct graph_tensor *codes)
{
    if (!graph_is(codes->producer, "QuantizeLinear") || !only_here(r, codes) || r->opened_count == OPENED_MAX)
        return 0;
    r->opened[r->opened_count++] = codes;
    if (collect(r) && r->source_count == 1 && moved_alike(r))
        return 1;
    r->opened_count--;
    collect(r);
    return 0;
}

/* The region of one source that ends at a QuantizeLinear: several sources may all be made of the first. */
static int find(struct region *r)
{
    while (collect(r)) {
        struct graph_tensor *latest = r->sources[0];
        for (size_t i = 1; i < r->source_count; i++)
            if (r->sources[i]->producer->mark > latest->producer->mark)
                latest = r->sources[i];
        if (r->source_count == 1 && !(pass_table_codes(latest->producer) && only_here(r, latest))) {
            if (reopen(r, latest))
                continue;
            return moved_alike(r);
        }
        if (r->opened_count == OPENED_MAX || (!graph_is(latest->producer, "QuantizeLinear") && !pass_table_codes(latest->producer)))
            return 0;
        r->opened[r->opened_count++] = latest;
    }
    return 0;
}

/* ---- its table ---- */

static int offset_of(enum graph_type type) { return type == GRAPH_UINT8 ? 128 : 0; } /* the chip's codes are int8 */

static float value_of(const struct region *r, const float *values, const struct graph_tensor *t, float source)
{
    double number;
    if (!t)
        return NAN;
    if (t->data)
        return pass_scalar(t, &number) ? (float)number : NAN;
    int place = place_of(r, t->producer);
    return place >= 0 ? values[place] : source;
}

static float quantise(const struct graph_node *n, float x)
{
    double scale, zero, low = graph_in(n, 2)->type == GRAPH_INT8 ? -128 : 0;
    pass_quantisation(n, &scale, &zero);
    return (float)fmin(fmax(nearbyintf(x / (float)scale) + zero, low), low + 255); /* NAN: low; the caller has looked */
}

/* The code at the region's end for a code of its source; 0: the function has no value there. */
static int evaluate(const struct region *r, float source, float *code)
{
    float values[STEPS_MAX] = {0};
    for (size_t i = 0; i < r->count; i++) {
        const struct graph_node *n = r->steps[i];
        const int8_t *table = pass_table_codes(n);
        float in[INPUTS_MAX] = {NAN, NAN, NAN};
        double scale, zero;
        for (size_t k = 0; k < n->input_count && k < INPUTS_MAX; k++)
            in[k] = value_of(r, values, graph_in(n, k), source);
        if (graph_is(n, "QuantizeLinear")) {
            if (isnan(in[0]))
                return 0;
            values[i] = quantise(n, in[0]);
        } else if (graph_is(n, "Transpose")) {
            values[i] = in[0];
        } else if (table) {
            values[i] = (float)(table[(uint8_t)((int)in[0] - offset_of(graph_in(n, 0)->type))] + offset_of(graph_in(n, 2)->type));
        } else if (graph_is(n, "DequantizeLinear")) {
            pass_quantisation(n, &scale, &zero);
            values[i] = (in[0] - (float)zero) * (float)scale;
        } else {
            values[i] = apply(n, in);
        }
    }
    *code = values[r->count - 1];
    return 1;
}

static quell_status replace(struct graph *g, struct graph_node *q, const struct region *r, const struct graph_node *why, quell_error *err)
{
    const int64_t size = QUELL_TABLE_CODES;
    struct graph_tensor *x = r->sources[0], *y = graph_out(q), *out = r->moved ? graph_tensor(g, y->name, y->type) : y, *codes = graph_constant(g, "table", GRAPH_INT8, 1, &size);
    struct graph_node *n = codes && out ? graph_node(g, "Table", "quell", why->name, 4, 1, q) : NULL;
    if (!n)
        return pass_full(err);
    for (int c = -128; c < 128; c++) {
        float code;
        if (!evaluate(r, (float)(c + offset_of(x->type)), &code))
            return quell_fail(err, QUELL_E_UNSUPPORTED, "%s: its result is not a number for the code %d of '%s'; supported: functions with a value for every code; clip in front of it", PASS_LABEL(why), c + offset_of(x->type), x->name);
        graph_put_int(codes, (size_t)(uint8_t)c, (int64_t)code - offset_of(y->type));
    }
    struct graph_tensor *const inputs[] = {x, graph_in(q, 1), graph_in(q, 2), codes};
    for (size_t i = 0; i < 4; i++)
        graph_set_input(n, i, inputs[i]);
    n->mark = q->mark;
    graph_note(g, "table: %s is a function of the codes '%.90s': a table of 256 codes", PASS_LABEL(why), x->name);
    graph_set_output(n, 0, out);
    if (r->moved) {
        size_t rank;
        const int64_t *perm = graph_attr_ints(r->moved, "perm", &rank);
        struct graph_node *t = graph_node(g, "Transpose", "", r->moved->name, 1, 1, q);
        if (!t || !graph_set_ints(g, t, "perm", rank, perm))
            return pass_full(err);
        graph_set_input(t, 0, out);
        t->mark = q->mark;
        n = t;
    }
    graph_remove(g, q);
    graph_set_output(n, 0, y);
    return QUELL_OK;
}

quell_status pass_table(struct graph *g, quell_error *err)
{
    size_t place = 0;
    for (struct graph_node *n = g->first; n; n = n->next)
        n->mark = ++place;
    for (struct graph_node *n = g->first; n; n = n->next) {
        struct region r = {.last = n};
        if (!graph_is(n, "QuantizeLinear") || !graph_out(n) || !graph_is_code(graph_out(n)->type) || !find(&r))
            continue;
        const struct graph_node *why = NULL;
        for (size_t i = 0; i < r.count; i++)
            if (wants_table(r.steps[i]) || pass_table_codes(r.steps[i])) /* the last one gives the layer its name */
                why = r.steps[i];
        quell_status status = why ? replace(g, n, &r, why, err) : QUELL_OK;
        if (status != QUELL_OK)
            return status;
    }
    return QUELL_OK;
}
