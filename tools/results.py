# SPDX-License-Identifier: Apache-2.0
"""Write docs/results.md from what `make bench` and `make synth` measured.

    python -m tools.results [--bench build/bench.json] [--synth build/synth] [--out docs/results.md]
    python -m tools.results --experiment      # only the section about the experiment, from docs/results/summary.json
"""
import argparse
import json
import re
from pathlib import Path

from tools import cli, marks


def row(figure, target, value, met):
    return f"| {figure} | {target} | {value} | {'met' if met else '**not met**'} |"


def percent(value, digits=2):
    return f"{100 * value:.{digits}f} %"


def figures(b):
    """Rows of the main table: what the design asks for and what was measured."""
    yield row("same bytes, reference against simulated chip: all activations after every layer and the logits; clean, noisy, denoised by mean and by sample, 16 images each (`bit_equal`)", "100 %",
              percent(b["bit_equal"], 4), b["bit_equal"] == 1)
    yield row("each layer's codes against onnxruntime on the same input, clean (`onnx_equal_share`)", "≥ 99.9 %", percent(b["onnx_equal_share"], 4), b["onnx_equal_share"] >= 0.999)
    yield row(f"codes that differ though float32 does not leave them open, demo's network (`onnx_wrong`); behind denoising blocks, whose numbers in between are integers here and float32 there, {b['onnx_wrong_blocks']} of {b['onnx_codes']} differ by one (`onnx_wrong_blocks`)",
              "0", b["onnx_wrong"], b["onnx_wrong"] == 0)
    yield row(f"random networks of supported operators in random forms, wrong or refused, of {b['random_graphs']}, seed {b['random_graphs_seed']} (`random_graphs_wrong`)", "0", b["random_graphs_wrong"] + b["random_graphs_refused"],
              b["random_graphs_wrong"] + b["random_graphs_refused"] == 0)
    yield row(f"forms in which tools write networks ([forms](forms.md)), right of {b['cases_expected']} that run (`cases_right`); silently wrong and unclear refusals of all: {b['cases_wrong']}, {b['cases_unclear']}", "all; 0", b["cases_right"],
              b["cases_right"] == b["cases_expected"] and b["cases_wrong"] + b["cases_unclear"] == 0)
    yield row("images whose logits equal onnxruntime's to the code, demo's backbone (`logits_equal_share`)", "≥ 99.9 %", percent(b["logits_equal_share"]), b["logits_equal_share"] >= 0.999)
    yield row("the same against exact arithmetic (float64), which nothing exact can exceed: libquell (`logits_exact_share`), at least as often as onnxruntime (`onnxruntime_exact_share`)", percent(b["onnxruntime_exact_share"]),
              percent(b["logits_exact_share"]), b["logits_exact_share"] >= b["onnxruntime_exact_share"])
    yield row("Conv → ReLU → Q, chips that vary: share of the drop recovered by calibration (`recovered_headroom`)", "≥ 98 %", percent(b["recovered_headroom"], 1), b["recovered_headroom"] >= 0.98)
    yield row("largest difference, stage by stage, in codes (`onnx_max_diff`)", "≤ 1", b["onnx_max_diff"], b["onnx_max_diff"] <= 1)
    yield row("array busy over a whole inference: MACs ÷ (72 × cycles), denoiser on (`array_busy`)", "≥ 75 %", percent(b["array_busy"], 1), b["array_busy"] >= 0.75)
    yield row("noisy inferences a second of the demo's network at 66.67 MHz, 16 seeds an image, behind full-speed USB (`monte_carlo_per_s`), of what the array alone gives", "≥ 98 %",
              f"{b['monte_carlo_per_s']:.0f}, {percent(b['monte_carlo_share'], 1)}", b["monte_carlo_share"] >= 0.98)
    yield row("denoiser on against off, cycles, mean mode (`denoiser_overhead`)", "≤ 5 %", percent(b["denoiser_overhead"]), b["denoiser_overhead"] <= 0.05)
    yield row("the same, sampled", "≤ 5 %", percent(b["denoiser_overhead_sample"]), b["denoiser_overhead_sample"] <= 0.05)
    yield row("Box-Muller against exact arithmetic, worst sample, ulp (`box_muller_max_ulp`)", "≤ 1", f"{b['box_muller_max_ulp']:.3f}", b["box_muller_max_ulp"] <= 1)
    yield row("reach", "≥ 8.1 σ", f"{b['noise_reach_sigma']:.3f} σ", b["noise_reach_sigma"] >= 8.1)
    yield row(f"statistics of {b['noise_samples']:.0e} samples (below)", "all within limits", "passed" if b["noise_statistics_passed"] else "failed", b["noise_statistics_passed"])
    yield row("accuracy of the integers, clean, 10 000 images (`accuracy_clean`)", "≥ 92.5 %", percent(b["accuracy_clean"]), b["accuracy_clean"] >= 0.925)
    yield row("additional parameters (`extra_parameters`)", "≤ 2.03 %", percent(b["extra_parameters"]), b["extra_parameters"] <= 0.0203)
    for name in cli.PROFILES:
        target = 0.95 if name == "varying_chip" else 0.65
        yield row(f"{name}: accuracy lost", "≥ 25 points", f"{100 * b[f'drop_{name}']:.1f} points", b[f"drop_{name}"] >= 0.25)
        yield row(f"{name}: share of it recovered (`recovered_share_{name}`)", f"≥ {100 * target:.0f} %", percent(b[f"recovered_share_{name}"], 1), b[f"recovered_share_{name}"] >= target)
    yield row("reference device, ResNet-8, noise and denoiser on, 2 threads (`ref_images_per_s`)", "≥ 600 images/s", f"{b['ref_images_per_s']:.0f}", b["ref_images_per_s"] >= 600)
    yield row("the same against PyTorch with noise and blocks, one run, in turns, both on 2 threads (`ref_vs_torch_noisy`)", "≥ 4", f"{b['ref_vs_torch_noisy']:.1f} ({b['torch_images_per_s']:.0f} images/s)", b["ref_vs_torch_noisy"] >= 4)
    yield row("the same against PyTorch with noise but without the blocks (`ref_vs_torch_noisy_without_blocks`)", "≥ 4", f"{b['ref_vs_torch_noisy_without_blocks']:.1f} ({b['torch_images_per_s_without_blocks']:.0f} images/s)",
              b["ref_vs_torch_noisy_without_blocks"] >= 4)
    yield row(f"same logits from every code path, gcc and clang, x86-64 and ARM: {b['paths_compared']} ways, chips of all profiles (`paths_bit_equal`)", "100 %", percent(b["paths_bit_equal"], 4), b["paths_bit_equal"] == 1)
    yield row("the same, sampled", "≥ 600 images/s", f"{b['ref_images_per_s_sample']:.0f}", b["ref_images_per_s_sample"] >= 600)
    yield row("simulated chip, one thread, noise and denoiser on, clock cycles per second of processor time (`sim_cycles_per_s`)", "≥ 1 M cycles/s", f"{b['sim_cycles_per_s'] / 1e6:.2f} M", b["sim_cycles_per_s"] >= 1e6)
    if "ulx3s_sysclk_mhz" in b:
        yield row("ULX3S: system clock, met after place and route (`ulx3s_sysclk_mhz`)", "≥ 66 MHz", f"{b['ulx3s_sysclk_mhz']:.2f} MHz", b["ulx3s_sysclk_mhz"] >= 66)
        yield row("ULX3S: USB clocks of 48 and 12 MHz (`usb_clk_met`)", "met", "met" if b["usb_clk_met"] else "missed", b["usb_clk_met"])
        yield row("ULX3S: worst of the seeds (`ulx3s_fmax_worst_seed_mhz`)", "≥ 60 MHz", f"{b['ulx3s_fmax_worst_seed_mhz']:.1f} MHz", b["ulx3s_fmax_worst_seed_mhz"] >= 60)
        yield row("ULX3S: best of the seeds (`ulx3s_fmax_best_seed_mhz`)", "≥ 80 MHz", f"{b['ulx3s_fmax_best_seed_mhz']:.1f} MHz", b["ulx3s_fmax_best_seed_mhz"] >= 80)
        yield row("ULX3S: place and route, processor time (`ulx3s_place_and_route_s`)", "≤ 20 minutes", f"{b['ulx3s_place_and_route_s'] / 60:.1f} minutes", b["ulx3s_place_and_route_s"] <= 1200)
    yield row("bulk OUT through the wires model, simulated time (`usb_out_bytes_per_s`)", "≥ 1.1 MB/s", f"{b['usb_out_bytes_per_s'] / 1e6:.3f} MB/s", b["usb_out_bytes_per_s"] >= 1.1e6)
    yield row("bulk IN (`usb_in_bytes_per_s`)", "≥ 1.1 MB/s", f"{b['usb_in_bytes_per_s'] / 1e6:.3f} MB/s", b["usb_in_bytes_per_s"] >= 1.1e6)
    yield row("images/s through the wires ÷ what link and array allow (`stream_efficiency`)", "≥ 95 %", percent(b["stream_efficiency"], 1), b["stream_efficiency"] >= 0.95)
    if "usb_bit_equal" in b:
        yield row("same bytes over the wires and through QEMU as the reference device's (`usb_bit_equal`)", "100 %", percent(b["usb_bit_equal"], 4), b["usb_bit_equal"] == 1)
    injected, survived = b["usb_faults_injected"], b["usb_faults_survived"]
    yield row(f"injected USB faults survived, none with a wrong result, seed {b['usb_faults_seed']} (`usb_faults_injected`, `usb_faults_survived`)", "all of ≥ 1 000", f"{survived} of {injected}",
              injected >= 1000 and survived == injected)


