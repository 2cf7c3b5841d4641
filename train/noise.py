"""The analog tile in floats, for training and for controls that the chip cannot run; the integers' own version is libquell's.

Per output element of a convolution, in output codes (docs/arithmetic.md): v' = v G + o + (s_add + s_mul |v|) eps, then the
ADC, then the column correction, here the exact inverse of G and o.
"""
import itertools
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

    def fill(self, tensor):
        """Standard normal samples into a flat bfloat16 tensor; a GPU draws them as fast as it copies."""
        if tensor.is_cuda:
            tensor.normal_(generator=self.source)
        else:
            tensor.copy_(self.take(tensor.numel()))

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


def slices(sizes):
    """{name: elements} -> {name: slice} of a flat tensor that holds them all."""
    ends = list(itertools.accumulate(sizes.values()))
    return {name: slice(end - size, end) for (name, size), end in zip(sizes.items(), ends)}


class Tile:
    """Chips and their noise: the callables that QuantNet takes as `program`, `analog` and `correct`.

    `redraw` makes the next one: profiles by turns, a level a picture (some pictures get none), another chip. All samples are
    drawn there, for all layers at once, into tensors that stay where they are, so that what reads them can be recorded once
    and replayed (machine.Replayed).
    """

    def __init__(self, profiles, net, shapes, batch, seed, low=1.0, high=1.0, silent=0.0, correction=True, device="cpu"):
        """profiles: list of Profile; net: its weights are what the chips hold; shapes: {layer name: (c, h, w)} of the
        convolution outputs; batch: images a step; low, high: range of the factor on what the profiles say; silent: share of
        images without read noise; correction: whether gain and offset are taken out again, as behind `quell calibrate`."""
        self.profiles, self.low, self.high, self.silent, self.correction = profiles, low, high, silent, correction
        self.net, self.shapes, self.batch = net, shapes, batch
        self.pool = Pool(seed, device)
        self.turn = 0
        self.columns_of = slices({name: c for name, (c, h, w) in shapes.items()})
        self.samples_of = slices({name: batch * math.prod(shape) for name, shape in shapes.items()})
        self.weights_of = slices({layer.name: net.weight(layer)[0].numel() for layer in net.layers})
        last = lambda places: list(places.values())[-1].stop
        empty = lambda *shape, type=torch.float32: torch.zeros(shape, dtype=type, device=device)
        self.additive, self.multiplicative = empty(batch, 1, 1, 1), empty(batch, 1, 1, 1)
        self.gain, self.offset, self.stuck = (empty(last(self.columns_of), type=type) for type in (torch.float32, torch.float32, torch.bool))
        self.eps = empty(last(self.samples_of), type=torch.bfloat16) if any(p.random for p in profiles) else None
        self.error = empty(last(self.weights_of)) if any(p.varies_weights for p in profiles) else None
        self.means = {}

    def restart(self, seed, turn):
        """Draw from here on as a tile made with `seed` that has been redrawn `turn` times."""
        self.pool, self.turn = Pool(seed, self.pool.samples.device), turn

    def columns(self, layer):
        """Gain, offset and whether it is stuck of a layer's columns, [1, c, 1, 1] each."""
        return [flat[self.columns_of[layer.name]].view(1, -1, 1, 1) for flat in (self.gain, self.offset, self.stuck)]

    def samples(self, layer, n):
        """Standard normal, [n, c, h, w] with channels last."""
        c, h, w = self.shapes[layer.name]
        return self.eps[self.samples_of[layer.name]].view(self.batch, h, w, c).permute(0, 3, 1, 2)[:n]

    def level(self, *shape):
        return self.low + (self.high - self.low) * self.pool.uniform(*shape)

    @property
    def key(self):
        """Steps with the same key run the same operations, on other numbers."""
        return (self.turn - 1) % len(self.profiles)

    def redraw(self, chip=True):
        """The next step's noise; chip: on another chip as well."""
        self.pool.refresh()
        if chip:
            severity = 1.0 if self.low == self.high == 1 else self.level().item()
            self.chip = self.profiles[self.turn % len(self.profiles)].scaled(severity)
            self.turn += 1
            self.draw_chip()
        level = self.level(self.batch, 1, 1, 1) * (self.pool.uniform(self.batch, 1, 1, 1) >= self.silent)
        read = self.profiles[self.key]
        self.additive.copy_(level * CODES * read.read_additive)
        self.multiplicative.copy_(level * read.read_multiplicative)
        if read.random:
            self.pool.fill(self.eps)

    @torch.no_grad()
    def draw_chip(self):
        """Weights as they are held, gain and offset of every column."""
        p, like = self.chip, self.pool.like
        gain = torch.ones_like(self.gain)
        if p.varies_weights:
            weights = [self.net.weight(layer)[0] for layer in self.net.layers]
            flat = torch.cat([weight.flatten() for weight in weights]).float()
            held = flat
            if p.conductance:
                sizes = [weight.numel() for weight in weights]
                held = conductances(flat, p.conductance, self.pool)
                gains = [common_gain(part.view(weight.shape), weight).flatten() for part, weight in zip(held.split(sizes), weights)]
                held = held / torch.cat([g.repeat_interleave(size // len(g)) for g, size in zip(gains, sizes)])
                gain = torch.cat(gains)
            held = (held + p.weight_programming_sigma * 127 * like(held)).round().clamp(-128, 127)
            self.error.copy_(held - flat)
        if p.varies_columns:
            gain = gain * (1 + p.column_gain_sigma * like(gain))
            if p.column_drift:
                d = p.column_drift
                gain = gain * (d.age_s / d.start_s) ** -(d.exponent + d.exponent_sigma * like(gain))
            stuck = self.pool.uniform(len(gain)).to(gain.device) < p.stuck_columns
            rail = torch.where(like(gain) > 0, CODES, -CODES)
            self.offset.copy_(torch.where(stuck, rail, p.column_offset_sigma * CODES * like(gain)))
            self.stuck.copy_(stuck)
            gain = torch.where(stuck, 0, gain.clamp(0, 3.99))
        else:
            self.offset.zero_()
            self.stuck.zero_()
        self.gain.copy_(gain)

    def program(self, layer, weight):
        return weight + self.error[self.weights_of[layer.name]].view(weight.shape)

    @property
    def uneven(self):
        return self.chip.varies_columns or self.chip.conductance is not None

    def analog(self, layer, v):
        # The spread's own dependence on v carries gradient, as it does for reparametrised noise.
        if self.uneven:
            gain, offset, stuck = self.columns(layer)
            if self.correction and self.chip.stuck_columns:
                self.means[layer.name] = v.detach().mean((0, 2, 3), keepdim=True)
            v = v * gain.to(v.dtype) + offset.to(v.dtype)
        if self.chip.random:
            # In the type of v: float32 levels would turn all that follows into float32, twice the memory traffic.
            n, additive, multiplicative = len(v), self.additive.to(v.dtype), self.multiplicative.to(v.dtype)
            v = v + (additive[:n] + multiplicative[:n] * v.abs()) * self.samples(layer, n).to(v.dtype)
        if self.chip.adc_bits < 8:
            step = 2 ** (8 - self.chip.adc_bits)
            v = v + ((v / step).round() * step - v).detach()
        return v

    def correct(self, layer, d):
        gain, offset, stuck = self.columns(layer)
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
