/* SPDX-License-Identifier: Apache-2.0 */
/* TensorFlow Lite files of int8 or uint8 into a graph: each operator becomes ONNX's between DequantizeLinear and QuantizeLinear. */
#ifndef QUELL_TFLITE_READER_H
#define QUELL_TFLITE_READER_H

#include "graph.h"

int tflite_is(const uint8_t *data, size_t size); /* by its identifier, TFL3 */
quell_status tflite_read(const char *path, const uint8_t *data, size_t size, struct graph **graph, quell_error *err);

#endif
