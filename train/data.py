"""Image sets as uint8 tensors [n, channels, h, w], their labels, and batches of them.

Where a set lies is one setting each, read from the environment: FASHION_MNIST (the folder of the four gzip IDX files; by
default where Debian's dataset-fashion-mnist puts them), CIFAR10 and IMAGENET. CIFAR10 and IMAGENET are a folder of the
official CIFAR-10 binary files, or a folder (or .tar of it) per split and class: train/<class>/*.jpg, test/ or val/ likewise.
What is read that way is decoded once into build/data and then mapped into memory.

Formats: IDX, http://yann.lecun.com/exdb/mnist/ ("FILE FORMATS"); CIFAR-10, https://www.cs.toronto.edu/~kriz/cifar.html.
"""
import os
import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from . import image_files
from .config import ROOT

FASHION_CLASSES = ["T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"]
CACHE = ROOT / "build/data"
# Setting, side of the images, zero pixels added on each side (quell.padding of the ONNX file).
SETS = {"fashion_mnist": ("FASHION_MNIST", 28, 2), "cifar10": ("CIFAR10", 32, 0), "imagenet": ("IMAGENET", 224, 0)}


class Missing(RuntimeError):
    """The data set is not on this computer."""


@dataclass
class Split:
    images: torch.Tensor     # uint8 [n, channels, h, w], without padding
    labels: torch.Tensor     # int64 [n]


@dataclass
class Set:
    title: str               # for people: "CIFAR-10, JPEG-75"
    train: Split
    test: Split
    classes: list            # names
    padding: int

    @property
    def channels(self):
        return self.train.images.shape[1]

    def padded(self, images):
        return F.pad(images, (self.padding,) * 4)


def place(name):
    """Path of a set, or None: the setting is empty, or nothing lies there."""
    default = "/usr/share/datasets/fashion-mnist" if name == "fashion_mnist" else ""
    path = os.environ.get(SETS[name][0]) or default
    return Path(path) if path and Path(path).exists() else None


def load(name, train_images=None, size=None):
    """One of SETS -> Set. train_images: only the first so many. size: another side for the images of IMAGENET."""
    setting, side, padding = SETS[name]
    path = place(name)
    if path is None:
        raise Missing(f"no {name} here: set {setting} to its place (docs/training.md)")
    if name == "fashion_mnist":
        splits, classes, title = read_fashion(path), FASHION_CLASSES, "Fashion-MNIST"
    else:
        splits, classes, form = image_files.read(path, CACHE, size or side)
        title = {"cifar10": "CIFAR-10", "imagenet": "ImageNet-1k"}[name] + (f", {form}" if form else "")
    train, test = (Split(torch.from_numpy(images), torch.from_numpy(labels)) for images, labels in splits)
    train = Split(train.images[:train_images], train.labels[:train_images])
    return Set(title, train, test, classes, padding)


def read_idx(path):
    """Read a (gzip-compressed) IDX file of uint8 -> numpy array, shape as the header says. Raises ValueError if damaged."""
    raw = image_files.contents(path)
    if len(raw) < 4 or raw[0] or raw[1] or raw[2] != 8:
        raise ValueError(f"{path}: not an IDX file of unsigned bytes")
    dims = raw[3]
    start = 4 + 4 * dims
    if len(raw) < start:
        raise ValueError(f"{path}: header cut short")
    shape = struct.unpack(f">{dims}I", raw[4:start])
    if len(raw) - start != int(np.prod(shape)):
        raise ValueError(f"{path}: {len(raw) - start} bytes of data, the header promises {int(np.prod(shape))}")
    return np.frombuffer(raw, np.uint8, offset=start).reshape(shape).copy()


def write_idx(path, images):
    """uint8 [n, channels, h, w] -> an IDX file of n x h x w x channels, which libquell reads."""
    pixels = images.permute(0, 2, 3, 1).contiguous().numpy()
    return write_bytes_idx(path, pixels[..., 0] if pixels.shape[3] == 1 else pixels)


def write_idx_labels(path, labels):
    """Class numbers -> an IDX file of them."""
    return write_bytes_idx(path, labels.numpy().astype(np.uint8))


def write_bytes_idx(path, values):
    """uint8 array -> IDX. An equal file is left alone: others may be reading it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    content = bytes([0, 0, 8, values.ndim]) + struct.pack(f">{values.ndim}I", *values.shape) + values.tobytes()
    if not path.exists() or path.read_bytes() != content:
        scratch = path.with_name(f"{path.name}.{os.getpid()}")
        scratch.write_bytes(content)
        scratch.replace(path)
    return path


def read_fashion(folder):
    """-> ((images, labels) of the training set, the same of the test set)."""
    splits = []
    for split in ("train", "t10k"):
        images = read_idx(folder / f"{split}-images-idx3-ubyte.gz")[:, None]
        labels = read_idx(folder / f"{split}-labels-idx1-ubyte.gz").astype(np.int64)
        if len(images) != len(labels):
            raise ValueError(f"{folder}: {len(images)} images but {len(labels)} labels")
        splits.append((images, labels))
    return splits


def augment(x, shift, erase, generator):
    """Random shift, horizontal flip and erased square of a float batch [n, c, h, w]; empty pixels become 0. All on the generator's device, which is x's."""
    n, c, h, w = x.shape
    draw = lambda low, high: torch.randint(low, high, (n, 1), generator=generator, device=x.device)
    count = lambda size: torch.arange(size, device=x.device)
    rows = count(h) + draw(-shift, shift + 1)
    columns = count(w) + draw(-shift, shift + 1)
    columns = torch.where(draw(0, 2) == 1, columns.flip(1), columns)
    seen = ((rows >= 0) & (rows < h))[:, :, None] & ((columns >= 0) & (columns < w))[:, None, :]
    if erase:
        side, top, left = draw(0, erase + 1), draw(0, h), draw(0, w)
        y, z = count(h)[None], count(w)[None]
        seen &= ~(((y >= top) & (y < top + side))[:, :, None] & ((z >= left) & (z < left + side))[:, None, :])
    index = rows.clamp(0, h - 1)[:, :, None] * w + columns.clamp(0, w - 1)[:, None, :]
    return (x.flatten(2).gather(2, index.flatten(1)[:, None].expand(n, c, h * w)).view(n, c, h, w) * seen[:, None])


def batches(images, labels, size, generator):
    """Endless shuffled epochs are the caller's loop; this is one epoch of (pixels / 255 float32, labels)."""
    order = torch.randperm(len(images), generator=generator, device=labels.device)
    for i in range(0, len(order) - size + 1, size):
        pick = order[i:i + size]
        yield images[pick].float() / 255, labels[pick]
