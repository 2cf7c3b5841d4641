"""python -m train.make_models [--smoke] [--out FOLDER]: everything in models/ from nothing.

Backbone, quantisation, placement, denoisers, ONNX files, accuracy of the integers. Finished parts are kept under
build/train (build/train/smoke with --smoke), so that a run which was stopped goes on where it was; delete that folder to
start over.
"""
import argparse
import json
import time
from pathlib import Path

import torch

from . import backbone, config, data, denoiser, evaluate, export, insertion, noise, quantise, quell
from .config import ROOT

PROFILES = {name: ROOT / f"profiles/{name}.json" for name in ("additive", "multiplicative", "varying_chip")}


def say(line):
    print(time.strftime("%H:%M:%S"), line, flush=True)


def kept(path, make):
    """The object stored in `path`; made and stored first if it is not there."""
    if not path.exists():
        torch.save(make(), path)
    return torch.load(path, weights_only=False)


def build(settings, work, out):
    """-> {profile name: ONNX path}; checkpoints in `work`."""
    torch.set_num_threads(settings.threads)
    work.mkdir(parents=True, exist_ok=True)
    out.mkdir(parents=True, exist_ok=True)
    images, _ = data.load(settings.data, "train", settings.padding, settings.train_images)

    def quantised():
        model = backbone.train(settings, work / "backbone.pt", say)
        net = quantise.quantise(model, images[:settings.range_images], settings.head_level)
        test, labels = data.load(settings.data, "t10k", settings.padding, settings.test_images or None)
        say(f"backbone: float {backbone.accuracy(model, test, labels):.2%}, "
            f"quantised {quantise.logits_accuracy(net, test, labels):.2%} of the test images")
        return net

    net = kept(work / "net.pt", quantised)
    export.export(net, out / "resnet8_fmnist.onnx", padding=settings.padding)
    images = images[-settings.denoiser_images:]
    models = {}
    for stem, names in settings.groups.items():
        profiles = [noise.load(PROFILES[name]) for name in names]
        placement = kept(work / f"{stem}_placement.pt", lambda: insertion.search(net, images, profiles, settings, say))
        blocks = denoiser.make_blocks(net, placement, settings.seed)
        denoiser.train(net, blocks, images, profiles, settings, settings.denoiser_steps, work / f"{stem}.pt", say)
        path = out / f"{stem}.onnx"
        export.export(net, path, blocks, settings.padding)
        for name in settings.serves[stem]:
            models[name] = path
    return models


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--smoke", action="store_true", help="a few steps on a few images, under a minute, into build/")
    parser.add_argument("--out", type=Path, help="folder of the ONNX files and results.json (models/)")
    arguments = parser.parse_args()
    settings = config.SMOKE if arguments.smoke else config.FULL
    work = ROOT / ("build/train/smoke" if arguments.smoke else "build/train/full")
    out = (arguments.out or (work if arguments.smoke else ROOT / "models")).resolve()
    say(f"this takes {'under a minute' if arguments.smoke else settings.duration}; checkpoints in {work.relative_to(ROOT)}")
    begin = time.time()
    try:
        models = build(settings, work, out)
    except KeyboardInterrupt:
        say("stopped; the same command goes on from the last checkpoint")
        raise SystemExit(130)
    if quell.LIBRARY.exists():
        results = evaluate.report(models, PROFILES, settings, say)
        (out / "results.json").write_text(json.dumps(results, indent=1) + "\n")
    else:
        say(f"{quell.LIBRARY.relative_to(ROOT)} is not built: accuracy of the integers not measured")
    say(f"done in {(time.time() - begin) / 60:.1f} min")


if __name__ == "__main__":
    main()
