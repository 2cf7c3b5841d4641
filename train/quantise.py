"""Batch-norm folding, calibration, and the quantised network that stands for the integers while training.

Number formats are those of docs/arithmetic.md: int8 weights with a scale per output channel, int8 activations with scale
and zero point per tensor, every convolution's output quantised *before* ReLU and addition, because that is what leaves
the analog tile's ADC. Tensors here hold d = code - zero point as floats; a float32 carries them exactly.
"""
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F


@dataclass
class Layer:
    """One convolution (or the head, a 1x1 convolution on a 1x1 image) and what follows it up to its stored result."""
    name: str
    source: str            # name of the tensor read: "image", "pool" or a layer's name
    stride: int
    padding: int
    relu: bool
    residual: str | None   # name of the layer whose result is added before the ReLU
    s_in: float = 0.0      # scale of the input
    s_v: float = 0.0       # scale and zero point of the convolution's output (the ADC's codes)
    z_v: int = 0
    s_y: float = 0.0       # scale and zero point after addition and ReLU; equal to s_v, z_v where neither follows
    z_y: int = 0

    @property
    def plain(self):
        return not self.relu and self.residual is None


def plan():
    """The layers of ResNet-8 in the order in which they run."""
    layers = [Layer("stem", "image", 1, 1, True, None)]
    source = "stem"
    for i, stride in enumerate((1, 2, 2)):
        layers.append(Layer(f"block{i}_conv1", source, stride, 1, True, None))
        residual = source
        if stride > 1:
            residual = f"block{i}_shortcut"
            layers.append(Layer(residual, source, stride, 0, False, None))
        layers.append(Layer(f"block{i}_conv2", f"block{i}_conv1", 1, 1, True, residual))
        source = f"block{i}_conv2"
    layers.append(Layer("head", "pool", 1, 0, False, None))
    return layers


class RoundClamp(torch.autograd.Function):
    """Round half to even and clamp; the gradient passes straight through where nothing was clamped."""

    @staticmethod
    def forward(ctx, x, low, high):
        ctx.save_for_backward((x >= low) & (x <= high))
        return x.round().clamp_(low, high)

    @staticmethod
    def backward(ctx, grad):
        return grad * ctx.saved_tensors[0], None, None


round_clamp = RoundClamp.apply


def fold(conv, bn):
    """Convolution and batch norm (eval mode) -> weight [o, i, k, k], bias [o] of one convolution."""
    gain = bn.weight / torch.sqrt(bn.running_var + bn.eps)
    return (conv.weight * gain[:, None, None, None]).detach(), (bn.bias - bn.running_mean * gain).detach()


def folded_weights(model):
    """ResNet8 -> {layer name: (weight [o, i, k, k], bias [o])}."""
    out = {"stem": fold(*model.stem)}
    for i, block in enumerate(model.blocks):
        for part in ("conv1", "conv2", "shortcut"):
            if getattr(block, part) is not None:
                out[f"block{i}_{part}"] = fold(*getattr(block, part))
    out["head"] = (model.head.weight.detach()[:, :, None, None], model.head.bias.detach())
    return out


def float_tensors(layers, weights, x):
    """Run the folded float network on x [n, 1, h, w] -> {name: conv output}, {name: result}; "pool" is among the results."""
    conv, result = {}, {"image": x}
    for layer in layers:
        if layer.source == "pool":
            result["pool"] = result[layers[-2].name].mean((2, 3), keepdim=True)
        y = conv[layer.name] = F.conv2d(result[layer.source], *weights[layer.name], layer.stride, layer.padding)
        y = y if layer.residual is None else y + result[layer.residual]
        result[layer.name] = F.relu(y) if layer.relu else y
    return conv, result


def best_range(x, unsigned):
    """Scale and zero point with the least squared error over x (float, any shape).

    unsigned: values are >= 0 and the zero point is -128. Otherwise both ends shrink by the same factor.
    """
    x = x.flatten()
    sample = x[torch.randperm(len(x), generator=torch.Generator().manual_seed(0))[:200_000]]
    low, high = (0.0, x.max().item()) if unsigned else (min(x.min().item(), 0.0), max(x.max().item(), 0.0))
    best = None
    for share in np.linspace(0.3, 1.0, 36):
        scale = float(np.float32((high - low) * share / 255))
        zero = int(np.clip(np.round(-128 - low * share / scale), -128, 127))
        code = (sample / scale).round().clamp(-128 - zero, 127 - zero)
        error = (code * scale - sample).square().mean().item()
        if best is None or error < best[0]:
            best = (error, scale, zero)
    return best[1:]


