# SPDX-License-Identifier: Apache-2.0
"""Whole networks against onnxruntime, and calibration where nothing is quantised between a convolution and its ReLU.

    python -m tools.bench_onnx [--images N] [--chips N] [--json F]

logits_equal_share   share of images whose logits equal those of onnxruntime without graph optimisation, code for code
recovered_headroom   share of the drop that `quell calibrate` gives back on chips that only vary, with the Q/DQ pairs between convolutions and ReLUs taken out (Conv -> Relu -> Q)
"""
import argparse
import json
import statistics
import sys
import tempfile
from pathlib import Path

import numpy as np
import onnx

from tools import cli

sys.path.insert(0, str(cli.ROOT / "tests/host"))
import onnx_compare  # noqa: E402

BACKBONE = cli.ROOT / "models/resnet8_fmnist.onnx"
VARYING = cli.PROFILES["varying_chip"]


def logits_equal_share(path, count, part=100):
    images = onnx_compare.real_images(path, count)
    last = [node for node in onnx.load(path).graph.node if node.op_type == "QuantizeLinear"][-1].output[0]
    want = np.concatenate([onnx_compare.all_codes(path, images[i:i + part])[last] for i in range(0, count, part)]).reshape(count, -1)
    _, got = cli.run(path, limit=count, labels=None)
    return float((want == got).all(1).mean())


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
    return {"logits_equal_share": logits_equal_share(BACKBONE, images), "recovered_headroom": (fixed - noisy) / (clean - noisy), "accuracy_headroom_clean": clean, "accuracy_headroom_noisy": noisy,
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
