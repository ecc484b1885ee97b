"""A number with its interval: what drawing the subsets anew makes of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats

from closerlook.arrays import Float, Int
from closerlook.randomness import keyed_rng

__all__ = ["POWER", "REPLICATES", "Estimate", "detectable", "draw_subsets", "estimate"]

REPLICATES = 2000
POWER = 0.8  # with which the smallest detectable effect would have been detected


@dataclass(frozen=True)
class Estimate:
    """A value, its interval, and the smallest size of it that the experiment would have detected.

    Attributes:
        value: in the unit of what is estimated.
        low, high: the interval.
        detectable: a true value of this size has an interval without 0 in four of five experiments like this one.
    """

    value: float
    low: float
    high: float
    detectable: float


def draw_subsets(n: int, seed: int = 0, replicates: int = REPLICATES) -> Int:
    """Which of n subsets each replicate of the bootstrap consists of, (replicates, n)."""
    return keyed_rng(seed, "validation", "subsets").integers(n, size=(replicates, n))


def estimate(value: float, replicates: Float, level: float = 0.95) -> Estimate:
    """A value with the percentiles of its bootstrap replicates (r,); what is nan among them is left out."""
    known = replicates[np.isfinite(replicates)]
    if not len(known):
        return Estimate(value, np.nan, np.nan, np.nan)
    low, high = (float(end) for end in np.quantile(known, [(1 - level) / 2, (1 + level) / 2]))
    # From the interval: few subsets drawn anew have now and then nothing to tell a slope by, which breaks the deviation
    error = (high - low) / (2 * float(stats.norm.ppf((1 + level) / 2)))
    return Estimate(value, low, high, detectable(error, level))


def detectable(error: float, level: float = 0.95) -> float:
    """The smallest effect that a test at 1 - ``level`` finds with power :data:`POWER`, given its standard error."""
    return float(error * (stats.norm.ppf((1 + level) / 2) + stats.norm.ppf(POWER)))
