# SPDX-License-Identifier: Apache-2.0
"""Call the tool `quell` from the demo, the benchmark and the system tests."""
import json
import subprocess
import tempfile
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
QUELL = ROOT / "build/bin/quell"
FASHION = Path("/usr/share/datasets/fashion-mnist")  # Debian package dataset-fashion-mnist
MODEL = ROOT / "models/resnet8_fmnist_denoised.onnx"
PROFILES = {name: ROOT / f"profiles/{name}.json" for name in ("additive", "multiplicative", "varying_chip")}
IMAGES = FASHION / "t10k-images-idx3-ubyte.gz"
LABELS = FASHION / "t10k-labels-idx1-ubyte.gz"
CALIBRATION_IMAGES = FASHION / "train-images-idx3-ubyte.gz"


def run(model, *, device="ref", profile=None, chip=1, calibration=None, noise_seed=1, denoiser="off", limit=0, threads=0, images=IMAGES, labels=LABELS, dump=None, dump_count=1, timeout=3600, quiet=True, simulator=None, options=()):
    """Run images on a device; return (figures as a dict, logits as int8 array of shape images x classes)."""
    with tempfile.TemporaryDirectory() as folder:
        report, logits = Path(folder) / "run.json", Path(folder) / "logits.npy"
        command = [QUELL, "run", "--model", model, "--images", images, "--device", device, "--chip", chip, "--noise-seed", noise_seed, "--denoiser", denoiser, "--limit", limit, "--threads", threads,
                   "--json", report, "--logits", logits]
        command += [*options, *(["--simulator", simulator] if simulator else [])]
        command += ["--labels", labels] if labels else []
        command += ["--profile", profile] if profile else []
        command += ["--calibration", calibration] if calibration else []
        command += ["--dump-activations", dump, "--dump-count", dump_count] if dump else []
        call([*command] if quiet else [*command, "--progress"], timeout=timeout, quiet=quiet)
        return json.loads(report.read_text()), np.load(logits)


def calibrate(model, profile, chip, out, *, device="ref", limit=100, noise_seed=1, images=CALIBRATION_IMAGES, options=()):
    """Measure a chip's column correction from unlabelled training images."""
    call([QUELL, "calibrate", "--model", model, "--images", images, "--device", device, "--profile", profile, "--chip", chip, "--noise-seed", noise_seed, "--limit", limit, "--output", out, *options])
    return out


def is_static(profile):
    """Whether a profile has something that calibration can take out."""
    values = json.loads(profile.read_text())
    return any(values[key] for key in ("column_gain_sigma", "column_offset_sigma", "weight_programming_sigma", "stuck_columns"))


def call(command, timeout=3600, quiet=True):
    """Run a command; its message becomes the exception's if it fails."""
    words = [str(word) for word in command]
    result = subprocess.run(words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE if quiet else None, text=True, timeout=timeout)
    if result.returncode:
        raise RuntimeError(f"{' '.join(words)}: exit code {result.returncode}: {(result.stderr or '').strip()}")
