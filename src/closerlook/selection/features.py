"""Measures on frozen pooled features, two of which know who is who in the source.

*likelihood*: training pulls images of one person together, so it removes what varies within people. A target whose
images differ in those ways is served by it; so its covariance should be likely under that within the subset's people.
*trained head*: the nearest thing to training that takes a second. A linear head tells the subset's people apart, and is
scored on other rendered people whose levels are mixed as the target's seem to be. No label of the target is used.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve, solve

from closerlook.arrays import Float, Int
from closerlook.attributes import Factor, Level
from closerlook.dataset import Dataset
from closerlook.dataset.images import iter_images
from closerlook.embedding import Embedder, extract
from closerlook.errors import UsageError
from closerlook.metrics.leave_one_out import mean_average_precision
from closerlook.randomness import keyed_rng

__all__ = ["IMAGES", "Sample", "SubsetFeatures", "TargetFeatures", "sample_source", "sample_target"]

IMAGES = 8192  # of the source
TARGET_IMAGES = 4096
HELD = 4  # every fourth person is kept for scoring heads
FEWEST_PEOPLE = 8
SHRUNK = 0.1  # of a covariance, towards the identity
RIDGE = 0.1  # of the features' mean variance a direction
DRAWN = 8  # images of each kept person
DIRECTIONS = 256  # of most variance in the source, in which covariances are compared


@dataclass(frozen=True)
class Sample:
    """Pooled features of some source images, equally many of every person and combination of levels.

    Attributes:
        features: (n, p) float64.
        person: (n,)
        levels: (n, factors) level numbers.
        held: (n,) whether the person is kept for scoring.
        brightness: (n,) mean of each image's pixels, 0 to 255.
    """

    features: Float = field(repr=False)
    person: Int = field(repr=False)
    levels: Int = field(repr=False)
    held: NDArray[np.bool] = field(repr=False)
    brightness: Float = field(repr=False)

    @cached_property
    def directions(self) -> Float:
        """(p, q) the principal directions in which covariances are compared."""
        found = np.linalg.eigh(np.cov(self.features.T))[1]
        return np.asarray(found[:, -DIRECTIONS:])

    def rows(self, factors: Sequence[Factor], kept: Mapping[str, Sequence[Level]]) -> Int:
        """Which images a product subset holds."""
        inside = np.ones(len(self.person), bool)
        for column, factor in zip(self.levels.T, factors, strict=True):
            inside &= np.isin(column, [factor.index(level) for level in kept[factor.name]])
        return np.flatnonzero(inside)


@dataclass(frozen=True)
class TargetFeatures:
    """What a target's pooled features say without labels.

    Attributes:
        mean: (p,)
        covariance: (q, q) in the sample's principal directions.
        drawn: (m,) rows of the sample's kept people, their levels mixed as the target's seem to be.
    """

    mean: Float = field(repr=False)
    covariance: Float = field(repr=False)
    drawn: Int = field(repr=False)


def sample_source(
    source: Dataset, factors: Sequence[Factor], embedder: Embedder, seed: int, images: int = IMAGES
) -> Sample:
    """Features of at most so many images.

    Raises:
        UsageError: the source has fewer than eight people.
    """
    names = [factor.name for factor in factors]
    people = source.table["identity"].unique().sort()
    if len(people) < FEWEST_PEOPLE:
        raise UsageError(f"{source.name} has {len(people)} people; comparing subsets needs {FEWEST_PEOPLE} or more.")
    order = keyed_rng(seed, "validation", "sample").random(len(source))
    table = source.table.select("identity", *names).with_row_index("row").with_columns(order=pl.Series(order))
    cells = table.select(names).n_unique()
    each, some = max(1, images // (cells * len(people))), max(FEWEST_PEOPLE, images // cells)
    rank = pl.col("order").rank("ordinal").over("identity", *names)
    kept = table.filter((rank <= each) & pl.col("identity").is_in(people.head(some).to_list()))
    part = source.take(kept["row"].to_numpy())
    numbers = [[factor.index(level) for level in kept[factor.name]] for factor in factors]
    person = np.unique(kept["identity"].to_numpy(), return_inverse=True)[1]
    brightness = np.concatenate([batch.mean(axis=(1, 2, 3)) for batch in iter_images(part, embedder.size)])
    features = extract(embedder, part).features.astype(float)
    return Sample(features, person, np.array(numbers).T, person % HELD == 0, brightness)


def sample_target(
    target: Dataset, sample: Sample, shares: Sequence[Float], embedder: Embedder, seed: int
) -> TargetFeatures:
    """Features of at most :data:`TARGET_IMAGES` images of a target.

    Args:
        shares: for each factor, the share of the target's images that shows each level.
    """
    some = min(len(target), TARGET_IMAGES)
    features = extract(embedder, target.take(np.arange(some) * len(target) // some)).features.astype(float)
    weight = np.prod([own[column] for own, column in zip(shares, sample.levels.T, strict=True)], axis=0)
    rng = keyed_rng(seed, "validation", "kept people")
    drawn = []
    for person in np.unique(sample.person[sample.held]):
        rows = np.flatnonzero(sample.person == person)
        chance = weight[rows] + 1e-6  # so that there are enough, where the target shows few levels
        drawn.append(rng.choice(rows, min(DRAWN, len(rows)), replace=False, p=chance / chance.sum()))
    return TargetFeatures(features.mean(axis=0), np.cov((features @ sample.directions).T), np.concatenate(drawn))


class SubsetFeatures:
    """What training on one subset might do to frozen features.

    Args:
        sample: of the source.
        rows: the subset's images in it.
    """

    def __init__(self, sample: Sample, rows: Int) -> None:
        self._sample, self._rows = sample, rows

    def measures(self, target: TargetFeatures) -> dict[str, float]:
        """``pooled``, ``likelihood`` and ``trained head``, see :data:`closerlook.validation.measures.MEASURES`."""
        return {
            "pooled": float(((self._mean - target.mean) ** 2).sum()),
            "likelihood": _log_likelihood(target.covariance, self._within),
            "trained head": self.trained_head(target),
        }

    def trained_head(self, target: TargetFeatures) -> float:
        """The mAP that the subset's head reaches on the kept people."""
        drawn = target.drawn
        return mean_average_precision(self._sample.features[drawn] @ self._head, self._sample.person[drawn])

    @cached_property
    def _mean(self) -> Float:
        return np.asarray(self._sample.features[self._rows].mean(axis=0))

    @cached_property
    def _within(self) -> Float:
        return _within(self._sample.features[self._rows] @ self._sample.directions, self._sample.person[self._rows])

    @cached_property
    def _head(self) -> Float:
        learnt = self._rows[~self._sample.held[self._rows]]
        return _linear_head(self._sample.features[learnt], self._sample.person[learnt])


