"""Profile files are valid and say where every value comes from; the emulated tile follows its formula."""
import json

import pytest
import torch

from train import noise
from train.config import ROOT

FILES = sorted((ROOT / "profiles").glob("*.json"))


@pytest.mark.parametrize("path", [ROOT / f"profiles/{n}.json" for n in ("additive", "multiplicative", "varying_chip")], ids=lambda p: p.stem)
def test_profile_is_valid_and_sourced(path):
    profile, raw = noise.load(path), json.loads(path.read_text())
    assert profile.name == path.stem and set(raw["sources"]) == set(noise.NUMBERS)


@pytest.mark.parametrize("key, value", [("read_additive", -0.1), ("read_additive", 1.0), ("read_multiplicative", 4.0),
                                        ("adc_bits", 9), ("extra", 1), ("adc_bits", None), ("column_gain_sigma", float("nan"))])
def test_bad_profiles_are_refused(tmp_path, key, value):
    raw = json.loads(FILES[0].read_text())
    raw[key] = value
    (tmp_path / "p.json").write_text(json.dumps(raw))
    with pytest.raises(ValueError, match=key):
        noise.load(tmp_path / "p.json")


def test_chip_is_static_and_read_noise_is_not(net):
    layer, v = net.layers[0], torch.full((4, 16, 32, 32), 50.0)
    chip = noise.Chip(noise.Profile("static", column_gain_sigma=0.1, column_offset_sigma=0.01), net.layers, 3)
    assert torch.equal(chip(layer, v), chip(layer, v)) and not torch.equal(chip(layer, v), v)
    again = noise.Chip(noise.Profile("static", column_gain_sigma=0.1, column_offset_sigma=0.01), net.layers, 3)
    assert torch.equal(chip(layer, v), again(layer, v))
    read = noise.Chip(noise.Profile("read", read_additive=0.02, read_multiplicative=0.1), net.layers, 3)
    spread = (read(layer, v) - v).std().item()
    # 65 536 samples: the standard deviation of the estimate is 0.28 %.
    assert spread == pytest.approx(256 * 0.02 + 0.1 * 50, rel=0.015)
    assert not torch.equal(read(layer, v), read(layer, v))
