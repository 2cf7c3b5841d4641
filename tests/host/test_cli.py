# SPDX-License-Identifier: Apache-2.0
"""The tool `quell`: what people type, and everything that can go wrong: a clear message, its own exit code, nothing lost."""
import gzip
import json
import os
import re
import signal
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parent))
import make_golden  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
QUELL = Path(os.environ.get("QUELL", ROOT / "build/bin/quell"))
FAKE = Path(__file__).resolve().parent / "fake_board.py"
MODEL = ROOT / "models/resnet8_fmnist.onnx"
FASHION = Path("/usr/share/datasets/fashion-mnist")
IMAGES, LABELS = FASHION / "t10k-images-idx3-ubyte.gz", FASHION / "t10k-labels-idx1-ubyte.gz"
USAGE, FILE, BAD_MODEL, UNSUPPORTED, TOO_LARGE, PROFILE, BAD_IMAGES, CALIBRATION, DEVICE, LOST, INTERRUPTED = 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 13
NOT_FOUND, ACCESS, BUSY, VERSION, TIMEOUT = 14, 15, 16, 17, 18
PROFILE_VALUES = {"name": "test", "description": "for tests", "sources": {"adc_bits": "invented"}, "read_additive": 0.02, "read_multiplicative": 0.1, "column_gain_sigma": 0.05, "column_offset_sigma": 0.01,
                  "weight_programming_sigma": 0.0, "stuck_columns": 0.0, "adc_bits": 8}


def quell(*words, expect=0, **options):
    """Run the tool -> CompletedProcess; the exit code must be `expect`, and a failure must have one line of message."""
    result = subprocess.run([QUELL, *map(str, words)], capture_output=True, text=True, timeout=120, **options)
    assert result.returncode == expect, f"exit code {result.returncode} instead of {expect}: {result.stderr}"
    if expect:
        assert result.stderr.startswith("quell: ") or expect == USAGE
    return result


def run(*words, expect=0, model=MODEL, images=IMAGES, labels=LABELS, limit=5, **options):
    command = ["run", "--model", model, "--images", images, *(["--labels", labels] if labels else []), *(["--limit", limit] if limit else []), *words]
    return quell(*command, expect=expect, **options)


def fake(mode, *words, expect=0, limit=6, **options):
    return run("--device", "sim", "--simulator", FAKE, *words, expect=expect, limit=limit, env={**os.environ, "QUELL_FAKE": mode, "QUELL_SIM_TIMEOUT": "20" if mode.startswith("hang") else "120"}, **options)


def interrupt(process):
    """Ctrl-C as soon as progress says that an image is done -> the rest of stderr."""
    for line in process.stderr:
        if re.search(r"\] [1-9]\d*/\d+ ", line):
            break
    process.send_signal(signal.SIGINT)
    rest = process.stderr.read()
    process.wait()
    return rest


def write_idx(path, array):
    path.write_bytes(struct.pack(">HBB", 0, 8, array.ndim) + struct.pack(f">{array.ndim}I", *array.shape) + array.astype(np.uint8).tobytes())
    return path


# ---- what it is for ----


def test_help():
    assert "compile" in quell("--help").stdout
    for command in "devices info compile run calibrate bench".split():
        assert f"usage: quell {command}" in quell(command, "--help").stdout
    first, second = quell("--version").stdout.splitlines()
    assert first == f"quell {(ROOT / 'VERSION').read_text().strip()}"
    assert re.fullmatch(r"reference device computes with (scalar|neon|avx2|avxvnni|avx512|avx512vnni) \(QUELL_CPU\)", second)


def test_code_path_is_chosen_by_a_variable():
    scalar = quell("--version", env=os.environ | {"QUELL_CPU": "scalar"})
    assert "computes with scalar" in scalar.stdout
    wrong = quell("--version", expect=USAGE, env=os.environ | {"QUELL_CPU": "mmx"})
    assert "known: scalar, neon, avx2" in wrong.stderr and not wrong.stdout


