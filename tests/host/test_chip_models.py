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
FORMS = ["uint8_weights_any_zero", "batch_norm_of_codes", "difference", "image_in_two_ways", "normalised_in_graph", "small_kernels", "large_kernels", "pooling_windows"]


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


LINE_WORDS = 1024  # of the simulated chip


def random_side(rng, size):
    """Kernel, stride, padding before and after, windows."""
    kernel = int(rng.integers(1, min(size, 6) + 1))
    stride, before, after = int(rng.integers(1, 5)), int(rng.integers(0, kernel)), int(rng.integers(0, kernel))
    return kernel, stride, before, after, (size + before + after - kernel) // stride + 1


def random_pools(seed):
    """Two poolings of any kernel, stride and padding, of as many channels as the chip's line memory lets them have."""
    rng = np.random.default_rng(seed)
    shape = tuple(int(n) for n in rng.integers(6, 22, 2))
    pools, size, channels = [], shape, int(rng.integers(1, 30))
    for _ in range(2):
        kernels, strides, before, after, size = zip(*(random_side(rng, n) for n in size))
        pools.append((kernels, {"strides": strides, "pads": before + after, "size": size}))
        channels = min(channels, LINE_WORDS // (-(-kernels[0] // strides[0]) * size[1] * 4) * 8)
    net = make_golden.Net(seed, shape=(3, *shape))
    x = net.conv(net.x, "first", channels, kernel=1)
    for name, (kernels, options) in zip(("one", "two"), pools):
        average = {"count_include_pad": 1} if rng.integers(0, 2) else {}
        x = net.pool(x, name, "AveragePool" if average else "MaxPool", kernel=kernels, **options, **average)
    return net.close(x)


@pytest.mark.parametrize("seed", range(12))
def test_pools(seed, tmp_path):
    model = random_pools(seed)
    compare(f"pools{seed}", model, [d.dim_value for d in model.graph.input[0].type.tensor_type.shape.dim[1:]], tmp_path)


def test_pool_too_large(tmp_path):
    """Twelve rows of 23 windows of 8 channels: more than the line memory holds."""
    net = make_golden.Net(0)
    x = net.pool(net.conv(net.x, "first", 8, kernel=1), "one", "MaxPool", kernel=(12, 12), strides=(1, 1), pads=[11] * 4, size=(23, 23))
    onnx.save(net.close(x), str(tmp_path / "m.onnx"))
    (tmp_path / "i").write_bytes(struct.pack(">HBB4I", 0, 8, 4, 1, 12, 12, 3) + bytes(12 * 12 * 3))
    words = ["run", "--model", tmp_path / "m.onnx", "--images", tmp_path / "i", "--input-range", "0..1", "--device", "sim", "--simulator", BOARD]
    result = subprocess.run([QUELL, *map(str, words)], capture_output=True, text=True, timeout=300)
    assert result.returncode == 6 and "layer 'first'" in result.stderr and "line buffer" in result.stderr and "1104 of 1024 words" in result.stderr, result.stderr


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
