# SPDX-License-Identifier: Apache-2.0
"""Networks in published shapes with random weights, as QDQ models: what people come with.

NETWORKS: name -> (maker of (forms.Net, its output), images of the test). Sources of the shapes: LeCun et al. 1998 (LeNet-5, with maximum pools and ReLU);
MLPerf Tiny 1.x (keyword spotting, anomaly detection, visual wake words); Howard et al. 2017 (MobileNet), Sandler et al. 2018 (MobileNetV2), He et al. 2015 (ResNet-18).
"""
import numpy as np

from forms import Net


def layer(net, x, outputs, *, six=False, **how):
    """Convolution, ReLU or ReLU6, codes."""
    y = net.conv(x, outputs, **how)
    return net.pair(net.node("Clip", [y, net.constant(np.float32(0)), net.constant(np.float32(6))]) if six else net.node("Relu", [y]))


def depthwise(net, x, stride=1, **how):
    c = net.values[x].shape[1]
    return layer(net, x, c, group=c, stride=stride, **how)


def dense(net, x, outputs, relu=True):
    y = net.dense(x, outputs)
    return net.pair(net.node("Relu", [y]) if relu else y)


def flatten(net, x):
    return net.node("Flatten", [x], axis=1)


def max_pool(net, x, kernel, stride, pad=0):
    return net.pair(net.node("MaxPool", [x], kernel_shape=[kernel] * 2, strides=[stride] * 2, pads=[pad] * 4))


def lenet5():
    net = Net(shape=(1, 28, 28), batch=1)
    x = max_pool(net, layer(net, net.start(), 6, kernel=5), 2, 2)
    x = max_pool(net, layer(net, x, 16, kernel=5, pads=[0] * 4), 2, 2)
    x = dense(net, dense(net, flatten(net, x), 120), 84)
    return net, dense(net, x, 10, relu=False)


def keyword_spotting():
    """49 windows of 10 coefficients."""
    net = Net(shape=(1, 49, 10), batch=1)
    x = layer(net, net.start(), 64, kernel=(10, 4), stride=2, pads=[4, 1, 5, 1])
    for _ in range(4):
        x = layer(net, depthwise(net, x), 64, kernel=1)
    return net, net.head(x, 12)


def anomaly_detection():
    """An autoencoder of 640 values."""
    net = Net(shape=(1, 1, 640), batch=1)
    x = flatten(net, net.start())
    for width in (128, 128, 128, 128, 8, 128, 128, 128, 128):
        x = dense(net, x, width)
    return net, dense(net, x, 640, relu=False)


def mobilenet(size, classes, width=0.25):
    net = Net(shape=(3, size, size), batch=1)
    x = layer(net, net.start(), int(32 * width), stride=2, six=True, pads=[0, 0, 1, 1])
    for outputs, stride in ((64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), *((512, 1),) * 5, (1024, 2), (1024, 1)):
        pads = [0, 0, 1, 1] if stride == 2 else [1] * 4
        x = layer(net, depthwise(net, x, stride, six=True, pads=pads), int(outputs * width), kernel=1, six=True)
    return net, net.head(x, classes)


def mobilenet_v2():
    net = Net(shape=(3, 96, 96), batch=1)
    x = layer(net, net.start(), 16, stride=2, six=True)
    for expand, outputs, repeats, stride in ((1, 8, 1, 1), (6, 8, 2, 2), (6, 16, 3, 2), (6, 24, 4, 2), (6, 32, 3, 1), (6, 56, 3, 2), (6, 112, 1, 1)):
        for i in range(repeats):
            step, c = stride if i == 0 else 1, net.values[x].shape[1]
            y = layer(net, x, c * expand, kernel=1, six=True) if expand > 1 else x
            y = net.pair(net.conv(depthwise(net, y, step, six=True), outputs, kernel=1))
            x = net.pair(net.node("Add", [x, y])) if step == 1 and c == outputs else y
    return net, net.head(layer(net, x, 1280, kernel=1, six=True), 10)


def resnet18():
    net = Net(shape=(3, 224, 224), batch=1)
    x = max_pool(net, layer(net, net.start(), 64, kernel=7, stride=2, pads=[3] * 4), 3, 2, 1)
    for outputs, stride in ((64, 1), (64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), (512, 1)):
        short = x if stride == 1 else net.pair(net.conv(x, outputs, kernel=1, stride=stride))
        y = net.pair(net.conv(layer(net, x, outputs, stride=stride), outputs))
        x = net.pair(net.node("Relu", [net.node("Add", [y, short])]))
    return net, net.head(x, 1000)


NETWORKS = {
    "lenet5": (lenet5, 4),
    "keyword_spotting": (keyword_spotting, 4),
    "anomaly_detection": (anomaly_detection, 4),
    "visual_wake_words": (lambda: mobilenet(96, 2), 2),
    "mobilenet_128": (lambda: mobilenet(128, 1000), 2),
    "mobilenet_v2_96": (mobilenet_v2, 2),
    "resnet18_224": (resnet18, 1),
}
ON_THE_CHIP = ["lenet5", "keyword_spotting"]  # what its own memories hold
