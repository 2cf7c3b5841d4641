"""Against libquell: the emulated tile and the integers agree, correction does no harm, severity 0 is the clean chip."""
import functools
from dataclasses import replace

import numpy as np
import pytest
import torch

from train import data, emulate, evaluate, export, networks, profile, quantise, quell
from train.config import ROOT

pytestmark = pytest.mark.skipif(not quell.LIBRARY.exists(), reason="needs build/lib/libquell.so")
COUNT, STEPS = 384, 36
SEVERITY = {"resnet8": 1.5, "resnet20": 1.5, "mobilenet": 0.2, "vgg": 1.5}  # of read.json, for agreement about half


def patterns(count):
    """Ten coarse patterns, each image one of them under as much of something else: easy, so that a network learns it in seconds."""
    generator = torch.Generator().manual_seed(1)
    label = torch.randint(0, 10, (count,), generator=generator)
    coarse = torch.randn(10, 3, 4, 4, generator=generator)[label] + torch.randn(count, 3, 4, 4, generator=generator)
    images = torch.nn.functional.interpolate(128 + 40 * coarse, (32, 32), mode="bicubic").clamp(0, 255).to(torch.uint8)
    return images, label


@functools.cache
def trained(backbone):
    """A network that has learnt the patterns, quantised, and images on which it is sure; labels are its own clean answers, so that
    accuracy is agreement with the clean chip."""
    images, labels = patterns(COUNT)
    torch.manual_seed(0)
    model = networks.FloatNet(backbone).train()
    optimiser = torch.optim.Adam(model.parameters(), 0.003)
    for step in range(STEPS):
        part = slice(step * 32 % COUNT, step * 32 % COUNT + 32)
        loss = torch.nn.functional.cross_entropy(model(images[part].float() / 255), labels[part])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    for norm in model.modules():  # so few steps leave the running averages behind
        if isinstance(norm, torch.nn.BatchNorm2d):
            norm.reset_running_stats()
            norm.momentum = None
    with torch.no_grad():
        model(images.float() / 255)
    net = quantise.quantise(model.eval(), images)
    with torch.no_grad():
        best = net(images).topk(2, 1)
    sure = best.values[:, 0] - best.values[:, 1] >= 6  # codes: no rounding decides
    return net, data.Split(images[sure], best.indices[sure, 0])


def bench_of(backbone, tmp_path):
    net, split = trained(backbone)
    assert len(split.labels) >= 120
    dataset = data.Set("patterns", split, split, [str(i) for i in range(10)], 0)
    export.export(net, tmp_path / "m.onnx", dataset)
    bench = evaluate.Bench(dataset, tmp_path / "images", 0, 100, 1)
    return net, dataset, bench, bench.lib.model(tmp_path / "m.onnx")


@pytest.mark.parametrize("backbone", networks.BACKBONES)
def test_integers_agree_with_the_emulation(backbone, tmp_path):
    net, dataset, bench, model = bench_of(backbone, tmp_path)
    assert bench.accuracy(model) > 0.97
    assert bench.lib.model_info(model).parameters == net.parameter_count()
    noise = replace(profile.load(ROOT / "profiles/read.json"), name="r")
    severity = SEVERITY[backbone]
    integers = np.mean([bench.accuracy(model, bench.lib.profile(ROOT / "profiles/read.json", severity), 0, seed) for seed in (1, 2, 3)])
    emulated = np.mean([emulate.accuracy(net, torch.nn.ModuleDict(), noise.scaled(severity), dataset.test.images, dataset.test.labels, 1, seed) for seed in (1, 2, 3)])
    assert 0.3 < integers < 0.9
    # Some 900 answers each: the difference has a standard deviation below 2.4 points.
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
