# SPDX-License-Identifier: Apache-2.0
"""Every operator in every form against onnxruntime: every code equal but where float32's own rounding leaves it open, and there none off by more than one."""
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))
import make_golden  # noqa: E402
import onnx_compare  # noqa: E402

IMAGES = 6


def check(results):
    """A denoising block's mean is kept to 2^-12 of a code (docs/arithmetic.md), which the floats of its function are not: there 99.9 % of the codes, elsewhere every one."""
    for name, codes, equal, largest, wrong in results:
        assert largest <= 1 and (wrong <= 0.001 * codes if name.endswith("denoise") else wrong == 0), results
    assert sum(r[2] for r in results) / sum(r[1] for r in results) >= 0.9995, results


@pytest.mark.parametrize("name", make_golden.CASES)
def test_golden(name, tmp_path):
    model = make_golden.CASES[name]()
    path = tmp_path / f"{name}.onnx"
    onnx.save(model, str(path))
    shape = [d.dim_value for d in model.graph.input[0].type.tensor_type.shape.dim[1:]]
    images = np.random.default_rng(0).integers(0, 256, (IMAGES, *shape)).astype(np.float32) / np.float32(255)
    check(onnx_compare.compare(path, images))


@pytest.mark.parametrize("name", sorted(p.name for p in (onnx_compare.libquell.ROOT / "models").glob("*.onnx")))
def test_models(name):
    path = onnx_compare.libquell.ROOT / "models" / name
    check(onnx_compare.compare(path, onnx_compare.real_images(path, 4), limits="default"))


def test_table_rounds_a_scale_in_front_as_float32_does(tmp_path):
    path = tmp_path / "scale.onnx"
    onnx.save(make_golden.case_table(make_golden.scaled, scale=1 / 200, zero=-128), str(path))
    images = np.random.default_rng(0).integers(0, 256, (IMAGES, 3, 12, 12)).astype(np.float32) / np.float32(255)
    codes, quell = onnx_compare.all_codes(path, images), onnx_compare.libquell.Model(path)
    assert [layer.output.decode() for layer in quell.layers()][0] == "under_test_q"
    for x, y in zip(codes["in_q"], codes["under_test_q"]):
        assert (quell.run_layer(0, x, None) == y).all()
    quell.close()


def float_model(path):
    """A small network in floats, as a framework exports it: convolution, depthwise, pooling, addition, fully connected."""
    rng, nodes, weights = np.random.default_rng(0), [], []
    helper = onnx.helper

    def constant(name, value):
        weights.append(onnx.numpy_helper.from_array(np.asarray(value, np.float32), name))
        return name

    def node(op, inputs, output, **attributes):
        nodes.append(helper.make_node(op, inputs, [output], name=output, **attributes))
        return output

    def conv(x, name, outputs, inputs, k, stride=1, group=1):
        w = constant(f"{name}_w", rng.normal(0, 1 / np.sqrt(inputs * k * k), (outputs, inputs, k, k)))
        return node("Conv", [x, w, constant(f"{name}_b", rng.normal(0, 0.1, outputs))], name, kernel_shape=[k, k], strides=[stride, stride], pads=[k // 2] * 4, group=group)

    x = node("MaxPool", [node("Relu", [conv("image", "first", 8, 3, 3)], "first_relu")], "max", kernel_shape=[2, 2], strides=[2, 2])
    y = node("Clip", [conv(x, "depthwise", 8, 1, 3, group=8), constant("c0", 0), constant("c6", 6)], "depthwise_clip")
    y = node("Relu", [node("Add", [conv(y, "pointwise", 8, 8, 1), x], "sum")], "sum_relu")
    y = node("GlobalAveragePool", [node("Relu", [conv(y, "second", 16, 8, 3, 2)], "second_relu")], "mean")
    y = node("Gemm", [node("Flatten", [y], "flat", axis=1), constant("dense_w", rng.normal(0, 0.3, (10, 16))), constant("dense_b", rng.normal(0, 0.1, 10))], "dense", transB=1)
    node("Softmax", [y], "out", axis=1)
    graph = helper.make_graph(nodes, "float", [helper.make_tensor_value_info("image", 1, ["n", 3, 16, 16])], [helper.make_tensor_value_info("out", 1, ["n", 10])], weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)])
    model.ir_version = 8
    onnx.save(model, str(path))


@pytest.mark.parametrize("activations", ["QUInt8", "QInt8"])
@pytest.mark.parametrize("per_channel", [True, False])
def test_onnxruntimes_own_quantiser(tmp_path, activations, per_channel):
    quantization = pytest.importorskip("onnxruntime.quantization")
    rng = np.random.default_rng(1)

    class Reader(quantization.CalibrationDataReader):
        left = 10

        def get_next(self):
            self.left -= 1
            return {"image": rng.random((1, 3, 16, 16)).astype(np.float32)} if self.left >= 0 else None

    float_model(tmp_path / "f.onnx")
    quantization.quantize_static(str(tmp_path / "f.onnx"), str(tmp_path / "q.onnx"), Reader(), quant_format=quantization.QuantFormat.QDQ, per_channel=per_channel,
                                 activation_type=getattr(quantization.QuantType, activations), weight_type=quantization.QuantType.QInt8)
    images = rng.integers(0, 256, (IMAGES, 3, 16, 16)).astype(np.float32) / np.float32(255)
    results = onnx_compare.compare(tmp_path / "q.onnx", images, limits="default")
    assert len(results) >= 8
    assert max(r[3] for r in results) <= 1 and sum(r[2] for r in results) / sum(r[1] for r in results) >= 0.999, results
