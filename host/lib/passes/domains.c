/* SPDX-License-Identifier: Apache-2.0 */
/*
 * onnxruntime's own Q and DQ become ONNX's, which are the same for eight bits.
 *   before   y = com.microsoft.QuantizeLinear(x, s, z)
 *   after    y = QuantizeLinear(x, s, z)
 */
#include <string.h>

#include "tools.h"

quell_status pass_domains(struct graph *g, quell_error *err)
{
    size_t count = 0;
    (void)err;
    for (struct graph_node *n = g->first; n; n = n->next)
        if (strcmp(n->domain, "com.microsoft") == 0 && (strcmp(n->op, "QuantizeLinear") == 0 || strcmp(n->op, "DequantizeLinear") == 0)) {
            n->domain = "";
            count++;
        }
    if (count)
        graph_note(g, "domains: %zu nodes of com.microsoft are ONNX's own", count);
    return QUELL_OK;
}
