"""python -m train.tables --profile smoke|fast|full: tables, plots and summary.json of the runs that are there.

Every accuracy is the mean over chips, noise seeds and training seeds; in brackets its standard deviation over all of them, or
the share of the drop that is recovered: (accuracy - none) / (clean - none), clean being the int8 backbone on an ideal chip.
"""
import argparse
import json
from collections import defaultdict
from pathlib import Path

import numpy as np

from . import plots, recipes
from .config import ROOT

GOAL_BUDGET = 0.0203


class Results:
    """The runs of a folder, by what they are."""

    def __init__(self, folder):
        self.rows = defaultdict(list)   # (table, backbone, noise, severity, control): [(run, figures)]
        self.files = [json.loads(path.read_text()) for path in sorted(Path(folder).glob("*.json"))]
        for file in self.files:
            run = file["run"]
            self.rows[run["table"], run["backbone"], run["noise"], run["severity"], run["control"]].append((run, file["figures"]))

    def keys(self, table):
        """[(backbone, noise, severity)] of a table, in the order of recipes.NOISES."""
        order = list(recipes.NOISES)
        found = {key[1:4] for key in self.rows if key[0] == table}
        return sorted(found, key=lambda key: (key[0], order.index(key[1]), key[2]))

    def accuracies(self, table, backbone, noise, severity, control, mode=None, **wanted):
        """All accuracies of one cell; wanted: further fields of the run."""
        cell = []
        for run, figures in self.rows.get((table, backbone, noise, severity, control), []):
            if all(run[key] == value for key, value in wanted.items()):
                last = mode or figures["accuracies"][-1]["mode"]
                cell += [row["accuracy"] for row in figures["accuracies"] if row["mode"] == last]
        return np.array(cell)

    def clean(self, backbone):
        """Accuracy of the int8 backbone on an ideal chip, on all test images."""
        rows = [figures for key, cell in self.rows.items() if key[1] == backbone and key[4] == "none" for _, figures in cell if "clean_all" in figures]
        return rows[0]["clean_all"] if rows else float("nan")

    def clean_of(self, key):
        """The same, on the images that this row was measured on."""
        cell = self.rows.get((*key, "none"), [])
        return cell[0][1]["clean"]["off"] if cell else float("nan")

    def recovered(self, table, backbone, noise, severity, control, mode=None, **wanted):
        """Share of the drop; NaN where something is missing or the drop is below a point."""
        none, treated = self.accuracies(table, backbone, noise, severity, "none"), self.accuracies(table, backbone, noise, severity, control, mode, **wanted)
        if not len(none) or not len(treated):
            return float("nan")
        drop = self.clean_of((table, backbone, noise, severity)) - none.mean()
        return (treated.mean() - none.mean()) / drop if drop > 0.01 else float("nan")

    def placements(self, key):
        """Of one row of the placement table -> its budgets, and (strategy, budget) -> [accuracy of every training or draw]."""
        cells = self.rows.get(("placement", *key, "blocks"), [])
        pick = lambda strategy, budget: [np.mean([r["accuracy"] for r in f["accuracies"]]) for run, f in cells if run["placement"] == strategy and run["budget"] == budget]
        return sorted({run["budget"] for run, _ in cells}), pick


def percent(value):
    return "–" if np.isnan(value) else f"{100 * value:.1f} %"


def cell(values, recovered=float("nan")):
    if not len(values):
        return "–"
    return f"{100 * values.mean():.2f}" + (f" ({percent(recovered)})" if not np.isnan(recovered) else f" ± {100 * values.std():.2f}")


def several(values):
    """Mean and sample standard deviation of trainings or draws, and how many they are."""
    if not values:
        return "–"
    return f"{100 * np.mean(values):.2f}" + (f" ± {100 * np.std(values, ddof=1):.2f} ({len(values)})" if len(values) > 1 else "")


def table(head, rows):
    if not rows:
        return "Not run yet."
    return "\n".join(["| " + " | ".join(head) + " |", "|" + "---|" * len(head)] + ["| " + " | ".join(map(str, row)) + " |" for row in rows])


def mean(values):
    values = [value for value in values if not np.isnan(value)]
    return float(np.mean(values)) if values else float("nan")


# ---- tables -------------------------------------------------------------------------------------------------------------


