"""The placement search: keeps the budget, prefers what pays, and finds a layer where noise was planted."""
from dataclasses import replace

import pytest
import torch

from train import insertion
from train.insertion import Candidate


@pytest.mark.parametrize("budget", [0, 1, 50, 300, 1571, 10_000])
def test_greedy_stays_within_the_budget(net, budget):
    generator = torch.Generator().manual_seed(budget)
    from train.denoiser import cost
    pieces = []
    for layer in net.layers[:-1]:
        channels = getattr(net, f"{layer.name}_weight").shape[0]
        for width in (0, 1, 2, 4):
            pieces.append(Candidate(layer.name, width, torch.rand((), generator=generator).item(), cost(channels, width == 0, width) - 1))
    placement = insertion.greedy(pieces, budget)
    assert insertion.placement_cost(net, placement) <= budget
    assert bool(placement) == (budget >= 60)


def test_greedy_takes_the_best_and_one_bottleneck_a_layer():
    pieces = [Candidate("a", 2, 3.0, 100), Candidate("a", 4, 2.9, 150), Candidate("a", 0, 1.0, 90), Candidate("b", 0, 2.0, 500)]
    assert insertion.greedy(pieces, 200) == {"a": (True, 2)}
    assert insertion.greedy(pieces, 800) == {"a": (True, 2), "b": (True, 0)}


@pytest.mark.parametrize("planted", ["block0_conv2", "block1_conv1"])
def test_search_finds_the_noisy_layer(net, images, settings, monkeypatch, planted):
    """Noise in one layer only: its own block, or one right behind it, must score best for the price."""
    from train import noise
    profile = noise.Profile("planted", read_additive=0.1)
    whole = noise.TrainingNoise.__call__
    monkeypatch.setattr(noise.TrainingNoise, "__call__", lambda self, layer, v: whole(self, layer, v) if layer.name == planted else v)
    quick = replace(settings, search_batches=8, bottlenecks=(2,))
    norms = insertion.gradients(net, images, [profile], quick)
    channels = {name: getattr(net, f"{name}_weight").shape[0] for name in norms}
    score = {name: values[0] / (9 * channels[name]) for name, values in norms.items()}
    silent = {name: values[0] / (9 * channels[name]) for name, values in insertion.gradients(net, images, [replace(profile, read_additive=0.0)], quick).items()}
    assert all(value < 1e-3 * score[planted] for value in silent.values())
    placement = insertion.search(net, images, [profile], replace(quick, budget=0.0203), lambda line: None)
    assert planted in placement
