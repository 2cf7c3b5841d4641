"""Against libquell: the emulated tile and the integers agree, correction does no harm, severity 0 is the clean chip."""
from dataclasses import replace

import numpy as np
import pytest
import torch

from conftest import made_set, quantised
from train import emulate, evaluate, export, networks, profile, quantise, quell
from train.config import ROOT

pytestmark = pytest.mark.skipif(not quell.LIBRARY.exists(), reason="needs build/lib/libquell.so")
COUNT = 400


def labelled(net, images):
    """The network's own clean answers as labels: accuracy is then agreement with the clean chip, and 100 % without noise."""
    with torch.no_grad():
        return net(images).argmax(1)


def bench_of(backbone, tmp_path):
    dataset = made_set(3, 32, 0, COUNT)
    # Smooth pictures: on white noise a random network gives every image the same answer.
    coarse = torch.randint(0, 256, (COUNT, 3, 3, 3), generator=torch.Generator().manual_seed(1)).float()
    images = torch.nn.functional.interpolate(coarse, (32, 32), mode="bicubic").clamp(0, 255).to(torch.uint8)
    net = quantised(backbone, images)
    with torch.no_grad():  # no class may win everywhere
        logits = net(images)
        net.head_bias -= logits.median(0).values / net.head_multiplier.view(-1)
    net.head_bias.round_()
    split = replace(dataset.test, images=images, labels=labelled(net, images))
    dataset = replace(dataset, train=split, test=split)
    export.export(net, tmp_path / "m.onnx", dataset)
    bench = evaluate.Bench(dataset, tmp_path / "images", 0, 100, 1)
    return net, dataset, bench, bench.lib.model(tmp_path / "m.onnx")


@pytest.mark.parametrize("backbone", networks.BACKBONES)
def test_integers_agree_with_the_emulation(backbone, tmp_path):
    net, dataset, bench, model = bench_of(backbone, tmp_path)
    # A step in a logit decides some near ties of an untrained network; test_export.py compares the codes themselves.
    assert bench.accuracy(model) > 0.9
    assert bench.lib.model_info(model).parameters == net.parameter_count()
    noise = replace(profile.load(ROOT / "profiles/read.json"), name="r")
    severity = 0.6
    integers = np.mean([bench.accuracy(model, bench.lib.profile(ROOT / "profiles/read.json", severity), 0, seed) for seed in (1, 2, 3)])
    emulated = np.mean([emulate.accuracy(net, torch.nn.ModuleDict(), noise.scaled(severity), dataset.test.images, dataset.test.labels, 1, seed) for seed in (1, 2, 3)])
    assert 0.15 < integers < 0.9
    # 1 200 answers each: the difference has a standard deviation below 2.1 points.
    assert abs(integers - emulated) < 0.07
    bench.lib.close()


@pytest.mark.parametrize("name", ["read", "additive", "multiplicative_sixth", "adc_5", "adc_8"])
def test_correction_does_no_harm_without_static_variation(name, tmp_path):
    """At most 0.5 points worse than the uncorrected chip."""
    _, _, bench, model = bench_of("resnet8", tmp_path)
    noise = bench.lib.profile(ROOT / f"profiles/{name}.json")
    plain = corrected = 0.0
    for chip in (1, 2):
        plain += bench.accuracy(model, noise, chip, chip) / 2
        corrected += bench.accuracy(model, noise, chip, chip, calibration=bench.calibrate(model, noise, chip, 1000 + chip)) / 2
    assert corrected >= plain - 0.005
    bench.lib.close()


def test_correction_recovers_an_aged_chip_and_again_when_older(tmp_path):
    _, _, bench, model = bench_of("resnet8", tmp_path)
    for age in ("1h", "1y"):
        noise = bench.lib.profile(ROOT / f"profiles/ageing_{age}.json", 0.4)
        plain = bench.accuracy(model, noise, 3, 1)
        fixed = bench.accuracy(model, noise, 3, 1, calibration=bench.calibrate(model, noise, 3, 1003))
        assert plain < 0.85 and fixed > plain + 0.5 * (1 - plain)
    bench.lib.close()


def test_severity(tmp_path):
    _, _, bench, model = bench_of("resnet8", tmp_path)
    path = ROOT / "profiles/combined.json"
    curve = [bench.accuracy(model, bench.lib.profile(path, severity), 1, 1) for severity in (0, 0.15, 0.6)]
    assert curve[0] == bench.accuracy(model) and curve[0] > curve[1] > curve[2]
    with pytest.raises(quell.QuellError, match="severity"):
        bench.lib.profile(path, -1)
    bench.lib.close()


def test_emulated_chip_is_the_same_for_every_noise_seed(tmp_path):
    net, dataset, bench, _ = bench_of("resnet8", tmp_path)
    bench.lib.close()
    static = profile.load(ROOT / "profiles/varying_chip.json")
    values = [emulate.accuracy(net, torch.nn.ModuleDict(), static, dataset.test.images, dataset.test.labels, chip, seed) for chip, seed in ((1, 1), (1, 2), (2, 1))]
    assert values[0] == values[1]
