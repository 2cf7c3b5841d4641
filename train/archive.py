"""Keeps what the experiment made in the repository (`python -m train.experiment --profile full --keep`), from where any machine goes on.

- docs/results/<profile>-runs.json: every finished run, as its own file under build/ says it.
- models/experiment/*.onnx: the backbones, and what the main rows and the controls trained; index.json says of each what it is,
  by which settings it was made (a hash of them all is part of "work") and by which command.

The experiment takes from here what fits its settings and is not there yet (`restore`), and trains the rest.
"""
import json
import shutil

from . import recipes
from .config import ROOT
from .store import whole, write_json

MODELS = ROOT / "models/experiment"
TABLES = ("main", "controls", "longer")   # what their runs trained is kept; there are too many placements


def runs_file(profile):
    return ROOT / f"docs/results/{profile}-runs.json"


def file_name(run):
    return f"{run.backbone}-{recipes.TRAINS[run.control]}-{recipes.NOISES[run.noise]}-s{run.seed}{'-longer' * (run.table == 'longer')}.onnx"


def sidecar(path):
    return path.with_suffix(".json")


def made(runner, runs):
    """{file name: (path under work, kind)} of all that is there and worth keeping."""
    found = {f"{name}.onnx": (runner.folder(name) / "net.onnx", "backbone") for name in runner.recipe.backbones}
    for run in runs:
        if run.table in TABLES and run.control in recipes.TRAINS and run.control not in recipes.EMULATED:
            found[file_name(run)] = runner.trained_path(run, ".onnx"), recipes.TRAINS[run.control]
    return {name: value for name, value in found.items() if sidecar(value[0]).exists()}


def keep(profile, runner, runs, out, models=MODELS, listing=None):
    """Copy finished runs and their models -> (runs, models) kept."""
    finished = [json.loads(path.read_text()) for run in runs if (path := out / f"{run.name}.json").exists()]
    listing = listing or runs_file(profile)
    lines = ",\n".join(json.dumps(run) for run in finished)
    whole(listing, lambda scratch: scratch.write_text(f"[\n{lines}\n]\n"))
    index = json.loads((models / "index.json").read_text()) if (models / "index.json").exists() else {}
    there = made(runner, runs)
    for name, (path, kind) in there.items():
        whole(models / name, lambda scratch: shutil.copyfile(path, scratch))
        index[name] = {"kind": kind, "work": str(path.relative_to(runner.work)), "profile": profile, **json.loads(sidecar(path).read_text()),
                       "command": f"python -m train.experiment --profile {profile}"}
    write_json(models / "index.json", dict(sorted(index.items())))
    return len(finished), len(there)


def restore(profile, runner, runs, out, models=MODELS, listing=None):
    """Put kept runs and models where the experiment looks for them -> (runs, models) restored. Nothing that is there is replaced; what was made
    by other settings is left out, since its hash or its settings differ."""
    index = json.loads((models / "index.json").read_text()) if (models / "index.json").exists() else {}
    files = 0
    for name, about in index.items():
        path = runner.work / about["work"]
        if about["profile"] == profile and not sidecar(path).exists():
            whole(path, lambda scratch: shutil.copyfile(models / name, scratch))
            write_json(sidecar(path), {key: value for key, value in about.items() if key not in ("kind", "work", "profile", "command")})
            files += 1
    listing, count = listing or runs_file(profile), 0
    kept = {file["run"]["name"]: file for file in (json.loads(listing.read_text()) if listing.exists() else [])}
    for run in runs:
        file, path = kept.get(run.name), out / f"{run.name}.json"
        if file and not path.exists() and recipes.fits(file, runner.recipe, run):
            write_json(path, file)
            count += 1
    return count, files
