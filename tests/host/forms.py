# SPDX-License-Identifier: Apache-2.0
"""Small quantised networks in the forms that tools write, and what onnxruntime and Quell make of them.

`Net` writes a graph node by node and computes each on a few images as it goes, so that scales fit. `compare` runs a model through onnxruntime without
graph optimisation (float kernels, every Q and DQ as written: the same on every CPU) and through `quell run`, and counts differing codes.
"""
import os
import struct
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import onnxruntime

sys.path.insert(0, str(Path(__file__).resolve().parent))
import float64_reference  # noqa: E402
import libquell  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
QUELL = os.environ.get("QUELL", ROOT / "build/bin/quell")
IMAGES = 8
helper, numpy_helper = onnx.helper, onnx.numpy_helper
onnxruntime.set_default_logger_severity(4)

# What a difference may be where nothing else is said. Codes are rounded twice on the chip (docs/arithmetic.md): once they are not, both become 0.
LARGEST, SHARE = 1, 0.03
OPEN = 0.002  # of a layer's codes


def session(model, optimise=False):
    options = onnxruntime.SessionOptions()
    if not optimise:
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads = 1
    options.log_severity_level = 4
    return onnxruntime.InferenceSession(model if isinstance(model, str) else model.SerializeToString(), options, providers=["CPUExecutionProvider"])


