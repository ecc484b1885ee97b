"""Uncertainty by bootstrap over people and over groups of target images; no second pass over the pixels.

The pair loss is linear in the images of either side, so people are drawn from the table of per-image losses and target
groups from <m_level, m_group>. Fit is quadratic: whole groups of people (16) and of target images (16) are drawn, with
inner products between the groups' projected means. All replicates are one matrix product. Instead of runs of the
target's table its cameras can be drawn, for intervals that speak for other cameras of the kind.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy import stats

from closerlook.analysis.losses import image_losses
from closerlook.analysis.measurement import Measurement
from closerlook.errors import CloserlookError, unknown
from closerlook.randomness import keyed_rng

__all__ = [
    "OVER",
    "REPLICATES",
    "TargetUnits",
    "against_line",
    "bootstrap_fit",
    "bootstrap_pair",
    "differences",
    "draw",
    "draw_mixture",
    "interval",
    "subsample_error",
    "target_units",
]

OVER = ("images", "cameras")

REPLICATES = 1000
MAX_PEOPLE = 2048

Float = NDArray[np.float64]
Int = NDArray[np.int64]


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
    """The units of a bootstrap over the target's ``images`` (in runs of neighbours) or ``cameras``.

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


def interval(estimate: Float, deviations: Float) -> tuple[Float, Float]:
    """The 95 % interval around estimates (k,) from replicates of their deviation (replicates, k)."""
    low, high = np.nanquantile(deviations, [0.025, 0.975], axis=0)
    return estimate + low, estimate + high


def against_line(estimate: Float, deviations: Float, sizes: list[int]) -> tuple[Float, list[str]]:
    """Where levels lie from their factor's mean, for factors of ``sizes`` levels one after another.

    Returns:
        The share of replicates in which each level is at or below the mean; ``below``, ``above`` or ``unclear`` by a
        two-sided test of the difference from the mean at 5 %, Holm-corrected within each factor.
    """
    kept, side, start = [], [], 0
    for size in sizes:
        own = slice(start, start + size)
        difference = estimate[own] - np.nanmean(estimate[own])
        noise = deviations[:, own] - np.nanmean(deviations[:, own], axis=1, keepdims=True)
        kept.append((difference + noise <= 0).mean(axis=0))
        clear = _holm(_two_sided(difference, noise)) < 0.05
        side += [
            ("below" if d < 0 else "above") if sure else "unclear" for d, sure in zip(difference, clear, strict=True)
        ]
        start += size
    return np.concatenate(kept), side


def _two_sided(difference: Float, noise: Float) -> Float:
    """p-values of differences (k,) from replicates of their noise (replicates, k), taken as normal."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(2 * stats.norm.sf(np.abs(difference) / noise.std(axis=0)))


def _holm(p: Float) -> Float:
    """Holm's adjusted p-values (Scandinavian Journal of Statistics, 1979)."""
    order = np.argsort(p)
    adjusted = np.empty_like(p)
    adjusted[order] = np.maximum.accumulate((len(p) - np.arange(len(p))) * p[order])
    return adjusted


def bootstrap_pair(
    measurement: Measurement, weights: Float, seed: int, units: TargetUnits, replicates: int = REPLICATES
) -> Float:
    """Deviations of each level's mean pair loss, (replicates, levels), over people and target units together."""
    person = _people(measurement)
    numbers = measurement.levels_of_image
    levels, people = len(measurement.members), int(person.max()) + 1
    losses = image_losses(measurement, weights)
    sums, counts = np.zeros((people, levels)), np.zeros((people, levels))
    for column in numbers.T:
        np.add.at(sums, (person, column), losses)
        np.add.at(counts, (person, column), 1)
    drawn = draw(people, replicates, seed, "people")
    with np.errstate(invalid="ignore", divide="ignore"):
        source = (drawn @ sums) / (drawn @ counts) - sums.sum(axis=0) / counts.sum(axis=0)
    return np.asarray(small_sample_factor(people) * source + _target_pair(units, weights, seed, replicates))


def _target_pair(units: TargetUnits, weights: Float, seed: int, replicates: int) -> Float:
    """The part of the pair losses' deviations that comes from drawing units of target images."""
    distances = units.distances @ weights  # sums over images
    dots = np.einsum("b,blh->lh", weights, units.dots) * units.counts
    drawn = draw(len(units.counts), replicates, seed, "target")
    terms = (distances - 2 * dots).T
    drawn_mean = (drawn @ terms) / (drawn @ units.counts)[:, None]
    return np.asarray(small_sample_factor(len(units.counts)) * (drawn_mean - terms.sum(axis=0) / units.counts.sum()))


def _people(measurement: Measurement) -> Int:
    """A number for each image's person, at most :data:`MAX_PEOPLE`; more people are drawn in bundles."""
    identity = measurement.images["identity"]
    alone = -2 - np.arange(len(identity))
    known = np.where(identity.is_null(), alone, identity.fill_null(0).to_numpy())
    return np.asarray(np.unique(known, return_inverse=True)[1] % MAX_PEOPLE)


