"""Bootstrap replicates of every level's losses; no second pass over the pixels.

What is drawn anew: on the source's side people, or groups of them (16); on the target's side runs of its table (16), as
neighbors in it are mostly frames of one person or scene, or its cameras, for intervals that hold for other cameras of
the kind.

The total loss is linear in the images of either side, so people are drawn from the table of per-image losses and target
units from <m_level, m_unit>. The squared MMD is quadratic: whole groups of people and of target images are drawn, with
inner products between the groups' projected means. Diversity is a ratio of spreads, each linear to first order. All
replicates are one matrix product.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse, stats

from closerlook.arrays import Float, Int
from closerlook.dataset.columns import known_or_alone
from closerlook.errors import CloserlookError, unknown
from closerlook.gap.losses import image_losses
from closerlook.gap.measure.measurement import Measurement
from closerlook.gap.statistics.intervals import mean_of_known
from closerlook.randomness import keyed_rng

__all__ = [
    "OVER",
    "REPLICATES",
    "DrawnTarget",
    "TargetUnits",
    "bootstrap_diversity",
    "bootstrap_mmd2",
    "bootstrap_total_loss",
    "draw",
    "draw_mixture",
    "scale_of",
    "small_sample_factor",
    "target_units",
]

REPLICATES = 1000
MAX_PEOPLE = 2048


OVER = ("images", "cameras")


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


def target_units(measurement: Measurement, over: str = "images") -> TargetUnits:
    """The units of a bootstrap over the target's ``images`` (in runs of neighbors) or ``cameras``.

    Raises:
        UsageError: another word.
        CloserlookError: cameras, and the target has fewer than two known ones.
    """
    if over not in OVER:
        raise unknown("unit of the intervals", over, OVER)
    if over == "images":
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


@dataclass(frozen=True)
class DrawnTarget:
    """Replicates of the target's projected mean, ``shares @ points``.

    Attributes:
        shares: (replicates, m).
        points: (m, r) projected means of m parts of the target.
    """

    shares: Float
    points: Float


def draw_target(units: TargetUnits, replicates: int, seed: int) -> DrawnTarget:
    """Bootstrap replicates of the target, its units drawn anew."""
    drawn = draw(len(units.counts), replicates, seed, "target") * units.counts
    return DrawnTarget(drawn / drawn.sum(axis=1, keepdims=True), units.sketches)


def draw_mixture(measurement: Measurement, shares: Float, replicates: int, seed: int) -> DrawnTarget:
    """Replicates of a mixture of cameras with ``shares`` (k,) that sum to 1, over runs."""
    cameras = measurement.cameras
    assert cameras is not None
    drawn = draw(len(cameras.counts), replicates, seed, "target")
    mixed = np.flatnonzero(shares)
    parts = []
    for camera in mixed:
        weight = drawn * cameras.counts[:, camera]
        with np.errstate(invalid="ignore"):
            parts.append(shares[camera] * (weight / weight.sum(axis=1, keepdims=True)))
    points = cameras.sketches[:, mixed].swapaxes(0, 1).reshape(-1, cameras.sketches.shape[2])
    return DrawnTarget(np.concatenate(parts, axis=1), points.astype(np.float64))


def draw(units: int, replicates: int, seed: int, *key: str) -> Float:
    """How often each of ``units`` is drawn in each bootstrap replicate, (replicates, units)."""
    rng = keyed_rng(seed, "bootstrap", *key)
    return rng.multinomial(units, np.full(units, 1 / units), size=replicates).astype(float)


def small_sample_factor(units: int) -> float:
    """What widens a bootstrap over few units to Student's interval: percentiles of few draws are too narrow."""
    if units < 2:
        return np.nan
    return float(stats.t.ppf(0.975, units - 1) / stats.norm.ppf(0.975) * np.sqrt(units / (units - 1)))


def bootstrap_total_loss(
    measurement: Measurement, weights: Float, seed: int, units: TargetUnits, replicates: int = REPLICATES
) -> Float:
    """Deviations of each level's mean total loss, (replicates, levels), over people and target units together."""
    person = _people(measurement)
    numbers = measurement.levels_of_image
    levels, people = len(measurement.members), int(person.max()) + 1
    losses = image_losses(measurement, weights)
    sums, counts = np.zeros((people, levels)), np.zeros((people, levels))
    for column in numbers.T:
        np.add.at(sums, (person, column), losses)
        np.add.at(counts, (person, column), 1)
    source = _drawn_means(sums, counts, draw(people, replicates, seed, "people"))
    distances = (units.distances @ weights)[:, None]
    dots = np.einsum("b,blu->ul", weights, units.dots) * units.counts[:, None]
    drawn = draw(len(units.counts), replicates, seed, "target")
    return source + _drawn_means(distances - 2 * dots, np.broadcast_to(units.counts[:, None], dots.shape), drawn)


def _people(measurement: Measurement) -> Int:
    """A number for each image's person, at most :data:`MAX_PEOPLE`; more people are drawn in bundles."""
    people = known_or_alone(measurement.images["identity"])
    return np.asarray(np.unique(people, return_inverse=True)[1] % MAX_PEOPLE)


