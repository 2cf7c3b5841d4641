# SPDX-License-Identifier: Apache-2.0
"""Networks that are sound as files and broken as graphs: inputs swapped, operators renamed, attributes and shapes at their extremes, constants of other types. The tool,
built with address and undefined-behaviour sanitizers, must end with a result or a refusal in words. test_onnx.c damages the bytes."""
import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))
import forms  # noqa: E402
import make_forms  # noqa: E402
import test_tflite  # noqa: E402

TOOL = forms.ROOT / "build/tests/asan/quell-usb"
ALLOWED = {0, 3, 4, 5, 6}
COUNT, ROUNDS = 24, 10
NUMBERS = [0, 1, -1, 2, 3, 7, 100, 2**31 - 1, 2**31, -2**31, 2**63 - 1, -2**63, 1 << 27]
TYPES = [np.int8, np.uint8, np.int16, np.int32, np.int64, np.float32, np.float64, np.float16, np.bool_]
OPERATORS = ["Slice", "ConstantOfShape", "Pow", "Neg", "Sqrt", "Shape", "Gather", "Concat", "Reshape", "Transpose", "Pad", "Squeeze", "Unsqueeze", "Cast", "Clip", "Mul", "Add", "Sub", "Conv", "Gemm", "MatMul", "ReduceMean",
             "QuantizeLinear", "DequantizeLinear", "MaxPool", "GlobalAveragePool", "Flatten", "BatchNormalization", "Softmax"]


def numbers(rng):
    return [rng.choice(NUMBERS) for _ in range(rng.randint(1, 9))]


def other_constant(rng, tensor):
    a = onnx.numpy_helper.to_array(tensor)
    with np.errstate(all="ignore"):
        a = a.reshape(-1)[:rng.randint(0, max(1, a.size))] if rng.random() < 0.5 else a.astype(rng.choice(TYPES))
    tensor.CopyFrom(onnx.numpy_helper.from_array(np.ascontiguousarray(a), tensor.name))


def change(rng, model):
    g = model.graph
    node, tensor = rng.choice(g.node), rng.choice(g.initializer)
    names = [o for n in g.node for o in n.output] + [t.name for t in g.initializer] + ["image", ""]
    way = rng.randrange(10)
    if way == 0 and node.input:
        node.input[rng.randrange(len(node.input))] = rng.choice(names)
    elif way == 1:
        node.op_type = rng.choice(OPERATORS)
    elif way == 2 and node.attribute:
        a = rng.choice(node.attribute)
        a.i, a.f = rng.choice(NUMBERS), rng.choice([0.0, -1.0, 1e30, float("nan"), float("inf")])
        if a.ints:
            a.ints[rng.randrange(len(a.ints))] = rng.choice(NUMBERS)
    elif way == 3:
        node.attribute.append(onnx.helper.make_attribute(rng.choice(["pads", "strides", "dilations", "perm", "axes", "kernel_shape"]), numbers(rng)))
    elif way == 4:
        node.attribute.append(onnx.helper.make_attribute(rng.choice(["axis", "group", "keepdims", "transB", "ceil_mode", "to", "start", "end"]), rng.choice(NUMBERS)))
    elif way == 5:
        if tensor.dims:
            tensor.dims[rng.randrange(len(tensor.dims))] = rng.choice(NUMBERS)
        else:
            tensor.dims.append(rng.choice([0, 1]))
    elif way == 6:
        try:
            other_constant(rng, tensor)
        except ValueError:  # its shape was changed before
            pass
    elif way == 7:
        dims = g.input[0].type.tensor_type.shape.dim
        dims[rng.randrange(len(dims))].dim_value = rng.choice(NUMBERS)
    elif way == 8:
        node.input.append(rng.choice(names))
    elif len(node.input):
        del node.input[rng.randrange(len(node.input))]


def run(path):
    done = subprocess.run([TOOL, "info", "--model", path], capture_output=True, text=True, errors="replace", timeout=60)
    assert done.returncode in ALLOWED and "Sanitizer" not in done.stderr and "runtime error" not in done.stderr, f"{path}: exit code {done.returncode}\n{done.stderr[-3000:]}"
    assert done.returncode == 0 or len(done.stderr) > 20, done.stderr


@pytest.mark.parametrize("seed", range(ROUNDS))
def test_broken_graphs(tmp_path, seed):
    rng, path = random.Random(seed), tmp_path / "m.onnx"
    accepted = [f for f in make_forms.FORMS.values() if not f.code]
    for _ in range(COUNT):
        net, output = rng.choice(accepted).make()
        model = net.model(output)
        for _ in range(rng.randint(1, 4)):
            change(rng, model)
        path.write_bytes(model.SerializeToString())
        run(path)


def test_damaged_tflite(tmp_path):
    both, rng, path = test_tflite.network(), np.random.default_rng(0), tmp_path / "m.tflite"
    data = both.file.bytes([both.input], [both.number])
    for _ in range(COUNT * 3):
        copy = bytearray(data)
        for _ in range(rng.integers(1, 4)):
            at = int(rng.integers(8, len(copy)))
            copy[at] = int(rng.integers(256)) if rng.random() < 0.7 else 255
        path.write_bytes(bytes(copy[:len(copy) if rng.random() < 0.8 else int(rng.integers(8, len(copy)))]))
        run(path)
