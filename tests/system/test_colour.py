# SPDX-License-Identifier: Apache-2.0
"""Real colour images (CIFAR-10) through the reference and the simulated chip. Runs when the variable CIFAR10 names them (see the Makefile)."""
import os
import sys
import tarfile
from pathlib import Path

import numpy as np
import onnx
import pytest

from tools import cli

sys.path.insert(0, str(cli.ROOT / "tests/host"))
import make_golden  # noqa: E402

PLACE = os.environ.get("CIFAR10")
IMAGES = 4  # the first files of as many classes, when they lie in a folder per class

pytestmark = pytest.mark.skipif(not PLACE, reason="CIFAR10 is not set")


@pytest.fixture
def images(tmp_path):
    """A path for --images; of an archive only the first file of each class is unpacked."""
    place = Path(PLACE)
    if not place.name.endswith(".tar.xz"):
        return place
    folders = set()
    with tarfile.open(place) as archive:
        for member in archive:
            path = Path(member.name)
            if member.isfile() and path.parent not in folders:
                folders.add(path.parent)
                target = tmp_path / "images" / path.parent.name / path.name
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(archive.extractfile(member).read())
            if len(folders) == 10:
                break
    return tmp_path / "images"


def test_colour_images_on_both_devices(tmp_path, images):
    onnx.save(make_golden.case_conv(shape=(3, 32, 32)), str(tmp_path / "m.onnx"))
    settings = {"images": images, "labels": None, "limit": IMAGES, "profile": cli.ROOT / "profiles/additive.json"}
    results = {device: cli.run(tmp_path / "m.onnx", device=device, **settings) for device in ("ref", "sim")}
    assert results["ref"][0]["images"] == IMAGES
    assert np.array_equal(results["ref"][1], results["sim"][1])
    assert len(np.unique(results["ref"][1], axis=0)) == IMAGES, "different images must give different logits"
