# SPDX-License-Identifier: Apache-2.0
"""Link and array work at the same time: clocks from image to image, against the slower of the two, behind a link as fast as full-speed USB.

    build/venv/bin/python -m pytest -s tests/system/test_stream.py        prints the table"""
import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/host"))
import make_golden  # noqa: E402

LINK = 54  # clocks a byte: 66 MHz, 1.216 MB/s
FIRST, MORE = 4, 12
MESSAGE = 24 + 12  # header and qp_image, before the codes
MODELS = {  # image, convolutions of (channels, stride)
    "2 convolutions, 28x28x1": ((1, 28, 28), [(8, 2), (8, 2)]),
    "5 convolutions, 28x28x1": ((1, 28, 28), [(8, 1), (16, 2), (16, 1), (16, 1), (32, 2)]),
    "4 convolutions, 28x28x1": ((1, 28, 28), [(16, 1), (16, 1), (16, 1), (16, 2)]),
    "2 convolutions, 32x32x3": ((3, 32, 32), [(8, 2), (8, 2)]),
}


def clocks(folder, count, *options, model="m.onnx"):
    """A run of `count` images, equal to the reference device's -> all clocks of the simulated chip, array's clocks an inference."""
    common = ["run", "--model", folder / model, "--images", folder / "images.idx", "--limit", count, *options]
    words = [*common, "--device", "sim", "--simulator", folder / "board", "--json", folder / "r.json", "--logits", folder / "sim.npy"]
    result = subprocess.run([ROOT / "build/bin/quell", *map(str, words)], capture_output=True, text=True, timeout=300)
    assert result.returncode == 0, result.stderr
    subprocess.run([ROOT / "build/bin/quell", *map(str, common), "--device", "ref", "--logits", folder / "ref.npy"], capture_output=True, check=True)
    assert np.array_equal(np.load(folder / "sim.npy"), np.load(folder / "ref.npy"))
    return int(re.search(r"(\d+) cycles in", result.stderr)[1]), json.loads((folder / "r.json").read_text())["cycles_per_image"]


def write_images(folder, count, channels, h, w):
    size = (count, h, w, channels) if channels > 1 else (count, h, w)
    pixels = np.random.default_rng(1).integers(0, 256, size).astype(np.uint8)
    (folder / "images.idx").write_bytes(bytes([0, 0, 8, pixels.ndim]) + np.array(pixels.shape, ">u4").tobytes() + pixels.tobytes())
    (folder / "board").write_text(f"#!/bin/sh\nexec {ROOT}/build/bin/quell-simboard --link {LINK} --stats\n")
    (folder / "board").chmod(0o755)


def monte_carlo(folder, model, images, seeds):
    """Clocks from inference to inference where an image is sent once and run with several seeds, and those of the array."""
    options = ["--profile", ROOT / "profiles/additive.json", "--noise-seeds", f"1-{seeds}"]
    few, _ = clocks(folder, 1, *options, model=model)
    many, array = clocks(folder, 1 + images, *options, model=model)
    return (many - few) / (images * seeds), array


@pytest.mark.parametrize("name", MODELS)
def test_stream(tmp_path, name):
    shape, convolutions = MODELS[name]
    net = make_golden.Net(1, shape=shape)
    x = net.x
    for i, (channels, stride) in enumerate(convolutions):
        x = net.conv(x, f"conv{i}", channels, stride=stride)
    onnx.save(net.close(x), tmp_path / "m.onnx")
    channels, h, w = shape
    write_images(tmp_path, FIRST + MORE, *shape)
    few, _ = clocks(tmp_path, FIRST)
    many, array = clocks(tmp_path, FIRST + MORE)
    period, link = (many - few) / MORE, (MESSAGE + channels * h * w) * LINK
    print(f"\n{name}: array {array:.0f}, link {link}, period {period:.0f} clocks: {max(array, link) / period:.1%}")
    assert period < max(array, link) / 0.95


def test_monte_carlo(tmp_path):
    """16 noise seeds an image: the array decides, whatever the image costs the link. About 2 400 clocks of an inference are the firmware's, from a result to the next start."""
    (tmp_path / "m.onnx").symlink_to(ROOT / "models/resnet8_fmnist.onnx")
    write_images(tmp_path, 2, 1, 28, 28)
    period, array = monte_carlo(tmp_path, "m.onnx", 1, 16)
    print(f"\nResNet-8, 16 seeds an image: array {array:.0f}, period {period:.0f} clocks: {array / period:.1%}")
    assert period < array / 0.98
