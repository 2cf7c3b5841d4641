"""The analog tile in floats, for training and for controls that the chip cannot run; the integers' own version is libquell's.

Per output element of a convolution, in output codes (docs/arithmetic.md): v' = v G + o + (s_add + s_mul |v|) eps, then the
ADC, then the column correction, here the exact inverse of G and o.
"""
import math

import torch

CODES = 256        # the range that additive noise and column offsets are shares of
GAIN_MIN = 0.25    # the correction's gain ends at 4
ZERO_G = 1e-7      # of g_max: stands for zero in logarithms


class Pool:
    """Normal samples. Drawing some 100 000 an image would cost as much as the network, so slices of one pool are used, from
    random places, and a part of the pool is refilled at every `refresh`."""
    SIZE = 1 << 24

    def __init__(self, seed, device):
        self.where = torch.Generator().manual_seed(seed)
        self.source = torch.Generator(device).manual_seed(seed)
        # bfloat16 like the training step's activations: half the memory traffic, and 0.4 % of a sample does not matter here.
        self.samples = torch.randn(self.SIZE, generator=self.source, device=device).bfloat16()
        self.turn = 0

    def refresh(self):
        part = self.SIZE // 64
        place = self.turn % 64 * part
        self.samples[place:place + part].normal_(generator=self.source)
        self.turn += 1

    def take(self, count):
        if count > self.SIZE // 2:  # too few places to begin at
            return torch.randn(count, generator=self.source, device=self.samples.device).bfloat16()
        start = torch.randint(self.SIZE - count, (), generator=self.where).item()
        return self.samples[start:start + count]

    def like(self, tensor):
        return self.take(tensor.numel()).view(tensor.shape).float()

    def image(self, n, c, h, w):
        """[n, c, h, w] with channels last."""
        return self.take(n * c * h * w).view(n, h, w, c).permute(0, 3, 1, 2)

    def uniform(self, *shape):
        return torch.rand(shape, generator=self.where)


def conductances(weight, devices, pool):
    """Integer weights [o, i, k, k] -> what pairs of devices hold of them, in the same units (docs/profiles.md)."""
    scale = devices.g_max_us / 127
    total = 0
    for sign in (1, -1):
        target = (sign * weight).clamp_min(0) * scale
        share = target / devices.g_max_us
        sigma = sum(c * share ** i for i, c in enumerate(devices.programming_us))
        g = (target + sigma.clamp_min(0) * pool.like(weight)).clamp_min(0)
        log_share = share.clamp_min(ZERO_G).log()
        bounded = lambda line: (line[0] * log_share + line[1]).clamp(line[2], line[3])
        exponent = (bounded(devices.drift_exponent) + bounded(devices.drift_exponent_sigma) * pool.like(weight)).abs()
        now = devices.age_s + devices.start_s
        drifted = g * (now / devices.start_s) ** -exponent
        read = (devices.read[0] / (g / devices.g_max_us).clamp_min(ZERO_G) ** devices.read[1]).clamp_max(devices.read[2])
        read = read * math.sqrt(math.log((now + devices.read_s) / (2 * devices.read_s)))
        total = total + sign * (drifted * (1 + read * pool.like(weight))).clamp_min(0)
    return total / scale


def common_gain(held, weight):
    """Gain a column that fits `held` best to `weight`, both [o, i, k, k]; 1 for an empty column."""
    square = weight.square().sum((1, 2, 3), keepdim=True)
    gain = (held * weight).sum((1, 2, 3), keepdim=True) / square.clamp_min(1)
    return torch.where(square > 0, gain, torch.ones_like(gain)).clamp(GAIN_MIN, 3.99)


