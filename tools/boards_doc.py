# SPDX-License-Identifier: Apache-2.0
"""Renew the tables in docs/boards.md from docs/boards/*.json: what stands between `<!-- BOARD -->` and `<!-- end -->`.

    python -m tools.boards_doc [--check]      --check: only say whether the page is what the reports make it
"""
import json
import sys

from tools import marks
from tools.boards import REPORTS, ROOT
from tools.pnr import LIMIT

PAGE = ROOT / "docs/boards.md"


def table(head, rows):
    return "\n".join(["| " + " | ".join(map(str, row)) + " |" for row in [head, ["---"] * len(head), *rows]]) + "\n"


def short(cell):
    """A cell's name without what is the same for all."""
    return "`" + cell.replace("i_board.", "").replace("g_chip.", "").replace("i_soc.", "") + "`"


def resources(report):
    """Per unit, then the whole as nextpnr counts it and the part's capacity."""
    names = list(report["available"])
    rows = [[unit, *(used[n] for n in names)] for unit, used in report["units"].items() if any(used.values())]
    total = [f"**{report['used'][n]}** ({100 * report['used'][n] / report['available'][n]:.0f} %)" for n in names]
    return table(["unit", *names], [*rows, ["**placed**", *total], ["part has", *(report["available"][n] for n in names)]])


def clocks(report):
    rows = []
    for net, clock in report["clocks"].items():
        path = clock["critical_path"]
        route = f"{short(path['from'])} → {short(path['to'])}: {path['ns']} ns, {path['levels']} levels, {path['wire_ns']} ns of it wire" if path else ""
        rows.append([f"`{net}`", clock["constraint_mhz"], f"**{clock['fmax_mhz']}**", route])
    return table(["clock", "constraint, MHz", "fmax, MHz", "critical path"], rows)


def between(report):
    rows = [[p["from_clock"] or "pins", p["to_clock"] or "pins", p["ns"], f"{short(p['from'])} → {short(p['to'])}"] for p in report["between_clocks"]]
    return table(["from", "to", "longest, ns", "path"], rows)


def seeds(report):
    nets = list(report["clocks"])
    rows = [[seed, *(r["fmax_mhz"].get(n, "") for n in nets), "yes" if r["met"] else "no", r["seconds"] or f"stopped after {LIMIT}"] for seed, r in report["seeds"].items()]
    return table(["seed", *(f"`{n}`, MHz" for n in nets), "all met", "place and route, s of one core"], rows)


def section(report):
    if "excess" in report:
        return does_not_fit(report)
    tools = ", ".join(f"{k} {v}" for k, v in report["tools"].items())
    return (f"{report['device']}, {tools}, seed {report['seed']}; synthesis {report['synthesis_seconds']} s of one core.\n\n{resources(report)}\n{clocks(report)}\n"
            f"{seeds(report)}\nBetween clocks and at pins:\n\n{between(report)}")


def does_not_fit(report):
    names = list(report["available"])
    rows = [[unit, *(used[n] for n in names)] for unit, used in report["units"].items() if any(used.values())]
    rows += [["**all**", *(f"**{report['used'][n]}**" for n in names)], ["part has", *(report["available"][n] for n in names)],
             ["**too many**", *(f"**{max(0, report['excess'][n])}**" for n in names)]]
    sizes = ", ".join(f"`{k}` {v}" for k, v in report["parameters"].items())
    return f"{report['device']}, Yosys {report['tools']['yosys']}; {sizes}; synthesis {report['synthesis_seconds']} s of one core.\n\n" + table(["unit", *names], rows)


def page():
    """The page with its tables made anew; the text around them is kept."""
    def body(board):
        path = REPORTS / f"{board}.json"
        return section(json.loads(path.read_text())) if path.exists() else f"No report yet: `make boards ONLY={board}`.\n"
    return marks.renew(PAGE.read_text(), body)


def main():
    if "--check" in sys.argv:
        sys.exit(0 if PAGE.read_text() == page() else "docs/boards.md is not what docs/boards/*.json make it: make boards-doc")
    PAGE.write_text(page())
    print(PAGE.relative_to(ROOT))


if __name__ == "__main__":
    main()
