"""Reading image sets from files: CIFAR-10's binary form, and trees of pictures (a folder per split and class, or a .tar of it).

A tree is decoded once into NumPy files and mapped into memory afterwards, so that a set larger than memory can be used.
"""
import gzip
import hashlib
import io
import tarfile
from pathlib import Path

import numpy as np
from PIL import Image

from .store import described

PICTURES = (".jpg", ".jpeg", ".png")
CIFAR_RECORD = 1 + 3 * 32 * 32


def contents(path):
    path = Path(path)
    return gzip.open(path).read() if path.suffix == ".gz" else path.read_bytes()


def read(path, cache, side):
    """-> [(images uint8 [n, 3, side, side], labels int64 [n]) of the training set, of the test set], class names, form of
    the files ("" if lossless, "JPEG-75" if so compressed)."""
    path = Path(path)
    for folder in (path, path / "cifar-10-batches-bin"):
        if (folder / "data_batch_1.bin").exists():
            return read_cifar(folder)
    return read_tree(path, Path(cache), side)


# ---- CIFAR-10's binary files --------------------------------------------------------------------------------------------


def read_cifar_file(path):
    raw = np.frombuffer(contents(path), np.uint8)
    if len(raw) == 0 or len(raw) % CIFAR_RECORD:
        raise ValueError(f"{path}: {len(raw)} bytes are no whole number of CIFAR-10 records")
    records = raw.reshape(-1, CIFAR_RECORD)
    if records[:, 0].max() > 9:
        raise ValueError(f"{path}: label {records[:, 0].max()} is not one of CIFAR-10's")
    return records[:, 1:].reshape(-1, 3, 32, 32).copy(), records[:, 0].astype(np.int64)


def read_cifar(folder):
    parts = [read_cifar_file(path) for path in sorted(folder.glob("data_batch_*.bin"))]
    train = tuple(np.concatenate(arrays) for arrays in zip(*parts))
    names = folder / "batches.meta.txt"
    classes = names.read_text().split() if names.exists() else [str(i) for i in range(10)]
    return [train, read_cifar_file(folder / "test_batch.bin")], classes, ""


# ---- trees of pictures --------------------------------------------------------------------------------------------------


class Folder:
    """Files of a folder by their names relative to it."""

    def __init__(self, path):
        self.path = path
        self.names = [str(p.relative_to(path)) for p in path.rglob("*") if p.is_file()]

    def open(self, name):
        return open(self.path / name, "rb")


class Archive:
    """The same of a tar file. All of it is read, since a compressed one cannot be read at random."""

    def __init__(self, path):
        with tarfile.open(path) as tar:
            self.files = {member.name.removeprefix("./"): tar.extractfile(member).read() for member in tar if member.isfile()}
        self.names = list(self.files)

    def open(self, name):
        return io.BytesIO(self.files[name])


def pictures(names):
    """File names -> {split: {class: its pictures, sorted}}, classes in alphabetical order; a common first folder is ignored."""
    tree = {}
    for name in names:
        parts = Path(name).parts
        if len(parts) >= 3 and parts[-1].lower().endswith(PICTURES):
            tree.setdefault(parts[-3], {}).setdefault(parts[-2], []).append(name)
    return {split: {label: sorted(tree[split][label]) for label in sorted(tree[split])} for split in tree}


def interleaved(classes):
    """[(picture, class number)]: the first of every class, then the second: a part of the set has all classes. libquell's order."""
    ranked = [(rank, number, name) for number, names in enumerate(classes.values()) for rank, name in enumerate(names)]
    return [(name, number) for rank, number, name in sorted(ranked)]


def decode(file, side):
    """Picture -> uint8 [3, side, side]: the shorter side scaled to `side` if it differs, then the middle."""
    with Image.open(file) as picture:
        picture = picture.convert("RGB")
        width, height = picture.size
        if min(width, height) != side:
            scale = side / min(width, height)
            picture = picture.resize((max(side, round(width * scale)), max(side, round(height * scale))), Image.BILINEAR)
            width, height = picture.size
        left, top = (width - side) // 2, (height - side) // 2
        return np.asarray(picture.crop((left, top, left + side, top + side))).transpose(2, 0, 1)


def jpeg_quality(file):
    """The IJG quality that a JPEG's first luminance coefficient stands for (16 at quality 50), or None: another format."""
    with Image.open(file) as picture:
        if picture.format != "JPEG":
            return None
        step = picture.quantization[0][0]
        return round((200 - step * 100 / 16) / 2) if step <= 16 else round(5000 * 16 / (step * 100))


def decode_split(source, classes, side, path):
    """Decode into path.npy and path.labels.npy."""
    listed = interleaved(classes)
    images = np.lib.format.open_memmap(f"{path}.part", mode="w+", dtype=np.uint8, shape=(len(listed), 3, side, side))
    for i, (name, _) in enumerate(listed):
        try:
            with source.open(name) as file:
                images[i] = decode(file, side)
        except (OSError, ValueError) as error:
            raise ValueError(f"{name}: {error}") from error
    images.flush()
    np.save(f"{path}.labels.npy", np.array([label for _, label in listed], np.int64))
    Path(f"{path}.part").rename(f"{path}.npy")


def read_tree(path, cache, side):
    stamp = f"{path.resolve()} {path.stat().st_mtime_ns} {path.stat().st_size} {side}"
    folder = cache / hashlib.sha256(stamp.encode()).hexdigest()[:16]
    about = described(folder / "about.json", lambda: decode_tree(path, folder, side))
    # Copy on write: PyTorch wants writable memory, the file stays as it is.
    splits = [(np.load(folder / f"{name}.npy", mmap_mode="c"), np.load(folder / f"{name}.labels.npy")) for name in ("train", "test")]
    return splits, about["classes"], about["form"]


def decode_tree(path, folder, side):
    """Decode both splits into the folder -> what about.json says."""
    source = Folder(path) if path.is_dir() else Archive(path)
    tree = pictures(source.names)
    held_out = next((split for split in ("test", "val") if split in tree), None)
    if "train" not in tree or held_out is None:
        raise ValueError(f"{path}: neither CIFAR-10's binary files nor train/<class>/ and test/<class>/ (or val/) with pictures")
    classes = list(tree["train"])
    if list(tree[held_out]) != classes:
        raise ValueError(f"{path}: train and {held_out} have other classes")
    for split, name in (("train", "train"), (held_out, "test")):
        decode_split(source, tree[split], side, folder / name)
    with source.open(tree["train"][classes[0]][0]) as file:
        quality = jpeg_quality(file)
    return {"classes": classes, "form": f"JPEG-{quality}" if quality else ""}
