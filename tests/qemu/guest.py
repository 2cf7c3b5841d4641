# SPDX-License-Identifier: Apache-2.0
"""A Linux guest in QEMU that sees the simulated board on its USB controller, and the program that simulates the board (docs/qemu.md).

    with Bridge(folder) as bridge, Guest(folder, bridge, files) as guest:
        bridge.plug()
        guest.run("quell devices")
"""
import base64
import os
import queue
import shlex
import subprocess
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from tests.qemu.cpio import Archive
from tests.qemu.image import OUT, libraries_of

ROOT = Path(__file__).resolve().parents[2]
WIRES = Path(os.environ.get("QUELL_WIRES", ROOT / "build/bin/quell-wires"))
BOOT_LIMIT = COMMAND_LIMIT = 300  # seconds; the machine may be busy with other tests


class Program:
    """A child process that is spoken to in lines; what it says on stdout comes as lines, what it says on stderr goes to a file."""

    def __init__(self, command, log):
        self._log = open(log, "wb")
        self.process = subprocess.Popen([str(c) for c in command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._log)
        self._lines = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in self.process.stdout:
            self._lines.put(line.decode(errors="replace").strip())
        self._lines.put(None)

    def say(self, line):
        self.process.stdin.write(line.encode() + b"\n")
        self.process.stdin.flush()

    def hear(self, start, limit):
        """The next line that begins with start; others are dropped."""
        deadline = time.monotonic() + limit
        while True:
            try:
                line = self._lines.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                raise TimeoutError(f"{self.process.args[0]}: no '{start}' in {limit} s; see {self._log.name}") from None
            if line is None:
                raise RuntimeError(f"{self.process.args[0]} has ended; see {self._log.name}")
            if line.startswith(start):
                return line

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self._log.close()


class Bridge(Program):
    """The Verilated board on its wires, waiting for QEMU (sim/wires/redir.h)."""

    def __init__(self, folder):
        self.socket = Path(folder) / "redir"
        super().__init__([WIRES, "--redir", self.socket], Path(folder) / "wires.log")
        self.hear("listening", 10)

    def plug(self):
        self.say("plug")
        self.hear("plugged in", COMMAND_LIMIT)

    def unplug(self):
        self.say("unplug")
        self.hear("unplugged", COMMAND_LIMIT)

    def unplug_after(self, size):
        """Pull the cable once so many more bytes have come from the board; unplugged() waits for it."""
        self.say(f"unplug {size}")

    def unplugged(self):
        self.hear("unplugged", COMMAND_LIMIT)

    def status(self):
        self.say("status")
        return self.hear("status", COMMAND_LIMIT)


@dataclass
class Answer:
    code: int
    out: str
    err: str


class Guest(Program):
    """Runs until the block ends. files: what the guest has beside its own, path -> bytes."""

    def __init__(self, folder, bridge, files=None, programs=()):
        folder = Path(folder)
        archive = Archive()
        for path, content in (files or {}).items():
            archive.file(path, content)
        for program in map(Path, programs):
            archive.program(f"bin/{program.name}", program, libraries_of(program))
        initramfs = folder / "initramfs"
        initramfs.write_bytes(_aligned((OUT / "initramfs.gz").read_bytes()) + bytes(archive))
        console = folder / "console.log"
        super().__init__(["qemu-system-x86_64", "-machine", "q35", "-accel", "tcg", "-cpu", "max", "-m", "256", "-nodefaults", "-no-reboot", "-display", "none", "-serial", "stdio",
                          "-serial", f"file:{console}", "-kernel", OUT / "vmlinux", "-initrd", initramfs, "-append", "console=ttyS1 quiet panic=-1 mitigations=off nokaslr", "-device", "qemu-xhci,id=hc",
                          "-chardev", f"socket,id=ur,path={bridge.socket}", "-device", "usb-redir,chardev=ur,bus=hc.0"], folder / "qemu.log")
        self.jobs = 0
        try:
            self.hear("ready", BOOT_LIMIT)
        except BaseException:
            self.__exit__()
            raise

    def run(self, command, limit=COMMAND_LIMIT):
        """Run a shell command in the guest."""
        self.say(command)
        code, out, err = self.hear("answer", limit).removeprefix("answer ").split(" ")
        return Answer(int(code), *(base64.b64decode(field[1:]).decode(errors="replace") for field in (out, err)))

    def start(self, command):
        """Run a command in the background; wait() of what is returned gives its answer."""
        self.jobs += 1
        place = f"/tmp/job{self.jobs}"
        self.run(f"(sh -c {shlex.quote(command)} >{place}.out 2>{place}.err; echo $? >{place}.part; mv {place}.part {place}.code) &")
        return Job(self, place)

    def read(self, path):
        """A file's bytes."""
        return base64.b64decode(self.run(f"base64 {path}").out)

    def __exit__(self, *details):
        if self.process.poll() is None:
            self.process.kill()  # nothing in it is worth a clean end
        super().__exit__(*details)


class Job:
    def __init__(self, guest, place):
        self._guest, self._place = guest, place

    def wait(self, limit=COMMAND_LIMIT):
        self._guest.run(f"while [ ! -e {self._place}.code ]; do usleep 50000; done", limit)
        out, err, code = (self._guest.read(f"{self._place}.{kind}").decode(errors="replace") for kind in ("out", "err", "code"))
        return Answer(int(code), out, err)


def _aligned(data):
    return data + bytes(-len(data) % 4)
