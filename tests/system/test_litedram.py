# SPDX-License-Identifier: Apache-2.0
"""The generated SDRAM controller: the same file every time, and a generator that stops when LiteDRAM's text is no longer what its repairs expect."""
import re
import subprocess
import sys

import pytest

from tools import cli

ROOT = cli.ROOT
CORE = ROOT / "build/gen/litedram_core.v"
# What each repair looks for, and what it might look like in another LiteDRAM.
CHANGED = {
    "data pins": (r"input  wire   \[15:0\] sdram_dq", "input  wire   [31:0] sdram_dq"),
    "output enable": (r"tristate3_oe <= \w+;", "tristate3_oe <= 1'd0;"),
    "pin": (r"\(~inferedsdrtristate7_oe\)", "(~other)"),
}


@pytest.fixture(scope="module")
def generated():
    """(the generator, LiteDRAM's text before the repairs)"""
    from tools import gen_litedram
    return gen_litedram, gen_litedram.generate()


def test_same_file_again(tmp_path):
    subprocess.run([sys.executable, "tools/gen_litedram.py", tmp_path / "core.v"], cwd=ROOT, check=True)
    assert (tmp_path / "core.v").read_bytes() == CORE.read_bytes()


def test_repairs_are_made(generated):
    tool, text = generated
    repaired = tool.repair(text)
    assert repaired == CORE.read_text()
    assert len(re.findall(r"^\(\* keep \*\) OFS1P3BX dq_oe_ff\d+ .*\.Q\(dq_oe_n\[\d+\]\)", repaired, re.M)) == 16
    assert re.findall(r"^\s*(\w+)\s+wire\s+\[15:0\] sdram_dq\b", repaired, re.M) == ["inout"]
    assert "_oe <=" not in re.sub(r"dq_oe_n", "", repaired)


@pytest.mark.parametrize("name", CHANGED)
def test_repair_that_finds_no_place_stops(generated, name):
    tool, text = generated
    changed, times = re.subn(*CHANGED[name], text)
    assert times == 1
    with pytest.raises((AssertionError, ValueError)):
        tool.repair(changed)


def test_timings_of_the_data_sheet(generated):
    """In clocks of 15 ns, never fewer than the chip's model asks for; refresh not later."""
    tool, _ = generated
    timings = tool.Chip(tool.CLOCK, rate="1:1").timing_settings
    limits = dict(re.findall(r"(t_\w+) = ([\d']+)", (ROOT / "sim/sdram/sdram_chip.h").read_text()))
    limit = {name: int(value.replace("'", "")) for name, value in limits.items()}
    for ours, theirs in {"tRCD": "t_rcd", "tRP": "t_rp", "tRAS": "t_ras", "tRC": "t_rc", "tRRD": "t_rrd", "tRFC": "t_rfc", "tWR": "t_wr"}.items():
        assert getattr(timings, ours) * 15000 >= limit[theirs], ours
    assert timings.tREFI * 15000 <= limit["t_refi"]
