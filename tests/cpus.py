# SPDX-License-Identifier: Apache-2.0
"""Run the host and train tests as other CPUs would, and count what fails.

    python -m tests.cpus [--only WORD] [--short] [--jobs N] [--json FILE]

A CPU is played by what chooses code paths: environment variables of the libraries, or QEMU, which has the instructions of the CPU that it is told to be and no
others. One line a CPU; the last line is "N passed, N failed" (tests). A CPU whose instructions this computer lacks is skipped and said so.
"""
import argparse
import concurrent.futures
import json
import os
import platform
import shutil
import sys
from dataclasses import dataclass, field
from pathlib import Path

from tests import run

HOST = sorted(p.stem for p in (run.ROOT / "tests/host").glob("test_*.py") if p.stem != "test_paths")  # test_paths plays CPUs itself
TRAIN = sorted(p.stem for p in (run.ROOT / "tests/train").glob("test_*.py"))
C = sorted(p.stem for p in (run.ROOT / "tests/host").glob("test_*.c"))
EVERYTHING = {"host": HOST, "train": TRAIN, "c": C}
# What emulation has time for: golden values of onnxruntime, the float emulation against them, libquell.
EMULATED = {"host": ["test_golden"], "train": ["test_export", "test_noise"], "c": C}
HELD_BACK = 10  # what a program may take more of time than on a CPU as it is: without vectors or emulated
# In `make test`, a minute of processor time: what failed on other CPUs once.
SHORT = {"avx2": {"train": ["test_export", "test_resume", "test_make_models"], "host": ["test_golden"]},
         "haswell": {"host": ["test_golden"], "train": ["test_export::test_each_step_equals_onnxruntime[resnet8]"], "c": [name for name in C if name not in run.SLOW_IN_QEMU]}}


def libraries(aten, onednn, mkl, openblas, numpy_without, glibc_without, quell):
    """The environment in which PyTorch, oneDNN, MKL, OpenBLAS, numpy, glibc's mathematics and libquell take a given CPU's code."""
    return {"ATEN_CPU_CAPABILITY": aten, "ONEDNN_MAX_CPU_ISA": onednn, "MKL_ENABLE_INSTRUCTIONS": mkl, "OPENBLAS_CORETYPE": openblas,
            "NPY_DISABLE_CPU_FEATURES": numpy_without, "GLIBC_TUNABLES": f"glibc.cpu.hwcaps={glibc_without}" if glibc_without else "", "QUELL_CPU": quell}


@dataclass
class Played:
    name: str
    what: str
    environment: dict = field(default_factory=dict)
    words: tuple = ()       # before the test program
    needs: tuple = ()       # flags of /proc/cpuinfo; with QEMU none
    tests: dict = field(default_factory=lambda: EVERYTHING)
    folder: str = "build/tests"  # of the C tests


V4 = "X86_V4 AVX512_ICL AVX512_SPR"
NO_512 = "-AVX512F,-AVX512VL"
CPUS = [
    Played("here", "this computer as it is"),
    Played("sse41", "no AVX at all", libraries("default", "SSE41", "SSE4_2", "Nehalem", f"X86_V3 {V4}", f"-AVX,-AVX2,-FMA,-FMA4,{NO_512}", "scalar"), needs=("sse4_1",)),
    Played("avx2", "AVX2 without VNNI", libraries("avx2", "AVX2", "AVX2", "Haswell", V4, NO_512, "avx2"), needs=("avx2", "fma")),
    Played("avx2-vnni", "AVX2 with VNNI", libraries("avx2", "AVX2_VNNI", "AVX2", "Haswell", V4, NO_512, "avxvnni"), needs=("avx_vnni",)),
    Played("avx512", "AVX-512 without VNNI", libraries("avx512", "AVX512_CORE", "AVX512", "SkylakeX", "AVX512_SPR", "", "avx512"), needs=("avx512f", "avx512bw", "avx512vl", "avx512dq")),
    Played("avx512-vnni", "AVX-512 with VNNI", libraries("avx512", "AVX512_CORE_VNNI", "AVX512", "SkylakeX", "AVX512_SPR", "", "avx512vnni"), needs=("avx512_vnni",)),
    Played("avx512-bf16", "AVX-512 with VNNI and bfloat16", libraries("avx512", "AVX512_CORE_BF16", "AVX512", "SkylakeX", "", "", "avx512vnni"), needs=("avx512_bf16",)),
    Played("nehalem", "QEMU's Nehalem: libquell without AVX", words=("qemu-x86_64", "-cpu", "Nehalem"), tests={"c": C}),
    Played("sandybridge", "QEMU's SandyBridge: AVX without FMA and AVX2", words=("qemu-x86_64", "-cpu", "SandyBridge"), tests=EMULATED),
    Played("haswell", "QEMU's Haswell: AVX2 without VNNI, onnxruntime too", words=("qemu-x86_64", "-cpu", "Haswell"), tests=EMULATED),
    *(Played(build, f"libquell built as {build}", words=words, tests={"c": C}, folder=f"build/variants/{build}") for build, words in run.BUILDS.items()),
]


