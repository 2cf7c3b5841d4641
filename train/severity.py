"""python -m train.severity --profile full: for every noise the severity at which the backbones lose `--drop` on average.

For recipes.NOISES, whose severities say so; uses the trained backbones under build/experiment/<profile>/work, no training.
Severities are per noise, the same for all backbones, so that wide and narrow networks are compared under one chip.
"""
import argparse

import numpy as np

from . import experiment, profile, recipes
from .config import ROOT


def mean_drop(benches, noise, severity, chips):
    """Mean over backbones [(Bench, model, clean accuracy)] and chips."""
    drops = []
    for bench, model, clean in benches:
        mark = bench.lib.mark()
        made = bench.lib.profile(recipes.noise_path(noise), severity)
        drops += [clean - bench.accuracy(model, made, chip, chip) for chip in chips]
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
    arguments = parser.parse_args()
    recipe = recipes.PROFILES[arguments.profile]()
    runner = experiment.Experiment(recipe, ROOT / f"build/experiment/{arguments.profile}/work", arguments.threads)
    benches = []
    for name, config in recipe.backbones.items():
        path = runner.folder(name) / "net.onnx"
        if path.exists():
            bench = runner.bench(config, arguments.images)
            model = bench.lib.model(path)
            benches.append((bench, model, bench.accuracy(model)))
    if not benches:
        raise SystemExit(f"no backbone is trained yet: python -m train.experiment --profile {arguments.profile} --only none")
    for noise in recipes.NOISES:
        made = profile.load(recipes.noise_path(noise))
        chips = recipe.chips if made.static else recipe.chips[:1]
        best = 1.0 if made.adc_bits < 8 else find(lambda severity: mean_drop(benches, noise, severity, chips), arguments.drop)
        print(f"{noise:22} severity {best:.3f}  drop {mean_drop(benches, noise, best, chips):.1%}  (recipes.py has {recipes.NOISES[noise][0]:g})", flush=True)


if __name__ == "__main__":
    main()
