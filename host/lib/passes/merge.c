/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Equal operators on one tensor become one: exporters write a Q/DQ pair for each reader.
 *   before   a = QuantizeLinear(x, s, z)   b = QuantizeLinear(x, s', z')   with the same numbers
 *   after    a = QuantizeLinear(x, s, z)   b is a
 */
#include "tools.h"

#include <string.h>

enum { READERS_MAX = 64 };

static int same_attributes(const struct graph_node *a, const struct graph_node *b)
{
    size_t count_a = 0, count_b = 0;
    for (const struct graph_attribute *p = a->attributes; p; p = p->next, count_a++) {
        const struct graph_attribute *q = graph_attr(b, p->name);
        if (!q || p->kind != q->kind || p->count != q->count)
            return 0;
        if (p->kind == GRAPH_ATTR_INT ? p->i != q->i : p->kind == GRAPH_ATTR_FLOAT ? p->f != q->f : p->kind == GRAPH_ATTR_TEXT ? strcmp(p->text, q->text) != 0 :
            p->kind != GRAPH_ATTR_INTS || (p->count && memcmp(p->ints, q->ints, p->count * sizeof *p->ints) != 0))
            return 0;
    }
    for (const struct graph_attribute *q = b->attributes; q; q = q->next)
        count_b++;
    return count_a == count_b;
}

static int same(const struct graph_node *a, const struct graph_node *b)
{
    if (a == b || strcmp(a->op, b->op) != 0 || *a->domain || *b->domain || a->input_count != b->input_count || a->output_count != 1 || b->output_count != 1 || !graph_out(a) || !graph_out(b) ||
        graph_out(a)->type != graph_out(b)->type)
        return 0;
    for (size_t i = 0; i < a->input_count; i++) {
        const struct graph_tensor *x = graph_in(a, i), *y = graph_in(b, i);
        if (x != y && (!x || !y || !pass_same_constant(x, y)))
            return 0;
    }
    return same_attributes(a, b);
}

/* The reader among the others that does the same and stands first. */
static struct graph_node *twin(const struct graph_tensor *x, const struct graph_node *n)
{
    size_t seen = 0;
    for (const struct graph_use *u = x->uses; u && seen < READERS_MAX; u = u->next, seen++)
        if (u->node && u->index == 0 && u->node->mark < n->mark && same(u->node, n))
            return u->node;
    return NULL;
}

quell_status pass_merge(struct graph *g, quell_error *err)
{
    size_t place = 0, count = 0;
    (void)err;
    for (struct graph_node *n = g->first; n; n = n->next)
        n->mark = ++place;
    for (struct graph_node *n = g->first; n; n = n->next) {
        const struct graph_tensor *x = graph_in(n, 0);
        struct graph_node *first = !n->removed && x && !x->data && x->use_count > 1 ? twin(x, n) : NULL;
        if (!first)
            continue;
        graph_replace(graph_out(n), graph_out(first));
        graph_remove(g, n);
        count++;
    }
    if (count)
        graph_note(g, "merge: %zu operators that another one does already left out", count);
    return QUELL_OK;
}
