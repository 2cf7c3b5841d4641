# SPDX-License-Identifier: Apache-2.0
"""The forms themselves: each function writes a small network in one of them. `FORMS` is the table that docs/forms.md shows and test_forms.py tries.

    python tests/host/make_forms.py              # renew the tables of docs/forms.md
    python tests/host/make_forms.py --try JSON   # count what comes of them
"""
import argparse
import json
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx

sys.path[:0] = [str(Path(__file__).resolve().parent), str(Path(__file__).resolve().parents[2])]
import forms  # noqa: E402
from forms import ROOT, Net, helper  # noqa: E402
from tools import marks  # noqa: E402

PAGE = ROOT / "docs/forms.md"

BAD_MODEL, UNSUPPORTED = 4, 5
FLOAT = onnx.TensorProto.FLOAT


@dataclass
class Form:
    group: str
    text: str
    make: object
    largest: int = None  # None: forms.LARGEST
    share: float = None
    code: int = 0        # expected exit code
    words: tuple = ()    # in the refusal
    change: object = None
    rounding: str = ""   # what may differ, in words


FORMS = {}


def form(group, text, **more):
    def keep(function):
        FORMS[function.__name__] = Form(group, text, function, **more)
        return function
    return keep


def refused(text, *words, code=UNSUPPORTED, **more):
    return form("refused", text, code=code, words=words, **more)


def plain(net, x=None, outputs=8, **how):
    """Convolution, ReLU, codes."""
    return net.pair(net.node("Relu", [net.conv(x or net.start(), outputs, **how)]))


# ---- the file ----

@form("file", "nodes in any order", change=lambda m: m.graph.node.sort(key=lambda n: n.name))
def unsorted_nodes():
    net = Net()
    return net, net.head(plain(net))


@form("file", "a fixed batch size, in Reshape too")
def fixed_batch():
    net = Net(batch=4)
    y = net.node("Reshape", [plain(net, stride=2), net.constant(np.array([4, -1], np.int64))])
    return net, net.pair(net.dense(y, 10))


@form("file", "shapes computed in the graph: Shape, Gather, Unsqueeze, Concat, Reshape")
def computed_shape():
    net = Net(opset=13)
    x = plain(net, stride=2)
    first = net.node("Gather", [net.node("Shape", [x]), net.constant(np.int64(0))], axis=0)
    first = net.node("Unsqueeze", [first, net.constant(np.array([0], np.int64))])
    y = net.node("Reshape", [x, net.node("Concat", [first, net.constant(np.array([-1], np.int64))], axis=0)])
    return net, net.pair(net.dense(y, 10))


@form("file", "operator sets from 10, where limits and axes are attributes", largest=1)
def old_operator_set():
    net = Net(opset=10)
    x = net.pair("image")
    values = net.random_weights(8, 3, 3, 3)
    codes, scale = net.weight_codes(values, per_channel=False)
    net.weight_scale = scale
    w = net.node("DequantizeLinear", [net.constant(codes), net.constant(scale), net.constant(np.int8(0))])
    y = net.pair(net.node("Clip", [net.node("Conv", [x, w, net.bias(x, 8, "float")], pads=[1] * 4)], min=0.0, max=2.0))
    y = net.pair(net.node("ReduceMean", [y], axes=[2, 3], keepdims=1))
    y = net.node("Squeeze", [y], axes=[2, 3])
    w = net.node("DequantizeLinear", [net.constant(net.weight_codes(net.random_weights(10, 8), per_channel=False)[0]), net.constant(np.float32(0.01)), net.constant(np.int8(0))])
    return net, net.pair(net.node("Gemm", [y, w, net.constant(np.zeros(10, np.float32))], transB=1))


# ---- Q and DQ ----

@form("Q and DQ", "zero point left out: 0 of uint8")
def no_zero_uint8():
    net = Net()
    x = net.dequantise(net.quantise("image", zero=0, scale=1 / 255, omit_zero=True))
    y = net.dequantise(net.quantise(net.node("Relu", [net.conv(x, 8)]), zero=0, omit_zero=True))
    return net, net.head(y)


@form("Q and DQ", "zero point left out at DequantizeLinear alone: the codes' type")
def no_zero_at_dequantise():
    net = Net(act="int8")
    x = net.dequantise(net.quantise("image", symmetric=True), omit_zero=True)
    return net, net.head(net.dequantise(net.quantise(net.conv(x, 8), symmetric=True), omit_zero=True))


@form("Q and DQ", "output_dtype names the type")
def output_dtype():
    net = Net(act="int8", opset=21)
    kind = {"symmetric": True, "omit_zero": True, "output_dtype": int(onnx.TensorProto.INT8)}
    x = net.dequantise(net.quantise("image", **kind), omit_zero=True)
    return net, net.head(net.dequantise(net.quantise(net.conv(x, 8), **kind), omit_zero=True))


@form("Q and DQ", "domain com.microsoft")
def microsoft_domain():
    net = Net()
    x = net.pair("image", domain="com.microsoft")
    return net, net.head(net.pair(net.node("Relu", [net.conv(x, 8)]), domain="com.microsoft"))


@form("Q and DQ", "a pair for each reader, with the same numbers")
def pair_for_each_reader():
    net = Net()
    y = net.node("Relu", [net.conv(net.start(), 8)])
    scale, zero = net.scale_of(y)
    a = net.pair(net.conv(net.pair(y, scale=scale, zero=zero), 8))
    return net, net.head(net.pair(net.node("Add", [a, net.pair(y, scale=scale, zero=zero)])))


@form("Q and DQ", "pairs of other numbers on one real value: its layers are computed for each")
def pairs_differ():
    net = Net()
    y = net.node("Relu", [net.conv(net.start(), 8)])
    a = net.pair(net.conv(net.pair(y, scale=0.011, zero=0), 8))
    return net, net.head(net.pair(net.node("Add", [a, net.pair(y, scale=0.02, zero=5)])))


