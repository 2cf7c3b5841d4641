# SPDX-License-Identifier: Apache-2.0
"""Prove with Yosys that the small cells of sim/cells do what Yosys's own simulation models of them do.

    python -m tests.netlist.proofs [CELL...]

Each cell stands in several variants of its parameters side by side on the same inputs, once from sim/cells and once from Yosys's cells_sim.v;
`sat` then proves by induction that no sequence of inputs makes an output differ. One line a cell. tests/netlist/cells_models_tb.cpp tests the
memories and the multiplier.
"""
import itertools
import os
import random
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
OUT = ROOT / "build/netlist/proofs"
YOSYS = os.environ.get("YOSYS", "yosys")


def tables():
    """Contents of look-up tables: each single bit, and some at random."""
    source = random.Random(1)
    return [1 << n for n in range(16)] + [source.getrandbits(16) for _ in range(16)]


def flags(**choices):
    """All combinations of string parameters."""
    return [{name: f'"{value}"' for name, value in zip(choices, values)} for values in itertools.product(*choices.values())]


def carry_chains():
    pairs = zip(tables(), reversed(tables()))
    return [{"INIT0": f"16'd{a}", "INIT1": f"16'd{b}", **cut} for a, b in pairs for cut in flags(INJECT1_0=("NO", "YES"), INJECT1_1=("NO", "YES"))]


# Cell: inputs with widths, outputs with widths, variants of its parameters.
CELLS = {
    "LUT4": ({p: 1 for p in "ABCD"}, {"Z": 1}, [{"INIT": f"16'd{t}"} for t in tables()]),
    "PFUMX": ({"ALUT": 1, "BLUT": 1, "C0": 1}, {"Z": 1}, [{}]),
    "L6MUX21": ({"D0": 1, "D1": 1, "SD": 1}, {"Z": 1}, [{}]),
    "CCU2C": ({p: 1 for p in "CIN A0 B0 C0 D0 A1 B1 C1 D1".split()}, {"S0": 1, "S1": 1, "COUT": 1}, carry_chains()),
    "TRELLIS_FF": ({p: 1 for p in "CLK LSR CE DI".split()}, {"Q": 1}, flags(CEMUX=("1", "CE", "INV"), REGSET=("RESET", "SET"), SRMODE=("LSR_OVER_CE",))),
}


def bench(cell):
    """A module `top` with all variants of the cell."""
    inputs, outputs, variants = CELLS[cell]
    ports = [f"input [{w - 1}:0] {p}" for p, w in inputs.items()] + [f"output [{w * len(variants) - 1}:0] {p}" for p, w in outputs.items()]
    lines = [f"module top({', '.join(ports)});"]
    for n, parameters in enumerate(variants):
        pins = [f".{p}({p})" for p in inputs] + [f".{p}({p}[{n * w}+:{w}])" for p, w in outputs.items()]
        lines.append(f"  {cell} #({', '.join(f'.{k}({v})' for k, v in parameters.items())}) u{n} ({', '.join(pins)});")
    return "\n".join(lines) + "\nendmodule\n"


def prove(cell):
    """(proven, message)"""
    OUT.mkdir(parents=True, exist_ok=True)
    (OUT / f"{cell}.v").write_text(bench(cell))
    half = "hierarchy -top top; proc; flatten; opt -full"
    script = [f"read_verilog -sv {ROOT}/sim/cells/{cell}.sv", f"read_verilog {OUT}/{cell}.v", half, "rename top ours", "design -stash ours",
              "read_verilog -D NO_INCLUDES +/ecp5/cells_sim.v", f"read_verilog {OUT}/{cell}.v", half, "rename top yosys", "design -stash yosys",
              "design -copy-from ours ours", "design -copy-from yosys yosys", "miter -equiv -flatten -make_assert ours yosys miter", "cd miter",
              *(["clk2fflogic", "opt_merge"] if cell == "TRELLIS_FF" else []), "sat -verify -tempinduct -prove-asserts"]
    (OUT / f"{cell}.ys").write_text("\n".join(script) + "\n")
    done = subprocess.run([YOSYS, "-q", "-l", OUT / f"{cell}.log", "-s", OUT / f"{cell}.ys"], capture_output=True, text=True)
    log = (OUT / f"{cell}.log").read_text()
    steps = re.findall(r"^Induction step proven: SUCCESS|no model found: SUCCESS", log, re.M)
    return done.returncode == 0 and bool(steps), f"{len(CELLS[cell][2])} variants" if done.returncode == 0 else (done.stdout + done.stderr).strip()[-300:]


def main():
    failed = 0
    for cell in sys.argv[1:] or CELLS:
        proven, message = prove(cell)
        failed += not proven
        print(f"{'ok   proven' if proven else 'FAIL'} {cell}: {message}", flush=True)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
