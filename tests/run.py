# SPDX-License-Identifier: Apache-2.0
"""Run every test, two at a time, and count them.

    python -m tests.run [--only WORD] [--jobs N]

A test program reports in one of three ways, all understood here: lines that begin with "ok " or "FAIL " (RTL benches, scripts), cmocka's
"[  PASSED  ] n test(s)." and "[  FAILED  ] n test(s)", pytest's closing line. A program that reports nothing counts by its exit code. The last line is
"N passed, N failed" (", N skipped" may follow). Logs are kept under build/tests/log.
"""
import argparse
import concurrent.futures
import os
import re
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOGS = ROOT / "build/tests/log"
LIMIT = 1200  # seconds a program may take before it counts as failed
SLOWEST = 20  # so many programs are named at the end, by processor time
# Short version of `make faults`, one or two a folder of hw/.
FAULTS = ["conv_array", "requantise", "box_muller_radius", "dn_combine", "round_shift", "layer_queue"]
# Short version of `make netlist`: the cells, and the benches whose netlists are made in seconds.
NETLISTS = ["proofs", "cells_models", "mul8", "box_muller", "command_channel", "async_fifo", "bulk_in", "bulk_out"]
# What tests/host/variants.mk builds, and the words before a program of it.
VARIANTS = ROOT / "build/variants"
ARM = ("qemu-aarch64", "-L", "/usr/aarch64-linux-gnu", "-E", f"LD_LIBRARY_PATH={VARIANTS}/arm64/usr/lib/aarch64-linux-gnu:{VARIANTS}/arm64/lib/aarch64-linux-gnu")
BUILDS = {"clang": (), "aarch64": ARM, "aarch64-clang": ARM}
SLOW_IN_QEMU = ["test_calibrate"]  # more than a minute; `make test-cpus` runs it
# Short version of `make test-cpus` (tests/cpus.py).
CPUS = ["avx2", "haswell"]


@dataclass
class Test:
    name: str
    command: list
    environment: dict = field(default_factory=dict)  # added to this process's own; an empty value takes a variable away


@dataclass
class Result:
    passed: int
    failed: int
    skipped: int
    seconds: float
    processor: float
    output: str


def discover():
    """The tests, longest first so that two workers end together."""
    python = str(ROOT / "build/venv/bin/python")
    pytest = [python, "-m", "pytest", "-q", "-rs", "-p", "no:cacheprovider"]
    tests = [Test(f"system/{p.stem}", [*pytest, str(p)]) for p in sorted((ROOT / "tests/system").glob("test_*.py"))]
    tests += [Test(f"train/{p.stem}", [*pytest, str(p)]) for p in sorted((ROOT / "tests/train").glob("test_*.py"))]
    tests += [Test(f"host/{p.stem}.py", [*pytest, str(p)]) for p in sorted((ROOT / "tests/host").glob("test_*.py"))]
    tests += [Test(f"rtl/{p.stem[:-3]}", ["make", f"rtl-{p.stem[:-3]}"]) for p in sorted((ROOT / "tests/rtl").glob("*_tb.cpp"))]
    tests += [Test(f"asan/{p.stem}", [str(ROOT / "build/tests/asan" / p.stem)]) for p in sorted((ROOT / "tests/host").glob("test_*.c"))]
    tests += [Test(f"host/{p.stem}", [str(ROOT / "build/tests" / p.stem)]) for p in sorted((ROOT / "tests/host").glob("test_*.c"))]
    tests += [Test(f"{build}/{p.stem}", [*words, str(VARIANTS / build / p.stem)]) for build, words in BUILDS.items() for p in sorted((ROOT / "tests/host").glob("test_*.c"))
              if not words or p.stem not in SLOW_IN_QEMU]
    tests += [Test(f"fw/{p.stem}", [str(ROOT / "build/tests" / p.stem)]) for p in sorted((ROOT / "tests/fw").glob("test_*.c"))]
    tests += [Test(f"fuzz/{p.stem[5:]}", ["make", f"fuzz-{p.stem[5:]}"]) for p in sorted((ROOT / "tests/fuzz").glob("fuzz_*.c"))]
    tests += [Test("sdram/chip", ["make", "sdram-chip"])]
    tests += [Test("noise statistics, 10^7 samples", [str(ROOT / "build/bin/noise_stats"), "10000000"])]
    tests += [Test(f"netlist/{m}", ["make", f"netlist-{m}", "FAULTS=2"]) for m in NETLISTS]
    tests += [Test(f"netlist/{p.stem}", [*pytest, str(p)]) for p in sorted((ROOT / "tests/netlist").glob("test_*.py"))]
    tests += [Test(f"cpus/{name}", [python, "-m", "tests.cpus", "--short", "--jobs", "1", "--only", name]) for name in CPUS]
    tests += [Test("lint", ["make", "lint"])]
    tests += [Test(f"fault/{m}", [python, "-m", "tests.rtl.faults", m]) for m in FAULTS]
    return tests


