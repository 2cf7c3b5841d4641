"""Where the denoising blocks go: pieces of blocks are ranked and taken best first while the budget lasts.

What ranks them is the strategy:
- gradient: every possible block is put behind every layer at once, each starting as the identity (D = 0, Wu = 0), so that the
  noisy network's answers do not change. The gradient of the distillation loss with respect to those zero weights, accumulated
  over several batches with noise in the loop, says how much the first steps of each piece would lower the loss. The norm of
  the accumulated gradient (not the accumulated norm) is used: what the noise contributes averages out.
- measured: every piece is trained alone for a few steps; the accuracy that it gains is its worth.
- random, first, last: by chance, or by the layer's place in the network.
- all: the same kind of block behind every layer, the largest that the budget allows.
"""
from dataclasses import dataclass, replace

import torch

from . import denoiser, fit, machine

STRATEGIES = ("gradient", "measured", "random", "first", "last", "all")


# Kinds of depthwise paths, dearest first, as (kernel, bottleneck): 3x3, and a gain a channel.
PATHS = ((3, 0), (1, 0))


@dataclass(frozen=True)
class Candidate:
    """One piece of a block: a depthwise path (kernel, 0), or a bottleneck (0, width)."""
    layer: str
    channels: int
    kind: tuple
    score: float    # best first


def greedy(candidates, budget, sigma=True, fill=True):
    """Candidates and a number of parameters -> placement {layer: (kernel, bottleneck)}.

    Best score first; what no longer fits is passed over, or is the end (fill off). A layer takes at most one bottleneck, and one depthwise path, which
    a larger kernel replaces.
    """
    placement, left = {}, budget
    for piece in sorted((c for c in candidates if c.score > 0), key=lambda c: -c.score):
        kernel, bottleneck = now = placement.get(piece.layer, (0, 0))
        then = (kernel, piece.kind[1]) if piece.kind[1] else (piece.kind[0], bottleneck)
        if bottleneck if piece.kind[1] else kernel >= piece.kind[0]:
            continue
        price = denoiser.cost(piece.channels, *then, sigma) - (denoiser.cost(piece.channels, *now, sigma) if piece.layer in placement else 0)
        if price > left:
            if fill:
                continue
            break
        left -= price
        placement[piece.layer] = then
    return placement


def kinds(widths):
    return PATHS + tuple((0, width) for width in widths)


def pieces(net, widths):
    """[(layer, kind)] of everything that could be placed."""
    return [(layer, kind) for layer in net.layers for kind in kinds(widths)]


def gradients(net, images, profiles, config):
    """{layer: {kind: norm of the accumulated gradient}} of every kind of piece."""
    where = machine.device()
    net, images = net.to(where), images.to(where)
    target = fit.teacher(net, images)
    layers = [layer.name for layer in net.layers]
    norms = {name: {} for name in layers}
    for width in config.bottlenecks:
        blocks = denoiser.make_blocks(net, {name: (3, width) for name in layers}, config.seed).to(where)
        generator = torch.Generator().manual_seed(config.seed)
        tile = fit.make_tile(net, images, profiles, config, where, config.seed)
        for _ in range(config.search_batches):
            pick = torch.randint(len(images), (config.denoiser_batch,), generator=generator).to(where)
            tile.redraw()
            fit.noisy_loss(net, blocks, images[pick], target[pick], tile, config, logits_only=True).backward()
        for name, block in blocks.items():
            norms[name] |= {(3, 0): block.d.grad.norm().item(), (1, 0): block.d.grad[..., 1, 1].norm().item(), (0, width): block.wu.grad.norm().item()}
    net.cpu()
    return norms


