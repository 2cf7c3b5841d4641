"""The denoising block; fit.py trains it behind a frozen backbone.

Block (docs/arithmetic.md), x the noisy codes less their zero point, C channels, bottleneck m:
b1 = relu(W1 x + B1), b2 = relu(W2 *3x3 b1 + B2), mu = D * x + Wu b2, sigma = relu(Wv b2 + cv), output x - mu. D is a depthwise
kernel of 3x3, or of 1x1: a gain a channel, a ninth of the parameters.
Everything is in output codes; integers() and export.py turn it into int8 weights with scales.
"""
import math

import torch
import torch.nn as nn
import torch.nn.functional as F

from .quantise import round_clamp

RANGE_MIN = 0.1  # codes: smallest range of an activation; one that is dead would get steps so fine that the next bias has no 32-bit value in them
CV_UNIT = 32.0   # codes: keeps the level's parameter near 1, where the optimiser's steps suit it


def cost(channels, kernel, bottleneck, sigma=True):
    """Parameters of a block, every one counted. kernel: side of the depthwise kernel, 0 without; sigma: with the head that predicts the spread."""
    m = bottleneck
    return sigma + kernel ** 2 * channels + ((2 + sigma) * channels * m + 9 * m * m + 2 * m if m else 0)


def quantised(x, step, low, high):
    """Rounded to multiples of a step within low ... high steps; straight-through gradient inside."""
    return round_clamp(x / step, low, high) * step


def bias(parameter, step, headroom):
    """-> int32 in steps; as large as it may get where the accumulator, to which up to `headroom` is added, must not overflow."""
    most = 2 ** 31 - 1 - headroom
    return (parameter.double() * CV_UNIT / step).round().clamp(-most, most).int().numpy()


def weight_step(w):
    """Scale of an int8 tensor, one for the whole tensor."""
    return (w.detach().abs().max() / 127).clamp_min(1e-6)


class Denoiser(nn.Module):
    def __init__(self, channels, kernel, bottleneck, generator=None, sigma=True):
        """Starts as the identity: D and Wu are zero. kernel: side of the depthwise kernel, 0, 1 or 3. cv has shape [1], one level a layer.
        sigma: with the head for the spread."""
        super().__init__()
        self.channels, self.kernel, self.m, self.sigma = channels, kernel, bottleneck, sigma
        self.quantised = False
        if kernel:
            self.d = nn.Parameter(torch.zeros(channels, 1, kernel, kernel))
        if bottleneck:
            m = bottleneck
            self.w1 = nn.Parameter(torch.randn(m, channels, 1, 1, generator=generator) * math.sqrt(2 / channels))
            self.b1 = nn.Parameter(torch.full((m,), 0.5))
            # Passes b1 on at first: a random one can be dead on all inputs, above all on the head's 1x1 image.
            self.w2 = nn.Parameter(0.05 * torch.randn(m, m, 3, 3, generator=generator))
            self.w2.data[range(m), range(m), 1, 1] += 1
            self.b2 = nn.Parameter(torch.zeros(m))
            self.wu = nn.Parameter(torch.zeros(channels, m, 1, 1))
            if sigma:
                self.wv = nn.Parameter(torch.zeros(channels, m, 1, 1))
            self.register_buffer("act1_max", torch.ones(()))
            self.register_buffer("act2_max", torch.ones(()))
        if sigma:
            self.cv = nn.Parameter(torch.full((1,), 20 / CV_UNIT))

    @property
    def kind(self):
        return "Denoise" if self.kernel and self.m else "DenoiseDepthwise" if self.kernel else "DenoiseBottleneck"

    def weight(self, name):
        w = getattr(self, name)
        return quantised(w, weight_step(w), -127, 127) if self.quantised else w

    def activation(self, name, x):
        """ReLU, and uint8 once quantised. The range follows the largest value seen while training."""
        peak = getattr(self, name)
        if self.training:
            peak.lerp_(x.detach().max().float().clamp_min(RANGE_MIN), 0.05)
        return quantised(x, peak / 255, 0, 255) if self.quantised else F.relu(x)

    def forward(self, x, source=None):
        """x [n, c, h, w] codes less zero point -> mu, sigma of its noise, in codes, shapes that broadcast to x's; sigma is None
        without its head. source, what the layer read, is not used: the chip's block sees the layer's output alone."""
        mu, level = 0, (self.cv * CV_UNIT).view(1, -1, 1, 1) if self.sigma else None
        if self.kernel:
            mu = F.conv2d(x, self.weight("d"), padding=self.kernel // 2, groups=self.channels)
        if self.m:
            # Biases act in codes of the input; the unit keeps their parameter's size near the weights'.
            b1 = self.activation("act1_max", F.conv2d(x, self.weight("w1"), self.b1 * CV_UNIT))
            b2 = self.activation("act2_max", F.conv2d(b1, self.weight("w2"), self.b2 * CV_UNIT, padding=1))
            mu = mu + F.conv2d(b2, self.weight("wu"))
            level = level + F.conv2d(b2, self.weight("wv")) if self.sigma else None
        return mu, F.relu(level) if self.sigma else None

    @torch.no_grad()
    def integers(self):
        """{tensor name: int array or scale}, in codes: an activation's scale is in input codes a step. A head that is not
        there is written as zeros."""
        out = {}
        zeros = {"wv": torch.zeros(self.channels, self.m, 1, 1), "cv": torch.zeros(1)}
        tensor = lambda name: getattr(self, name, zeros.get(name)).cpu()
        names = (["d"] if self.kernel else []) + (["w1", "w2", "wu", "wv"] if self.m else [])
        for name in names:
            w = tensor(name)
            out[f"{name}_scale"] = weight_step(w).item()
            out[name] = (w / weight_step(w)).round().clamp(-127, 127).int().numpy()
        if self.m:
            out["act1_scale"], out["act2_scale"] = self.act1_max.item() / 255, self.act2_max.item() / 255
            out["b1"] = bias(tensor("b1"), out["w1_scale"], 255 * 127 * self.channels)
            out["b2"] = bias(tensor("b2"), out["act1_scale"] * out["w2_scale"], 255 * 127 * 9 * self.m)
            cv_step = out["act2_scale"] * out["wv_scale"]
        else:
            # 1/4096 of a code: far finer than sigma's 8 fractional bits, and far from the 24-bit limit.
            cv_step = out["cv_scale"] = 2.0 ** -12
        out["cv"] = (tensor("cv") * CV_UNIT / cv_step).round().clamp(-2**23, 2**23 - 1).int().numpy()
        return out


def make_blocks(net, placement, seed=0, sigma=True):
    """placement {layer name: (kernel, bottleneck)} -> ModuleDict of fresh blocks."""
    generator = torch.Generator().manual_seed(seed)
    return nn.ModuleDict({name: Denoiser(net.by_name[name].channels, *kind, generator, sigma) for name, kind in placement.items()})


def mean_mode(blocks):
    """The hook for QuantNet's `denoise`: x - mu."""
    return lambda layer, d, v, x: d - blocks[layer.name](d, x)[0] if layer.name in blocks else d
