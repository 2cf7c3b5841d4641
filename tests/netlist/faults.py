# SPDX-License-Identifier: Apache-2.0
"""Spoil look-up tables of the netlists, one at a time, and see that the benches notice.

    python -m tests.netlist.faults [--first N] BENCH...

The netlists of build/netlist have some tables that turn into their inverse when the environment variable NETLIST_FAULT is their number. One line a bench;
a fault that its bench does not catch is named. A table behind redundant logic may be without effect, so nine of ten must be caught.
"""
import argparse
import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LIMIT = 300  # seconds a bench may take with a fault in it
SHARE = 0.9
# LUNA's device has high-speed logic that a full-speed one never uses (docs/netlist.md names the faults that are not caught).
SHARES = {"usb_link": 0.8}


def caught(bench, number):
    """Does the bench fail with that fault? One that hangs has noticed too."""
    try:
        done = subprocess.run([bench], env=os.environ | {"NETLIST_FAULT": str(number)}, capture_output=True, text=True, timeout=LIMIT)
    except subprocess.TimeoutExpired:
        return True
    return done.returncode != 0 and "FAIL" in done.stdout


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--first", type=int, help="so many faults of each netlist, not all")
    options.add_argument("bench", nargs="+")
    args = options.parse_args()
    failed = 0
    for name in args.bench:
        folder = ROOT / "build/netlist" / name
        numbers = sorted(int(n) for n in re.findall(r"\.NUMBER\((\d+)\)", (folder / "netlist.v").read_text()))[:args.first]
        missed = [n for n in numbers if not caught(folder / "bench", n)]
        ok = numbers and len(numbers) - len(missed) >= SHARES.get(name, SHARE) * len(numbers)
        failed += not ok
        print(f"{'ok  ' if ok else 'FAIL'} netlist/{name}: {len(numbers) - len(missed)} of {len(numbers)} faults caught" + (f", missed {missed}" if missed else ""), flush=True)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