def test_info_and_compile(tmp_path):
    assert "77418" in quell("info", "--model", MODEL, "--json", tmp_path / "info.json").stdout
    assert json.loads((tmp_path / "info.json").read_text())["layers"] == 10
    report = quell("compile", "--model", MODEL, "--output", tmp_path / "m.quell", "--report").stdout
    assert "image buffers" in report
    logits = [tmp_path / "a.npy", tmp_path / "b.npy"]
    run("--logits", logits[0])
    run("--logits", logits[1], model=tmp_path / "m.quell")
    assert np.array_equal(np.load(logits[0]), np.load(logits[1]))


def test_run(tmp_path):
    result = run("--logits", tmp_path / "l.npy", "--json", tmp_path / "r.json", "--dump-activations", tmp_path / "codes", "--dump-count", 2, "--threads", 2, limit=200)
    report, logits = json.loads((tmp_path / "r.json").read_text()), np.load(tmp_path / "l.npy")
    labels = np.frombuffer(gzip.decompress(LABELS.read_bytes()), np.uint8, offset=8)[:200]
    assert logits.shape == (200, 10) and logits.dtype == np.int8
    assert report["images"] == 200 and report["complete"] and report["correct"] == (logits.argmax(1) == labels).sum()
    assert report["accuracy"] > 0.88 and f"{100 * report['accuracy']:.2f} %" in result.stdout
    assert report["energy"]["total_nj"] > 0 and report["settings"]["limit"] == 200
    dumps = sorted((tmp_path / "codes").glob("*.npy"))
    assert len(dumps) == 10 and np.load(dumps[0]).shape == (2, 32, 32, 16)
    assert np.array_equal(np.load(dumps[-1]).reshape(2, 10), logits[:2])
    assert not list(tmp_path.glob("*.tmp"))


def test_noise_and_calibration(tmp_path):
    profile = tmp_path / "p.json"
    profile.write_text(json.dumps(PROFILE_VALUES))
    settings = ["--profile", profile, "--chip", 3]
    report = quell("calibrate", "--model", MODEL, "--images", IMAGES, "--limit", 8, "--output", tmp_path / "c.cal", "--json", "-", *settings)
    assert json.loads(report.stdout)["images"] == 8 and "chip 3 of test" in report.stderr
    run(*settings, "--calibration", tmp_path / "c.cal", "--noise-seed", 4)
    assert "chip" in run("--profile", profile, "--chip", 4, "--calibration", tmp_path / "c.cal", expect=CALIBRATION).stderr