@form("Q and DQ", "the image quantised in two ways")
def image_in_two_ways():
    net = Net()
    a = net.pair(net.conv(net.pair("image", scale=1 / 255, zero=0), 8))
    b = net.pair(net.conv(net.pair("image", scale=1 / 100, zero=17), 8, kernel=1))
    return net, net.head(net.pair(net.node("Add", [a, b])))


@form("Q and DQ", "codes clipped (quantise, clip, dequantise), narrow range")
def clipped_codes():
    net = Net(act="int8")
    codes = net.quantise(net.conv(net.start(symmetric=True), 8), symmetric=True)
    clipped = net.node("Clip", [codes, net.constant(np.int8(-100)), net.constant(np.int8(90))])
    net.parameters[clipped] = net.parameters[codes]
    return net, net.head(net.dequantise(clipped))


@form("Q and DQ", "MaxPool of codes")
def pooled_codes():
    net = Net()
    codes = net.quantise(net.node("Relu", [net.conv(net.start(), 8)]))
    pooled = net.node("MaxPool", [codes], kernel_shape=[2, 2], strides=[2, 2])
    net.parameters[pooled] = net.parameters[codes]
    return net, net.head(net.dequantise(pooled))


@form("Q and DQ", "dequantised with another scale than quantised: the codes stand for other numbers")
def other_scale_back():
    net = Net()
    codes = net.quantise(net.node("Relu", [net.conv(net.start(), 8)]))
    net.parameters[codes] = ([net.constant(np.float32(0.03)), net.constant(np.uint8(7))], "")
    return net, net.head(net.dequantise(codes))


@form("Q and DQ", "constants behind Identity, Cast, Constant nodes")
def constants_behind():
    net = Net()
    zero = net.node("Cast", [net.constant(np.int64(0))], to=int(onnx.TensorProto.UINT8))
    scale = net.node("Constant", [], value_float=float(np.float32(1 / 255)))
    x = net.node("DequantizeLinear", [net.node("QuantizeLinear", ["image", scale, zero]), net.node("Identity", [scale]), zero])
    return net, net.head(net.pair(net.node("Relu", [net.conv(x, 8, bias="float")])))


# ---- weights and biases ----

def fake_quantised(net):
    def weights(values):
        scale = (np.abs(values).max(axis=tuple(range(1, values.ndim))) / 127).astype(np.float32)
        inputs = [net.constant(scale), net.constant(np.zeros(len(scale), np.int8))]
        net.weight_scale = scale
        return net.node("DequantizeLinear", [net.node("QuantizeLinear", [net.constant(values), *inputs], axis=0), *inputs], axis=0)
    return weights


@form("weights", "float weights behind Q and DQ (fake quantisation, QAT)")
def float_weights():
    net = Net()
    return net, net.head(plain(net, weights=fake_quantised(net)))


@form("weights", "clipped codes of float weights")
def clipped_weights():
    net = Net()

    def weights(values):
        scale, zero = net.constant(np.float32(0.004)), net.constant(np.int8(0))
        net.weight_scale = np.float32(0.004)
        codes = net.node("Clip", [net.node("QuantizeLinear", [net.constant(values), scale, zero]), net.constant(np.int8(-127)), net.constant(np.int8(127))])
        return net.node("DequantizeLinear", [codes, scale, zero])
    return net, net.head(plain(net, weights=weights))


def offset_weights(net, zero, kind=np.uint8):
    def weights(values):
        scale = np.float32(np.abs(values).max() / 100)
        net.weight_scale = scale
        low = 0 if kind == np.uint8 else -128
        codes = np.clip(np.rint(values / scale) + zero, low, low + 255).astype(kind)
        return net.node("DequantizeLinear", [net.constant(codes), net.constant(scale), net.constant(kind(zero))])
    return weights


@form("weights", "uint8 weights, zero point 128")
def uint8_weights():
    net = Net()
    return net, net.head(plain(net, weights=offset_weights(net, 128)))


@form("weights", "uint8 weights of any zero point, convolution, depthwise and product: exact")
def uint8_weights_any_zero():
    net = Net()
    x = plain(net, weights=lambda v: net.node("DequantizeLinear", [net.constant(net.rng.integers(0, 256, v.shape).astype(np.uint8)), net.constant(np.float32(0.004)), net.constant(np.uint8(117))]), bias=None)
    x = plain(net, x, group=8, bias=None, weights=lambda v: net.node("DequantizeLinear", [net.constant(net.rng.integers(0, 256, v.shape).astype(np.uint8)), net.constant(np.float32(0.004)), net.constant(np.uint8(3))]))
    x = net.node("Flatten", [net.pair(net.node("MaxPool", [x], kernel_shape=[4, 4], strides=[4, 4]))], axis=1)
    return net, net.pair(net.dense(x, 10, bias=None, weights=lambda v: net.node("DequantizeLinear", [net.constant(net.rng.integers(0, 256, v.shape).astype(np.uint8)), net.constant(np.float32(0.004)), net.constant(np.uint8(90))])))


@form("weights", "int8 weights with a zero point")
def int8_weights_zero():
    net = Net()
    return net, net.head(plain(net, weights=offset_weights(net, -9, np.int8)))


@form("weights", "weights behind Transpose (H x W x I x O)")
def transposed_weights():
    net = Net()

    def weights(values):
        return net.node("Transpose", [net.weights(np.ascontiguousarray(values.transpose(2, 3, 1, 0)), axis=3)], perm=[3, 2, 0, 1])
    return net, net.head(plain(net, weights=weights))