def main_table(results):
    rows, per_backbone, drops = [], defaultdict(list), []
    for key in results.keys("main"):
        none = results.accuracies("main", *key, "none")
        if not len(none):
            continue
        clean = results.clean_of(("main", *key))
        drops.append(clean - none.mean())
        per_backbone[key[0]].append(results.recovered("main", *key, recipes.recommended(key[1])))
        rows.append([key[0], f"{key[1]} × {key[2]:g}", f"{100 * clean:.2f}", f"{100 * none.mean():.2f} (−{100 * drops[-1]:.1f})"]
                    + [cell(results.accuracies("main", *key, control), results.recovered("main", *key, control)) for control in ("correction", "blocks", "both")]
                    + [recipes.recommended(key[1])])
    text = table(["backbone", "noise", "clean", "none", "correction", "blocks", "both", "run with"], rows)
    for backbone, values in per_backbone.items():
        text += f"\n\n{backbone}: {percent(mean(values))} of the drop recovered, mean over its noises."
    return text, drops, per_backbone


def controls_table(results, name="controls", controls=recipes.CONTROLS, keys=None):
    """keys: [(backbone, noise, severity)]; all of the table by default."""
    rows = []
    for key in results.keys(name) if keys is None else keys:
        clean = results.clean_of((name, *key))
        rows.append([key[0], f"{key[1]} × {key[2]:g}", f"{100 * clean:.2f}"]
                    + [cell(results.accuracies(name, *key, control), results.recovered(name, *key, control)) for control in controls])
    return table(["backbone", "noise", "clean", *(c.replace("_", " ") for c in controls)], rows)


def placement_table(results):
    """Strategy against budget, and whether gradient norm beats chance by more than the standard deviation."""
    lines, verdicts = [], []
    for key in results.keys("placement"):
        budgets, pick = results.placements(key)
        head = ["strategy", *(f"{100 * budget:g} %" for budget in budgets)]
        rows = [[strategy] + [several(pick(strategy, budget)) for budget in budgets]
                for strategy in plots.STRATEGIES]
        lines.append(f"{key[0]}, {key[1]} × {key[2]:g}; accuracy, of one training; or its mean, standard deviation and number over trainings (of random: over draws)\n\n" + table(head, rows))
        for budget in budgets:
            ours, chance = pick("gradient", budget), pick("random", budget)
            if ours and len(chance) > 1:
                ahead, spread = np.mean(ours) - np.mean(chance), np.std(chance, ddof=1)
                verdicts.append(f"{key[0]}, {100 * budget:g} %: gradient norm is {100 * ahead:+.2f} points from the mean of {len(chance)} random placements, whose standard "
                                f"deviation is {100 * spread:.2f}: {'better by more than that' if ahead > spread else 'not better by more than that'}.")
    return "\n\n".join(lines + verdicts) or "Not run yet."


def single_points(results):
    """Rows of the severity table that are no curve: bits of a converter, a year of phase-change memory and, beside it, its hour at the same severity."""
    keys = results.keys("severity")
    alone = [key for key in keys if sum(other[:2] == key[:2] for other in keys) == 1]
    return [key for key in keys if key in alone or key[1] == "pcm_1h" and (key[0], "pcm_1y", key[2]) in alone]


def simple_table(results, name, field, modes=("mean",)):
    rows = []
    for key in results.keys(name):
        for value in sorted({str(run[field]) for run, _ in results.rows.get((name, *key, "blocks"), [])}):
            cells = [[row["accuracy"] for run, f in results.rows[name, *key, "blocks"] if str(run[field]) == value for row in f["accuracies"] if row["mode"] == mode] for mode in modes]
            rows.append([key[0], f"{key[1]} × {key[2]:g}", value] + [cell(np.array(c)) for c in cells])
    return table(["backbone", "noise", field, *modes], rows)


def costs_table(results):
    rows = []
    for backbone in sorted({key[1] for key in results.rows}):
        for key, cells in results.rows.items():
            if key[0] == "main" and key[1] == backbone and key[4] == "both":
                f = cells[0][1]
                rows.append([backbone, f["parameters"], f["extra_parameters"], percent(f["extra_parameters"] / f["parameters"]), percent(f["extra_macs"] / f["macs"]),
                             f.get("chip_cycles", "–"), percent(f["chip_cycles_with_blocks"] / f["chip_cycles"] - 1) if "chip_cycles" in f else "–",
                             percent(f["energy_with_blocks_nj"] / f["energy_nj"] - 1)])
                break
    return table(["backbone", "parameters", "blocks'", "more parameters", "more MACs", "cycles an image on the simulated chip", "more cycles", "more energy (estimated)"], rows)


def quantisation_table(results):
    rows = []
    for backbone in sorted({key[1] for key in results.rows}):
        floats = [f["backbone_float"] for key, cells in results.rows.items() if key[1] == backbone for _, f in cells if "backbone_float" in f]
        if floats:
            rows.append([backbone, f"{100 * floats[0]:.2f}", f"{100 * results.clean(backbone):.2f}", f"{100 * (results.clean(backbone) - floats[0]):+.2f}"])
    return table(["backbone", "float", "int8, on the integers", "difference"], rows)


