# SPDX-License-Identifier: Apache-2.0
"""Every form in which tools write a network: the codes of the logits are onnxruntime's, or the refusal says what and why. External data; damaged files are test_onnx.c's."""
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))
import forms  # noqa: E402
import make_forms  # noqa: E402

FILE, BAD_MODEL = 3, 4


@pytest.mark.parametrize("name", make_forms.FORMS)
def test_form(name, tmp_path):
    form = make_forms.FORMS[name]
    net, output = form.make()
    result = forms.compare(net, output, tmp_path, form.change)
    assert make_forms.judge(form, result) == ("refused" if form.code else "right"), result


# ---- constants in a file beside the model ----

def external(path, change=lambda entries: None):
    """A sound model with its weights in model.onnx.data, whose entries `change` may alter."""
    net = forms.Net()
    output = net.head(make_forms.plain(net))
    model = net.model(output)
    onnx.save_model(model, str(path), save_as_external_data=True, all_tensors_to_one_file=True, location=path.name + ".data", size_threshold=0)
    model = onnx.load(str(path), load_external_data=False)
    for t in model.graph.initializer:
        if t.data_location == onnx.TensorProto.EXTERNAL:
            change({e.key: e for e in t.external_data})
    path.write_bytes(model.SerializeToString())
    return net, output


def images(net):
    c, h, w = net.shape
    return forms.pixels(99, forms.IMAGES, h, w, c)


def test_external_data(tmp_path):
    net, output = external(tmp_path / "m.onnx")
    code, message, got = forms.run_quell(tmp_path / "m.onnx", images(net))
    assert code == 0, message
    assert np.abs(got - forms.expected(net, None, net.model(output), images(net))).max() <= forms.LARGEST


@pytest.mark.parametrize("location", ["../m.onnx.data", "/etc/passwd", "a/../../m.onnx.data", "", "..", "a\\..\\b"])
def test_external_elsewhere(tmp_path, location):
    net, _ = external(tmp_path / "m.onnx", lambda e: setattr(e["location"], "value", location))
    code, message, _ = forms.run_quell(tmp_path / "m.onnx", images(net))
    assert code == BAD_MODEL and "folder" in message, message


@pytest.mark.parametrize("key, value", [("offset", "99999999"), ("offset", "-4"), ("offset", "9223372036854775807"), ("length", "7"), ("length", "x"), ("offset", "18446744073709551615")])
def test_external_numbers(tmp_path, key, value):
    def change(entries):
        if key in entries:
            entries[key].value = value
    net, _ = external(tmp_path / "m.onnx", change)
    assert forms.run_quell(tmp_path / "m.onnx", images(net))[0] == BAD_MODEL


def test_external_missing_short_or_linked(tmp_path):
    (tmp_path / "in").mkdir()
    path = tmp_path / "in/m.onnx"
    net, _ = external(path)
    data = path.with_name("m.onnx.data")
    whole = data.read_bytes()
    data.write_bytes(whole[:-8])
    code, message, _ = forms.run_quell(path, images(net))
    assert code == BAD_MODEL and "too short" in message
    data.unlink()
    code, message, _ = forms.run_quell(path, images(net))
    assert code == FILE and "m.onnx.data" in message
    (tmp_path / "secret").write_bytes(whole)
    data.symlink_to(tmp_path / "secret")
    assert forms.run_quell(path, images(net))[0] == FILE
    data.unlink()
    data.mkdir()
    assert forms.run_quell(path, images(net))[0] == FILE


# ---- tables ----

@pytest.mark.parametrize("slopes, code", [(8, 0), (9, 6)])
def test_number_of_tables(tmp_path, slopes, code):
    """The chip has eight; layers with the same function and scales share one."""
    net = forms.Net()
    x = net.pair(net.conv(net.start(), 8))
    for i in range(slopes + 2):
        x = net.pair(net.conv(x, 8, kernel=1), scale=0.02, zero=128)
        x = net.pair(net.node("LeakyRelu", [x], alpha=0.1 + i % slopes / 20), scale=0.02, zero=128)
    forms.save(net, net.head(x), tmp_path / "m.onnx")
    done = forms.subprocess.run([forms.QUELL, "compile", "--model", tmp_path / "m.onnx", "--output", tmp_path / "m.quell", "--report", "--device", "sim"], capture_output=True, text=True)
    assert done.returncode == code, done.stderr
    assert f"activation tables {slopes}/8" in done.stdout if code == 0 else "needs 9 activation tables" in done.stderr and "has 8" in done.stderr, done.stdout + done.stderr


# ---- what the passes say ----

def test_report_names_the_passes(tmp_path):
    net, output = make_forms.FORMS["batch_norm"].make()
    forms.save(net, output, tmp_path / "m.onnx")
    done = forms.subprocess.run([forms.QUELL, "compile", "--model", tmp_path / "m.onnx", "--output", tmp_path / "m.quell", "--report"], capture_output=True, text=True)
    assert done.returncode == 0 and "affine: node" in done.stdout and "folded into node" in done.stdout, done.stdout + done.stderr


def test_page_is_renewed():
    assert make_forms.PAGE.read_text() == make_forms.page(), "run tests/host/make_forms.py"
