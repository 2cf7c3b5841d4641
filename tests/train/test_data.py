"""The IDX reader: shapes, padding, damaged files. Augmentation: only pixels of the image, zeros where none is left."""
import gzip
import struct

import numpy as np
import pytest
import torch

from train import data


def write(path, header, body):
    path.write_bytes(gzip.compress(header + body))
    return path


def test_reads_fashion_images_and_labels(tmp_path):
    pixels = np.arange(2 * 28 * 28, dtype=np.uint32).astype(np.uint8)
    for split in ("train", "t10k"):
        write(tmp_path / f"{split}-images-idx3-ubyte.gz", struct.pack(">4I", 0x803, 2, 28, 28), pixels.tobytes())
        write(tmp_path / f"{split}-labels-idx1-ubyte.gz", struct.pack(">2I", 0x801, 2), bytes([7, 3]))
    train, test = data.read_fashion(tmp_path)
    assert test[0].shape == (2, 1, 28, 28) and test[0].dtype == np.uint8 and test[1].tolist() == [7, 3]
    assert (test[0].ravel() == pixels).all()
    images = data.Set("", None, None, [], 2).padded(torch.from_numpy(test[0]))
    assert images.shape == (2, 1, 32, 32) and images[:, 0, :2].sum() == 0 and images[:, 0, :, 30:].sum() == 0


@pytest.mark.parametrize("header, body, message", [
    (b"", b"", "not an IDX file"), (b"\0\0\x0d\x01\0\0\0\1", b"x", "not an IDX file"),
    (struct.pack(">2I", 0x803, 2), b"", "header cut short"), (struct.pack(">2I", 0x801, 5), b"abc", "promises 5")])
def test_damaged_files_are_refused(tmp_path, header, body, message):
    with pytest.raises(ValueError, match=message):
        data.read_idx(write(tmp_path / "bad.gz", header, body))


def test_augmentation_only_moves_and_erases():
    x = torch.rand(32, 1, 32, 32) + 1
    generator = torch.Generator().manual_seed(1)
    same = data.augment(x, 0, 0, generator)
    assert all(torch.equal(a, b) or torch.equal(a, b.flip(2)) for a, b in zip(same, x))
    moved = data.augment(x, 2, 6, generator)
    assert (moved[moved > 0] >= 1).all() and (moved == 0).any()
