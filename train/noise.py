"""Noise profiles and the analog tile in floats, for training; the integers' own version is libquell's.

Per output element of a convolution, in output codes (docs/arithmetic.md): v' = v (1 + g_c) + o_c + (s_add + s_mul |v|) eps.
"""
import json
import math
from dataclasses import dataclass
from pathlib import Path

import torch

CODES = 256  # the range that additive noise and column offsets are shares of
NUMBERS = ("read_additive", "read_multiplicative", "column_gain_sigma", "column_offset_sigma",
           "weight_programming_sigma", "stuck_columns", "adc_bits")


@dataclass(frozen=True)
class Profile:
    """One noise profile; shares of the 256-code output range, or relative, as docs/profiles.md says."""
    name: str
    read_additive: float = 0.0
    read_multiplicative: float = 0.0
    column_gain_sigma: float = 0.0
    column_offset_sigma: float = 0.0
    weight_programming_sigma: float = 0.0
    stuck_columns: float = 0.0
    adc_bits: int = 8


def load(path):
    """JSON file -> Profile. ValueError names the key that is unknown, missing or out of range."""
    raw = json.loads(Path(path).read_text())
    wanted = {"name", "description", "sources", *NUMBERS}
    for key in sorted(wanted ^ set(raw)):
        raise ValueError(f"{path}: {'missing' if key in wanted else 'unknown'} key {key!r}")
    for key in NUMBERS:
        if not isinstance(raw[key], (int, float)) or not math.isfinite(raw[key]) or raw[key] < 0:
            raise ValueError(f"{path}: {key} must be a finite number, not negative")
    limits = {"read_additive": 1, "read_multiplicative": 4, "stuck_columns": 1.0001, "adc_bits": 8.0001}
    for key, limit in limits.items():
        if raw[key] >= limit:
            raise ValueError(f"{path}: {key} = {raw[key]} is too large")
    return Profile(raw["name"], **{key: raw[key] for key in NUMBERS})


class Chip:
    """One chip under one profile: a callable for QuantNet's `analog`. Column gain and offset stay, read noise is drawn anew."""

    def __init__(self, profile, layers, seed):
        if profile.weight_programming_sigma or profile.stuck_columns or profile.adc_bits != 8:
            raise ValueError(f"{profile.name}: programming noise, stuck columns and coarse ADCs exist only in libquell")
        self.profile = profile
        self.generator = torch.Generator().manual_seed(seed)
        self.columns = {}

    def __call__(self, layer, v):
        p = self.profile
        if layer.name not in self.columns:
            draw = torch.randn(2, 1, v.shape[1], 1, 1, generator=self.generator)
            self.columns[layer.name] = 1 + p.column_gain_sigma * draw[0], CODES * p.column_offset_sigma * draw[1]
        gain, offset = self.columns[layer.name]
        v_prime = v * gain + offset
        if p.read_additive or p.read_multiplicative:
            eps = torch.randn(v.shape, generator=self.generator)
            v_prime = v_prime + (CODES * p.read_additive + p.read_multiplicative * v.abs()) * eps
        return v_prime


class TrainingNoise:
    """Read noise for training: additive or multiplicative by turns, its level drawn anew at every `redraw`.

    Drawing 86 000 Gaussians an image would cost as much as the network, so slices of one pool are used, from random
    places, and a part of the pool is refilled at every redraw. Levels and samples are tensors made by redraw, so that
    a compiled training step sees them as inputs.
    """
    POOL = 1 << 24

    def __init__(self, profiles, low, high, shapes, batch, seed):
        """profiles: list of Profile, taken by turns; low, high: range of the factor on their levels;
        shapes: {layer name: (c, h, w)} of the convolution outputs; batch: images a step."""
        self.profiles, self.low, self.high, self.shapes, self.batch = profiles, low, high, shapes, batch
        self.generator = torch.Generator().manual_seed(seed)
        # bfloat16 like the training step's activations: half the memory traffic, and 0.4 % of a sample does not matter here.
        self.pool = torch.randn(self.POOL, generator=self.generator).bfloat16()
        self.turn = 0

    def redraw(self):
        profile = self.profiles[self.turn % len(self.profiles)]
        level = self.low + (self.high - self.low) * torch.rand((), generator=self.generator)
        self.additive, self.multiplicative = level * CODES * profile.read_additive, level * profile.read_multiplicative
        refill = self.POOL // 64
        place = self.turn % 64 * refill
        self.pool[place:place + refill].normal_(generator=self.generator)
        self.turn += 1
        self.eps = {}
        for name, (c, h, w) in self.shapes.items():
            count = self.batch * c * h * w
            start = torch.randint(self.POOL - count, (), generator=self.generator).item()
            self.eps[name] = self.pool[start:start + count].view(self.batch, h, w, c).permute(0, 3, 1, 2)

    def __call__(self, layer, v):
        # The spread's own dependence on v carries gradient, as it does for reparametrised noise.
        return v + (self.additive + self.multiplicative * v.abs()) * self.eps[layer.name]