def count(code, output):
    """(passed, failed, skipped) of one program's output and exit code."""
    passed = len(re.findall(r"^ok\b", output, re.M))
    failed = len(re.findall(r"^FAIL\b", output, re.M))
    skipped = len(re.findall(r"^skip\b", output, re.M))
    passed += sum(map(int, re.findall(r"^\[  PASSED  \] (\d+) test", output, re.M)))
    failed += sum(map(int, re.findall(r"^\[  FAILED  \] (\d+) test", output, re.M)))
    closing = re.findall(r"^(?:=+ )?((?:\d+ [a-z]+(?:, )?)+) in [\d.]+s", output, re.M)
    for number, word in re.findall(r"(\d+) ([a-z]+)", closing[-1] if closing else ""):
        passed += int(number) * (word == "passed")
        failed += int(number) * (word in ("failed", "error", "errors"))
        skipped += int(number) * (word == "skipped")
    if code != 0 and failed == 0:
        failed = 1
    if code == 0 and passed + failed + skipped == 0:
        passed = 1
    return passed, failed, skipped


def run(test):
    """Run one test program; its whole process group ends with it."""
    start = time.monotonic()
    environment = {key: value for key, value in {**os.environ, **test.environment}.items() if value or key not in test.environment}
    process = subprocess.Popen(test.command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", start_new_session=True)
    killer = threading.Timer(LIMIT, lambda: os.killpg(process.pid, signal.SIGKILL))
    killer.start()
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    killer.cancel()
    seconds = time.monotonic() - start
    LOGS.mkdir(parents=True, exist_ok=True)
    (LOGS / (re.sub(r"[^A-Za-z0-9_.]+", "_", test.name) + ".log")).write_text(output)
    return Result(*count(process.returncode, output), seconds, usage.ru_utime + usage.ru_stime, output)


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--only", default="", help="run the tests whose name contains this")
    options.add_argument("--jobs", type=int, default=os.cpu_count())
    args = options.parse_args()
    tests = [t for t in discover() if args.only in t.name]
    totals, times = [0, 0, 0], []
    start = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
        futures = {pool.submit(run, t): t for t in tests}
        for number, future in enumerate(concurrent.futures.as_completed(futures), 1):
            test, result = futures[future], future.result()
            totals = [a + b for a, b in zip(totals, (result.passed, result.failed, result.skipped))]
            times.append((result.processor, result.seconds, test.name))
            word = "FAIL" if result.failed else "ok  "
            print(f"[{number:2}/{len(tests)}] {word} {test.name:44} {result.passed:5} passed {result.failed:3} failed {result.skipped:3} skipped {result.seconds:7.1f} s, {result.processor:6.1f} s of processor", flush=True)
            if result.failed:
                print("    | " + "\n    | ".join(result.output.splitlines()[-40:]), flush=True)
    print(f"slowest of {len(tests)} programs (processor s, s):")
    for processor, seconds, name in sorted(times, reverse=True)[:SLOWEST]:
        print(f"    {processor:7.1f} {seconds:7.1f} {name}")
    print(f"{time.monotonic() - start:.0f} s, {sum(t[0] for t in times):.0f} s of processor time; logs in build/tests/log")
    skipped = f", {totals[2]} skipped" if totals[2] else ""
    print(f"{totals[0]} passed, {totals[1]} failed{skipped}")
    sys.exit(1 if totals[1] or not totals[0] else 0)


if __name__ == "__main__":
    main()
