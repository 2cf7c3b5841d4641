/* SPDX-License-Identifier: Apache-2.0 */
/* Inside libquell: the header of a NumPy file (.npy), format versions 1 to 3, read strictly; no pickled objects. */
#ifndef QUELL_NPY_H
#define QUELL_NPY_H

#include <stdio.h>

#include "model.h"

enum npy_type { NPY_FLOAT32, NPY_INT8, NPY_UINT8 };
enum { NPY_DIMENSIONS_MAX = 8, NPY_HEADER_MAX = 1 << 16 };

struct npy {
    enum npy_type type;
    uint32_t dimensions;
    uint64_t shape[NPY_DIMENSIONS_MAX];
    uint64_t elements;
    size_t element_bytes, data_at; /* data_at: offset of the first element */
};

int npy_is(const uint8_t *head, size_t size);
/* text: the header's dictionary, as long as the file says. */
quell_status npy_parse(struct npy *npy, const char *path, const char *text, size_t length, quell_error *err);
/* The file is left at its first element; its size has been compared with what the header promises. */
quell_status npy_open(struct npy *npy, const char *path, FILE **file, quell_error *err);

#endif