def test_noise_seeds(tmp_path):
    """Several seeds an image: the bytes of single runs on every device, and what they say together."""
    settings = ["--profile", ROOT / "profiles/additive.json"]
    for device, limit in (("ref", 40), ("sim", 2)):
        result = run(*settings, "--device", device, "--noise-seeds", "7-10", "--logits", tmp_path / "l.npy", "--json", tmp_path / "r.json", limit=limit)
        logits, report = np.load(tmp_path / "l.npy"), json.loads((tmp_path / "r.json").read_text())
        assert logits.shape == (limit, 4, 10) and report["inferences"] == 4 * limit and report["images"] == limit
        for k in range(4):
            run(*settings, "--noise-seed", 7 + k, "--logits", tmp_path / "one.npy", limit=limit)
            assert np.array_equal(logits[:, k], np.load(tmp_path / "one.npy"))
        labels = np.frombuffer(gzip.decompress(LABELS.read_bytes()), np.uint8, offset=8)[:limit]
        answers, together = logits.argmax(2), report["noise_seeds"]
        right = (answers == labels[:, None]).mean(0)
        counts = np.array([np.bincount(a, minlength=10) for a in answers])
        flips = [i for i in range(limit) if counts[i].max() < 4]
        assert np.allclose(together["accuracy"], right) and np.isclose(together["mean"], right.mean()) and np.isclose(together["standard_deviation"], right.std(ddof=1))
        half = 3.1824 * right.std(ddof=1) / 2  # Student's t of three degrees of freedom
        assert np.allclose(together["interval"], [max(right.mean() - half, 0), min(right.mean() + half, 1)], atol=1e-6)
        assert np.isclose(together["agreement"], counts.max(1).sum() / (4 * limit)) and np.isclose(together["unanimous"], 1 - len(flips) / limit)
        assert [f["image"] for f in together["flips"]] == flips
        assert all(f["label"] == labels[f["image"]] and {int(c): n for c, n in f["answers"].items()} == {c: n for c, n in enumerate(counts[f["image"]]) if n} for f in together["flips"])
        assert np.isclose(report["accuracy"], right.mean()) and f"{100 * together['mean']:.2f} %" in result.stdout and "noise seeds 7 to 10" in result.stdout
        if device == "sim":  # each image goes over the link once
            assert report["counters"]["link_sent"] == limit * (4 * (24 + 12) + 28 * 28) and report["counters"]["link_received"] == 4 * limit * (24 + 12 + 10)
            assert report["link_share"] > 0 and "bytes an inference" in result.stdout
    report = json.loads(run(*settings, "--noise-seeds", "0-2", "--json", "-", labels=None).stdout)
    assert report["accuracy"] is None and "mean" not in report["noise_seeds"] and report["noise_seeds"]["agreement"] > 0
    assert "changes nothing" in run("--noise-seeds", "1-2").stderr


@pytest.mark.parametrize("seeds", ["", "x", "5-", "-5", "5-4", "1,2", "0-65536", "4294967296", "1 -2"])
def test_bad_noise_seeds(seeds):
    assert "--noise-seeds" in run(f"--noise-seeds={seeds}", expect=USAGE).stderr
    assert "exclude" in run("--noise-seeds", "1-2", "--noise-seed", 1, expect=USAGE).stderr


def test_noise_seeds_interrupted_and_lost(tmp_path):
    """Images with all their seeds are kept; a board that goes away says how many inferences there were."""
    result = fake("die:9", "--noise-seeds", "1-4", "--logits", tmp_path / "l.npy", expect=LOST)
    assert "9 of 24" in result.stderr and np.load(tmp_path / "l.npy").shape == (2, 4, 10)


def test_devices():
    assert "sim" in quell("devices", "--simulator", FAKE).stdout


def test_bench(tmp_path):
    quell("bench", "--model", MODEL, "--images", IMAGES, "--limit", 20, "--threads", 1, "--json", tmp_path / "b.json")
    assert json.loads((tmp_path / "b.json").read_text())["ref_images_per_s_clean"] > 0


# ---- usage ----


@pytest.mark.parametrize("words", [[], ["fly"], ["run"], ["run", "--model", "x"], ["info", "--model"], ["info", "--model", "x", "--colour"], ["info", "--model", "x", "y"]])
def test_usage(words):
    assert quell(*words, expect=USAGE).stderr


@pytest.mark.parametrize("words, text", [(["--denoiser", "maybe"], "maybe"), (["--chip", "-1"], "-1"), (["--noise-seed", "4294967296"], "4294967296"), (["--threads", "two"], "two")])
def test_bad_values(words, text):
    assert text in run(*words, expect=USAGE).stderr


def test_unknown_device():
    assert "'gpu'" in run("--device", "gpu", expect=DEVICE).stderr


# ---- models ----


def changed(tmp_path, change):
    model = onnx.load(MODEL)
    change(model)
    onnx.save(model, tmp_path / "changed.onnx")
    return tmp_path / "changed.onnx"


def node(model, name):
    return next(n for n in model.graph.node if n.name == name)