def bootstrap_fit(
    measurement: Measurement,
    weights: Float,
    memberships: Float,
    seed: int,
    replicates: int = REPLICATES,
    *,
    units: TargetUnits | None = None,
    target: Float | None = None,
) -> Float:
    """Deviations of fit, (replicates, k), for k sets of cells.

    Args:
        weights: (b,) of the blocks.
        memberships: (k, cells) share of each cell's images that a set takes, ones and zeros for plain sets.
        units: what is drawn on the target's side; runs of its table by default.
        target: (replicates, r) of the target's projected mean, instead of drawing ``units``.
    """
    units = units or target_units(measurement)
    drawn_target = draw_target(units, replicates, seed) if target is None else target
    counts, means = _group_means(measurement, memberships, measurement.groups)
    scale = _scale(measurement, weights)
    means, drawn_target = means * scale, drawn_target * scale
    drawn = draw(measurement.groups, replicates, seed, "groups")
    target_part = np.einsum("rd,rd->r", drawn_target, drawn_target)
    result = np.empty((replicates, len(memberships)))
    for index, (own_counts, own_means) in enumerate(zip(counts, means, strict=True)):
        share = drawn * own_counts
        with np.errstate(invalid="ignore"):
            share = share / share.sum(axis=1, keepdims=True)
        own = np.einsum("rg,gh,rh->r", share, own_means @ own_means.T, share, optimize=True)
        cross = np.einsum("rg,rg->r", share, drawn_target @ own_means.T)
        result[:, index] = own - 2 * cross + target_part
    factor = small_sample_factor(min(measurement.groups, len(units.counts)))
    return np.asarray(factor * (result - np.nanmean(result, axis=0)))


def _scale(measurement: Measurement, weights: Float) -> Float:
    """The square root of its block's weight for each coordinate of a projection, (r,)."""
    widths = [part.stop - part.start for part in measurement.sketch_parts]
    return np.repeat(np.sqrt(weights), widths)


def _group_means(measurement: Measurement, memberships: Float, groups: int) -> tuple[Float, NDArray[np.float64]]:
    """Images (k, groups) and projected means (k, groups, r) of each set within each group of people."""
    cell, group = measurement.units.T
    counts = np.zeros((len(memberships), groups))
    sums = np.zeros((len(memberships), groups, measurement.unit_sketches.shape[1]))
    for index, share in enumerate(memberships):
        images = share[cell] * measurement.unit_counts
        np.add.at(counts[index], group, images)
        for number in range(groups):
            own = np.flatnonzero((group == number) & (images > 0))
            sums[index, number] = images[own] @ measurement.unit_sketches[own]
    return counts, sums / np.maximum(counts, 1)[..., None]


def differences(estimate: Float, deviations: Float, names: Sequence[str]) -> pl.DataFrame:
    """Every two levels of one factor: the difference of their estimates, its 95 % interval and whether they differ.

    Args:
        estimate: (k,) of the levels.
        deviations: (replicates, k).
        names: of the levels.

    Returns:
        Columns ``level``, ``other``, ``difference``, ``low``, ``high``, ``p`` (two-sided, Holm-corrected over
        all pairs) and ``apart`` (p < 5 %).
    """
    first, second = np.triu_indices(len(names), 1)
    difference = estimate[first] - estimate[second]
    noise = deviations[:, first] - deviations[:, second]
    low, high = interval(difference, noise) if len(first) else (difference, difference)
    p = _holm(_two_sided(difference, noise))
    return pl.DataFrame(
        {
            "level": [names[int(index)] for index in first],
            "other": [names[int(index)] for index in second],
            "difference": difference,
            "low": low,
            "high": high,
            "p": np.minimum(p, 1),
            "apart": p < 0.05,
        },
        schema_overrides={"level": pl.String, "other": pl.String, "apart": pl.Boolean},
    ).with_columns(pl.selectors.float().fill_nan(None))


def subsample_error(measurement: Measurement, weights: Float) -> tuple[Float, Float]:
    """Standard errors (levels,) of pair loss and of fit from analysing only some images of each cell of the source.

    Images are a simple random sample within each cell: the variance of a cell's mean is (1 - n/N) s^2 / n. Fit is
    linear in single images to first order, with slope 2 <Phi_i - m_cell, m_level - m_t>; s^2 is judged from groups of
    people. Both are zero where every image was analysed, and already part of the bootstrap's intervals.
    """
    cell, n = measurement.cell_of_image, measurement.cell_counts.astype(float)
    unit_cell, unit_n = measurement.units[:, 0], measurement.unit_counts.astype(float)
    left_out = (1 - n / np.maximum(measurement.cell_images, 1)).clip(min=0)
    shares = measurement.members * n
    shares = shares / np.maximum(shares.sum(axis=1, keepdims=True), 1)
    losses = image_losses(measurement, weights)
    spread = _pooled_variance(losses, np.ones_like(losses), cell, len(n))
    pair = shares**2 @ (left_out * spread / np.maximum(n, 1))
    scale = _scale(measurement, weights)
    sketches = measurement.unit_sketches * scale
    means = np.zeros((len(n), sketches.shape[1]))
    np.add.at(means, unit_cell, sketches * unit_n[:, None])
    means /= np.maximum(n, 1)[:, None]
    slopes = 2 * (sketches - means[unit_cell]) @ (shares @ means).T
    fit = np.array(
        [
            share**2 @ (left_out * _pooled_variance(slope, unit_n, unit_cell, len(n)) / np.maximum(n, 1))
            for share, slope in zip(shares, slopes.T, strict=True)
        ]
    )
    return np.sqrt(pair), np.sqrt(fit)


def _pooled_variance(values: Float, images: Float, cell: Int, cells: int) -> Float:
    """Variance of single images in each cell, (cells,), from means of ``images`` images; the average where unknown."""
    number = np.bincount(cell, minlength=cells)
    mean = np.bincount(cell, values * images, cells) / np.maximum(np.bincount(cell, images, cells), 1)
    squares = np.bincount(cell, images * (values - mean[cell]) ** 2, cells)
    known = number > 1
    average = squares[known].sum() / max(int((number[known] - 1).sum()), 1)
    return np.where(known, squares / np.maximum(number - 1, 1), average)
