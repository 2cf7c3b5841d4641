#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A board that speaks the command channel on stdin and stdout and misbehaves on purpose: QUELL_FAKE names how, for tests of the host's end.

    die:N      end (signal 9) when image N comes        hang:N   say nothing more
    magic:N crc:N sequence:N opcode:N length:N long:N   the answer to image N has that field wrong
    refuse:N   image N is refused, naming a field       cut:N    end in the middle of the answer
    slow       0.1 s an image                           version  another version of Quell
    load       end (signal 9) when the table comes
    sizes:N,.. a board of these sizes, from CONV_CORES to the lines of denoiser and pooling, and the activation tables
QUELL_FAKE_PROGRAM names a file that keeps what the board holds from one run to the next: the program's name and how many WRITEs came since the last one.
QUELL_FAKE_READY names a file that is made once requests are heard. Logits of image i are i, i + 1, ... (modulo 100); TABLE is refused with field z_in of layer 2 if QUELL_FAKE is table.
"""
import os
import signal
import struct
import sys
import time
import zlib

HEADER = struct.Struct("<IHHIIII")
CLASSES = 10


def main():
    mode, _, number = os.environ.get("QUELL_FAKE", "").partition(":")
    sizes = [int(v) for v in number.split(",")] if mode == "sizes" else [8, 4, 8192, 2048, 512, 512, 256, 64, 1024, 8]
    number = int(number or 0) if mode != "sizes" else 0
    version = [int(v) for v in open(os.path.join(os.path.dirname(__file__), "../../VERSION")).read().strip().split(".")]
    images = writes = 0
    memory = os.environ.get("QUELL_FAKE_PROGRAM")
    held = [int(v) for v in open(memory).read().split()[:2]] if memory and os.path.exists(memory) else [0, 0]
    source, sink = sys.stdin.buffer, sys.stdout.buffer
    if "QUELL_FAKE_READY" in os.environ:
        open(os.environ["QUELL_FAKE_READY"], "w").close()
    while True:
        head = source.read(24)
        if len(head) < 24:
            return
        _, _, opcode, sequence, length, _, crc = HEADER.unpack(head)
        payload = source.read(length)
        assert crc == zlib.crc32(payload, zlib.crc32(head[:20]))
        magic, status, answer, flip, hurt = 0x31505151, 0, b"", 0, False
        if opcode == 1:
            number_of = version[0] << 16 | version[1] << 8 | version[2]
            answer = struct.pack("<16I", number_of + (mode == "version"), 0, *sizes[:-1], 8192, sizes[-1], 0, *held)
        elif opcode == 2:
            writes += 1
        elif opcode == 3:
            answer = bytes(8 * struct.unpack("<II", payload)[1])
        elif opcode == 4 and mode == "load":
            os.kill(os.getpid(), signal.SIGKILL)
        elif opcode == 4 and mode == "table":
            status, answer = 7, struct.pack("<5I", 4, 2, 28 * 32, 300, 255)
        elif opcode in (5, 8):
            if mode == "slow":
                time.sleep(0.1)
            answer = struct.pack("<3I", 1000, 5000, 0) + bytes((images + k) % 100 for k in range(CLASSES))
            hurt = images == number
            images += 1
        elif opcode == 6:
            answer = bytes(48)
        elif opcode == 9 and memory:
            low, high = struct.unpack("<2I", payload[:8])
            open(memory, "w").write(f"{low} {high} {writes}")
        if hurt and mode == "die":
            os.kill(os.getpid(), signal.SIGKILL)
        if hurt and mode == "hang":
            while source.read(1 << 16):
                pass
            return
        if hurt and mode == "refuse":
            status, answer = 7, struct.pack("<5I", 5, 0, 8, 99, 10)
        if hurt:
            magic += mode == "magic"
            flip = mode == "crc"
            sequence += mode == "sequence"
            opcode += mode == "opcode"
            answer = answer[:-1] if mode == "length" else answer
        head = HEADER.pack(magic, 1, opcode, sequence, 100000 if hurt and mode == "long" else len(answer), status, 0)[:20]
        message = head + struct.pack("<I", zlib.crc32(answer, zlib.crc32(head)) ^ flip) + answer
        sink.write(message[:30] if hurt and mode == "cut" else message)
        sink.flush()
        if hurt and mode == "cut":
            return


if __name__ == "__main__":
    try:
        main()
    except (BrokenPipeError, ConnectionResetError):
        os._exit(0)  # the host has had enough