def set_attribute(name, attribute, value):
    def change(model):
        n = node(model, name)
        kept = [a for a in n.attribute if a.name != attribute] + [onnx.helper.make_attribute(attribute, value)]
        del n.attribute[:]
        n.attribute.extend(kept)
    return change


def set_constant(name, value):
    def change(model):
        t = next(t for t in model.graph.initializer if t.name == name)
        t.CopyFrom(onnx.numpy_helper.from_array(value(onnx.numpy_helper.to_array(t)), name))
    return change


def rename_operator(name, op):
    def change(model):
        node(model, name).op_type = op
    return change


@pytest.mark.parametrize("change, code, texts", [
    (rename_operator("stem_relu", "Softmax"), UNSUPPORTED, ["'stem_relu'", "Softmax", "supported: Conv"]),
    (rename_operator("block0_conv2_sum", "Mul"), UNSUPPORTED, ["'block0_conv2_sum'", "Mul"]),
    (set_attribute("stem", "strides", [9, 9]), UNSUPPORTED, ["'stem'", "strides", "1 to 8"]),
    (set_attribute("stem", "dilations", [64, 64]), UNSUPPORTED, ["'stem'", "dilations", "1 to 63"]),
    (set_attribute("stem", "pads", [64, 64, 64, 64]), UNSUPPORTED, ["'stem'", "pads", "0 to 63"]),
    (set_attribute("block0_conv1", "group", 4), BAD_MODEL, ["'block0_conv1'", "4 groups"]),
    (set_attribute("head", "transA", 1), UNSUPPORTED, ["'head'", "transA"]),
    (set_constant("stem_weight", lambda a: a.astype(np.int16)), UNSUPPORTED, ["stem_weight", "int16", "int8"]),
    (set_constant("stem_v_s", lambda a: np.float32(-1)), BAD_MODEL, ["stem_v_s"]),
    (set_constant("stem_v_s", lambda a: np.float32(np.nan)), BAD_MODEL, ["stem_v_s"]),
    (set_constant("stem_v_s", lambda a: np.float32(1e-9)), UNSUPPORTED, ["multiplier"]),
    (set_constant("stem_bias", lambda a: np.full_like(a, 2**31 - 1)), TOO_LARGE, ["accumulator", "'stem'"]),
    (set_constant("stem_weight", lambda a: np.pad(a, ((0, 0), (0, 0), (0, 14), (0, 0)))), UNSUPPORTED, ["'stem'", "kernel is 17 x 3"]),
    (lambda m: node(m, "stem").input.__setitem__(0, "nowhere"), BAD_MODEL, ["'nowhere'"]),
    (lambda m: m.metadata_props[0].__setattr__("value", "fish"), BAD_MODEL, ["quell.padding"]),
    (lambda m: m.metadata_props[1].__setattr__("value", "one,two"), BAD_MODEL, ["quell.classes"]),
])
def test_refused_models(tmp_path, change, code, texts):
    message = quell("info", "--model", changed(tmp_path, change), expect=code).stderr
    assert all(t in message for t in texts), message


def test_too_large(tmp_path):
    """The reference device takes any size, and `info` says what the chip lacks; for the chip all commands refuse it alike."""
    path, out = tmp_path / "large.onnx", tmp_path / "m.quell"
    net = make_golden.Net(1, shape=(3, 64, 64))
    onnx.save(net.close(net.conv(net.conv(net.x, "wide", 64), "wider", 64)), path)
    images = write_idx(tmp_path / "i", np.zeros((2, 64, 64, 3)))
    for large in ([], ["--large"]):
        message = quell("info", "--model", path, *large).stdout
        assert "on ref" not in message and re.search(r"on the chip .*does not fit: .*too small by \d+ bytes", message)
        quell("compile", "--model", path, "--output", out, *large)
        for model in (path, out):
            quell("run", "--model", model, "--images", images, *large)
    for command in (["compile", "--output", out], ["run", "--images", images], ["bench", "--images", images]):
        assert "too small by" in quell(*command, "--model", path, "--device", "sim", expect=TOO_LARGE).stderr
    for command in (["info"], ["compile", "--output", out], ["run", "--images", images]):
        assert "device ref alone" in quell(*command, "--model", path, "--large", "--device", "sim", expect=USAGE).stderr


