# SPDX-License-Identifier: Apache-2.0
"""TensorFlow Lite files: the same network as ONNX in onnxruntime gives the same codes; what Quell does not have is refused by name; damaged files are refused.

TensorFlow Lite's own kernels round the multiplier to 31 bits and twice behind it: a code may be off by one from theirs. Ours are the exact ones, as for ONNX.
"""
import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))
import forms  # noqa: E402
import tflite_writer as tf  # noqa: E402

FLOAT = 1


class Both:
    """One network written twice: as TensorFlow Lite, and as ONNX with the same weights and scales."""

    def __init__(self, dtype="int8", seed=0, shape=(3, 12, 12)):
        self.net, self.file, self.dtype = forms.Net(seed, shape, act=dtype, element=dtype, nhwc=True), tf.Writer(), dtype
        c, h, w = shape
        low = -128 if dtype == "int8" else 0
        self.input = self.file.tensor("image", (1, h, w, c), dtype, scale=1 / 255, zero=low)
        x = self.net.node("Transpose", ["image"], perm=[0, 3, 1, 2])
        self.net.parameters[x] = ([self.net.constant(np.float32(1 / 255)), self.net.constant(np.asarray(low, dtype))], "")
        self.codes, self.number, self.zero = x, self.input, low

    def real(self):
        return self.net.dequantise(self.codes)

    def quantised(self, y, name, flat=False):
        """Quantise the ONNX side, and a tensor with the same numbers on the other."""
        self.codes = self.net.quantise(y)
        scale, zero = (self.net.values[i] for i in self.net.parameters[self.codes][0])
        shape = self.net.values[self.codes].shape
        self.number = self.file.tensor(name, (1, shape[1]) if len(shape) == 2 else (1, shape[2], shape[3], shape[1]), self.dtype, scale=float(scale), zero=int(zero))
        return self.number

    def weights(self, values, axis):
        """int8 weights in ONNX's order and the numbers that both need."""
        codes, scale = self.net.weight_codes(values, 0)
        self.net.weight_scale = scale
        return codes, scale, self.net.node("DequantizeLinear", [self.net.constant(codes), self.net.constant(scale)], axis=0)

    def bias(self, x_scale, scale, outputs):
        values, scales = self.net.rng.integers(-400, 400, outputs).astype(np.int32), (x_scale * scale).astype(np.float32)
        onnx_bias = self.net.node("DequantizeLinear", [self.net.constant(values), self.net.constant(scales)], axis=0)
        return onnx_bias, self.file.tensor("bias", (outputs,), "int32", values, scales, 0)

    def conv(self, outputs, kernel=3, stride=1, depthwise=False, activation=tf.RELU, padding=tf.SAME):
        inputs, before = self.net.values[self.codes].shape[1], self.number
        values = self.net.random_weights(outputs, 1 if depthwise else inputs, kernel, kernel)
        codes, scale, w = self.weights(values, 0)
        b, bias = self.bias(self.net.values[self.net.parameters[self.codes][0][0]], scale, outputs)
        y = self.net.node("Conv", [self.real(), w, b], strides=[stride] * 2, auto_pad="SAME_UPPER" if padding == tf.SAME else "VALID", group=inputs if depthwise else 1)
        if activation:
            y = self.net.node("Relu", [y]) if activation == tf.RELU else self.net.node("Clip", [y, self.net.constant(np.float32(0)), self.net.constant(np.float32(6))])
        out = self.quantised(y, "conv")
        theirs = codes.transpose(1, 2, 3, 0) if depthwise else codes.transpose(0, 2, 3, 1)
        weight = self.file.tensor("w", theirs.shape, "int8", theirs, scale, 0, 3 if depthwise else 0)
        options = [(0, "Int8", padding), (1, "Int32", stride), (2, "Int32", stride)]
        options += [(3, "Int32", 1), (4, "Int8", activation)] if depthwise else [(3, "Int8", activation)]
        self.file.operator(tf.DEPTHWISE if depthwise else tf.CONV, [before, weight, bias], [out], *options)

    def pool(self, code, kernel):
        before = self.number
        y = self.net.node("MaxPool" if code == tf.MAX_POOL else "AveragePool", [self.real()], kernel_shape=[kernel] * 2, strides=[kernel] * 2)
        self.file.operator(code, [before], [self.quantised(y, "pool")], (0, "Int8", tf.VALID), (1, "Int32", kernel), (2, "Int32", kernel), (3, "Int32", kernel), (4, "Int32", kernel))

    def add(self, other, number):
        before = self.number
        y = self.net.node("Relu", [self.net.node("Add", [self.real(), self.net.dequantise(other)])])
        self.file.operator(tf.ADD, [before, number], [self.quantised(y, "sum")], (0, "Int8", tf.RELU))

    def mean(self):
        before = self.number
        y = self.net.node("ReduceMean", [self.real()], axes=[2, 3], keepdims=0)
        axes = self.file.tensor("axes", (2,), "int32", [1, 2])
        self.file.operator(tf.MEAN, [before, axes], [self.quantised(y, "mean")], (0, "Bool", False))

    def dense(self, outputs):
        value, before = self.net.values[self.codes], self.number
        x, weights = self.real(), None
        inputs = int(np.prod(value.shape[1:]))
        codes, scale, w = self.weights(self.net.random_weights(outputs, inputs), 0)
        b, bias = self.bias(self.net.values[self.net.parameters[self.codes][0][0]], scale, outputs)
        if value.ndim == 4:  # theirs is flattened with channels last
            x = self.net.node("Flatten", [self.net.node("Transpose", [x], perm=[0, 2, 3, 1])], axis=1)
            flat = self.file.tensor("flat", (1, inputs), self.dtype, scale=float(self.net.values[self.net.parameters[self.codes][0][0]]), zero=int(self.net.values[self.net.parameters[self.codes][0][1]]))
            self.file.operator(tf.RESHAPE, [before, self.file.tensor("shape", (2,), "int32", [-1, inputs])], [flat])
            before = flat
        out = self.quantised(self.net.node("Gemm", [x, w, b], transB=1), "dense")
        weight = self.file.tensor("w", codes.shape, "int8", codes, scale, 0, 0)
        self.file.operator(tf.FULLY_CONNECTED, [before, weight, bias], [out], (0, "Int8", tf.NONE))

    def function(self, op, code, *options, slope=None, **attributes):
        before, more = self.number, []
        inputs = [self.real()]
        if slope is not None:  # codes of their own on either side
            inputs.append(self.net.constant(np.float32(slope * np.float32(0.01))))
            more = [self.file.tensor("slope", (1, 1, 1), "int8", [slope], 0.01, 0)]
        y = self.net.node(op, inputs, **attributes)
        self.file.operator(code, [before, *more], [self.quantised(y, op)], *options)

    def concat(self, *others):
        """The present tensor behind others: (codes, number)."""
        numbers = [n for _, n in others] + [self.number]
        y = self.net.node("Concat", [*(self.net.dequantise(c) for c, _ in others), self.real()], axis=1)
        self.file.operator(tf.CONCATENATION, numbers, [self.quantised(y, "joined")], (0, "Int32", 3), (1, "Int8", tf.NONE))

    def silu(self):
        x, number = self.codes, self.number
        self.function("Sigmoid", tf.LOGISTIC)
        y = self.net.node("Mul", [self.net.dequantise(x), self.real()])
        gate = self.number
        self.file.operator(tf.MUL, [number, gate], [self.quantised(y, "silu")], (0, "Int8", tf.NONE))

    def softmax(self):
        out = self.file.tensor("softmax", (1, self.net.values[self.codes].shape[1]), self.dtype, scale=1 / 256, zero=-128)
        self.file.operator(tf.SOFTMAX, [self.number], [out])
        self.number = out


