"""The experiment's plots, as SVG beside its tables. Each function -> the Markdown that shows what it drew, "" where there is nothing to draw."""
import matplotlib
matplotlib.use("Agg")
matplotlib.rcParams["svg.hashsalt"] = "quell"  # the same runs make the same bytes
import matplotlib.pyplot as plt
import numpy as np

from . import recipes

STRATEGIES = ("gradient", "measured", "random", "first", "last", "all")


def saved(figure, path, what):
    figure.savefig(path, metadata={"Date": None}, bbox_inches="tight")
    plt.close(figure)
    return f"![{what}]({path.name})"


def recovered(results, out):
    """Share of the drop that is recovered, backbones x noises, each run as recipes.recommended says."""
    keys = results.keys("main")
    shares = {(key[0], key[1]): 100 * results.recovered("main", *key, recipes.recommended(key[1])) for key in keys}
    backbones, noises = list(dict.fromkeys(key[0] for key in keys)), [noise for noise in recipes.NOISES if any(key[1] == noise for key in keys)]
    if not shares:
        return ""
    grid = np.array([[shares.get((backbone, noise), np.nan) for noise in noises] for backbone in backbones])
    figure, axes = plt.subplots(figsize=(0.75 * len(noises) + 1.5, 0.5 * len(backbones) + 1.6))
    axes.imshow(grid, cmap="RdYlGn", vmin=0, vmax=100, aspect="auto")
    for (row, column), value in np.ndenumerate(grid):
        axes.text(column, row, "–" if np.isnan(value) else f"{value:.0f}", ha="center", va="center", fontsize=9)
    axes.set_xticks(range(len(noises)), [f"{noise} ({'c' if recipes.recommended(noise) == 'correction' else 'c+b'})" for noise in noises], rotation=40, ha="right", fontsize=8)
    axes.set_yticks(range(len(backbones)), backbones)
    axes.set_title("recovered share of the accuracy drop, %  (c: correction, c+b: with denoising blocks)", fontsize=9)
    return saved(figure, out / "recovered.svg", "recovered share")


def placement(results, out):
    """Accuracy over the budget, a line a strategy; random placements as points, with the band of their standard deviation."""
    made = []
    for key in results.keys("placement"):
        budgets, pick = results.placements(key)
        if not budgets:
            continue
        figure, axes = plt.subplots(figsize=(6.5, 4))
        for strategy in STRATEGIES:
            cells = [(100 * budget, 100 * np.array(values)) for budget in budgets if (values := pick(strategy, budget))]
            if not cells:
                continue
            x, mean, std = [budget for budget, _ in cells], np.array([v.mean() for _, v in cells]), np.array([v.std(ddof=min(1, len(v) - 1)) for _, v in cells])
            if strategy == "random":
                axes.fill_between(x, mean - std, mean + std, color="gray", alpha=0.25, linewidth=0)
                for budget, values in cells:
                    axes.plot([budget] * len(values), values, ".", color="gray", markersize=4)
                axes.plot(x, mean, color="gray", label="random, mean ± standard deviation")
            else:
                axes.errorbar(x, mean, std, label=strategy, capsize=2, marker="o", markersize=4)
        axes.set(xscale="log", xlabel="additional parameters allowed, %", ylabel="accuracy, %", title=f"{key[0]}, {key[1]} × {key[2]:g}: where blocks go")
        axes.set_xticks([100 * budget for budget in budgets], [f"{100 * budget:g}" for budget in budgets], minor=False)
        axes.minorticks_off()
        axes.legend(fontsize=8, loc="center left", bbox_to_anchor=(1.01, 0.5))
        made.append(saved(figure, out / f"placement-{key[0]}-{key[1]}.svg", "accuracy over the budget"))
    return "\n\n".join(made)


def severity(results, out):
    """One picture a backbone: accuracy over severity, a panel a noise; a converter's axis is its bits."""
    made = []
    keys = results.keys("severity")
    for backbone in sorted({key[0] for key in keys}):
        noises = [noise for noise in recipes.NOISES if sum(key[:2] == (backbone, noise) for key in keys) > 1]
        noises += ["adc"] * any(key[:2] == (backbone, noise) for key in keys for noise in recipes.CONVERTERS)
        columns = min(5, len(noises))
        lines = -(-len(noises) // columns)
        figure, panels = plt.subplots(lines, columns, figsize=(3 * columns, 2.7 * lines), sharey=True, squeeze=False)
        for panel in panels.flat[len(noises):]:
            panel.axis("off")
        for panel, noise in zip(panels.flat, noises):
            points = ([(int(name[-1]), name, 1.0) for name in recipes.CONVERTERS] if noise == "adc" else
                      [(key[2], noise, key[2]) for key in keys if key[:2] == (backbone, noise)])
            for control, name_of in (("none", "none"), ("correction", "correction"), ("both", "correction and blocks")):
                cells = [(x, results.accuracies("severity", backbone, name, factor, control)) for x, name, factor in points]
                shown = [(x, 100 * c.mean(), 100 * c.std()) for x, c in cells if len(c)]
                if shown:
                    panel.errorbar(*zip(*shown), label=name_of, capsize=2, marker="o", markersize=3)
            panel.axhline(100 * results.clean(backbone), color="gray", linewidth=0.8, linestyle=":")
            panel.set(title=noise, xlabel="bits" if noise == "adc" else "severity", ylim=(0, 100))
        for row in panels:
            row[0].set_ylabel(f"{backbone}: accuracy, %")
        panels[0][0].legend(fontsize=8)
        figure.tight_layout()
        made.append(saved(figure, out / f"severity-{backbone}.svg", "accuracy over severity"))
    return "\n\n".join(made) or "Not run yet."