@pytest.mark.parametrize("content, code", [(b"", BAD_MODEL), (b"nonsense", BAD_MODEL), (None, FILE)])
def test_no_model(tmp_path, content, code):
    path = tmp_path / "m.onnx"
    if content is not None:
        path.write_bytes(content)
    assert str(path) in quell("info", "--model", path, expect=code).stderr


# ---- profiles ----

NUMBERS = [k for k, v in PROFILE_VALUES.items() if isinstance(v, (int, float))]


def profile_fails(tmp_path, text, *texts):
    path = tmp_path / "p.json"
    path.write_text(text)
    message = run("--profile", path, expect=PROFILE).stderr
    assert all(t in message for t in texts), message


@pytest.mark.parametrize("key", PROFILE_VALUES)
def test_profile_missing(tmp_path, key):
    profile_fails(tmp_path, json.dumps({k: v for k, v in PROFILE_VALUES.items() if k != key}), f"'{key}'", "missing")


@pytest.mark.parametrize("key", NUMBERS)
@pytest.mark.parametrize("value, text", [(-0.5, "negative"), (float("nan"), "finite"), (float("inf"), "finite"), (float("-inf"), "finite"), ("1", "number"), (None, "number"), (1000, "out of range"), ([], "number")])
def test_profile_value(tmp_path, key, value, text):
    profile_fails(tmp_path, json.dumps({**PROFILE_VALUES, key: value}), f"'{key}'", text)


@pytest.mark.parametrize("text, texts", [
    (json.dumps({**PROFILE_VALUES, "noise": 1}), ["unknown", "'noise'"]),
    (json.dumps({**PROFILE_VALUES, "adc_bits": 7.5}), ["'adc_bits'", "whole"]),
    (json.dumps({**PROFILE_VALUES, "adc_bits": 0}), ["'adc_bits'", "out of range"]),
    (json.dumps({**PROFILE_VALUES, "read_additive": 1e400}).replace("Infinity", "1e400"), ["'read_additive'", "finite"]),
    (json.dumps({**PROFILE_VALUES, "name": ""}), ["'name'"]),
    (json.dumps({**PROFILE_VALUES, "sources": "me"}), ["'sources'"]),
    (json.dumps({**PROFILE_VALUES, "sources": {"adc_bits": 3}}), ["'adc_bits'", "sources"]),
    (json.dumps(PROFILE_VALUES)[:-1] + ', "adc_bits": 8}', ["'adc_bits'", "twice"]),
    (json.dumps(PROFILE_VALUES)[:40], ["JSON"]), ("", ["JSON"]), ("[]", ["object"]), (json.dumps(PROFILE_VALUES) + "x", ["JSON"]),
])
def test_profile(tmp_path, text, texts):
    profile_fails(tmp_path, text, *texts)


DRIFT = {"exponent": 0.05, "exponent_sigma": 0.01, "start_s": 20, "age_s": 3600}
DEVICES = {"g_max_us": 25, "programming_us": [0.26, 1.97, -1.17], "drift_exponent": [0, 0.05, 0, 0.1], "drift_exponent_sigma": [0, 0, 0, 0],
           "read": [0.0088, 0.65, 0.2], "read_s": 2.5e-7, "start_s": 20, "age_s": 0}


