/* SPDX-License-Identifier: Apache-2.0 */
/* From a file to a struct quell_model: reader, passes, and the walk over the graph; what goes in and what comes out. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "build.h"
#include "compiled.h"
#include "file.h"
#include "input.h"
#include "onnx_reader.h"
#include "passes.h"
#include "passes/tools.h"
#include "tflite_reader.h"

enum { PADDING_MAX = 15, CLASS_TEXT_MAX = 4096, FILE_MAX = 1 << 28 };

#define SUPPORTED "Conv up to 16x16, depthwise, Gemm, MatMul, Add, Relu, Clip, functions of quantised tensors (LeakyRelu, HardSwish, Sigmoid, ...), AveragePool, GlobalAveragePool, ReduceMean, MaxPool, Concat, Flatten, Reshape, quell.Denoise*; at the end Softmax, LogSoftmax, Sigmoid, ArgMax; operators on constants"

/* ---- the network's input ---- */

static const char *metadata_of(const void *graph, const char *key) { return graph_metadata(graph, key); }

/* What was said about the input, else what the file's metadata says, else pixel / 255 until more is found out. */
static quell_status read_meaning(struct graph *g, const quell_input *said, quell_error *err)
{
    enum graph_type type = g->input ? g->input->type : GRAPH_UNKNOWN;
    struct quell_model_input *in = &g->meaning.input;
    quell_input file = {0};
    if (g->input && type != GRAPH_FLOAT && !graph_is_code(type))
        return quell_fail(err, QUELL_E_UNSUPPORTED, "the network's input '%s' is %s; supported: float32, int8, uint8", g->input->name, graph_type_name(type));
    TRY(input_read_metadata(&file, metadata_of, g, err));
    in->type = type;
    in->source = said->said & QUELL_INPUT_VALUE ? QUELL_INPUT_SAID : file.said & QUELL_INPUT_VALUE ? QUELL_INPUT_METADATA : graph_is_code(type) ? QUELL_INPUT_CODES : QUELL_INPUT_QUANTISER;
    input_join(&in->meaning, said, &file);
    uint32_t channels = g->input && g->input->shaped && g->input->rank == 4 && g->input->dims[1] <= GRAPH_CHANNELS_MAX ? (uint32_t)g->input->dims[1] : 3;
    for (uint32_t c = 0; c < GRAPH_CHANNELS_MAX; c++)
        for (int p = 0; p < 256; p++)
            g->meaning.value[c][p] = input_element(in, channels, c < channels ? c : 0, p);
    return QUELL_OK;
}

/* The first QuantizeLinear tells what a pixel means if nobody does. -> 1: the passes have worked with another meaning. */
static int find_meaning(struct graph *g, quell_input *found)
{
    struct quell_model_input *in = &g->meaning.input;
    const struct graph_use *use = g->input ? g->input->uses : NULL;
    double scale, zero;
    if (in->source != QUELL_INPUT_QUANTISER || !use || !graph_is(use->node, "QuantizeLinear") || !pass_quantisation(use->node, &scale, &zero) || !(scale > 0) || !isnormal((float)scale) ||
        !g->input->shaped || g->input->rank != 4 || g->input->dims[1] < 1 || g->input->dims[1] > GRAPH_CHANNELS_MAX)
        return 0;
    in->scale = (float)scale;
    in->zero = (int)zero - (graph_in(use->node, 2)->type == GRAPH_UINT8 ? 128 : 0);
    int other = input_find(in, (uint32_t)g->input->dims[1]);
    *found = in->meaning;
    return other;
}

