# SPDX-License-Identifier: Apache-2.0
"""Which codes float32's own rounding leaves open: a convolution whose exact result lies so near to the middle between two codes that the sums of float32 products, in whatever order a
runtime adds them, may fall on either side. Everywhere else a code is determined, and libquell and a runtime without optimisation must agree."""
import numpy as np
from onnx import numpy_helper

UNIT = 2.0 ** -24  # relative error of one float32 rounding


def real(graph, name):
    """A constant as exact float64: an initialiser, or one behind DequantizeLinear."""
    constants = {t.name: t for t in graph.graph.initializer}
    if name in constants:
        return numpy_helper.to_array(constants[name]).astype(np.float64)
    node = graph.maker[name]
    value, scale = (numpy_helper.to_array(constants[i]).astype(np.float64) for i in node.input[:2])
    zero = numpy_helper.to_array(constants[node.input[2]]).astype(np.float64) if len(node.input) > 2 else np.zeros(())
    axis = next((a.i for a in node.attribute if a.name == "axis"), 1)
    shape = [1] * value.ndim
    if scale.ndim:
        shape[axis] = -1
    return (value - (zero.reshape(shape) if zero.ndim else zero)) * (scale.reshape(shape) if scale.ndim else scale)


def quantisation(graph, codes):
    """(scale, zero point for int8 codes) of a quantised tensor's QuantizeLinear."""
    node = graph.maker[codes]
    constants = {t.name: numpy_helper.to_array(t) for t in graph.graph.initializer}
    zero = constants[node.input[2]] if len(node.input) > 2 else np.uint8(0)
    return float(constants[node.input[1]]), int(zero) - (128 if zero.dtype == np.uint8 else 0)


def undecided(graph, node, source, result, codes, wrong):
    """For every True of `wrong` (n x h x w x c, codes of the tensor `result` that the convolution `node` makes from the codes `source`): whether float32 leaves the code open."""
    s_in, z_in = quantisation(graph, source)
    s_out, _ = quantisation(graph, result)
    x = (codes.astype(np.float64) - z_in) * s_in
    weight = real(graph, node.input[1])
    bias = real(graph, node.input[2]) if len(node.input) > 2 and node.input[2] else None
    attributes = {a.name: a for a in node.attribute}
    answers = []
    for image, row, column, channel in np.argwhere(wrong):
        if node.op_type == "Conv":
            kh, kw = weight.shape[2:]
            strides = list(attributes["strides"].ints) if "strides" in attributes else [1, 1]
            pads = list(attributes["pads"].ints) if "pads" in attributes else [0] * 4
            group = attributes["group"].i if "group" in attributes else 1
            assert "auto_pad" not in attributes, "pads are wanted in numbers"
            padded = np.pad(x[image], ((pads[0], pads[2]), (pads[1], pads[3]), (0, 0)))
            first = channel // (weight.shape[0] // group) * weight.shape[1]
            window = padded[row * strides[0]:row * strides[0] + kh, column * strides[1]:column * strides[1] + kw, first:first + weight.shape[1]]
            terms = window.transpose(2, 0, 1) * weight[channel]
        else:
            transposed = "transB" in attributes and attributes["transB"].i
            terms = x[image].transpose(2, 0, 1).ravel() * (weight[channel] if transposed else weight[:, channel])
        terms = np.append(terms.ravel(), bias[channel] if bias is not None else 0)
        value = terms.sum() / s_out
        # Each term is rounded (twice, as a product of two rounded factors), every sum once, then the division.
        error = (len(terms) + 4) * UNIT * np.abs(terms).sum() / s_out
        answers.append(abs(abs(value - np.rint(value)) - 0.5) <= error)
    return np.array(answers, bool)


def undecided_mean(graph, source, result, codes, wrong):
    """The same for the mean over all pixels: n x 1 x 1 x c codes of `result` made from the codes `source` (n x h x w x c)."""
    s_in, z_in = quantisation(graph, source)
    s_out, _ = quantisation(graph, result)
    terms = (codes.astype(np.float64) - z_in) * s_in / s_out
    value, count = terms.mean((1, 2), keepdims=True), terms.shape[1] * terms.shape[2]
    error = (count + 4) * UNIT * np.abs(terms).mean((1, 2), keepdims=True)
    return (np.abs(np.abs(value - np.rint(value)) - 0.5) <= error)[wrong]
