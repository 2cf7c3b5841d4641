# SPDX-License-Identifier: Apache-2.0
"""Measure the figures of docs/results.md and write them as one flat JSON object.

    python -m tools.bench [--out build/bench.json] [--quick]

--quick takes fewer images, chips and samples (for a look; the documented figures are taken without it). What takes long says what it does.
Exit code 1 if a figure that must hold to the bit does not (bit_equal, paths_bit_equal, onnx_equal_share, onnx_max_diff, box_muller).
"""
import argparse
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from tools import boards, cli

ROOT = cli.ROOT
MODEL, PROFILES = cli.MODEL, cli.PROFILES


def say(text):
    print(f"[{time.strftime('%H:%M:%S')}] {text}", file=sys.stderr, flush=True)


def machine():
    """The processor and how many of it, for the record."""
    cpuinfo = Path("/proc/cpuinfo")
    model = re.search(r"model name\s*:\s*(.*)", cpuinfo.read_text()) if cpuinfo.exists() else None
    return f"{os.cpu_count()} cores of {model.group(1) if model else 'an unknown processor'}"


def bit_equal(images, folder):
    """Share of equal codes, reference against simulated chip: all activations after every layer, and the logits."""
    additive = PROFILES["additive"]
    equal = total = 0
    for name, settings in (("clean", {}), ("noisy", {"profile": additive}), ("mean", {"profile": additive, "denoiser": "mean"}), ("sample", {"profile": additive, "denoiser": "sample"})):
        say(f"same bytes: {name}, {images} images, every layer")
        codes = {}
        for device in ("ref", "sim"):
            place = folder / device / name
            shutil.rmtree(place, ignore_errors=True)
            place.mkdir(parents=True)
            _, logits = cli.run(MODEL, device=device, limit=images, dump=place, dump_count=images, **settings)
            codes[device] = {p.name: np.load(p) for p in place.glob("*.npy")} | {"logits": logits}
        if codes["ref"].keys() != codes["sim"].keys():
            return 0.0
        for key, ref in codes["ref"].items():
            equal += int(np.count_nonzero(ref == codes["sim"][key]))
            total += ref.size
    return equal / total


def chip_figures(images):
    """Cycles, utilisation and simulation speed of the chip, denoiser off and on."""
    say(f"chip: {images} images, denoiser off, mean, sample")
    additive = PROFILES["additive"]
    runs = {mode: cli.run(MODEL, device="sim", limit=images, profile=additive, denoiser=mode)[0] for mode in ("off", "mean", "sample")}
    cycles = {mode: r["counters"]["cycles"] / r["images"] for mode, r in runs.items()}
    figures = {"array_busy": runs["mean"]["array_busy"], "array_busy_denoiser_off": runs["off"]["array_busy"], "denoiser_overhead": cycles["mean"] / cycles["off"] - 1,
               "denoiser_overhead_sample": cycles["sample"] / cycles["off"] - 1}
    figures |= {f"chip_cycles_{mode}": c for mode, c in cycles.items()}
    figures |= {f"chip_{key}": value / runs["mean"]["images"] for key, value in runs["mean"]["counters"].items() if key not in ("images", "cycles")}
    return figures


def monte_carlo(images, folder):
    """Noisy inferences a second at the boards' clock, 16 seeds an image, behind a link as fast as full-speed USB; and as a share of what the array alone gives."""
    say(f"chip: {images} images with 16 noise seeds each, behind a link")
    sys.path.insert(0, str(ROOT))
    from tests.system import test_stream
    test_stream.write_images(folder, 1 + images, 1, 28, 28)
    period, array = test_stream.monte_carlo(folder, MODEL, images, 16)
    return {"monte_carlo_per_s": boards.BOARDS["ulx3s"].clocks["clk"] * 1e6 / period, "monte_carlo_share": array / period}


def simulator_speed(images, folder):
    """Clock cycles per second of processor time of the simulated board, noise and denoiser on: median of three runs, as the board itself states it."""
    say(f"simulator speed: {images} images, three times")
    board, rates = folder / "board.sh", []
    board.write_text(f'#!/bin/sh\nexec {ROOT}/build/bin/quell-simboard --stats "$@"\n')
    board.chmod(0o755)
    for _ in range(3):
        command = [cli.QUELL, "run", "--model", MODEL, "--images", cli.IMAGES, "--device", "sim", "--simulator", board, "--profile", PROFILES["additive"], "--denoiser", "mean", "--limit", images]
        result = subprocess.run([str(word) for word in command], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=True)
        cycles, seconds = re.search(r"(\d+) cycles in ([\d.]+) s", result.stderr).groups()
        rates.append(int(cycles) / float(seconds))
    return {"sim_cycles_per_s": statistics.median(rates)}


