"""Noise profiles: reading and scaling. docs/profiles.md says what the keys mean, host/lib/profile.c is the authority."""
import json
import math
from dataclasses import dataclass, replace
from pathlib import Path

NUMBERS = ("read_additive", "read_multiplicative", "column_gain_sigma", "column_offset_sigma",
           "weight_programming_sigma", "stuck_columns", "adc_bits")
LIMITS = {"read_additive": 1, "read_multiplicative": 4, "column_gain_sigma": 4.0001, "column_offset_sigma": 4.0001,
          "weight_programming_sigma": 4.0001, "stuck_columns": 1.0001, "adc_bits": 8.0001}


@dataclass(frozen=True)
class ColumnDrift:
    """A column's gain (age_s / start_s) ** -(exponent + exponent_sigma eps)."""
    exponent: float
    exponent_sigma: float
    start_s: float
    age_s: float


@dataclass(frozen=True)
class Conductance:
    """What a pair of devices makes of a weight; formulas in docs/profiles.md."""
    g_max_us: float
    programming_us: tuple        # coefficients of a polynomial in g / g_max, microsiemens
    drift_exponent: tuple        # slope, offset, least, most of the mean over ln(g / g_max)
    drift_exponent_sigma: tuple  # the same of the standard deviation
    read: tuple                  # factor, exponent, most
    read_s: float
    start_s: float
    age_s: float


@dataclass(frozen=True)
class Profile:
    """One noise profile; shares of the 256-code output range, or relative."""
    name: str
    read_additive: float = 0.0
    read_multiplicative: float = 0.0
    column_gain_sigma: float = 0.0
    column_offset_sigma: float = 0.0
    weight_programming_sigma: float = 0.0
    stuck_columns: float = 0.0
    adc_bits: int = 8
    column_drift: ColumnDrift | None = None
    conductance: Conductance | None = None

    @property
    def varies_columns(self):
        return bool(self.column_gain_sigma or self.column_offset_sigma or self.column_drift or self.stuck_columns)

    @property
    def varies_weights(self):
        return bool(self.weight_programming_sigma or self.conductance)

    @property
    def static(self):
        """Whether something stays on a chip, for column correction to take out."""
        return self.varies_columns or self.varies_weights

    @property
    def random(self):
        """Whether something changes from one inference to the next."""
        return bool(self.read_additive or self.read_multiplicative)

    def scaled(self, severity):
        """Every spread and every drift exponent times `severity`; the ADC's bits stay."""
        changed = {key: severity * getattr(self, key) for key in NUMBERS if key != "adc_bits"}
        changed["stuck_columns"] = min(1.0, changed["stuck_columns"])
        drift, devices = self.column_drift, self.conductance
        if drift:
            changed["column_drift"] = replace(drift, exponent=drift.exponent * severity, exponent_sigma=drift.exponent_sigma * severity)
        if devices:
            times = lambda values, count: tuple(value * severity if i < count else value for i, value in enumerate(values))
            # The slopes, offsets and bounds of an exponent, and a read's factor and bound (not its power law), are all linear.
            changed["conductance"] = replace(devices, programming_us=times(devices.programming_us, 9),
                                             drift_exponent=times(devices.drift_exponent, 4), drift_exponent_sigma=times(devices.drift_exponent_sigma, 4),
                                             read=(devices.read[0] * severity, devices.read[1], devices.read[2] * severity))
        return replace(self, **changed)


def load(path):
    """JSON file -> Profile. ValueError names the key that is unknown, missing or out of range."""
    raw = json.loads(Path(path).read_text())
    wanted = {"name", "description", "sources", *NUMBERS}
    for key in sorted(wanted - set(raw)) + sorted(set(raw) - wanted - {"column_drift", "conductance"}):
        raise ValueError(f"{path}: {'missing' if key in wanted else 'unknown'} key {key!r}")
    for key in NUMBERS:
        if not isinstance(raw[key], (int, float)) or not math.isfinite(raw[key]) or raw[key] < 0:
            raise ValueError(f"{path}: {key} must be a finite number, not negative")
        if raw[key] >= LIMITS[key]:
            raise ValueError(f"{path}: {key} = {raw[key]} is too large")
    drift, devices = raw.get("column_drift"), raw.get("conductance")
    try:
        return Profile(raw["name"], **{key: raw[key] for key in NUMBERS}, column_drift=drift and ColumnDrift(**drift),
                       conductance=devices and Conductance(**{key: tuple(v) if isinstance(v, list) else v for key, v in devices.items()}))
    except TypeError as error:
        raise ValueError(f"{path}: {error}") from error
