"""ResNet-8 of the MLPerf Tiny shape and its float training.

Shape: https://github.com/mlcommons/tiny (image classification): conv 3x3 -> 16, three stacks of one basic block with
16, 32, 64 channels, stride 2 and a 1x1 shortcut convolution in stacks 2 and 3, global average pooling, dense 10.
Ours has one input channel, and symmetric padding 1.
"""
import copy
import time

import torch
import torch.nn as nn
import torch.nn.functional as F

from . import data


class ConvBN(nn.Sequential):
    def __init__(self, cin, cout, kernel, stride=1):
        super().__init__(nn.Conv2d(cin, cout, kernel, stride, kernel // 2, bias=False), nn.BatchNorm2d(cout))


class Block(nn.Module):
    def __init__(self, cin, cout, stride):
        super().__init__()
        self.conv1 = ConvBN(cin, cout, 3, stride)
        self.conv2 = ConvBN(cout, cout, 3)
        self.shortcut = ConvBN(cin, cout, 1, stride) if stride > 1 else None

    def forward(self, x):
        y = self.conv2(F.relu(self.conv1(x)))
        return F.relu(y + (x if self.shortcut is None else self.shortcut(x)))


class ResNet8(nn.Module):
    """float [n, 1, 32, 32] in 0 ... 1 -> logits [n, 10]."""

    def __init__(self, classes=10):
        super().__init__()
        self.stem = ConvBN(1, 16, 3)
        self.blocks = nn.ModuleList([Block(16, 16, 1), Block(16, 32, 2), Block(32, 64, 2)])
        self.head = nn.Linear(64, classes)

    def forward(self, x):
        x = F.relu(self.stem(x))
        for block in self.blocks:
            x = block(x)
        return self.head(x.mean((2, 3)))


def accuracy(model, images, labels, batch=1000):
    model.eval()
    right = 0
    with torch.no_grad():
        for i in range(0, len(images), batch):
            right += (model(images[i:i + batch].float() / 255).argmax(1) == labels[i:i + batch]).sum().item()
    return right / len(images)


def train(config, checkpoint, say=print):
    """Train, or go on from `checkpoint` (a Path, written after every epoch) -> the averaged model in eval mode."""
    torch.manual_seed(config.seed)
    images, labels = data.load(config.data, "train", config.padding, config.train_images)
    model = ResNet8().to(memory_format=torch.channels_last)
    average = copy.deepcopy(model)
    steps = len(images) // config.batch
    optimiser = torch.optim.SGD(model.parameters(), config.learning_rate, 0.9, weight_decay=config.weight_decay, nesterov=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, config.learning_rate, total_steps=steps * config.epochs + 1, pct_start=0.2)
    first = 0
    if checkpoint.exists():
        state = torch.load(checkpoint)
        model.load_state_dict(state["model"])
        average.load_state_dict(state["average"])
        optimiser.load_state_dict(state["optimiser"])
        schedule.load_state_dict(state["schedule"])
        first = state["epoch"]
    begin = time.time()
    for epoch in range(first, config.epochs):
        generator = torch.Generator().manual_seed(config.seed * 1000 + epoch)
        model.train()
        for x, y in data.batches(images, labels, config.batch, generator):
            x = data.augment(x, config.shift, config.erase, generator).to(memory_format=torch.channels_last)
            with torch.autocast("cpu", torch.bfloat16):
                logits = model(x)
            loss = F.cross_entropy(logits.float(), y, label_smoothing=config.label_smoothing)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
            # A short memory at first, so that the random start is forgotten.
            decay = min(config.ema, schedule.last_epoch / (schedule.last_epoch + 10))
            with torch.no_grad():
                for kept, now in zip(average.state_dict().values(), model.state_dict().values()):
                    kept.copy_(torch.lerp(now, kept, decay) if kept.is_floating_point() else now)
        torch.save({"model": model.state_dict(), "average": average.state_dict(), "optimiser": optimiser.state_dict(),
                    "schedule": schedule.state_dict(), "epoch": epoch + 1}, checkpoint)
        left = (time.time() - begin) / (epoch + 1 - first) * (config.epochs - epoch - 1)
        say(f"backbone epoch {epoch + 1}/{config.epochs}  loss {loss.item():.3f}  {left / 60:.1f} min left")
    return average.eval()
