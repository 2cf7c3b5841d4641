# SPDX-License-Identifier: Apache-2.0
"""Synthesise a module for ECP5 as the bitstreams are synthesised, and write the netlist as Verilog for a simulator.

    python -m tests.netlist.synth TOP --out FILE.v [-GNAME=VALUE...] [--bench BENCH.cpp] [--sites N]

Parameters come from -G, or from the line "// verilator:" of a bench. The netlist's cells are not changed; its buses are split into single wires, which
spares the simulator loops that are none. --sites N makes N look-up tables, spread evenly over the netlist, LUT4_FAULT (sim/cells): the same table
until the environment variable NETLIST_FAULT names its number. Prints the numbers of cells.
"""
import argparse
import json
import os
import re
import subprocess
import sys
from pathlib import Path

from tools import pnr

ROOT = Path(__file__).resolve().parents[2]
# Constant tables are one half of a wider one: to spoil them is often without effect.
LUT = re.compile(r"^  LUT4 #\(\n(?=    \.INIT\(16'h(?!0000|ffff))", re.M)


def bench_parameters(bench):
    """{name: value} of the -G options in a bench's line "// verilator:"."""
    words = re.findall(r"^// verilator:(.*)$", bench.read_text(), re.M)
    return dict(re.findall(r"-G(\w+)=(\S+)", " ".join(words)))


def bench_sources(bench):
    """Modules that stand beside a bench."""
    words = re.findall(r"^// verilator:(.*)$", bench.read_text(), re.M)
    return [ROOT / p for p in re.findall(r"tests/rtl/\w+\.sv", " ".join(words))]


def read(path):
    """Yosys' command: modules are read where they are used, with their parameters."""
    system_verilog = path.suffix == ".sv"
    return f"read_verilog {'-sv ' if system_verilog else ''}{'-defer ' if system_verilog and not path.name.endswith('_pkg.sv') else ''}{path}"


def script(top, parameters, extra, out):
    """Yosys commands: the same reading and synthesis as tools.pnr."""
    lines = [read(p) for p in [*pnr.sources(), *extra]]
    lines += [f"chparam -set {name} {value} {top}" for name, value in parameters.items()]
    lines += [f"hierarchy -top {top}", f"synth_ecp5 -abc9 -top {top} -run begin:check", f"tee -o {out.with_suffix('.stat')} stat -json", f"select {top}",
              "splitnets", f"write_verilog -noattr -selected {out}"]
    return "\n".join(lines) + "\n"


def with_fault_sites(text, sites):
    """The netlist with `sites` of its LUT4 replaced by LUT4_FAULT, numbered from 1."""
    starts = [m.start() for m in LUT.finditer(text)]
    sites = min(sites, len(starts))
    chosen = [starts[(2 * k + 1) * len(starts) // (2 * sites)] for k in range(sites)]
    pieces, last = [], 0
    for number, start in enumerate(chosen, 1):
        pieces += [text[last:start], f"  LUT4_FAULT #(\n    .NUMBER({number}),\n"]
        last = LUT.match(text, start).end()
    return "".join(pieces) + text[last:]


def synthesise(top, parameters, extra, out, sites):
    """Write the netlist; {cell: number}."""
    out.parent.mkdir(parents=True, exist_ok=True)
    plain = out.with_suffix(".plain.v")
    out.with_suffix(".ys").write_text(script(top, parameters, extra, plain))
    command = [os.environ.get("YOSYS", "yosys"), "-q", "-l", str(out.with_suffix(".log")), "-s", str(out.with_suffix(".ys"))]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{top}: Yosys failed, see {out.with_suffix('.log')}\n{done.stdout[-1000:]}{done.stderr[-1000:]}")
    out.write_text(with_fault_sites(plain.read_text(), sites))
    text = plain.with_suffix(".stat").read_text()
    cells = json.loads(text[text.index("{"):])["design"]["num_cells_by_type"]
    out.with_suffix(".cells.json").write_text(json.dumps(cells))
    return cells


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("top")
    options.add_argument("--out", type=Path, required=True)
    options.add_argument("--bench", type=Path)
    options.add_argument("--sites", type=int, default=0)
    options.add_argument("-G", dest="parameters", action="append", default=[])
    args = options.parse_args()
    parameters = bench_parameters(args.bench) if args.bench else {}
    parameters |= dict(p.split("=", 1) for p in args.parameters)
    cells = synthesise(args.top, parameters, bench_sources(args.bench) if args.bench else [], args.out.resolve(), args.sites)
    print(f"{args.top}: " + ", ".join(f"{n} {c}" for c, n in sorted(cells.items())))


if __name__ == "__main__":
    main()
