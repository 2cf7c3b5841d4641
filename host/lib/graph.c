/* SPDX-License-Identifier: Apache-2.0 */
/* The compiler's graph; see graph.h. */
#include "graph.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- memory ---- */

struct graph *graph_make(void) { return calloc(1, sizeof(struct graph)); }

void graph_free(struct graph *g)
{
    if (!g)
        return;
    for (struct graph_block *b = g->memory, *next; b; b = next) {
        next = b->next;
        free(b);
    }
    for (size_t i = 0; i < g->note_count; i++)
        free(g->notes[i]);
    free(g->notes);
    free(g->tensors);
    free(g);
}

enum { BLOCK_HEAD = 16 }; /* keeps what follows aligned */

void *graph_alloc(struct graph *g, size_t count, size_t size)
{
    struct graph_block *b = size && count > (SIZE_MAX - BLOCK_HEAD) / size ? NULL : calloc(1, BLOCK_HEAD + count * size);
    if (!b) {
        g->full = 1;
        return NULL;
    }
    b->next = g->memory;
    g->memory = b;
    return (char *)b + BLOCK_HEAD;
}

const char *graph_text(struct graph *g, const char *text, size_t length)
{
    char *copy = graph_alloc(g, length + 1, 1);
    if (copy && length)
        memcpy(copy, text, length);
    return copy;
}

const char *graph_format(struct graph *g, const char *format, ...)
{
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    return graph_text(g, text, strlen(text));
}

/* ---- tensors ---- */

struct graph_tensor *graph_tensor(struct graph *g, const char *name, enum graph_type type)
{
    if (g->tensor_count == g->tensor_room) {
        size_t room = g->tensor_room * 2 + 64;
        struct graph_tensor **more = realloc(g->tensors, room * sizeof *more);
        if (!more) {
            g->full = 1;
            return NULL;
        }
        g->tensors = more;
        g->tensor_room = room;
    }
    struct graph_tensor *t = graph_alloc(g, 1, sizeof *t);
    if (!t)
        return NULL;
    t->name = name ? name : "";
    t->type = type;
    t->number = g->tensor_count;
    g->tensors[g->tensor_count++] = t;
    return t;
}

struct graph_tensor *graph_constant(struct graph *g, const char *name, enum graph_type type, size_t rank, const int64_t *dims)
{
    struct graph_tensor *t = graph_tensor(g, name, type);
    if (!t)
        return NULL;
    t->shaped = 1;
    t->rank = rank;
    for (size_t i = 0; i < rank; i++)
        t->dims[i] = dims[i];
    t->data = graph_alloc(g, graph_elements(t) + 1, graph_type_bytes(type));
    return t->data ? t : NULL;
}

void graph_link(struct graph_use *use, struct graph_tensor *tensor)
{
    if (use->tensor) {
        *(use->previous ? &use->previous->next : &use->tensor->uses) = use->next;
        if (use->next)
            use->next->previous = use->previous;
        use->tensor->use_count--;
    }
    use->tensor = tensor;
    use->next = use->previous = NULL;
    if (tensor) {
        use->next = tensor->uses;
        if (use->next)
            use->next->previous = use;
        tensor->uses = use;
        tensor->use_count++;
    }
}

void graph_replace(struct graph_tensor *old, struct graph_tensor *by)
{
    while (old != by && old->uses)
        graph_link(old->uses, by);
}

int graph_is_output(const struct graph_tensor *tensor)
{
    for (const struct graph_use *u = tensor->uses; u; u = u->next)
        if (!u->node)
            return 1;
    return 0;
}

/* ---- nodes ---- */

struct graph_node *graph_node(struct graph *g, const char *op, const char *domain, const char *name, size_t inputs, size_t outputs, struct graph_node *before)
{
    struct graph_node *n = g->node_count < GRAPH_NODES_MAX ? graph_alloc(g, 1, sizeof *n) : NULL;
    if (!n) {
        g->full = 1;
        return NULL;
    }
    n->op = op;
    n->domain = domain;
    n->name = name;
    n->inputs = graph_alloc(g, inputs, sizeof *n->inputs);
    n->outputs = graph_alloc(g, outputs, sizeof *n->outputs);
    if (!n->inputs || !n->outputs)
        return NULL;
    n->input_count = inputs;
    n->output_count = outputs;
    for (size_t i = 0; i < inputs; i++) {
        n->inputs[i].node = n;
        n->inputs[i].index = i;
    }
    n->next = before;
    n->previous = before ? before->previous : g->last;
    *(n->previous ? &n->previous->next : &g->first) = n;
    *(before ? &before->previous : &g->last) = n;
    g->node_count++;
    g->changed++;
    return n;
}

