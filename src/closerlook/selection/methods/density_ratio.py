"""Importance weights: how much likelier an image is in the target than in the source, by a classifier of the two.

In pooled features a logistic regression learns to tell the sets apart; its odds are the ratio of their densities
(Sugiyama et al., Density Ratio Estimation in Machine Learning, 2012, chapter 4). Rendered images are never quite real
ones, so that odds run away with the domain; their root is taken (Shimodaira's flattening, 2000, exponent 1/2) and no
image counts more than ten times the mean. Nobody is weighed by a classifier that has seen them: people are held out in
turn.
"""

from __future__ import annotations

import numpy as np
import polars as pl
import torch

from closerlook.arrays import Float, Int
from closerlook.dataset import Dataset
from closerlook.embedding import Embedder, extract, open_embedding
from closerlook.errors import UsageError
from closerlook.gap import Gap
from closerlook.randomness import keyed_rng
from closerlook.selection.methods.asked import Asked, Choice, all_values, count_levels

__all__ = ["choose", "density_ratio"]

EMBEDDING = "lite0-pooled"
SAMPLE = 4096  # images of each side that axes are found from
AXES = 64
FOLDS = 2
FLATTENED = 0.5
LARGEST = 10.0  # of the mean weight


def choose(gap: Gap, asked: Asked) -> Choice:
    """All images, each drawn by its weight; with a budget so many images, drawn once each by their weights.

    Raises:
        UsageError: the source or the target was not given.
    """
    if asked.source is None or asked.target is None:
        raise UsageError("Method 'density-ratio' looks at images: give it the source and the target.")
    source = asked.source.people
    weights = _weights(source, asked.target, gap.settings.size, asked.seed)
    weights = np.minimum(weights / weights.mean(), LARGEST)
    if whole := [factor.name for factor in gap.factors if factor.name in asked.all_levels]:
        mean = source.table.select(*whole, weight=pl.Series(weights)).select(pl.col("weight").mean().over(whole))
        weights = weights / mean.to_series().to_numpy()
    optimum = {"effective_images": float(weights.sum() ** 2 / (weights**2).sum())}
    names = np.array(source.table["file_name"].to_list(), object)
    if asked.budget is None:
        kept = weights / weights.mean()
        counts = count_levels(gap, source.table)
        return Choice(all_values(gap), None, "batches", tuple(names), tuple(kept.tolist()), counts, optimum)
    if asked.budget > len(source):
        raise UsageError(f"The budget must be between 1 and {len(source):,} images, not {asked.budget:,}.")
    waiting = keyed_rng(asked.seed, "density ratio").exponential(size=len(source)) / weights
    rows = np.argsort(waiting)[: asked.budget]
    counts = count_levels(gap, source.table[rows])
    return Choice(all_values(gap), None, files=tuple(np.sort(names[rows])), counts=counts, optimum=optimum)


def _weights(source: Dataset, target: Dataset, size: tuple[int, int], seed: int) -> Float:
    embedder = open_embedding(EMBEDDING, size)
    samples = [extract(embedder, _some(data)).features for data in (source, target)]
    along = _Along(embedder, *_axes(np.concatenate(samples)))
    own, theirs = (np.asarray(extract(along, data).features, float) for data in (source, target))
    return density_ratio(own, theirs, source.identities, seed) ** FLATTENED


def density_ratio(source: Float, target: Float, person: Int, seed: int) -> Float:
    """(n,) the target's density over the source's at each source image, up to a factor.

    Args:
        source: (n, d) features.
        target: (m, d) features.
        person: (n,) who is seen; nobody's images are weighed by a classifier that has learnt from them.
    """
    from sklearn.linear_model import LogisticRegression

    people, number = np.unique(person, return_inverse=True)
    rng = keyed_rng(seed, "density ratio", "folds")
    fold = (rng.permutation(len(people)) % FOLDS)[number]
    target_fold = rng.permutation(len(target)) % FOLDS
    odds = np.zeros(len(source))
    for held in np.unique(fold):
        seen = [source[fold != held], target[target_fold != held]] if len(people) >= FOLDS else [source, target]
        label = np.repeat([0, 1], [len(part) for part in seen])
        classifier = LogisticRegression(class_weight="balanced", max_iter=1000).fit(np.concatenate(seen), label)
        odds[fold == held] = classifier.decision_function(source[fold == held])
    return np.asarray(np.exp(odds - odds.max()))


def _some(data: Dataset) -> Dataset:
    """At most :data:`SAMPLE` images, evenly from the whole table."""
    count = min(len(data), SAMPLE)
    return data.take(np.arange(count) * len(data) // count)


def _axes(features: Float) -> tuple[Float, Float]:
    """The mean (p,) and the principal axes (p, k) scaled to unit variance."""
    mean = features.mean(axis=0, dtype=np.float64)
    variance, axes = np.linalg.eigh(np.cov((features - mean).T))
    kept = variance[-AXES:] > 1e-9 * variance[-1]
    return mean, axes[:, -AXES:][:, kept] / np.sqrt(variance[-AXES:][kept])


class _Along(Embedder):
    """An embedder whose vectors are seen along a few axes, so that no table of whole features is kept."""

    def __init__(self, embedder: Embedder, mean: Float, axes: Float) -> None:
        self.name, self.size, self.dim = f"{embedder.name}, {axes.shape[1]} axes", embedder.size, axes.shape[1]
        self._embedder, self._mean, self._axes = embedder, torch.from_numpy(mean), torch.from_numpy(axes)

    def __call__(self, images: torch.Tensor) -> torch.Tensor:
        return ((self._embedder(images).cpu().double() - self._mean) @ self._axes).float()
