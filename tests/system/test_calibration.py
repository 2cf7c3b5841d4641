# SPDX-License-Identifier: Apache-2.0
"""Column correction on the committed model: it does no harm where there is nothing to correct, and an aged chip is measured again."""
import json

import pytest

from tools import cli


@pytest.mark.parametrize("name", ["additive", "multiplicative"])
def test_no_harm_without_static_variation(tmp_path, name):
    """All 10 000 test images, three noise seeds, corrections measured under three others. The correction changes some 5 % of the answers, so the
    standard deviation of the difference is 0.22 points a run, 0.13 of the mean; the limit is 0.5 points."""
    profile, lost = cli.PROFILES[name], []
    for seed in (1, 2, 3):
        correction = cli.calibrate(cli.MODEL, profile, 1, tmp_path / f"{seed}.json", noise_seed=100 + seed)
        plain, corrected = (cli.run(cli.MODEL, profile=profile, noise_seed=seed, calibration=c)[0]["accuracy"] for c in (None, correction))
        lost.append(plain - corrected)
    assert sum(lost) / len(lost) <= 0.005, lost


def test_no_harm_on_an_ideal_chip(tmp_path):
    text = json.loads(cli.PROFILES["additive"].read_text()) | {"read_additive": 0.0}
    profile = tmp_path / "ideal.json"
    profile.write_text(json.dumps(text))
    correction = cli.calibrate(cli.MODEL, profile, 1, tmp_path / "c.json")
    plain, corrected = (cli.run(cli.MODEL, profile=profile, calibration=c)[0]["accuracy"] for c in (None, correction))
    assert corrected >= plain - 0.001


def test_an_aged_chip_is_measured_again(tmp_path):
    """The same chip, an hour and a month after programming: the correction of its first hour does not serve a month later, a new one does."""
    young, old = (cli.ROOT / f"profiles/ageing_{age}.json" for age in ("1h", "1month"))
    first, again = (cli.calibrate(cli.MODEL, profile, 1, tmp_path / f"{profile.stem}.json") for profile in (young, old))
    accuracy = lambda **options: cli.run(cli.MODEL, limit=4000, **options)[0]["accuracy"]
    clean, stale, fresh = accuracy(), accuracy(profile=old, calibration=first), accuracy(profile=old, calibration=again)
    assert fresh >= clean - 0.01 and stale <= fresh - 0.05, (clean, stale, fresh)
