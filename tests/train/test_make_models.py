"""The whole recipe in small, and the committed files: budget, shape, same backbone in all of them."""
from dataclasses import replace

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from train import config, data, make_models
from train.config import ROOT

import onnx_compare

COMMITTED = sorted((ROOT / "models").glob("resnet8_fmnist*.onnx"))


def tensors(path):
    return {t.name: numpy_helper.to_array(t) for t in onnx.load(path).graph.initializer}


def parameters(path):
    """Backbone weights and biases, and everything in denoising blocks that is not a scale."""
    model, values = onnx.load(path), tensors(path)
    blocks = [values[name] for n in model.graph.node if n.domain == "quell" for name in n.input[1:] if not name.endswith("_scale")]
    backbone = [v for name, v in values.items() if name.endswith(("_weight", "_bias"))]
    return sum(v.size for v in backbone), sum(v.size for v in blocks)


@pytest.mark.parametrize("path", COMMITTED, ids=lambda p: p.stem)
def test_committed_files_keep_the_budget_and_the_backbone(path):
    backbone, extra = parameters(path)
    assert backbone == 77_418 and extra <= 0.0203 * backbone
    clean = tensors(ROOT / "models/resnet8_fmnist.onnx")
    values = tensors(path)
    # Behind the head a block turns the same weights from a matrix into a 1x1 convolution's.
    assert all(np.array_equal(values[name].ravel(), value.ravel()) for name, value in clean.items())


@pytest.mark.skipif(not data.place("fashion_mnist"), reason="needs Debian's dataset-fashion-mnist")
def test_smoke_makes_every_file_and_resumes(tmp_path):
    """On one computer: what is made differs between CPUs, that the blocks behind the same backbone are the same does not."""
    lines, dataset = [], data.load("fashion_mnist", 2048)
    settings = replace(config.SMOKE, denoiser_steps=12, threads=1)
    make_models.say, say = lines.append, make_models.say
    try:
        models = make_models.build(settings, dataset, tmp_path / "work", tmp_path / "out")
        first = {path: path.read_bytes() for path in models.values()}
        lines.clear()
        make_models.build(settings, dataset, tmp_path / "work", tmp_path / "out")
        silent = not lines
        behind = make_models.build(settings, dataset, tmp_path / "other", tmp_path / "behind", tmp_path / "out/resnet8_fmnist.onnx")
    finally:
        make_models.say = say
    assert silent, "a finished run has nothing left to do"
    assert {path.name: path.read_bytes() for path in behind.values()} == {path.name: content for path, content in first.items()}, "the same blocks behind a backbone from a file"
    assert set(models) == {"additive", "multiplicative", "varying_chip"}
    for path, content in first.items():
        assert path.read_bytes() == content
        backbone, extra = parameters(path)
        assert 0 < extra <= settings.budget * backbone
        image = np.zeros((1, 1, 32, 32), np.float32)
        assert onnx_compare.session(path).run(None, {"image": image})[0].shape == (1, 10)
