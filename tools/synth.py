# SPDX-License-Identifier: Apache-2.0
"""Synthesise the SoC and the denoiser IP for ECP5 and tabulate what they use.

    python -m tools.synth [--out build/synth] [--top soc denoiser_ip]

Writes OUT/<top>.stat, OUT/report.md and OUT/synth.json (flat). Exit code 1 if the SoC does not fit an LFE5U-85F.
"""
import argparse
import json
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# What an LFE5U-85F has (Lattice FPGA-DS-02012).
CAPACITY = {"LUT4": 83640, "flip-flops": 83640, "MULT18X18D": 156, "DP16KD": 208}
FOLDERS = ["array", "noise", "denoiser", "post", "memory", "soc"]


def sources(top):
    """Verilog files for a top module: packages first, then the folders in data-flow order."""
    packages = sorted((ROOT / "build/gen").glob("*_pkg.sv"))
    tables = sorted(p for p in (ROOT / "build/gen").glob("*.sv") if p not in packages)
    units = [p for folder in FOLDERS for p in sorted((ROOT / "hw" / folder).glob("*.sv"))]
    cpu = []
    if top == "soc":
        import pythondata_cpu_picorv32
        cpu = list(Path(pythondata_cpu_picorv32.data_location).rglob("picorv32.v"))[:1]
    return packages + tables + units + cpu


def synthesise(top, out):
    """Run Yosys; return {resource: count} and the seconds it took."""
    out.mkdir(parents=True, exist_ok=True)
    reads = "\n".join(f"read_verilog -sv {'-defer ' if p.suffix == '.sv' and not p.name.endswith('_pkg.sv') else ''}{p}" for p in sources(top))
    script = out / f"{top}.ys"
    statistics = out / f"{top}.stat"
    script.write_text(f"{reads}\nhierarchy -top {top}\nsynth_ecp5 -abc9 -top {top} -run begin:check\ntee -o {statistics} stat -json\n")
    start = time.monotonic()
    with open(out / f"{top}.log", "w") as log:
        subprocess.run(["yosys", "-q", "-l", str(out / f"{top}.full.log"), "-s", str(script)], cwd=ROOT, stdout=log, stderr=subprocess.STDOUT, check=True)
    text = statistics.read_text()
    cells = json.loads(text[text.index("{"):])["design"]["num_cells_by_type"]
    luts = cells.get("LUT4", 0) + 2 * cells.get("CCU2C", 0) + 4 * cells.get("TRELLIS_DPR16X4", 0)
    used = {"LUT4": luts, "flip-flops": cells.get("TRELLIS_FF", 0), "MULT18X18D": cells.get("MULT18X18D", 0), "DP16KD": cells.get("DP16KD", 0)}
    return used, time.monotonic() - start


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--out", type=Path, default=Path("build/synth"))
    options.add_argument("--top", nargs="+", default=["soc", "denoiser_ip"])
    args = options.parse_args()
    out = (ROOT / args.out).resolve()
    version = subprocess.run(["yosys", "-V"], capture_output=True, text=True, check=True).stdout.split("(")[0].strip()
    rows, flat, fits = [], {}, True
    for top in args.top:
        print(f"synthesising {top} (minutes) ...", flush=True)
        used, seconds = synthesise(top, out)
        rows.append(f"| {top} | " + " | ".join(f"{used[k]} ({100 * used[k] / CAPACITY[k]:.0f} %)" for k in CAPACITY) + f" | {seconds:.0f} s |")
        flat |= {f"synth_{top}_{k.lower().replace('-', '_')}": v for k, v in used.items()}
        fits &= all(used[k] <= CAPACITY[k] for k in CAPACITY)
    head = "| top | " + " | ".join(f"{k} of {v}" for k, v in CAPACITY.items()) + " | time |\n" + "|---|" + "---|" * (len(CAPACITY) + 1)
    report = f"ECP5 (LFE5U-85F), {version}, `synth_ecp5 -abc9`; LUT4 counts carry chains as two and distributed RAM as four.\n\n{head}\n" + "\n".join(rows) + "\n"
    (out / "report.md").write_text(report)
    (out / "synth.json").write_text(json.dumps(flat, indent=1))
    print(report + ("fits" if fits else "DOES NOT FIT") + " an LFE5U-85F")
    sys.exit(0 if fits else 1)


if __name__ == "__main__":
    main()
