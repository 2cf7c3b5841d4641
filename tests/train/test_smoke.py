"""The commands of docs/experiment.md in small: every kind of run on Fashion-MNIST, then tables of them."""
import json
import subprocess
import sys

import pytest

from train import data, experiment, quell, recipes
from train.config import ROOT

pytestmark = pytest.mark.skipif(not data.place("fashion_mnist") or not all(path.exists() for path in (quell.LIBRARY, experiment.QUELL, experiment.BOARD)),
                                reason="needs Fashion-MNIST, libquell, quell and quell-simboard-large")


def command(*words):
    done = subprocess.run([sys.executable, "-m", *map(str, words)], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_one_command_runs_everything_and_another_makes_tables(tmp_path):
    command("train.experiment", "--profile", "smoke", "--folder", tmp_path, "--jobs", 1)
    runs = {path.stem: json.loads(path.read_text()) for path in (tmp_path / "runs").iterdir()}
    assert runs.keys() == {run.name for run in recipes.unique(recipes.smoke().runs)}
    for name, file in runs.items():
        if file["run"]["control"] in ("blocks", "both"):
            figures = file["figures"]
            assert figures["chip_cycles"] <= figures["chip_cycles_with_blocks"] < 1.05 * figures["chip_cycles"]
            assert figures["extra_parameters"] <= file["run"]["budget"] * figures["parameters"]
    again = command("train.experiment", "--profile", "smoke", "--folder", tmp_path, "--jobs", 1)
    assert f"{len(runs)} of {len(runs)} runs are there" in again
    command("train.tables", "--profile", "smoke", "--runs", tmp_path / "runs", "--out", tmp_path / "tables")
    text = (tmp_path / "tables/experiment.md").read_text()
    assert all(f"## {title}" in text for title in ("Noise and mitigation", "Controls at equal parameters", "Placement", "Cost"))
    assert json.loads((tmp_path / "tables/summary.json").read_text())["extra_parameters"] <= 0.0203