@form("weights", "weights behind Reshape, Unsqueeze")
def reshaped_weights():
    net = Net()

    def weights(values):
        return net.node("Reshape", [net.weights(values.reshape(values.shape[0], -1)), net.constant(np.array(values.shape, np.int64))])
    return net, net.head(plain(net, weights=weights))


@form("weights", "scales of float16 behind Cast", largest=1, share=0.1, rounding="code times scale is not rounded to float16")
def float16_scales():
    net = Net(opset=19)

    def weights(values):
        codes, scale = net.weight_codes(values)
        net.weight_scale = scale
        return net.node("Cast", [net.node("DequantizeLinear", [net.constant(codes), net.constant(scale.astype(np.float16)), net.constant(np.zeros(scale.shape, np.int8))], axis=0)], to=FLOAT)
    return net, net.head(plain(net, weights=weights))


@form("weights", "bias in float32", share=0.05, rounding="the bias is kept in steps of the accumulator")
def float_bias():
    net = Net()
    return net, net.head(plain(net, bias="float"))


@form("weights", "bias of another scale, of int8")
def other_bias():
    net = Net()
    bias = net.node("DequantizeLinear", [net.constant(net.rng.integers(-90, 90, 8).astype(np.int8)), net.constant(np.float32(0.007))])
    y = net.node("Conv", [net.start(), net.weights(net.random_weights(8, 3, 3, 3)), bias], pads=[1] * 4)
    return net, net.head(net.pair(y))


@form("weights", "bias added behind: Add of C x 1 x 1, of one number, dequantised")
def added_bias():
    net = Net()
    y = net.node("Add", [net.conv(net.start(), 8, bias=None), net.constant(net.rng.normal(0, 0.3, (8, 1, 1)).astype(np.float32))])
    y = net.node("Add", [net.constant(np.float32(0.2)), y])
    y = net.node("Add", [y, net.node("DequantizeLinear", [net.constant(net.rng.integers(-99, 99, (1, 8, 1, 1)).astype(np.int8)), net.constant(np.float32(0.004))])])
    return net, net.head(net.pair(net.node("Relu", [y])))


@form("weights", "MatMul and Add instead of Gemm, Gemm without transB, alpha, beta")
def products():
    net = Net()
    x = net.node("Flatten", [net.pair(net.node("GlobalAveragePool", [plain(net)]))], axis=1)
    y = net.node("MatMul", [x, net.weights(np.ascontiguousarray(net.random_weights(12, 8).T), axis=1)])
    y = net.pair(net.node("Relu", [net.node("Add", [y, net.constant(net.rng.normal(0, 0.2, 12).astype(np.float32))])]))
    y = net.pair(net.node("Gemm", [y, net.weights(net.random_weights(12, 12)), net.constant(np.array([0.3], np.float32))], transB=1))
    y = net.pair(net.dense(y, 12, transposed=False, alpha=0.75, beta=-1.5))
    return net, net.pair(net.dense(y, 10, alpha=-0.5))


# ---- constants between layers ----

@form("constants", "BatchNormalization behind a convolution, also of negative factors")
def batch_norm():
    net = Net()
    parameters = [net.constant(net.rng.uniform(a, b, 8).astype(np.float32)) for a, b in ((-1.5, 1.5), (-0.2, 0.2), (-0.1, 0.1), (0.5, 1.5))]
    return net, net.head(net.pair(net.node("Relu", [net.node("BatchNormalization", [net.conv(net.start(), 8), *parameters])])))


@form("constants", "BatchNormalization behind codes: a layer of its own")
def batch_norm_of_codes():
    net = Net()
    parameters = [net.constant(net.rng.uniform(a, b, 8).astype(np.float32)) for a, b in ((-1.5, 1.5), (-0.2, 0.2), (-0.1, 0.1), (0.5, 1.5))]
    return net, net.head(net.pair(net.node("Relu", [net.node("BatchNormalization", [plain(net), *parameters])])))


@form("constants", "Mul, Div, Add, Sub by numbers and by channels, behind convolution and product")
def arithmetic():
    net = Net()
    channel = lambda a, b: net.constant(net.rng.uniform(a, b, (1, 8, 1, 1)).astype(np.float32))
    y = net.node("Div", [net.node("Mul", [net.conv(net.start(), 8), channel(0.5, 1.5)]), net.constant(np.float32(1.7))])
    y = net.node("Sub", [channel(-0.3, 0.3), net.node("Sub", [y, channel(-0.2, 0.2)])])
    y = net.pair(net.node("Mul", [net.node("Relu", [y]), net.constant(np.float32(0.6))]))
    y = net.node("Flatten", [net.pair(net.node("GlobalAveragePool", [y]))], axis=1)
    return net, net.pair(net.node("Mul", [net.dense(y, 10), net.constant(net.rng.uniform(0.5, 2, 10).astype(np.float32))]))


@form("constants", "Mul, Add of codes by numbers and channels")
def arithmetic_of_codes():
    net = Net()
    y = net.pair(net.node("Mul", [plain(net), net.constant(np.float32(0.5))]))
    y = net.pair(net.node("Add", [y, net.constant(net.rng.normal(0, 0.3, (8, 1, 1)).astype(np.float32))]))
    return net, net.head(net.pair(net.node("Mul", [y, net.constant(np.float32(-1.3))])))


@form("constants", "Mul by a number behind pooling and addition")
def scaled_pool():
    net = Net()
    x = plain(net)
    y = net.pair(net.node("Mul", [net.node("AveragePool", [x], kernel_shape=[2, 2], strides=[2, 2]), net.constant(np.float32(3))]))
    y = net.pair(net.node("Relu", [net.node("Div", [net.node("Add", [y, y]), net.constant(np.float32(2))])]))
    return net, net.head(y)


