"""Shared by the training tests: the repository on the path, one thread, a small untrained quantised network."""
import sys
from dataclasses import replace
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
import train  # noqa: E402,F401  before torch: it sets how OpenMP's threads wait
import torch  # noqa: E402
from train import backbone, config, data, noise, quantise  # noqa: E402

torch.set_num_threads(1)  # as many programs run at once as there are cores
PROFILES = [noise.Profile("additive", read_additive=0.03), noise.Profile("multiplicative", read_multiplicative=0.5)]


@pytest.fixture(scope="session")
def images():
    """64 real images when Debian's dataset is installed, otherwise made ones: no test here depends on what they show."""
    if config.SMOKE.data.exists():
        return data.load(config.SMOKE.data, "train", 2, 64)[0]
    return torch.randint(0, 256, (64, 1, 32, 32), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)


@pytest.fixture
def net(images):
    """Random weights, and batch-norm statistics as after some training, so that folding has something to fold."""
    torch.manual_seed(0)
    model = backbone.ResNet8()
    model.train()
    with torch.no_grad():
        for _ in range(3):
            model(images.float() / 255)
    return quantise.quantise(model.eval(), images)


@pytest.fixture
def settings():
    return replace(config.SMOKE, denoiser_batch=16)


@pytest.fixture
def profiles():
    return PROFILES
