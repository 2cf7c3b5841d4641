# SPDX-License-Identifier: Apache-2.0
"""Compare libquell with onnxruntime, layer by layer: each layer, fed the codes that onnxruntime feeds it, against onnxruntime's result.

    python tests/host/onnx_compare.py --model M.onnx [--images N] [--json F]

onnxruntime runs with graph optimisations disabled, so that every QuantizeLinear and DequantizeLinear is computed as written, in float32. With them it
would choose 8-bit kernels, whose sums saturate on CPUs without VNNI: every test that takes golden values from it uses `session`.
"""
import argparse
import gzip
import json
import sys
import tempfile
from pathlib import Path

import numpy as np
import onnx
import onnxruntime

sys.path.insert(0, str(Path(__file__).resolve().parent))
import float_error  # noqa: E402
import libquell  # noqa: E402

FASHION = Path("/usr/share/datasets/fashion-mnist/t10k-images-idx3-ubyte.gz")


def session(model):
    """onnxruntime as the authority: a path or a ModelProto, no optimisation, one thread, this order of nodes."""
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    source = model.SerializeToString() if isinstance(model, onnx.ModelProto) else str(model)
    return onnxruntime.InferenceSession(source, options, providers=["CPUExecutionProvider"])


def all_codes(path, images):
    """{name of every quantised tensor: int8 codes, n x h x w x c} of float images n x c x h x w."""
    model = onnx.load(str(path))
    names = {n.output[0]: n for n in model.graph.node if n.op_type == "QuantizeLinear"}
    constants = {t.name: t for t in model.graph.initializer}
    outputs = {o.name for o in model.graph.output}
    for name, node in names.items():
        if name not in outputs:
            zero = constants[node.input[2]].data_type if len(node.input) > 2 else onnx.TensorProto.UINT8
            model.graph.output.append(onnx.helper.make_tensor_value_info(name, zero, None))
    runtime = session(model)
    values = runtime.run(list(names), {runtime.get_inputs()[0].name: images})
    codes = {}
    for name, v in zip(names, values):
        v = v.astype(np.int16) - (128 if v.dtype == np.uint8 else 0)
        v = v.reshape(*v.shape, 1, 1) if v.ndim == 2 else v
        codes[name] = v.astype(np.int8).transpose(0, 2, 3, 1)
    return codes | rescaled_parts(model, codes)


def rescaled_parts(model, codes):
    """{the compiler's name of a part of a Concat that has another scale than the whole: its channels of the whole}."""
    maker, found = {o: n for n in model.graph.node for o in n.output}, {}
    for node in model.graph.node:
        behind = [n for n in model.graph.node if n.op_type == "QuantizeLinear" and node.output[0] == n.input[0]]
        if node.op_type != "Concat" or not behind:
            continue
        at = 0
        for part in node.input:
            name = maker[part].input[0]
            channels = codes[name].shape[3]
            found[f"{name}.rescaled"] = codes[behind[0].output[0]][..., at:at + channels]
            at += channels
    return found


def truncated(model, name):
    """The model cut behind the quantised tensor `name`, closed by a small layer, so that the layer which makes it ends there."""
    helper, numpy_helper = onnx.helper, onnx.numpy_helper
    wanted, nodes = {name}, []
    for node in reversed(model.graph.node):
        if wanted & set(node.output):
            nodes.insert(0, node)
            wanted |= set(node.input)
    quantise = nodes[-1]
    weight = next(t for t in model.graph.initializer if t.name in model.stage_weights[name])
    channels = weight.dims[model.stage_weights[name][weight.name]]
    flat = name in model.flat
    constants = [numpy_helper.from_array(np.ones((1, channels) if flat else (1, channels, 1, 1), np.int8), "cut_end_w"),
                 numpy_helper.from_array(np.float32(1), "cut_end_one"), numpy_helper.from_array(np.int8(0), "cut_end_zero")]
    step = lambda op, inputs, output, **attributes: nodes.append(helper.make_node(op, inputs, [output], name=output, **attributes))
    step("DequantizeLinear", [name, *quantise.input[1:]], "cut_end_x")
    step("DequantizeLinear", ["cut_end_w", "cut_end_one", "cut_end_zero"], "cut_end_weight")
    step("Gemm" if flat else "Conv", ["cut_end_x", "cut_end_weight"], "cut_end", **({"transB": 1} if flat else {}))
    for i, op in enumerate([None] if flat else [None, "GlobalAveragePool"]):
        if op:
            step(op, [nodes[-1].output[0]], "cut_end_pool")
        step("QuantizeLinear", [nodes[-1].output[0], "cut_end_one", "cut_end_zero"], f"cut_end_q{i}")
        step("DequantizeLinear", [f"cut_end_q{i}", "cut_end_one", "cut_end_zero"], f"cut_end_d{i}")
    used = {i for n in nodes for i in n.input}
    graph = helper.make_graph(nodes, "cut", model.graph.input, [helper.make_tensor_value_info(nodes[-1].output[0], 1, None)], [t for t in model.graph.initializer if t.name in used] + constants)
    cut = helper.make_model(graph, opset_imports=model.opset_import, functions=model.functions)
    cut.metadata_props.extend(p for p in model.metadata_props if p.key == "quell.padding")
    return cut