@form("constants", "Max, Min as ReLU and Clip; limits behind DequantizeLinear")
def max_min():
    net = Net()
    y = net.node("Min", [net.node("Max", [net.constant(np.float32(0)), net.conv(net.start(), 8)]), net.constant(np.float32(1.5))])
    limit = lambda v: net.node("DequantizeLinear", [net.constant(np.uint8(v)), net.constant(np.float32(0.01)), net.constant(np.uint8(0))])
    return net, net.head(net.pair(net.node("Clip", [net.conv(net.pair(y), 8), limit(0), limit(200)])))


# ---- structure ----

@form("structure", "Identity, Dropout, Cast to float32 between layers")
def nothing_done():
    net = Net()
    y = net.node("Cast", [net.node("Dropout", [net.node("Identity", [plain(net)])])], to=FLOAT)
    return net, net.head(y)


@form("structure", "Pad with zeros in front of a convolution, of the image too")
def padded():
    net = Net()
    pads = net.constant(np.array([0, 0, 1, 1, 0, 0, 1, 1], np.int64))
    x = net.pair(net.node("Pad", ["image", pads, net.constant(np.float32(0))]), scale=1 / 255, zero=0)
    x = plain(net, x, pads=[0] * 4)
    return net, net.head(plain(net, net.node("Pad", [x, pads]), pads=[0] * 4, stride=2))


@form("structure", "kernels of 1 x 3, 3 x 1, 2 x 2; depthwise 1 x 1; a kernel as large as the image")
def small_kernels():
    net = Net()
    x = plain(net, kernel=(1, 3), pads=[0, 1, 0, 1])
    x = plain(net, x, kernel=(3, 1), pads=[1, 0, 1, 0], stride=2)
    x = plain(net, x, kernel=2, pads=[0] * 4)
    x = plain(net, x, kernel=1, group=8, pads=[0] * 4)
    return net, net.pair(net.node("Flatten", [net.conv(x, 10, kernel=5, pads=[0] * 4)], axis=1))


@form("structure", "kernels up to 16 x 16, not square, strides up to 8, unequal ones, dilation, groups, depth multiplier")
def large_kernels():
    net = Net(shape=(3, 20, 20))
    x = plain(net, kernel=(10, 4), pads=[4, 1, 5, 2], stride=(2, 1))
    x = plain(net, x, kernel=5, pads=[2] * 4, group=2)
    x = net.pair(net.conv(x, 16, group=8, kernel=5, pads=[2] * 4))
    x = net.pair(net.conv(x, 16, group=16, dilations=[2, 2], pads=[2] * 4))
    return net, net.head(net.pair(net.conv(x, 8, kernel=(2, 3), stride=(1, 3), dilations=[3, 1], pads=[1, 1, 2, 1])))


@form("structure", "Sub of two tensors: the second one turned round by a layer of its own")
def difference():
    net = Net()
    x = plain(net)
    return net, net.head(net.pair(net.node("Sub", [net.pair(net.conv(x, 8)), x])))


@form("structure", "pooling of any kernel, stride and padding: maximum with auto_pad and ceil_mode, average with count_include_pad")
def pooling_windows():
    net = Net()
    x = net.pair(net.node("MaxPool", [plain(net)], kernel_shape=[3, 3], strides=[2, 2], ceil_mode=1))
    x = net.pair(net.node("AveragePool", [plain(net, x)], kernel_shape=[3, 2], strides=[1, 1], pads=[1, 0, 1, 1], count_include_pad=1))
    return net, net.head(net.pair(net.node("MaxPool", [plain(net, x)], kernel_shape=[2, 3], strides=[2, 1], auto_pad="SAME_LOWER")))


@form("structure", "pooling of the whole image: AveragePool, MaxPool, ReduceMean, ReduceMax")
def whole_image():
    net = Net(opset=17)
    x = plain(net)
    y = net.pair(net.node("AveragePool", [x], kernel_shape=[12, 12]))
    z = net.pair(net.node("MaxPool", [x], kernel_shape=[12, 12], strides=[3, 3]))
    y = net.pair(net.node("Add", [y, net.pair(net.node("ReduceMean", [z], axes=[-1, -2]))]))
    return net, net.pair(net.dense(net.node("Flatten", [y], axis=1), 10))


# ---- layout ----

@form("layout", "image N x H x W x C, Transpose behind")
def nhwc_image():
    net = Net(nhwc=True)
    return net, net.head(plain(net, net.node("Transpose", [net.pair("image")], perm=[0, 3, 1, 2])))


@form("layout", "image of int8 codes, N x H x W x C")
def int8_image():
    net = Net(nhwc=True, element="int8", act="int8")
    x = net.node("Transpose", ["image"], perm=[0, 3, 1, 2])
    net.parameters[x] = ([net.constant(np.float32(1 / 255)), net.constant(np.int8(-128))], "")
    return net, net.head(plain(net, net.dequantise(x)))


@form("layout", "image of uint8 behind Cast, normalised in the graph by channel")
def normalised_in_graph():
    net = Net(element="uint8")
    channel = lambda *v: net.constant(np.array(v, np.float32).reshape(1, 3, 1, 1))
    x = net.node("Div", [net.node("Cast", ["image"], to=FLOAT), net.constant(np.float32(255))])
    x = net.node("Mul", [net.node("Sub", [x, channel(0.485, 0.456, 0.406)]), channel(4.37, 4.46, 4.44)])
    return net, net.head(plain(net, net.pair(x)))


@form("layout", "Transposes around convolutions, N x H x W x C between; mean over rows and columns there")
def nhwc_between():
    net = Net()
    y = net.node("Transpose", [net.node("Relu", [net.conv(net.start(), 8)])], perm=[0, 2, 3, 1])
    y = net.node("Transpose", [net.pair(y)], perm=[0, 3, 1, 2])
    z = net.node("Transpose", [net.pair(net.node("Relu", [net.node("Add", [net.pair(net.conv(y, 8)), y])]))], perm=[0, 2, 3, 1])
    return net, net.pair(net.dense(net.pair(net.node("ReduceMean", [z], axes=[1, 2], keepdims=0)), 10))