def network(dtype="int8", mean=True):
    both = Both(dtype)
    both.conv(8, stride=2, activation=tf.RELU6)
    other, number = both.codes, both.number
    both.conv(8, depthwise=True)
    both.conv(8, kernel=1, activation=tf.NONE)
    both.add(other, number)
    both.pool(tf.MAX_POOL, 2)
    both.conv(12, padding=tf.VALID)
    if mean:
        both.mean()
    both.dense(10)
    return both


def compare(both, tmp_path):
    path = tmp_path / "m.tflite"
    path.write_bytes(both.file.bytes([both.input], [both.number]))
    c, h, w = both.net.shape
    images = forms.pixels(99, forms.IMAGES, h, w, c)
    code, message, got = forms.run_quell(path, images)
    assert code == 0, message
    want = forms.expected(both.net, path, both.net.model(both.codes), images)
    difference = np.abs(got - want)
    assert difference.max() <= forms.LARGEST and (difference > 0).mean() <= forms.SHARE, difference


@pytest.mark.parametrize("mean", [True, False])
@pytest.mark.parametrize("softmax", [True, False])
def test_same_as_onnx(tmp_path, mean, softmax):
    both = network(mean=mean)
    if softmax:
        both.softmax()
    compare(both, tmp_path)


def test_average_pool(tmp_path):
    both = Both()
    both.conv(8)
    both.pool(tf.AVERAGE_POOL, 3)
    both.dense(10)
    compare(both, tmp_path)


def test_functions(tmp_path):
    both = Both()
    for function in (lambda: both.function("LeakyRelu", tf.LEAKY_RELU, (0, "Float32", 0.125), alpha=0.125), lambda: both.function("HardSwish", tf.HARD_SWISH), lambda: both.function("Tanh", tf.TANH),
                     lambda: both.function("PRelu", tf.PRELU, slope=30), lambda: both.function("Elu", tf.ELU), both.silu):
        both.conv(8, activation=tf.NONE)
        function()
    both.mean()
    both.dense(10)
    compare(both, tmp_path)


def test_concat(tmp_path):
    both = Both()
    both.conv(8)
    first = both.codes, both.number
    both.conv(16, activation=tf.NONE)
    second = both.codes, both.number
    both.conv(6)
    both.concat(first, second)
    both.conv(8)
    both.mean()
    both.dense(10)
    compare(both, tmp_path)


def refusal(tmp_path, data):
    path = tmp_path / "m.tflite"
    path.write_bytes(data)
    code, message, _ = forms.run_quell(path, forms.pixels(1, 1, 12, 12, 3))
    return code, message


def test_refused_by_name(tmp_path):
    both = network()
    out = both.file.tensor("what", (1, 10), "int8", scale=0.1, zero=0)
    both.file.operator(tf.LSTM, [both.number], [out])
    code, message = refusal(tmp_path, both.file.bytes([both.input], [out]))
    assert code == 5 and "'what'" in message and "CONV_2D" in message, message


def test_two_outputs(tmp_path):
    both = network()
    code, message = refusal(tmp_path, both.file.bytes([both.input], [both.number, both.number - 1]))
    assert code == 5 and "2 outputs" in message, message


def test_damaged(tmp_path):
    data, rng = network().file.bytes([0], [1]), np.random.default_rng(0)
    for size in range(8, len(data), len(data) // 40):
        code, message = refusal(tmp_path, data[:size])
        assert code in (4, 5, 6) and message, (size, code)
    for _ in range(40):
        copy = bytearray(data)
        for _ in range(3):
            copy[rng.integers(8, len(copy))] ^= 1 << rng.integers(8)
        assert refusal(tmp_path, bytes(copy))[0] in (0, 4, 5, 6, 8)
