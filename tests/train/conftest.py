"""Shared by the training tests: the repository on the path, one thread, a small untrained quantised network, the same on every CPU (fixed.py)."""
import sys
from dataclasses import replace
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests/host")]  # the latter: onnx_compare.py
import train  # noqa: E402,F401  before torch: it sets how OpenMP's threads wait
import torch  # noqa: E402
from train import config, data, profile  # noqa: E402

import fixed  # noqa: E402

torch.set_num_threads(1)  # as many programs run at once as there are cores
PROFILES = [profile.Profile("additive", read_additive=0.03), profile.Profile("multiplicative", read_multiplicative=0.5)]


def made_set(channels=1, side=28, padding=2, count=64):
    """A data set of random images: no test that uses it depends on what they show."""
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (count, channels, side, side), generator=generator, dtype=torch.uint8)
    split = data.Split(images, torch.randint(0, 10, (count,), generator=generator))
    return data.Set("made", split, split, [f"class {i}" for i in range(10)], padding)


@pytest.fixture(scope="session")
def dataset():
    """64 real images when Debian's dataset is installed, otherwise made ones."""
    return data.load("fashion_mnist", 64) if data.place("fashion_mnist") else made_set()


@pytest.fixture(scope="session")
def images(dataset):
    return dataset.padded(dataset.train.images)


@pytest.fixture
def net(images):
    return fixed.network("resnet8", images.shape[1])


@pytest.fixture
def settings():
    return replace(config.SMOKE, denoiser_batch=16)


@pytest.fixture
def profiles():
    return PROFILES
