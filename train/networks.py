"""The backbones, each described once as a list of layers, and the float network that such a list stands for.

A layer is what the chip calls one: a convolution (or the head, a 1x1 convolution on a 1x1 image), then optionally the
addition of an earlier result, ReLU, and pooling. quantise.py and export.py walk the same list.
"""
from dataclasses import dataclass

import torch
import torch.nn as nn
import torch.nn.functional as F


@dataclass
class Layer:
    name: str
    source: str             # name of the tensor read: "image" or a layer's name
    stride: int
    padding: int
    relu: bool
    residual: str | None    # name of the layer whose result is added before the ReLU
    channels: int = 0       # outputs
    kernel: int = 3
    depthwise: bool = False
    pool: str | None = None  # after the ReLU: "max" (2x2) or "global" (average of all pixels)
    s_in: float = 0.0       # scale of the input
    s_v: float = 0.0        # scale and zero point of the convolution's output (the ADC's codes)
    z_v: int = 0
    s_y: float = 0.0        # scale and zero point after addition and ReLU; equal to s_v, z_v where neither follows
    z_y: int = 0
    s_p: float = 0.0        # scale after pooling; equal to s_y without and for "max"

    @property
    def plain(self):
        return not self.relu and self.residual is None


def conv(name, source, channels, kernel=3, stride=1, relu=True, residual=None, depthwise=False, pool=None):
    return Layer(name, source, stride, kernel // 2, relu, residual, channels, kernel, depthwise, pool)


def resnet(blocks, widths, classes):
    """`blocks` basic blocks in each stack (He et al., 2015), a 1x1 convolution as shortcut where size and width change.

    blocks 1 is the shape of MLPerf Tiny's ResNet-8 (https://github.com/mlcommons/tiny), 3 is ResNet-20.
    """
    layers, source = [conv("stem", "image", widths[0])], "stem"
    for number in range(len(widths) * blocks):
        stack, name = number // blocks, f"block{number}"
        stride = 2 if stack and number % blocks == 0 else 1
        layers.append(conv(f"{name}_conv1", source, widths[stack], stride=stride))
        residual = source
        if stride > 1:
            residual = f"{name}_shortcut"
            layers.append(conv(residual, source, widths[stack], 1, stride, relu=False))
        layers.append(conv(f"{name}_conv2", f"{name}_conv1", widths[stack], residual=residual))
        source = f"{name}_conv2"
    layers[-1].pool = "global"
    return layers + [conv("head", source, classes, 1, relu=False)]


def mobilenet(width, classes):
    """MobileNetV1 (Howard et al., 2017) with the first two of its five halvings left out, since images have 32 pixels."""
    scaled = lambda channels: max(8, int(channels * width))
    pairs = [(64, 1), (128, 1), (128, 1), (256, 2), (256, 1), (512, 2)] + [(512, 1)] * 5 + [(1024, 2), (1024, 1)]
    layers, channels = [conv("stem", "image", scaled(32))], scaled(32)
    for number, (wanted, stride) in enumerate(pairs):
        layers.append(conv(f"pair{number}_depthwise", layers[-1].name, channels, stride=stride, depthwise=True))
        channels = scaled(wanted)
        layers.append(conv(f"pair{number}_pointwise", layers[-1].name, channels, 1))
    layers[-1].pool = "global"
    return layers + [conv("head", layers[-1].name, classes, 1, relu=False)]


def vgg(widths, classes):
    """Plain 3x3 convolutions (Simonyan and Zisserman, 2014), two a resolution, wide where the image is small."""
    layers, source = [], "image"
    for number, channels in enumerate(widths):
        layers.append(conv(f"conv{number}", source, channels, pool="max" if number % 2 else None))
        source = layers[-1].name
    layers[-1].pool = "global"
    return layers + [conv("head", source, classes, 1, relu=False)]


BACKBONES = {
    "resnet8": lambda classes: resnet(1, (16, 32, 64), classes),
    "resnet20": lambda classes: resnet(3, (16, 32, 64), classes),
    "mobilenet": lambda classes: mobilenet(0.25, classes),
    "vgg": lambda classes: vgg((32, 64, 64, 192, 192, 256, 256), classes),
}


class ConvBN(nn.Sequential):
    def __init__(self, cin, layer):
        super().__init__(nn.Conv2d(cin, layer.channels, layer.kernel, layer.stride, layer.padding,
                                   groups=cin if layer.depthwise else 1, bias=False), nn.BatchNorm2d(layer.channels))


def pooled(layer, x):
    return F.max_pool2d(x, 2) if layer.pool == "max" else x.mean((2, 3), keepdim=True) if layer.pool == "global" else x


class FloatNet(nn.Module):
    """float [n, channels, h, w] in 0 ... 1 -> logits [n, classes]."""

    def __init__(self, backbone, channels=3, classes=10):
        """backbone: a name of BACKBONES."""
        super().__init__()
        self.layers = BACKBONES[backbone](classes)
        self.parts = nn.ModuleDict()
        width = {"image": channels}
        for layer in self.layers:
            cin, width[layer.name] = width[layer.source], layer.channels
            self.parts[layer.name] = ConvBN(cin, layer) if layer.name != "head" else nn.Conv2d(cin, classes, 1)

    def forward(self, x):
        result = {"image": x}
        for layer in self.layers:
            y = self.parts[layer.name](result[layer.source])
            y = y if layer.residual is None else y + result[layer.residual]
            result[layer.name] = pooled(layer, F.relu(y) if layer.relu else y)
        return y.flatten(1)


def forget_unread(result, layers, position):
    """Drop tensors that no layer after `position` reads: the wide networks would not fit a small machine's memory."""
    later = {name for layer in layers[position + 1:] for name in (layer.source, layer.residual)}
    for name in [name for name in result if name not in later]:
        del result[name]
