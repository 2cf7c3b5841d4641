# SPDX-License-Identifier: Apache-2.0
"""libquell for tests: one layer at a time, through ctypes on build/lib/libquell.so (LIBQUELL names another one)."""
import ctypes as c
import os
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
LIBRARY = os.environ.get("LIBQUELL", ROOT / "build/lib/libquell.so")


class QuellError(Exception):
    """Carries the number of quell_status."""

    def __init__(self, status, text):
        super().__init__(text)
        self.status = status


class Error(c.Structure):
    _fields_ = [("status", c.c_int), ("text", c.c_char * 480)]


class Limits(c.Structure):
    _fields_ = [(n, c.c_uint32) for n in "cores bottleneck_max act_words weight_words const_words row_words dn_pair_words dn_row_words line_words max_payload tables ext_words".split()]


class LayerInfo(c.Structure):
    _fields_ = [("name", c.c_char * 64), ("output", c.c_char * 64), ("input", c.c_char * 64), ("residual", c.c_char * 64), ("out_h", c.c_uint32), ("out_w", c.c_uint32), ("out_c", c.c_uint32),
                ("out_scale", c.c_float), ("out_zero", c.c_int32), ("in_h", c.c_uint32), ("in_w", c.c_uint32), ("in_c", c.c_uint32), ("macs", c.c_uint64), ("denoiser_macs", c.c_uint64),
                ("has_denoiser", c.c_uint32), ("conversions", c.c_uint32), *((n, c.c_uint32) for n in ("kernel_h", "kernel_w", "dilation_y", "dilation_x", "groups"))]


def library():
    lib = c.CDLL(str(LIBRARY))
    lib.quell_default_limits.restype = lib.quell_endless_limits.restype = Limits
    return lib


class Model:
    """A compiled model and its program on an ideal chip. denoiser: 0 off, 1 mean, 2 sample."""

    def __init__(self, path, limits="endless", denoiser=0):
        self.lib, self.error = library(), Error()
        self.model, self.program = c.c_void_p(), c.c_void_p()
        self.limits = getattr(self.lib, f"quell_{limits}_limits")()
        self._check(self.lib.quell_model_load(os.fsencode(path), c.byref(self.limits), c.byref(self.model), c.byref(self.error)))
        self._check(self.lib.quell_program_make(self.model, None, 0, None, denoiser, c.byref(self.program), c.byref(self.error)))

    def _check(self, status):
        if status:
            raise QuellError(status, self.error.text.decode())

    def close(self):
        self.lib.quell_program_free(self.program)
        self.lib.quell_model_free(self.model)

    def layers(self):
        found, info = [], LayerInfo()
        while self.lib.quell_model_get_layer(self.model, len(found), c.byref(info)) == 0:
            found.append(LayerInfo.from_buffer_copy(info))
        return found

    def run_layer(self, index, x, residual=None):
        """int8 arrays h x w x c -> int8 array."""
        info = self.layers()[index]
        out = np.zeros((info.out_h, info.out_w, info.out_c), np.int8)
        keep = [np.ascontiguousarray(a) for a in (x, residual) if a is not None]
        self._check(self.lib.quell_reference_layer(self.program, index, keep[0].ctypes.data_as(c.c_void_p), keep[1].ctypes.data_as(c.c_void_p) if residual is not None else None, 0, 0,
                                                   out.ctypes.data_as(c.c_void_p), c.byref(self.error)))
        return out
