"""The placement search: keeps the budget, prefers what pays, and finds a layer where noise was planted."""
from dataclasses import replace

import pytest
import torch

from train import denoiser, insertion, profile
from train.denoiser import cost
from train.insertion import Candidate


@pytest.mark.parametrize("budget", [0, 1, 50, 300, 1571, 10_000])
def test_greedy_stays_within_the_budget(net, budget):
    generator = torch.Generator().manual_seed(budget)
    pieces = [Candidate(layer.name, layer.channels, kind, torch.rand((), generator=generator).item())
              for layer in net.layers[:-1] for kind in insertion.kinds((1, 2, 4))]
    placement = insertion.greedy(pieces, budget)
    assert insertion.placement_cost(net, placement) <= budget
    assert bool(placement) == (budget >= cost(16, 1, 0))


def test_greedy_takes_the_best_and_one_bottleneck_a_layer():
    pieces = [Candidate("a", 10, (0, 2), 3.0), Candidate("a", 10, (0, 4), 2.9), Candidate("a", 10, (3, 0), 1.0), Candidate("b", 60, (3, 0), 2.0)]
    assert insertion.greedy(pieces, 200) == {"a": (3, 2)}
    assert insertion.greedy(pieces, 800) == {"a": (3, 2), "b": (3, 0)}


def test_a_larger_kernel_replaces_a_gain():
    pieces = [Candidate("a", 10, (1, 0), 3.0), Candidate("b", 10, (3, 0), 2.5), Candidate("a", 10, (3, 0), 2.0), Candidate("b", 10, (1, 0), 1.0)]
    assert insertion.greedy(pieces, 11) == {"a": (1, 0)}
    assert insertion.greedy(pieces, 11 + 91) == {"a": (1, 0), "b": (3, 0)}
    assert insertion.greedy(pieces, 2 * 91) == {"a": (3, 0), "b": (3, 0)}


def test_search_sees_which_layer_matters(net, images, settings, profiles):
    """Planted: nothing reads block0_conv1 any more (the next convolution's weights are zero), so no block there.
    Without noise there is nothing to gain anywhere."""
    quick = replace(settings, search_batches=2, bottlenecks=(2,))
    intact = insertion.gradients(net, images, profiles, quick)
    silent = insertion.gradients(net, images, [profile.Profile("silent")], quick)
    # What is left is the rounding of bfloat16.
    assert intact["block0_conv1"][3, 0] > 0 and silent["stem"][3, 0] < 0.2 * intact["stem"][3, 0]
    net.block0_conv2_weight.zero_()
    norms = insertion.gradients(net, images, profiles, quick)
    assert norms["block0_conv1"][3, 0] == 0 and norms["block0_conv1"][0, 2] == 0 and norms["stem"][3, 0] > 0
    assert "block0_conv1" not in insertion.search(net, images, profiles, quick, lambda line: None)


def test_search_keeps_the_budget(net, images, settings, profiles):
    placement = insertion.search(net, images, profiles, replace(settings, bottlenecks=(1, 4)), lambda line: None)
    blocks = denoiser.make_blocks(net, placement)
    assert 0 < sum(p.numel() for p in blocks.parameters()) <= settings.budget * net.parameter_count()


@pytest.mark.parametrize("strategy", insertion.STRATEGIES)
def test_every_strategy_keeps_the_budget(net, images, settings, profiles, strategy):
    quick = replace(settings, search_batches=1, measure_steps=1, measure_images=16, bottlenecks=(1,), denoiser_batch=16)
    labels = torch.zeros(len(images), dtype=torch.int64)
    values = insertion.worth(net, images, profiles, quick, strategy, labels, say=lambda line: None)
    placement = insertion.choose(net, values, quick, strategy, say=lambda line: None)
    assert insertion.placement_cost(net, placement) <= quick.budget * net.parameter_count()
    assert placement or strategy == "measured"  # nothing gained, nothing placed
    names = [layer.name for layer in net.layers]
    if strategy == "first":
        assert "stem" in placement and "head" not in placement
    if strategy == "last":
        assert "head" in placement and "stem" not in placement
    if strategy == "all":
        assert list(placement) == names and len(set(placement.values())) == 1
    if strategy == "random":
        other = insertion.choose(net, insertion.worth(net, images, profiles, quick, strategy, draw=1), quick, strategy, say=lambda line: None)
        assert other != placement
