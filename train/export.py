"""Writing the ONNX file in the shape of docs/arithmetic.md ("Models"): QDQ, denoising blocks as local functions; reading a backbone back.

The functions are built from standard operators only, so onnxruntime runs the same file.
"""
import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper

from . import networks, quantise

OPSET = 13
DOMAIN = "quell"
BOTTLENECK = ["w1", "w1_scale", "b1", "b1_scale", "act1_scale", "w2", "w2_scale", "b2", "b2_scale", "act2_scale",
              "wu", "wu_scale", "wv", "wv_scale", "cv", "cv_scale"]
INPUTS = {"DenoiseDepthwise": ["x", "d", "d_scale", "cv", "cv_scale"],
          "DenoiseBottleneck": ["x"] + BOTTLENECK,
          "Denoise": ["x", "d", "d_scale"] + BOTTLENECK}


def function(kind):
    """The local function of one kind of block: x (real units, NCHW) -> y = x - mu, sigma."""
    nodes = []

    def node(op, inputs, output, **attributes):
        nodes.append(helper.make_node(op, inputs, [output], **attributes))
        return output

    def dequantised(name):
        return node("DequantizeLinear", [name, f"{name}_scale"], f"{name}_real")

    parts = []
    if kind != "DenoiseBottleneck":
        # The kernel is 3x3 or 1x1; either way the result has the image's size.
        parts.append(node("Conv", ["x", dequantised("d")], "mu_depthwise", auto_pad="SAME_UPPER"))
        group = onnx.AttributeProto(name="group", ref_attr_name="group", type=onnx.AttributeProto.INT)
        nodes[-1].attribute.append(group)
    if kind != "DenoiseDepthwise":
        # QuantizeLinear without a zero point is uint8: its lower end is the ReLU.
        a1 = node("Conv", ["x", dequantised("w1"), dequantised("b1")], "a1")
        b1 = node("DequantizeLinear", [node("QuantizeLinear", [a1, "act1_scale"], "q1"), "act1_scale"], "r1")
        a2 = node("Conv", [b1, dequantised("w2"), dequantised("b2")], "a2", pads=[1, 1, 1, 1])
        b2 = node("DequantizeLinear", [node("QuantizeLinear", [a2, "act2_scale"], "q2"), "act2_scale"], "r2")
        parts.append(node("Conv", [b2, dequantised("wu")], "mu_bottleneck"))
    nodes.append(helper.make_node("Constant", [], ["column"], value_ints=[1, -1, 1, 1]))
    level = node("Reshape", [dequantised("cv"), "column"], "level")
    if kind == "DenoiseDepthwise":
        level = node("Expand", [level, node("Shape", ["x"], "shape")], "level_everywhere")
    else:
        level = node("Add", [node("Conv", [b2, dequantised("wv")], "spread"), level], "spread_level")
    node("Relu", [level], "sigma")
    mu = parts[0] if len(parts) == 1 else node("Add", parts, "mu")
    node("Sub", ["x", mu], "y")
    # Arguments first, then results: the order of docs/arithmetic.md.
    return helper.make_function(DOMAIN, kind, INPUTS[kind], ["y", "sigma"], nodes, [helper.make_opsetid("", OPSET)], ["group"])


class Graph:
    """Collects nodes and initialisers under readable names."""

    def __init__(self):
        self.nodes, self.constants, self.kinds = [], {}, set()

    def constant(self, name, value, kind):
        self.constants[name] = numpy_helper.from_array(np.asarray(value).astype(kind), name)
        return name

    def add(self, op, inputs, output, **attributes):
        self.nodes.append(helper.make_node(op, inputs, [output], name=output, **attributes))
        return output

    def quantised(self, x, name, scale, zero):
        """x -> Q -> DQ; names of the two tensors are name_q and name_dq."""
        pair = [self.constant(f"{name}_s", scale, np.float32), self.constant(f"{name}_z", zero, np.int8)]
        return self.add("DequantizeLinear", [self.add("QuantizeLinear", [x] + pair, f"{name}_q")] + pair, f"{name}_dq")

    def denoised(self, x, layer, block):
        """One denoising block behind a layer; block.integers() gives its tensors in the units of codes."""
        values, s_v = block.integers(), np.float32(layer.s_v)
        kind = block.kind
        # In codes the block's activations are in units of the convolution's output scale.
        for name in ("act1_scale", "act2_scale"):
            if name in values:
                values[name] = np.float32(values[name]) * s_v
        if kind == "DenoiseDepthwise":
            values["cv_scale"] = np.float32(values["cv_scale"]) * s_v
        else:
            values["b1_scale"] = s_v * values["w1_scale"]
            values["b2_scale"] = values["act1_scale"] * values["w2_scale"]
            values["cv_scale"] = values["act2_scale"] * values["wv_scale"]
        inputs = [x]
        for name in INPUTS[kind][1:]:
            dtype = np.float32 if name.endswith("_scale") else np.int32 if name in ("b1", "b2", "cv") else np.int8
            inputs.append(self.constant(f"{layer.name}_{name}", values[name], dtype))
        self.kinds.add(kind)
        outputs = [f"{layer.name}_denoised", f"{layer.name}_sigma"]
        self.nodes.append(helper.make_node(kind, inputs, outputs, name=outputs[0], domain=DOMAIN, group=block.channels))
        return outputs[0]


