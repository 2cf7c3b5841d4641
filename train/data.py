"""Fashion-MNIST from the gzip IDX files: images as uint8 tensors, zero-padded to 32 x 32, and labels.

IDX format: big-endian magic 0x00000803 (images: count, rows, columns) or 0x00000801 (labels: count), then bytes
(http://yann.lecun.com/exdb/mnist/, "FILE FORMATS").
"""
import gzip
import struct
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

CLASSES = ["T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"]


def read_idx(path):
    """Read a (gzip-compressed) IDX file of uint8 -> numpy array, shape as the header says. Raises ValueError if damaged."""
    path = Path(path)
    raw = gzip.open(path).read() if path.suffix == ".gz" else path.read_bytes()
    if len(raw) < 4 or raw[0] or raw[1] or raw[2] != 8:
        raise ValueError(f"{path}: not an IDX file of unsigned bytes")
    dims = raw[3]
    start = 4 + 4 * dims
    if len(raw) < start:
        raise ValueError(f"{path}: header cut short")
    shape = struct.unpack(f">{dims}I", raw[4:start])
    if len(raw) - start != int(np.prod(shape)):
        raise ValueError(f"{path}: {len(raw) - start} bytes of data, the header promises {int(np.prod(shape))}")
    return np.frombuffer(raw, np.uint8, offset=start).reshape(shape)


def load(folder, split, padding=2, limit=None):
    """split "train" or "t10k" -> images uint8 [n, 1, 28 + 2 padding, 28 + 2 padding], labels int64 [n]."""
    folder = Path(folder)
    images = torch.from_numpy(read_idx(folder / f"{split}-images-idx3-ubyte.gz")[:limit].copy())
    labels = torch.from_numpy(read_idx(folder / f"{split}-labels-idx1-ubyte.gz")[:limit].astype(np.int64))
    if len(images) != len(labels):
        raise ValueError(f"{folder}: {len(images)} images but {len(labels)} labels")
    return F.pad(images, (padding,) * 4).unsqueeze(1), labels


def augment(x, shift, erase, generator):
    """Random shift, horizontal flip and erased square of a float batch [n, 1, h, w]; empty pixels become 0."""
    n, _, h, w = x.shape
    draw = lambda low, high: torch.randint(low, high, (n, 1), generator=generator)
    rows = torch.arange(h) + draw(-shift, shift + 1)
    columns = torch.arange(w) + draw(-shift, shift + 1)
    columns = torch.where(draw(0, 2) == 1, columns.flip(1), columns)
    seen = ((rows >= 0) & (rows < h))[:, :, None] & ((columns >= 0) & (columns < w))[:, None, :]
    index = rows.clamp(0, h - 1)[:, :, None] * w + columns.clamp(0, w - 1)[:, None, :]
    out = x.flatten(1).gather(1, index.flatten(1)).view(n, h, w) * seen
    if erase:
        side, top, left = draw(0, erase + 1), draw(0, h), draw(0, w)
        y, z = torch.arange(h)[None], torch.arange(w)[None]
        hole = ((y >= top) & (y < top + side))[:, :, None] & ((z >= left) & (z < left + side))[:, None, :]
        out = out.masked_fill(hole, 0)
    return out.unsqueeze(1)


def batches(images, labels, size, generator):
    """Endless shuffled epochs are the caller's loop; this is one epoch of (pixels / 255 float32, labels)."""
    order = torch.randperm(len(images), generator=generator)
    for i in range(0, len(order) - size + 1, size):
        pick = order[i:i + size]
        yield images[pick].float() / 255, labels[pick]