def pixels(seed, count, h, w, c):
    """uint8 images: noise, and blocks of one colour with a little noise."""
    rng = np.random.default_rng(seed)
    noise = rng.integers(0, 256, (count, h, w, c))
    blocks = np.kron(rng.integers(0, 256, (count, -(-h // 4), -(-w // 4), c)), np.ones((1, 4, 4, 1)))[:, :h, :w] + rng.normal(0, 12, (count, h, w, c))
    return np.clip(np.where((np.arange(count) % 2 == 0)[:, None, None, None], noise, blocks), 0, 255).astype(np.uint8)


class Net:
    """A graph being written. `values` holds every tensor on the calibration images."""

    def __init__(self, seed=0, shape=(3, 12, 12), opset=17, act="uint8", batch=None, element="float32", nhwc=False):
        self.rng, self.opset, self.act, self.batch, self.nhwc, self.element = np.random.default_rng(seed), opset, act, batch, nhwc, element
        self.shape, self.nodes, self.initializers, self.values, self.count, self.parameters, self.domains = shape, [], [], {}, 0, {}, set()
        c, h, w = shape
        self.values["image"] = self.feed(pixels(11, batch or 4, h, w, c))
        self.logits = None  # the codes that Quell answers with

    def feed(self, images):
        x = images if self.nhwc else images.transpose(0, 3, 1, 2)
        x = {"float32": lambda: x.astype(np.float32) / np.float32(255), "uint8": lambda: x, "int8": lambda: (x.astype(int) - 128).astype(np.int8)}[self.element]()
        return np.ascontiguousarray(x)

    def name(self, what):
        self.count += 1
        return f"{what.lower()}_{self.count}"

    def constant(self, value, name=None):
        name = name or self.name("c")
        value = np.asarray(value)
        self.initializers.append(numpy_helper.from_array(np.ascontiguousarray(value).reshape(value.shape), name))
        self.values[name] = value
        return name

    def node(self, op, inputs, domain="", **attributes):
        output = self.name(op)
        node = helper.make_node(op, inputs, [output], name=f"node_{output}", domain=domain, **attributes)
        used = [i for i in dict.fromkeys(inputs) if i]
        graph = helper.make_graph([node], "one", [helper.make_tensor_value_info(i, helper.np_dtype_to_tensor_dtype(self.values[i].dtype), self.values[i].shape) for i in used], [onnx.ValueInfoProto(name=output)])
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", self.opset)] + ([helper.make_opsetid(domain, 1)] if domain else []), ir_version=10 if self.opset > 20 else 8)
        self.values[output] = session(model).run(None, {i: self.values[i] for i in used})[0]
        self.nodes.append(node)
        if domain:
            self.domains.add(domain)
        return output

    # ---- quantisation ----

    def scale_of(self, x, act=None, symmetric=False):
        act = act or self.act
        low, high = min(float(self.values[x].min()), 0.0), max(float(self.values[x].max()), 0.0)
        if symmetric:
            most = max(-low, high, 1e-3)
            return np.float32(most / (127 if act == "int8" else 127.5)), 0 if act == "int8" else 128
        scale = np.float32(max(high - low, 1e-3) / 255)
        return scale, int(np.clip(np.rint(-low / scale), 0, 255)) - (128 if act == "int8" else 0)

    def quantise(self, x, act=None, symmetric=False, scale=None, zero=None, omit_zero=False, domain="", shape=(), **attributes):
        act = act or self.act
        s, z = self.scale_of(x, act, symmetric)
        s, z = np.float32(s if scale is None else scale), z if zero is None else zero
        inputs = [self.constant(np.full(shape, s, np.float32))] + ([] if omit_zero else [self.constant(np.full(shape, z, act))])
        codes = self.node("QuantizeLinear", [x, *inputs], domain, **attributes)
        self.parameters[codes] = (inputs, domain)
        self.logits = codes
        return codes

    def dequantise(self, codes, omit_zero=False):
        inputs, domain = self.parameters[codes]
        return self.node("DequantizeLinear", [codes, *(inputs[:1] if omit_zero else inputs)], domain)

    def pair(self, x, **how):
        return self.dequantise(self.quantise(x, **how))

    def weight_codes(self, weights, axis=0, per_channel=True):
        other = tuple(i for i in range(weights.ndim) if i != axis)
        most = np.maximum(np.abs(weights).max(axis=other) if per_channel else np.abs(weights).max(), 1e-6)
        scale = (most / 127).astype(np.float32)
        shape = [1] * weights.ndim
        shape[axis] = -1
        return np.clip(np.rint(weights / (scale.reshape(shape) if per_channel else scale)), -127, 127).astype(np.int8), scale

    def weights(self, weights, axis=0, per_channel=True):
        codes, scale = self.weight_codes(weights, axis, per_channel)
        self.weight_scale = scale
        inputs = [self.constant(codes), self.constant(scale), self.constant(np.zeros(scale.shape, np.int8))]
        return self.node("DequantizeLinear", inputs, **({"axis": axis} if scale.ndim else {}))

    def random_weights(self, *shape):
        return (self.rng.normal(0, 1, shape) / np.sqrt(np.prod(shape[1:]))).astype(np.float32)

    def bias(self, x, outputs, kind="int32"):
        """For the product of x with the last weights: int32 at their scale, or float."""
        values = self.rng.normal(0, 0.3, outputs).astype(np.float32)
        if kind == "float":
            return self.constant(values)
        maker = {n.output[0]: n for n in self.nodes}
        while maker[x].op_type != "DequantizeLinear":
            x = maker[x].input[0]
        scale = (self.values[maker[x].input[1]] * self.weight_scale).astype(np.float32)
        inputs = [self.constant(np.rint(values / scale).astype(np.int32)), self.constant(scale)]
        return self.node("DequantizeLinear", inputs, **({"axis": 0} if scale.ndim else {}))

    # ---- layers ----

    def conv(self, x, outputs, kernel=3, stride=1, pads=None, group=1, bias="int32", weights=None, **attributes):
        kh, kw = (kernel, kernel) if np.isscalar(kernel) else kernel
        values = self.random_weights(outputs, self.values[x].shape[1] // group, kh, kw)
        w = weights(values) if weights else self.weights(values)
        if "auto_pad" not in attributes:
            attributes["pads"] = list(pads) if pads is not None else [kh // 2, kw // 2, kh // 2, kw // 2]
        return self.node("Conv", [x, w, *([self.bias(x, outputs, bias)] if bias else [])], strides=[stride, stride] if np.isscalar(stride) else list(stride), **({"group": group} if group > 1 else {}), **attributes)

    def dense(self, x, outputs, bias="int32", weights=None, transposed=True, **attributes):
        values = self.random_weights(outputs, self.values[x].shape[1])
        values = values if transposed else np.ascontiguousarray(values.T)
        w = weights(values) if weights else self.weights(values, 0 if transposed else 1)
        return self.node("Gemm", [x, w, *([self.bias(x, outputs, bias)] if bias else [])], transB=int(transposed), **attributes)

    def start(self, **how):
        return self.pair("image", **how)

    def head(self, x, classes=10):
        """Quantised image -> mean -> product -> logits."""
        return self.pair(self.dense(self.node("Flatten", [self.pair(self.node("GlobalAveragePool", [x]))], axis=1), classes))

    def model(self, output, metadata=None):
        c, h, w = self.shape
        dims = [self.batch or "N", *((h, w, c) if self.nhwc else (c, h, w))]
        value = self.values[output]
        graph = helper.make_graph(self.nodes, "net", [helper.make_tensor_value_info("image", helper.np_dtype_to_tensor_dtype(np.dtype(self.element)), dims)],
                                  [helper.make_tensor_value_info(output, helper.np_dtype_to_tensor_dtype(value.dtype), [self.batch or "N", *value.shape[1:]])], self.initializers)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", self.opset)] + [helper.make_opsetid(d, 1) for d in self.domains], ir_version=10 if self.opset > 20 else 8)
        return model


def save(net, output, path, change=None):
    model = net.model(output)
    if change:
        change(model)
    onnx.save(model, str(path))
    return model


@dataclass
class Result:
    code: int
    message: str
    codes: int = 0
    different: int = 0
    largest: int = 0
    decisions: float = 1.0
    layers: list = ()

    def right(self, largest=LARGEST, share=SHARE):
        return self.code == 0 and self.largest <= largest and self.different <= share * self.codes


def expected(net, path, model, images):
    """The int8 codes of the logits in onnxruntime."""
    wide = onnx.ModelProto.FromString(model.SerializeToString())
    if net.logits not in [o.name for o in wide.graph.output]:
        wide.graph.output.append(helper.make_tensor_value_info(net.logits, helper.np_dtype_to_tensor_dtype(net.values[net.logits].dtype), None))
    runner, step = session(wide), net.batch or len(images)
    found = np.concatenate([runner.run([net.logits], {"image": net.feed(images[i:i + step])})[0] for i in range(0, len(images), step)])
    found = found.reshape(len(images), -1)
    if found.dtype == np.float32:
        return found
    return found.astype(int) - (128 if found.dtype == np.uint8 else 0)


def run_quell(path, images, *options):
    with tempfile.TemporaryDirectory() as folder:
        shown = images if images.shape[3] > 1 else images[..., 0]
        Path(f"{folder}/x.idx").write_bytes(bytes([0, 0, 8, shown.ndim]) + b"".join(struct.pack(">I", d) for d in shown.shape) + shown.tobytes())
        done = subprocess.run([QUELL, "run", "--model", path, "--images", f"{folder}/x.idx", "--logits", f"{folder}/l.npy", *options], capture_output=True, text=True, errors="backslashreplace", timeout=120)
        return done.returncode, done.stderr.strip(), np.load(f"{folder}/l.npy").astype(int) if done.returncode == 0 else None


def compare_layers(net, path, model, images):
    """[(layer, codes, different, largest)] of each layer by itself: fed the codes that onnxruntime feeds it. A code counts as different that is neither onnxruntime's nor, where more than OPEN
    of a layer's are not, between what the layer gives in float64; a code that a channel has many times (of a plain surface) counts once. Layers whose tensors the file does not have, or has in another layout, are left out."""
    wide = onnx.ModelProto.FromString(model.SerializeToString())
    names = [n.output[0] for n in model.graph.node if n.output[0] in net.parameters]
    known = {o.name for o in wide.graph.output}
    wide.graph.output.extend(helper.make_tensor_value_info(n, helper.np_dtype_to_tensor_dtype(net.values[n].dtype), None) for n in names if n not in known)
    runner, step, codes = session(wide), net.batch or len(images), {}
    if names:
        parts = [runner.run(names, {"image": net.feed(images[i:i + step])}) for i in range(0, len(images), step)]
        codes = {n: np.concatenate([p[k] for p in parts]).astype(int) - (128 if net.values[n].dtype == np.uint8 else 0) for k, n in enumerate(names)}

    def tensor(name, c, h, w, v=None):
        """n x h x w x c, or None."""
        v = codes.get(name) if v is None else v
        if v is None or v.shape[1:] not in ((c, h, w), (c * h * w,)) or (v.ndim == 4 and c == h == w):
            return None
        return v.reshape(len(images), c, h, w).transpose(0, 2, 3, 1).astype(np.int8)

    found, quell = [], libquell.Model(path)
    for k, layer in enumerate(quell.layers()):
        source, result, second = layer.input.decode(), layer.output.decode(), layer.residual.decode()
        x, y = tensor(source, layer.in_c, layer.in_h, layer.in_w), tensor(result, layer.out_c, layer.out_h, layer.out_w)
        r = codes.get(second)
        if r is not None and r.ndim == 4 and r.shape[1] == r.shape[3]:
            continue  # its height and width are not told: either layout fits
        r = tensor(second, *(r.shape[1:] if r.ndim == 4 else (r.shape[1], 1, 1))) if r is not None else None
        if x is None or y is None or (second and (r is None or r.shape[3] != layer.out_c)):
            continue
        got = np.stack([quell.run_layer(k, x[i], None if r is None else r[i]) for i in range(len(images))])
        differs = got != y
        if differs.sum() > max(OPEN * differs.size, 8):  # more than float32 leaves open as a rule: what it is in float64
            given = set(codes) - float64_reference.behind(model, {source, second} - {''}) | {source, second} & set(codes)  # a reader may have a pair of its own for the same tensor
            feeds = {n: (codes[n] + 128 * (net.values[n].dtype == np.uint8)).astype(net.values[n].dtype) for n in given}
            parts = [float64_reference.codes(model, {n: v[i:i + step] for n, v in feeds.items()}, result) for i in range(0, len(images), step)]
            ends = [] if None in parts else [tensor(result, layer.out_c, layer.out_h, layer.out_w, np.concatenate(p).astype(int) - 128 * (net.values[result].dtype == np.uint8)) for p in zip(*parts)]
            if ends and ends[0] is not None:  # its pooling has other sizes than onnxruntime's now and then
                differs &= (got < ends[0]) | (got > ends[1])
        wrong = np.unique(np.stack([np.nonzero(differs)[3], got[differs], y[differs]]), axis=1).shape[1]
        found.append((layer.name.decode(), differs.size, wrong, int((np.abs(got.astype(int) - y) * differs).max())))
    quell.close()
    return found


def compare(net, output, folder, change=None, layers=False, images=IMAGES):
    """Write the model, run both, count. `change` alters the model behind the writer's back."""
    path = Path(folder) / "model.onnx"
    model = save(net, output, path, change)
    c, h, w = net.shape
    images = pixels(99, images, h, w, c)
    floats = model.graph.input[0].type.tensor_type.elem_type == onnx.TensorProto.FLOAT
    code, message, got = run_quell(path, images, *(["--input-range", "0..1"] if floats else []))  # what net.feed gives onnxruntime, whatever the range of the first Q
    result = Result(code, message)
    if code == 0:
        want = expected(net, path, model, images)
        if want.dtype == np.float32:  # logits that the file leaves real: decisions
            result.decisions = float((got.argmax(1) == want.argmax(1)).mean())
        else:
            difference = np.abs(got - want)
            result.codes, result.different, result.largest = difference.size, int((difference > 0).sum()), int(difference.max())
            result.decisions = float((got.argmax(1) == want.argmax(1)).mean())
        result.layers = compare_layers(net, path, model, images) if layers else []
    return result