static quell_status read_padding(struct builder *b, uint32_t h, uint32_t w)
{
    const char *text = graph_metadata(b->graph, "quell.padding");
    long padding = 0;
    if (text) {
        char *end;
        padding = strtol(text, &end, 10);
        if (end == text || *end || padding < 0 || padding > PADDING_MAX || 2 * padding >= (long)h || 2 * padding >= (long)w)
            return BUILD_FAIL(b, QUELL_E_MODEL, "metadata quell.padding is '%.40s'; it must be 0 to %d and leave an image of the %u x %u input", text, PADDING_MAX, h, w);
    }
    b->model->info.image_pad = (uint32_t)padding;
    b->model->info.image_h = h - 2 * (uint32_t)padding;
    b->model->info.image_w = w - 2 * (uint32_t)padding;
    return QUELL_OK;
}

static quell_status read_graph_input(struct builder *b)
{
    const struct graph_tensor *t = b->graph->input;
    if (b->graph->extra_inputs)
        return BUILD_FAIL(b, QUELL_E_UNSUPPORTED, "the network has the inputs '%s' and '%s'; supported: one, the image", t->name, b->graph->second_input->name);
    if (!t)
        return BUILD_FAIL(b, QUELL_E_MODEL, "the network has no input");
    if (!t->shaped || t->rank != 4 || t->type != GRAPH_FLOAT)
        return BUILD_FAIL(b, QUELL_E_UNSUPPORTED,
                          "the network's input '%s' is %s of %zu dimensions; supported: an image N x C x H x W, or N x H x W x C with a Transpose behind it, of float32, or of int8 or uint8 with a DequantizeLinear or Cast behind it",
                          t->name, graph_type_name(t->type), t->rank);
    int64_t c = t->dims[1], h = t->dims[2], w = t->dims[3];
    if (c < 1 || c > 4 || h < 1 || h > 1023 || w < 1 || w > 1023)
        return BUILD_FAIL(b, QUELL_E_UNSUPPORTED, "the network's input '%s' has %lld channels, %lld rows, %lld columns (-1: left open); supported: fixed sizes, 1 to 4 channels, up to 1023 x 1023", t->name, (long long)c,
                          (long long)h, (long long)w);
    TRY(read_padding(b, (uint32_t)h, (uint32_t)w));
    b->model->info.image_c = (uint32_t)c;
    *build_value(b, t) = (struct value){.kind = VALUE_IMAGE, .layer = -1, .h = (uint32_t)h, .w = (uint32_t)w, .c = (uint32_t)c};
    return QUELL_OK;
}

/* ---- the network's output ---- */

static quell_status read_class_names(struct builder *b)
{
    const char *text = graph_metadata(b->graph, "quell.classes");
    struct quell_model *m = b->model;
    if (!text || !*text)
        return QUELL_OK;
    uint32_t count = 1;
    for (const char *p = text; *p; p++)
        count += *p == ',';
    if (count != m->info.classes || strlen(text) > CLASS_TEXT_MAX)
        return BUILD_FAIL(b, QUELL_E_MODEL, "metadata quell.classes has %u names for %u classes", count, m->info.classes);
    m->class_names = calloc(count, sizeof *m->class_names);
    for (uint32_t i = 0; m->class_names && i < count; i++) {
        size_t length = strcspn(text, ",");
        m->class_names[i] = calloc(length + 1, 1);
        if (!m->class_names[i])
            return BUILD_FAIL(b, QUELL_E_MEMORY, "out of memory");
        memcpy(m->class_names[i], text, length);
        text += length + (text[length] == ',');
    }
    return m->class_names ? QUELL_OK : BUILD_FAIL(b, QUELL_E_MEMORY, "out of memory");
}