@pytest.mark.parametrize("part, value, texts", [
    ("column_drift", 3, ["'column_drift'", "object"]), ("conductance", [], ["'conductance'", "object"]),
    ("column_drift", {k: DRIFT[k] for k in list(DRIFT)[1:]}, ["'exponent'", "missing"]), ("column_drift", {**DRIFT, "speed": 1}, ["'speed'", "unknown"]),
    ("column_drift", {**DRIFT, "age_s": 0}, ["'age_s'", "out of range"]), ("column_drift", {**DRIFT, "exponent": "1"}, ["'exponent'", "number"]),
    ("column_drift", {**DRIFT, "exponent": 2}, ["'exponent'", "out of range"]), ("conductance", {**DEVICES, "read": [1, 2]}, ["'read'", "3 to 3"]),
    ("conductance", {**DEVICES, "programming_us": []}, ["'programming_us'", "1 to 8"]), ("conductance", {**DEVICES, "read": [1, "2", 3]}, ["'read'", "number"]),
    ("conductance", {**DEVICES, "g_max_us": 0}, ["'g_max_us'", "out of range"]), ("conductance", {**DEVICES, "read_s": 30}, ["'start_s'", "read_s"]),
])
def test_profile_part(tmp_path, part, value, texts):
    profile_fails(tmp_path, json.dumps({**PROFILE_VALUES, part: value}), *texts)


def test_severity(tmp_path):
    path = tmp_path / "p.json"
    path.write_text(json.dumps({**PROFILE_VALUES, "read_additive": 0.5, "column_drift": DRIFT, "conductance": DEVICES}))
    run("--profile", path)
    for text in ("-1", "nan", "much", ""):
        run("--profile", path, "--severity", text, expect=USAGE)
    assert "read_additive" in run("--profile", path, "--severity", 2, expect=PROFILE).stderr


def test_profile_file_missing(tmp_path):
    run("--profile", tmp_path / "none.json", expect=FILE)


# ---- images ----


def folder_of_images(path, size=(28, 28), mode="L"):
    rng = np.random.default_rng(1)
    for name in ("ape", "bee", "cat"):
        (path / name).mkdir(parents=True)
        for i in range(3):
            pixels = rng.integers(0, 256, (*size, 3) if mode == "RGB" else size).astype(np.uint8)
            Image.fromarray(pixels).save(path / name / (f"{i}.png" if i else "0.jpg"))
    return path


def test_image_folder(tmp_path):
    images = folder_of_images(tmp_path / "set")
    (images / "README.txt").write_text("no image")
    assert "images        9" in run(images=images, labels=None, limit=0).stdout


def test_idx_plain_and_gzip(tmp_path):
    pixels = np.random.default_rng(2).integers(0, 256, (7, 28, 28))
    plain, labels = write_idx(tmp_path / "i", pixels), write_idx(tmp_path / "l", np.arange(7))
    (tmp_path / "i.gz").write_bytes(gzip.compress(plain.read_bytes()))
    run("--logits", tmp_path / "a.npy", images=plain, labels=labels, limit=0)
    run("--logits", tmp_path / "b.npy", images=tmp_path / "i.gz", labels=labels, limit=0)
    assert np.array_equal(np.load(tmp_path / "a.npy"), np.load(tmp_path / "b.npy")) and len(np.load(tmp_path / "a.npy")) == 7


def test_cifar(tmp_path):
    net = make_golden.Net(3, shape=(3, 32, 32))
    onnx.save(net.close(net.conv(net.x, "one", 8, stride=2)), tmp_path / "m.onnx")
    records = np.random.default_rng(3).integers(0, 256, (4, 3073)).astype(np.uint8)
    records[:, 0] = [0, 1, 9, 3]
    (tmp_path / "set").mkdir()
    (tmp_path / "set/data_batch_1.bin").write_bytes(records.tobytes())
    assert "images        4" in run(model=tmp_path / "m.onnx", images=tmp_path / "set", labels=None, limit=0).stdout
    # the same pixels as PNG files: channels must land where they belong
    folder = tmp_path / "png"
    folder.mkdir()
    for i, r in enumerate(records):
        Image.fromarray(r[1:].reshape(3, 32, 32).transpose(1, 2, 0)).save(folder / f"{i}.png")
    run("--logits", tmp_path / "a.npy", model=tmp_path / "m.onnx", images=tmp_path / "set/data_batch_1.bin", labels=None, limit=0)
    run("--logits", tmp_path / "b.npy", model=tmp_path / "m.onnx", images=folder, labels=None, limit=0)
    assert np.array_equal(np.load(tmp_path / "a.npy"), np.load(tmp_path / "b.npy"))
    records[2, 0] = 11
    (tmp_path / "set/data_batch_1.bin").write_bytes(records.tobytes() + b"rest")
    assert "label 11" in run(model=tmp_path / "m.onnx", images=tmp_path / "set", labels=None, limit=0, expect=BAD_IMAGES).stderr
    assert "2 bad" in run("--skip-bad", model=tmp_path / "m.onnx", images=tmp_path / "set", labels=None, limit=0).stdout


