# SPDX-License-Identifier: Apache-2.0
"""`quell --device usb`: finding a board, everything that can go wrong with it, and that the next run works without replugging.

The tool is built with sanitizers and with fake_libusb.c in libusb's place; the board behind it is the simulated chip, or fake_board.py where that must
misbehave. tests/qemu does the same with the tool as it is, the real libusb and a real kernel."""
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import onnx
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))
import make_golden  # noqa: E402
from test_cli import ACCESS, BUSY, DEVICE, FAKE, IMAGES, INTERRUPTED, LOST, MODEL, NOT_FOUND, ROOT, TIMEOUT, USAGE, VERSION, interrupt  # noqa: E402
from usb_board import UsbBoard  # noqa: E402

QUELL = ROOT / "build/tests/asan/quell-usb"
CHIP = ROOT / "build/bin/quell-simboard"
COUNT = 6


def plugged(*boards, patience=120):
    """Environment in which these are plugged in: (serial, socket, fault) each. patience: seconds after which a silent board is given up."""
    return {**os.environ, "QUELL_USB_TIMEOUT": str(patience), "QUELL_FAKE_USB": ";".join("@".join(map(str, b)) for b in boards)}


def quell(*words, boards=(), expect=0, patience=120):
    result = subprocess.run([QUELL, *map(str, words)], env=plugged(*boards, patience=patience), capture_output=True, text=True, timeout=300)
    assert result.returncode == expect, f"exit code {result.returncode} instead of {expect}: {result.stderr}"
    return result


def command(folder, device="usb", model=MODEL):
    return ["run", "--device", device, "--model", model, "--images", IMAGES, "--limit", COUNT, "--logits", folder / "l.npy", "--json", folder / "r.json"]


def run(folder, *boards, device="usb", model=MODEL, expect=0, patience=120):
    return quell(*command(folder, device, model), boards=boards, expect=expect, patience=patience)


@pytest.fixture
def fake(tmp_path):
    """A board that misbehaves as told, on a socket."""
    boards = []

    def make(mode=""):
        ready = tmp_path / f"ready{len(boards)}"
        boards.append(UsbBoard(tmp_path / f"s{len(boards)}", [sys.executable, FAKE], env={**os.environ, "QUELL_FAKE": mode, "QUELL_FAKE_READY": str(ready)}))
        while not ready.exists():  # a Python that starts slowly is not a silent board
            assert boards[-1].process.poll() is None
            time.sleep(0.01)
        return boards[-1].path
    yield make
    for board in boards:
        board.__exit__()


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """A network that the simulated chip runs in no time -> its file, and what `ref` says."""
    folder = tmp_path_factory.mktemp("small")
    net = make_golden.Net(1, shape=(1, 28, 28))
    onnx.save(net.close(net.conv(net.conv(net.x, "one", 8, stride=2), "two", 8, stride=2)), folder / "small.onnx")
    run(folder, device="ref", model=folder / "small.onnx")
    return folder / "small.onnx", np.load(folder / "l.npy")


@pytest.fixture(scope="module")
def chip(tmp_path_factory):
    """One simulated chip for all tests: none of them may harm the next."""
    with UsbBoard(tmp_path_factory.mktemp("chip") / "s", [CHIP]) as board:
        yield board.path


# ---- finding ----


def test_none(tmp_path):
    assert "no board is plugged in" in run(tmp_path, expect=NOT_FOUND).stderr
    assert "no board is plugged in" in run(tmp_path, ("A", "", "alien"), expect=NOT_FOUND).stderr  # the number pair is a test pair that others use too
    assert "no board" in quell("devices").stdout


def test_devices(tmp_path, fake):
    boards = [("QL-1", fake(), ""), ("QL-2", "", "busy"), ("QL-3", "", "access")]
    text = quell("devices", "--json", tmp_path / "d.json", boards=boards).stdout
    found = {d["name"]: d for d in json.loads((tmp_path / "d.json").read_text())["devices"]}
    version = (ROOT / "VERSION").read_text().strip()
    assert found["usb:QL-1"]["available"] and found["usb:QL-1"]["version"] == version and found["usb:QL-1"]["place"] == "1-4.1"
    assert re.search(rf"^usb:QL-1 .*1-4\.1\n +version {re.escape(version)}", text, re.M)
    assert found["usb:QL-2"]["status"] == BUSY and "in use" in text
    assert found["usb:1-4.3"]["status"] == ACCESS  # whose serial number cannot be read


def test_choosing(tmp_path, fake):
    boards = [("QL-1", fake(), ""), ("QL-2", fake("version"), "")]
    assert "several boards" in run(tmp_path, *boards, expect=USAGE).stderr
    run(tmp_path, *boards, device="usb:QL-1")
    run(tmp_path, *boards, device="usb:QL-2", expect=VERSION)
    run(tmp_path, *boards, device="usb:1-4.1")
    assert "'QL-9'" in run(tmp_path, *boards, device="usb:QL-9", expect=NOT_FOUND).stderr


def test_wait(tmp_path):
    started = time.monotonic()
    assert "waiting" in quell(*command(tmp_path), "--wait", 1, expect=NOT_FOUND).stderr  # it ends by itself
    assert 1 <= time.monotonic() - started
    process = subprocess.Popen([QUELL, *map(str, command(tmp_path)), "--wait"], env=plugged(), stderr=subprocess.PIPE, text=True)
    assert "waiting" in process.stderr.readline()
    process.send_signal(signal.SIGINT)
    assert "interrupted" in process.stderr.read() and process.wait() == INTERRUPTED
    quell("devices", "--wait", "soon", expect=USAGE)


