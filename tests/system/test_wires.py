# SPDX-License-Identifier: Apache-2.0
"""The Verilated board top with a USB host on its D+ and D- (sim/wires, docs/wires.md)."""
import json
import re
import struct
import subprocess
from pathlib import Path

import numpy as np
import pytest

from tests.system import board as qp
from tests.system.tiny import Tiny
from tools import cli

ROOT = Path(__file__).resolve().parents[2]
WIRES = ROOT / "build/bin/quell-wires"
FAULTS, SEED = 60, 2026
# Names of fw/include/quell_usb.h.
QUSB = {m[1]: m[2].strip('"') for m in re.finditer(r'^#define (QUSB_\w+) (0x[0-9A-Fa-f]+|\d+|"[^"]*")', (ROOT / "fw/include/quell_usb.h").read_text(), re.M)}


def number(name):
    return int(QUSB[name], 0)


def wires(*arguments, expect=0):
    """(what it printed on stdout as JSON, stderr) of one run."""
    result = subprocess.run([WIRES, *map(str, arguments)], capture_output=True, text=True, timeout=600)
    assert result.returncode == expect, result.stderr
    return json.loads(result.stdout), result.stderr


def test_packets():
    """Encoder and decoder of the host model against known packets."""
    result = subprocess.run([ROOT / "build/tests/wires_packets"], capture_output=True, text=True, timeout=60)
    assert result.returncode == 0 and result.stdout.count("ok ") == 15, result.stdout


def test_enumeration():
    found, _ = wires("--enumerate")
    device = bytes.fromhex(found["device"])
    length, kind, release, klass, sub, protocol, size, vendor, product, version, *_ = struct.unpack("<BBHBBBBHHHBBBB", device)
    assert (length, kind, size) == (18, 1, number("QUSB_PACKET_SIZE"))
    assert (vendor, product, version) == (number("QUSB_VID"), number("QUSB_PID"), number("QUSB_DEVICE_BCD"))
    assert (found["manufacturer"], found["product"]) == (QUSB["QUSB_MANUFACTURER"], QUSB["QUSB_PRODUCT"])
    assert found["serial"]

    configuration = bytes.fromhex(found["configuration"])
    assert struct.unpack_from("<H", configuration, 2)[0] == len(configuration) == 9 + 9 + 7 + 7
    interface, endpoints = configuration[9:18], [configuration[18:25], configuration[25:32]]
    assert interface[1] == 4 and interface[2] == number("QUSB_INTERFACE") and interface[5] == number("QUSB_CLASS")
    assert {e[2] for e in endpoints} == {number("QUSB_ENDPOINT_OUT"), number("QUSB_ENDPOINT_IN")}
    assert all(e[1] == 5 and e[3] == 2 and struct.unpack_from("<H", e, 4)[0] == number("QUSB_PACKET_SIZE") for e in endpoints)

    # Binary object store: the platform capability names the length of the Microsoft OS 2.0 set, which asks for WinUSB.
    bos, ms = bytes.fromhex(found["bos"]), bytes.fromhex(found["ms_os_20"])
    assert release >= 0x0201 and struct.unpack_from("<H", bos, 2)[0] == len(bos)
    assert struct.unpack_from("<H", bos, 5 + 24)[0] == len(ms) == struct.unpack_from("<H", ms, 8)[0]
    assert b"WINUSB" in ms


# Offsets of both clocks and the edges' displacement at the limits of full speed.
@pytest.mark.parametrize("host, device, asymmetry", [(500, -2500, 4700), (-500, 2500, -4700)])
def test_limits_of_bit_timing(host, device, asymmetry):
    found, errors = wires("--enumerate", "--stats", "--ppm", host, "--device-ppm", device, "--jitter", 4500, "--asymmetry", asymmetry, "--skew", 10000)
    assert found["serial"]
    assert "0 without answer, 0 damaged" in errors, errors
    assert "turnaround 0, EOP 0, bit width 0" in errors and "contention 0" in errors, errors


def test_images_equal_reference():
    """A model loaded and images run through the wires: the logits of `quell run` on both devices."""
    settings = {"limit": 1, "profile": cli.PROFILES["additive"], "denoiser": "sample"}
    _, ref = cli.run(cli.MODEL, device="ref", **settings)
    _, sim = cli.run(cli.MODEL, device="sim", simulator=WIRES, **settings)
    assert ref.size and np.array_equal(ref, sim)


def test_small_network_and_full_packets():
    """Every activation of a small network; answers that end with a full packet must end a transfer as well."""
    tiny = Tiny()
    with qp.Board(program=WIRES) as board:
        tiny.load(board)
        for seed in range(3):
            image = tiny.image(seed)
            status, _, _, output = tiny.run(board, image)
            assert status == qp.OK and np.array_equal(output, tiny.expected(image)[-1])
        board.write(qp.ACTIVATION, 0, 40, bytes(range(256)) + bytes(64))
        for words in (5, 13, 6, 37):  # 24 + 8 * words: 64 and 128 bytes, then others
            assert board.read_words(0, words) == (bytes(range(256)) + bytes(64))[: 8 * words]


def test_faults():
    found, errors = wires("--campaign", FAULTS, "--seed", SEED)
    assert found["seed"] == SEED
    assert found["usb_faults_injected"] == found["usb_faults_survived"] == FAULTS, errors
    assert found["wrong_results"] == 0
    assert len(found["kinds"]) >= 18
    assert not any(found["device_outside_standard"].values()), found


# CRC16: a seed with several errors in the device's data; half of these hit bit stuffing or PID instead.
@pytest.mark.parametrize("what, fault", [("toggles", "ack_lost_at_device"), ("crc", "device_bit_error")])
def test_broken_host_is_noticed(what, fault):
    """A host that ignores toggles or CRC16 must not get through a campaign of faults that these repair."""
    found, _ = wires("--campaign", 20, "--seed", SEED, "--fault", fault, "--break", what, expect=1)
    assert found["usb_faults_survived"] < found["usb_faults_injected"]
    assert wires("--campaign", 20, "--seed", SEED, "--fault", fault)[0]["usb_faults_survived"] == 20