def accuracy(images, chips):
    """Accuracy of the integers, mean over chips (each with its own noise seed), and the recovered share, a value a profile."""
    figures = {}
    say(f"accuracy: clean, {images or 'all'} images")
    clean, _ = cli.run(MODEL, limit=images)
    figures |= {"accuracy_clean": clean["accuracy"], "extra_parameters": clean["extra_parameters"], "extra_macs": clean["extra_macs"], "chips": chips}
    figures["accuracy_clean_denoiser_on"] = cli.run(MODEL, limit=images, denoiser="mean")[0]["accuracy"]
    for name, profile in PROFILES.items():
        # What is static is calibration's to take out; blocks made for random noise only cost there. All are measured, this decides which is called denoised.
        static = cli.is_static(profile)
        values = {"noisy": [], "denoised": [], "sampled": [], "mean": []}
        for chip in range(1, chips + 1):
            say(f"accuracy: {name}, chip {chip} of {chips}")
            common = {"profile": profile, "chip": chip, "noise_seed": chip, "limit": images}
            calibration = cli.calibrate(MODEL, profile, chip, ROOT / f"build/bench/{name}-{chip}.json", noise_seed=1000 + chip) if static else None
            values["noisy"].append(cli.run(MODEL, **common)[0]["accuracy"])
            values["mean"].append(cli.run(MODEL, calibration=calibration, denoiser="mean", **common)[0]["accuracy"])
            values["sampled"].append(cli.run(MODEL, calibration=calibration, denoiser="sample", **common)[0]["accuracy"])
            values["denoised"].append(cli.run(MODEL, calibration=calibration, **common)[0]["accuracy"] if static else values["mean"][-1])
        mean = {key: statistics.mean(v) for key, v in values.items()}
        drop = clean["accuracy"] - mean["noisy"]
        figures |= {f"accuracy_noisy_{name}": mean["noisy"], f"accuracy_denoised_{name}": mean["denoised"], f"accuracy_denoised_sample_{name}": mean["sampled"], f"accuracy_blocks_{name}": mean["mean"],
                    f"accuracy_denoised_std_{name}": statistics.stdev(values["denoised"]) if chips > 1 else 0.0, f"drop_{name}": drop,
                    f"recovered_share_{name}": (mean["denoised"] - mean["noisy"]) / drop, f"recovered_share_sample_{name}": (mean["sampled"] - mean["noisy"]) / drop}
    return figures


def speed(images):
    """Images/s of the reference device with noise and denoiser on, two threads: the best of three runs."""
    say(f"reference device, {images} images, noise and denoiser on")
    additive = PROFILES["additive"]
    return {f"ref_images_per_s{suffix}": max(cli.run(MODEL, limit=images, threads=2, profile=additive, denoiser=mode)[0]["images_per_s"] for _ in range(3)) for suffix, mode in (("", "mean"), ("_sample", "sample"))}


def board_figures():
    """System clock and USB clock of the ULX3S's bitstream, from the committed report of place and route; none if the sources have changed since."""
    path = boards.REPORTS / "ulx3s.json"
    if not path.exists():
        say("no place and route of the ULX3S is committed: make boards ONLY=ulx3s")
        return {}
    report = json.loads(path.read_text())
    if report["input_hash"] != boards.input_hash(boards.BOARDS["ulx3s"]):
        say("docs/boards/ulx3s.json is not of these sources: make boards ONLY=ulx3s")
        return {}
    clocks = report["clocks"]
    met = {net: c["fmax_mhz"] >= c["constraint_mhz"] for net, c in clocks.items()}
    reached = [s["fmax_mhz"].get("clk", 0) for s in report["seeds"].values()]
    return {"ulx3s_sysclk_mhz": clocks["clk"]["constraint_mhz"] if met["clk"] else 0, "usb_clk_met": met["clk_usb_io"] and met["clk_usb"],
            "ulx3s_fmax_mhz": clocks["clk"]["fmax_mhz"], "ulx3s_fmax_worst_seed_mhz": min(reached), "ulx3s_fmax_best_seed_mhz": max(reached),
            "ulx3s_place_and_route_s": report["seconds"]}


# A frame of 1 ms has room for 19 packets of 64 bytes.
FULL_SPEED_BYTES_PER_S = 19 * 64 * 1000
WIRES = ROOT / "build/bin/quell-wires"


def wires_throughput(folder):
    """Bulk bytes/s in simulated time on D+ and D-, the chip taking and giving every byte (sim/wires/throughput.cpp)."""
    say("wires: bulk rates")
    code, rates = subprogram([WIRES, "--throughput", "--json", folder / "throughput.json"], folder / "throughput.json")
    return {key: rates.get(key, 0) if code == 0 else 0 for key in ("usb_out_bytes_per_s", "usb_in_bytes_per_s")}


def wires_faults(count, seed, folder):
    """Random faults on the wires, one at a time, and how many left a right result and a working device behind."""
    say(f"wires: {count} faults, seed {seed}")
    _, found = subprogram([WIRES, "--campaign", count, "--seed", seed, "--json", folder / "campaign.json"], folder / "campaign.json")
    return {"usb_faults_injected": found.get("usb_faults_injected", 0), "usb_faults_survived": 0 if found.get("wrong_results", 1) else found["usb_faults_survived"], "usb_faults_seed": seed}


