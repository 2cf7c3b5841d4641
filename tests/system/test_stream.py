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


def clocks(folder, count):
    """A run of `count` images, equal to the reference device's -> all clocks of the simulated chip, array's clocks an image."""
    common = ["run", "--model", folder / "m.onnx", "--images", folder / "images.idx", "--limit", count]
    words = [*common, "--device", "sim", "--simulator", folder / "board", "--json", folder / "r.json", "--logits", folder / "sim.npy"]
    result = subprocess.run([ROOT / "build/bin/quell", *map(str, words)], capture_output=True, text=True, timeout=300)
    assert result.returncode == 0, result.stderr
    subprocess.run([ROOT / "build/bin/quell", *map(str, common), "--device", "ref", "--logits", folder / "ref.npy"], capture_output=True, check=True)
    assert np.array_equal(np.load(folder / "sim.npy"), np.load(folder / "ref.npy"))
    return int(re.search(r"(\d+) cycles in", result.stderr)[1]), json.loads((folder / "r.json").read_text())["cycles_per_image"]


@pytest.mark.parametrize("name", MODELS)
def test_stream(tmp_path, name):
    shape, convolutions = MODELS[name]
    net = make_golden.Net(1, shape=shape)
    x = net.x
    for i, (channels, stride) in enumerate(convolutions):
        x = net.conv(x, f"conv{i}", channels, stride=stride)
    onnx.save(net.close(x), tmp_path / "m.onnx")
    channels, h, w = shape
    size = (FIRST + MORE, h, w, channels) if channels > 1 else (FIRST + MORE, h, w)
    pixels = np.random.default_rng(1).integers(0, 256, size).astype(np.uint8)
    (tmp_path / "images.idx").write_bytes(bytes([0, 0, 8, pixels.ndim]) + np.array(pixels.shape, ">u4").tobytes() + pixels.tobytes())
    (tmp_path / "board").write_text(f"#!/bin/sh\nexec {ROOT}/build/bin/quell-simboard --link {LINK} --stats\n")
    (tmp_path / "board").chmod(0o755)
    few, _ = clocks(tmp_path, FIRST)
    many, array = clocks(tmp_path, FIRST + MORE)
    period, link = (many - few) / MORE, (MESSAGE + channels * h * w) * LINK
    print(f"\n{name}: array {array:.0f}, link {link}, period {period:.0f} clocks: {max(array, link) / period:.1%}")
    assert period < max(array, link) / 0.95