class Tile:
    """Chips and their noise: the callables that QuantNet takes as `program`, `analog` and `correct`.

    `redraw` makes the next one: profiles by turns, a level a picture (some pictures get none), another chip.
    """

    def __init__(self, profiles, shapes, batch, seed, low=1.0, high=1.0, silent=0.0, correction=True, device="cpu"):
        """profiles: list of Profile; low, high: range of the factor on what they say; silent: share of images without read
        noise; shapes: {layer name: (c, h, w)} of the convolution outputs; batch: images a step; correction: whether gain and
        offset are taken out again, as behind `quell calibrate`."""
        self.profiles, self.low, self.high, self.silent, self.correction = profiles, low, high, silent, correction
        self.shapes, self.batch, self.device = shapes, batch, device
        self.pool = Pool(seed, device)
        self.turn = 0

    def level(self, *shape):
        return self.low + (self.high - self.low) * self.pool.uniform(*shape)

    def redraw(self, chip=True):
        """The next step's noise; chip: on another chip as well."""
        self.pool.refresh()
        if chip:
            severity = 1.0 if self.low == self.high == 1 else self.level().item()
            self.chip = self.profiles[self.turn % len(self.profiles)].scaled(severity)
            self.turn += 1
            self.columns, self.weights, self.means = {}, {}, {}
        level = self.level(self.batch, 1, 1, 1) * (self.pool.uniform(self.batch, 1, 1, 1) >= self.silent)
        read = self.profiles[(self.turn - 1) % len(self.profiles)]
        self.additive = (level * CODES * read.read_additive).to(self.device)
        self.multiplicative = (level * read.read_multiplicative).to(self.device)
        self.eps = {name: self.pool.image(self.batch, *shape) for name, shape in self.shapes.items()} if read.random else {}

    def program(self, layer, weight):
        if layer.name not in self.weights:
            with torch.no_grad():
                p = self.chip
                held = weight.float()
                gain = torch.ones(len(weight), 1, 1, 1, device=weight.device)
                if p.conductance:
                    held = conductances(held, p.conductance, self.pool)
                    gain = common_gain(held, weight)
                    held = held / gain
                held = (held + p.weight_programming_sigma * 127 * self.pool.like(weight)).round().clamp(-128, 127)
                self.weights[layer.name] = held - weight, gain.view(1, -1, 1, 1)
        return weight + self.weights[layer.name][0]

    def column(self, layer, v):
        """Gain, offset and whether it is stuck, [1, c, 1, 1] each."""
        if layer.name not in self.columns:
            p, like = self.chip, torch.empty(1, v.shape[1], 1, 1, device=v.device)
            gain = 1 + p.column_gain_sigma * self.pool.like(like)
            if p.column_drift:
                d = p.column_drift
                gain = gain * (d.age_s / d.start_s) ** -(d.exponent + d.exponent_sigma * self.pool.like(like))
            if layer.name in self.weights:
                gain = gain * self.weights[layer.name][1]
            stuck = (self.pool.uniform(*like.shape) < p.stuck_columns).to(v.device)
            offset = p.column_offset_sigma * CODES * self.pool.like(like)
            rail = torch.where(self.pool.like(like) > 0, CODES, -CODES)
            self.columns[layer.name] = torch.where(stuck, 0, gain.clamp(0, 3.99)), torch.where(stuck, rail, offset), stuck
        return self.columns[layer.name]

    @property
    def uneven(self):
        return self.chip.varies_columns or self.chip.conductance is not None

    def analog(self, layer, v):
        # The spread's own dependence on v carries gradient, as it does for reparametrised noise.
        if self.uneven:
            gain, offset, stuck = self.column(layer, v)
            if self.correction and self.chip.stuck_columns:
                self.means[layer.name] = v.detach().mean((0, 2, 3), keepdim=True)
            v = v * gain.to(v.dtype) + offset.to(v.dtype)
        if self.eps:
            # In the type of v: float32 levels would turn all that follows into float32, twice the memory traffic.
            n, additive, multiplicative = len(v), self.additive.to(v.dtype), self.multiplicative.to(v.dtype)
            v = v + (additive[:n] + multiplicative[:n] * v.abs()) * self.eps[layer.name][:n].to(v.dtype)
        if self.chip.adc_bits < 8:
            step = 2 ** (8 - self.chip.adc_bits)
            v = v + ((v / step).round() * step - v).detach()
        return v

    def correct(self, layer, d):
        gain, offset, stuck = self.columns[layer.name]
        d = (d - offset.to(d.dtype)) * (1 / gain.clamp_min(GAIN_MIN)).to(d.dtype)
        return torch.where(stuck, self.means[layer.name].to(d.dtype), d) if self.chip.stuck_columns else d

    @property
    def hooks(self):
        """Arguments of QuantNet's forward for this chip; steps that it does not need are left out."""
        hooks = {"analog": self.analog}
        if self.chip.varies_weights:
            hooks["program"] = self.program
        if self.uneven and self.correction:
            hooks["correct"] = self.correct
        return hooks