@form("layout", "Flatten in the order of N x H x W x C in front of a product")
def nhwc_flatten():
    net = Net()
    y = net.node("Transpose", [plain(net, stride=2)], perm=[0, 2, 3, 1])
    return net, net.pair(net.dense(net.node("Flatten", [y], axis=1), 10))


@form("layout", "a Transpose that reaches neither another one nor the image: into the product behind")
def lone_transposes():
    net = Net(shape=(3, 8, 6))
    y = net.pair(net.node("MaxPool", [net.start()], kernel_shape=[2, 2], strides=[2, 2]))
    y = net.pair(net.node("Relu", [net.node("Transpose", [y], perm=[0, 2, 3, 1])]))
    y = net.node("Flatten", [net.node("Transpose", [y], perm=[0, 3, 1, 2])], axis=1)
    return net, net.pair(net.dense(y, 10))


def behind_pool(net, x=None):
    """Codes that no Transpose can rise above."""
    return net.pair(net.node("MaxPool", [x or net.start()], kernel_shape=[2, 2], strides=[1, 1], pads=[0, 0, 1, 1]))


def by_last(net, op, x):
    """With a constant for each element of the last dimension."""
    return net.node(op, [x, net.constant(net.rng.uniform(0.5, 1.5, net.values[x].shape[-1]).astype(np.float32))])


@form("layout", "one channel, N x H x W x C between Transposes: a constant there, and the tensor read twice")
def one_channel_nhwc():
    net = Net(shape=(1, 8, 6))
    y = net.node("Transpose", [behind_pool(net)], perm=[0, 2, 3, 1])
    y = net.node("Transpose", [net.pair(net.node("Relu", [by_last(net, "Add", y)]))], perm=[0, 3, 1, 2])
    y = net.node("Transpose", [behind_pool(net, y)], perm=[0, 2, 3, 1])
    z = net.node("Transpose", [net.pair(net.conv(net.node("Transpose", [y], perm=[0, 3, 1, 2]), 1))], perm=[0, 2, 3, 1])
    return net, net.head(plain(net, net.node("Transpose", [net.pair(net.node("Relu", [net.node("Add", [z, y])]))], perm=[0, 3, 1, 2])))


@form("layout", "one channel, two pairs of Transposes with a constant between the pairs")
def one_channel_pairs():
    net = Net(shape=(1, 8, 6))
    there_and_back = lambda x: net.node("Transpose", [net.pair(net.node("Relu", [net.node("Transpose", [x], perm=[0, 2, 3, 1])]))], perm=[0, 3, 1, 2])
    y = net.node("Add", [there_and_back(behind_pool(net)), net.constant(np.full((1, 1, 1), -0.25, np.float32))])
    return net, net.head(plain(net, there_and_back(net.pair(net.node("Relu", [y])))))


@form("layout", "N x H x W x C from one place on: constants, an addition of two such tensors, Flatten and a product")
def nhwc_to_the_end():
    net = Net(shape=(3, 8, 6))
    x = net.start()
    y = by_last(net, "Mul", net.node("Transpose", [behind_pool(net, x)], perm=[0, 2, 3, 1]))
    z = by_last(net, "Sub", net.node("Transpose", [behind_pool(net, plain(net, x, outputs=3))], perm=[0, 2, 3, 1]))
    y = net.pair(net.node("Add", [net.pair(y), net.pair(z)]))
    return net, net.pair(net.dense(net.node("Flatten", [y], axis=1), 10))


# ---- functions of one tensor ----

def functions(*ops, text=None, opset=17):
    """Each behind a convolution's codes."""
    def make():
        net = Net(opset=opset)
        x = net.start()
        for op, attributes, extra in ops:
            x = net.pair(net.conv(x, 8))
            x = net.pair(net.node(op, [x, *(net.constant(np.float32(e)) for e in extra)], **attributes))
        return net, net.head(x)
    FORMS[f"function_{ops[0][0].lower()}"] = Form("functions", text or ", ".join(o[0] for o in ops) + " of codes: a table", make)


functions(("LeakyRelu", {"alpha": 0.1}, []), ("PRelu", {}, [0.25]), ("Elu", {}, []), ("Selu", {}, []), ("Celu", {"alpha": 0.5}, []), ("ThresholdedRelu", {"alpha": 0.3}, []),
          text="LeakyRelu, PRelu with one slope, Elu, Selu, Celu, ThresholdedRelu of codes: a table")
functions(("Sigmoid", {}, []), ("HardSigmoid", {}, []), ("Tanh", {}, []), ("Softplus", {}, []), ("Softsign", {}, []), ("HardSwish", {}, []))
functions(("Exp", {}, []), ("Erf", {}, []), ("Abs", {}, []), ("Neg", {}, []), ("Pow", {}, [2]), ("Mish", {}, []), opset=18)


@form("functions", "x times Sigmoid(x) with a pair between (SiLU); HardSwish and GELU written out in Add, Clip, Div, Mul, Erf: one table each")
def functions_in_parts():
    net = Net()
    number = lambda v: net.constant(np.float32(v))
    x = net.pair(net.conv(net.start(), 8))
    x = net.pair(net.node("Mul", [x, net.pair(net.node("Sigmoid", [x]))]))
    x = net.pair(net.conv(x, 8))
    x = net.pair(net.node("Div", [net.node("Mul", [x, net.node("Clip", [net.node("Add", [x, number(3)]), number(0), number(6)])]), number(6)]))
    x = net.pair(net.conv(x, 8))
    y = net.node("Add", [net.node("Erf", [net.node("Div", [x, number(np.sqrt(2))])]), number(1)])
    return net, net.head(net.pair(net.node("Mul", [net.node("Mul", [x, y]), number(0.5)])))


