/* SPDX-License-Identifier: Apache-2.0 */
/* Reading an ONNX file: the protobuf tree, constants as numbers, attributes by name. Knows ONNX, nothing of Quell. */
#ifndef QUELL_ONNX_GRAPH_H
#define QUELL_ONNX_GRAPH_H

#include "model.h"
#include "onnx.pb-c.h"

typedef Onnx__ModelProto onnx_model;
typedef Onnx__NodeProto onnx_node;
typedef Onnx__TensorProto onnx_tensor;

/* Parse `size` bytes. Refuses files that are empty, cut off, not ONNX, or nested deeper than any real model. */
quell_status onnx_parse(const char *path, const uint8_t *data, size_t size, onnx_model **model, quell_error *err);
void onnx_free(onnx_model *model);

/* Elements of a constant, whatever its type, as doubles (exact for float32, int8...int32; malloc'd). Checks shape against data. */
quell_status onnx_values(const onnx_tensor *tensor, size_t *count, double **values, quell_error *err);

/* Attributes: the value, or the default where the node has none. */
int64_t onnx_attr_int(const onnx_node *node, const char *name, int64_t otherwise);
float onnx_attr_float(const onnx_node *node, const char *name, float otherwise);
/* *count is 0 and NULL is returned if the attribute is absent. */
const int64_t *onnx_attr_ints(const onnx_node *node, const char *name, size_t *count);
const Onnx__AttributeProto *onnx_attr(const onnx_node *node, const char *name);

/* Value of a metadata property, or NULL. */
const char *onnx_metadata(const onnx_model *model, const char *key);

/* Version of the operator set of a domain ("" is ONNX's own); 0 if not imported. */
int64_t onnx_opset(const onnx_model *model, const char *domain);

#endif
