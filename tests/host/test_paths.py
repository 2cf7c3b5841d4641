# SPDX-License-Identifier: Apache-2.0
"""The same bytes from every code path, compiler and processor: logits of the demo's model on chips of every profile, noise and sampling denoiser on."""
import itertools
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
from tests.run import ARM, VARIANTS  # noqa: E402

NATIVE = ROOT / "build/bin/quell"
MODEL = ROOT / "models/resnet8_fmnist_denoised.onnx"
PROFILES = sorted((ROOT / "profiles").glob("*.json"))
PATHS = ["scalar", "neon", "avx2", "avxvnni", "avx512", "avx512vnni"]
# name: (words before the program, program, QUELL_CPU)
PLAYED = {
    "gcc, Nehalem (no AVX)": (["qemu-x86_64", "-cpu", "Nehalem"], NATIVE, ""),
    "gcc, Haswell (AVX2)": (["qemu-x86_64", "-cpu", "Haswell"], NATIVE, ""),
    "clang": ([], VARIANTS / "clang/quell", ""),
    "clang, Haswell (AVX2)": (["qemu-x86_64", "-cpu", "Haswell"], VARIANTS / "clang/quell", ""),
    "aarch64, gcc": (ARM, VARIANTS / "aarch64/quell", ""),
    "aarch64, gcc, scalar": (ARM, VARIANTS / "aarch64/quell", "scalar"),
    "aarch64, clang": (ARM, VARIANTS / "aarch64-clang/quell", ""),
}


def here():
    """Code paths of this processor: those that the tool does not refuse."""
    return [path for path in PATHS if subprocess.run([NATIVE, "--version"], env={**os.environ, "QUELL_CPU": path}, capture_output=True).returncode == 0]


def images(folder):
    """Two images of noise and two of soft patterns, IDX."""
    random = np.random.default_rng(3)
    soft = np.kron(random.integers(0, 256, (2, 7, 7)), np.ones((4, 4)))
    pixels = np.concatenate([random.integers(0, 256, (2, 28, 28)), soft]).astype(np.uint8)
    path = folder / "images.idx"
    path.write_bytes(bytes([0, 0, 8, 3]) + b"".join(n.to_bytes(4, "big") for n in pixels.shape) + pixels.tobytes())
    return path


def logits(folder, words, program, path, profile, count):
    out = folder / "logits.npy"
    out.unlink(missing_ok=True)
    command = [*words, program, "run", "--model", MODEL, "--images", images(folder), "--profile", profile, "--chip", 3, "--noise-seed", 5, "--denoiser", "sample", "--limit", count, "--logits", out]
    subprocess.run([str(word) for word in command], env={**os.environ, "QUELL_CPU": path}, check=True, capture_output=True, timeout=300)
    return np.load(out)


def share_equal(folder, profiles=PROFILES, count=1):
    """{way of computing: share of equal logits}, the scalar path of the native program being the measure."""
    ways = {f"gcc, {path}": ([], NATIVE, path) for path in here() if path != "scalar"} | PLAYED
    equal = dict.fromkeys(ways, 0.0)
    for profile, (name, (words, program, path)) in itertools.product(profiles, ways.items()):
        want = logits(folder, [], NATIVE, "scalar", profile, count)
        equal[name] += np.mean(want == logits(folder, words, program, path, profile, count))
    return {name: share / len(profiles) for name, share in equal.items()}  # all equal is 1, not 1 less a rounding


@pytest.mark.parametrize("path", [path for path in here() if path != "scalar"])
def test_code_paths_of_this_processor(path, tmp_path):
    for profile in PROFILES:
        assert np.array_equal(logits(tmp_path, [], NATIVE, "scalar", profile, 2), logits(tmp_path, [], NATIVE, path, profile, 2)), profile.stem


@pytest.mark.parametrize("way", PLAYED)
def test_other_compilers_and_processors(way, tmp_path):
    for profile in PROFILES:
        assert np.array_equal(logits(tmp_path, [], NATIVE, "", profile, 1), logits(tmp_path, *PLAYED[way], profile, 1)), profile.stem


def test_a_processor_without_avx_runs_the_scalar_path():
    words, program, _ = PLAYED["gcc, Nehalem (no AVX)"]
    assert "computes with scalar" in subprocess.run([*words, program, "--version"], capture_output=True, text=True, check=True).stdout
    words, program, _ = PLAYED["gcc, Haswell (AVX2)"]
    assert "computes with avx2" in subprocess.run([*words, program, "--version"], capture_output=True, text=True, check=True).stdout
    words, program, _ = PLAYED["aarch64, gcc"]
    assert "computes with neon" in subprocess.run([*words, program, "--version"], capture_output=True, text=True, check=True).stdout


if __name__ == "__main__":  # python tests/host/test_paths.py OUT.json: the figure of make bench
    out = Path(sys.argv[1])
    out.parent.mkdir(parents=True, exist_ok=True)
    shares = share_equal(out.parent)
    out.write_text(json.dumps({"paths_bit_equal": min(shares.values()), "paths_compared": len(shares)}, indent=2) + "\n")