@form("functions", "of codes with other readers, of the image, behind pooling and addition, in front of a mean")
def functions_elsewhere():
    net = Net()
    image = net.start()
    x = net.pair(net.conv(net.pair(net.node("Tanh", [image])), 8))
    y = net.pair(net.conv(net.pair(net.node("LeakyRelu", [x])), 8))
    y = net.pair(net.node("LeakyRelu", [net.pair(net.node("Add", [y, x]))], alpha=0.2))
    y = net.pair(net.node("MaxPool", [net.conv(y, 8)], kernel_shape=[2, 2], strides=[2, 2]))
    return net, net.head(net.pair(net.node("HardSwish", [y])))


@form("functions", "between Transposes, of an image N x H x W x C; Relu behind a table")
def functions_nhwc():
    net = Net(nhwc=True, act="int8")
    x = net.node("Transpose", [net.pair("image")], perm=[0, 3, 1, 2])
    y = net.node("Transpose", [net.pair(net.conv(x, 8))], perm=[0, 2, 3, 1])
    y = net.pair(net.node("Relu", [net.pair(net.node("HardSwish", [y]))]))
    return net, net.head(plain(net, net.node("Transpose", [y], perm=[0, 3, 1, 2])))


@form("functions", "of an image N x H x W x C that no convolution follows; more Transposes behind")
def functions_nhwc_alone():
    net = Net(nhwc=True)
    x = net.pair(net.node("LeakyRelu", [net.node("Transpose", [net.pair("image")], perm=[0, 3, 1, 2])]))
    x = net.pair(net.node("Relu", [net.node("Transpose", [x], perm=[0, 2, 3, 1])]))
    return net, net.pair(net.dense(net.node("Flatten", [net.node("Transpose", [x], perm=[0, 3, 1, 2])], axis=1), 10))


# ---- joined tensors ----

def joined(net, *parts, **how):
    return net.pair(net.node("Concat", list(parts), axis=1), **how)


@form("joined", "Concat along channels of two and three tensors, of other scales, of the image")
def concat():
    net = Net()
    x = net.start()
    a, b = plain(net, x, 16), net.pair(net.conv(x, 8))
    return net, net.head(plain(net, joined(net, plain(net, joined(net, a, b), 8), net.pair(net.conv(a, 8)), x)))


@form("joined", "Concat without a pair behind, of tensors with the same numbers; Relu and MaxPool behind it")
def concat_real():
    net = Net()
    x = net.start()
    a, b = (net.pair(net.conv(x, 8), scale=0.02, zero=120) for _ in range(2))
    y = net.pair(net.node("Relu", [net.node("Concat", [a, b], axis=1)]))
    return net, net.head(plain(net, net.pair(net.node("MaxPool", [y], kernel_shape=[2, 2], strides=[2, 2]))))


@form("joined", "Concat of joined tensors (DenseNet), of tensors with other readers, of one with itself")
def concat_dense():
    net = Net()
    y = plain(net, outputs=16)
    for _ in range(3):
        y = joined(net, y, plain(net, y))
    return net, net.head(joined(net, y, y))


# ---- the end ----

def end(op, **attributes):
    def make():
        net = Net()
        return net, net.node(op, [net.head(plain(net))], **attributes)
    return make


for _op, _attributes in (("Softmax", {"axis": 1}), ("LogSoftmax", {"axis": -1}), ("Sigmoid", {}), ("ArgMax", {"axis": 1, "keepdims": 0})):
    FORMS[f"end_{_op.lower()}"] = Form("end", f"{_op} at the end: done on the host", end(_op, **_attributes))


@form("end", "logits that stay real, Softmax behind; compared by decision", rounding="the step of the logits' codes is that of the largest sum that the weights allow")
def real_logits():
    net = Net(seed=3)
    y = net.node("Flatten", [net.pair(net.node("GlobalAveragePool", [plain(net)]))], axis=1)
    net.logits = y = net.dense(y, 4)
    return net, net.node("Softmax", [y], axis=1)


# ---- gaps ----

@form("gaps", "Add of a convolution that is not quantised", largest=2, share=0.5, rounding="the codes put in change the sum by at most 2 codes")
def unquantised_addend():
    net = Net()
    x = plain(net)
    return net, net.head(net.pair(net.node("Relu", [net.node("Add", [net.conv(x, 8), x])])))


@form("gaps", "mean of a convolution that is not quantised", largest=1, share=0.2, rounding="the codes put in change the mean by at most one code, 4 sigma")
def unquantised_mean():
    net = Net(shape=(3, 16, 16))
    y = net.pair(net.node("GlobalAveragePool", [net.node("Relu", [net.conv(net.start(), 8)])]))
    return net, net.pair(net.dense(net.node("Flatten", [y], axis=1), 10))


@form("gaps", "MaxPool of a convolution that is not quantised: exact")
def unquantised_max():
    net = Net()
    return net, net.head(net.pair(net.node("MaxPool", [net.node("Relu", [net.conv(net.start(), 8)])], kernel_shape=[2, 2], strides=[2, 2])))


@form("gaps", "product, or 1 x 1 convolution, of means that are not quantised: exact, one product of the whole image")
def unquantised_mean_of_codes():
    net = Net(shape=(3, 10, 8))
    y = net.node("Flatten", [net.node("GlobalAveragePool", [plain(net)])], axis=1)
    w = net.weights(net.random_weights(10, 8))
    return net, net.pair(net.node("Gemm", [y, w, net.constant(net.rng.normal(0, 0.3, 10).astype(np.float32))], transB=1))


