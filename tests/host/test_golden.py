# SPDX-License-Identifier: Apache-2.0
"""Every operator in every form against onnxruntime: at least 99.9 % of the codes equal, none off by more than one."""
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))
import make_golden  # noqa: E402
import onnx_compare  # noqa: E402

IMAGES = 6


@pytest.mark.parametrize("name", make_golden.CASES)
def test_golden(name, tmp_path):
    model = make_golden.CASES[name]()
    path = tmp_path / f"{name}.onnx"
    onnx.save(model, str(path))
    shape = [d.dim_value for d in model.graph.input[0].type.tensor_type.shape.dim[1:]]
    images = np.random.default_rng(0).integers(0, 256, (IMAGES, *shape)).astype(np.float32) / np.float32(255)
    results = onnx_compare.compare(path, images)
    codes, equal = sum(r[1] for r in results), sum(r[2] for r in results)
    assert max(r[3] for r in results) <= 1, results
    assert equal / codes >= 0.999, results


@pytest.mark.parametrize("name", sorted(p.name for p in (onnx_compare.libquell.ROOT / "models").glob("*.onnx")))
def test_models(name):
    path = onnx_compare.libquell.ROOT / "models" / name
    results = onnx_compare.compare(path, onnx_compare.real_images(path, 4), limits="default")
    assert max(r[3] for r in results) <= 1, results
    assert all(r[2] / r[1] >= 0.999 for r in results), results
