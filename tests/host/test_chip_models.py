# SPDX-License-Identifier: Apache-2.0
"""The golden models of every operator on the simulated chip, with noise, and forms of which passes make unusual layers: the same bytes as the reference device after every layer."""
import os
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))
import make_forms  # noqa: E402
import make_golden  # noqa: E402
import random_graphs  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
QUELL = Path(os.environ.get("QUELL", ROOT / "build/bin/quell"))
BOARD = ROOT / "build/bin/quell-simboard"
PROFILE = ROOT / "profiles/additive.json"
IMAGES = 3


def run(folder, device, model, images, *settings):
    out = folder / device
    words = ["run", "--model", model, "--images", images, "--input-range", "0..1", "--device", device, "--simulator", BOARD, "--logits", folder / f"{device}.npy", "--dump-activations", out, *settings]
    result = subprocess.run([QUELL, *map(str, words)], capture_output=True, text=True, timeout=300)
    assert result.returncode == 0, result.stderr
    return {p.name: np.load(p) for p in sorted(out.glob("*.npy"))} | {"logits": np.load(folder / f"{device}.npy")}


# Layers of ones that copy or negate channels, codes by channel, a kernel as large as the image.
FORMS = ["uint8_weights_any_zero", "batch_norm_of_codes", "difference", "image_in_two_ways", "normalised_in_graph", "small_kernels"]


# Networks of random_graphs.py with joined tensors and functions that fit the chip.
RANDOM = [81, 102, 148, 150, 168, 191]


@pytest.mark.parametrize("seed", RANDOM)
def test_random(seed, tmp_path):
    writer = random_graphs.Writer(seed)
    model = writer.net.model(writer.write())
    assert "joined" in writer.used and writer.net.element == "float32" and not writer.net.nhwc
    compare(f"random_{seed}", model, writer.net.shape, tmp_path)


@pytest.mark.parametrize("name", FORMS)
def test_forms(name, tmp_path):
    net, output = make_forms.FORMS[name].make()
    compare(name, net.model(output), net.shape, tmp_path)


@pytest.mark.parametrize("name", make_golden.CASES)
def test_same_bytes(name, tmp_path):
    model = make_golden.CASES[name]()
    compare(name, model, [d.dim_value for d in model.graph.input[0].type.tensor_type.shape.dim[1:]], tmp_path)


def compare(name, model, shape, tmp_path):
    onnx.save(model, str(tmp_path / "m.onnx"))
    c, h, w = shape
    pixels = np.random.default_rng(0).integers(0, 256, (IMAGES, h, w, c)).astype(np.uint8)
    (tmp_path / "i").write_bytes(struct.pack(">HBB4I", 0, 8, 4, IMAGES, h, w, c) + pixels.tobytes())
    settings = ["--profile", PROFILE, "--chip", 2, "--noise-seed", 9]
    settings += ["--denoiser", "sample"] if "denoise" in name else []
    ref, chip = (run(tmp_path, device, tmp_path / "m.onnx", tmp_path / "i", *settings) for device in ("ref", "sim"))
    assert ref.keys() == chip.keys()
    for key in ref:
        assert np.array_equal(ref[key], chip[key]), f"{key}: {np.count_nonzero(ref[key] != chip[key])} of {ref[key].size} codes differ"
