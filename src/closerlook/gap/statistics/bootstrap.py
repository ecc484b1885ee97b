"""Bootstrap replicates of every level's losses; no second pass over the pixels.

The pair loss is linear in the images of either side, so people are drawn from the table of per-image losses and target
units from <m_level, m_unit>. Fit is quadratic: whole groups of people (16) and of target images are drawn, with inner
products between the groups' projected means. Diversity is a ratio of spreads, each linear to first order. All
replicates are one matrix product.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from closerlook.dataset.columns import known_or_alone
from closerlook.gap.losses import image_losses
from closerlook.gap.measure.measurement import Measurement
from closerlook.gap.statistics.intervals import mean_of_known
from closerlook.gap.statistics.resampling import TargetUnits, draw, draw_target, small_sample_factor, target_units

__all__ = ["REPLICATES", "bootstrap_diversity", "bootstrap_fit", "bootstrap_pair", "scale_of"]

REPLICATES = 1000
MAX_PEOPLE = 2048

Float = NDArray[np.float64]
Int = NDArray[np.int64]


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
    source = _drawn_means(sums, counts, draw(people, replicates, seed, "people"))
    distances = (units.distances @ weights)[:, None]
    dots = np.einsum("b,blu->ul", weights, units.dots) * units.counts[:, None]
    drawn = draw(len(units.counts), replicates, seed, "target")
    return source + _drawn_means(distances - 2 * dots, np.broadcast_to(units.counts[:, None], dots.shape), drawn)


def _people(measurement: Measurement) -> Int:
    """A number for each image's person, at most :data:`MAX_PEOPLE`; more people are drawn in bundles."""
    people = known_or_alone(measurement.images["identity"])
    return np.asarray(np.unique(people, return_inverse=True)[1] % MAX_PEOPLE)


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
    scale = scale_of(measurement, weights)
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
    group, own = measurement.images["group"].to_numpy(), measurement.distances @ weights
    for column in measurement.levels_of_image.T:
        np.add.at(distances, (group, column), own)
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
    counts = np.zeros((len(memberships), groups))
    sums = np.zeros((len(memberships), groups, measurement.unit_sketches.shape[1]))
    for index, share in enumerate(memberships):
        images = share[cell] * measurement.unit_counts
        np.add.at(counts[index], group, images)
        for number in range(groups):
            own = np.flatnonzero((group == number) & (images > 0))
            sums[index, number] = images[own] @ measurement.unit_sketches[own]
    return counts, sums / np.maximum(counts, 1)[..., None]