void graph_remove(struct graph *g, struct graph_node *node)
{
    for (size_t i = 0; i < node->input_count; i++)
        graph_link(&node->inputs[i], NULL);
    for (size_t i = 0; i < node->output_count; i++)
        if (node->outputs[i] && node->outputs[i]->producer == node)
            node->outputs[i]->producer = NULL;
    *(node->previous ? &node->previous->next : &g->first) = node->next;
    *(node->next ? &node->next->previous : &g->last) = node->previous;
    node->removed = 1;
    g->changed++;
    g->node_count--; /* next and previous stay, so that a loop over the list goes on */
}

void graph_set_input(struct graph_node *node, size_t index, struct graph_tensor *tensor) { graph_link(&node->inputs[index], tensor); }

void graph_set_output(struct graph_node *node, size_t index, struct graph_tensor *tensor)
{
    node->outputs[index] = tensor;
    if (tensor)
        tensor->producer = node;
}

int graph_is(const struct graph_node *node, const char *op) { return node && !node->removed && !*node->domain && strcmp(node->op, op) == 0; }

/* ---- attributes ---- */

const struct graph_attribute *graph_attr(const struct graph_node *node, const char *name)
{
    const struct graph_attribute *a = node->attributes;
    while (a && strcmp(a->name, name) != 0)
        a = a->next;
    return a;
}

int64_t graph_attr_int(const struct graph_node *node, const char *name, int64_t otherwise)
{
    const struct graph_attribute *a = graph_attr(node, name);
    return a && a->kind == GRAPH_ATTR_INT ? a->i : otherwise;
}

float graph_attr_float(const struct graph_node *node, const char *name, float otherwise)
{
    const struct graph_attribute *a = graph_attr(node, name);
    return a && a->kind == GRAPH_ATTR_FLOAT ? a->f : otherwise;
}

const char *graph_attr_text(const struct graph_node *node, const char *name, const char *otherwise)
{
    const struct graph_attribute *a = graph_attr(node, name);
    return a && a->kind == GRAPH_ATTR_TEXT ? a->text : otherwise;
}

const int64_t *graph_attr_ints(const struct graph_node *node, const char *name, size_t *count)
{
    const struct graph_attribute *a = graph_attr(node, name);
    *count = a && a->kind == GRAPH_ATTR_INTS ? a->count : 0;
    return *count ? a->ints : NULL;
}

struct graph_attribute *graph_add_attr(struct graph *g, struct graph_node *node, const char *name)
{
    graph_drop_attr(node, name);
    struct graph_attribute *a = graph_alloc(g, 1, sizeof *a);
    if (!a)
        return NULL;
    a->name = name;
    a->next = node->attributes;
    node->attributes = a;
    return a;
}

int graph_set_int(struct graph *g, struct graph_node *node, const char *name, int64_t value)
{
    struct graph_attribute *a = graph_add_attr(g, node, name);
    if (a) {
        a->kind = GRAPH_ATTR_INT;
        a->i = value;
    }
    return a != NULL;
}

int graph_set_ints(struct graph *g, struct graph_node *node, const char *name, size_t count, const int64_t *values)
{
    int64_t *copy = graph_alloc(g, count + 1, sizeof *copy);
    struct graph_attribute *a = copy ? graph_add_attr(g, node, name) : NULL;
    if (!a)
        return 0;
    memcpy(copy, values, count * sizeof *copy);
    a->kind = GRAPH_ATTR_INTS;
    a->count = count;
    a->ints = copy;
    return 1;
}

void graph_drop_attr(struct graph_node *node, const char *name)
{
    struct graph_attribute **link = &node->attributes;
    while (*link && strcmp((*link)->name, name) != 0)
        link = &(*link)->next;
    if (*link)
        *link = (*link)->next;
}

/* ---- words ---- */

const char *graph_metadata(const struct graph *g, const char *key)
{
    const struct graph_metadata *m = g->metadata;
    while (m && strcmp(m->key, key) != 0)
        m = m->next;
    return m ? m->value : NULL;
}

const char *graph_label(const struct graph_node *node, char *text, size_t size)
{
    snprintf(text, size, "node '%.90s' (%.20s%s%.30s)", node->name, node->domain, *node->domain ? "." : "", node->op);
    return text;
}

void graph_note(struct graph *g, const char *format, ...)
{
    char text[400];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    for (char *c = text; *c; c++)
        if ((unsigned char)*c < ' ')
            *c = ' ';
    char **more = realloc(g->notes, (g->note_count + 1) * sizeof *more);
    if (more)
        g->notes = more;
    char *copy = more ? strdup(text) : NULL;
    if (copy)
        g->notes[g->note_count++] = copy;
    else
        g->full = 1;
}
