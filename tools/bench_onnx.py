# SPDX-License-Identifier: Apache-2.0
"""Whole networks against onnxruntime, and calibration where nothing is quantised between a convolution and its ReLU.

    python -m tools.bench_onnx [--images N] [--chips N] [--json F]

logits_equal_share   share of images whose logits equal those of onnxruntime without graph optimisation, code for code
logits_exact_share, onnxruntime_exact_share
                     the same of libquell, and of onnxruntime, against the network in float64: where onnxruntime's own float32 decides otherwise than exact arithmetic, nothing exact can follow it
colour_*             the same of a ResNet-8 on CIFAR-10 (where the variable CIFAR10 names an archive or a folder with a folder of pictures a class), as the file is, and in the forms of MLPerf Tiny's:
                     pixels of 0...255 in float32, N x C x H x W and N x H x W x C; and the accuracy
recovered_headroom   share of the drop that `quell calibrate` gives back on chips that only vary, with the Q/DQ pairs between convolutions and ReLUs taken out (Conv -> Relu -> Q)
"""
import argparse
import json
import os
import statistics
import sys
import tarfile
import tempfile
from pathlib import Path

import numpy as np
import onnx
from PIL import Image

from tools import cli

sys.path.insert(0, str(cli.ROOT / "tests/host"))
import float64_reference  # noqa: E402
import onnx_compare  # noqa: E402

BACKBONE = cli.ROOT / "models/resnet8_fmnist.onnx"
COLOUR = cli.ROOT / "models/experiment/resnet8.onnx"
VARYING = cli.PROFILES["varying_chip"]


def equal_shares(path, images, got, part=50):
    """-> shares of images whose logits are equal: libquell's with onnxruntime's, libquell's with exact arithmetic's, onnxruntime's with exact arithmetic's."""
    model = onnx.load(path)
    last = [node for node in model.graph.node if node.op_type == "QuantizeLinear"][-1].output[0]
    parts = range(0, len(images), part)
    want = np.concatenate([onnx_compare.all_codes(path, images[i:i + part])[last] for i in parts]).reshape(len(images), -1)
    exact = np.concatenate([float64_reference.codes(model, {model.graph.input[0].name: images[i:i + part]}, last, (1.0,))[0] for i in parts]).reshape(len(images), -1)
    exact = exact.astype(int) - 128 * (exact.dtype == np.uint8)
    return [float((a == b).all(1).mean()) for a, b in ((got, want), (got, exact), (want, exact))]


def backbone_shares(count):
    """equal_shares of the demo's backbone on the first test images."""
    _, got = cli.run(BACKBONE, limit=count, labels=None)
    return equal_shares(BACKBONE, onnx_compare.real_images(BACKBONE, count), got)


