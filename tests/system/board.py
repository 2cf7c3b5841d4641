# SPDX-License-Identifier: Apache-2.0
"""A small client of the command channel for tests: speaks fw/include/quell_protocol.h to build/bin/quell-simboard."""
import re
import select
import struct
import subprocess
import zlib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HEADER = struct.Struct("<IHHIIII")
MAGIC, VERSION = 0x31505151, 1
INFO, WRITE, READ, TABLE, IMAGE, COUNTERS, ABORT, REPEAT, PROGRAM = range(1, 10)
(OK, BAD_MAGIC, BAD_VERSION, BAD_CRC, BAD_LENGTH, BAD_SEQUENCE, BAD_OPCODE, BAD_FIELD, BUSY, NO_TABLE, TIMEOUT, ABORTED, INTERNAL, NO_IMAGE, BAD_PROGRAM) = range(15)
ACTIVATION, WEIGHT, CONSTANT, DN_PAIR, DN_ROW, TABLES, EXTERNAL = range(7)
INFO_FIELDS = "version build cores bottleneck_max act_words weight_words const_words row_words dn_pair_words dn_row_words line_words max_payload tables ext_words program_low program_high".split()


def layer_fields():
    """{name: (byte offset, lowest bit, width)} of the layer entry, from the generated list."""
    text = (ROOT / "build/gen/quell_fields.h").read_text()
    return {m[1]: tuple(map(int, m.groups()[1:])) for m in re.finditer(r"X\((\w+), (\d+), (\d+), (\d+),", text)}


def layer_entry(**values):
    """The bytes of a layer entry; fields not named are 0."""
    fields = layer_fields()
    words = [0] * (max(offset for offset, _, _ in fields.values()) // 4 + 1)
    for name, value in values.items():
        offset, low, width = fields[name]
        words[offset // 4] |= (value & ((1 << width) - 1)) << low
    return struct.pack(f"<{len(words)}I", *words)


class Board:
    """One simulated board. Requests are numbered by themselves; send() and receive() can be used apart to have several under way."""

    def __init__(self, *arguments, program=ROOT / "build/bin/quell-simboard"):
        self.process = subprocess.Popen([program, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.sequence = 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()

    def raw(self, data):
        self.process.stdin.write(data)
        self.process.stdin.flush()

    def message(self, opcode, payload=b"", sequence=None, magic=MAGIC, version=VERSION, length=None, flip=0):
        if sequence is None:
            sequence, self.sequence = self.sequence, self.sequence + 1
        header = HEADER.pack(magic, version, opcode, sequence, len(payload) if length is None else length, 0, 0)
        crc = zlib.crc32(payload, zlib.crc32(header[:20])) ^ flip
        return header[:20] + struct.pack("<I", crc) + payload

    def send(self, opcode, payload=b"", **changes):
        self.raw(self.message(opcode, payload, **changes))

    def read(self, count, timeout):
        data = b""
        while len(data) < count:
            if not select.select([self.process.stdout], [], [], timeout)[0]:
                raise TimeoutError("no answer")
            piece = self.process.stdout.read1(count - len(data))
            if not piece:
                raise EOFError("the board has ended")
            data += piece
        return data

    def receive(self, timeout=60):
        """(opcode, sequence, status, payload) of the next answer; its CRC is checked."""
        header = self.read(24, timeout)
        magic, version, opcode, sequence, length, status, crc = HEADER.unpack(header)
        payload = self.read(length, timeout)
        assert (magic, version) == (MAGIC, VERSION)
        assert crc == zlib.crc32(payload, zlib.crc32(header[:20]))
        return opcode, sequence, status, payload

    def ask(self, opcode, payload=b"", **changes):
        """(status, payload) of one request."""
        sent = changes.get("sequence", self.sequence)
        self.send(opcode, payload, **changes)
        answer = self.receive()
        assert answer[:2] == (opcode, sent)
        return answer[2:]

    def info(self):
        status, payload = self.ask(INFO)
        assert status == OK
        return dict(zip(INFO_FIELDS, struct.unpack(f"<{len(INFO_FIELDS)}I", payload)))

    def write(self, memory, index, words, data):
        return self.ask(WRITE, struct.pack("<III", memory, index, words) + data)

    def read_words(self, index, words):
        status, payload = self.ask(READ, struct.pack("<II", index, words))
        assert status == OK
        return payload


def error(payload):
    """struct qp_error as (where, index, field, value, limit)."""
    return struct.unpack("<5I", payload)