def _within(features: Float, person: Int) -> Float:
    """Covariance of images about their person's mean, a tenth of it replaced by its mean variance."""
    people, number = np.unique(person, return_inverse=True)
    sums = np.zeros((len(people), features.shape[1]))
    np.add.at(sums, number, features)
    apart = features - (sums / np.bincount(number)[:, None])[number]
    found = apart.T @ apart / max(len(person) - len(people), 1)
    mean = max(float(np.trace(found)), 1e-12) / len(found)
    return np.asarray((1 - SHRUNK) * found + SHRUNK * mean * np.eye(len(found)))


def _log_likelihood(covariance: Float, under: Float) -> float:
    """Mean log-likelihood a direction of normal vectors with this covariance under another, less its constant."""
    factor = cho_factor(under, lower=True)
    determinant = 2 * float(np.log(np.diagonal(factor[0])).sum())
    return -(determinant + float(np.trace(cho_solve(factor, covariance)))) / (2 * len(under))


def _linear_head(features: Float, person: Int) -> Float:
    """(p, people) ridge regression on who is seen, by its dual where images are fewer than features."""
    people, number = np.unique(person, return_inverse=True)
    x = features - features.mean(axis=0)
    y = np.eye(len(people))[number] - np.bincount(number) / len(number)
    ridge = RIDGE * max(float((x**2).sum()), 1e-12) / min(x.shape)
    if len(x) < x.shape[1]:
        return np.asarray(x.T @ solve(x @ x.T + ridge * np.eye(len(x)), y, assume_a="pos"))
    return np.asarray(solve(x.T @ x + ridge * np.eye(x.shape[1]), x.T @ y, assume_a="pos"))
