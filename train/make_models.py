"""python -m train.make_models [--smoke] [--backbone FILE.onnx] [--out FOLDER]: everything in models/ from nothing, or only the
denoising blocks, behind a backbone that an earlier run made.

Backbone, quantisation, placement, denoisers, ONNX files, accuracy of the integers. Finished parts are kept under
build/train (full, smoke, or the backbone's name), so that a run which was stopped goes on where it was; delete that folder
to start over.
"""
import argparse
import json
import time
from pathlib import Path

import torch

from . import backbone, config, data, denoiser, evaluate, export, fit, insertion, profile, quantise, quell
from .config import ROOT
from .store import kept

PROFILES = {name: ROOT / f"profiles/{name}.json" for name in ("additive", "multiplicative", "varying_chip")}


def say(line):
    print(time.strftime("%H:%M:%S"), line, flush=True)


def quantised_backbone(settings, dataset, checkpoint, say):
    """Trained backbone -> QuantNet."""
    model = backbone.train(settings, dataset, checkpoint, say)
    net = quantise.quantise(model, dataset.padded(dataset.train.images[:settings.range_images]), settings.head_level)
    count = settings.test_images or len(dataset.test.images)
    test, labels = dataset.padded(dataset.test.images[:count]), dataset.test.labels[:count]
    say(f"{settings.network}: float {backbone.accuracy(model, test, labels):.2%}, "
        f"quantised {quantise.logits_accuracy(net, test, labels):.2%} of {count} test images of {dataset.title}")
    return net


def build(settings, dataset, work, out, given=None):
    """-> {profile name: ONNX path}; checkpoints in `work`. given: ONNX file of a backbone, instead of training one."""
    torch.set_num_threads(settings.threads)
    work.mkdir(parents=True, exist_ok=True)
    out.mkdir(parents=True, exist_ok=True)
    if given:
        net = export.read(given, settings.network)
    else:
        net = kept(work / "net.pt", lambda: quantised_backbone(settings, dataset, work / "backbone.pt", say))
        export.export(net, out / "resnet8_fmnist.onnx", dataset)
    images = dataset.padded(dataset.train.images[-settings.denoiser_images:])
    models = {}
    for stem, names in settings.groups.items():
        profiles = [profile.load(PROFILES[name]) for name in names]
        placement = kept(work / f"{stem}_placement.pt", lambda: insertion.search(net, images, profiles, settings, say))
        blocks = denoiser.make_blocks(net, placement, settings.seed)
        fit.train(net, blocks, images, profiles, settings, settings.denoiser_steps, work / f"{stem}.pt", say)
        path = out / f"{stem}.onnx"
        export.export(net, path, dataset, blocks)
        for name in settings.serves[stem]:
            models[name] = path
    return models


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--smoke", action="store_true", help="a few steps on a few images, under a minute, into build/")
    parser.add_argument("--backbone", type=Path, help="train denoising blocks only, behind the backbone in this ONNX file")
    parser.add_argument("--out", type=Path, help="folder of the ONNX files and results.json (models/)")
    arguments = parser.parse_args()
    settings = config.SMOKE if arguments.smoke else config.FULL
    work = ROOT / "build/train" / ((arguments.backbone.stem + "-") * bool(arguments.backbone) + ("smoke" if arguments.smoke else "full"))
    out = (arguments.out or (work if arguments.smoke else ROOT / "models")).resolve()
    say(f"this takes {'under a minute' if arguments.smoke else settings.duration}; checkpoints in {work.relative_to(ROOT)}")
    begin = time.time()
    dataset = data.load(settings.data, settings.train_images)
    try:
        models = build(settings, dataset, work, out, arguments.backbone)
    except KeyboardInterrupt:
        say("stopped; the same command goes on from the last checkpoint")
        raise SystemExit(130)
    if quell.LIBRARY.exists():
        results = evaluate.report(models, PROFILES, settings, dataset, work / "images", say)
        results["command"] = "python -m train.make_models" + (f" --backbone {evaluate.relative(arguments.backbone.resolve())}" if arguments.backbone else "")
        (out / "results.json").write_text(json.dumps(results, indent=1) + "\n")
    else:
        say(f"{quell.LIBRARY.relative_to(ROOT)} is not built: accuracy of the integers not measured")
    say(f"done in {(time.time() - begin) / 60:.1f} min")


if __name__ == "__main__":
    main()
