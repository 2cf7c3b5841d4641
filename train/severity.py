"""python -m train.severity --profile full: for every backbone and noise the severity at which it loses `--drop`.

For recipes.SEVERITIES; uses the trained backbones under build/experiment/<profile>/work, no training.
"""
import argparse

import numpy as np

from . import experiment, profile, recipes
from .config import ROOT


def mean_drop(bench, model, clean, noise, severity, chips):
    """Mean over chips, each with a noise seed of its own."""
    mark = bench.lib.mark()
    made = bench.lib.profile(recipes.noise_path(noise), severity)
    drops = [clean - bench.accuracy(model, made, chip, chip) for chip in chips]
    bench.lib.close(mark)
    return float(np.mean(drops))


def find(drop_at, wanted, low=0.02, high=4.0, steps=7):
    """Severity where drop_at(severity), rising, reaches `wanted`: bisection on a logarithmic scale."""
    for _ in range(steps):
        middle = (low * high) ** 0.5
        low, high = (middle, high) if drop_at(middle) < wanted else (low, middle)
    return (low * high) ** 0.5


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--profile", choices=recipes.PROFILES, default="full")
    parser.add_argument("--drop", type=float, default=0.30)
    parser.add_argument("--images", type=int, default=500)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--only", default="", help="backbone:noise pairs whose name contains this")
    arguments = parser.parse_args()
    recipe = recipes.PROFILES[arguments.profile]()
    runner = experiment.Experiment(recipe, ROOT / f"build/experiment/{arguments.profile}/work", arguments.threads)
    for name, config in recipe.backbones.items():
        path = runner.folder(name) / "net.onnx"
        if not path.exists():
            print(f"{name}: not trained yet: python -m train.experiment --profile {arguments.profile} --only {name}")
            continue
        bench = runner.bench(config, arguments.images)
        model = bench.lib.model(path)
        clean = bench.accuracy(model)
        for noise in recipes.MAIN:
            made = profile.load(recipes.noise_path(noise))
            if made.adc_bits < 8 or arguments.only not in f"{name}:{noise}":
                continue
            drop_at = lambda severity: mean_drop(bench, model, clean, noise, severity, recipe.chips if made.static else recipe.chips[:1])
            best = find(drop_at, arguments.drop)
            now = recipes.at(recipe.severities, name, noise)
            print(f"{name:10} {noise:22} severity {best:.3f}  drop {drop_at(best):.1%}  (recipes.py has {now:g}: {drop_at(now):.1%})", flush=True)


if __name__ == "__main__":
    main()
