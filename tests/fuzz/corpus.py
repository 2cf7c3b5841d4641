# SPDX-License-Identifier: Apache-2.0
"""Good files of every kind for the fuzz targets to begin with: python -m tests.fuzz.corpus DIR"""
import gzip
import io
import shutil
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/host"))
import test_input  # noqa: E402
import test_tflite  # noqa: E402

QUELL = ROOT / "build/bin/quell"


def pictures():
    rng = np.random.default_rng(1)
    colour = Image.fromarray(rng.integers(0, 256, (8, 8, 3)).astype(np.uint8))
    alpha = Image.fromarray(rng.integers(0, 256, (8, 8, 4)).astype(np.uint8))
    for image, form, options in [(colour, "PNG", {}), (alpha, "PNG", {}), (colour.convert("L"), "PNG", {}), (colour.convert("1"), "PNG", {}), (colour.quantize(5), "PNG", {"transparency": 1}),
                                 (colour, "JPEG", {}), (colour, "JPEG", {"progressive": True, "subsampling": 0}), (colour.convert("L"), "JPEG", {}), (colour.convert("CMYK"), "JPEG", {"restart_marker_blocks": 1})]:
        out = io.BytesIO()
        image.save(out, form, **options)
        yield b"\2" + out.getvalue()


def images():
    for shape in ((3, 8, 8, 3), (2, 5, 4)):
        idx = struct.pack(f">HBB{len(shape)}I", 0, 8, len(shape), *shape) + bytes(int(np.prod(shape)))
        yield idx
        yield gzip.compress(idx)
    for kind in (np.float32, np.uint8):
        out = io.BytesIO()
        np.save(out, np.zeros((2, 3, 8, 8), kind))
        yield out.getvalue()


def labels():
    yield b"file,label\n\"a,\"\"b.png\",1\n./c.png,cat\nall/a.png,t_shirt_top\r\n"
    yield b"3\n1\n\ndog\n"
    yield struct.pack(">HBBI", 0, 0x0C, 1, 2) + struct.pack(">2i", 1, 60000)


def models(work):
    work.mkdir(exist_ok=True)
    for i, options in enumerate([{}, {"layout": "nhwc", "typed": True}, {"scale": 0.0187, "zero": 114, "front": [("Sub", test_input.MEAN), ("Div", test_input.STD)]},
                                 {"metadata": {"quell.classes": ",".join("abcdefghij"), "quell.input.range": "0..1", "quell.input.order": "bgr", "quell.input.resize": "20"}}]):
        path, compiled = test_input.net(work / f"{i}.onnx", **options), work / f"{i}.quell"
        subprocess.run([QUELL, "compile", "--model", path, "--output", compiled], check=True, stdout=subprocess.DEVNULL)
        yield path.read_bytes()
        yield compiled.read_bytes()
    for kind in ("int8", "uint8"):
        network = test_tflite.network(kind)
        yield network.file.bytes([network.input], [network.number])


def calibrations(work):
    model, zeros = test_input.net(work / "c.onnx"), test_input.write_idx(work / "i", test_input.pixels())
    subprocess.run([QUELL, "calibrate", "--model", model, "--images", zeros, "--profile", ROOT / "profiles/varying_chip.json", "--output", work / "c.json"], check=True, stdout=subprocess.DEVNULL)
    yield (work / "c.json").read_bytes()


def main():
    out, work = Path(sys.argv[1]), Path(sys.argv[1] + ".work")
    shutil.rmtree(out, ignore_errors=True)
    kinds = {"picture": pictures(), "images": images(), "labels": labels(), "model": models(work), "calibration": calibrations(work), "profile": (p.read_bytes() for p in sorted((ROOT / "profiles").glob("*.json")))}
    for name, files in kinds.items():
        (out / name).mkdir(parents=True)
        for i, data in enumerate(files):
            (out / name / f"{i:02}").write_bytes(data)


if __name__ == "__main__":
    main()