class QuantNet(nn.Module):
    """The integers in floats. forward: pixels uint8 [n, 1, h, w] -> logit codes less the zero point, [n, 10].

    Weights, biases and scales are buffers: an optimiser has nothing here to change.
    """

    def __init__(self, layers, weights):
        """layers with all scales set; weights {name: (int8-valued weight, weight scale [o], int32-valued bias)}."""
        super().__init__()
        self.layers = layers
        self.by_name = {layer.name: layer for layer in layers}
        self.pool_scale = self.by_name["head"].s_in
        for layer in layers:
            weight, scale, bias = weights[layer.name]
            self.register_buffer(f"{layer.name}_weight", weight.float())
            self.register_buffer(f"{layer.name}_scale", scale.float())
            self.register_buffer(f"{layer.name}_bias", bias.float())
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

    def forward(self, pixels, analog=None, correct=None, denoise=None, record=None):
        """Each optional argument is a callable on one layer's tensors, in codes less zero point:

        analog(layer, v) -> v' before the ADC; correct(layer, d) -> d; denoise(layer, d, v) -> d (not yet rounded);
        record(layer, d) sees what is stored after all of them.
        """
        result = {"image": pixels.float().contiguous(memory_format=torch.channels_last)}
        for layer in self.layers:
            if layer.source == "pool":
                last = self.layers[-2]
                pooled = result[last.name].float().mean((2, 3), keepdim=True) * (last.s_y / self.pool_scale)
                result["pool"] = round_clamp(pooled, 0, 255)
            acc = F.conv2d(result[layer.source], getattr(self, f"{layer.name}_weight"), getattr(self, f"{layer.name}_bias"),
                           layer.stride, layer.padding)
            v = acc * getattr(self, f"{layer.name}_multiplier").to(acc.dtype)
            low, high = -128 - layer.z_v, 127 - layer.z_v
            d = round_clamp(v if analog is None else analog(layer, v), low, high)
            if correct is not None:
                d = round_clamp(correct(layer, d), low, high)
            if denoise is not None:
                d = round_clamp(denoise(layer, d, v), low, high)
            if record is not None:
                record(layer, d)
            if layer.plain:
                result[layer.name] = d
                continue
            u = d * (layer.s_v / layer.s_y)
            if layer.residual is not None:
                u = u + result[layer.residual] * (self.by_name[layer.residual].s_y / layer.s_y)
            result[layer.name] = round_clamp(u, 0 if layer.relu else -128 - layer.z_y, 127 - layer.z_y)
        return d.flatten(1)


def quantise(model, images, head_level=0.0):
    """ResNet8 and calibration images uint8 [n, 1, h, w] -> QuantNet.

    head_level is subtracted from every logit, which changes no answer (neither argmax nor softmax), but multiplicative
    noise is smallest near zero: with the runners-up there, it seldom lifts them over the winner.
    """
    layers, weights = plan(), folded_weights(model)
    weights["head"] = (weights["head"][0], weights["head"][1] - head_level)
    with torch.no_grad():
        conv, result = float_tensors(layers, weights, images.float() / 255)
    scale_of = {"image": float(np.float32(1 / 255)), "pool": best_range(result["pool"], True)[0]}
    integer = {}
    for layer in layers:
        layer.s_in = scale_of[layer.source]
        layer.s_v, layer.z_v = best_range(conv[layer.name], False)
        layer.s_y, layer.z_y = (layer.s_v, layer.z_v) if layer.plain else best_range(result[layer.name], True)
        scale_of[layer.name] = layer.s_y
        weight, bias = weights[layer.name]
        scale = (weight.abs().amax((1, 2, 3)) / 127).clamp_min(1e-8)
        integer[layer.name] = ((weight / scale[:, None, None, None]).round().clamp(-127, 127), scale,
                               (bias.double() / torch.from_numpy(np.float32(layer.s_in) * scale.numpy())).round())
    return QuantNet(layers, integer)


def logits_accuracy(net, images, labels, batch=500, **hooks):
    """Share of images [n, 1, h, w] uint8 whose largest logit code is the label's."""
    right = 0
    with torch.no_grad():
        for i in range(0, len(images), batch):
            right += (net(images[i:i + batch], **hooks).argmax(1) == labels[i:i + batch]).sum().item()
    return right / len(images)
