# SPDX-License-Identifier: Apache-2.0
"""Images/s of the reference device against PyTorch: the demo's network with noise, the same images, threads and noise profile, in turns, the best of each.

    python -m tools.bench_torch [--images N] [--json F]

PyTorch runs the network as train/ does: the same integer codes in float32, channels last, additive read noise before each converter, from a pool of samples drawn beforehand, which is
several times faster than drawing them; the reference device draws every sample. Blocks have the shapes of the demo's; their numbers change no speed. PyTorch's batch is the best of several.
"""
import argparse
import gzip
import json
import os
import time
from pathlib import Path

# PyTorch's threads may spin between two operations, a millisecond at most: longer would take the processor from the reference device in its turn.
os.environ |= {"OMP_WAIT_POLICY": "active", "GOMP_SPINCOUNT": "1000000"}

import numpy as np  # noqa: E402
import onnx  # noqa: E402
import torch  # noqa: E402

from tools import cli  # noqa: E402
from train import denoiser, export, noise, profile  # noqa: E402

THREADS, BATCHES, ROUNDS = 2, (32, 64, 128), 4
PROFILE = cli.PROFILES["additive"]


def placement():
    """{layer: (side of the depthwise kernel, bottleneck width)} of the blocks in the demo's model."""
    model = onnx.load(cli.MODEL)
    shapes = {t.name: tuple(t.dims) for t in model.graph.initializer}
    names = [node.output[0].removesuffix("_denoised") for node in model.graph.node if node.domain == "quell"]
    return {name: (shapes.get(f"{name}_d", (0,))[-1], shapes.get(f"{name}_w1", (0,))[0]) for name in names}


class Emulation:
    """The network in PyTorch on one noisy tile."""

    def __init__(self, images, batch, blocks):
        self.net = export.read(cli.ROOT / "models/resnet8_fmnist.onnx", "resnet8")
        self.images, self.batch = images, batch
        self.tile = noise.Tile([profile.load(PROFILE)], self.net, self.net.output_shapes(images[:1]), batch, 1)
        self.tile.redraw()
        self.hooks = dict(self.tile.hooks)
        if blocks:
            made = denoiser.make_blocks(self.net, placement()).eval()
            for block in made.values():
                block.quantised = True
            self.hooks["denoise"] = denoiser.mean_mode(made)

    @torch.no_grad()
    def rate(self):
        start = time.perf_counter()
        for i in range(0, len(self.images), self.batch):
            self.tile.redraw(chip=False)
            self.net(self.images[i:i + self.batch], **self.hooks)
        return len(self.images) / (time.perf_counter() - start)


def measure(count):
    torch.set_num_threads(THREADS)
    raw = np.frombuffer(gzip.decompress(cli.IMAGES.read_bytes()), np.uint8, offset=16).reshape(-1, 1, 28, 28)[:max(BATCHES) * 8].copy()
    images = torch.nn.functional.pad(torch.from_numpy(raw), (2, 2, 2, 2))
    torch_of = {(batch, blocks): Emulation(images, batch, blocks) for batch in BATCHES for blocks in (True, False)}
    best = dict.fromkeys([*torch_of, "ref"], 0.0)
    for turn in range(ROUNDS + 1):
        for key in best:
            rate = cli.run(cli.MODEL, profile=PROFILE, denoiser="mean", threads=THREADS, limit=count)[0]["images_per_s"] if key == "ref" else torch_of[key].rate()
            if turn:  # the first round warms up
                best[key] = max(best[key], rate)
    with_blocks, without = (max(best[batch, blocks] for batch in BATCHES) for blocks in (True, False))
    return {"ref_vs_torch_noisy": best["ref"] / with_blocks, "ref_vs_torch_noisy_without_blocks": best["ref"] / without, "torch_images_per_s": with_blocks,
            "torch_images_per_s_without_blocks": without, "ref_images_per_s_beside_torch": best["ref"]}


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--images", type=int, default=6000)
    options.add_argument("--json", type=Path)
    args = options.parse_args()
    figures = measure(args.images)
    for key, value in figures.items():
        print(f"{key:36} {value:.2f}")
    if args.json:
        args.json.write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