static quell_status read_graph_output(struct builder *b)
{
    const struct graph *g = b->graph;
    struct quell_model *m = b->model;
    const char *name = g->outputs[0].tensor->name;
    const struct value *v = build_value(b, g->outputs[0].tensor);
    if (v->kind == VALUE_NONE)
        return BUILD_FAIL(b, QUELL_E_MODEL, "nothing makes the network's output '%s'", name);
    if ((v->kind != VALUE_CODES && v->kind != VALUE_REAL) || v->layer < 0)
        return BUILD_FAIL(b, QUELL_E_UNSUPPORTED, "the network's output '%s' must be a layer's quantised result (QuantizeLinear before the end)", name);
    const struct quell_layer_info *info = &m->layers[v->layer].info;
    if (info->out_h != 1 || info->out_w != 1)
        return BUILD_FAIL(b, QUELL_E_UNSUPPORTED, "the network's output '%s' is an image of %u x %u; supported: one number a class (pool, or cut the network there)", name, info->out_h, info->out_w);
    if (m->layers[v->layer].join)
        return BUILD_FAIL(b, QUELL_E_UNSUPPORTED, "the network's output '%s' is joined of several (Concat); supported: one layer's result: join the weights of the layers before", name);
    if ((uint32_t)v->layer + 1 != m->layer_count)
        return BUILD_FAIL(b, QUELL_E_UNSUPPORTED, "the layer '%s' comes after the network's output '%s'", m->layers[m->layer_count - 1].info.name, name);
    m->info.classes = info->out_c;
    m->info.end = g->end;
    return read_class_names(b);
}

/* Every layer must be quantised and read by someone: a result that is lost is a mistake in the file. */
static quell_status check_layers(struct builder *b)
{
    const struct quell_model *m = b->model;
    if (m->layer_count == 0)
        return BUILD_FAIL(b, QUELL_E_UNSUPPORTED, "the network has no layer: supported are quantised (QDQ) networks with at least one Conv or Gemm");
    for (uint32_t i = 0; i < m->layer_count; i++) {
        int as = m->layers[i].join ? (int)m->layers[i].join - 1 : (int)i, read = as + 1 == (int)m->layer_count; /* as: the layer by which its tensor is known */
        for (uint32_t k = i + 1; k < m->layer_count; k++)
            read |= m->layers[k].input_layer == as || m->layers[k].residual_layer == as;
        if (b->drafts[i].stage == STAGE_ACC)
            return BUILD_FAIL(b, QUELL_E_UNSUPPORTED, "the output of node '%s' is never quantised; supported: QDQ models (QuantizeLinear behind every layer): calibrate with a pair behind it", m->layers[i].info.name);
        if (!read)
            return BUILD_FAIL(b, QUELL_E_UNSUPPORTED, "nothing uses the output of node '%s'", m->layers[i].info.name);
    }
    return QUELL_OK;
}

/* ---- the walk ---- */

static const struct {
    const char *domain, *name;
    quell_status (*build)(struct builder *b);
} OPERATORS[] = {
    {"", "QuantizeLinear", build_quantise}, {"", "DequantizeLinear", build_dequantise}, {"quell", "Table", build_table}, {"quell", "Concat", build_concat},
    {"", "Conv", build_conv}, {"", "Gemm", build_gemm}, {"", "MatMul", build_matmul},
    {"", "Add", build_add}, {"", "Relu", build_relu}, {"", "Clip", build_clip},
    {"", "AveragePool", build_pool}, {"", "MaxPool", build_pool},
    {"", "GlobalAveragePool", build_global_pool}, {"", "GlobalMaxPool", build_global_pool}, {"", "ReduceMean", build_reduce_mean},
    {"", "Flatten", build_flatten}, {"", "Reshape", build_reshape}, {"", "Squeeze", build_squeeze},
    {"", "Identity", build_identity},
    {"quell", "Denoise", build_denoise}, {"quell", "DenoiseDepthwise", build_denoise}, {"quell", "DenoiseBottleneck", build_denoise},
};

/* What pass_table has left: its input is a real value, not codes. */
#define BETWEEN_CODES "it is a table on the chip, from codes to codes of one tensor: calibrate with a pair (QuantizeLinear, DequantizeLinear) in front of it and a QuantizeLinear behind"