# Figures of docs/results/summary.json: (key, what it is, target for people, at least).
EXPERIMENT = (
    ("recovered_share_mean", "recovered share of the drop, mean over backbones and noises", "≥ 85 %, goal 96.4 %", 0.85),
    ("recovered_share_min_backbone", "the same of the worst backbone", "≥ 75 %", 0.75),
    ("recovered_share_static", "process variation and ageing alone, corrected", "≥ 98 %", 0.98),
    ("recovered_share_random_of_bound", "read noise alone: blocks ÷ an unlimited denoiser of 10 × the backbone, the better of one trained as long and, where there is one, one trained longer", "≥ 92 %", 0.92),
)


def experiment(path):
    """What the section about the experiment says."""
    if not path.exists():
        return "Not run.\n"
    s = json.loads(path.read_text())
    rows = [f"| accuracy lost without mitigation, mean (`drop_mean`) | about 30 points | {100 * s['drop_mean']:.1f} points | |"]
    rows += [row(f"{what} (`{key}`)", target, percent(s[key], 1), s[key] >= least) for key, what, target, least in EXPERIMENT if s[key] is not None]
    rows.append(row("additional parameters, most (`extra_parameters`)", "≤ 2.03 %", percent(s["extra_parameters"]), s["extra_parameters"] <= 0.0203))
    table = "\n".join(rows)
    return f"""CIFAR-10, JPEG-75; ResNet-8, ResNet-20, a MobileNetV1 and a VGG under thirteen noises: [all tables and curves](results/experiment.md), [how](experiment.md).

| figure | target | measured | |
|---|---|---|---|
{table}
"""


