"""Against libquell: the emulated tile and the integers agree, correction does no harm, severity 0 is the clean chip."""
from dataclasses import replace

import numpy as np
import pytest
import torch

from train import data, emulate, evaluate, networks, profile, quell
from train.config import ROOT

import fixed

pytestmark = pytest.mark.skipif(not quell.LIBRARY.exists(), reason="needs build/lib/libquell.so")
SEVERITY = {"resnet8": 0.5, "resnet20": 0.5, "mobilenet": 0.2, "vgg": 0.4}  # of read.json, for agreement about half


def bench_of(backbone, tmp_path):
    """A committed backbone with patterns of which it is sure. Whatever libquell answers is the same on every CPU."""
    net, images, labels = fixed.sure(backbone)
    split = data.Split(images, labels)
    dataset = data.Set("patterns", split, split, [str(i) for i in range(10)], 0)
    bench = evaluate.Bench(dataset, tmp_path / "images", 0, 100, 1)
    return net, dataset, bench, bench.lib.model(fixed.file(backbone))


@pytest.mark.parametrize("backbone", networks.BACKBONES)
def test_integers_agree_with_the_emulation(backbone, tmp_path):
    net, dataset, bench, model = bench_of(backbone, tmp_path)
    assert bench.accuracy(model) > 0.97
    assert bench.lib.model_info(model).parameters == net.parameter_count()
    noise = replace(profile.load(ROOT / "profiles/read.json"), name="r")
    severity = SEVERITY[backbone]
    integers = np.mean([bench.accuracy(model, bench.lib.profile(ROOT / "profiles/read.json", severity), 0, seed) for seed in (1, 2)])
    emulated = np.mean([emulate.accuracy(net, torch.nn.ModuleDict(), noise.scaled(severity), dataset.test.images, dataset.test.labels, 1, seed) for seed in (1, 2)])
    assert 0.3 < integers < 0.9
    # 1280 answers each, of the same images: the difference of the two shares has a standard deviation of at most 2 points; the limit is four of them.
    # The emulation's normal numbers differ between CPUs in their last bits, hence a few of its answers.
    assert abs(integers - emulated) < 0.08
    bench.lib.close()


@pytest.mark.parametrize("name", ["read", "additive", "multiplicative_sixth", "adc_5", "adc_8"])
def test_correction_does_no_harm_without_static_variation(name, tmp_path):
    """Of the answers that the correction changes, on two chips with 640 images each, no more turn wrong than right: McNemar's statistic, whose standard
    deviation is 1 where correction does nothing, is below 4. As integers alone are at work, the verdict is the same on every CPU."""
    _, dataset, bench, model = bench_of("resnet8", tmp_path)
    noise, labels = bench.lib.profile(ROOT / f"profiles/{name}.json", SEVERITY["resnet8"]), dataset.test.labels.numpy()
    worse = better = 0
    for chip in (1, 2):
        calibration = bench.calibrate(model, noise, chip, 1000 + chip)
        plain, corrected = (bench.lib.run(model, bench.images, 10, noise, chip, c, "off", chip).argmax(1) == labels for c in (None, calibration))
        worse, better = worse + (plain & ~corrected).sum(), better + (corrected & ~plain).sum()
    assert worse - better <= 4 * max(1, worse + better) ** 0.5
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
