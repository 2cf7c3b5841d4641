# SPDX-License-Identifier: Apache-2.0
"""One image through Yosys's netlist of the whole chip, compared with the reference device byte for byte, activations of every layer included.

    python -m tests.netlist.soc_image

Runs build/bin/quell-netboard (the netlist; its block RAMs hold the firmware). Writes docs/netlist.json with the hash of
everything the netlist depends on; tests/netlist/test_netlist.py compares that with the sources, because this is too long for every run
of the tests.
"""
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from tools import boards, cli

ROOT = Path(__file__).resolve().parents[2]
RESULT = ROOT / "docs/netlist.json"
BOARD = ROOT / "build/bin/quell-netboard"
SETTINGS = dict(profile=cli.PROFILES["additive"], denoiser="sample", noise_seed=7, limit=1, dump_count=1)
# Folders of the chip without what is around it on a board; the firmware; the models of the cells.
RTL_FOLDERS = ("hw/array", "hw/noise", "hw/denoiser", "hw/post", "hw/memory", "hw/soc")
OTHERS = ("hw/regs/*.rdl", "fw/include/*.h", "fw/src/*", "fw/target/*", "sim/cells/*", "tests/netlist/synth.py", "tools/gen_regs.py", "tools/gen_box_muller.py")


def input_hash():
    """Of all sources of the netlist and its simulation, comments left out."""
    files = [p for folder in RTL_FOLDERS for p in (ROOT / folder).glob("*.sv")] + [p for pattern in OTHERS for p in ROOT.glob(pattern)]
    digest = hashlib.sha256()
    for path in sorted(files):
        digest.update(f"{path.relative_to(ROOT)}\0{boards.without_comments(path.read_text())}\0".encode())
    return digest.hexdigest()


def activations(device, **options):
    """(logits, {layer: codes}) of one image."""
    with tempfile.TemporaryDirectory() as folder:
        _, logits = cli.run(cli.MODEL, device=device, dump=folder, **SETTINGS, **options)
        return logits, {p.name: np.load(p) for p in sorted(Path(folder).glob("*.npy"))}


def differences(got, want):
    """How many bytes differ."""
    assert got[1].keys() == want[1].keys() and want[1]
    return int(np.count_nonzero(got[0] != want[0]) + sum(np.count_nonzero(got[1][name] != want[1][name]) for name in want[1]))


def main():
    before = input_hash()
    want = activations("ref")
    os.environ["QUELL_SIM_TIMEOUT"] = "7200"  # seconds of silence: gates are slow
    start = time.monotonic()
    got = activations("sim", simulator=BOARD)
    seconds = time.monotonic() - start
    differ, compared = differences(got, want), want[0].size + sum(a.size for a in want[1].values())
    cells = json.loads((ROOT / "build/netlist/soc/netlist.cells.json").read_text())
    yosys = subprocess.run([os.environ.get("YOSYS", "yosys"), "-V"], capture_output=True, text=True, check=True).stdout.split()[1]
    if before != input_hash():
        sys.exit("the sources changed meanwhile")
    RESULT.write_text(json.dumps({"input_hash": before, "command": "make netlist-soc", "yosys": yosys, "cells": cells, "images": 1, "bytes_compared": compared,
                                  "bytes_different": differ, "seconds": round(seconds)}, indent=1) + "\n")
    print(f"{'ok  ' if not differ else 'FAIL'} netlist/soc: {differ} of {compared} bytes differ, {seconds:.0f} s")
    sys.exit(1 if differ else 0)


if __name__ == "__main__":
    main()
