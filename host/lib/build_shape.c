/* SPDX-License-Identifier: Apache-2.0 */
/* Operators that change how a tensor is seen, not what is in it. */
#include "build.h"

static quell_status pass(struct builder *b, int flat)
{
    const struct value *x;
    TRY(build_input(b, 0, KINDS(CODES) | KINDS(REAL) | KINDS(FLOAT), "a layer's result", &x));
    struct value v = *x;
    if (flat >= 0)
        v.flat = flat;
    v.sole = x->sole && build_uses(b) == 1;
    if (v.kind == VALUE_FLOAT && build_uses(b) != 1)
        return BUILD_FAIL(b, QUELL_E_UNSUPPORTED, "%s: its output must be quantised (QuantizeLinear) and have no other reader", b->label);
    return build_output(b, &v);
}

quell_status build_identity(struct builder *b) { return pass(b, -1); }

quell_status build_flatten(struct builder *b)
{
    int64_t axis = graph_attr_int(b->node, "axis", 1);
    if (axis != 1 && axis != -3)
        return BUILD_FAIL(b, QUELL_E_UNSUPPORTED, "%s: axis %lld; supported: 1", b->label, (long long)axis);
    return pass(b, 1);
}

quell_status build_squeeze(struct builder *b)
{
    const struct value *x;
    TRY(build_input(b, 0, KINDS(CODES) | KINDS(REAL) | KINDS(FLOAT), "a layer's result", &x));
    if (x->h != 1 || x->w != 1)
        return BUILD_FAIL(b, QUELL_E_UNSUPPORTED, "%s: an image of %u x %u; supported: of 1 x 1", b->label, x->h, x->w);
    return pass(b, 1);
}

quell_status build_reshape(struct builder *b)
{
    const struct value *x, *shape;
    int64_t s[4] = {0};
    TRY(build_input(b, 0, KINDS(CODES) | KINDS(REAL) | KINDS(FLOAT), "a layer's result", &x));
    TRY(build_input(b, 1, KINDS(CONST), "a constant shape", &shape));
    size_t n = graph_elements(shape->tensor);
    for (size_t i = 0; i < n && i < 4; i++)
        s[i] = graph_get_int(shape->tensor, i);
    int64_t all = (int64_t)x->h * x->w * x->c;
    int batch = n > 0 && (s[0] == 0 || s[0] == b->graph->input->dims[0] || s[0] == -1);
    int flat = batch && n == 2 && (s[1] == -1 || s[1] == all);
    int image = batch && n == 4 && (s[1] == x->c || (s[1] == -1 && s[0] != -1)) && s[2] == x->h && s[3] == x->w;
    if (!flat && !image)
        return BUILD_FAIL(b, QUELL_E_UNSUPPORTED, "%s: its shape; supported: N x (C*H*W), as Flatten does", b->label);
    return pass(b, flat);
}