def measured(net, dataset_images, labels, profiles, config, candidates, say):
    """{(layer, kind): accuracy gained by the piece alone}: trained for `measure_steps`, tried on images that it did not see."""
    held_out, held_labels = dataset_images[:config.measure_images], labels[:config.measure_images]
    seen = dataset_images[config.measure_images:]
    where = machine.device()

    def accuracy(blocks):
        tile = fit.make_tile(net, seen, profiles, replace(config, silent_share=0.0), where, config.seed + 1)
        right = 0
        net.to(where), blocks.to(where)
        with torch.no_grad():
            for i in range(0, len(held_out), config.denoiser_batch):
                tile.redraw()
                part = held_out[i:i + config.denoiser_batch].to(where)
                right += (net(part, denoise=denoiser.mean_mode(blocks), **tile.hooks).argmax(1).cpu() == held_labels[i:i + config.denoiser_batch]).sum().item()
        return right / len(held_out)

    base = accuracy(torch.nn.ModuleDict())
    target, gain = fit.teacher(net.to(where), seen.to(where)), {}
    for layer, kind in candidates:
        blocks = denoiser.make_blocks(net, {layer.name: kind}, config.seed)
        fit.train(net, blocks, seen, profiles, config, config.measure_steps, say=lambda line: None, target=target)
        gain[layer.name, kind] = accuracy(blocks) - base
        say(f"candidate {layer.name:20} {described(kind):13} gains {gain[layer.name, kind]:+.2%}")
    net.cpu()
    return gain


def described(kind):
    kernel, width = kind
    return f"bottleneck {width}" if width else "gain" if kernel == 1 else "depthwise"


def uniform(net, budget, widths, sigma):
    """The same kind of block behind every layer, the dearest one that the budget allows; {} if none does."""
    offered = sorted(((kernel, width) for kernel in (0, 1, 3) for width in (0, *widths) if kernel or width),
                     key=lambda kind: -placement_cost(net, {layer.name: kind for layer in net.layers}, sigma))
    for kind in offered:
        placement = {layer.name: kind for layer in net.layers}
        if placement_cost(net, placement, sigma) <= budget:
            return placement
    return {}


def worth(net, images, profiles, config, strategy="gradient", labels=None, draw=0, say=print):
    """{(layer, kind): how good a piece is, before its price}; None for "all", which does not choose.

    draw: which of the random placements. labels: of the images, for "measured".
    """
    place = {layer.name: number for number, layer in enumerate(net.layers)}
    offered = pieces(net, config.bottlenecks)
    if strategy == "all":
        return None
    if strategy == "gradient":
        norms = gradients(net, images, profiles, config)
        return {(layer.name, kind): norms[layer.name][kind] for layer, kind in offered}
    if strategy == "measured":
        return measured(net, images, labels, profiles, config, offered, say)
    if strategy == "random":
        generator = torch.Generator().manual_seed(1000 * config.seed + draw)
        return {(layer.name, kind): 1e-6 + torch.rand((), generator=generator).item() for layer, kind in offered}
    # The layer decides; in it the depthwise path of 3x3 comes first, then the widest bottleneck.
    order = {"first": lambda n: len(place) - n, "last": lambda n: n + 1}[strategy]
    within = lambda kernel, width: 0.8 * width / max(config.bottlenecks) if width else 0.3 * kernel
    return {(layer.name, kind): order(place[layer.name]) + within(*kind) for layer, kind in offered}


def choose(net, values, config, strategy="gradient", sigma=True, say=print):
    """What `worth` gave -> placement {layer: (kernel, bottleneck)} within config.budget x the backbone's parameters."""
    budget = int(config.budget * net.parameter_count())
    if values is None:
        placement = uniform(net, budget, config.bottlenecks, sigma)
    else:
        exponent = config.price_exponent if strategy in ("gradient", "measured") else 0
        price = lambda layer, kind: denoiser.cost(layer.channels, *kind, sigma) - sigma  # without the level, which the layer's block has in any case
        candidates = [Candidate(layer.name, layer.channels, kind, values[layer.name, kind] / price(layer, kind) ** exponent) for layer, kind in pieces(net, config.bottlenecks)]
        placement = greedy(candidates, budget, sigma, fill=strategy not in ("first", "last"))
    spent = placement_cost(net, placement, sigma)
    say(f"placement ({strategy}): {spent} of {budget} parameters ({spent / net.parameter_count():.2%}): {placement}")
    return placement


def search(net, images, profiles, config, say=print):
    """Placement by gradient norm."""
    values = worth(net, images, profiles, config)
    for (layer, kind), value in values.items():
        say(f"candidate {layer:20} {described(kind):13} gradient {value:9.4f}")
    return choose(net, values, config, say=say)


def placement_cost(net, placement, sigma=True):
    """Parameters of a placement, every one counted."""
    return sum(denoiser.cost(net.by_name[name].channels, *kind, sigma) for name, kind in placement.items())