class Graph:
    """An ONNX model with what the comparison must know about it."""

    def __init__(self, path):
        self.model = onnx.load(str(path))
        self.graph, self.opset_import, self.functions, self.metadata_props = self.model.graph, self.model.opset_import, self.model.functions, self.model.metadata_props
        self.maker = {o: n for n in self.graph.node for o in n.output}
        self.stage_weights, self.flat = {}, set()

    def stages(self, info):
        """[(quantised tensor, what makes it)] of a layer, from the convolution's output to what is stored."""
        name, found = info.output.decode(), []
        residual = info.residual.decode()
        back = self._back(name, info.name.decode(), residual)
        if back is None:
            return [(name, "layer")]
        for node in back:
            if node.op_type in ("Conv", "Gemm", "MatMul"):
                weight = self.maker[node.input[1]].input[0]
                axis = 1 if node.op_type == "MatMul" or (node.op_type == "Gemm" and not any(a.name == "transB" and a.i for a in node.attribute)) else 0
                kind, flat = "conv", node.op_type != "Conv"
            elif node.domain == "quell":
                kind = "denoise"
            elif "Pool" in node.op_type or node.op_type == "ReduceMean":
                kind = "pool"
            elif node.op_type == "QuantizeLinear":
                found.append((node.output[0], kind))
                self.stage_weights[node.output[0]] = {weight: axis}
                if flat:
                    self.flat.add(node.output[0])
                kind = "post"
        return found

    def _back(self, tensor, layer, residual):
        """Nodes from the convolution `layer` to the one that makes `tensor`, or None if it is not reached that way."""
        node = self.maker.get(tensor)
        if node is None or tensor == residual:
            return None
        if node.op_type in ("Conv", "Gemm", "MatMul"):
            return [node] if layer in (node.name, node.output[0]) else None
        for source in node.input:
            way = self._back(source, layer, residual)
            if way is not None:
                return way + [node]
        return None


def dilate(wrong):
    """Pixels that see a wrong one through a 3x3 window."""
    wide = np.pad(wrong.any(axis=3, keepdims=True), ((0, 0), (1, 1), (1, 1), (0, 0)))
    h, w = wrong.shape[1:3]
    return sum(wide[:, y:y + h, x:x + w] for y in range(3) for x in range(3)).astype(bool)


def reached(kind, wrong, shape):
    """Elements of a stage that follow from wrong codes of the stage before: these may be off by what rescaling makes of one code."""
    if kind == "denoise":
        return np.broadcast_to(dilate(wrong), shape)
    if kind == "pool":
        kh, kw = wrong.shape[1] // shape[1], wrong.shape[2] // shape[2]
        return wrong[:, :shape[1] * kh, :shape[2] * kw].reshape(shape[0], shape[1], kh, shape[2], kw, shape[3]).any(axis=(2, 4))
    return wrong


def run(model, index, codes):
    info = model.layers()[index]
    x = codes[info.input.decode()]
    residual = codes[info.residual.decode()] if info.residual else None
    return np.stack([model.run_layer(index, x[i].reshape(info.in_h, info.in_w, info.in_c), None if residual is None else residual[i]) for i in range(len(x))])


