# SPDX-License-Identifier: Apache-2.0
"""`quell sweep`: its cells are what `quell run` says; slices, interruptions and repetitions change nothing; and over Dask (tools/sweep.py)."""
import json
import os
import re
import resource
import signal
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))
from test_cli import FILE, INTERRUPTED, ROOT, USAGE  # noqa: E402
from tools import cli  # noqa: E402

QUELL, CHECKED = ROOT / "build/bin/quell", ROOT / "build/tests/asan/quell-usb"  # the second with sanitizers
MODEL, DATA, LABELS = cli.MODEL, cli.FASHION, cli.LABELS
IMAGES = 40
INPUTS = ["--model", MODEL, "--images", cli.IMAGES, "--labels", LABELS, "--limit", IMAGES]
AXES = ["--profiles", f"{cli.PROFILES['additive']},{cli.PROFILES['varying_chip']}", "--severities", "0.5,1", "--chips", "1-2", "--noise-seeds", "3,5", "--denoisers", "off,mean",
        "--calibrate", DATA / "train-images-idx3-ubyte.gz"]
CELLS = 2 * 2 * 2 * 2 * 2 * 2


def sweep(out, *more, expect=0, axes=AXES, tool=QUELL):
    result = subprocess.run([str(w) for w in [tool, "sweep", *INPUTS, *axes, "--json", out, *more]], capture_output=True, text=True, timeout=300)
    assert result.returncode == expect, f"exit code {result.returncode} instead of {expect}: {result.stderr}"
    return result


