/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A network as the compiler sees it, whatever file it came from: tensors, nodes, what goes in and out. A reader (onnx_reader.c) makes it, the
 * passes (passes.h) rewrite it, the walk (compile.c) turns it into layers. Operators, attributes and element types have ONNX's names and meaning.
 *
 *   tensor ──uses──► use {tensor, node, index} ◄──inputs── node ──outputs──► tensor (its producer is the node)
 *
 * Everything belongs to the graph and lives until graph_free; what is taken out is only unlinked. A function that allocates returns NULL when
 * memory is out or the graph has grown beyond GRAPH_NODES_MAX; callers say so once, by graph_full.
 */
#ifndef QUELL_GRAPH_H
#define QUELL_GRAPH_H

#include "model.h"

enum { GRAPH_RANK_MAX = 8, GRAPH_NODES_MAX = 1 << 14, GRAPH_ELEMENTS_MAX = 1 << 27, GRAPH_CHANNELS_MAX = QUELL_CHANNELS_MAX };

/* ONNX's numbers. Constants of the small types (int4, uint4) are unpacked by the reader to int8, uint8; of others without a size here only the name is known. */
enum graph_type {
    GRAPH_UNKNOWN = 0, GRAPH_FLOAT = 1, GRAPH_UINT8 = 2, GRAPH_INT8 = 3, GRAPH_UINT16 = 4, GRAPH_INT16 = 5, GRAPH_INT32 = 6, GRAPH_INT64 = 7, GRAPH_STRING = 8, GRAPH_BOOL = 9,
    GRAPH_FLOAT16 = 10, GRAPH_DOUBLE = 11, GRAPH_UINT32 = 12, GRAPH_UINT64 = 13, GRAPH_BFLOAT16 = 16, GRAPH_UINT4 = 21, GRAPH_INT4 = 22,
};

struct graph_node;
struct graph_tensor;

/* One place where a tensor is read: input `index` of `node`, or an output of the graph (node NULL). */
struct graph_use {
    struct graph_tensor *tensor; /* NULL: this optional input is left out */
    struct graph_node *node;
    size_t index;
    struct graph_use *next, *previous; /* in the tensor's list */
};

struct graph_tensor {
    const char *name;
    enum graph_type type;
    int shaped;   /* rank and dims are known; the first of an activation is the batch: the file's, or 1 where the file leaves it open */
    size_t rank;
    int64_t dims[GRAPH_RANK_MAX];
    const void *data;            /* a constant's elements, in this machine's byte order; NULL: computed */
    struct graph_node *producer; /* NULL: constant, the graph's input, or nothing makes it */
    struct graph_use *uses;
    size_t use_count;
    size_t number; /* 0...graph.tensor_count - 1 */
};

struct graph_attribute {
    const char *name;
    enum { GRAPH_ATTR_INT, GRAPH_ATTR_FLOAT, GRAPH_ATTR_TEXT, GRAPH_ATTR_INTS, GRAPH_ATTR_FLOATS, GRAPH_ATTR_TENSOR, GRAPH_ATTR_OTHER } kind;
    int64_t i;
    float f;
    const char *text;
    size_t count;
    const int64_t *ints;
    const float *floats;
    struct graph_tensor *tensor;
    struct graph_attribute *next;
};

struct graph_node {
    const char *name; /* the file's, or else its first output's; never NULL */
    const char *op, *domain; /* domain "" is ONNX's */
    size_t input_count, output_count;
    struct graph_use *inputs;
    struct graph_tensor **outputs; /* NULL where left out */
    struct graph_attribute *attributes;
    struct graph_node *next, *previous; /* the graph's order */
    size_t mark; /* for whoever walks */
    int removed; /* a loop that meets it goes on to next */
};

/* What the network's input means: from a pixel by the steps taken out of the graph to the value that it has for the rest of it, a channel. */
struct graph_input_meaning {
    struct quell_model_input input;
    float value[GRAPH_CHANNELS_MAX][256];
};

struct graph_metadata {
    const char *key, *value;
    struct graph_metadata *next;
};

struct graph_block {
    struct graph_block *next;
};