def bootstrap_mmd2(
    measurement: Measurement,
    weights: Float,
    memberships: Float,
    seed: int,
    replicates: int = REPLICATES,
    *,
    units: TargetUnits | None = None,
    target: DrawnTarget | None = None,
) -> Float:
    """Deviations of the squared MMD, (replicates, k), for k sets of cells.

    Args:
        weights: (b,) of the blocks.
        memberships: (k, cells) share of each cell's images that a set takes, ones and zeros for plain sets.
        units: what is drawn on the target's side; runs of its table by default.
        target: replicates of it, instead of drawing ``units``.
    """
    units = units or target_units(measurement)
    drawn_target = draw_target(units, replicates, seed) if target is None else target
    counts, means = _group_means(measurement, memberships, measurement.groups)
    scale = scale_of(measurement, weights)
    means, points, shares = means * scale, drawn_target.points * scale, drawn_target.shares
    drawn = draw(measurement.groups, replicates, seed, "groups")
    target_part = ((shares @ (points @ points.T)) * shares).sum(axis=1)
    result = np.empty((replicates, len(memberships)))
    for index, (set_counts, set_means) in enumerate(zip(counts, means, strict=True)):
        share = drawn * set_counts
        with np.errstate(invalid="ignore"):
            share = share / share.sum(axis=1, keepdims=True)
        squares = ((share @ (set_means @ set_means.T)) * share).sum(axis=1)
        cross = ((shares @ (points @ set_means.T)) * share).sum(axis=1)
        result[:, index] = squares - 2 * cross + target_part
    factor = small_sample_factor(min(measurement.groups, len(units.counts)))
    return np.asarray(factor * (result - mean_of_known(result, 0)))


def bootstrap_diversity(
    measurement: Measurement, weights: Float, seed: int, units: TargetUnits, replicates: int = REPLICATES
) -> Float:
    """Deviations of each level's diversity tr Cov_s / tr Cov_t, (replicates, levels), over groups and target units.

    A spread is to first order the mean of ||Phi_i - m_t||^2 - 2 <Phi_i - m_t, m - m_t> over its images, but for a
    constant; and m = m_t on the target's side.
    """
    levels, groups = len(measurement.members), measurement.groups
    distances = np.zeros((groups, levels))
    group, image_distances = measurement.images["group"].to_numpy(), measurement.distances @ weights
    for column in measurement.levels_of_image.T:
        np.add.at(distances, (group, column), image_distances)
    counts, means = _group_means(measurement, measurement.members, groups)
    means = means * scale_of(measurement, weights)
    with np.errstate(invalid="ignore", divide="ignore"):
        middle = np.einsum("lg,lgr->lr", counts, means) / counts.sum(axis=1)[:, None]
        spread = distances.sum(axis=0) / counts.sum(axis=1) - np.einsum("lr,lr->l", middle, middle)
    terms = distances - 2 * (counts * np.einsum("lgr,lr->lg", means, middle)).T
    source = _drawn_means(terms, counts.T, draw(groups, replicates, seed, "groups"))
    drawn = draw(len(units.counts), replicates, seed, "target")
    target = _drawn_means((units.distances @ weights)[:, None], units.counts[:, None], drawn)
    unit = measurement.target_spread @ weights
    with np.errstate(invalid="ignore", divide="ignore"):  # a target may be all alike
        return np.asarray((spread + source) / (unit + target) - spread / unit)


def _drawn_means(sums: Float, counts: Float, drawn: Float) -> Float:
    """Deviations (replicates, k) of the means of units that are drawn (replicates, units), from their ``sums`` and
    ``counts`` (units, k)."""
    with np.errstate(invalid="ignore", divide="ignore"):
        deviations = (drawn @ sums) / (drawn @ counts) - sums.sum(axis=0) / counts.sum(axis=0)
    return np.asarray(small_sample_factor(len(sums)) * deviations)


def scale_of(measurement: Measurement, weights: Float) -> Float:
    """The square root of its block's weight for each coordinate of a projection, (r,)."""
    widths = [part.stop - part.start for part in measurement.sketch_parts]
    return np.repeat(np.sqrt(weights), widths)


def _group_means(measurement: Measurement, memberships: Float, groups: int) -> tuple[Float, NDArray[np.float64]]:
    """Images (k, groups) and projected means (k, groups, r) of each set within each group of people."""
    cell, group = measurement.units.T
    images = memberships[:, cell] * measurement.unit_counts
    chosen, unit = np.nonzero(images)
    shape = (len(memberships) * groups, len(cell))
    adding = sparse.csr_array((images[chosen, unit], (chosen * groups + group[unit], unit)), shape=shape)
    counts = np.asarray(adding.sum(axis=1)).reshape(-1, groups)
    sums = np.asarray(adding @ measurement.unit_sketches).reshape(len(memberships), groups, -1)
    return counts, sums / np.maximum(counts, 1)[..., None]