def test_missing_and_empty(tmp_path):
    assert "none" in run(images=tmp_path / "none", labels=None, expect=BAD_IMAGES).stderr
    assert "no images" in run(images=tmp_path, labels=None, expect=BAD_IMAGES).stderr
    (tmp_path / "class").mkdir()
    assert "no images" in run(images=tmp_path, labels=None, expect=BAD_IMAGES).stderr


def test_wrong_size(tmp_path):
    message = run(images=folder_of_images(tmp_path / "set", (32, 32), "RGB"), labels=None, expect=BAD_IMAGES).stderr
    assert "32 x 32" in message and "28 x 28" in message


@pytest.mark.parametrize("damage", ["empty", "cut", "text", "size"])
def test_corrupt_image(tmp_path, damage):
    images = folder_of_images(tmp_path / "set")
    victim = images / "bee/1.png"
    if damage == "size":
        Image.fromarray(np.zeros((28, 27), np.uint8)).save(victim)
    else:
        victim.write_bytes({"empty": b"", "cut": victim.read_bytes()[:100], "text": b"hello"}[damage])
    message = run("--json", tmp_path / "r.json", images=images, labels=None, limit=0, expect=BAD_IMAGES).stderr
    assert str(victim) in message and not (tmp_path / "r.json").exists()
    assert "1 bad" in run("--skip-bad", "--json", tmp_path / "r.json", images=images, labels=None, limit=0).stdout
    report = json.loads((tmp_path / "r.json").read_text())
    assert report["images"] == 8 and report["images_skipped"] == 1


def test_bad_idx(tmp_path):
    pixels = np.zeros((5, 28, 28))
    path = write_idx(tmp_path / "i", pixels)
    assert "4 labels" in run(images=path, labels=write_idx(tmp_path / "l", np.zeros(4)), expect=BAD_IMAGES).stderr
    path.write_bytes(path.read_bytes()[:-1])
    assert "truncated" in run(images=path, labels=None, limit=0, expect=BAD_IMAGES).stderr
    assert "images        4" in run("--skip-bad", images=path, labels=None, limit=0).stdout
    (tmp_path / "x.gz").write_bytes(IMAGES.read_bytes()[:2000])
    assert "truncated" in run(images=tmp_path / "x.gz", labels=None, limit=0, expect=BAD_IMAGES).stderr
    (tmp_path / "y").write_bytes(b"not IDX")
    assert "IDX" in run(images=tmp_path / "y", labels=None, expect=BAD_IMAGES).stderr


# ---- writing ----


@pytest.mark.parametrize("option", ["--logits", "--json"])
def test_full_disk(option):
    assert "/dev/full" in run(option, "/dev/full", expect=FILE).stderr


def test_full_disk_compiled():
    assert "/dev/full" in quell("compile", "--model", MODEL, "--output", "/dev/full", expect=FILE).stderr


def test_full_disk_behind_stdout():
    with open("/dev/full", "w") as full:
        result = subprocess.run([QUELL, "info", "--model", MODEL], stdout=full, stderr=subprocess.PIPE, text=True)
    assert result.returncode == FILE and "standard output" in result.stderr


