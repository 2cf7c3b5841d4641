# SPDX-License-Identifier: Apache-2.0
"""`quell sweep` on the workers of a Dask cluster: a slice a task, one file of results, byte for byte that of a single run.

    python -m tools.sweep --scheduler tcp://HOST:8786 --json OUT.json [--slices N] [--quell PATH] -- --model M --images I --profiles P ...

What follows -- goes to `quell sweep`. The tool and all files must be at the same absolute paths on every worker. A slice whose worker dies is run again
elsewhere; after Ctrl-C the slices that have ended are in OUT.json, and the same command goes on.
"""
import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from distributed import Client, as_completed

from tools import cli


def run_slice(tool, words, k, n):
    """Runs on a worker; -> what `quell sweep` wrote."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "slice.json"
        result = subprocess.run([tool, "sweep", *words, "--json", str(out), "--slice", f"{k}/{n}"], capture_output=True, text=True)
        if result.returncode:
            raise RuntimeError(f"slice {k}/{n}: exit code {result.returncode}: {result.stderr.strip()}")
        return out.read_text()


def missing_slices(found, n):
    """Numbers of the slices of which `found`, a result, has not every cell."""
    s = found["settings"]
    chips = len(s["profiles"]) * len(s["severities"]) * len(s["chips"])
    each = (2 if "calibrate" in s and "corrected_only" not in s else 1) * len(s["noise_seeds"]) * len(s["denoisers"])
    done = {c["cell"] for c in found["cells"]}
    return sorted({chip % n for chip in range(chips) for i in range(each) if chip * each + i not in done})


def merge(old, new):
    """Two results of one sweep as one."""
    if old is None:
        return new
    if old["settings"] != new["settings"]:
        raise RuntimeError("the workers see different files: " + json.dumps(new["settings"]))
    cells = {c["cell"]: c for c in [*old["cells"], *new["cells"]]}
    return {"cells": [cells[k] for k in sorted(cells)], "settings": old["settings"], "complete": False}


def write(path, result):
    part = path.with_name(path.name + ".part")
    part.write_text(json.dumps(result))
    part.replace(path)


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--scheduler", required=True, help="address of the cluster's scheduler")
    options.add_argument("--json", type=Path, required=True)
    options.add_argument("--slices", type=int, default=0, help="tasks to make of it (0: four a worker thread)")
    options.add_argument("--quell", type=Path, default=cli.QUELL)
    options.add_argument("words", nargs="+", metavar="OPTION", help="of quell sweep")
    args = options.parse_args()
    found = json.loads(args.json.read_text()) if args.json.exists() else None
    tool = str(args.quell.resolve())
    with Client(args.scheduler) as client:
        n = args.slices or 4 * max(1, sum(client.nthreads().values()))
        todo = missing_slices(found, n) if found else range(n)
        started = time.monotonic()
        tasks = client.map(run_slice, [tool] * len(todo), [args.words] * len(todo), todo, [n] * len(todo), pure=False)
        try:
            for count, (_, text) in enumerate(as_completed(tasks, with_results=True), 1):
                found = merge(found, json.loads(text))
                write(args.json, found)
                left = (time.monotonic() - started) / count * (len(todo) - count)
                print(f"{count} of {len(todo)} slices, {left:.0f} s left", file=sys.stderr, flush=True)
        except KeyboardInterrupt:
            client.cancel(tasks, force=True)
            sys.exit(f"interrupted; {args.json} holds the slices that have ended, and the same command goes on")
    # Nothing is left to run: writes the file as a single run does, or says what is wrong with it, and prints the table.
    sys.exit(subprocess.run([tool, "sweep", *args.words, "--json", str(args.json)]).returncode)


if __name__ == "__main__":
    main()
