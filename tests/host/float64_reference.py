# SPDX-License-Identifier: Apache-2.0
"""A part of a quantised network in float64, by onnx's own reference evaluator: where float32's roundings decide a tie between two codes (a mean of two codes with
their own scale is one every second time, and a scale one and a half times another makes them) it says between which codes the exact value lies. Slow: for the layers that float32
leaves open."""
import numpy as np
from onnx import ModelProto, TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator
from onnx.reference.op_run import OpRun


def along(x, factor, axis):
    """A scale or zero point, one or one a channel, in a shape that goes with x."""
    return factor.reshape([-1 if i == axis % x.ndim else 1 for i in range(x.ndim)]) if factor.ndim and factor.size > 1 else factor.reshape(())


STRETCH = 2.0 ** -22  # two float32 roundings, of a value and of the ratio of two scales


class QuantizeLinear(OpRun):
    """onnx's own knows neither older operator sets nor float64."""
    stretch = 1.0

    def _run(self, x, scale, zero=None, axis=1, output_dtype=0, **_):
        zero = (np.int8 if output_dtype == TensorProto.INT8 else np.uint8)(0) if zero is None else zero
        limits = np.iinfo(zero.dtype)
        return (np.clip(np.rint(x / along(x, scale, axis) * self.stretch) + along(x, np.asarray(zero, np.float64), axis), limits.min, limits.max).astype(zero.dtype),)


class DequantizeLinear(OpRun):
    def _run(self, x, scale, zero=None, axis=1, **_):
        return ((x.astype(np.float64) - (0 if zero is None else along(x, np.asarray(zero, np.float64), axis))) * along(x, scale.astype(np.float64), axis),)


class BatchNormalization(OpRun):
    """onnx's own takes older operator sets' for training."""

    def _run(self, x, scale, bias, mean, variance, epsilon=1e-5, **_):
        scale, bias, mean, variance = (along(x, v, 1) for v in (scale, bias, mean, variance))
        return ((x - mean) / np.sqrt(variance + (1e-5 if epsilon is None else epsilon)) * scale + bias,)


class AveragePool(OpRun):
    """Of fixed pads that count; onnx's own gives other means than onnxruntime."""

    def _run(self, x, kernel_shape=None, strides=None, pads=None, count_include_pad=0, **_):
        pads, (sy, sx) = pads or [0] * 4, strides or (1, 1)
        assert count_include_pad or not any(pads)
        padded = np.pad(x, ((0, 0), (0, 0), (pads[0], pads[2]), (pads[1], pads[3])))
        return (np.lib.stride_tricks.sliding_window_view(padded, tuple(kernel_shape), (2, 3)).mean((4, 5))[:, :, ::sy, ::sx],)


class MaxPool(OpRun):
    """onnx's own takes the pads of the four sides in another order."""

    def _run(self, x, auto_pad="NOTSET", ceil_mode=0, dilations=None, kernel_shape=None, pads=None, storage_order=0, strides=None, **_):
        pads, low, frame, counts = pads or [0] * 4, -np.inf if x.dtype.kind == "f" else np.iinfo(x.dtype).min, [(0, 0), (0, 0)], []
        strides, dilations = strides or (1, 1), dilations or (1, 1)
        spans = [(k - 1) * d + 1 for k, d in zip(kernel_shape, dilations)]
        for i, (size, span, stride) in enumerate(zip(x.shape[2:], spans, strides)):
            if (auto_pad or "NOTSET").startswith("SAME"):
                count = -(-size // stride)
                more = max((count - 1) * stride + span - size, 0)
                before = more // 2 if auto_pad == "SAME_UPPER" else more - more // 2
            else:
                before, room = pads[i], size + pads[i] + pads[i + 2] - span
                count = room // stride + 1
                count += bool(ceil_mode and room % stride and count * stride < size + before)  # one more, if it begins in the frame
            frame.append((before, max((count - 1) * stride + span - size - before, 0)))
            counts.append(count)
        windows = np.lib.stride_tricks.sliding_window_view(np.pad(x, frame, constant_values=low), spans, (2, 3))
        return (windows[:, :, ::strides[0], ::strides[1], ::dilations[0], ::dilations[1]].max((4, 5))[:, :, :counts[0], :counts[1]],)


def between(model, sources, result):
    """The nodes that make the tensor `result` of the tensors `sources`, in an order in which they can run."""
    maker, found, done = {o: n for n in model.graph.node for o in n.output}, [], set(sources)

    def visit(name):
        if name in done or name not in maker:
            return
        node = maker[name]
        for i in node.input:
            visit(i)
        done.update(node.output)
        found.append(node)

    visit(result)
    return found


def wide(array):
    return array.astype(np.float64) if array.dtype == np.float32 else array


def behind(model, sources):
    """The names of all tensors that are made of the tensors `sources`."""
    found, before = set(sources), -1
    while before != len(found):
        before = len(found)
        found.update(o for n in model.graph.node if found & set(n.input) for o in n.output)
    return found


def codes(model, feeds, result, stretches=(1 - STRETCH, 1.0, 1 + STRETCH)):
    """(lowest, highest) codes of the tensor `result` for the codes in `feeds` {tensor's name: array}, every real number in between in float64; None if it is made of the image too. Each QuantizeLinear's input is
    multiplied by each of the stretches in turn."""
    nodes = []
    for node in between(model, feeds, result):
        node = type(node).FromString(node.SerializeToString())
        node.domain = "" if node.op_type in ("QuantizeLinear", "DequantizeLinear") else node.domain  # both domains mean the same
        for a in node.attribute:
            if node.op_type == "Cast" and a.name == "to" and a.i == TensorProto.FLOAT:
                a.i = TensorProto.DOUBLE
            elif a.HasField("t"):
                a.t.CopyFrom(numpy_helper.from_array(wide(numpy_helper.to_array(a.t))))
        nodes.append(node)
    used = {i for n in nodes for i in n.input}
    if used & {i.name for i in model.graph.input} - set(feeds):
        return None
    constants = [numpy_helper.from_array(wide(numpy_helper.to_array(t)), t.name) for t in model.graph.initializer if t.name in used]
    inputs = [helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(x.dtype), x.shape) for name, x in feeds.items() if name in used]
    graph = helper.make_graph(nodes, "part", inputs, [helper.make_tensor_value_info(result, TensorProto.UNDEFINED, None)], constants)
    part = helper.make_model(graph, opset_imports=model.opset_import, functions=model.functions, ir_version=model.ir_version)
    part = ModelProto.FromString(part.SerializeToString())
    feeds, found = {i.name: feeds[i.name] for i in inputs}, []
    for QuantizeLinear.stretch in stretches:
        found.append(ReferenceEvaluator(part, new_ops=[QuantizeLinear, DequantizeLinear, BatchNormalization, AveragePool, MaxPool]).run(None, feeds)[0])
    return np.minimum.reduce(found), np.maximum.reduce(found)
