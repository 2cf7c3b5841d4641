"""Batch-norm folding, calibration, and the quantised network that stands for the integers while training.

Number formats are those of docs/arithmetic.md: int8 weights with a scale per output channel, int8 activations with scale
and zero point per tensor, every convolution's output quantised *before* ReLU and addition, because that is what leaves
the analog tile's ADC. Tensors here hold d = code - zero point as floats; a float32 carries them exactly.
"""
import copy

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

from . import networks


class Round(torch.autograd.Function):
    """Round half to even; the gradient passes straight through."""

    @staticmethod
    def forward(ctx, x):
        return x.round()

    @staticmethod
    def backward(ctx, grad):
        return grad


def round_clamp(x, low, high):
    """Clamp and round half to even; the gradient passes where nothing was clamped. (hardtanh: its backward is one pass.)"""
    return Round.apply(F.hardtanh(x, low, high))


def fold(conv, bn):
    """Convolution and batch norm (eval mode) -> weight [o, i, k, k], bias [o] of one convolution."""
    gain = bn.weight / torch.sqrt(bn.running_var + bn.eps)
    return (conv.weight * gain[:, None, None, None]).detach(), (bn.bias - bn.running_mean * gain).detach()


def folded_weights(model):
    """FloatNet -> {layer name: (weight [o, i, k, k], bias [o])}."""
    return {layer.name: fold(*part) if isinstance(part, nn.Sequential) else (part.weight.detach(), part.bias.detach())
            for layer, part in zip(model.layers, model.parts.values())}


def groups(layer, weight):
    return len(weight) if layer.depthwise else 1


def float_tensors(layers, weights, x, sample):
    """Run the folded float network on x [n, c, h, w] -> three dicts {layer name: a random part of its conv output, of what
    follows before pooling, after pooling}. Parts, because all of a wide network's tensors do not fit a small memory."""
    parts = [{}, {}, {}]
    result = {"image": x}
    for position, layer in enumerate(layers):
        weight, bias = weights[layer.name]
        y = F.conv2d(result[layer.source], weight, bias, layer.stride, layer.padding, groups=groups(layer, weight))
        parts[0][layer.name] = sample(y)
        y = y if layer.residual is None else y + result[layer.residual]
        y = F.relu(y) if layer.relu else y
        parts[1][layer.name] = sample(y)
        result[layer.name] = networks.pooled(layer, y)
        parts[2][layer.name] = sample(result[layer.name])
        networks.forget_unread(result, layers, position)
    return parts


def random_part(x, count=200_000):
    """`count` random values of a tensor, and its extremes."""
    x = x.flatten()
    pick = torch.randint(len(x), (min(count, len(x)),), generator=torch.Generator().manual_seed(0))
    return torch.cat([x[pick], x.min()[None], x.max()[None]])


def best_range(x, unsigned):
    """Scale and zero point with the least squared error over x (float, flat).

    unsigned: values are >= 0 and the zero point is -128. Otherwise both ends shrink by the same factor.
    """
    low, high = (0.0, x.max().item()) if unsigned else (min(x.min().item(), 0.0), max(x.max().item(), 0.0))
    best = None
    for share in np.linspace(0.3, 1.0, 36):
        scale = float(np.float32((high - low) * share / 255))
        zero = int(np.clip(np.round(-128 - low * share / scale), -128, 127))
        code = (x / scale).round().clamp(-128 - zero, 127 - zero)
        error = (code * scale - x).square().mean().item()
        if best is None or error < best[0]:
            best = (error, scale, zero)
    return best[1:]


