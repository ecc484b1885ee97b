"""A continuous parameter of the scene: its name, its range, its scale, and how much images differ in it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from closerlook.attributes import Jitter
from closerlook.errors import UsageError

__all__ = ["Parameter", "to_unit", "to_values"]

Point = NDArray[np.float64]
SPREAD = 0.1  # of its range, to either side: no two days and no two cameras are alike


@dataclass(frozen=True)
class Parameter:
    """A knob of the renderer.

    Attributes:
        name: what the renderer calls it, such as ``weather.fog``.
        low, high: its range.
        start: where the search begins.
        log: whether equal steps are equal factors.
    """

    name: str
    low: float
    high: float
    start: float
    log: bool = False

    def __post_init__(self) -> None:
        if not self.low < self.high or not self.low <= self.start <= self.high or (self.log and self.low <= 0):
            raise UsageError(f"The range of '{self.name}' must hold its start: {self.low:g} to {self.high:g}.")

    def value(self, unit: float) -> float:
        """The value at a place between 0 and 1 of the range."""
        if self.log:
            return float(self.low * (self.high / self.low) ** unit)
        return float(self.low + unit * (self.high - self.low))

    def unit(self, value: float) -> float:
        """The inverse of :meth:`value`."""
        if self.log:
            return math.log(value / self.low) / math.log(self.high / self.low)
        return (value - self.low) / (self.high - self.low)

    def jitter(self, value: float) -> Jitter:
        """What single images of a set with this value have: a tenth of the range to either side of it.

        As in attribute descent (Yao et al., ECCV 2020), where each attribute is a distribution of fixed width whose
        middle is searched for. Images that were all alike in it would teach a model less.
        """
        unit = self.unit(value)
        ends = (self.value(max(0.0, unit - SPREAD)), self.value(min(1.0, unit + SPREAD)))
        return Jitter("log_uniform" if self.log else "uniform", tuple(float(f"{end:.6g}") for end in ends))


def to_values(parameters: Sequence[Parameter], point: Point) -> dict[str, float]:
    """The values at a point of the unit cube, to six digits."""
    return {p.name: float(f"{p.value(float(unit)):.6g}") for p, unit in zip(parameters, point, strict=True)}


def to_unit(parameters: Sequence[Parameter], values: Mapping[str, float]) -> Point:
    """The point of the unit cube with these values."""
    return np.array([p.unit(values[p.name]) for p in parameters])
