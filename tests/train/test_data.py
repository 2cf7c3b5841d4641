"""The IDX reader: shapes, padding, damaged files. Augmentation: only pixels of the image, zeros where none is left."""
import gzip
import struct
import tarfile

import numpy as np
import pytest
import torch
from PIL import Image

from train import data, image_files


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


@pytest.mark.parametrize("channels", [1, 3])
def test_augmentation_only_moves_and_erases(channels):
    x = torch.rand(32, channels, 32, 32) + 1
    generator = torch.Generator().manual_seed(1)
    same = data.augment(x, 0, 0, generator)
    assert all(torch.equal(a, b) or torch.equal(a, b.flip(2)) for a, b in zip(same, x))
    moved = data.augment(x, 2, 6, generator)
    assert (moved[moved > 0] >= 1).all() and (moved == 0).any()


def write_cifar(folder, count=6):
    """Files of CIFAR-10's binary form; image i of a file is all i, its label i % 10."""
    folder.mkdir(parents=True)
    for name in [f"data_batch_{i}" for i in range(1, 6)] + ["test_batch"]:
        (folder / f"{name}.bin").write_bytes(b"".join(bytes([i % 10]) + bytes([i]) * 1024 + bytes([i + 1]) * 1024 + bytes([i + 2]) * 1024 for i in range(count)))
    (folder / "batches.meta.txt").write_text("\n".join(f"name{i}" for i in range(10)) + "\n")


@pytest.mark.parametrize("inside", ["", "cifar-10-batches-bin"])
def test_reads_cifar_binary_files(tmp_path, monkeypatch, inside):
    write_cifar(tmp_path / "set" / inside)
    monkeypatch.setenv("CIFAR10", str(tmp_path / "set"))
    made = data.load("cifar10", 20)
    assert made.title == "CIFAR-10" and made.classes[3] == "name3" and made.channels == 3
    assert made.train.images.shape == (20, 3, 32, 32) and made.test.labels.tolist() == [0, 1, 2, 3, 4, 5]
    assert made.test.images[4].flatten(1).unique(dim=1).tolist() == [[4], [5], [6]]


@pytest.mark.parametrize("content, message", [(b"", "0 bytes"), (b"x" * 3074, "3074 bytes"), (b"\x0b" + bytes(3072), "label 11")])
def test_damaged_cifar_files_are_refused(tmp_path, content, message):
    (tmp_path / "data_batch_1.bin").write_bytes(content)
    with pytest.raises(ValueError, match=message):
        image_files.read_cifar_file(tmp_path / "data_batch_1.bin")


def write_tree(folder, held_out, size=(32, 32), kind="jpg", classes=("n01", "n02", "n03")):
    for split in ("train", held_out):
        for number, label in enumerate(classes):
            (folder / split / label).mkdir(parents=True)
            for i in range(4):
                Image.new("RGB", size, (80 * number, 20 * i, 7)).save(folder / split / label / f"{i:04}.{kind}", **({"quality": 75} if kind == "jpg" else {}))


def test_reads_a_folder_a_class_and_says_that_it_is_jpeg(tmp_path, monkeypatch):
    write_tree(tmp_path / "set", "test")
    monkeypatch.setattr(data, "CACHE", tmp_path / "cache")
    monkeypatch.setenv("CIFAR10", str(tmp_path / "set"))
    made = data.load("cifar10")
    assert made.title == "CIFAR-10, JPEG-75" and made.classes == ["n01", "n02", "n03"]
    # The first of every class comes first, so that a part of the set has all.
    assert made.train.labels.tolist() == [0, 1, 2] * 4
    assert made.test.images[5].float().mean((1, 2)).tolist() == pytest.approx([160, 20, 7], abs=4)
    monkeypatch.setattr(image_files, "decode", None)
    assert torch.equal(data.load("cifar10").test.images, made.test.images)  # mapped, not decoded again


def test_reads_an_archive_of_folders(tmp_path, monkeypatch):
    write_tree(tmp_path / "set", "test", kind="png")
    with tarfile.open(tmp_path / "set.tar.xz", "w:xz") as tar:
        tar.add(tmp_path / "set", "some-folder")
    monkeypatch.setattr(data, "CACHE", tmp_path / "cache")
    monkeypatch.setenv("CIFAR10", str(tmp_path / "set.tar.xz"))
    made = data.load("cifar10")
    assert made.title == "CIFAR-10" and made.test.images[5, :, 3, 3].tolist() == [160, 20, 7]


def test_reads_imagenets_layout_and_scales(tmp_path, monkeypatch):
    """train/ and val/ with folders of WordNet numbers, pictures of any size: the shorter side is scaled, the middle cut out."""
    write_tree(tmp_path / "set", "val", (90, 60), "JPEG".lower())
    wide = Image.new("RGB", (120, 60), (255, 0, 0))
    wide.paste((0, 0, 255), (30, 0, 90, 60))
    wide.save(tmp_path / "set/val/n02/0002.jpeg", quality=95)
    monkeypatch.setattr(data, "CACHE", tmp_path / "cache")
    monkeypatch.setenv("IMAGENET", str(tmp_path / "set"))
    made = data.load("imagenet", size=48)
    assert made.train.images.shape == (12, 3, 48, 48) and made.classes == ["n01", "n02", "n03"] and made.title.startswith("ImageNet-1k")
    blue = made.test.images[7].float()
    assert blue[2, :, 2:-2].mean() > 240 and blue[0, :, 2:-2].mean() < 15


def test_trees_that_are_none_are_refused(tmp_path):
    (tmp_path / "set/train/a").mkdir(parents=True)
    Image.new("RGB", (4, 4)).save(tmp_path / "set/train/a/0.png")
    with pytest.raises(ValueError, match="neither CIFAR-10"):
        image_files.read(tmp_path / "set", tmp_path / "cache", 4)
    (tmp_path / "set/val/b").mkdir(parents=True)
    Image.new("RGB", (4, 4)).save(tmp_path / "set/val/b/0.png")
    with pytest.raises(ValueError, match="other classes"):
        image_files.read(tmp_path / "set", tmp_path / "cache", 4)


def test_missing_set_says_which_setting(monkeypatch):
    monkeypatch.delenv("CIFAR10", raising=False)
    with pytest.raises(data.Missing, match="set CIFAR10"):
        data.load("cifar10")


@pytest.mark.parametrize("channels", [1, 3])
def test_written_idx_reads_back(tmp_path, channels):
    images = torch.randint(0, 256, (5, channels, 8, 9), dtype=torch.uint8)
    back = torch.from_numpy(data.read_idx(data.write_idx(tmp_path / "i.idx", images)))
    assert torch.equal(back if channels == 3 else back[..., None], images.permute(0, 2, 3, 1))
