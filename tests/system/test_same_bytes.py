# SPDX-License-Identifier: Apache-2.0
"""Real images through the reference device and through the whole simulated chip: every code after every layer must be the same."""
import numpy as np
import pytest

from tools import cli

MODEL, PROFILES = cli.MODEL, cli.PROFILES
IMAGES = 2  # make bench does 16


def same_bytes(tmp_path, **settings):
    """Compare logits and all activations of both devices; return how many activation codes were compared."""
    results = {}
    for device in ("ref", "sim"):
        folder = tmp_path / device
        folder.mkdir()
        _, logits = cli.run(MODEL, device=device, limit=IMAGES, dump=folder, dump_count=IMAGES, **settings)
        results[device] = logits, {p.name: np.load(p) for p in sorted(folder.glob("*.npy"))}
    (ref_logits, ref), (sim_logits, sim) = results["ref"], results["sim"]
    assert ref and ref.keys() == sim.keys()
    for name in ref:
        assert np.array_equal(ref[name], sim[name]), f"{name}: {np.count_nonzero(ref[name] != sim[name])} of {ref[name].size} codes differ"
    assert np.array_equal(ref_logits, sim_logits)
    return sum(a.size for a in ref.values())


def test_clean(tmp_path):
    assert same_bytes(tmp_path) > 50_000 * IMAGES


@pytest.mark.parametrize("denoiser", ["off", "mean", "sample"])
def test_additive(tmp_path, denoiser):
    same_bytes(tmp_path, profile=PROFILES["additive"], denoiser=denoiser, noise_seed=7)


def test_multiplicative_denoised(tmp_path):
    same_bytes(tmp_path, profile=PROFILES["multiplicative"], denoiser="sample", chip=3)


def test_varying_chip_calibrated(tmp_path):
    calibration = cli.calibrate(MODEL, PROFILES["varying_chip"], 2, tmp_path / "chip2.json", limit=20)
    same_bytes(tmp_path, profile=PROFILES["varying_chip"], chip=2, calibration=calibration, denoiser="mean")


def test_settings_change_the_result():
    """The comparison above could not fail if noise, seed and denoiser did nothing."""
    logits = [cli.run(MODEL, limit=4, **settings)[1] for settings in (
        {}, {"profile": PROFILES["additive"]}, {"profile": PROFILES["additive"], "noise_seed": 2}, {"profile": PROFILES["additive"], "denoiser": "mean"},
        {"profile": PROFILES["additive"], "denoiser": "sample"}, {"profile": PROFILES["varying_chip"], "chip": 1}, {"profile": PROFILES["varying_chip"], "chip": 2})]
    for i, a in enumerate(logits):
        for b in logits[:i]:
            assert not np.array_equal(a, b)


def test_threads_do_not_change_the_result():
    one, two = (cli.run(MODEL, limit=50, threads=n, profile=PROFILES["additive"], denoiser="sample")[1] for n in (1, 2))
    assert np.array_equal(one, two)
