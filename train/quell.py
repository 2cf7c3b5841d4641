"""libquell from Python: a thin ctypes wrapper of host/lib/quell.h, for reporting the accuracy of the integers.

Nothing is computed here. Errors of the library become QuellError with the library's own message.
"""
import ctypes as c
import os

import numpy as np

from .config import ROOT

DENOISER = {"off": 0, "mean": 1, "sample": 2}
LIBRARY = ROOT / "build/lib/libquell.so"


class QuellError(RuntimeError):
    pass


class _Error(c.Structure):
    _fields_ = [("status", c.c_int), ("text", c.c_char * 480)]


class _Limits(c.Structure):
    _fields_ = [(n, c.c_uint32) for n in ("cores", "bottleneck_max", "act_words", "weight_words", "const_words", "row_words",
                                          "dn_pair_words", "dn_row_words", "line_words", "max_payload", "tables", "ext_words")]


class _ModelInfo(c.Structure):
    _fields_ = ([(n, c.c_uint32) for n in ("layers", "image_h", "image_w", "image_c", "image_pad", "classes", "parameters",
                                           "denoiser_parameters", "denoisers")]
                + [(n, c.c_uint64) for n in ("macs", "denoiser_macs")]
                + [(n, c.c_uint32) for n in ("act_words", "weight_words", "const_words", "dn_pair_words", "dn_row_words", "end", "tables", "ext_words")])


class _ImagesInfo(c.Structure):
    _fields_ = [(n, c.c_uint32) for n in ("count", "h", "w", "c", "labelled", "skipped")]


class _Energy(c.Structure):
    _fields_ = ([(n, c.c_uint64) for n in ("tile_products", "conversions", "digital_macs")]
                + [(n, c.c_double) for n in ("tile_nj", "adc_nj", "digital_nj", "total_nj", "latency_us")])


class _DeviceOptions(c.Structure):
    _fields_ = [("threads", c.c_uint32), ("simulator", c.c_char_p), ("trace", c.c_char_p)]


class Quell:
    """The library, and the reference device on `threads` threads. Handles are plain pointers, freed by close()."""

    def __init__(self, library=LIBRARY, threads=2):
        self.lib = c.CDLL(str(library))
        self.lib.quell_endless_limits.restype = _Limits
        self.owned = []
        self.limits = self.lib.quell_endless_limits()  # the reference device has no memory sizes
        self.device = self._make("quell_device_open", "quell_device_close", b"ref", c.byref(_DeviceOptions(threads, None, None)))

    def _check(self, status, error):
        if status:
            raise QuellError(error.text.decode())

    def _make(self, maker, free, *arguments):
        """Call a function whose last arguments are (handle **, error *) -> handle, remembered for close()."""
        handle, error = c.c_void_p(), _Error()
        self._check(getattr(self.lib, maker)(*arguments, c.byref(handle), c.byref(error)), error)
        self.owned.append((free, handle))
        return handle

    def mark(self):
        """For `close`: what is made from now on."""
        return len(self.owned)

    def close(self, mark=0):
        while len(self.owned) > mark:
            free, handle = self.owned.pop()
            getattr(self.lib, free)(handle)

    def model(self, path):
        return self._make("quell_model_load", "quell_model_free", os.fsencode(path), c.byref(self.limits))

    def model_info(self, model):
        info = _ModelInfo()
        self.lib.quell_model_get_info(model, c.byref(info))
        return info

    def energy(self, model, denoiser):
        """Estimated nanojoules an image (docs/energy.md)."""
        energy = _Energy()
        self.lib.quell_estimate_energy(model, int(denoiser), c.byref(energy))
        return energy

    def profile(self, path, severity=1.0):
        profile = self._make("quell_profile_load", "quell_profile_free", os.fsencode(path))
        if severity == 1:
            return profile
        return self._make("quell_profile_scale", "quell_profile_free", profile, c.c_double(severity))

    def images(self, path, limit=0):
        """An IDX file of images (data.write_idx)."""
        return self._make("quell_images_open", "quell_images_free", os.fsencode(path), None, c.c_uint32(limit), 0)

    def calibrate(self, model, profile, chip, images, count, noise_seed):
        """Column correction of one chip from the first `count` images, without their labels."""
        handle, error = c.c_void_p(), _Error()
        self._check(self.lib.quell_calibrate(self.device, model, profile, c.c_uint32(chip), images, c.c_uint32(0), c.c_uint32(count),
                                             c.c_uint32(noise_seed), c.byref(handle), None, None, c.byref(error)), error)
        self.owned.append(("quell_calibration_free", handle))
        return handle

    def run(self, model, images, classes, profile=None, chip=0, calibration=None, denoiser="off", noise_seed=0):
        """-> logits int8 [images, classes] of the reference device."""
        info = _ImagesInfo()
        self.lib.quell_images_get_info(images, c.byref(info))
        program = self._make("quell_program_make", "quell_program_free", model, profile, c.c_uint32(chip), calibration, DENOISER[denoiser])
        error, logits, done = _Error(), np.zeros((info.count, classes), np.int8), c.c_uint32()
        self._check(self.lib.quell_device_load(self.device, program, c.byref(error)), error)
        self._check(self.lib.quell_device_run(self.device, images, c.c_uint32(0), info.count, c.c_uint32(noise_seed), c.c_uint32(0),
                                              logits.ctypes.data_as(c.POINTER(c.c_int8)), c.byref(done), None, None, c.byref(error)), error)
        return logits
