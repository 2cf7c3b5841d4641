/* SPDX-License-Identifier: Apache-2.0 */
/* ONNX files into a graph. onnx_wire.c unpacks, onnx_external.c and onnx_tensor.c read constants, onnx_reader.c the rest. */
#ifndef QUELL_ONNX_READER_H
#define QUELL_ONNX_READER_H

#include "graph.h"
#include "onnx.pb-c.h"

/* Parse `size` bytes of the file `path` (files of constants beside it are read too). Refuses what is empty, cut off, not ONNX, or nested deeper than any real model. */
quell_status onnx_read(const char *path, const uint8_t *data, size_t size, struct graph **graph, quell_error *err);

/* ---- between the reader's files ---- */

quell_status onnx_unpack(const char *path, const uint8_t *data, size_t size, Onnx__ModelProto **model, quell_error *err);

/* A constant tensor of the graph. A value beyond its type is QUELL_E_MODEL. */
quell_status onnx_constant(struct graph *g, const Onnx__TensorProto *proto, const char *name, const char *path, struct graph_tensor **tensor, quell_error *err);

/* The bytes of a constant that lies in another file: `bytes` of them into `target`. */
quell_status onnx_external(const Onnx__TensorProto *proto, const char *name, const char *path, void *target, size_t bytes, quell_error *err);

#endif
