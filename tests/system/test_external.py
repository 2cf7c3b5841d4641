# SPDX-License-Identifier: Apache-2.0
"""Networks whose parameters do not fit the chip, on the simulated board with its SDRAM: the bytes of the reference device; programs that stay, are damaged, half sent or hostile."""
import json
import re
import struct
import subprocess
import zlib

import numpy as np
import pytest

from tests.system.board import ABORT, BAD_FIELD, BAD_PROGRAM, EXTERNAL, IMAGE, OK, PROGRAM, TABLE, WEIGHT, ABORTED, Board, error, layer_entry
from tests.system.tiny import Tiny
from tools import cli

BACKBONES = cli.ROOT / "models/experiment"
# from outside: weights; weights, constants and denoiser pairs; weights in slices, and constants
NETWORKS = {"resnet20": "off", "mobilenet-blocks-read-s1": "sample", "vgg": "off"}


def test_info_says_so():
    """On the reference device too: whether the chip takes it, and what comes from outside."""
    done = subprocess.run([cli.QUELL, "info", "--model", BACKBONES / "resnet20.onnx"], capture_output=True, text=True, check=True).stdout
    cycles, outside = re.search(r"on the chip   fits\n +(\d+) clock cycles an image, .*\n +([\d.]+) KB of parameters an image come from the external memory", done).groups()
    assert 560_000 < int(cycles) < 600_000 and 260 < float(outside) < 290


def write_images(path, count):
    pixels = np.random.default_rng(11).integers(0, 256, (count, 32, 32, 3), dtype=np.uint8)
    path.write_bytes(struct.pack(">HBB4I", 0, 8, 4, *pixels.shape) + pixels.tobytes())
    return path


@pytest.mark.parametrize("name", NETWORKS)
def test_same_bytes(name, tmp_path):
    model, settings = BACKBONES / f"{name}.onnx", {"profile": cli.PROFILES["varying_chip"], "denoiser": NETWORKS[name], "images": write_images(tmp_path / "i.idx", 2), "labels": None}
    logits, codes, figures = {}, {}, {}
    for device in ("ref", "sim"):
        (tmp_path / device).mkdir()
        _, all_but_one = cli.run(model, device=device, limit=1, dump=tmp_path / device, **settings)
        codes[device] = {p.name: np.load(p) for p in (tmp_path / device).glob("*.npy")} | {"one": all_but_one}
        figures[device], logits[device] = cli.run(model, device=device, limit=2, **settings)
    assert codes["ref"].keys() == codes["sim"].keys() and len(codes["ref"]) > 8
    for key, wanted in codes["ref"].items():
        assert np.array_equal(wanted, codes["sim"][key]), f"{name}: {key}"
    assert np.array_equal(logits["ref"], logits["sim"])
    measured = figures["sim"]["counters"]["cycles"] / 2
    report = tmp_path / "report.json"
    cli.call([cli.QUELL, "info", "--device", "sim", "--model", model, "--json", report])
    layers = json.loads(report.read_text())["layer"]
    assert any(layer["cycles_load"] for layer in layers) and (name != "vgg" or any(layer["slices"] > 1 for layer in layers))
    estimate = sum(layer["cycles"] for layer in layers)
    print(f"\n{name}: {measured:.0f} cycles an image, array {figures['sim']['array_busy']:.1%} busy, estimated {estimate / measured - 1:+.1%}")
    if settings["denoiser"] == "off":  # the estimate of info
        assert abs(estimate / measured - 1) < 0.05


def weights_of(tiny, n):
    return tiny.weights[n][0].transpose(3, 0, 1, 2).astype(np.int8).tobytes()


class Program:
    """A Tiny whose weights are loaded, all of them to the same words of the weight memory."""

    def __init__(self, name=7, **sizes):
        self.tiny, self.name = Tiny(**sizes), name
        self.data, self.loads = b"", []
        for n in range(self.tiny.layers):
            weights = weights_of(self.tiny, n)
            self.loads.append((len(self.data) // 8, 40, len(weights) // 72, WEIGHT, n, n, 0))
            self.data += weights

    def request(self, **changes):
        values = {"low": self.name, "high": 0, "words": len(self.data) // 8, "crc": zlib.crc32(self.data), "count": len(self.loads)} | changes
        return struct.pack("<5I", *values.values()) + b"".join(struct.pack("<IHHBBbB", *load) for load in self.loads)

    def write(self, board, data=None):
        data = self.data if data is None else data
        for at in range(0, len(data), 4096):
            piece = data[at:at + 4096]
            assert board.write(EXTERNAL, at // 8, len(piece) // 8, piece) == (OK, b"")

    def load(self, board):
        self.tiny.load(board)  # constants; the weights go where nobody reads them
        assert board.ask(TABLE, self.tiny.head() + b"".join(layer_entry(**entry | {"w_addr": 40}) for entry in self.tiny.entries())) == (OK, b"")

    def check(self, board, seed):
        image = self.tiny.image(seed)
        status, _, _, output = self.tiny.run(board, image)
        assert status == OK and np.array_equal(output, self.tiny.expected(image)[-1])


def test_program():
    program = Program(layers=3)
    with Board() as board:
        assert board.info()["ext_words"] == 1 << 22
        program.load(board)
        program.write(board)
        assert board.info()["program_low"] == 0
        assert board.ask(PROGRAM, program.request()) == (OK, b"")
        assert board.info()["program_low"] == 7
        for seed in range(3):
            program.check(board, seed)
        # known by its name: not even looked at
        assert board.ask(PROGRAM, program.request(crc=0)) == (OK, b"")
        program.check(board, 3)
        # flipped, half sent, another's
        program.write(board, bytes([program.data[0] ^ 1]) + program.data[1:8])
        status, payload = board.ask(PROGRAM, program.request())
        assert status == BAD_PROGRAM and error(payload)[:3] == (7, 0, 12)
        program.write(board)
        other = Program(name=8, layers=3, seed=2)
        other.write(board, other.data[:512])
        assert board.ask(PROGRAM, other.request())[0] == BAD_PROGRAM
        other.load(board)
        other.write(board)
        assert board.ask(PROGRAM, other.request()) == (OK, b"")
        other.check(board, 4)


def test_stopped_and_hostile():
    program = Program(layers=3, size=16)
    with Board() as board:
        program.load(board)
        program.write(board)
        assert board.ask(PROGRAM, program.request()) == (OK, b"")
        board.send(IMAGE, program.tiny.request(program.tiny.image(0)))
        board.send(ABORT)
        assert board.receive()[2] in (OK, ABORTED) and board.receive()[2] == OK
        program.check(board, 1)
        status, payload = board.ask(IMAGE, program.tiny.request(program.tiny.image(1), layers=2))  # and one that ends early
        assert status == OK
        program.check(board, 2)
        good = program.loads
        for field, value in ((0, 1 << 22), (0, len(program.data) // 8 - 71), (1, 2041), (2, 0), (3, EXTERNAL), (4, 3), (5, 3), (6, 1)):
            program.loads = [*good[:2], tuple(value if i == field else old for i, old in enumerate(good[2]))]
            status, payload = board.ask(PROGRAM, program.request())
            assert status == BAD_FIELD and error(payload)[:2] == (7, 2), (field, value)
        program.loads = good
        program.check(board, 3)  # the old loads stay
        assert board.write(EXTERNAL, (1 << 22) - 1, 2, bytes(16))[0] == BAD_FIELD
        assert board.write(EXTERNAL, (1 << 22) - 1, 1, bytes(range(8))) == (OK, b"")
        assert board.ask(PROGRAM, program.request()) == (OK, b"")
        program.check(board, 4)
