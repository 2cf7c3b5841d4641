"""The experiment in small on made images: every control runs, a stopped run goes on, tables say what the files say."""
import json
import multiprocessing
import signal
import time
from dataclasses import replace

import numpy as np
import pytest
import torch

from conftest import made_set
from train import archive, config, controls, denoiser, experiment, fit, quell, recipes, severity, tables

needs_library = pytest.mark.skipif(not quell.LIBRARY.exists(), reason="needs build/lib/libquell.so")
TINY = replace(config.SMOKE, data="made", train_images=64, range_images=64, denoiser_images=64, denoiser_steps=2, denoiser_batch=16, search_batches=1,
               measure_steps=1, measure_images=16, calibration_images=10, bottlenecks=(1,), batch=32)
ROW = recipes.Run("resnet8", "read", 1.0, "none", images=16, widths=(1,))
RUNS = tuple([replace(ROW, control=control, table=table) for table in ("main", "controls") for control in recipes.CONTROLS]
             + [replace(ROW, control="none", table="placement")]
             + [replace(ROW, control="blocks", placement=p, table="placement") for p in ("gradient", "random", "first", "last", "all")]
             + [replace(ROW, control="blocks", placement="random", draw=1, table="placement"), replace(ROW, noise="varying_chip"), replace(ROW, noise="varying_chip", control="correction")])


@pytest.fixture
def runner(tmp_path, monkeypatch):
    monkeypatch.setattr("train.data.load", lambda name, count=None: made_set(1, 32, 0, 64))
    recipe = recipes.Profile("test", {"resnet8": TINY}, (1, 2), (1, 2), RUNS, "")
    return lambda: experiment.Experiment(recipe, tmp_path / "work", 1, lambda line: None)


@needs_library
def test_every_run_makes_its_file_and_a_stopped_one_goes_on(runner, tmp_path):
    out = tmp_path / "runs"
    experiment.perform(runner(), RUNS, out, stop_after=5)
    first = {path.name: path.read_bytes() for path in out.glob("*.json")}
    assert len(first) == 5
    assert experiment.perform(runner(), RUNS, out) == 0
    assert {path.stem for path in out.glob("*.json")} == {run.name for run in RUNS}
    assert all((out / name).read_bytes() == content for name, content in first.items())
    made = json.loads((out / f"{replace(ROW, noise='varying_chip').name}.json").read_text())
    assert [(row["chip"], row["noise_seed"]) for row in made["figures"]["accuracies"]] == [(1, 1), (2, 1)]
    budget = 0.0203 * made["figures"]["parameters"]
    for path in out.glob("*.json"):
        file = json.loads(path.read_text())
        if file["run"]["control"] in ("blocks", "both", "low_rank", "no_sigma"):
            assert 0 < file["figures"]["extra_parameters"] <= budget
        if file["run"]["control"] == "unlimited":
            assert file["figures"]["extra_parameters"] >= 10 * file["figures"]["parameters"]
    tables.write(out, tmp_path / "tables", "test")
    assert set(json.loads((tmp_path / "tables/summary.json").read_text())) == {
        "drop_mean", "recovered_share_mean", "recovered_share_min_backbone", "recovered_share_static", "recovered_share_random_of_bound", "extra_parameters"}


@needs_library
def test_same_run_gives_the_same_figures(runner, tmp_path):
    run = replace(ROW, control="both")
    assert runner().evaluate(run) == runner().evaluate(run)


def test_another_worker_takes_what_is_free(runner, tmp_path):
    one = runner()
    with experiment.claimed(one.folder("resnet8") / "net.json"):
        assert one.waits(ROW)
        assert experiment.perform(one, RUNS[:3], tmp_path / "runs") == 3
    assert not one.waits(ROW)


def file_of(run, accuracies, clean, **figures):
    rows = [{"chip": 1, "noise_seed": i, "mode": "mean", "accuracy": a} for i, a in enumerate(accuracies)]
    return {"run": recipes.stored(run), "data": "made", "chips": [1], "noise_seeds": [1], "versions": {"commit": "x"},
            "figures": {"accuracies": rows, "clean": {"off": clean, "mean": clean}, "clean_all": clean, "images": 100, "parameters": 1000, "extra_parameters": 20, "macs": 10,
                        "extra_macs": 1, "energy_nj": 1.0, "energy_with_blocks_nj": 1.1} | figures}


def test_tables_compute_drop_and_recovered_share(tmp_path):
    runs = [(ROW, [0.5, 0.7]), (replace(ROW, control="both"), [0.8, 0.84]), (replace(ROW, control="correction"), [0.6, 0.6]),
            (replace(ROW, noise="varying_chip"), [0.3]), (replace(ROW, noise="varying_chip", control="correction"), [0.9])]
    place = replace(ROW, control="blocks", table="placement")
    runs += [(replace(place, control="none"), [0.6]), (place, [0.82])]
    runs += [(replace(place, placement="random", draw=i), [a]) for i, a in enumerate((0.7, 0.72, 0.74))]
    for i, (run, accuracies) in enumerate(runs):
        (tmp_path / f"{i}.json").write_text(json.dumps(file_of(run, accuracies, 0.9)))
    figures = tables.write(tmp_path, tmp_path / "out", "test")
    assert figures["drop_mean"] == pytest.approx(np.mean([0.3, 0.6]))
    assert figures["recovered_share_static"] == 1.0
    assert figures["recovered_share_mean"] == pytest.approx(np.mean([0.22 / 0.3, 1.0]), abs=1e-4)
    assert figures["extra_parameters"] == 0.02
    text = (tmp_path / "out/experiment.md").read_text()
    assert "gradient norm is +10.00 points from the mean of 3 random placements, whose standard deviation is 2.00: better by more" in text


