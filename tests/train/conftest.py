"""Shared by the training tests: the repository on the path, one thread, a small untrained quantised network."""
import sys
from dataclasses import replace
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
import train  # noqa: E402,F401  before torch: it sets how OpenMP's threads wait
import torch  # noqa: E402
from train import config, data, networks, profile, quantise  # noqa: E402

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


def quantised(backbone, images):
    """Random weights, and batch-norm statistics as after some training, so that folding has something to fold."""
    torch.manual_seed(0)
    model = networks.FloatNet(backbone, images.shape[1])
    model.train()
    with torch.no_grad():
        for _ in range(3):
            model(images.float() / 255)
    return quantise.quantise(model.eval(), images)


@pytest.fixture
def net(images):
    return quantised("resnet8", images)


@pytest.fixture
def settings():
    return replace(config.SMOKE, denoiser_batch=16)


@pytest.fixture
def profiles():
    return PROFILES