def wires_images(images, folder):
    """Images/s through the wires over the smaller of what link and array allow, in simulated time; share of logits equal to the reference device's."""
    say(f"wires: {images} images")
    program, report = folder / "wires.sh", folder / "wires.json"
    program.write_text(f'#!/bin/sh\nexec {WIRES} --json {report} "$@"\n')
    program.chmod(0o755)
    settings = {"limit": images, "profile": PROFILES["additive"], "denoiser": "mean"}
    _, ref = cli.run(MODEL, **settings)
    _, sim = cli.run(MODEL, device="sim", simulator=program, **settings)
    found = json.loads(report.read_text())
    message = 24 + 12 + 28 * 28  # bytes of one image: header, qp_image, codes
    allowed = min(FULL_SPEED_BYTES_PER_S / message, found["array_images_per_s"])
    return {"stream_efficiency": found["images_per_s"] / allowed, "wires_images_per_s": found["images_per_s"], "usb_wires_bit_equal": float(np.mean(ref == sim)) if ref.shape == sim.shape else 0.0}


def guest_figures(images, folder):
    """The same through a real kernel and libusb in QEMU; nothing where its packages are missing."""
    say(f"QEMU: {images} images")
    _, found = subprogram([ROOT / "build/venv/bin/python", "-m", "tests.qemu.session", "--images", images, "--json", folder / "qemu.json"], folder / "qemu.json")
    return found


def wires_figures(quick, folder):
    figures = wires_throughput(folder) | wires_faults(60 if quick else 1000, 1, folder) | wires_images(2 if quick else 8, folder) | guest_figures(2 if quick else 4, folder)
    if "usb_qemu_bit_equal" not in figures:
        say("no guest, so usb_bit_equal is not measured")
        return figures
    return figures | {"usb_bit_equal": min(figures["usb_wires_bit_equal"], figures["usb_qemu_bit_equal"])}


def subprogram(command, path, key=None):
    """Run a program that writes JSON to path; return its object (prefixed keys if key)."""
    result = subprocess.run([str(c) for c in command], cwd=ROOT)
    values = json.loads(Path(path).read_text()) if Path(path).exists() else {}
    return result.returncode, {f"{key}_{k}" if key else k: v for k, v in values.items()}


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--out", type=Path, default=Path("build/bench.json"))
    options.add_argument("--quick", action="store_true")
    args = options.parse_args()
    quick = args.quick
    figures = {"version": (ROOT / "VERSION").read_text().strip(), "machine": machine(), "date": time.strftime("%Y-%m-%d")}
    work = ROOT / "build/bench"
    work.mkdir(parents=True, exist_ok=True)

    figures |= speed(1000 if quick else 5000)
    say("reference device and PyTorch in turns")
    figures |= subprogram([ROOT / "build/venv/bin/python", "-m", "tools.bench_torch", "--images", 1000 if quick else 6000, "--json", work / "torch.json"], work / "torch.json")[1]
    say("code paths, compilers and processors")
    figures |= subprogram([ROOT / "build/venv/bin/python", "tests/host/test_paths.py", work / "paths.json"], work / "paths.json")[1]
    say("random networks and whole networks against onnxruntime")
    figures |= subprogram([ROOT / "build/venv/bin/python", "tests/host/random_graphs.py", "--count", 100 if quick else 1000, "--seed", int(time.time()) // 86400 * 1000, "--json", work / "graphs.json"], work / "graphs.json")[1]
    figures |= subprogram([ROOT / "build/venv/bin/python", "tests/host/make_forms.py", "--try", work / "forms.json"], work / "forms.json")[1]
    figures |= subprogram([ROOT / "build/venv/bin/python", "-m", "tools.bench_onnx", "--images", 200 if quick else 2000, "--chips", 2 if quick else 5, "--json", work / "networks.json"], work / "networks.json")[1]
    figures["bit_equal"] = bit_equal(2 if quick else 16, work)
    figures |= chip_figures(8 if quick else 32)
    figures |= monte_carlo(1 if quick else 4, work)
    figures |= simulator_speed(4 if quick else 16, work)
    say("each layer against onnxruntime")
    _, onnx = subprogram([ROOT / "build/venv/bin/python", "tests/host/onnx_compare.py", "--model", MODEL, "--images", 8 if quick else 64, "--json", work / "onnx.json"], work / "onnx.json")
    figures |= onnx
    samples = 10**7 if quick else 10**8
    say(f"statistics of {samples} samples")
    code, noise = subprogram([ROOT / "build/bin/noise_stats", samples, "--json", work / "noise.json"], work / "noise.json", "noise")
    figures["box_muller_max_ulp"] = noise.pop("noise_box_muller_max_ulp", None)
    figures |= noise | {"noise_statistics_passed": code == 0}
    figures |= board_figures()
    figures |= wires_figures(quick, work)
    figures |= accuracy(1000 if quick else 0, 1 if quick else 5)

    args.out.write_text(json.dumps(figures, indent=1))
    for key, value in figures.items():
        print(f"{key:36} {value}")
    exact = figures["bit_equal"] == 1 and figures["paths_bit_equal"] == 1 and figures.get("onnx_equal_share", 0) >= 0.999 and figures.get("onnx_max_diff", 99) <= 1 and code == 0
    sys.exit(0 if exact else 1)


if __name__ == "__main__":
    main()