/* Operators that people meet, and what to do. */
static const struct {
    const char *name, *reason;
} REFUSED[] = {
    {"LeakyRelu", BETWEEN_CODES}, {"Sigmoid", BETWEEN_CODES}, {"HardSigmoid", BETWEEN_CODES}, {"HardSwish", BETWEEN_CODES}, {"Tanh", BETWEEN_CODES}, {"Elu", BETWEEN_CODES}, {"Selu", BETWEEN_CODES},
    {"Celu", BETWEEN_CODES}, {"Gelu", BETWEEN_CODES}, {"Mish", BETWEEN_CODES}, {"Softplus", BETWEEN_CODES}, {"Softsign", BETWEEN_CODES}, {"ThresholdedRelu", BETWEEN_CODES}, {"Erf", BETWEEN_CODES},
    {"Exp", BETWEEN_CODES}, {"Log", BETWEEN_CODES}, {"Sqrt", BETWEEN_CODES}, {"Reciprocal", BETWEEN_CODES}, {"Pow", BETWEEN_CODES}, {"Abs", BETWEEN_CODES}, {"Neg", BETWEEN_CODES}, {"Sign", BETWEEN_CODES},
    {"Floor", BETWEEN_CODES}, {"Ceil", BETWEEN_CODES}, {"Round", BETWEEN_CODES}, {"PRelu", "with one slope for all channels; " BETWEEN_CODES},
    {"Softmax", "only at the end of the network"},
    {"Mul", "two tensors are multiplied, or its constant can go neither into a convolution nor into a scale; supported: constants behind convolutions and behind DequantizeLinear"},
    {"Div", "two tensors are divided, or its constant can go neither into a convolution nor into a scale; supported: constants behind convolutions and behind DequantizeLinear"},
    {"Sub", "its inputs must be codes (behind QuantizeLinear and DequantizeLinear), or one of them a constant; calibrate with a pair there"},
    {"Concat", "quantised tensors are joined along channels (axis 1), their result is quantised again; calibrate with a pair in front of each input and a pair behind"},
    {"ConvTranspose", "no transposed convolution"},
    {"Resize", "images are not scaled up"},
    {"Pad", "only zeros on rows and columns, in front of a convolution of 3 x 3; give the pads to the convolution"},
    {"Transpose", "it cancels with no other and does not reach the image; export the network as N x C x H x W"},
    {"Cast", "activations are float32 and 8-bit codes; export in float32"},
    {"Dropout", "in training mode; export the network for inference"},
    {"BatchNormalization", "its input's shape is not known; fold it into the convolution"},
    {"QLinearConv", "the QOperator format; quantise in QDQ format"},
    {"QLinearMatMul", "the QOperator format; quantise in QDQ format"},
    {"ConvInteger", "dynamic quantisation; quantise statically in QDQ format"},
    {"MatMulInteger", "dynamic quantisation; quantise statically in QDQ format"},
    {"DynamicQuantizeLinear", "dynamic quantisation; quantise statically in QDQ format"},
};

static quell_status build_node(struct builder *b)
{
    for (size_t i = 0; i < sizeof OPERATORS / sizeof *OPERATORS; i++)
        if (strcmp(OPERATORS[i].domain, b->node->domain) == 0 && strcmp(OPERATORS[i].name, b->node->op) == 0)
            return OPERATORS[i].build(b);
    for (size_t i = 0; i < sizeof REFUSED / sizeof *REFUSED; i++)
        if (strcmp(REFUSED[i].name, b->node->op) == 0)
            return BUILD_FAIL(b, QUELL_E_UNSUPPORTED, "%s: %s; supported: " SUPPORTED, b->label, REFUSED[i].reason);
    return BUILD_FAIL(b, QUELL_E_UNSUPPORTED, "%s: Quell does not have this operator; supported: " SUPPORTED, b->label);
}

