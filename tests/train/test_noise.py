"""Profile files are valid and say where every value comes from; the emulated tile follows its formula."""
import json
import math
from dataclasses import replace

import pytest
import torch

from train import noise, profile
from train.config import ROOT

FILES = sorted((ROOT / "profiles").glob("*.json"))


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.stem)
def test_profile_is_valid_and_sourced(path):
    made, raw = profile.load(path), json.loads(path.read_text())
    assert made.name == path.stem and set(raw["sources"]) == set(raw) - {"name", "description", "sources"}


@pytest.mark.parametrize("key, value", [("read_additive", -0.1), ("read_additive", 1.0), ("read_multiplicative", 4.0),
                                        ("adc_bits", 9), ("extra", 1), ("adc_bits", None), ("column_gain_sigma", float("nan"))])
def test_bad_profiles_are_refused(tmp_path, key, value):
    raw = json.loads(FILES[0].read_text())
    raw[key] = value
    (tmp_path / "p.json").write_text(json.dumps(raw))
    with pytest.raises(ValueError, match=key):
        profile.load(tmp_path / "p.json")


def tile(net, images, made, **options):
    made = noise.Tile([made], net, net.output_shapes(images), 8, 3, **options)
    made.redraw()
    return made


def normal(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def test_chip_is_static_and_read_noise_is_not(net, images):
    layer, v = net.layers[0], torch.full((8, 16, 32, 32), 50.0)
    static = profile.Profile("static", column_gain_sigma=0.1, column_offset_sigma=0.01)
    chip, again = tile(net, images, static), tile(net, images, static)
    first = chip.analog(layer, v)
    assert torch.equal(first, again.analog(layer, v)) and not torch.equal(first, v)
    chip.redraw(chip=False)
    assert torch.equal(first, chip.analog(layer, v))
    chip.redraw()
    assert not torch.equal(first, chip.analog(layer, v))
    read = tile(net, images, profile.Profile("read", read_additive=0.02, read_multiplicative=0.1))
    noisy = read.analog(layer, v)
    # 131 072 samples: the standard deviation of the estimate is 0.2 %, the limit 7 of them.
    assert (noisy - v).std().item() == pytest.approx(256 * 0.02 + 0.1 * 50, rel=0.015)
    read.redraw(chip=False)
    assert not torch.equal(noisy, read.analog(layer, v))


def test_correction_takes_columns_out(net, images):
    layer, v = net.layers[0], 40 * normal(8, 16, 32, 32)
    drift = profile.ColumnDrift(0.05, 0.01, 20, 3600)
    chip = tile(net, images, profile.Profile("p", column_gain_sigma=0.1, column_offset_sigma=0.02, column_drift=drift))
    wrong = chip.analog(layer, v)
    # 16 columns, each off by 10 % and its offset: the median has a standard deviation of 3 %.
    assert (wrong / v).median() == pytest.approx(180 ** -0.05, rel=0.13)
    assert torch.allclose(chip.correct(layer, wrong), v, atol=1e-3)


def test_silent_images_get_no_read_noise(net, images):
    layer, v = net.layers[0], torch.full((8, 16, 32, 32), 50.0)
    seen = [tile(net, images, profile.Profile("p", read_additive=0.1), silent=0.5).analog(layer, v)]
    quiet = (seen[0] == v).all(3).all(2).all(1)
    assert 0 < quiet.sum() < 8


def test_coarse_converter_gives_few_codes(net, images):
    layer, v = net.layers[0], 40 * normal(8, 16, 32, 32)
    codes = tile(net, images, profile.Profile("p", adc_bits=5)).analog(layer, v).unique()
    assert (codes % 8 == 0).all() and len(codes) > 10


PCM = profile.Conductance(25.0, (0.26348, 1.9650, -1.1731), (-0.0155, 0.0244, 0.049, 0.1), (-0.0125, -0.0059, 0.008, 0.045),
                          (0.0088, 0.65, 0.2), 250e-9, 20.0, 0.0)


def test_devices_follow_the_published_spread():
    """At age 0 nothing has drifted; what is left is programming error and read noise, of the formulas' size. 36 864 samples: the spread's estimate has a
    standard deviation of 0.4 %, the mean's of 0.1 %."""
    pool = noise.Pool(1, "cpu")
    for code in (127, 64):
        held = noise.conductances(torch.full((64, 64, 3, 3), float(code)), PCM, pool)
        share = code / 127
        programming = (0.26348 + 1.9650 * share - 1.1731 * share ** 2) / 25 * 127
        read = 0.0088 / share ** 0.65 * math.sqrt(math.log((20 + 250e-9) / 500e-9)) * code
        empty = 0.26348 / 25 * 127  # the pair's other device: half a normal distribution
        spread = math.sqrt(programming ** 2 + read ** 2 + empty ** 2 * (0.5 - 1 / (2 * math.pi)))
        assert held.std().item() == pytest.approx(spread, rel=0.03)
        assert held.mean().item() == pytest.approx(code - empty / math.sqrt(2 * math.pi), rel=0.01)


def test_devices_drift_as_published():
    aged = replace(PCM, programming_us=(0.0,), read=(0.0, 0.65, 0.0), drift_exponent_sigma=(0.0, 0.0, 0.0, 0.0), age_s=86400.0)
    held = noise.conductances(torch.full((2, 2, 3, 3), 127.0), aged, noise.Pool(1, "cpu"))
    assert held.mean().item() == pytest.approx(127 * (86420 / 20) ** -0.049, rel=1e-3)


def test_severity_scales_every_spread():
    base = profile.Profile("p", 0.1, 0.2, 0.3, 0.04, 0.05, 0.6, 5, profile.ColumnDrift(0.05, 0.01, 20, 3600), PCM)
    twice = base.scaled(2)
    assert (twice.read_additive, twice.read_multiplicative, twice.stuck_columns, twice.adc_bits) == (0.2, 0.4, 1.0, 5)
    assert twice.column_drift == profile.ColumnDrift(0.1, 0.02, 20, 3600)
    assert twice.conductance.programming_us[1] == 2 * 1.9650 and twice.conductance.read == (0.0176, 0.65, 0.4)
    assert base.scaled(1) == base and not base.scaled(0).random
