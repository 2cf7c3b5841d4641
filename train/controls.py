"""What the denoising blocks are compared with. Everything here answers as a block does and is trained by the same loop (fit.py).

- LowRank: a side path of low rank beside each convolution, exact (digital) arithmetic on what the layer reads, added to its
  noisy result: y + B A x, A a convolution like the layer's own to r channels, B 1x1. At most as many parameters as the budget.
- Unlimited: a denoiser without limits behind every layer, sees the layer's input and output; together >= 10 x the backbone.
- RetrainedNet: the backbone itself, all weights and biases trained with noise in the loop. Runs on the chip.

LowRank and Unlimited are no blocks of the chip: their accuracy is taken on the emulated tile (emulate.py).
"""
import copy

import torch
import torch.nn as nn
import torch.nn.functional as F

from .denoiser import quantised, weight_step
from .quantise import QuantNet, round_clamp


class LowRank(nn.Module):
    def __init__(self, net, layer, rank, generator):
        super().__init__()
        weight = net.weight(layer)[0]
        self.stride, self.padding, self.quantised = layer.stride, layer.padding, False
        inputs = weight.shape[1] if not layer.depthwise else layer.channels
        self.a = nn.Parameter(torch.randn(rank, inputs, layer.kernel, layer.kernel, generator=generator) * (inputs * layer.kernel ** 2) ** -0.5)
        self.b = nn.Parameter(torch.zeros(layer.channels, rank, 1, 1))
        self.register_buffer("scale", torch.tensor(layer.s_in / layer.s_v))  # input codes to output codes

    def forward(self, d, source):
        """-> mu = -B A x in output codes; nothing about its spread."""
        fake = lambda w: quantised(w, weight_step(w), -127, 127) if self.quantised else w
        return -F.conv2d(F.conv2d(source * self.scale, fake(self.a), None, self.stride, self.padding), fake(self.b)), None


def low_rank_cost(net, layer, rank):
    inputs = layer.channels if layer.depthwise else net.weight(layer)[0].shape[1]
    return rank * (inputs * layer.kernel ** 2 + layer.channels)


def make_low_rank(net, layers, budget, seed):
    """Side paths of rank 1 beside the given layers in turn, then of rank 2, ... while the budget lasts."""
    ranks, left, grown = {}, budget, True
    while grown:
        grown = False
        for name in layers:
            price = low_rank_cost(net, net.by_name[name], 1)
            if price <= left:
                ranks[name], left, grown = ranks.get(name, 0) + 1, left - price, True
    generator = torch.Generator().manual_seed(seed)
    return nn.ModuleDict({name: LowRank(net, net.by_name[name], rank, generator) for name, rank in ranks.items()})


class Unlimited(nn.Module):
    """Three 3x3 convolutions of `width` channels on the layer's output and, where its size is the same, its input."""

    def __init__(self, net, layer, width):
        super().__init__()
        self.quantised = False
        weight = net.weight(layer)[0]
        self.sees_input = layer.stride == 1
        inputs = layer.channels + self.sees_input * (layer.channels if layer.depthwise else weight.shape[1])
        self.unit = 64.0
        conv = lambda cin, cout: nn.Conv2d(cin, cout, 3, padding=1)
        self.parts = nn.Sequential(conv(inputs, width), nn.ReLU(), conv(width, width), nn.ReLU(), conv(width, layer.channels))
        nn.init.zeros_(self.parts[-1].weight)
        nn.init.zeros_(self.parts[-1].bias)

    def forward(self, d, source):
        x = torch.cat([d, source], 1) if self.sees_input else d
        return self.parts(x / self.unit) * self.unit, None


def make_unlimited(net, times=10):
    """The narrowest such denoiser behind every layer that has >= `times` the backbone's parameters."""
    width = 8
    while True:
        blocks = nn.ModuleDict({layer.name: Unlimited(net, layer, width) for layer in net.layers})
        if sum(p.numel() for p in blocks.parameters()) >= times * net.parameter_count():
            return blocks
        width = width * 5 // 4


def make_retrained(net):
    """QuantNet -> the same with parameters: its integers plus what training changes of them, rounded."""
    made = copy.deepcopy(net)
    made.__class__ = RetrainedNet
    for layer in made.layers:
        weight, bias = getattr(made, f"{layer.name}_weight"), getattr(made, f"{layer.name}_bias")
        # Deltas in units in which a step of the optimiser is small for every layer: weight steps, and output codes.
        made.register_parameter(f"{layer.name}_weight_delta", nn.Parameter(torch.zeros_like(weight)))
        made.register_parameter(f"{layer.name}_bias_delta", nn.Parameter(torch.zeros_like(bias)))
    return made


class RetrainedNet(QuantNet):
    WEIGHT_UNIT, CODE_UNIT = 64.0, 32.0

    def weight(self, layer):
        weight, bias = super().weight(layer)
        per_code = 1 / getattr(self, f"{layer.name}_multiplier").view(-1)
        weight = weight + self.WEIGHT_UNIT * getattr(self, f"{layer.name}_weight_delta")
        bias = bias + self.CODE_UNIT * per_code * getattr(self, f"{layer.name}_bias_delta")
        return round_clamp(weight, -127, 127), round_clamp(bias, -2.0 ** 30, 2.0 ** 30)