def test_model_for_a_board(tmp_path, fake):
    """info and compile ask the board for its memories."""
    board = ("QL-1", fake(), "")
    assert "layers        10" in quell("info", "--model", MODEL, "--device", "usb", boards=[board]).stdout
    quell("info", "--model", MODEL, "--device", "usb", expect=NOT_FOUND)
    quell("compile", "--model", MODEL, "--device", "usb:QL-1", "--output", tmp_path / "m.quell", boards=[board])
    run(tmp_path, board, model=tmp_path / "m.quell")


# ---- refused at once ----


@pytest.mark.parametrize("fault, code, texts", [
    ("access", ACCESS, ["60-quell.rules", "udevadm control --reload"]), ("busy", BUSY, ["another program"]), ("old", VERSION, ["another version"]), ("mute", TIMEOUT, ["does not answer"]),
])
def test_refused(tmp_path, fault, code, texts):
    message = run(tmp_path, ("A", "", fault), expect=code).stderr
    assert all(t in message for t in texts) and message.count("\n") == 1


def test_udev_rule():
    """The rule that the message names fits the numbers that the board says."""
    header = (ROOT / "fw/include/quell_usb.h").read_text()
    vid, pid = (re.search(rf"#define QUSB_{n} 0x([0-9a-fA-F]{{4}})", header)[1].lower() for n in ("VID", "PID"))
    rules = [line for line in (ROOT / "host/udev/60-quell.rules").read_text().splitlines() if not line.startswith("#")]
    ours = [line for line in rules if f'ATTR{{idVendor}}=="{vid}", ATTR{{idProduct}}=="{pid}"' in line]
    assert len(ours) == 1 and 'TAG+="uaccess"' in ours[0] and 'MODE="0660"' in ours[0]
    assert "60-quell.rules" in (ROOT / "host/lib/lib.mk").read_text()


# ---- misbehaving boards ----


@pytest.mark.parametrize("mode, code, text", [
    ("die:4", LOST, "unplugged"), ("cut:4", LOST, "unplugged"), ("hang:4", TIMEOUT, "silent"), ("magic:4", LOST, "magic"), ("crc:4", LOST, "CRC"), ("sequence:4", LOST, "sequence"), ("opcode:4", LOST, "opcode"),
    ("length:4", LOST, "length"), ("long:4", LOST, "length"), ("refuse:4", DEVICE, "image request, layers: 99, limit 10"),
])
def test_board_fails(tmp_path, fake, mode, code, text):
    message = run(tmp_path, ("A", fake(mode), ""), expect=code, patience=5 if code == TIMEOUT else 120).stderr
    assert text in message and "4 of 6 images" in message
    report = json.loads((tmp_path / "r.json").read_text())
    assert np.array_equal(np.load(tmp_path / "l.npy")[:, 0], range(4))
    assert report["images"] == 4 and not report["complete"]


@pytest.mark.parametrize("fault, text", [("unplug", "unplugged"), ("unsure", "unplugged"), ("stall", "stall"), ("babble", "babble")])
def test_next_run_works(tmp_path, chip, small, fault, text):
    """The link fails after any number of bytes; results are kept, and the next run begins where nothing is clean and is right."""
    model, logits = small
    for after in (0, 30, 72, 100, 150, 200, 250, 300, 350, 400):  # of some 500
        message = run(tmp_path, ("A", chip, f"{fault}={after}"), model=model, expect=LOST).stderr
        assert text in message
        if "no image was done" not in message and "first answer" not in message:
            done = int(re.search(r"(\d+) of 6 images", message)[1])
            if done:
                assert np.array_equal(np.load(tmp_path / "l.npy"), logits[:done]) and not json.loads((tmp_path / "r.json").read_text())["complete"]
    run(tmp_path, ("A", chip, ""), model=model)
    assert np.array_equal(np.load(tmp_path / "l.npy"), logits)


def test_killed_host(tmp_path, chip, small):
    """Killed at any moment, loading or running: after so many bytes from the board, of some 500."""
    model, logits = small
    for after in (0, 30, 72, 100, 150, 200, 300, 400):
        run(tmp_path, ("A", chip, f"kill={after}"), model=model, expect=-signal.SIGKILL)
    run(tmp_path, ("A", chip, ""), model=model)
    assert np.array_equal(np.load(tmp_path / "l.npy"), logits)


def test_same_bytes(tmp_path, chip):
    """A real network, calibration included: what usb gives is what ref gives."""
    results = []
    for device in ("usb", "ref"):
        quell(*command(tmp_path, device), "--limit", 2, "--dump-activations", tmp_path / device, boards=[("A", chip, "")])
        results.append(np.load(tmp_path / "l.npy"))
    assert np.array_equal(*results)
    files = sorted((tmp_path / "ref").glob("*.npy"))
    assert len(files) == 10 and all(f.read_bytes() == (tmp_path / "usb" / f.name).read_bytes() for f in files)


def test_interrupt(tmp_path, fake):
    process = subprocess.Popen([QUELL, *map(str, command(tmp_path)), "--limit", "500", "--progress"], env=plugged(("A", fake("slow"), "")), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    message = interrupt(process)
    assert process.returncode == INTERRUPTED, message
    report = json.loads((tmp_path / "r.json").read_text())
    assert 0 < report["images"] < 500 and len(np.load(tmp_path / "l.npy")) == report["images"]