@form("gaps", "MaxPool, Relu, Clip at a code, of codes and not quantised behind: exact")
def unquantised_codes():
    net = Net()
    x = net.pair(net.conv(net.start(), 8), scale=0.02, zero=100)
    y = net.node("MaxPool", [net.node("Relu", [x])], kernel_shape=[2, 2], strides=[2, 2])
    y = net.pair(net.node("Conv", [y, net.weights(net.random_weights(8, 8, 3, 3))], pads=[1] * 4), scale=0.03, zero=120)
    y = net.node("Flatten", [net.node("Clip", [y, net.constant(np.float32(0)), net.constant(np.float32(0.9))])], axis=1)
    return net, net.pair(net.node("Gemm", [y, net.weights(net.random_weights(10, 288))], transB=1))


# ---- refused ----

@refused("two outputs", "2 outputs", "supported: one", change=lambda m: m.graph.output.append(helper.make_tensor_value_info(m.graph.node[-5].output[0], FLOAT, None)))
def two_outputs():
    net = Net()
    return net, net.head(plain(net))


@refused("an image as output", "is an image of 12 x 12")
def image_output():
    net = Net()
    return net, plain(net)


@refused("a network that is not quantised", "(Conv)", "not quantised", "quantize_static")
def not_quantised():
    net = Net()
    y = net.node("Relu", [net.node("Conv", ["image", net.constant(net.random_weights(8, 3, 3, 3))], pads=[1] * 4)])
    return net, net.node("Flatten", [net.node("GlobalAveragePool", [y])], axis=1)


@refused("a constant broadcast along columns", "(Add)", "shape 12", "along rows or columns", "one a channel")
def constant_of_columns():
    net = Net()
    return net, net.head(net.pair(net.node("Add", [net.conv(net.start(), 8), net.constant(net.rng.normal(0, 0.3, 12).astype(np.float32))])))


@refused("16-bit activations", "(QuantizeLinear)", "uint16", "int8, uint8")
def sixteen_bits():
    net = Net(opset=21)
    s, z = net.constant(np.float32(1 / 65535)), net.constant(np.uint16(0))
    x = net.node("DequantizeLinear", [net.node("QuantizeLinear", ["image", s, z]), s, z])
    return net, net.head(plain(net, x))


@refused("activations quantised by channel", "(QuantizeLinear)", "a number a channel", "per tensor")
def activations_by_channel():
    net = Net()
    s, z = net.constant(np.array([0.004, 0.005, 0.006], np.float32)), net.constant(np.zeros(3, np.uint8))
    x = net.node("DequantizeLinear", [net.node("QuantizeLinear", ["image", s, z], axis=1), s, z], axis=1)
    return net, net.head(plain(net, x, bias="float"))


@refused("weights quantised in blocks", "(Gemm)", "blocks")
def block_weights():
    net = Net(opset=21)
    x = net.node("Flatten", [net.pair(net.node("GlobalAveragePool", [plain(net)]))], axis=1)
    w = net.node("DequantizeLinear", [net.constant(net.rng.integers(-99, 99, (10, 8)).astype(np.int8)), net.constant(np.full((10, 2), 0.01, np.float32)), net.constant(np.zeros((10, 2), np.int8))], axis=1, block_size=4)
    return net, net.pair(net.node("Gemm", [x, w], transB=1))


@refused("Dropout in training mode", "(Dropout)", "training", "inference")
def dropout_in_training():
    net = Net()
    return net, net.head(net.node("Dropout", [plain(net), net.constant(np.float32(0.2)), net.constant(np.bool_(True))]))


@refused("a zero point that its type cannot hold", "(QuantizeLinear)", "zero point", "300", "int8", code=BAD_MODEL,
         change=lambda m: next(t for t in m.graph.initializer if t.name == m.graph.node[0].input[2]).CopyFrom(onnx.TensorProto(name=m.graph.node[0].input[2], data_type=onnx.TensorProto.INT8, int32_data=[300])))
def zero_out_of_range():
    net = Net(act="int8")
    return net, net.head(plain(net))


def _circle(model):
    next(n for n in model.graph.node if n.op_type == "Conv").input[0] = next(n for n in model.graph.node if n.op_type == "GlobalAveragePool").output[0]


@refused("a circle", "circle", code=BAD_MODEL, change=_circle)
def circle():
    net = Net()
    return net, net.head(plain(net))


@refused("an addition whose rounding would show", "(Add)", "calibrate")
def unquantised_sum():
    net = Net()
    x = plain(net)
    y = net.node("Add", [net.conv(x, 8), net.conv(x, 8, kernel=1)])
    return net, net.head(net.pair(net.node("Relu", [y]), scale=0.002, zero=0))


def operator(op, *words, **attributes):
    def make():
        net = Net()
        x = plain(net)
        return net, net.head(net.pair(net.node(op, [x, plain(net)], **attributes)))
    FORMS[f"operator_{op.lower()}"] = Form("refused", op + (" of two tensors" if op == "Mul" else ""), make, code=UNSUPPORTED, words=(f"({op})", *words, "supported"))


operator("Mul", "two tensors")


@refused("LeakyRelu, Sigmoid, ... of a value that is not quantised", "(LeakyRelu)", "calibrate with a pair", "in front of it", "supported")
def function_of_real_value():
    net = Net()
    return net, net.head(net.pair(net.node("LeakyRelu", [net.conv(net.start(), 8)], alpha=0.1)))


@refused("PRelu with a slope a channel", "(PRelu)", "one slope for all channels", "supported")
def slopes():
    net = Net()
    return net, net.head(net.pair(net.node("PRelu", [net.pair(net.conv(net.start(), 8)), net.constant(np.linspace(0, 1, 8, dtype=np.float32).reshape(8, 1, 1))])))