def test_compile_to_nowhere(tmp_path):
    quell("compile", "--model", MODEL, "--output", tmp_path / "no/m.quell", expect=FILE)


# ---- the board at the other end ----


def test_program_is_sent_once(tmp_path, monkeypatch):
    """A device that holds the program is sent table and loads, but no words; another chip's constants are another program."""
    held = tmp_path / "held"
    monkeypatch.setenv("QUELL_FAKE_PROGRAM", str(held))
    names, writes = [], []
    for chip in (1, 1, 2, 2, 1):
        fake("", "--profile", ROOT / "profiles/varying_chip.json", "--chip", chip)
        low, high, count = map(int, held.read_text().split())
        names.append((low, high))
        writes.append(count)
    assert writes[0] > 9 and writes == [writes[0], 0, writes[0], 0, writes[0]]
    assert names[0] == names[1] == names[4] != names[2] == names[3] and (0, 0) not in names


def test_fake_board(tmp_path):
    fake("", "--logits", tmp_path / "l.npy", "--json", tmp_path / "r.json")
    assert np.array_equal(np.load(tmp_path / "l.npy")[:, 0], range(6))
    report = json.loads((tmp_path / "r.json").read_text())
    assert report["cycles"] == 6000 and report["counters"]["macs"] == 30000


@pytest.mark.parametrize("mode, code, text", [
    ("die:4", LOST, "signal 9"), ("cut:4", LOST, "exit code 0"), ("hang:4", TIMEOUT, "silent"), ("magic:4", LOST, "magic"), ("crc:4", LOST, "CRC"), ("sequence:4", LOST, "sequence"), ("opcode:4", LOST, "opcode"),
    ("length:4", LOST, "length"), ("long:4", LOST, "length"), ("refuse:4", DEVICE, "image request, layers: 99, limit 10"),
])
def test_board_fails(tmp_path, mode, code, text):
    message = fake(mode, "--logits", tmp_path / "l.npy", "--json", tmp_path / "r.json", expect=code).stderr
    assert text in message and "4 of 6 images" in message
    report = json.loads((tmp_path / "r.json").read_text())
    assert np.array_equal(np.load(tmp_path / "l.npy")[:, 0], range(4))
    assert report["images"] == 4 and not report["complete"]


def test_board_refuses_table():
    assert "layer 2, z_in: 300, limit 255" in fake("table", expect=DEVICE).stderr


def test_board_dies_while_loading():
    message = fake("load", expect=LOST).stderr
    assert "signal 9" in message and "no image was done" in message


def test_board_of_another_version():
    assert "version" in fake("version", expect=VERSION).stderr


def test_no_simulator(tmp_path):
    assert "cannot start" in run("--device", "sim", "--simulator", tmp_path / "none", expect=DEVICE).stderr
    assert "exit code 1" in run("--device", "sim", "--simulator", "/bin/false", expect=LOST).stderr


@pytest.mark.parametrize("device", ["ref", "sim"])
def test_interrupt(tmp_path, device):
    words = ["--device", "sim", "--simulator", FAKE, "--limit", "500"] if device == "sim" else ["--threads", "1"]
    process = subprocess.Popen([QUELL, "run", "--model", MODEL, "--images", IMAGES, "--json", tmp_path / "r.json", "--logits", tmp_path / "l.npy", "--progress", *words],
                               env={**os.environ, "QUELL_FAKE": "slow", "QUELL_CPU": "scalar"}, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)  # a minute and more, if nobody stops it
    message = interrupt(process)
    assert process.returncode == INTERRUPTED, message
    report = json.loads((tmp_path / "r.json").read_text())
    assert 0 < report["images"] < report["images_wanted"] and f"{report['images']} of {report['images_wanted']} images" in message
    assert len(np.load(tmp_path / "l.npy")) == report["images"]
