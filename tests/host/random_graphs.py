# SPDX-License-Identifier: Apache-2.0
"""Random valid networks of supported operators, each written in randomly chosen forms, against onnxruntime without graph optimisation.

    python tests/host/random_graphs.py [--count N] [--seed S] [--only I] [--keep FOLDER] [--json F]

Each network is made of its own seed (S + number), which a failure prints. A network that is refused counts as wrong too, unless the refusal is one of
memory: every form used here is one that docs/forms.md names.
"""
import argparse
import json
import sys
import tempfile
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent))
import forms  # noqa: E402
from forms import onnx  # noqa: E402

TOO_LARGE = 6
# What a layer by itself may be off, beside what float32 leaves open (forms.compare_layers): a bias that the file has as a real number is rounded to the accumulator's unit, up to a hundredth of
# a code, and a second scale behind the convolution, here up to four times finer, makes one code to four. Of 3 600 layers 3 % had such codes, none of them 1 %. A wrong form is off in more.
LARGEST, SHARE = 4, 0.01
# Only for a network none of whose layers can be compared by itself: what a code that is off by one can become further on.
NETWORK_LARGEST, NETWORK_SHARE = 12, 0.75
FLOAT = onnx.TensorProto.FLOAT


class Writer:
    """One random network. Tensors between layers are real values behind DequantizeLinear, with four dimensions in the order of `nhwc`."""

    def __init__(self, seed):
        self.rng = np.random.default_rng(seed)
        element = self.pick("float32", "float32", "float32", "uint8", "int8")
        shape = (self.pick(1, 3, 3, 4), int(self.rng.integers(5, 15)), int(self.rng.integers(5, 15)))
        self.net = forms.Net(seed, shape, opset=self.pick(13, 17, 17, 19, 21), act=self.pick("uint8", "int8"), batch=self.pick(None, None, None, 1, 2, 4), element=element, nhwc=self.chance(0.25))
        self.symmetric = self.net.act == "int8" and self.chance(0.4)
        self.largest, self.used = forms.LARGEST, []

    def pick(self, *choices):
        return choices[int(self.rng.integers(len(choices)))]

    def chance(self, p):
        return self.rng.random() < p

    # ---- constants, in one of the ways in which they are written ----

    def constant(self, value):
        net, value = self.net, np.asarray(value)
        way = self.rng.random()
        if way < 0.8:
            return net.constant(value)
        if way < 0.87:
            return net.node("Identity", [net.constant(value)])
        if way < 0.92 and value.dtype in (np.uint8, np.int8) and value.ndim == 0:
            return net.node("Cast", [net.constant(np.int64(value))], to=onnx.helper.np_dtype_to_tensor_dtype(value.dtype))
        if way < 0.96 and value.ndim == 1:
            return net.node("Reshape", [net.constant(value.reshape(1, -1)), net.constant(np.array([-1], np.int64))])
        return net.node("Constant", [], value=onnx.numpy_helper.from_array(value))

    # ---- codes ----

    def quantise(self, x, **given):
        net = self.net
        scale, zero = net.scale_of(x, symmetric=self.symmetric)
        scale, zero = given.get("scale", scale), given.get("zero", zero)
        domain = "com.microsoft" if self.chance(0.1) else ""
        omit = not domain and zero == 0 and self.chance(0.3) and (net.act == "uint8" or net.opset >= 21)
        inputs = [self.constant(np.float32(scale))] + ([] if omit else [self.constant(np.asarray(zero, net.act))])
        attributes = {"output_dtype": onnx.helper.np_dtype_to_tensor_dtype(np.dtype(net.act))} if omit and net.act == "int8" else {}
        codes = net.node("QuantizeLinear", [x, *inputs], domain, **attributes)
        net.parameters[codes] = (inputs, domain)
        net.logits = codes
        return codes

    def pair(self, x, **given):
        net, codes = self.net, self.quantise(x, **given)
        if self.chance(0.06):
            low, high = (-128, 127) if net.act == "int8" else (0, 255)
            clipped = net.node("Clip", [codes, net.constant(np.asarray(low + 1, net.act)), net.constant(np.asarray(high - int(self.rng.integers(0, 20)), net.act))])
            net.parameters[clipped], codes = net.parameters[codes], clipped
            self.used.append("clip of codes")
        y = net.dequantise(codes)
        if self.chance(0.06):
            y = net.node(self.pick("Identity", "Dropout"), [y])
        if self.chance(0.04):
            y = net.node("Cast", [y], to=FLOAT)
        return y

    # ---- weights ----

    def weights(self, values, axis):
        net, way = self.net, self.rng.random()
        per_channel = self.chance(0.6)
        if way < 0.45:
            return net.weights(values, axis, per_channel)
        if way < 0.6:  # fake quantisation
            codes, scale = net.weight_codes(values, axis, per_channel)
            net.weight_scale = scale
            inputs = [self.constant(scale), self.constant(np.zeros(scale.shape, np.int8))]
            attributes = {"axis": axis} if scale.ndim else {}
            q = net.node("QuantizeLinear", [self.constant(values), *inputs], **attributes)
            if self.chance(0.5):
                q = net.node("Clip", [q, net.constant(np.int8(-127)), net.constant(np.int8(127))])
            self.used.append("fake quantisation")
            return net.node("DequantizeLinear", [q, *inputs], **attributes)
        if way < 0.8:  # any zero point
            kind = self.pick(np.uint8, np.uint8, np.int8)
            low = 0 if kind == np.uint8 else -128
            zero = int(self.rng.integers(low, low + 256)) if self.chance(0.3) else low + 128 + int(self.rng.integers(-20, 21))
            scale = np.float32(max(np.abs(values).max(), 1e-3) / 120)
            net.weight_scale = scale
            codes = np.clip(np.rint(values / scale) + zero, low, low + 255).astype(kind)
            self.used.append("zero point of weights")
            return net.node("DequantizeLinear", [self.constant(codes), self.constant(scale), self.constant(kind(zero))])
        perm = [int(i) for i in self.rng.permutation(values.ndim)]  # behind Transpose
        back = [int(i) for i in np.argsort(perm)]
        self.used.append("transposed weights")
        return net.node("Transpose", [net.weights(np.ascontiguousarray(values.transpose(perm)), perm.index(axis), per_channel)], perm=back)

    # ---- what may stand between a product and its QuantizeLinear ----

    def by_channel(self, x, low, high):
        """A constant that broadcasts to x: one number, or one a channel."""
        channels, rank = self.net.values[x].shape[1], self.net.values[x].ndim
        value = self.rng.uniform(low, high, channels).astype(np.float32)
        if self.chance(0.3):
            return self.net.constant(np.float32(value[0]).reshape(self.pick((), (1,))))
        shape = [channels] + [1] * (rank - 2)
        return self.constant(value.reshape(shape if self.chance(0.5) else [1, *shape]))

    def arithmetic(self, x):
        net = self.net
        for _ in range(int(self.rng.integers(1, 3))):
            op = self.pick("Mul", "Add", "Sub", "Div", "BatchNormalization")
            if op == "BatchNormalization":
                channels = net.values[x].shape[1]
                x = net.node(op, [x, *(self.constant(self.rng.uniform(a, b, channels).astype(np.float32)) for a, b in ((0.5, 1.5) if self.chance(0.7) else (-1.5, 1.5), (-0.2, 0.2), (-0.1, 0.1), (0.5, 1.5)))])
            else:
                k = self.by_channel(x, *((0.5, 1.6) if op in ("Mul", "Div") else (-0.4, 0.4)))
                x = net.node(op, [k, x] if op != "Div" and self.chance(0.3) else [x, k])
            self.used.append(op)
        return x

    def activation(self, x):
        net = self.net
        way = self.rng.random()
        if way < 0.3:
            return x
        if way < 0.7:
            return net.node("Relu", [x])
        limit = net.constant(np.float32(max(0.1, 0.7 * float(net.values[x].max()))))
        zero = net.constant(np.float32(0))
        if way < 0.85:
            return net.node("Clip", [x, self.pick("", zero), limit])
        return net.node("Max", [x, zero]) if way < 0.92 else net.node("Min", [limit, x])

    # ---- layers ----

    def padded(self, x, kernel, stride):
        """Attributes of a convolution with pads, as numbers, by name, or as a Pad in front."""
        net, (h, w) = self.net, self.net.values[x].shape[2:]
        pads = [int(self.rng.integers(0, 2)) if k > 1 else 0 for k in kernel] * 2
        if kernel == (2, 2):  # the array has no form for pads on both sides
            pads = [0] * 4 if stride == 2 or self.chance(0.4) else self.pick([1, 1, 0, 0], [0, 0, 1, 1], [1, 0, 0, 1])
        if h + pads[0] + pads[2] < kernel[0] or w + pads[1] + pads[3] < kernel[1]:
            pads = [k // 2 for k in kernel] * 2
        way = self.rng.random()
        if way < 0.15 and kernel == (3, 3):
            return x, {"auto_pad": self.pick("SAME_UPPER", "SAME_LOWER")}
        if way < 0.3 and any(pads) and kernel == (3, 3):
            self.used.append("Pad")
            return net.node("Pad", [x, net.constant(np.array([0, 0, pads[0], pads[1], 0, 0, pads[2], pads[3]], np.int64)), *([net.constant(np.float32(0))] if self.chance(0.5) else [])]), {"pads": [0] * 4}
        return x, {"pads": pads}

    def conv(self, x):
        net = self.net
        inputs = net.values[x].shape[1]
        kernel, stride = self.pick((3, 3), (3, 3), (3, 3), (1, 1), (1, 1), (1, 3), (3, 1), (2, 2)), self.pick(1, 1, 2)
        depthwise = inputs > 1 and kernel == (3, 3) and self.chance(0.25)
        outputs = inputs if depthwise else int(self.rng.integers(2, 13))
        if min(net.values[x].shape[2:]) < 3:
            kernel, stride = (1, 1), 1
            depthwise, outputs = False, int(self.rng.integers(2, 13))
        source = x
        x, attributes = self.padded(x, kernel, stride)
        values = net.random_weights(outputs, 1 if depthwise else inputs, *kernel)
        w = self.weights(values, 0)
        way = self.rng.random()
        bias = [] if way < 0.3 else [net.bias(source, outputs, "float" if way > 0.9 else "int32")] if np.size(net.weight_scale) in (1, outputs) else []
        return net.node("Conv", [x, w, *bias], strides=[stride, stride], **({"group": inputs} if depthwise else {}), **attributes)

    def layer(self, x):
        """A convolution with what follows it, quantised at the end."""
        y = self.conv(x)
        if self.chance(0.35):
            y = self.arithmetic(y)
        if self.chance(0.3):
            y = self.pair(y)
        return self.pair(self.activation(y))

    def nhwc(self, x, make):
        """The same with its tensor in the other layout on the way."""
        net = self.net
        self.used.append("layout")
        return net.node("Transpose", [make(net.node("Transpose", [x], perm=[0, 2, 3, 1]))], perm=[0, 3, 1, 2])

    def pooled(self, x):
        net = self.net
        h, w = net.values[x].shape[2:]
        kh, kw = int(self.rng.integers(1, min(h, 4) + 1)), int(self.rng.integers(1, min(w, 4) + 1))
        op, options = self.pick("MaxPool", "AveragePool"), {"strides": [kh, kw]}
        if self.chance(0.6):
            self.used.append("windows of any place")
            pads = [int(self.rng.integers(0, k)) for k in (kh, kw, kh, kw)]
            options = {"strides": [int(s) for s in self.rng.integers(1, 4, 2)], **({"pads": pads} if self.chance(0.5) else {})}
            if op == "AveragePool" and "pads" in options:
                options["count_include_pad"] = 1
            if op == "MaxPool" and self.chance(0.3) and all(-(-(n + a + b - k) // s) * s < n + a for n, k, s, a, b in
                                                           zip((h, w), (kh, kw), options["strides"], options.get("pads", [0] * 4)[:2], options.get("pads", [0] * 4)[2:])):
                options["ceil_mode"] = 1  # onnxruntime's inference of shapes counts a last window that would begin behind the image, its kernel does not
            elif op == "MaxPool" and self.chance(0.3):
                options = {"strides": [min(s, k) for s, k in zip(options["strides"], (kh, kw))], "auto_pad": self.pick("SAME_UPPER", "SAME_LOWER", "VALID")}
        return self.pair(net.node(op, [x], kernel_shape=[kh, kw], **options))

    def branch(self, x):
        """x and a layer of it that keeps its shape, added or subtracted."""
        net = self.net
        c = net.values[x].shape[1]
        y = net.node("Conv", [x, self.weights(net.random_weights(c, c, 3, 3), 0)], pads=[1] * 4)
        y = self.pair(y)
        op = self.pick("Add", "Add", "Add", "Sub")
        self.used.append(op + " of tensors")
        return self.pair(self.activation(net.node(op, [x, y] if self.chance(0.5) else [y, x])))

    def unquantised(self, x):
        """MaxPool, Relu of codes with no pair behind, read by a convolution."""
        net = self.net
        h, w = net.values[x].shape[2:]
        if min(h, w) >= 2 and self.chance(0.6):
            x = net.node("MaxPool", [x], kernel_shape=[2, 2], strides=[2, 2])
        if self.chance(0.5):
            x = net.node("Relu", [x])
        c = net.values[x].shape[1]
        self.used.append("unquantised codes")
        return self.pair(self.activation(net.node("Conv", [x, self.weights(net.random_weights(c, c, 1, 1), 0)])))

    def two_readers(self, x):
        """One real value quantised in two ways, each read by a layer."""
        net = self.net
        y = self.activation(self.conv(x))
        scale, zero = net.scale_of(y, symmetric=self.symmetric)
        again = self.pick(scale, scale, np.float32(scale * 1.37))
        a, b = self.pair(y, scale=scale, zero=zero), self.pair(y, scale=again, zero=zero)
        c = net.values[a].shape[1]
        a = self.pair(net.node("Conv", [a, self.weights(net.random_weights(c, c, 1, 1), 0)]))
        self.used.append("two readers")
        return self.pair(net.node("Add", [a, b]))

    def of_codes(self, x):
        self.used.append("arithmetic of codes")
        return self.pair(self.activation(self.arithmetic(x)))

    def function(self, x):
        """A function of codes: a table."""
        net, op = self.net, self.pick("LeakyRelu", "Sigmoid", "Tanh", "Elu", "HardSigmoid", "silu", "square")
        if op == "silu":
            y = net.node("Mul", [x, self.pair(net.node("Sigmoid", [x]))])
        elif op == "square":
            y = net.node("Mul", [x, x])
        else:
            y = net.node(op, [x], **({"alpha": float(self.rng.uniform(0.05, 0.6))} if op == "LeakyRelu" else {}))
        self.used.append(op)
        return self.pair(y)

    def joined(self, x):
        """Beside one or two others, with scales of their own; a tensor whose channels fill no words of eight stands last."""
        net, c = self.net, self.net.values[x].shape[1]
        parts = [self.pair(self.activation(net.node("Conv", [x, self.weights(net.random_weights(8 * int(self.rng.integers(1, 3)), c, 1, 1), 0)]))) for _ in range(int(self.rng.integers(1, 3)))]
        self.used.append("joined")
        return self.pair(net.node("Concat", [*parts, x], axis=1))

    # ---- beginning and end ----

    def start(self):
        net, x = self.net, "image"
        if net.element != "float32":
            if self.chance(0.5):
                s, z = self.pick((1 / 255, 0), (1 / 128, 128)) if net.element == "uint8" else self.pick((1 / 255, -128), (1 / 127, 0))
                order = net.nhwc and self.chance(0.5)
                x = net.node("Transpose", [x], perm=[0, 3, 1, 2]) if order else x
                x = net.node("DequantizeLinear", [x, self.constant(np.float32(s)), self.constant(np.asarray(z, net.element))])
                return net.node("Transpose", [x], perm=[0, 3, 1, 2]) if net.nhwc and not order else x
            x = net.node("Mul", [net.node("Cast", [x], to=FLOAT), net.constant(np.float32(1 / 255))])
        if net.nhwc and self.chance(0.5):
            return net.node("Transpose", [self.pair(x)], perm=[0, 3, 1, 2])
        if net.nhwc:
            x = net.node("Transpose", [x], perm=[0, 3, 1, 2])
        if self.chance(0.25):
            c = net.shape[0]
            f = lambda a, b: self.constant(self.rng.uniform(a, b, (1, c, 1, 1)).astype(np.float32))
            x = net.node(self.pick("Div", "Mul"), [net.node("Sub", [x, f(0.3, 0.6)]), f(0.3, 3)])
            self.used.append("normalised in the graph")
        return self.pair(x)

    def end(self, x):
        net = self.net
        flat, self.real_mean = x, False
        if self.chance(0.6):
            way = self.pick("GlobalAveragePool", "GlobalMaxPool", "ReduceMean")
            mean = {"axes": [2, 3], "keepdims": self.pick(0, 1)} if way == "ReduceMean" and net.opset < 18 else {}
            inputs = [x] + ([net.constant(np.array([2, 3], np.int64))] if way == "ReduceMean" and net.opset >= 18 else [])
            flat = net.node(way, inputs, **mean)
            self.real_mean = way != "GlobalMaxPool" and self.chance(0.2)
            flat = flat if self.real_mean else self.pair(flat)
        if net.values[flat].ndim == 4:
            n, c, h, w = net.values[flat].shape
            transposed = self.chance(0.2)
            if transposed:
                flat = net.node("Transpose", [flat], perm=[0, 2, 3, 1])
            way = self.rng.random()
            if way < 0.5:
                flat = net.node("Flatten", [flat], axis=1)
            elif way < 0.8:
                flat = net.node("Reshape", [flat, net.constant(np.array(self.pick([0, -1], [-1, c * h * w]), np.int64))])
            else:
                batch = net.node("Unsqueeze", [net.node("Gather", [net.node("Shape", [flat]), net.constant(np.int64(0))]), net.constant(np.array([0], np.int64))])
                flat = net.node("Reshape", [flat, net.node("Concat", [batch, net.constant(np.array([-1], np.int64))], axis=0)])
        x = flat
        if self.real_mean:  # a product straight behind: exact
            x = self.pair(net.node("Gemm", [x, self.weights(net.random_weights(6, net.values[x].shape[1]), 0), net.constant(self.rng.normal(0, 0.2, 6).astype(np.float32))], transB=1))
            self.used.append("real mean")
        if self.chance(0.3):
            x = self.pair(self.activation(self.product(x, int(self.rng.integers(4, 13)))))
        x = self.product(x, int(self.rng.integers(2, 11)))
        if self.chance(0.2):
            x = self.arithmetic(x)
        x = self.net.dequantise(self.quantise(x))
        way = self.rng.random()
        kept = net.logits
        if way < 0.3:
            x = net.node(self.pick("Softmax", "LogSoftmax"), [x], axis=self.pick(1, -1))
        elif way < 0.4:
            x = net.node("ArgMax", [x], axis=1, keepdims=self.pick(0, 1))
        net.logits = kept
        return x

    def product(self, x, outputs):
        net = self.net
        inputs = net.values[x].shape[1]
        values = net.random_weights(outputs, inputs)
        if self.chance(0.6):
            transposed = self.chance(0.6)
            w = self.weights(values if transposed else np.ascontiguousarray(values.T), 0 if transposed else 1)
            bias = [net.bias(x, outputs)] if self.chance(0.6) else []
            return net.node("Gemm", [x, w, *bias], transB=int(transposed), **({"alpha": float(self.rng.uniform(0.5, 1.5)), "beta": float(self.rng.uniform(0.5, 1.5))} if self.chance(0.15) else {}))
        y = net.node("MatMul", [x, self.weights(np.ascontiguousarray(values.T), 1)])
        return net.node("Add", [y, self.constant(self.rng.normal(0, 0.2, outputs).astype(np.float32))]) if self.chance(0.6) else y

    def write(self):
        x = self.start()
        for _ in range(int(self.rng.integers(1, 5))):
            step = self.pick(self.layer, self.layer, self.layer, self.pooled, self.branch, self.two_readers, self.of_codes, self.unquantised, self.function, self.joined)
            if step == self.pooled and min(self.net.values[x].shape[2:]) < 2:
                step = self.layer
            x = step(x)
            if self.chance(0.1):
                x = self.nhwc(x, lambda t: self.pair(self.net.node("Relu", [t])))
        return self.end(x)


def change_order(model, rng):
    """Sometimes the nodes stand in another order than that of the data."""
    nodes = list(model.graph.node)
    rng.shuffle(nodes)
    del model.graph.node[:]
    model.graph.node.extend(nodes)


def attempt(seed, folder):
    """(result, what it is made of) of one network."""
    writer = Writer(seed)
    output = writer.write()
    result = forms.compare(writer.net, output, folder, (lambda m: change_order(m, writer.rng)) if writer.chance(0.05) else None, layers=True)
    return result, writer.used


def layer_off(layer):
    """A few codes of a small tensor are no share."""
    _, codes, different, largest = layer
    return largest > LARGEST or different > max(SHARE * codes, 8)


def try_all(count, seed, keep=None, only=None, show=print):
    """-> figures; a wrong network is described in words and kept if a folder is named."""
    wrong = refused = large = different = codes = layers = 0
    for number in range(count) if only is None else [only]:
        with tempfile.TemporaryDirectory() as folder:
            result, used = attempt(seed + number, folder)
            codes += result.codes
            different += result.different
            if result.code == TOO_LARGE:
                large += 1
                continue
            layers += len(result.layers)
            off = [layer for layer in result.layers if layer_off(layer)]
            if result.code == 0 and not off and (result.layers or result.right(NETWORK_LARGEST, NETWORK_SHARE)):
                continue
            refused += result.code != 0
            wrong += result.code == 0
            show(f"FAIL seed {seed} number {number}: {result.message or f'{result.different} of {result.codes} codes differ, by up to {result.largest}; layers {off}'} ({', '.join(used)})")
            if keep:
                Path(keep).mkdir(parents=True, exist_ok=True)
                (Path(keep) / f"{seed}_{number}.onnx").write_bytes((Path(folder) / "model.onnx").read_bytes())
    return {"random_graphs": count if only is None else 1, "random_graphs_wrong": wrong, "random_graphs_refused": refused, "random_graphs_too_large": large, "random_graphs_layers": layers, "random_graphs_codes": codes, "random_graphs_codes_different": different, "random_graphs_seed": seed}


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--count", type=int, default=1000)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--only", type=int)
    options.add_argument("--keep")
    options.add_argument("--json")
    args = options.parse_args()
    figures = try_all(args.count, args.seed, args.keep, args.only)
    print(json.dumps(figures))
    if args.json:
        Path(args.json).write_text(json.dumps(figures, indent=2) + "\n")
    return 1 if figures["random_graphs_wrong"] or figures["random_graphs_refused"] else 0


if __name__ == "__main__":
    sys.exit(main())