@refused("a function that has no value for some code", "(Log)", "not a number", "clip")
def no_value():
    net = Net()
    y = net.node("Log", [net.pair(net.conv(net.start(), 8))])
    net.values[y] = np.nan_to_num(net.values[y], neginf=-5)
    return net, net.head(net.pair(y))


@refused("Concat of channels that fill no words of 8, but for the last tensor", "(Concat)", "has 12 channels", "multiple of 8", "put it last")
def concat_of_odd_channels():
    net = Net()
    return net, net.head(joined(net, plain(net, outputs=12), plain(net)))


@refused("Concat along rows", "(Concat)", "axis 1", "supported")
def concat_of_rows():
    net = Net()
    x = plain(net)
    return net, net.head(net.pair(net.node("Concat", [x, plain(net)], axis=2)))


@refused("Concat of a value that is not quantised", "(Concat)", "calibrate with a pair", "supported")
def concat_of_real_value():
    net = Net()
    return net, net.head(joined(net, plain(net), net.conv(net.start(), 8)))


@refused("Concat of logits", "joined of several", "one layer's result")
def concat_of_logits():
    net = Net()
    x = net.node("Flatten", [net.pair(net.node("GlobalAveragePool", [plain(net)]))], axis=1)
    return net, joined(net, net.pair(net.dense(x, 8)), net.pair(net.dense(x, 4)))


@refused("kernels above 16 x 16", "(Conv)", "kernel is 17 x 1", "up to 16 x 16")
def large_kernel():
    net = Net()
    return net, net.head(plain(net, kernel=(17, 1), pads=[8, 0, 8, 0]))


@refused("strides above 8", "(Conv)", "strides are 9, 9", "1 to 8")
def large_stride():
    net = Net()
    return net, net.head(plain(net, stride=9))


@refused("pads above 63", "(Conv)", "pads 64, 64", "0 to 63")
def large_pads():
    net = Net()
    return net, net.head(net.pair(net.conv(net.start(), 8, pads=[64] * 4, dilations=[63, 63])))


def pooling(text, op, *words, **attributes):
    def make():
        net = Net()
        return net, net.head(net.pair(net.node(op, [plain(net)], **attributes)))
    FORMS["pooling_" + text.replace(" ", "_").replace(",", "")] = Form("refused", text, make, code=UNSUPPORTED, words=(f"({op})", *words))


pooling("average without count_include_pad of windows that reach over the border", "AveragePool", "divided by fewer elements", "count_include_pad 1", kernel_shape=[3, 3], strides=[1, 1], pads=[1] * 4)
pooling("average whose auto_pad reaches over the border", "AveragePool", "divided by fewer elements", "count_include_pad 1", kernel_shape=[3, 3], strides=[2, 2], auto_pad="SAME_UPPER")
pooling("average whose ceil_mode reaches over the padding", "AveragePool", "divided by fewer elements", "ceil_mode 0", kernel_shape=[3, 3], strides=[2, 2], ceil_mode=1, count_include_pad=1)
pooling("pooling, dilated", "MaxPool", "dilations", "supported: 1", kernel_shape=[2, 2], strides=[1, 1], dilations=[2, 2])
pooling("pooling padded by more than 15", "MaxPool", "padding of 16", "up to 15", kernel_shape=[17, 17], strides=[1, 1], pads=[16] * 4)


@refused("the QOperator format", "(QLinearMatMul)", "QDQ")
def qoperator():
    net = Net()
    s, z = net.constant(np.float32(0.02)), net.constant(np.uint8(0))
    x = net.node("Flatten", [net.quantise(net.node("GlobalAveragePool", [plain(net)]))], axis=1)
    y = net.node("QLinearMatMul", [x, s, z, net.constant(net.rng.integers(0, 99, (8, 10)).astype(np.uint8)), s, z, s, z])
    return net, net.node("DequantizeLinear", [y, s, z])


# ---- what came of a form ----

def judge(form, result):
    """"right", "wrong", "refused" (with the form's code, in its words) or "unclear" (refused otherwise)."""
    if result.code:
        return "refused" if result.code == form.code and all(word in result.message for word in form.words) else "unclear"
    sound = result.right(form.largest if form.largest is not None else forms.LARGEST, form.share if form.share is not None else forms.SHARE) and result.decisions >= 0.75
    return "right" if sound and not form.code else "wrong"


def try_all():
    """The figures of `make bench`: forms that are expected to run, of them right; of all forms silently wrong, refused without their reason."""
    results = []
    for form in FORMS.values():
        with tempfile.TemporaryDirectory() as folder:
            net, output = form.make()
            results.append(judge(form, forms.compare(net, output, folder, form.change)))
    return {"cases_expected": sum(not form.code for form in FORMS.values()), "cases_right": results.count("right"), "cases_wrong": results.count("wrong"), "cases_unclear": results.count("unclear"),
            "cases_refused": results.count("refused")}


# ---- the page ----

def table(name):
    """Section of docs/forms.md: the accepted forms, or the refused ones with the words of their refusals."""
    rows = [f for f in FORMS.values() if (f.group == "refused") == (name == "refused")]
    if name == "refused":
        lines = ["| refused | exit code | the message holds |", "|---|---|---|"]
        lines += [f"| {f.text} | {f.code} | {', '.join(f'`{w}`' for w in f.words)} |" for f in rows]
    else:
        lines = ["| kind | form | may differ from onnxruntime |", "|---|---|---|"]
        lines += [f"| {f.group} | {f.text} | {f.rounding} |" for f in rows]
    return "\n".join(lines) + "\n"


def page():
    return marks.renew(PAGE.read_text(), table)


if __name__ == "__main__":
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--try", dest="json", type=Path, metavar="JSON", help="write how many are right, wrong, refused, instead of renewing the page")
    args = options.parse_args()
    if args.json:
        args.json.write_text(json.dumps(try_all(), indent=2) + "\n")
    else:
        PAGE.write_text(page())
