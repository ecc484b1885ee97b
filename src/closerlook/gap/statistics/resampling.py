"""What a bootstrap draws anew: people or groups of them, and runs or cameras of the target.

Neighbours in a target's table are mostly frames of one person or scene, so whole runs of it are drawn (16); its cameras
can be drawn instead, for intervals that speak for other cameras of the kind.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import get_args

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from closerlook.choices import BootstrapUnit
from closerlook.errors import CloserlookError, unknown
from closerlook.gap.measure.measurement import Measurement
from closerlook.randomness import keyed_rng

__all__ = [
    "BOOTSTRAP_UNITS",
    "TargetUnits",
    "draw",
    "draw_mixture",
    "draw_target",
    "small_sample_factor",
    "target_units",
]

BOOTSTRAP_UNITS = get_args(BootstrapUnit)

Float = NDArray[np.float64]


@dataclass(frozen=True)
class TargetUnits:
    """What is drawn anew on the target's side: u runs of its table, or cameras.

    Attributes:
        counts: (u,) images.
        distances: (u, b) sums of ||Phi - m_t||^2.
        dots: (b, l, u) <m_l - m_t, m_u - m_t> with the levels' means.
        sketches: (u, r) projections of the units' means.
    """

    counts: Float
    distances: Float
    dots: Float
    sketches: Float


def target_units(measurement: Measurement, bootstrap_unit: str = "images") -> TargetUnits:
    """The units of a bootstrap over the target's ``images`` (in runs of neighbours) or ``cameras``.

    Raises:
        UsageError: another word.
        CloserlookError: cameras, and the target has fewer than two known ones.
    """
    if bootstrap_unit not in BOOTSTRAP_UNITS:
        raise unknown("bootstrap unit", bootstrap_unit, BOOTSTRAP_UNITS)
    if bootstrap_unit == "images":
        counts = measurement.target_counts.astype(float)
        dots, sketches = measurement.level_target_dots, measurement.target_sketches.astype(np.float64)
        return TargetUnits(counts, measurement.target_distances, dots, sketches)
    cameras = measurement.cameras
    if cameras is None:
        raise CloserlookError(
            "The target has no two known cameras to draw from: take the intervals over images, or give its table a "
            "column 'camera'."
        )
    counts = cameras.counts.sum(axis=0).astype(float)
    sketches = np.einsum("hk,hkr->kr", cameras.counts, cameras.sketches) / counts[:, None]
    return TargetUnits(counts, cameras.distances.sum(axis=0), cameras.level_dots, sketches)


def draw_target(units: TargetUnits, replicates: int, seed: int) -> Float:
    """Bootstrap replicates of the target's projected mean, (replicates, r)."""
    drawn = draw(len(units.counts), replicates, seed, "target") * units.counts
    return np.asarray(drawn / drawn.sum(axis=1, keepdims=True) @ units.sketches)


def draw_mixture(measurement: Measurement, shares: Float, replicates: int, seed: int) -> Float:
    """Replicates of the projected mean of a mixture of cameras with ``shares`` (k,) that sum to 1, over runs."""
    cameras = measurement.cameras
    assert cameras is not None
    drawn = draw(len(cameras.counts), replicates, seed, "target")
    means = np.zeros((replicates, cameras.sketches.shape[2]))
    for camera in np.flatnonzero(shares):
        weight = drawn * cameras.counts[:, camera]
        with np.errstate(invalid="ignore"):
            means += shares[camera] * (weight / weight.sum(axis=1, keepdims=True)) @ cameras.sketches[:, camera]
    return means


def draw(units: int, replicates: int, seed: int, *key: str) -> Float:
    """How often each of ``units`` is drawn in each bootstrap replicate, (replicates, units)."""
    rng = keyed_rng(seed, "bootstrap", *key)
    return rng.multinomial(units, np.full(units, 1 / units), size=replicates).astype(float)


def small_sample_factor(units: int) -> float:
    """What widens a bootstrap over few units to Student's interval: percentiles of few draws are too narrow."""
    if units < 2:
        return np.nan
    return float(stats.t.ppf(0.975, units - 1) / stats.norm.ppf(0.975) * np.sqrt(units / (units - 1)))
