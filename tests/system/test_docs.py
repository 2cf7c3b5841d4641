# SPDX-License-Identifier: Apache-2.0
"""What the documents say must be there: links lead somewhere, the register table and the results are those of the sources, versions agree."""
import re
import subprocess
from pathlib import Path

import pytest

from tools import cli

ROOT = cli.ROOT
PAGES = sorted([ROOT / "README.md", ROOT / "CHANGELOG.md", *ROOT.glob("docs/*.md"), *ROOT.glob("*/README.md")])


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_links(page):
    text = re.sub(r"```.*?```", "", page.read_text(), flags=re.S)
    for target in re.findall(r"\]\(([^)#]+)", text):
        if "://" not in target:
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_registers_page_is_current():
    assert (ROOT / "docs/registers.md").read_text() == (ROOT / "build/gen/registers.md").read_text(), "run make regs"


def test_version_is_one():
    version = (ROOT / "VERSION").read_text().strip()
    assert version in subprocess.run([cli.QUELL, "--version"], capture_output=True, text=True, check=True).stdout
    assert version in subprocess.run([ROOT / "build/bin/quell-simboard", "--version"], capture_output=True, text=True, check=True).stdout


def test_readme_names_existing_commands_and_files():
    text = (ROOT / "README.md").read_text()
    help_text = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    targets = re.findall(r"\bmake ([a-z-]+)", text)
    assert {"demo", "test"} <= set(targets)
    for target in targets:
        assert re.search(rf"^  make {target}\b", help_text, re.M) or target == "install", target
    for path in re.findall(r"(?:models|profiles)/[\w.]+", text):
        assert (ROOT / path).exists(), path


def test_every_command_of_quell_has_help():
    for command in ("devices", "info", "compile", "run", "calibrate", "bench"):
        result = subprocess.run([cli.QUELL, command, "--help"], capture_output=True, text=True)
        assert result.returncode == 0 and "--" in result.stdout, command


@pytest.mark.parametrize("script", sorted((ROOT / "tests/rtl/faults").glob("*.sed")), ids=lambda p: p.stem)
def test_fault_changes_its_module(script):
    """A deliberate fault whose text has gone from the RTL tests nothing; `make faults`, which would say so, takes too long for every run."""
    source = next((ROOT / "hw").rglob(f"{script.stem.split('.')[0]}.sv"))
    changed = subprocess.run(["sed", "-E", "-f", script, source], capture_output=True, text=True, check=True).stdout
    assert changed != source.read_text()
