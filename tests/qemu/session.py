# SPDX-License-Identifier: Apache-2.0
"""quell in the guest and on this computer, with the same files, so that results can be compared; and as a program the comparison for `make bench`.

    python -m tests.qemu.session --json FILE [--images N]

writes how many result bytes (logits, and all activations of every layer) were compared with the reference device and the share that is equal.
"""
import argparse
import gzip
import io
import json
import re
import struct
import sys
import tarfile
import tempfile
import time
from pathlib import Path

import numpy as np

from tests.qemu.guest import COMMAND_LIMIT, OUT, Bridge, Guest
from tools import cli

sys.path.insert(0, str(cli.ROOT / "tests/host"))
import make_golden  # noqa: E402

RULE = cli.ROOT / "host/udev/60-quell.rules"
REAL_IMAGES, SMALL_IMAGES = 16, 60
TIMEOUT = 100  # seconds without a byte before quell gives the board up: simulated, it may be that slow
NOISE = {"profile": "additive.json", "chip": 3, "noise_seed": 5, "denoiser": "sample"}


def missing():
    """Why there is no guest here; "" if there is one."""
    path = OUT / "missing"
    return path.read_text().strip() if path.exists() else ""


def real_images():
    data = gzip.decompress(cli.IMAGES.read_bytes())
    magic, _, height, width = struct.unpack_from(">4I", data)
    return struct.pack(">4I", magic, REAL_IMAGES, height, width) + data[16 : 16 + REAL_IMAGES * height * width]


def small_images(model):
    c, h, w = (d.dim_value for d in model.graph.input[0].type.tensor_type.shape.dim[1:])
    pixels = np.random.default_rng(0).integers(0, 256, (SMALL_IMAGES, h, w, c)).astype(np.uint8)
    return struct.pack(">HBB4I", 0, 8, 4, SMALL_IMAGES, h, w, c) + pixels.tobytes()


class Session:
    """A bridge and a guest. Models: "real" is the project's own, "small" one of a single convolution with a denoising block."""

    def __init__(self, folder):
        self.folder = Path(folder)
        small = make_golden.CASES["denoise"]()
        files = {"real.onnx": cli.MODEL.read_bytes(), "real.images": real_images(), "small.onnx": small.SerializeToString(), "small.images": small_images(small),
                 "additive.json": cli.PROFILES["additive"].read_bytes(), RULE.name: RULE.read_bytes()}
        for name, content in files.items():
            (self.folder / name).write_bytes(content)
        self.bridge = Bridge(self.folder)
        try:
            self.guest = Guest(self.folder, self.bridge, {f"/{name}": content for name, content in files.items()}, [cli.QUELL])
        except BaseException:
            self.bridge.__exit__()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *details):
        self.guest.__exit__(*details)
        self.bridge.__exit__(*details)

    def words(self, model, device, place, **settings):
        """The arguments of quell run; settings as the options are named, True for one without a value."""
        options = {"model": f"{place}/{model}.onnx", "images": f"{place}/{model}.images", "device": device, **settings}
        if "profile" in options:
            options["profile"] = f"{place}/{options['profile']}"
        words = [word for name, value in options.items() for word in ("--" + name.replace("_", "-"), None if value is True else str(value)) if word]
        return ["run", *words]

    def command(self, model, user="root", **settings):
        """quell run on the board, as a command line for the guest; results go to /tmp/out.npy."""
        return f"rm -f /tmp/out.npy; su {user} -c 'QUELL_USB_TIMEOUT={TIMEOUT} quell {' '.join(self.words(model, 'usb', '', logits='/tmp/out.npy', **settings))}'"

    def result(self):
        return np.load(io.BytesIO(self.guest.read("/tmp/out.npy")))

    def reference(self, model, **settings):
        """What the reference device of this computer makes of the same."""
        out = self.folder / "ref.npy"
        cli.call([cli.QUELL, *self.words(model, "ref", self.folder, logits=out, **settings)])
        return np.load(out)

    def bytes_in(self):
        """Bytes that have come from the board's bulk endpoint."""
        return int(re.search(r"(\d+) bytes in", self.bridge.status())[1])

    def begin(self, size):
        """Start a long run of the small model; returns once so many bytes have come from the board."""
        before = self.bytes_in()
        job = self.guest.start(self.command("small"))
        deadline = time.monotonic() + COMMAND_LIMIT
        while self.bytes_in() < before + size:
            if time.monotonic() > deadline:
                raise TimeoutError(f"only {self.bytes_in() - before} of {size} bytes came in {COMMAND_LIMIT} s")
            time.sleep(0.05)
        return job

    def devices(self):
        """The boards that quell devices lists."""
        answer = self.guest.run("quell devices --json /tmp/devices")
        assert answer.code == 0, answer
        return [d for d in json.loads(self.guest.read("/tmp/devices"))["devices"] if d["name"].startswith("usb")]


def compare(session, images):
    """The figures of one run of the real model, noise and denoiser on."""
    session.bridge.plug()
    settings = {"limit": images, "dump_count": images, **NOISE}
    start = time.monotonic()
    answer = session.guest.run(session.command("real", wait=True, dump_activations="/tmp/dump", **settings), 600)
    seconds = time.monotonic() - start
    if answer.code:
        raise RuntimeError(f"quell in the guest: exit code {answer.code}: {answer.err}")
    here = session.folder / "dump"
    logits = session.reference("real", dump_activations=here, **settings)
    session.guest.run("tar -cf /tmp/dump.tar -C /tmp dump", 600)
    with tarfile.open(fileobj=io.BytesIO(session.guest.read("/tmp/dump.tar"))) as tar:
        there = {Path(m.name).name: np.load(io.BytesIO(tar.extractfile(m).read())) for m in tar if m.isfile()}
    pairs = [(logits, session.result())] + [(np.load(p), there[p.name]) for p in sorted(here.glob("*.npy"))]
    total, equal = sum(a.size for a, _ in pairs), sum(int(np.count_nonzero(a == b)) for a, b in pairs)
    return {"usb_qemu_images": images, "usb_qemu_bytes": total, "usb_qemu_bit_equal": equal / total, "usb_qemu_seconds": seconds}


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--json", type=Path, required=True)
    options.add_argument("--images", type=int, default=2, choices=range(1, REAL_IMAGES + 1), metavar="N")
    args = options.parse_args()
    if missing():
        sys.exit(f"no guest: {missing()}")
    with tempfile.TemporaryDirectory() as folder, Session(folder) as session:
        figures = compare(session, args.images)
    args.json.write_text(json.dumps(figures, indent=1) + "\n")
    print(figures)
    sys.exit(figures["usb_qemu_bit_equal"] != 1)


if __name__ == "__main__":
    main()