class QuantNet(nn.Module):
    """The integers in floats. forward: pixels uint8 [n, c, h, w] -> logit codes less the zero point, [n, classes].

    Weights, biases and scales are buffers: an optimiser has nothing here to change.
    """

    def __init__(self, layers, weights):
        """layers with all scales set; weights {name: (int8-valued weight, weight scale [o], int32-valued bias)}.

        The weights are copied into rows: a convolution's kernel, hence its gradient's last bits, depends on how they lie in memory, and a
        network just trained (channels last) must train the blocks behind it as the same network read from a file does.
        """
        in_rows = lambda tensor: torch.empty(tensor.shape).copy_(tensor)
        super().__init__()
        self.layers = layers
        self.by_name = {layer.name: layer for layer in layers}
        for layer in layers:
            weight, scale, bias = weights[layer.name]
            self.register_buffer(f"{layer.name}_weight", in_rows(weight))
            self.register_buffer(f"{layer.name}_scale", in_rows(scale))
            self.register_buffer(f"{layer.name}_bias", in_rows(bias))
            multiplier = np.float32(layer.s_in) * scale.numpy().astype(np.float32) / np.float32(layer.s_v)
            self.register_buffer(f"{layer.name}_multiplier", torch.from_numpy(multiplier).view(1, -1, 1, 1))

    def parameter_count(self):
        """Weights and biases of the folded network: what "additional parameters" are counted against."""
        return sum(getattr(self, f"{l.name}_weight").numel() + getattr(self, f"{l.name}_bias").numel() for l in self.layers)

    def output_shapes(self, pixels):
        """{layer name: (c, h, w)} of every convolution's output for images like `pixels`."""
        shapes = {}
        with torch.no_grad():
            self(pixels[:1], record=lambda layer, d: shapes.update({layer.name: tuple(d.shape[1:])}))
        return shapes

    def weight(self, layer):
        """Weight and bias of a layer, in integers."""
        return getattr(self, f"{layer.name}_weight"), getattr(self, f"{layer.name}_bias")

    def forward(self, pixels, program=None, analog=None, correct=None, denoise=None, record=None):
        """Each optional argument is a callable on one layer's tensors, in codes less zero point:

        program(layer, w) -> w' as the tile holds it; analog(layer, v) -> v' before the ADC; correct(layer, d) -> d;
        denoise(layer, d, v, x) -> d (not yet rounded), x being what the layer read; record(layer, d) sees what is stored
        after all of them.
        """
        result = {"image": pixels.float().contiguous(memory_format=torch.channels_last)}
        for position, layer in enumerate(self.layers):
            weight, bias = self.weight(layer)
            x = result[layer.source]
            held = weight if program is None else program(layer, weight)
            acc = F.conv2d(x, held, bias, layer.stride, layer.padding, groups=groups(layer, weight))
            v = acc * getattr(self, f"{layer.name}_multiplier").to(acc.dtype)
            low, high = -128 - layer.z_v, 127 - layer.z_v
            d = round_clamp(v if analog is None else analog(layer, v), low, high)
            if correct is not None:
                d = round_clamp(correct(layer, d), low, high)
            if denoise is not None:
                d = round_clamp(denoise(layer, d, v, x), low, high)
            if record is not None:
                record(layer, d)
            result[layer.name] = self.stored(layer, d, result)
            networks.forget_unread(result, self.layers, position)
        return d.flatten(1)

    def stored(self, layer, d, result):
        """What follows the convolution: addition, rescaling, ReLU, pooling."""
        if not layer.plain:
            u = d * (layer.s_v / layer.s_y)
            if layer.residual is not None:
                u = u + result[layer.residual] * (self.by_name[layer.residual].s_p / layer.s_y)
            d = round_clamp(u, 0 if layer.relu else -128 - layer.z_y, 127 - layer.z_y)
        if layer.pool == "global":
            d = round_clamp(networks.pooled(layer, d.float()) * (layer.s_y / layer.s_p), 0, 255)
        return networks.pooled(layer, d) if layer.pool == "max" else d


def quantise(model, images, head_level=0.0):
    """FloatNet and calibration images uint8 [n, c, h, w] -> QuantNet.

    head_level is subtracted from every logit, which changes no answer (neither argmax nor softmax), but multiplicative
    noise is smallest near zero: with the runners-up there, it seldom lifts them over the winner.
    """
    layers, weights = copy.deepcopy(model.layers), folded_weights(model)
    weights["head"] = (weights["head"][0], weights["head"][1] - head_level)
    with torch.no_grad():
        conv, result, pooled = float_tensors(layers, weights, images.float() / 255, random_part)
    scale_of = {"image": float(np.float32(1 / 255))}
    integer = {}
    for layer in layers:
        layer.s_in = scale_of[layer.source]
        layer.s_v, layer.z_v = best_range(conv[layer.name], False)
        layer.s_y, layer.z_y = (layer.s_v, layer.z_v) if layer.plain else best_range(result[layer.name], True)
        layer.s_p = best_range(pooled[layer.name], True)[0] if layer.pool == "global" else layer.s_y
        scale_of[layer.name] = layer.s_p
        weight, bias = weights[layer.name]
        scale = (weight.abs().amax((1, 2, 3)) / 127).clamp_min(1e-8)
        integer[layer.name] = ((weight / scale[:, None, None, None]).round().clamp(-127, 127), scale,
                               (bias.double() / torch.from_numpy(np.float32(layer.s_in) * scale.numpy())).round())
    return QuantNet(layers, integer)


def logits_accuracy(net, images, labels, batch=500, **hooks):
    """Share of padded images uint8 [n, c, h, w] whose largest logit code is the label's."""
    right, where = 0, next(net.buffers()).device
    with torch.no_grad():
        for i in range(0, len(images), batch):
            right += (net(images[i:i + batch].to(where), **hooks).argmax(1).cpu() == labels[i:i + batch]).sum().item()
    return right / len(images)