def accuracies(b):
    for name in cli.PROFILES:
        yield (f"| {name} | {percent(b['accuracy_clean'])} | {percent(b[f'accuracy_noisy_{name}'])} | {percent(b[f'accuracy_denoised_{name}'])} ± {100 * b[f'accuracy_denoised_std_{name}']:.2f} | "
               f"{percent(b[f'accuracy_blocks_{name}'])} | {percent(b[f'accuracy_denoised_sample_{name}'])} | {percent(b[f'recovered_share_{name}'], 1)} | {percent(b[f'recovered_share_sample_{name}'], 1)} |")


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--bench", type=Path, default=cli.ROOT / "build/bench.json")
    options.add_argument("--synth", type=Path, default=cli.ROOT / "build/synth")
    options.add_argument("--out", type=Path, default=cli.ROOT / "docs/results.md")
    options.add_argument("--summary", type=Path, default=cli.ROOT / "docs/results/summary.json")
    options.add_argument("--experiment", action="store_true", help="renew only the section about the experiment")
    args = options.parse_args()
    if args.experiment:
        return args.out.write_text(marks.renew(args.out.read_text(), lambda name: experiment(args.summary)))
    b = json.loads(args.bench.read_text())
    noise = "\n".join(f"| {re.sub('^noise_', '', k)} | {v:.6g} |" for k, v in b.items() if k.startswith("noise_") and isinstance(v, (int, float)) and not isinstance(v, bool))
    chip = "\n".join(f"| {k.removeprefix('chip_')} | {v:.0f} |" for k, v in b.items() if k.startswith("chip_"))
    synth = (args.synth / "report.md").read_text() if (args.synth / "report.md").exists() else "Not measured.\n"
    rows = "\n".join(figures(b))
    routed = "placed and routed ([boards.md](boards.md))" if "ulx3s_sysclk_mhz" in b else "synthesised, not placed and routed"
    args.out.write_text(f"""# Results

Made by `python -m tools.results` from what `make bench` (version {b['version']}, {b['date']}, {b['machine']}) and `make synth` wrote; do not edit. Images: Fashion-MNIST test set
(Debian `dataset-fashion-mnist`), padded to 32×32. Accuracies are those of the integers, computed by libquell, mean of {b['chips']} chips, each with a noise seed of its own.
No physical board is at hand: the chip is simulated, cycle by cycle, and {routed}.

| figure | target | measured | |
|---|---|---|---|
{rows}

## The paper's experiment

{marks.section("experiment", experiment(args.summary))}

## Accuracy of the demo's model

Noise acts on every convolution and the fully connected layer. *noisy*: no mitigation. *denoised*: blocks in mean mode; for the varying chip, which
has no random noise, column correction calibrated from 100 unlabelled training images, blocks off. *blocks, mean* and *sampled*: with blocks on (and that calibration). ± is the standard deviation over chips. Without any noise the blocks (made for noise) cost accuracy: {percent(b["accuracy_clean_denoiser_on"])} with them.

| profile | clean | noisy | denoised | blocks, mean | blocks, sampled | recovered | recovered, sampled |
|---|---|---|---|---|---|---|---|
{chr(10).join(accuracies(b))}

## Cycles and counters, one ResNet-8 image, additive noise

`cycles_off`, `_mean`, `_sample`: denoiser mode; the counters are those of mean mode ([soc.md](soc.md) says what each counts). The reference device on the same kind of machine: PyTorch with
added Gaussian noise does 1 270 images/s, IBM's analog toolkit 205 (2 threads), as measured for the design.

| counter | per image |
|---|---|
{chip}

## Noise samples

Seed 1; statistics and limits are explained in [noise.md](noise.md).

| statistic | value |
|---|---|
{noise}

## Synthesis

{synth}""")


if __name__ == "__main__":
    main()