static quell_status walk(struct builder *b)
{
    for (size_t i = 0; i < b->graph->tensor_count; i++)
        if (b->graph->tensors[i]->data)
            b->values[i] = (struct value){.kind = VALUE_CONST, .tensor = b->graph->tensors[i]};
    if (b->graph->output_count != 1)
        return BUILD_FAIL(b, QUELL_E_UNSUPPORTED, "the network has %zu outputs ('%s', '%s'); supported: one, with a number a class: export it so", b->graph->output_count,
                          b->graph->output_count ? b->graph->outputs[0].tensor->name : "", b->graph->output_count > 1 ? b->graph->outputs[1].tensor->name : "");
    TRY(read_graph_input(b));
    for (b->node = b->graph->first; b->node; b->node = b->node->next) {
        graph_label(b->node, b->label, sizeof b->label);
        if (!graph_out(b->node))
            return BUILD_FAIL(b, QUELL_E_MODEL, "%s has no output", b->label);
        TRY(build_node(b));
    }
    TRY(check_layers(b));
    return read_graph_output(b);
}

static quell_status build(struct graph *g, struct quell_model *model, quell_error *err)
{
    struct builder b = {.graph = g, .model = model, .err = err, .values = calloc(g->tensor_count + 1, sizeof *b.values)};
    quell_status status = b.values ? walk(&b) : BUILD_FAIL(&b, QUELL_E_MEMORY, "out of memory");
    for (uint32_t i = 0; b.drafts && i < model->layer_count; i++) {
        free(b.drafts[i].w_scale);
        free(b.drafts[i].bias);
        free(b.drafts[i].bias_scale);
    }
    free(b.drafts);
    free(b.values);
    return status;
}

/* Reader and passes. */
static quell_status prepare(const char *path, const uint8_t *data, size_t size, const quell_input *said, struct graph **graph, quell_error *err)
{
    TRY(tflite_is(data, size) ? tflite_read(path, data, size, graph, err) : onnx_read(path, data, size, graph, err));
    TRY(read_meaning(*graph, said, err));
    return passes_run(*graph, err);
}

quell_status quell_compile_onnx(const char *path, const uint8_t *data, size_t size, const quell_input *said, struct quell_model *model, quell_error *err)
{
    static const quell_input NOTHING;
    struct graph *g = NULL;
    quell_input found;
    quell_status status = prepare(path, data, size, said ? said : &NOTHING, &g, err);
    if (status == QUELL_OK && find_meaning(g, &found)) { /* once more, the values being known now */
        uint32_t source = g->meaning.input.source;
        graph_free(g);
        g = NULL;
        found.said |= QUELL_INPUT_VALUE;
        status = prepare(path, data, size, &found, &g, err);
        if (status == QUELL_OK)
            g->meaning.input.source = source;
    }
    if (status == QUELL_OK)
        status = build(g, model, err);
    if (!g)
        return status;
    model->notes = g->notes;
    model->note_count = (uint32_t)g->note_count;
    g->notes = NULL;
    g->note_count = 0;
    graph_free(g);
    return status;
}

quell_status quell_model_load(const char *path, const quell_limits *limits, quell_model **model, quell_error *err) { return quell_model_load_for(path, limits, NULL, model, err); }

quell_status quell_model_load_for(const char *path, const quell_limits *limits, const quell_input *input, quell_model **model, quell_error *err)
{
    uint8_t *data;
    size_t size;
    *model = NULL;
    TRY(quell_file_read(path, FILE_MAX, &data, &size, err));
    struct quell_model *m = calloc(1, sizeof *m);
    quell_status status = m ? QUELL_OK : quell_fail(err, QUELL_E_MEMORY, "out of memory");
    if (m) {
        m->limits = *limits;
        status = quell_is_compiled(data, size) ? quell_model_read(path, data, size, m, err) : quell_compile_onnx(path, data, size, input, m, err);
        if (status == QUELL_OK && quell_is_compiled(data, size) && input && input->said)
            status = input_change(m, input, err);
    }
    free(data);
    if (status == QUELL_OK)
        status = quell_model_check(m, err);
    if (status == QUELL_OK)
        status = quell_model_fit(m, err);
    if (status != QUELL_OK) {
        quell_model_free(m);
        return status;
    }
    quell_model_summarise(m);
    *model = m;
    return QUELL_OK;
}