struct graph {
    struct graph_node *first, *last;
    size_t node_count, tensor_count, tensor_room;
    struct graph_tensor **tensors;
    struct graph_tensor *input; /* the image; NULL: none */
    size_t extra_inputs;        /* inputs beyond the first */
    struct graph_tensor *second_input;
    size_t output_count;
    struct graph_use *outputs;
    struct graph_input_meaning meaning;
    enum quell_end end; /* what follows the logits */
    struct graph_metadata *metadata;
    const char **functions; /* names of local functions of domain quell, NULL at the end */
    char **notes;           /* what the passes did; malloc'd, taken over by the model */
    size_t note_count;
    struct graph_block *memory;
    int full;
    size_t changed; /* grows with every node that comes or goes */
};

struct graph *graph_make(void);
void graph_free(struct graph *g);

/* Zeroed memory, text and bytes that live as long as the graph. */
void *graph_alloc(struct graph *g, size_t count, size_t size);
const char *graph_text(struct graph *g, const char *text, size_t length);
__attribute__((format(printf, 2, 3))) const char *graph_format(struct graph *g, const char *format, ...);

struct graph_tensor *graph_tensor(struct graph *g, const char *name, enum graph_type type);
/* A constant; data is zeroed and may be written until it is read by a pass. */
struct graph_tensor *graph_constant(struct graph *g, const char *name, enum graph_type type, size_t rank, const int64_t *dims);
/* At the end, or in front of `before`. `like` gives the name for messages. */
struct graph_node *graph_node(struct graph *g, const char *op, const char *domain, const char *name, size_t inputs, size_t outputs, struct graph_node *before);
void graph_remove(struct graph *g, struct graph_node *node); /* unlink: its inputs have one reader less, its outputs no producer */

void graph_set_input(struct graph_node *node, size_t index, struct graph_tensor *tensor);
void graph_set_output(struct graph_node *node, size_t index, struct graph_tensor *tensor);
void graph_link(struct graph_use *use, struct graph_tensor *tensor);
/* All readers of `old` read `by` instead, the graph's outputs too. */
void graph_replace(struct graph_tensor *old, struct graph_tensor *by);
int graph_is_output(const struct graph_tensor *tensor);

/* Inputs and outputs that may be left out. */
static inline struct graph_tensor *graph_in(const struct graph_node *n, size_t i) { return i < n->input_count ? n->inputs[i].tensor : NULL; }
static inline struct graph_tensor *graph_out(const struct graph_node *n) { return n->output_count ? n->outputs[0] : NULL; }
static inline const struct graph_node *graph_maker(const struct graph_tensor *t) { return t ? t->producer : NULL; }
int graph_is(const struct graph_node *node, const char *op); /* ONNX's own operator of this name; node may be NULL */

const struct graph_attribute *graph_attr(const struct graph_node *node, const char *name);
int64_t graph_attr_int(const struct graph_node *node, const char *name, int64_t otherwise);
float graph_attr_float(const struct graph_node *node, const char *name, float otherwise);
const char *graph_attr_text(const struct graph_node *node, const char *name, const char *otherwise);
const int64_t *graph_attr_ints(const struct graph_node *node, const char *name, size_t *count); /* *count 0 and NULL: not there */
struct graph_attribute *graph_add_attr(struct graph *g, struct graph_node *node, const char *name); /* new or emptied */
int graph_set_int(struct graph *g, struct graph_node *node, const char *name, int64_t value);
int graph_set_ints(struct graph *g, struct graph_node *node, const char *name, size_t count, const int64_t *values);
void graph_drop_attr(struct graph_node *node, const char *name);

const char *graph_metadata(const struct graph *g, const char *key);
/* node 'conv1' (Conv), for messages. */
const char *graph_label(const struct graph_node *node, char *text, size_t size);
/* One line of what a pass did. */
__attribute__((format(printf, 2, 3))) void graph_note(struct graph *g, const char *format, ...);

/* ---- graph_value.c: elements of constants ---- */

const char *graph_type_name(enum graph_type type); /* ONNX's: "int8" */
size_t graph_type_bytes(enum graph_type type);     /* 0: of no use here */
int graph_is_code(enum graph_type type);           /* int8 or uint8 */
size_t graph_elements(const struct graph_tensor *t);
double graph_get(const struct graph_tensor *t, size_t i); /* exact but for int64, uint64 beyond 2^53 */
int64_t graph_get_int(const struct graph_tensor *t, size_t i);
void graph_put(struct graph_tensor *t, size_t i, double value); /* rounded to the type as ONNX's Cast does: floats to nearest even, integers cut */
void graph_put_int(struct graph_tensor *t, size_t i, int64_t value);
float graph_from_half(uint16_t bits);
uint16_t graph_to_half(double value);

#endif
