"""Uncertainty by bootstrap over people and over groups of target images; no second pass over the pixels.

The pair loss is linear in the images of either side, so people are drawn from the table of per-image losses and target
groups from <m_level, m_group>. Fit is quadratic: whole groups of people (16) and of target images (16) are drawn, with
inner products between the groups' projected means. All replicates are one matrix product.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from closerlook.analysis.losses import image_losses
from closerlook.analysis.measurement import Measurement
from closerlook.randomness import keyed_rng

__all__ = ["REPLICATES", "against_line", "bootstrap_fit", "bootstrap_pair", "draw", "interval"]

REPLICATES = 1000
MAX_PEOPLE = 2048

Float = NDArray[np.float64]
Int = NDArray[np.int64]


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
        spread = noise.std(axis=0)
        with np.errstate(invalid="ignore", divide="ignore"):
            p = 2 * stats.norm.sf(np.abs(difference) / spread)
        clear = _holm(p) < 0.05
        side += [
            ("below" if d < 0 else "above") if sure else "unclear" for d, sure in zip(difference, clear, strict=True)
        ]
        start += size
    return np.concatenate(kept), side


def _holm(p: Float) -> Float:
    """Holm's adjusted p-values (Scandinavian Journal of Statistics, 1979)."""
    order = np.argsort(p)
    adjusted = np.empty_like(p)
    adjusted[order] = np.maximum.accumulate((len(p) - np.arange(len(p))) * p[order])
    return adjusted


def bootstrap_pair(measurement: Measurement, weights: Float, seed: int, replicates: int = REPLICATES) -> Float:
    """Deviations of each level's mean pair loss, (replicates, levels), over people and target groups together."""
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
    return np.asarray(small_sample_factor(people) * source + _target_pair(measurement, weights, seed, replicates))


def _target_pair(measurement: Measurement, weights: Float, seed: int, replicates: int) -> Float:
    """The part of the pair losses' deviations that comes from drawing groups of target images."""
    counts = measurement.target_counts.astype(float)
    distances = measurement.target_distances @ weights  # sums over images
    dots = np.einsum("b,blh->lh", weights, measurement.level_target_dots) * counts
    drawn = draw(len(counts), replicates, seed, "target")
    terms = (distances - 2 * dots).T
    drawn_mean = (drawn @ terms) / (drawn @ counts)[:, None]
    return np.asarray(small_sample_factor(len(counts)) * (drawn_mean - terms.sum(axis=0) / counts.sum()))


def _people(measurement: Measurement) -> Int:
    """A number for each image's person, at most :data:`MAX_PEOPLE`; more people are drawn in bundles."""
    identity = measurement.images["identity"]
    alone = -2 - np.arange(len(identity))
    known = np.where(identity.is_null(), alone, identity.fill_null(0).to_numpy())
    return np.asarray(np.unique(known, return_inverse=True)[1] % MAX_PEOPLE)


def bootstrap_fit(
    measurement: Measurement, weights: Float, memberships: Float, seed: int, replicates: int = REPLICATES
) -> Float:
    """Deviations of fit, (replicates, k), for k sets of cells.

    Args:
        weights: (b,) of the blocks.
        memberships: (k, cells) share of each cell's images that a set takes, ones and zeros for plain sets.
    """
    groups = measurement.groups
    counts, means = _group_means(measurement, memberships, groups)
    scale = np.concatenate(
        [
            np.full(part.stop - part.start, np.sqrt(weight))
            for part, weight in zip(measurement.sketch_parts, weights, strict=True)
        ]
    )
    means, target = means * scale, measurement.target_sketches * scale
    drawn = draw(groups, replicates, seed, "groups")
    drawn_target = draw(len(target), replicates, seed, "target") * measurement.target_counts
    share_target = drawn_target / drawn_target.sum(axis=1, keepdims=True)
    target_part = np.einsum("rh,hi,ri->r", share_target, target @ target.T, share_target, optimize=True)
    result = np.empty((replicates, len(memberships)))
    for index, (own_counts, own_means) in enumerate(zip(counts, means, strict=True)):
        share = drawn * own_counts
        with np.errstate(invalid="ignore"):
            share = share / share.sum(axis=1, keepdims=True)
        own = np.einsum("rg,gh,rh->r", share, own_means @ own_means.T, share, optimize=True)
        cross = np.einsum("rg,gh,rh->r", share, own_means @ target.T, share_target, optimize=True)
        result[:, index] = own - 2 * cross + target_part
    factor = small_sample_factor(min(groups, len(target)))
    return np.asarray(factor * (result - np.nanmean(result, axis=0)))


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
