"""A training that was stopped goes on to the same bytes as one that was not, on the same computer (docs/training.md)."""
from dataclasses import replace

import pytest
import torch

from conftest import made_set
from train import backbone, config, denoiser, fit

SMALL = replace(config.SMOKE, batch=16, epochs=3, denoiser_batch=8)


class Stop(Exception):
    pass


def stop_after(count):
    """A `say` that ends the training in its count-th report, after the checkpoint was written or before the next one."""
    said = []

    def say(line):
        said.append(line)
        if len(said) == count:
            raise Stop

    return say


def equal(one, other):
    assert one.keys() == other.keys()
    return all(torch.equal(value, other[name]) for name, value in one.items())


@pytest.mark.parametrize("after", [1, 2])
def test_a_backbone_goes_on(tmp_path, after):
    dataset, quiet = made_set(count=48), lambda line: None
    whole = backbone.train(SMALL, dataset, tmp_path / "whole.pt", quiet)
    with pytest.raises(Stop):
        backbone.train(SMALL, dataset, tmp_path / "part.pt", stop_after(after))
    torch.manual_seed(99)  # nothing may hang on the global generator
    assert equal(whole.state_dict(), backbone.train(SMALL, dataset, tmp_path / "part.pt", quiet).state_dict())


def test_blocks_go_on(net, images, profiles, tmp_path, monkeypatch):
    """Parts of five steps; with two profiles by turns a part of odd length changes whose turn it is."""
    monkeypatch.setattr(fit, "PART", 5)
    results = []
    for name in ("whole", "part"):
        blocks = denoiser.make_blocks(net, {"stem": (3, 1), "block1_conv1": (0, 2)}, 1)
        train = lambda say: fit.train(net, blocks, images, profiles, SMALL, 14, tmp_path / f"{name}.pt", say)
        if name == "part":
            with pytest.raises(Stop):
                train(stop_after(2))
            assert torch.load(tmp_path / "part.pt")["step"] == 5
            blocks = denoiser.make_blocks(net, {"stem": (3, 1), "block1_conv1": (0, 2)}, 7)
        results.append(train(lambda line: None).state_dict())
    assert equal(*results)
