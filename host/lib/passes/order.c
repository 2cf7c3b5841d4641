/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Nodes in any order become nodes in the order of the data.
 *   before   y = Relu(x)   x = Conv(image, w)
 *   after    x = Conv(image, w)   y = Relu(x)
 */
#include <stdlib.h>

#include "passes.h"

/* Inputs that no node before it has made yet; the file's order stays where it is sound. */
static size_t missing(const struct graph_node *n)
{
    size_t count = 0;
    for (size_t i = 0; i < n->input_count; i++)
        count += n->inputs[i].tensor && n->inputs[i].tensor->producer;
    return count;
}

static int in_order(const struct graph *g)
{
    size_t place = 0;
    for (struct graph_node *n = g->first; n; n = n->next)
        n->mark = ++place;
    for (const struct graph_node *n = g->first; n; n = n->next)
        for (size_t i = 0; i < n->input_count; i++) {
            const struct graph_node *maker = graph_maker(n->inputs[i].tensor);
            if (maker && maker->mark >= n->mark)
                return 0;
        }
    return 1;
}

/* Kahn's algorithm with a queue in an array; -> nodes that could be placed. */
static size_t sort(const struct graph *g, struct graph_node **queue)
{
    size_t placed = 0, seen = 0;
    for (struct graph_node *n = g->first; n; n = n->next)
        if (!(n->mark = missing(n)))
            queue[placed++] = n;
    for (; seen < placed; seen++)
        for (size_t o = 0; o < queue[seen]->output_count; o++)
            for (struct graph_use *u = queue[seen]->outputs[o] ? queue[seen]->outputs[o]->uses : NULL; u; u = u->next)
                if (u->node && --u->node->mark == 0)
                    queue[placed++] = u->node;
    return placed;
}

quell_status pass_order(struct graph *g, quell_error *err)
{
    char label[200];
    if (in_order(g))
        return QUELL_OK;
    struct graph_node **queue = calloc(g->node_count + 1, sizeof *queue);
    if (!queue)
        return quell_fail(err, QUELL_E_MEMORY, "out of memory");
    size_t placed = sort(g, queue);
    quell_status status = QUELL_OK;
    if (placed < g->node_count) {
        const struct graph_node *n = g->first;
        while (n && !n->mark)
            n = n->next;
        status = quell_fail(err, QUELL_E_MODEL, "%s reads what is made of its own result: the network runs in a circle", graph_label(n, label, sizeof label));
    } else {
        for (size_t i = 0; i < placed; i++) {
            queue[i]->previous = i ? queue[i - 1] : NULL;
            queue[i]->next = i + 1 < placed ? queue[i + 1] : NULL;
        }
        g->first = queue[0];
        g->last = queue[placed - 1];
        graph_note(g, "order: the file's nodes are not in the order of the data; sorted");
    }
    free(queue);
    return status;
}