def processor_seconds():
    """Of all programs that were started here and have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    out, before = tmp_path_factory.mktemp("sweep") / "whole.json", processor_seconds()
    return out, sweep(out).stdout, processor_seconds() - before


def test_cells_are_runs(whole, tmp_path):
    """Every kind of cell against `quell run` (and `quell calibrate`) with the same settings."""
    found = json.loads(whole[0].read_text())
    assert found["complete"] and [c["cell"] for c in found["cells"]] == list(range(CELLS))
    for number in (0, 5, 18, 31, 40, 63):
        cell = found["cells"][number]
        common = ["--profile", cli.PROFILES[cell["profile"]], "--severity", cell["severity"], "--chip", cell["chip"]]
        words = [*INPUTS, *common, "--noise-seed", cell["noise_seed"], "--denoiser", cell["denoiser"], "--json", tmp_path / "r.json"]
        if cell["corrected"]:
            calibrate = ["--model", MODEL, "--images", DATA / "train-images-idx3-ubyte.gz", "--limit", 100, *common, "--output", tmp_path / "c.json"]
            subprocess.run([str(w) for w in [QUELL, "calibrate", *calibrate]], check=True, capture_output=True)
            words += ["--calibration", tmp_path / "c.json"]
        subprocess.run([str(w) for w in [QUELL, "run", *words]], check=True, capture_output=True)
        run = json.loads((tmp_path / "r.json").read_text())
        assert (run["correct"], run["images"]) == (cell["correct"], cell["images"]), cell
    settings = {(c["profile"], c["severity"], c["chip"], c["corrected"], c["noise_seed"], c["denoiser"]) for c in found["cells"]}
    assert len(settings) == CELLS


def test_corrected_only(whole, tmp_path):
    """The same cells without those as they are."""
    out, name = tmp_path / "c.json", lambda cell: {key: value for key, value in cell.items() if key != "cell"}
    sweep(out, "--corrected-only")
    found, all_cells = json.loads(out.read_text()), json.loads(whole[0].read_text())["cells"]
    assert found["complete"] and [name(c) for c in found["cells"]] == [name(c) for c in all_cells if c["corrected"]]
    before = out.read_bytes()
    sweep(out, "--corrected-only")
    assert out.read_bytes() == before
    assert "--calibrate" in sweep(tmp_path / "d.json", "--corrected-only", axes=AXES[:-2], expect=USAGE).stderr


def test_slices(whole, tmp_path):
    """Slices one after the other into one file give the very bytes of the whole; a finished sweep is not run again."""
    out = tmp_path / "s.json"
    for k in (2, 0, 1):
        sweep(out, "--slice", f"{k}/3")
    assert out.read_bytes() == whole[0].read_bytes()
    before = processor_seconds()
    assert sweep(out).stdout == whole[1] and processor_seconds() - before < whole[2] / 4
    assert out.read_bytes() == whole[0].read_bytes()


def test_interrupted(whole, tmp_path):
    """Ctrl-C keeps what is done; the same command goes on."""
    out = tmp_path / "i.json"
    process = subprocess.Popen([str(w) for w in [QUELL, "sweep", *INPUTS, *AXES, "--json", out, "--threads", 1, "--progress"]], env={**os.environ, "QUELL_CPU": "scalar"}, stderr=subprocess.PIPE, text=True)  # long enough for progress
    for line in process.stderr:  # progress, until a cell is done
        found = re.search(r"sweep .*\] (\d+)/\d+ ", line)
        assert found, line
        if int(found[1]) > IMAGES:
            break
    process.send_signal(signal.SIGINT)
    message = process.stderr.read()
    assert process.wait() == INTERRUPTED and "goes on" in message
    before = json.loads(out.read_text())
    assert not before["complete"] and 0 < len(before["cells"]) < CELLS
    sweep(out)
    assert out.read_bytes() == whole[0].read_bytes()


def test_other_settings_are_refused(whole, tmp_path):
    out = tmp_path / "o.json"
    out.write_bytes(whole[0].read_bytes())
    changed = [w if w != "1-2" else "1-3" for w in AXES]
    assert "other settings" in sweep(out, axes=changed, expect=USAGE).stderr
    assert out.read_bytes() == whole[0].read_bytes()
    out.write_text("{")
    assert "other settings" in sweep(out, expect=USAGE).stderr


@pytest.mark.parametrize("option, value, text", [
    ("--chips", "1-", "such as"), ("--chips", "5-1", "such as"), ("--chips", "-1", "such as"), ("--chips", "0-9999", "4095"), ("--chips", "4294967296", "such as"), ("--severities", "1,", "--severities"),
    ("--severities", "-1", "--severities"), ("--severities", "nan", "--severities"), ("--denoisers", "off,loud", "--denoisers"), ("--noise-seeds", "1;2", "such as"), ("--slice", "3/3", "--slice"),
    ("--slice", "1", "--slice"),
])
def test_bad_lists(tmp_path, option, value, text):
    message = sweep(tmp_path / "b.json", option, value, expect=USAGE, tool=CHECKED).stderr
    assert text in message and message.count("\n") == 1 and not (tmp_path / "b.json").exists()


def test_with_sanitizers(tmp_path):
    """A small sweep twice, the second time from its own file."""
    few = ["--limit", 2, "--severities", 1, "--noise-seeds", 3, "--denoisers", "mean", "--chips", 2]
    for _ in range(2):
        sweep(tmp_path / "c.json", *few, tool=CHECKED)
    assert len(json.loads((tmp_path / "c.json").read_text())["cells"]) == 4


def test_bad_inputs(tmp_path):
    sweep(tmp_path / "b.json", "--profiles", f"{cli.PROFILES['additive']},{tmp_path}/none.json", expect=FILE, tool=CHECKED)
    words = [CHECKED, "sweep", "--model", MODEL, "--images", cli.IMAGES, "--profiles", cli.PROFILES["additive"], "--json", tmp_path / "b.json"]
    result = subprocess.run([str(w) for w in words], capture_output=True, text=True)
    assert result.returncode == USAGE and "labels" in result.stderr
    assert not (tmp_path / "b.json").exists()


def test_cluster(whole, tmp_path):
    """Two local workers, one killed half-way: the bytes of the single run."""
    from distributed import LocalCluster

    out = tmp_path / "d.json"
    with LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None) as cluster:
        words = [sys.executable, "-m", "tools.sweep", "--scheduler", cluster.scheduler_address, "--json", out, "--slices", 4, "--", *INPUTS, *AXES, "--threads", 1]
        process = subprocess.Popen([str(w) for w in words], cwd=ROOT, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        first = process.stderr.readline()
        while first and "of 4 slices" not in first:
            first = process.stderr.readline()
        os.kill(next(iter(cluster.workers.values())).pid, signal.SIGKILL)
        table, messages = process.communicate(timeout=300)
    assert process.returncode == 0, messages
    assert out.read_bytes() == whole[0].read_bytes() and table == whole[1]


def test_seeds_together_on_a_link(tmp_path):
    """Behind a link seeds that follow each other run together; what is there already (seed 4) and gaps (6) part them. The same cells as on `ref`."""
    axes = ["--profiles", cli.PROFILES["additive"], "--limit", 2, "--denoisers", "off"]
    cells = {}
    for device in ("ref", "sim"):
        out = tmp_path / f"{device}.json"
        sweep(out, "--device", device, "--noise-seeds", "3-5,7", axes=axes)
        cells[device] = json.loads(out.read_text())["cells"]
    assert cells["ref"] == cells["sim"] and len(cells["ref"]) == 4 and len({c["logits_crc32"] for c in cells["ref"]}) == 4
    found = json.loads((tmp_path / "sim.json").read_text())
    found["cells"] = [c for c in found["cells"] if c["noise_seed"] == 4]
    found["complete"] = False
    (tmp_path / "sim.json").write_text(json.dumps(found))
    sweep(tmp_path / "sim.json", "--device", "sim", "--noise-seeds", "3-5,7", axes=axes)
    assert json.loads((tmp_path / "sim.json").read_text())["cells"] == cells["ref"]
