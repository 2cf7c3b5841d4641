# SPDX-License-Identifier: Apache-2.0
"""The whole simulated chip by its command channel: bad messages answer with an error and change nothing, images are double-buffered."""
import struct
import subprocess

import numpy as np
import pytest

from tests.system import board as qp
from tests.system.tiny import Tiny


@pytest.fixture(scope="module")
def shared():
    """One board with a three-layer model for all tests: none of them may harm the next."""
    with qp.Board() as board:
        board.info()
        model = Tiny(layers=3)
        model.load(board)
        yield board, model


def healthy(shared, seed=9):
    """The next good image gives exactly the right codes."""
    board, model = shared
    image = model.image(seed)
    status, cycles, macs, output = model.run(board, image)
    assert status == qp.OK
    assert np.array_equal(output, model.expected(image)[-1])
    assert 0 < cycles < 20000 and macs == model.words * 9 * 8 * (3 + 8 + 8)


def test_every_layer_is_right(shared):
    board, model = shared
    for seed in range(3):
        healthy(shared, seed)
        for n, want in enumerate(model.expected(model.image(seed))):
            got = np.frombuffer(board.read_words(model.address(n), model.words), np.int8).reshape(want.shape)
            assert np.array_equal(got, want)


def test_two_images_under_way(shared):
    board, model = shared
    images = [model.image(20 + n) for n in range(6)]
    board.send(qp.IMAGE, model.request(images[0]))
    for image, following in zip(images, images[1:] + [None]):
        if following is not None:
            board.send(qp.IMAGE, model.request(following))
        opcode, _, status, payload = board.receive()
        assert (opcode, status) == (qp.IMAGE, qp.OK)
        assert np.array_equal(np.frombuffer(payload[12:], np.int8).reshape(8, 8, 8), model.expected(image)[-1])


@pytest.mark.parametrize("changes, status, field", [
    (dict(magic=0x12345678), qp.BAD_MAGIC, 0),
    (dict(version=2), qp.BAD_VERSION, 4),
    (dict(length=8193), qp.BAD_LENGTH, 12),
    (dict(flip=0x10000), qp.BAD_CRC, 20),
])
def test_bad_header(shared, changes, status, field):
    board, model = shared
    image = model.image(1)
    board.send(qp.IMAGE, model.request(image), **changes)
    answer = board.receive()
    assert answer[2] == status
    assert qp.error(answer[3])[0:3:2] == (0, field)
    board.sequence -= 1  # it did not count
    healthy(shared)


def test_bad_sequence_and_opcode(shared):
    board, _ = shared
    expected = board.sequence
    status, payload = board.ask(qp.COUNTERS, sequence=expected + 5)
    assert status == qp.BAD_SEQUENCE and qp.error(payload)[3:] == (expected + 5, expected)
    status, payload = board.ask(99)
    assert status == qp.BAD_OPCODE and qp.error(payload)[2:4] == (6, 99)
    healthy(shared)


def test_half_a_message(shared):
    board, model = shared
    board.raw(board.message(qp.IMAGE, model.request(model.image(1)), sequence=board.sequence)[:100])
    answer = board.receive(120)
    assert answer[2] == qp.TIMEOUT and qp.error(answer[3])[3] == 100
    healthy(shared)


def test_bad_table_keeps_the_old_one(shared):
    board, model = shared
    fields = qp.layer_fields()
    for name, value in (("in_addr", 8190), ("w_addr", 2047), ("out_w", 100), ("mode", 3), ("post_shift", 0)):
        entries = model.entries()
        entries[2][name] = value
        status, payload = board.ask(qp.TABLE, model.head() + b"".join(qp.layer_entry(**e) for e in entries))
        offset, low, _ = fields[name]
        assert status == qp.BAD_FIELD and qp.error(payload)[:4] == (4, 2, offset * 32 + low, value)
        healthy(shared)


def test_busy_and_abort(shared):
    board, model = shared
    large = Tiny(size=24, layers=3)  # runs long enough to be met at work
    large.load(board)
    image = large.request(large.image(5))
    for request in (image, image):
        board.send(qp.IMAGE, request)
    board.send(qp.WRITE, struct.pack("<III", 0, 0, 0))
    assert [board.receive()[2] for _ in range(3)] == [qp.OK, qp.OK, qp.BUSY]
    for request in (image, image):
        board.send(qp.IMAGE, request)
    board.send(qp.ABORT)
    answers = [board.receive() for _ in range(3)]
    assert [(a[0], a[2]) for a in answers] == [(qp.IMAGE, qp.OK), (qp.IMAGE, qp.ABORTED), (qp.ABORT, qp.OK)]
    status, _, _, output = large.run(board, large.image(6))
    assert status == qp.OK and np.array_equal(output, large.expected(large.image(6))[-1])
    model.load(board)
    healthy(shared)


def test_expansion_with_padding_and_many_channels(shared):
    """A table whose image has padding and 11 channels, run for no other purpose than to look at the input tensor."""
    board, model = shared
    entry = dict(model.entries()[0], in_c8=2, in_last=2, w_addr=0)
    for pad, channels in ((1, 11), (0, 8), (2, 1), (1, 5)):
        side = 8 - 2 * pad
        entry |= dict(in_c8=(channels + 7) // 8, in_last=(channels - 1) % 8)
        head = model.head(count=1, image_h=side, image_w=side, image_c=channels, image_pad=pad, input0=0, input1=256, pad_code=-77)
        assert board.ask(qp.TABLE, head + qp.layer_entry(**entry | dict(out_addr=1000)))[0] == qp.OK
        for address in (0, 256):
            codes = np.random.default_rng(address + pad).integers(-128, 128, (side, side, channels))
            assert board.ask(qp.IMAGE, struct.pack("<3I", 0, 0, 1) + codes.astype(np.int8).tobytes())[0] == qp.OK
            words = 64 * ((channels + 7) // 8)
            got = np.frombuffer(board.read_words(address, words), np.int8).reshape(8, 8, -1)[:, :, :channels]
            assert np.array_equal(got, np.pad(codes, ((pad, pad), (pad, pad), (0, 0)), constant_values=-77))
    assert board.ask(qp.TABLE, model.table())[0] == qp.OK
    healthy(shared)


def test_ends_with_its_input():
    board = qp.Board("--stats")
    board.process.stdin.write(board.message(qp.INFO) * 1)
    board.process.stdin.close()
    assert board.receive()[2] == qp.OK
    assert board.process.wait(60) == 0


def test_messages_on_bad_arguments(tmp_path):
    program = qp.ROOT / "build/bin/quell-simboard"
    assert subprocess.run([program, "--nonsense"], capture_output=True).returncode == 2
    missing = subprocess.run([program, "--firmware", tmp_path / "no.hex"], capture_output=True, text=True)
    assert missing.returncode == 2 and "no.hex" in missing.stderr


def test_waveform(tmp_path):
    path = tmp_path / "wave.fst"
    with qp.Board("--trace", str(path)) as board:
        board.info()
        board.process.stdin.close()
        assert board.process.wait(60) == 0
    assert path.stat().st_size > 1000