def pictures(place, folder, count):
    """The first pictures of every class of CIFAR-10's test set under `folder`, `count` in all -> their paths in quell's order, one of each class in turns."""
    if place.is_file():
        with tarfile.open(place) as archive:
            seen = {}
            for member in archive:
                parts = Path(member.name).parts
                if member.isfile() and "test" in parts and len(parts) >= 2:
                    seen[parts[-2]] = seen.get(parts[-2], 0) + 1
                    if seen[parts[-2]] <= count // 10:
                        target = folder / parts[-2] / parts[-1]
                        target.parent.mkdir(exist_ok=True)
                        target.write_bytes(archive.extractfile(member).read())
    else:
        for kind in sorted((place / "test").iterdir()):
            (folder / kind.name).mkdir()
            for picture in sorted(kind.iterdir())[:count // 10]:
                (folder / kind.name / picture.name).symlink_to(picture.resolve())
    classes = [sorted(kind.iterdir()) for kind in sorted(folder.iterdir())]
    return [kind[i] for i in range(count // 10) for kind in classes]


def as_bytes(model, nhwc):
    """The model with an input of 0...255: its first pair's scale times 255, that of the weights behind it divided by 255; with nhwc behind a Transpose."""
    graph = model.graph
    constants = {t.name: t for t in graph.initializer}
    first = next(n for n in graph.node if graph.input[0].name in n.input)
    reader = lambda name: [n for n in graph.node if name in n.input]
    pair = reader(first.output[0])[0]
    conv = reader(pair.output[0])[0]
    weights = next(n for n in graph.node if n.output[0] == conv.input[1])

    def scaled(node, factor):
        value = (onnx.numpy_helper.to_array(constants[node.input[1]]) * np.float32(factor)).astype(np.float32)
        graph.initializer.append(onnx.numpy_helper.from_array(value, f"{node.output[0]}_scale"))
        node.input[1] = f"{node.output[0]}_scale"

    scaled(first, 255)
    scaled(pair, 255)
    scaled(weights, 1 / 255)
    if nhwc:
        dims = graph.input[0].type.tensor_type.shape.dim
        c, h, w = (d.dim_value for d in dims[1:])
        for d, value in zip(dims[1:], (h, w, c)):
            d.dim_value = value
        first.input[0] = "channels_first"
        graph.node.insert(0, onnx.helper.make_node("Transpose", [graph.input[0].name], ["channels_first"], perm=[0, 3, 1, 2]))
    return model


def colour(place, count):
    figures = {}
    with tempfile.TemporaryDirectory() as name:
        folder, path = Path(name) / "images", Path(name) / "m.onnx"
        folder.mkdir()
        pixels = np.stack([np.asarray(Image.open(p).convert("RGB"), np.float32) for p in pictures(place, folder, count)])
        for form in ("", "bytes_nchw", "bytes_nhwc"):
            model = onnx.load(COLOUR)
            model = as_bytes(model, form == "bytes_nhwc") if form else model
            onnx.save(model, path)
            x = pixels if form else pixels / np.float32(255)
            x = x if form == "bytes_nhwc" else np.ascontiguousarray(x.transpose(0, 3, 1, 2))
            report, got = cli.run(path, images=folder, labels=None)
            name = f"colour{form and '_' + form}"
            figures |= {f"{name}_accuracy": report["accuracy"]} | dict(zip((f"{name}_logits_equal_share", f"{name}_logits_exact_share", f"{name}_onnxruntime_exact_share"), equal_shares(path, x, got)))
    return figures | {"colour_images": len(pixels)}


def without_pairs(path, out):
    """Write the model without the Q/DQ pairs that stand between a convolution and its ReLU; return how many there were."""
    model = onnx.load(path)
    graph = model.graph
    maker = {name: node for node in graph.node for name in node.output}
    readers = {}
    for node in graph.node:
        for name in node.input:
            readers.setdefault(name, []).append(node)
    found = 0
    for relu in [node for node in graph.node if node.op_type == "Relu"]:
        back, pair = relu, []
        for kind in ("DequantizeLinear", "QuantizeLinear", "Conv"):
            back = maker.get(back.input[0])
            if back is None or back.op_type != kind or len(readers[back.output[0]]) != 1:
                break
            pair.append(back)
        else:
            relu.input[0] = pair.pop().output[0]
            for node in pair:
                graph.node.remove(node)
            found += 1
    onnx.save(model, out)
    return found


def recovered_headroom(images, chips):
    """-> (accuracies clean, noisy, calibrated; means over the chips)."""
    with tempfile.TemporaryDirectory() as folder:
        model, calibration = Path(folder) / "m.onnx", Path(folder) / "c.json"
        assert without_pairs(BACKBONE, model) > 0
        accuracy = lambda **settings: cli.run(model, limit=images, **settings)[0]["accuracy"]
        noisy, fixed = [], []
        for chip in chips:
            cli.calibrate(model, VARYING, chip, calibration, noise_seed=1000 + chip)
            noisy.append(accuracy(profile=VARYING, chip=chip, noise_seed=chip))
            fixed.append(accuracy(profile=VARYING, chip=chip, noise_seed=chip, calibration=calibration))
        return accuracy(), statistics.mean(noisy), statistics.mean(fixed)


def measure(images, chips):
    clean, noisy, fixed = recovered_headroom(images, range(1, chips + 1))
    place = os.environ.get("CIFAR10")
    figures = colour(Path(place), images) if place else {}
    figures |= dict(zip(("logits_equal_share", "logits_exact_share", "onnxruntime_exact_share"), backbone_shares(images)))
    return figures | {"recovered_headroom": (fixed - noisy) / (clean - noisy), "accuracy_headroom_clean": clean, "accuracy_headroom_noisy": noisy,
            "accuracy_headroom_calibrated": fixed}


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--images", type=int, default=2000)
    options.add_argument("--chips", type=int, default=5)
    options.add_argument("--json", type=Path)
    args = options.parse_args()
    figures = measure(args.images, args.chips)
    print(json.dumps(figures, indent=1))
    if args.json:
        args.json.write_text(json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    main()