def compare(path, images, limits="endless"):
    """[(layer name and stage, codes compared, equal, largest difference, wrong ones)]; images float32 n x c x h x w as the network's input. Wrong are those among the
    unequal codes that follow from equal ones and that float32's rounding does not leave open (float_error.py).

    A layer has up to four places where codes are rounded: the convolution's output, behind the denoising block, behind addition and ReLU,
    behind pooling. Each is compared. A code that is off by one at one of them (float32 sums are not exact) is multiplied by the next: behind a
    denoising block nine pixels in every channel may follow from it. Such elements count as unequal there, but the largest difference and the wrong ones
    are among the others, that is of the stage itself.
    """
    codes, graph = all_codes(path, images), Graph(path)
    denoised = any(n.domain == "quell" for n in graph.graph.node)
    model, results = libquell.Model(path, limits, denoiser=1 if denoised else 0), []
    for index, info in enumerate(model.layers()):
        wrong, previous = None, info.input.decode()
        stages = graph.stages(info)
        for name, kind in stages:
            if name == stages[-1][0]:
                got = run(model, index, codes)
            else:
                with tempfile.TemporaryDirectory() as folder:
                    onnx.save(truncated(graph, name), f"{folder}/cut.onnx")
                    cut = libquell.Model(f"{folder}/cut.onnx", limits, denoiser=1 if denoised else 0)
                    place = next(i for i, l in enumerate(cut.layers()) if l.name == info.name)
                    got = run(cut, place, codes)
                    cut.close()
            difference = np.abs(got.astype(int) - codes[name].reshape(got.shape))
            known = np.zeros_like(difference, bool) if wrong is None else reached(kind, wrong, difference.shape)
            wrong, own = difference != 0, (difference != 0) & ~known
            count = int(own.sum())
            if count and kind == "conv":
                node = next(n for n in graph.graph.node if info.name.decode() in (n.name, n.output[0]))
                count -= int(float_error.undecided(graph, node, info.input.decode(), name, codes[info.input.decode()], own).sum())
            if count and kind == "pool" and got.shape[1:3] == (1, 1) and codes[previous].shape[1:3] != (1, 1):
                count -= int(float_error.undecided_mean(graph, previous, name, codes[previous], own).sum())
            previous = name
            results.append((f"{info.name.decode()} {kind}", difference.size, int((difference == 0).sum()), int(np.where(known, 0, difference).max()), count))
    model.close()
    return results


def real_images(path, count):
    """Fashion-MNIST test images as the network's input, padded as its metadata says."""
    model = onnx.load(str(path))
    padding = next((int(p.value) for p in model.metadata_props if p.key == "quell.padding"), 0)
    raw = np.frombuffer(gzip.decompress(FASHION.read_bytes()), np.uint8, offset=16).reshape(-1, 28, 28)[:count]
    return np.pad(raw[:, None] / np.float32(255), ((0, 0), (0, 0), (padding, padding), (padding, padding))).astype(np.float32)


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--model", type=Path, required=True)
    options.add_argument("--images", type=int, default=16)
    options.add_argument("--json", type=Path)
    args = options.parse_args()
    results = compare(args.model, real_images(args.model, args.images))
    total, equal = sum(r[1] for r in results), sum(r[2] for r in results)
    for name, n, same, largest, wrong in results:
        print(f"{name:32} {n:9} codes  {100 * same / n:8.4f} % equal  largest difference {largest}  {n - same} unequal, {wrong} of them not left open by float32")
    blocks = sum(r[4] for r in results if r[0].endswith(" denoise"))
    figures = {"onnx_equal_share": equal / total, "onnx_max_diff": max(r[3] for r in results), "onnx_least_layer_share": min(r[2] / r[1] for r in results), "onnx_codes": total,
               "onnx_wrong": sum(r[4] for r in results) - blocks, "onnx_wrong_blocks": blocks}
    print(json.dumps(figures))
    if args.json:
        args.json.write_text(json.dumps(figures, indent=2) + "\n")
    return 0 if figures["onnx_wrong"] + blocks == 0 and figures["onnx_max_diff"] <= 1 else 1


if __name__ == "__main__":
    sys.exit(main())