@pytest.mark.parametrize("name", recipes.PROFILES)
def test_lists_are_whole(name):
    """Runs have unique names, real profiles and backbones; every comparison has its base row."""
    recipe = recipes.PROFILES[name]()
    runs = recipes.unique(recipe.runs)
    rows = {(r.table, r.backbone, r.noise, r.severity) for r in runs if r.control == "none"}
    for run in runs:
        assert recipes.noise_path(run.noise).exists() and run.backbone in recipe.backbones and run.loss in recipes.LOSSES
        assert run.table in ("loss", "width") or (run.table, run.backbone, run.noise, run.severity) in rows
    assert sum(r.table == "placement" and r.placement == "random" for r in runs) >= {"smoke": 1, "fast": 3, "full": 10}[name]


def test_retrained_backbone_starts_as_the_original_and_changes(net, images, profiles, settings):
    made = controls.make_retrained(net)
    assert (made(images) == net(images)).all()
    before = {name: value.clone() for name, value in net.state_dict().items()}
    fit.train(made, torch.nn.ModuleDict(), images, profiles, replace(settings, retrain_rate=0.05), 5, say=lambda line: None, origin=net)
    assert all((before[name] == value).all() for name, value in net.state_dict().items())
    assert any((made.weight(layer)[0] != net.weight(layer)[0]).any() for layer in net.layers)


def test_low_rank_and_unlimited_start_as_identity(net, images):
    order = [layer.name for layer in net.layers]
    paths = controls.make_low_rank(net, order, 1500, 1)
    assert 1200 < sum(p.numel() for p in paths.parameters()) <= 1500
    for blocks in (paths, controls.make_unlimited(net, 1)):
        assert (net(images[:8], denoise=denoiser.mean_mode(blocks)) == net(images[:8])).all()


@pytest.mark.parametrize("half", [0.05, 0.8, 3.0])
def test_severity_is_found(half):
    """A drop that saturates at 80 points and has half of that at `half`."""
    drop_at = lambda severity: 0.8 * severity ** 2 / (severity ** 2 + half ** 2)
    assert drop_at(severity.find(drop_at, 0.3, steps=12)) == pytest.approx(0.3, abs=0.003)


@needs_library
def test_what_is_kept_in_the_repository_is_taken_from_there(runner, tmp_path):
    """Another machine has the same runs and models without training; other settings take nothing."""
    runs = [replace(ROW, control=control) for control in ("none", "both")]
    one, out = runner(), tmp_path / "runs"
    experiment.perform(one, runs, out)
    kept = {"models": tmp_path / "models", "listing": tmp_path / "kept.json"}
    assert archive.keep("test", one, runs, out, **kept) == (2, 2)
    other, new = runner(), tmp_path / "new"
    other.work = tmp_path / "elsewhere"
    assert archive.restore("test", other, runs, new, **kept) == (2, 2)
    assert {path.name: path.read_text() for path in new.iterdir()} == {path.name: path.read_text() for path in out.glob("*.json")}
    other.dataset = None  # nothing may be trained
    assert torch.equal(other.net("resnet8")[0].stem_weight, one.net("resnet8")[0].stem_weight)
    path, about = other.trained_file(runs[1])
    assert path.read_bytes() == one.trained_file(runs[1])[0].read_bytes() and about["extra_parameters"] > 0
    other.recipe = replace(other.recipe, chips=(7,))
    assert archive.restore("test", other, runs, tmp_path / "third", **kept)[0] == 0


def test_runs_of_other_settings_are_set_aside(runner, tmp_path):
    """Neither a changed run nor one that is no longer asked for enters today's tables; nothing is deleted."""
    recipe, names = runner().recipe, {}
    for run, change in ((RUNS[0], {}), (RUNS[1], {"chips": [9]}), (replace(ROW, severity=2.0), {})):
        names[run.name] = tmp_path / f"{run.name}.json"
        names[run.name].write_text(json.dumps(recipes.conditions(recipe, run) | {"figures": {}} | change))
    assert experiment.set_aside(recipe, tmp_path) == 2
    assert [path.stem for path in tmp_path.glob("*.json")] == [RUNS[0].name]
    assert len(list(tmp_path.glob("*.json.old"))) == 2
    assert experiment.set_aside(recipe, tmp_path) == 0


def test_a_worker_that_is_killed_is_named_at_once(capsys):
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=signal.raise_signal, args=(signal.SIGKILL,)), context.Process(target=time.sleep, args=(0.1,))]
    for worker in workers:
        worker.start()
    experiment.await_all(workers)
    assert "a worker failed (exit code -9)" in capsys.readouterr().out
    assert [worker.exitcode for worker in workers] == [-9, 0]


def test_the_bound_is_the_best_unlimited_denoiser(tmp_path):
    runs = [(replace(ROW, table=table, control=control), accuracies) for table, control, accuracies in (
        ("controls", "none", [0.5]), ("controls", "both", [0.8]), ("controls", "unlimited", [0.7]), ("longer", "none", [0.5]), ("longer", "unlimited", [0.85]))]
    for i, (run, accuracies) in enumerate(runs):
        file = file_of(run, accuracies, 0.9)
        file["figures"]["accuracies"] += [{"chip": 1, "noise_seed": 0, "mode": "off", "accuracy": 0.5}] if run.control == "unlimited" else []
        (tmp_path / f"{i}.json").write_text(json.dumps(file))
    figures = tables.write(tmp_path, tmp_path / "out", "test")
    assert figures["recovered_share_random_of_bound"] == pytest.approx(0.3 / 0.35, abs=1e-4)