# ---- summary -----------------------------------------------------------------------------------------------------


def summary(results, drops, per_backbone):
    shares = [value for values in per_backbone.values() for value in values]
    static = [results.recovered("main", *key, "correction") for key in results.keys("main") if key[1].startswith(("varying", "ageing"))]
    of_bound = []
    for key in results.keys("controls"):
        if key[1] in ("read", "additive", "multiplicative_sixth"):
            # The better of the unlimited denoisers, where one was trained longer as well.
            bounds = [(results.accuracies(name, *key, "unlimited", "off"), results.accuracies(name, *key, "unlimited", "mean")) for name in ("controls", "longer")]
            bounds = [(with_it.mean() - without.mean()) / (results.clean_of(("controls", *key)) - without.mean()) for without, with_it in bounds if len(with_it)]
            if bounds and max(bounds) > 0:
                of_bound.append(results.recovered("controls", *key, "both") / max(bounds))
    extra = [f["extra_parameters"] / f["parameters"] for key, cells in results.rows.items() if key[0] == "main" and key[4] == "both" for _, f in cells]
    out = {"drop_mean": mean(drops), "recovered_share_mean": mean(shares),
           "recovered_share_min_backbone": min((mean(values) for values in per_backbone.values()), default=float("nan")),
           "recovered_share_static": mean(static), "recovered_share_random_of_bound": mean(of_bound), "extra_parameters": max(extra, default=float("nan"))}
    return {key: None if np.isnan(value) else round(value, 5) for key, value in out.items()}


def conditions(results, command):
    files = results.files
    titles = ", ".join(sorted({file["data"] for file in files}))
    images = sorted({file["figures"]["images"] for file in files})
    return (f"`{command}`; {len(files)} runs on {titles}; test images {', '.join(map(str, images))}; chips {files[0]['chips']}, noise seeds {files[0]['noise_seeds']}, "
            f"training seeds {sorted({file['run']['seed'] for file in files})}; commit {', '.join(sorted({file['versions']['commit'] for file in files}))}. "
            "Integers on libquell's reference device, except `low rank` and `unlimited` (emulated tile in floats).")


def write(runs, out, name):
    results = Results(runs)
    if not results.files:
        raise SystemExit(f"no runs in {runs}: python -m train.experiment --profile {name}")
    out.mkdir(parents=True, exist_ok=True)
    main, drops, per_backbone = main_table(results)
    figures = summary(results, drops, per_backbone)
    command = f"python -m train.experiment --profile {name} && python -m train.tables --profile {name}"
    longer = controls_table(results, "longer", ("none", "blocks", "low_rank", "retrained", "unlimited"))
    parts = [("", conditions(results, command)),
             ("Summary", table(["figure", "value"], figures.items())),
             ("Quantisation", quantisation_table(results)),
             ("Noise and mitigation", f"{plots.recovered(results, out)}\n\n{main}"),
             ("Controls at equal parameters", controls_table(results)),
             (f"Trained {recipes.STEPS['longer']} times as long", longer),
             ("Placement", f"{plots.placement(results, out)}\n\n{placement_table(results)}"),
             ("Width", simple_table(results, "width", "widths")),
             ("Loss", simple_table(results, "loss", "loss", ("mean", "sample"))),
             ("Cost", costs_table(results)),
             ("Severity", plots.severity(results, out)),
             ("Converters, and a year against an hour", controls_table(results, "severity", ("none", "correction", "both"), single_points(results)))]
    (out / "experiment.md").write_text("# Results of the experiment\n" + "".join(f"\n{'## ' + title + chr(10) * 2 if title else ''}{text}\n" for title, text in parts))
    (out / "summary.json").write_text(json.dumps(figures, indent=1) + "\n")
    return figures


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--profile", choices=recipes.PROFILES, default="fast")
    parser.add_argument("--runs", type=Path, help="folder of the runs' JSON files")
    parser.add_argument("--out", type=Path, help="folder for tables and plots")
    arguments = parser.parse_args()
    folder = ROOT / f"build/experiment/{arguments.profile}"
    out = arguments.out or (ROOT / "docs/results" if arguments.profile == "full" else folder / "tables")
    for key, value in write(arguments.runs or folder / "runs", out, arguments.profile).items():
        print(f"{key:34} {value}")
    print(f"tables in {out / 'experiment.md'}")


if __name__ == "__main__":
    main()
