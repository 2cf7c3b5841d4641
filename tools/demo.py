# SPDX-License-Identifier: Apache-2.0
"""The demo: Fashion-MNIST through the reference device and the simulated chip, with and without noise and denoising blocks.

    python -m tools.demo [--images 2000] [--chip-images 64] [--out build/demo]

Prints a table and writes OUT/report.html and OUT/demo.json. Exit code 1 if the two devices do not give identical bytes.
"""
import argparse
import json
import sys
import time
from pathlib import Path

import numpy as np

from tools import boards, cli, report

CLOCK_MHZ = boards.BOARDS["ulx3s"].clocks["clk"]
MODEL, ADDITIVE = cli.MODEL, cli.PROFILES["additive"]


def step(text):
    """Say what is being done, and return a function that says how long it took."""
    start = time.monotonic()
    print(f"  {text} ...", end="", flush=True, file=sys.stderr)
    return lambda: print(f" {time.monotonic() - start:.1f} s", flush=True, file=sys.stderr)


def reference(args):
    """Accuracies on the reference device: clean, and for each profile noisy and denoised (a static chip: calibrated, blocks off)."""
    done = step(f"reference device, {args.images} images, clean")
    clean, logits = cli.run(MODEL, limit=args.images)
    done()
    results = {"clean": clean, "profiles": {}}
    predictions = {"clean": logits.argmax(1)}
    for name, profile in cli.PROFILES.items():
        calibration = None
        if cli.is_static(profile):
            done = step(f"calibrating a chip of {name} from 100 unlabelled images")
            calibration = cli.calibrate(MODEL, profile, 1, args.out / f"{name}.calibration.json")
            done()
        done = step(f"reference device, {args.images} images, {name}: noisy, then denoised")
        noisy, noisy_logits = cli.run(MODEL, limit=args.images, profile=profile)
        denoised, denoised_logits = cli.run(MODEL, limit=args.images, profile=profile, calibration=calibration, denoiser="off" if calibration else "mean")
        done()
        results["profiles"][name] = {"noisy": noisy, "denoised": denoised, "calibrated": calibration is not None}
        predictions[name] = {"noisy": noisy_logits.argmax(1), "denoised": denoised_logits.argmax(1)}
    return results, predictions


def chip(args):
    """The same on the whole simulated chip, noisy and denoised; compare with the reference byte for byte."""
    results = {"identical": True}
    for name, denoiser in (("noisy", "off"), ("denoised", "mean")):
        done = step(f"simulated chip, {args.chip_images} images, additive noise, {name}")
        figures, logits = cli.run(MODEL, device="sim", limit=args.chip_images, profile=ADDITIVE, denoiser=denoiser)
        done()
        _, expected = cli.run(MODEL, limit=args.chip_images, profile=ADDITIVE, denoiser=denoiser)
        results[name] = figures
        results["identical"] &= bool(np.array_equal(logits, expected))
    return results


def feature_maps(args):
    """Codes after the first layer for one image, clean, noisy and denoised: {name: array h x w x c}."""
    maps = {}
    for name, settings in (("clean", {}), ("noisy", {"profile": ADDITIVE}), ("denoised", {"profile": ADDITIVE, "denoiser": "mean"})):
        folder = args.out / "activations" / name
        folder.mkdir(parents=True, exist_ok=True)
        cli.run(MODEL, limit=1, dump=folder, **settings)
        maps[name] = np.squeeze(np.load(sorted(folder.glob("*.npy"))[0]))
    return maps


def table(ref, sim):
    """The table that is printed and put into the report: rows of (what, value)."""
    per_image = {k: sim[k]["counters"]["cycles"] / sim[k]["images"] for k in ("noisy", "denoised")}
    rows = [("images, reference device / chip", f"{ref['clean']['images']} / {sim['noisy']['images']}"), ("accuracy, clean", f"{100 * ref['clean']['accuracy']:.2f} %")]
    for name, r in ref["profiles"].items():
        drop = ref["clean"]["accuracy"] - r["noisy"]["accuracy"]
        back = (r["denoised"]["accuracy"] - r["noisy"]["accuracy"]) / drop if drop > 0 else float("nan")
        how = "calibrated" if r["calibrated"] else "denoised"
        rows.append((f"accuracy, {name}: noisy → {how}", f"{100 * r['noisy']['accuracy']:.2f} % → {100 * r['denoised']['accuracy']:.2f} % ({100 * back:.0f} % of the drop recovered)"))
    noisy, denoised = sim["noisy"], sim["denoised"]
    rows += [
        ("reference device, noise and denoiser on", f"{ref['profiles']['additive']['denoised']['images_per_s']:.0f} images/s"),
        ("chip, cycles an image: noisy, denoised", f"{per_image['noisy']:.0f}, {per_image['denoised']:.0f}"),
        (f"chip at {CLOCK_MHZ:.2f} MHz, the ULX3S build", f"{CLOCK_MHZ * 1e6 / per_image['denoised']:.0f} images/s denoised"),
        ("array cycles busy: noisy, denoised", f"{100 * noisy['array_busy']:.1f} %, {100 * denoised['array_busy']:.1f} %"),
        ("denoiser overhead: cycles, parameters, MACs", f"{100 * (per_image['denoised'] / per_image['noisy'] - 1):.2f} %, {100 * ref['clean']['extra_parameters']:.2f} %, {100 * ref['clean']['extra_macs']:.2f} %"),
        ("estimated analog tile, per image: energy, latency", f"{denoised['energy']['total_nj'] / 1000:.2f} µJ, {denoised['energy']['latency_us']:.1f} µs"),
        ("simulator", f"{noisy['cycles_per_s'] / 1e6:.2f} M clock cycles/s"),
        ("reference and chip", "identical bytes" if sim["identical"] else "DIFFERENT BYTES"),
    ]
    return rows


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--images", type=int, default=2000)
    options.add_argument("--chip-images", type=int, default=64)
    options.add_argument("--out", type=Path, default=Path("build/demo"))
    args = options.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    ref, predictions = reference(args)
    sim = chip(args)
    rows = table(ref, sim)
    width = max(len(what) for what, _ in rows)
    print("\n".join(f"{what:{width}}  {value}" for what, value in rows))
    (args.out / "demo.json").write_text(json.dumps({"reference": ref, "chip": sim}, indent=1))
    report.write(args.out / "report.html", rows, ref, sim, predictions, feature_maps(args))
    print(f"\nReport: {args.out / 'report.html'}")
    sys.exit(0 if sim["identical"] else 1)


if __name__ == "__main__":
    main()
