"""Where the denoising blocks go: gradient norm per parameter, greedily, under the budget.

Every possible block is put behind every layer at once, each starting as the identity (D = 0, Wu = 0), so that the noisy
network's answers do not change. The gradient of the distillation loss with respect to those zero weights, accumulated
over several batches with noise in the loop, says how much the first steps of each piece would lower the loss. The norm
of the accumulated gradient (not the accumulated norm) is used: what the noise contributes averages out.
"""
from dataclasses import dataclass

import torch

from . import denoiser, noise


@dataclass(frozen=True)
class Candidate:
    """One piece of a block: the depthwise path (bottleneck 0), or a bottleneck of some width."""
    layer: str
    bottleneck: int
    score: float    # gradient norm a parameter ** exponent
    price: int      # parameters, without the level cv that the layer's block has in any case


def greedy(candidates, budget):
    """Candidates and a number of parameters -> placement {layer: (depthwise, bottleneck)}.

    Best score first, what no longer fits is passed over. A layer takes at most one depthwise path and one bottleneck;
    its first piece also pays for its level.
    """
    placement, left = {}, budget
    for piece in sorted((c for c in candidates if c.score > 0), key=lambda c: -c.score):
        depthwise, bottleneck = placement.get(piece.layer, (False, 0))
        price = piece.price + (piece.layer not in placement)
        if price > left or (bottleneck if piece.bottleneck else depthwise):
            continue
        left -= price
        placement[piece.layer] = (depthwise, piece.bottleneck) if piece.bottleneck else (True, bottleneck)
    return placement


def gradients(net, images, profiles, config):
    """{layer: {(part, width): accumulated gradient norm}} for the depthwise path (width 0) and each bottleneck width."""
    target = denoiser.teacher(net, images)
    shapes = net.output_shapes(images)
    layers = [layer.name for layer in net.layers]
    norms = {name: {} for name in layers}
    for width in config.bottlenecks:
        blocks = denoiser.make_blocks(net, {name: (True, width) for name in layers}, config.seed)
        generator = torch.Generator().manual_seed(config.seed)
        analog = noise.TrainingNoise(profiles, *config.noise_levels, shapes, config.denoiser_batch, config.seed)
        for _ in range(config.search_batches):
            pick = torch.randint(len(images), (config.denoiser_batch,), generator=generator)
            analog.redraw()
            denoiser.noisy_loss(net, blocks, images[pick], target[pick], analog, 0, config.temperature).backward()
        for name, block in blocks.items():
            norms[name][0] = block.d.grad.norm().item()
            norms[name][width] = block.wu.grad.norm().item()
    return norms


def search(net, images, profiles, config, say=print):
    """-> placement {layer: (depthwise, bottleneck)} within config.budget x the backbone's parameters."""
    budget = int(config.budget * net.parameter_count())
    candidates = []
    for name, norms in gradients(net, images, profiles, config).items():
        channels = getattr(net, f"{name}_weight").shape[0]
        for width, norm in norms.items():
            price = denoiser.cost(channels, width == 0, width) - 1
            candidates.append(Candidate(name, width, norm / price ** config.price_exponent, price))
            say(f"candidate {name:16} {'depthwise' if width == 0 else f'bottleneck {width}':13} "
                f"gradient {norm:9.4f}  parameters {price:4}  score {candidates[-1].score:.6f}")
    placement = greedy(candidates, budget)
    spent = placement_cost(net, placement)
    say(f"placement: {spent} of {budget} parameters ({spent / net.parameter_count():.2%}): {placement}")
    return placement


def placement_cost(net, placement):
    """Parameters of a placement, every one counted."""
    return sum(denoiser.cost(getattr(net, f"{name}_weight").shape[0], *kind) for name, kind in placement.items())
