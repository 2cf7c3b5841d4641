# SPDX-License-Identifier: Apache-2.0
"""The compiler's estimate of clock cycles against the simulated chip's count: within 5 % where layers take longer than the firmware needs to write them."""
import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))
import make_golden  # noqa: E402
import networks  # noqa: E402
from test_cli import QUELL, ROOT, write_idx  # noqa: E402

MODELS = ROOT / "models"
CASES = ["conv7x7_stride2", "conv10x4_stride2", "conv11x11_stride4", "conv16x16", "average_pool_3x3_stride1"]  # windows, taps, overlapping pools


def model(name, path):
    """Writes or names the model -> path, (channels, rows, columns) of an image."""
    if (MODELS / f"{name}.onnx").exists():
        return MODELS / f"{name}.onnx", (1, 28, 28)
    if name in networks.NETWORKS:
        net, output = networks.NETWORKS[name][0]()
        made, shape = net.model(output), net.shape
    else:
        made = make_golden.CASES[name]()
        shape = tuple(d.dim_value for d in made.graph.input[0].type.tensor_type.shape.dim[1:])
    onnx.save(made, path)
    return path, shape


def quell(*words):
    result = subprocess.run([QUELL, *map(str, words)], capture_output=True, text=True, timeout=300)
    assert result.returncode == 0, result.stderr
    return result.stdout


@pytest.mark.parametrize("name, denoiser", [*((n, "off") for n in [*networks.ON_THE_CHIP, *CASES, "resnet8_fmnist"]), ("resnet8_fmnist_denoised", "mean")])
def test_estimate(tmp_path, name, denoiser):
    path, (c, h, w) = model(name, tmp_path / "m.onnx")
    write_idx(tmp_path / "i.idx", np.random.default_rng(1).integers(0, 256, (1, h, w, c) if c > 1 else (1, h, w)).astype(np.uint8))
    report = quell("compile", "--device", "sim", "--model", path, "--output", tmp_path / "m.quell", "--report")
    estimate = int(re.search(r"^ +all +(\d+) ", report, re.M)[1])
    if denoiser == "off":
        figures = json.loads(quell("info", "--device", "sim", "--model", path, "--json", "-"))
        assert sum(layer["cycles"] for layer in figures["layer"]) == figures["cycles"]
        estimate = figures["cycles"]
    run = json.loads(quell("run", "--device", "sim", "--model", path, "--images", tmp_path / "i.idx", "--denoiser", denoiser, "--input-range", "0..1", "--json", "-"))
    print(f"\n{name}: estimated {estimate:.0f}, measured {run['cycles_per_image']:.0f}: {estimate / run['cycles_per_image'] - 1:+.1%}")
    assert abs(estimate / run["cycles_per_image"] - 1) < 0.05
