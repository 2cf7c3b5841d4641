# SPDX-License-Identifier: Apache-2.0
"""Small random QDQ models of every operator, stride, padding and zero-point form that Quell accepts, made with onnx alone.

    python tests/host/make_golden.py FOLDER      writes them as files; test_golden.py makes them in a temporary folder
"""
import sys
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

OPSET = 13


class Tensor:
    """A dequantised tensor of the model under construction: name, shape c, h, w (h = 0: flat) and the spread of its values."""

    def __init__(self, name, shape, scale, zero, q=None):
        self.name, self.shape, self.scale, self.zero, self.q = name, shape, scale, zero, q


class Net:
    """Adds quantised layers with random weights. unsigned: activations are uint8, as onnxruntime's quantiser writes them."""

    def __init__(self, seed, shape=(3, 12, 12), unsigned=False, zero=None):
        self.random = np.random.default_rng(seed)
        self.nodes, self.constants, self.functions, self.unsigned, self.opset = [], {}, set(), unsigned, OPSET
        self.shape = shape
        self.x = self.quantise("image", shape, 1 / 255, -128 if zero is None else zero, "in")

    def constant(self, name, value, kind):
        self.constants[name] = numpy_helper.from_array(np.asarray(value).astype(kind), name)
        return name

    def node(self, op, inputs, output, **attributes):
        self.nodes.append(helper.make_node(op, inputs, [output], name=output, **attributes))
        return output

    def quantise(self, tensor, shape, scale, zero, name):
        inputs = [self.constant(f"{name}_s", scale, np.float32)]
        if self.unsigned:
            if zero != -128:  # uint8 with zero point 0 may leave it out
                inputs.append(self.constant(f"{name}_z", zero + 128, np.uint8))
        else:
            inputs.append(self.constant(f"{name}_z", zero, np.int8))
        q = self.node("QuantizeLinear", [tensor] + inputs, f"{name}_q")
        return Tensor(self.node("DequantizeLinear", [q] + inputs, f"{name}_dq"), shape, np.float32(scale), zero, q)

    def weights(self, name, shape, fan_in, form="channel", axis=0):
        """-> dequantised weights, their scales. form: channel, tensor, uint8."""
        outputs = shape[axis]
        w = self.random.integers(-127, 128, shape)
        s = self.random.uniform(0.3, 1, outputs if form == "channel" else 1) / (74 * np.sqrt(fan_in))
        self.constant(f"{name}_w", w + 128 if form == "uint8" else w, np.uint8 if form == "uint8" else np.int8)
        self.constant(f"{name}_ws", s if form == "channel" else s[0], np.float32)
        zero = 128 if form == "uint8" else 0
        self.constant(f"{name}_wz", np.full(outputs, zero) if form == "channel" else zero, np.uint8 if form == "uint8" else np.int8)
        return self.node("DequantizeLinear", [f"{name}_w", f"{name}_ws", f"{name}_wz"], f"{name}_w_dq", axis=axis), np.broadcast_to(s, outputs).astype(np.float32)

    def bias(self, name, scales, x_scale, form):
        real = self.random.normal(0, 0.3, len(scales))
        if form == "float":
            return self.constant(f"{name}_b", real, np.float32)
        unit = np.float32(x_scale) * scales
        self.constant(f"{name}_b", np.clip(np.round(real / unit), -2**30, 2**30), np.int32)
        self.constant(f"{name}_bs", unit, np.float32)
        return self.node("DequantizeLinear", [f"{name}_b", f"{name}_bs"], f"{name}_b_dq", axis=0)

    def conv(self, x, name, outputs, kernel=3, stride=1, pads=None, depthwise=False, group=1, dilation=1, form="channel", bias="int", quantise=True, zero=None, scale=None, **attributes):
        """kernel, stride, dilation: one number, or one for rows and one for columns."""
        c, h, w = x.shape
        pair = lambda value: (value, value) if isinstance(value, int) else value
        kernel, stride, dilation, group = pair(kernel), pair(stride), pair(dilation), c if depthwise else group
        inputs = c // group
        weight, scales = self.weights(name, (outputs, inputs, *kernel), inputs * kernel[0] * kernel[1], form)
        parts = [x.name, weight] + ([self.bias(name, scales, x.scale, bias)] if bias else [])
        reach = [(k - 1) * d + 1 for k, d in zip(kernel, dilation)]
        if "auto_pad" not in attributes:
            attributes["pads"] = pads = pads if pads is not None else [r // 2 for r in reach] * 2
            size = lambda n, i: (n + pads[i] + pads[i + 2] - reach[i]) // stride[i] + 1
        else:
            size = lambda n, i: -(-n // stride[i]) if attributes["auto_pad"] != "VALID" else (n - reach[i]) // stride[i] + 1
        y = self.node("Conv", parts, name, kernel_shape=list(kernel), strides=list(stride), dilations=list(dilation), group=group, **attributes)
        shape = (outputs, size(h, 0), size(w, 1))
        return self.quantise(y, shape, *self.range(scale, zero), f"{name}_v") if quantise else Tensor(y, shape, None, None)

    def range(self, scale=None, zero=None):
        return scale or self.random.uniform(0.008, 0.02), int(self.random.integers(-30, 31)) if zero is None else zero

    def post(self, name, x, other=None, relu=False, clip=None, unsigned=True):
        y = x.name
        if other is not None:
            y = self.node("Add", [y, other.name], f"{name}_sum")
        if relu:
            y = self.node("Relu", [y], f"{name}_relu")
        if clip:
            y = self.node("Clip", [y, self.constant(f"{name}_min", clip[0], np.float32), self.constant(f"{name}_max", clip[1], np.float32)], f"{name}_clip")
        return self.quantise(y, x.shape, *self.range(zero=-128 if relu else None), f"{name}_y")

    def pool(self, x, name, op, kernel=None, same=False, size=None, **attributes):
        """size: height and width of the result where the kernel does not divide them as strides of its own sides would."""
        c, h, w = x.shape
        kh, kw = kernel or (h, w)
        if kernel:
            attributes = {"kernel_shape": [kh, kw], "strides": [kh, kw]} | attributes
        y = self.node(op, [x.name], name, **attributes)
        return self.quantise(y, (c, *(size or (h // kh, w // kw))), *((x.scale, x.zero) if same else self.range(zero=x.zero)), f"{name}_q")

    def dense(self, x, name, outputs, op="Gemm", trans=True, bias="int", flatten="Flatten"):
        c, h, w = x.shape
        n = c * h * w
        flat = self.node("Flatten", [x.name], f"{name}_flat", axis=1) if flatten == "Flatten" else self.node("Reshape", [x.name, self.constant(f"{name}_shape", [0, -1], np.int64)], f"{name}_flat")
        weight, scales = self.weights(name, (outputs, n) if trans else (n, outputs), n, axis=0 if trans else 1)
        b = self.bias(name, scales, x.scale, bias)
        if op == "Gemm":
            y = self.node("Gemm", [flat, weight, b], name, transB=int(trans))
        else:
            y = self.node("Add", [self.node("MatMul", [flat, weight], f"{name}_product"), b], name)
        return self.quantise(y, (outputs, 0, 0), *self.range(), f"{name}_v")

    def denoise(self, x, name, kind, m=4, kernel=3):
        """A block of random numbers behind x; kernel: side of its depthwise path."""
        c, rng = x.shape[0], self.random
        values = {"d": rng.integers(-127, 128, (c, 1, kernel, kernel)), "d_scale": 0.0012, "w1": rng.integers(-127, 128, (m, c, 1, 1)), "w1_scale": 0.01 / np.sqrt(c), "act1_scale": 0.01,
                  "w2": rng.integers(-127, 128, (m, m, 3, 3)), "w2_scale": 0.002, "act2_scale": 0.01, "wu": rng.integers(-127, 128, (c, m, 1, 1)), "wu_scale": 0.0015,
                  "wv": rng.integers(-127, 128, (c, m, 1, 1)), "wv_scale": 0.001, "cv": rng.integers(-3000, 3000, c)}
        values["b1_scale"], values["b2_scale"] = x.scale * np.float32(values["w1_scale"]), np.float32(0.01) * np.float32(0.002)
        values["b1"], values["b2"] = (np.round(rng.normal(0.3, 0.3, m) / values[s]) for s in ("b1_scale", "b2_scale"))
        values["cv_scale"] = np.float32(0.01) * np.float32(0.001)
        inputs = [x.name]
        for key in FUNCTIONS[kind][1:]:
            inputs.append(self.constant(f"{name}_{key}", values[key], np.float32 if key.endswith("scale") else np.int32 if key in ("b1", "b2", "cv") else np.int8))
        self.functions.add(kind)
        self.nodes.append(helper.make_node(kind, inputs, [name, f"{name}_sigma"], name=name, domain="quell", group=c))
        return self.quantise(name, x.shape, x.scale, x.zero, f"{name}_x")

    def close(self, x):
        """End in a vector: 1x1 convolution, mean, Softmax."""
        if x.shape[1]:
            x = self.pool(self.conv(x, "tail", 4, kernel=1), "tail_mean", "GlobalAveragePool")
            y = self.node("Flatten", [x.name], "tail_flat", axis=1)
        else:
            y = x.name
        self.node("Softmax", [y], "out", axis=1)
        graph = helper.make_graph(self.nodes, "golden", [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["n", *self.shape])],
                                  [helper.make_tensor_value_info("out", TensorProto.FLOAT, ["n", None])], list(self.constants.values()))
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", self.opset), helper.make_opsetid("quell", 1)], functions=[function(k) for k in sorted(self.functions)])
        model.ir_version = 8
        onnx.checker.check_model(model)
        return model


BLOCK = "w1 w1_scale b1 b1_scale act1_scale w2 w2_scale b2 b2_scale act2_scale wu wu_scale wv wv_scale cv cv_scale".split()
FUNCTIONS = {"DenoiseDepthwise": ["x", "d", "d_scale", "cv", "cv_scale"], "DenoiseBottleneck": ["x", *BLOCK], "Denoise": ["x", "d", "d_scale", *BLOCK]}


def function(kind):
    """docs/arithmetic.md's block as a local function; sigma is not compared and left constant."""
    nodes = []

    def node(op, inputs, output, **attributes):
        nodes.append(helper.make_node(op, inputs, [output], **attributes))
        return output

    real = lambda name: node("DequantizeLinear", [name, f"{name}_scale"], f"{name}_real")
    parts = []
    if kind != "DenoiseBottleneck":
        node("Conv", ["x", real("d")], "mu_d", auto_pad="SAME_UPPER")
        nodes[-1].attribute.append(onnx.AttributeProto(name="group", ref_attr_name="group", type=onnx.AttributeProto.INT))
        parts.append("mu_d")
    if kind != "DenoiseDepthwise":
        q = lambda x, s, name: node("DequantizeLinear", [node("QuantizeLinear", [x, s], f"{name}_q"), s], name)
        one = q(node("Conv", ["x", real("w1"), real("b1")], "a1"), "act1_scale", "act1")
        two = q(node("Conv", [one, real("w2"), real("b2")], "a2", pads=[1] * 4), "act2_scale", "act2")
        parts.append(node("Conv", [two, real("wu")], "mu_u"))
    node("Sub", ["x", parts[0] if len(parts) == 1 else node("Add", parts, "mu")], "y")
    node("Identity", [real("cv")], "sigma")
    return helper.make_function("quell", kind, FUNCTIONS[kind], ["y", "sigma"], nodes, [helper.make_opsetid("", OPSET)], ["group"])


def case_conv(**options):
    net = Net(1, zero=options.pop("in_zero", None), shape=options.pop("shape", (3, 12, 12)))
    x = net.conv(net.x, "first", 10, kernel=1, zero=5)  # the layer under test sees codes of both signs
    if options.pop("depthwise", False):
        return net.close(net.conv(x, "under_test", options.pop("outputs", 10), depthwise=True, **options))
    return net.close(net.conv(x, "under_test", options.pop("outputs", 13), **options))


def case_image(**options):
    """The image itself: few channels."""
    net = Net(1, shape=options.pop("shape", (3, 17, 14)))
    return net.close(net.conv(net.x, "under_test", 13, **options))


def case_post(shortcut=None, pool=None, first_shortcut=True, unsigned=False, denoise=None, kernel=3, **options):
    net = Net(2, unsigned=unsigned)
    x = net.post("stem", net.conv(net.x, "stem_conv", 12), relu=True)
    stride = 2 if shortcut == "conv" else 1
    other = x if shortcut == "input" else None
    if shortcut == "conv" and first_shortcut:
        other = net.conv(x, "shortcut", 20, kernel=1, stride=2)
    y = net.conv(x, "conv", 20 if shortcut == "conv" else 12, stride=stride)
    if denoise:
        y = net.denoise(y, "block", denoise, kernel=kernel)
    if shortcut == "conv" and not first_shortcut:
        other = net.conv(x, "shortcut", 20, kernel=1, stride=2)
    y = net.post("under_test", y, other, **options)
    return net.close(net.pool(y, "pool", **pool) if pool else y)


def case_relu_before_quantise(clip=None):
    net = Net(3)
    y = net.conv(net.x, "under_test", 9, quantise=False)
    relu = net.node("Clip", [y.name, net.constant("low", clip[0], np.float32), net.constant("high", clip[1], np.float32)], "relu") if clip else net.node("Relu", [y.name], "relu")
    return net.close(net.quantise(relu, y.shape, *net.range(zero=-128), "under_test_y"))


def case_dense(shape=(3, 5, 4), channels=11, hidden=0, **options):
    net = Net(4, shape=shape)
    x = net.conv(net.x, "first", channels, kernel=1)
    y = net.dense(x, "under_test", 9, **options)
    if hidden:
        y = net.dense(Tensor(net.post("middle", y, relu=True).name, (9, 1, 1), net.constants and np.float32(0.01), -128), "last", 6)
    return net.close(y)


def case_lowered(what):
    """Operators that cannot be part of the layer before: an identity layer carries them."""
    net = Net(5)
    x = net.conv(net.x, "first", 11)
    if what == "relu_of_shared":
        y = net.post("add", net.conv(net.post("relu", x, relu=True), "second", 11), x)
    elif what == "two_pools":
        y = net.pool(net.pool(x, "one", "MaxPool", kernel=(2, 2)), "two", "AveragePool", kernel=(2, 3))
    elif what == "overlapping_pools":
        y = net.pool(net.pool(x, "one", "MaxPool", kernel=(3, 3), strides=[1, 1], pads=[1] * 4, size=(12, 12)), "two", "AveragePool", kernel=(3, 3), strides=[2, 2], size=(5, 5))
    elif what == "twice_itself":
        y = net.post("add", x, x)
    elif what == "pool_of_image":
        y = net.conv(net.pool(net.x, "one", "MaxPool", kernel=(2, 2)), "second", 8)
        net.nodes = [n for n in net.nodes if not n.name.startswith("first")]
    elif what == "add_of_image":
        y = net.post("add", net.conv(x, "second", 3), net.x)
    elif what == "requantised":
        y = net.conv(net.quantise(x.name, x.shape, 0.03, 7, "again"), "second", 8)
    return net.close(y)


def number(net, name, value):
    return net.constant(name, value, np.float32)


def one(op, **attributes):
    return lambda net, x: net.node(op, [x.name], "act", **attributes)


def prelu(net, x):
    return net.node("PRelu", [x.name, net.constant("slope", [[[0.2]]], np.float32)], "act")


def silu(net, x):
    """x * sigmoid(x), with codes between as quantisers write it."""
    gate = net.quantise(net.node("Sigmoid", [x.name], "gate"), x.shape, 1 / 256, -128, "gate")
    return net.node("Mul", [x.name, gate.name], "act")


def hard_swish_parts(net, x):
    y = net.node("Clip", [net.node("Add", [x.name, number(net, "three", 3)], "plus"), number(net, "none", 0), number(net, "six", 6)], "clipped")
    return net.node("Div", [net.node("Mul", [x.name, y], "times"), number(net, "sixth", 6)], "act")


def gelu_parts(net, x):
    y = net.node("Erf", [net.node("Div", [x.name, number(net, "root", np.sqrt(2))], "scaled")], "erf")
    return net.node("Mul", [net.node("Mul", [x.name, number(net, "half", 0.5)], "halved"), net.node("Add", [y, number(net, "one", 1)], "plus_one")], "act")


def square_root(net, x):
    return net.node("Sqrt", [net.node("Pow", [x.name, number(net, "two", 2)], "squared")], "act")


def bounds(net, x):
    return net.node("Max", [net.node("Min", [net.node("Abs", [x.name], "absolute"), number(net, "most", 1.5)], "least"), net.node("Neg", [x.name], "negative")], "act")


def scaled(net, x):
    """Another scale in front of a function: every second code lies in the middle between two, and float32 decides."""
    y = net.quantise(net.node("Relu", [x.name], "positive"), x.shape, x.scale / 1.5, -128, "between")
    return net.node("Tanh", [y.name], "act")


def case_table(write, shared=False, image=False, flat=False, residual=False, pool=None, behind=None, unsigned=False, opset=OPSET, **quantised):
    net = Net(7, unsigned=unsigned)
    net.opset = opset
    x = net.x if image else net.dense(net.conv(net.x, "first", 4, stride=2), "product", 24) if flat else net.conv(net.x, "first", 11)
    if residual:
        x = net.post("sum", net.conv(x, "second", 11), x)
    scale, zero = net.range()
    y = net.quantise(write(net, x), x.shape, quantised.get("scale", scale), quantised.get("zero", zero), "under_test")
    if behind == "relu":
        y = net.post("after", y, relu=True)
    elif behind == "table":
        y = net.quantise(net.node("Tanh", [y.name], "tanh"), y.shape, 0.008, 3, "after")
    if shared:
        y = net.post("add", net.conv(y, "other", x.shape[0]), x)
    return net.close(net.pool(y, "pool", **pool) if pool else y)


def join(net, name, *parts, scale=None, zero=None, quantise=True):
    """Concat along channels; the scale of the first part if none is given."""
    y = net.node("Concat", [p.name for p in parts], f"{name}_joined", axis=1)
    shape = (sum(p.shape[0] for p in parts), *parts[0].shape[1:])
    return net.quantise(y, shape, scale or parts[0].scale, parts[0].zero if zero is None else zero, name)


def case_concat(what):
    net = Net(8, shape=(3, 10, 8))
    conv = lambda x, name, c, like=None, **more: net.conv(x, name, c, **(dict(scale=like.scale, zero=like.zero) if like else {}), **more)
    a = conv(net.x, "a", 16)
    if what == "two":  # both write there themselves
        y = join(net, "joined", a, conv(net.x, "b", 11, a))
    elif what == "three_rescaled":
        y = join(net, "joined", a, conv(net.x, "b", 8, kernel=1), conv(net.x, "c", 5), scale=0.021, zero=7)
    elif what == "image":
        y = join(net, "joined", conv(a, "b", 8), net.x)
    elif what == "with_readers":  # a is read by others too, and twice
        y = join(net, "joined", a, conv(a, "b", 8, a), a)
    elif what == "read_twice":  # as input and as residual
        y = join(net, "joined", a, conv(net.x, "b", 8, a))
        y = net.post("sum", conv(y, "c", 24), y)
    elif what == "growth":
        y = a
        for i in range(3):
            y = join(net, f"joined{i}", y, net.post(f"relu{i}", conv(y, f"grow{i}", 8), relu=True))
    elif what == "skip":  # down, up the channels again, beside what was there
        low = net.pool(net.post("low", conv(a, "b", 16, stride=1), relu=True), "low_pool", "MaxPool", kernel=(2, 2), same=True)
        skip = net.pool(a, "skip_pool", "AveragePool", kernel=(2, 2))
        y = conv(join(net, "joined", skip, low, scale=0.017, zero=-3), "c", 12)
    elif what == "functions":  # of a part and of the whole
        b = net.quantise(net.node("LeakyRelu", [conv(net.x, "b", 8).name], "leaky", alpha=0.1), (8, 10, 8), a.scale, a.zero, "b_act")
        y = join(net, "joined", a, b)
        y = net.quantise(net.node("Sigmoid", [y.name], "gate"), y.shape, 1 / 256, -128, "gated")
    elif what == "pooled":
        y = net.pool(join(net, "joined", a, conv(net.x, "b", 8, a)), "pool", "MaxPool", kernel=(2, 2), same=True)
    elif what == "flat":
        y = join(net, "joined", net.dense(a, "d", 8), net.dense(conv(net.x, "b", 4), "e", 6))
        y = net.dense(Tensor(y.name, (14, 1, 1), y.scale, y.zero), "last", 9)
        return net.close(y)
    return net.close(conv(y, "under_test", 9))


def case_float_range(zero):
    net = Net(6, zero=zero)
    return net.close(net.conv(net.x, "under_test", 16))


CASES = {
    "conv3x3": lambda: case_conv(),
    "conv3x3_stride2": lambda: case_conv(stride=2),
    "conv3x3_no_pad": lambda: case_conv(pads=[0, 0, 0, 0]),
    "conv3x3_pads_0011_stride2": lambda: case_conv(pads=[0, 0, 1, 1], stride=2),
    "conv3x3_pads_1100_stride2": lambda: case_conv(pads=[1, 1, 0, 0], stride=2),
    "conv3x3_pads_1001": lambda: case_conv(pads=[1, 0, 0, 1]),
    "conv3x3_odd_sizes_stride2": lambda: case_conv(shape=(3, 11, 7), stride=2),
    "conv3x3_same_upper_stride2": lambda: case_conv(auto_pad="SAME_UPPER", stride=2),
    "conv3x3_same_lower_stride2": lambda: case_conv(auto_pad="SAME_LOWER", stride=2),
    "conv3x3_valid": lambda: case_conv(auto_pad="VALID"),
    "conv3x3_single_pixel": lambda: case_conv(shape=(3, 1, 1)),
    "conv3x3_one_channel": lambda: case_conv(outputs=1),
    "conv3x3_tensor_scale": lambda: case_conv(form="tensor"),
    "conv3x3_uint8_weights": lambda: case_conv(form="uint8"),
    "conv3x3_float_bias": lambda: case_conv(bias="float"),
    "conv3x3_no_bias": lambda: case_conv(bias=None),
    "conv3x3_zero_low": lambda: case_conv(zero=-128),
    "conv3x3_zero_high": lambda: case_conv(zero=127),
    "conv1x1": lambda: case_conv(kernel=1),
    "conv1x1_stride2": lambda: case_conv(kernel=1, stride=2),
    "conv1x1_odd_stride2": lambda: case_conv(kernel=1, stride=2, shape=(3, 9, 7)),
    "depthwise": lambda: case_conv(depthwise=True),
    "depthwise_stride2": lambda: case_conv(depthwise=True, stride=2),
    "depthwise_pads_0011_stride2": lambda: case_conv(depthwise=True, stride=2, pads=[0, 0, 1, 1]),
    "conv5x5": lambda: case_conv(kernel=5),
    "conv5x5_on_the_image": lambda: case_image(kernel=5, stride=2),
    "conv7x7_stride2": lambda: case_image(kernel=7, stride=2),
    "conv11x11_stride4": lambda: case_image(kernel=11, stride=4, pads=[2] * 4),
    "conv2x2": lambda: case_conv(kernel=2, pads=[0, 0, 1, 1]),
    "conv1x3": lambda: case_conv(kernel=(1, 3)),
    "conv3x1_stride12": lambda: case_conv(kernel=(3, 1), stride=(1, 2)),
    "conv10x4_stride2": lambda: case_image(kernel=(10, 4), stride=2, pads=[4, 1, 5, 1], shape=(1, 25, 10)),
    "conv4x9_same": lambda: case_conv(kernel=(4, 9), stride=(3, 2), auto_pad="SAME_LOWER"),
    "conv16x16": lambda: case_image(kernel=16, pads=[8, 7, 7, 8], shape=(1, 12, 12)),
    "conv3x3_stride8": lambda: case_conv(stride=(8, 5)),
    "conv3x3_pads_larger_than_kernel": lambda: case_conv(pads=[5, 4, 2, 2]),
    "conv1x1_padded": lambda: case_conv(kernel=1, pads=[2, 1, 0, 1], stride=2),
    "dilated": lambda: case_conv(dilation=2),
    "dilated_unequal": lambda: case_conv(kernel=(3, 2), dilation=(4, 3), stride=(2, 1)),
    "dilated_beyond_the_image": lambda: case_conv(dilation=11, pads=[11] * 4),
    "groups": lambda: case_conv(group=2, outputs=14),
    "groups_dilated": lambda: case_conv(group=5, outputs=20, kernel=(2, 3), dilation=2),
    "depthwise5x5": lambda: case_conv(depthwise=True, kernel=5),
    "depthwise7x4_stride32": lambda: case_conv(depthwise=True, kernel=(7, 4), stride=(3, 2)),
    "depthwise1x1": lambda: case_conv(depthwise=True, kernel=1),
    "depthwise_dilated": lambda: case_conv(depthwise=True, dilation=(3, 2)),
    "depth_multiplier": lambda: case_conv(depthwise=True, outputs=30),
    "image_zero_point": lambda: case_float_range(-17),
    "relu": lambda: case_post(relu=True),
    "clip": lambda: case_post(clip=(-0.4, 0.7)),
    "relu_clip": lambda: case_post(relu=True, clip=(0.0, 0.9)),
    "rescale": lambda: case_post(),
    "residual": lambda: case_post("input"),
    "residual_relu": lambda: case_post("input", relu=True),
    "residual_conv": lambda: case_post("conv", relu=True),
    "residual_conv_last": lambda: case_post("conv", relu=True, first_shortcut=False),
    "unsigned_residual": lambda: case_post("conv", relu=True, unsigned=True),
    "unsigned_pool": lambda: case_post(relu=True, unsigned=True, pool={"op": "AveragePool", "kernel": (2, 2)}),
    "average_pool": lambda: case_post(relu=True, pool={"op": "AveragePool", "kernel": (2, 2)}),
    "average_pool_leftover": lambda: case_post(relu=True, pool={"op": "AveragePool", "kernel": (5, 3)}),
    "max_pool": lambda: case_post(relu=True, pool={"op": "MaxPool", "kernel": (2, 2), "same": True}),
    "max_pool_3x3_stride2": lambda: case_post(relu=True, pool={"op": "MaxPool", "kernel": (3, 3), "strides": [2, 2], "pads": [1] * 4, "size": (6, 6), "same": True}),
    "max_pool_padded_negative": lambda: case_post(pool={"op": "MaxPool", "kernel": (3, 3), "strides": [1, 1], "pads": [1] * 4, "size": (12, 12)}),
    "max_pool_2x2_stride1": lambda: case_post(relu=True, pool={"op": "MaxPool", "kernel": (2, 2), "strides": [1, 1], "size": (11, 11)}),
    "max_pool_5x5_stride3": lambda: case_post(pool={"op": "MaxPool", "kernel": (5, 5), "strides": [3, 3], "size": (3, 3)}),
    "max_pool_gaps": lambda: case_post(pool={"op": "MaxPool", "kernel": (1, 2), "strides": [3, 4], "size": (4, 3)}),
    "max_pool_unequal": lambda: case_post(pool={"op": "MaxPool", "kernel": (3, 2), "strides": [1, 2], "pads": [0, 1, 2, 0], "size": (12, 6)}),
    "max_pool_same_upper": lambda: case_post(relu=True, pool={"op": "MaxPool", "kernel": (3, 2), "strides": [2, 1], "auto_pad": "SAME_UPPER", "size": (6, 12)}),
    "max_pool_same_lower": lambda: case_post(pool={"op": "MaxPool", "kernel": (4, 3), "strides": [2, 3], "auto_pad": "SAME_LOWER", "size": (6, 4)}),
    "max_pool_ceil": lambda: case_post(pool={"op": "MaxPool", "kernel": (3, 3), "strides": [2, 2], "ceil_mode": 1, "size": (6, 6)}),
    "max_pool_ceil_padded": lambda: case_post(pool={"op": "MaxPool", "kernel": (2, 5), "strides": [5, 4], "pads": [0, 2, 0, 2], "ceil_mode": 1, "size": (3, 4)}),
    "average_pool_3x3_stride1": lambda: case_post(relu=True, pool={"op": "AveragePool", "kernel": (3, 3), "strides": [1, 1], "pads": [1] * 4, "count_include_pad": 1, "size": (12, 12)}),
    "average_pool_padded_negative": lambda: case_post(pool={"op": "AveragePool", "kernel": (4, 3), "strides": [2, 3], "pads": [1, 2, 2, 0], "count_include_pad": 1, "size": (6, 4)}),
    "average_pool_overlap": lambda: case_post(relu=True, unsigned=True, pool={"op": "AveragePool", "kernel": (5, 2), "strides": [3, 1], "size": (3, 11)}),
    "max_pool_rescaled": lambda: case_post(pool={"op": "MaxPool", "kernel": (3, 2)}),
    "global_average": lambda: case_post("input", relu=True, pool={"op": "GlobalAveragePool"}),
    "global_max": lambda: case_post(pool={"op": "GlobalMaxPool"}),
    "reduce_mean": lambda: case_post(relu=True, pool={"op": "ReduceMean", "axes": [2, 3], "keepdims": 1}),
    "relu_before_quantise": lambda: case_relu_before_quantise(),
    "clip_before_quantise": lambda: case_relu_before_quantise((0.0, 1.1)),
    "gemm": lambda: case_dense(),
    "gemm_not_transposed": lambda: case_dense(trans=False),
    "gemm_float_bias": lambda: case_dense(bias="float"),
    "gemm_reshape": lambda: case_dense(flatten="Reshape"),
    "gemm_one_pixel": lambda: case_dense(shape=(3, 1, 1)),
    "matmul_add": lambda: case_dense(op="MatMul", trans=False),
    "lowered_relu": lambda: case_lowered("relu_of_shared"),
    "lowered_pool": lambda: case_lowered("two_pools"),
    "lowered_add": lambda: case_lowered("twice_itself"),
    "lowered_overlapping_pool": lambda: case_lowered("overlapping_pools"),
    "lowered_pool_of_image": lambda: case_lowered("pool_of_image"),
    "lowered_add_of_image": lambda: case_lowered("add_of_image"),
    "table_leaky_relu": lambda: case_table(one("LeakyRelu", alpha=0.1)),
    "table_prelu": lambda: case_table(prelu),
    "table_sigmoid": lambda: case_table(one("Sigmoid"), scale=1 / 256, zero=-128),
    "table_hard_sigmoid": lambda: case_table(one("HardSigmoid", alpha=0.3), scale=1 / 255, zero=-128),
    "table_hard_swish": lambda: case_table(one("HardSwish"), opset=14),
    "table_hard_swish_parts": lambda: case_table(hard_swish_parts),
    "table_tanh": lambda: case_table(one("Tanh"), scale=1 / 128, zero=0),
    "table_elu": lambda: case_table(one("Elu", alpha=0.7)),
    "table_selu": lambda: case_table(one("Selu")),
    "table_celu": lambda: case_table(one("Celu", alpha=0.6)),
    "table_softplus": lambda: case_table(one("Softplus")),
    "table_softsign": lambda: case_table(one("Softsign"), scale=1 / 128, zero=0),
    "table_thresholded": lambda: case_table(one("ThresholdedRelu", alpha=0.4)),
    "table_exp": lambda: case_table(one("Exp"), scale=0.03, zero=-128),
    "table_mish": lambda: case_table(one("Mish"), opset=18),
    "table_silu": lambda: case_table(silu),
    "table_gelu_parts": lambda: case_table(gelu_parts),
    "table_square_root": lambda: case_table(square_root),
    "table_bounds": lambda: case_table(bounds),
    "table_unsigned": lambda: case_table(one("LeakyRelu", alpha=0.2), unsigned=True, zero=-60),
    "table_of_image": lambda: case_table(one("Tanh"), image=True),
    "table_of_product": lambda: case_table(one("LeakyRelu"), flat=True),
    "table_of_sum": lambda: case_table(one("LeakyRelu", alpha=0.3), residual=True),
    "table_of_shared": lambda: case_table(silu, shared=True),
    "table_relu": lambda: case_table(one("Tanh"), behind="relu"),
    "table_twice": lambda: case_table(one("LeakyRelu", alpha=-0.5), behind="table"),
    "table_average": lambda: case_table(one("HardSwish"), opset=14, pool={"op": "AveragePool", "kernel": (2, 3)}),
    "table_global_average": lambda: case_table(one("LeakyRelu"), pool={"op": "GlobalAveragePool"}),
    "table_max": lambda: case_table(one("Elu"), pool={"op": "MaxPool", "kernel": (2, 2), "same": True}),
    **{f"concat_{what}": (lambda what=what: case_concat(what)) for what in ("two", "three_rescaled", "image", "with_readers", "read_twice", "growth", "skip", "functions", "pooled", "flat")},
    "requantised": lambda: case_lowered("requantised"),
    "denoise": lambda: case_post("input", relu=True, denoise="Denoise"),
    "denoise_depthwise": lambda: case_post(relu=True, denoise="DenoiseDepthwise"),
    "denoise_gain": lambda: case_post(relu=True, denoise="DenoiseDepthwise", kernel=1),
    "denoise_bottleneck": lambda: case_post("conv", relu=True, denoise="DenoiseBottleneck"),
}


def main():
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for name, make in CASES.items():
        onnx.save(make(), str(folder / f"{name}.onnx"))


if __name__ == "__main__":
    main()
