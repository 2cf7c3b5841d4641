# SPDX-License-Identifier: Apache-2.0
"""Put one deliberate fault into each RTL block and see that its bench catches it.

    python -m tests.rtl.faults [MODULE...]

tests/rtl/faults/<module>.sed, or <module>.<fault>.sed where a module has more than one, changes one thing in <module>.sv. The bench of that module
(or the one named in a line "# bench: NAME") is built against the changed copy under build/faults and must fail. A script that changes nothing is
an error. One line a fault.
"""
import concurrent.futures
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def try_fault(script):
    """Return (caught, message) for one sed script."""
    module = script.stem.split(".")[0]
    named = re.search(r"^# bench: (\w+)", script.read_text(), re.M)
    bench = named.group(1) if named else module
    place = ROOT / "build/faults" / script.stem
    shutil.rmtree(place, ignore_errors=True)
    shutil.copytree(ROOT / "hw", place / "hw")
    source = next(p for p in (place / "hw").rglob(f"{module}.sv"))
    before = source.read_text()
    subprocess.run(["sed", "-i", "-E", "-f", str(script), str(source)], check=True)
    if source.read_text() == before:
        return False, "the script changes nothing"
    target = place / "rtl" / bench / "bench"
    make = ["make", str(target.relative_to(ROOT)), f"HW_ROOT=build/faults/{script.stem}/hw", f"RTL_BUILD=build/faults/{script.stem}/rtl"]
    compiled = subprocess.run(make, cwd=ROOT, capture_output=True, text=True)
    if compiled.returncode:
        return False, "does not compile: " + compiled.stdout[-400:] + compiled.stderr[-400:]
    try:
        result = subprocess.run([str(target)], cwd=ROOT, capture_output=True, text=True, timeout=300)
    except subprocess.TimeoutExpired:
        return True, "bench ran into its time limit"
    text = (result.stdout.strip().splitlines() or ["exit code %d" % result.returncode])[-1]
    return result.returncode != 0 and "FAIL" in result.stdout, text[:160]


def main():
    scripts = sorted((ROOT / "tests/rtl/faults").glob("*.sed"))
    if sys.argv[1:]:
        scripts = [s for s in scripts if s.stem in sys.argv[1:] or s.stem.split(".")[0] in sys.argv[1:]]
    missed = 0
    with concurrent.futures.ThreadPoolExecutor(int(os.environ.get("FAULT_JOBS", "1"))) as pool:
        for script, (caught, message) in zip(scripts, pool.map(try_fault, scripts)):
            missed += not caught
            print(f"{'ok   caught' if caught else 'FAIL missed'} {script.stem:22} {message}", flush=True)
    print(f"{len(scripts) - missed} caught, {missed} missed")
    sys.exit(1 if missed or not scripts else 0)


if __name__ == "__main__":
    main()