def export(net, path, dataset, blocks=None):
    """QuantNet and {layer name: Denoiser} -> ONNX file, checked by onnx. dataset: its channels, side, padding and class names."""
    graph = Graph()
    stored = {"image": graph.quantised("image", "image", net.layers[0].s_in, -128)}
    for layer in net.layers:
        source, flat = stored[layer.source], False
        # A block works on images: behind the head, the head is written as the 1x1 convolution that it is.
        if layer.name == "head" and not (blocks and layer.name in blocks):
            source, flat = graph.add("Flatten", [source], "flat", axis=1), True
        y = convolution(graph, net, layer, source, flat)
        y = graph.quantised(y, f"{layer.name}_v", layer.s_v, layer.z_v)
        if blocks and layer.name in blocks:
            y = graph.quantised(graph.denoised(y, layer, blocks[layer.name]), f"{layer.name}_x", layer.s_v, layer.z_v)
        if layer.residual is not None:
            y = graph.add("Add", [y, stored[layer.residual]], f"{layer.name}_sum")
        if layer.relu:
            y = graph.add("Relu", [y], f"{layer.name}_relu")
        y = y if layer.plain else graph.quantised(y, f"{layer.name}_y", layer.s_y, layer.z_y)
        if layer.pool:
            y = (graph.add("MaxPool", [y], f"{layer.name}_pool", kernel_shape=[2, 2], strides=[2, 2]) if layer.pool == "max"
                 else graph.add("GlobalAveragePool", [y], f"{layer.name}_pool"))
            y = graph.quantised(y, f"{layer.name}_p", layer.s_p, -128 if layer.relu else layer.z_y)
        stored[layer.name] = y
    if not flat:
        graph.add("Flatten", [y], "logits", axis=1)
    graph.nodes[-1].output[0] = "logits"
    _, channels, *size = dataset.padded(dataset.train.images[:1]).shape
    model = helper.make_model(
        helper.make_graph(graph.nodes, "backbone", [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["n", channels, *size])],
                          [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["n", len(dataset.classes)])],
                          list(graph.constants.values())),
        opset_imports=[helper.make_opsetid("", OPSET)] + [helper.make_opsetid(DOMAIN, 1)] * bool(graph.kinds),
        functions=[function(kind) for kind in sorted(graph.kinds)], producer_name="quell train")
    model.ir_version = 8
    helper.set_model_props(model, {"quell.padding": str(dataset.padding), "quell.classes": ",".join(dataset.classes)})
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, path)


def convolution(graph, net, layer, source, flat):
    """Conv, or Gemm behind Flatten, with its int8 weights and int32 biases."""
    weight, bias = (tensor.detach().cpu().numpy() for tensor in net.weight(layer))
    scale = getattr(net, f"{layer.name}_scale").cpu().numpy()
    w = [graph.constant(f"{layer.name}_weight", weight.reshape(len(weight), -1) if flat else weight, np.int8),
         graph.constant(f"{layer.name}_weight_s", scale, np.float32),
         graph.constant(f"{layer.name}_weight_z", np.zeros(len(weight)), np.int8)]
    b = [graph.constant(f"{layer.name}_bias", bias, np.int32),
         graph.constant(f"{layer.name}_bias_s", np.float32(layer.s_in) * scale, np.float32),
         graph.constant(f"{layer.name}_bias_z", np.zeros(len(weight)), np.int32)]
    inputs = [source, graph.add("DequantizeLinear", w, f"{layer.name}_weight_dq", axis=0),
              graph.add("DequantizeLinear", b, f"{layer.name}_bias_dq", axis=0)]
    if flat:
        return graph.add("Gemm", inputs, layer.name, transB=1)
    return graph.add("Conv", inputs, layer.name, kernel_shape=[layer.kernel] * 2, strides=[layer.stride] * 2, pads=[layer.padding] * 4,
                     group=len(weight) if layer.depthwise else 1)


def has_blocks(path):
    """A placement may be empty: then all modes of the denoiser are the plain network, and `quell` refuses to be asked for one."""
    return any(node.domain == DOMAIN for node in onnx.load(path).graph.node)


def read(path, network):
    """The backbone in an ONNX file that `export` wrote -> the same QuantNet, to the bit. network: its name in networks.BACKBONES."""
    model = onnx.load(path)
    value = {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    classes = len(value["head_bias"])
    layers, weights, scale_of = networks.BACKBONES[network](classes), {}, {"image": float(value["image_s"])}
    for layer in layers:
        layer.s_in = scale_of[layer.source]
        layer.s_v, layer.z_v = float(value[f"{layer.name}_v_s"]), int(value[f"{layer.name}_v_z"])
        stored = f"{layer.name}_{'v' if layer.plain else 'y'}"
        layer.s_y, layer.z_y = float(value[f"{stored}_s"]), int(value[f"{stored}_z"])
        layer.s_p = scale_of[layer.name] = float(value[f"{layer.name}_p_s"]) if layer.pool else layer.s_y
        weight = torch.from_numpy(value[f"{layer.name}_weight"].copy())
        weights[layer.name] = (weight[..., None, None] if weight.dim() == 2 else weight, torch.from_numpy(value[f"{layer.name}_weight_s"].copy()),
                               torch.from_numpy(value[f"{layer.name}_bias"].copy()))
    return quantise.QuantNet(layers, weights)
