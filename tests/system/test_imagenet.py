# SPDX-License-Identifier: Apache-2.0
"""A public ImageNet network on photographs, where the data is at hand: every layer's codes are onnxruntime's, and the page says whose the pictures are."""
import json
import os
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

sys.path[:0] = [str(Path(__file__).resolve().parents[2]), str(Path(__file__).resolve().parents[1] / "host")]
import onnx_compare  # noqa: E402
from tools import cli, imagenet  # noqa: E402

IMAGES = 40
pytestmark = pytest.mark.skipif(not os.environ.get("IMAGENET"), reason="no ImageNet photographs: IMAGENET is not set")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    out = tmp_path_factory.mktemp("imagenet")
    cli.call([sys.executable, "-m", "tools.imagenet", os.environ["IMAGENET"], "--images", IMAGES, "--out", out], timeout=900)
    return out, imagenet.unpack(Path(os.environ["IMAGENET"]), out)


def test_layers_are_onnxruntimes(made):
    """Every layer on the codes that onnxruntime feeds it; what float32's own rounding leaves open is counted by float_error.py, nothing else differs."""
    _, folder = made
    pixels = np.stack([np.asarray(Image.open(folder / f"test/{i:04}.png").convert("RGB")) for i in range(3)])
    given = ((pixels.astype(np.float32) - 128) / 128).transpose(0, 3, 1, 2)
    results = [r for i in range(3) for r in onnx_compare.compare(next(folder.glob("*.onnx")), given[i:i + 1])]
    assert len(results) >= 3 * 28 and all(wrong == 0 and largest <= 1 for _, _, _, largest, wrong in results), results


def test_figures_and_page(made):
    out, _ = made
    figures = json.loads((out / "imagenet.json").read_text())
    noisy, calibrated = (figures[k]["top_accuracy"] for k in figures if k.startswith("varying_chip"))
    assert figures["clean"]["images"] == IMAGES and figures["clean"]["top_accuracy"] > 0.5  # of 1 000 it is 0.708; 0.5 is 2.9 standard deviations below
    assert calibrated > noisy
    page = (out / "report.html").read_text(encoding="utf-8")
    assert page.count("<img ") == 24 and page.count("creativecommons.org/licenses/by/2.0") == 24 and page.count(">source</a>") == 24
