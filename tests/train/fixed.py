"""Networks, blocks and images whose every number is the same on every CPU: drawn as integers by numpy, scaled by exact sums, or read from committed files.

Nothing here is trained or calibrated in floats: what convolutions, batch norm, optimisers, random normal numbers and BLAS give in their last bits differs
between CPUs, and a network that grew from them differs visibly. QuantNet's own forward pass is exact on such networks, since every partial sum is an
integer below 2^24.
"""
import copy
import functools
from types import SimpleNamespace

import numpy as np
import torch
import torch.nn.functional as F

from train import denoiser, export, networks, quantise
from train.config import ROOT

UNEVEN = 243.7  # codes that the largest value gets: a whole number would make ratios of scales simple fractions, and codes ties


def integers(random, low, high, *shape):
    """Float tensor of whole numbers low ... high."""
    return torch.from_numpy(random.integers(low, high + 1, shape).astype(np.float32))


@functools.cache
def parts(backbone, channels):
    """Layers with scales, and weights as QuantNet takes them: ranges follow what four random images cause, as a calibration's would."""
    random = np.random.default_rng(0)
    layers = networks.BACKBONES[backbone](10)
    stored = functools.partial(quantise.QuantNet.stored, SimpleNamespace(by_name={layer.name: layer for layer in layers}))
    result, scale_of, weights = {"image": integers(random, 0, 255, 4, channels, 32, 32)}, {"image": float(np.float32(1 / 255))}, {}
    for layer in layers:
        x = result[layer.source]
        weight = integers(random, -127, 127, layer.channels, 1 if layer.depthwise else x.shape[1], layer.kernel, layer.kernel)
        scale = (random.integers(500, 1001, layer.channels) / (74_000 * np.sqrt(weight[0].numel()))).astype(np.float32)
        if layer.name == "head":
            scale *= 16  # logits of some units: answers that noise can change
        conv = lambda x, w: F.conv2d(x, w, None, layer.stride, layer.padding, groups=quantise.groups(layer, w))
        acc = conv(x, weight)
        assert conv(x.abs(), weight.abs()).max() < 2 ** 24, "sums in float32 would not be exact"
        # Sums of whole numbers below 2^53: the same in any order.
        size = acc.abs().double().sum((0, 2, 3)).numpy() / acc[:, 0].numel()
        bias = np.round(size * random.integers(-500, 501, layer.channels) / 1000)
        layer.s_in = scale_of[layer.source]
        layer.s_v, layer.z_v = float(np.float32((size * scale).max() * layer.s_in / 60)), int(random.integers(-20, 21))
        multiplier = np.float32(layer.s_in) * scale / np.float32(layer.s_v)
        v = (acc + torch.from_numpy(bias).float().view(1, -1, 1, 1)) * torch.from_numpy(multiplier).view(1, -1, 1, 1)
        d = quantise.round_clamp(v, -128 - layer.z_v, 127 - layer.z_v)
        layer.s_y, layer.z_y, layer.s_p = layer.s_v, layer.z_v, layer.s_v
        if not layer.plain:
            added = 0 if layer.residual is None else result[layer.residual].abs().max().item() * scale_of[layer.residual]
            layer.s_y, layer.z_y = float(np.float32((d.max().item() * layer.s_v + added) / UNEVEN)), -128
        layer.s_p = layer.s_y
        if layer.pool == "global":
            plain = stored(layer, d, result)
            layer.s_p = float(np.float32(layer.s_y * plain.max().item() / UNEVEN))
        result[layer.name] = stored(layer, d, result)
        scale_of[layer.name] = layer.s_p
        weights[layer.name] = weight, torch.from_numpy(scale), torch.from_numpy(bias)
    return layers, weights


def network(backbone, channels=3):
    """Random weights, as a QuantNet."""
    layers, weights = parts(backbone, channels)
    return quantise.QuantNet(copy.deepcopy(layers), weights)


def blocks(net, kinds, random=None):
    """Denoising blocks with weights of some size, as after training, quantised."""
    random = random or np.random.default_rng(1)
    made = denoiser.make_blocks(net, kinds).eval()
    draw = lambda parameter, size: integers(random, -1000, 1000, *parameter.shape) * (size / 1000)
    for block in made.values():
        block.quantised = True
        for name, parameter in block.named_parameters():
            parameter.data.copy_(draw(parameter, 2 / block.channels ** 0.5 if name == "w1" else 0.1))
        if block.m:
            block.w2.data[range(block.m), range(block.m), 1, 1] += 1
            block.b1.data += 0.5
            block.act1_max.fill_(300.0)
            block.act2_max.fill_(250.0)
        block.cv.data += 0.625
    return made


def patterns(count):
    """uint8 [count, 3, 32, 32]: smooth random colours, 5 x 5 of them, linear in between."""
    coarse = np.random.default_rng(1).integers(0, 256, (count, 3, 5, 5))
    left, share = np.divmod(4 * np.arange(32), 31)
    right = np.minimum(left + 1, 4)
    wide = coarse[..., left] * (31 - share) + coarse[..., right] * share
    full = wide[..., left, :] * (31 - share)[:, None] + wide[..., right, :] * share[:, None]
    return torch.from_numpy((full // 31 ** 2).astype(np.uint8))


def file(backbone):
    """The experiment's committed backbone."""
    return ROOT / f"models/experiment/{backbone}.onnx"


@functools.cache
def sure(backbone, count=640, margin=6):
    """A committed backbone of the experiment, patterns of whose class it is sure by `margin` codes, so that no rounding decides, and its answers to
    them: accuracy on these is agreement with the clean chip."""
    net, images = export.read(file(backbone), backbone), patterns(2 * count)
    with torch.no_grad():
        best = torch.cat([net(part) for part in images.split(160)]).topk(2, 1)
    chosen = (best.values[:, 0] - best.values[:, 1] >= margin).nonzero().flatten()[:count]
    assert len(chosen) == count, f"{backbone} is sure of {len(chosen)} patterns only"
    return net, images[chosen], best.indices[chosen, 0]
