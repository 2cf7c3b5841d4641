# SPDX-License-Identifier: Apache-2.0
"""A tiny convolution for tests of the chip's own command channel: its memories, its table, and the codes that must come out."""
import struct
from dataclasses import dataclass, field

import numpy as np

from tests.system.board import CONSTANT, IMAGE, OK, TABLE, WEIGHT, layer_entry


def rhe(x, s):
    """x / 2**s, rounded half to even (docs/arithmetic.md)."""
    q, rest, half = x >> s, x & ((1 << s) - 1), 1 << (s - 1)
    return q + ((rest > half) | ((rest == half) & (q & 1 == 1)))


@dataclass
class Tiny:
    """A chain of 3x3 convolutions, stride 1, padding 1; the first has `channels` input channels, the others 8; 8 outputs each."""
    size: int = 8
    channels: int = 3
    layers: int = 1
    seed: int = 1
    weights: list = field(default_factory=list)
    table_changes: dict = field(default_factory=dict)

    def __post_init__(self):
        random = np.random.default_rng(self.seed)
        for n in range(self.layers):
            inputs = self.channels if n == 0 else 8
            self.weights.append((random.integers(-128, 128, (8, 3, 3, inputs)), random.integers(-5000, 5000, 8), random.integers(1 << 23, 1 << 24, 8)))
        self.words = self.size * self.size
        self.shift, self.z_in, self.z_out = 32, -3, 5

    def image(self, seed):
        return np.random.default_rng(seed).integers(-128, 128, (self.size, self.size, self.channels))

    def expected(self, image):
        """The output of every layer."""
        outputs, x, z = [], image, self.z_in
        for weight, bias, multiplier in self.weights:
            padded = np.pad(x - z, ((1, 1), (1, 1), (0, 0)))
            acc = sum(np.einsum("yxi,oi->yxo", padded[ky : ky + self.size, kx : kx + self.size], weight[:, ky, kx]) for ky in range(3) for kx in range(3)) + bias
            v = np.clip(rhe(acc * multiplier, self.shift), -(1 << 23), (1 << 23) - 1)
            x, z = np.clip(self.z_out + rhe(v, 12), -128, 127), self.z_out
            outputs.append(x)
        return outputs

    def entries(self):
        entries = []
        for n in range(self.layers):
            entries.append(dict(
                mode=0, pad_top=1, pad_left=1, wait_prev=n > 0, in_addr=self.address(n - 1), out_addr=self.address(n), w_addr=n * 8, in_w=self.size, in_h=self.size,
                out_w=self.size, out_h=self.size, in_c8=1, in_last=(self.channels if n == 0 else 8) - 1, out_c8=1, out_pitch=1, pooled_w=self.size, pooled_h=self.size, const_addr=n * 4,
                z_in=self.z_in if n == 0 else self.z_out, z_v=self.z_out, z_y=self.z_out, post_a=1 << 16, post_shift=16, lo=-128, hi=127, rng_layer=n))
        return entries

    def address(self, n):
        """Activation word of layer n's output; -1 is the input."""
        return 0 if n < 0 else (n + 2) * self.words

    def head(self, **changes):
        values = dict(count=self.layers, image_h=self.size, image_w=self.size, image_c=self.channels, image_pad=0, input0=0, input1=self.words,
                      logits_addr=self.address(self.layers - 1), classes=self.words * 8, pad_code=0)
        return struct.pack("<9Ii", *(values | changes).values())

    def table(self):
        return self.head() + b"".join(layer_entry(**e) for e in self.entries())

    def load(self, board):
        for n, (weight, bias, multiplier) in enumerate(self.weights):
            inputs = weight.shape[3]
            lanes = weight.transpose(3, 0, 1, 2).astype(np.int8).tobytes()
            assert board.write(WEIGHT, n * 8, inputs, lanes) == (OK, b"")
            constants = b"".join(struct.pack("<iIIiI", int(bias[c]), int(multiplier[c]) | self.shift << 24, 1 << 16, 0, 1 << 14) for c in range(8))
            assert board.write(CONSTANT, n * 4, 4, constants) == (OK, b"")
        assert board.ask(TABLE, self.table()) == (OK, b"")

    def request(self, image, inference=0, seed=0, layers=None):
        return struct.pack("<3I", inference, seed, self.layers if layers is None else layers) + image.astype(np.int8).tobytes()

    def run(self, board, image, **options):
        """(status, cycles, macs, output of the last layer) of one image."""
        status, payload = board.ask(IMAGE, self.request(image, **options))
        if status != OK:
            return status, payload
        cycles, low, high = struct.unpack("<3I", payload[:12])
        return status, cycles, low | high << 32, np.frombuffer(payload[12:], np.int8).reshape(self.size, self.size, 8)