def missing(cpu):
    """Why a CPU cannot be played here; empty if it can."""
    if cpu.words and not shutil.which(cpu.words[0]):
        return f"{cpu.words[0]} is not installed"
    if cpu.words[:1] == ("qemu-x86_64",) and platform.machine() != "x86_64":
        return "the test programs are for another processor"
    flags = set()
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith(("flags", "Features")):
            flags = set(line.split(":")[1].split())
            break
    lacking = [flag for flag in cpu.needs if flag not in flags]
    return f"this computer has no {', '.join(lacking)}" if lacking else ""


def programs(cpu, chosen):
    """A run.Test for each program (file, or file::test), in this CPU's environment."""
    pytest = [str(run.ROOT / "build/venv/bin/python"), "-m", "pytest", "-q", "-rs", "-p", "no:cacheprovider"]

    def command(group, name):
        file, *test = name.split("::")
        return [str(run.ROOT / cpu.folder / name)] if group == "c" else [*pytest, "::".join([str(run.ROOT / f"tests/{group}/{file}.py"), *test])]

    return [run.Test(f"cpus/{cpu.name}/{group}/{name}", [*cpu.words, *command(group, name)], cpu.environment) for group, names in chosen.items() for name in names]


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--only", default="", help="play the CPUs whose name contains this")
    options.add_argument("--short", action="store_true", help=f"the short version that make test runs ({', '.join(SHORT)})")
    options.add_argument("--jobs", type=int, default=os.cpu_count())
    options.add_argument("--json", type=Path)
    args = options.parse_args()
    run.LIMIT = HELD_BACK * run.LIMIT
    report, totals = {}, [0, 0, 0]
    with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
        waiting = []
        for cpu in CPUS:
            if args.only in cpu.name and (cpu.name in SHORT or not args.short):
                reason = missing(cpu)
                tests = [] if reason else programs(cpu, SHORT[cpu.name] if args.short else cpu.tests)
                waiting.append((cpu, reason, tests, [pool.submit(run.run, test) for test in tests]))
        for cpu, reason, tests, futures in waiting:
            if reason:
                print(f"skip {cpu.name:12} {cpu.what}: {reason}", flush=True)
                report[cpu.name] = {"what": cpu.what, "skipped": reason}
                continue
            results = [future.result() for future in futures]
            passed, failed, skipped = (sum(getattr(result, key) for result in results) for key in ("passed", "failed", "skipped"))
            totals = [totals[0] + passed, totals[1] + failed, totals[2] + skipped]
            processor = sum(result.processor for result in results)
            print(f"{'FAIL' if failed else 'ok  '} {cpu.name:12} {cpu.what:50} {passed:5} passed {failed:3} failed {skipped:3} skipped {processor:7.1f} s of processor", flush=True)
            report[cpu.name] = {"what": cpu.what, "environment": cpu.environment, "words": list(cpu.words), "passed": passed, "failed": failed, "skipped": skipped,
                                "programs": {test.name.split("/", 2)[2]: [result.passed, result.failed, result.skipped, round(result.processor, 1)] for test, result in zip(tests, results)}}
            for test, result in zip(tests, results):
                if result.failed:
                    print(f"    {test.name}\n    | " + "\n    | ".join(result.output.splitlines()[-40:]), flush=True)
    if args.json:
        args.json.parent.mkdir(parents=True, exist_ok=True)
        args.json.write_text(json.dumps({"cpus_failed": totals[1], "cpus_played": sum("passed" in cpu for cpu in report.values()), "cpus": report}, indent=1) + "\n")
    print(f"{totals[0]} passed, {totals[1]} failed" + (f", {totals[2]} skipped" if totals[2] else ""))
    sys.exit(1 if totals[1] or not report else 0)


if __name__ == "__main__":
    main()
