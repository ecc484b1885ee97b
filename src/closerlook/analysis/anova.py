"""Exact shares of variance of the per-image loss: every attribute, every interaction, identity and the rest.

Over a complete grid of cells the effects of attributes and of their interactions are orthogonal, so the variance of
cell means splits into them without a model (Fisher's analysis of variance; Hoeffding's decomposition). What noise adds
to each effect is subtracted. Identity is a random factor: its variance is what images of one person in different cells
have in common.
"""

from __future__ import annotations

import itertools
import math

import numpy as np
import polars as pl
from numpy.typing import NDArray

__all__ = ["shares_of_factors", "variance_shares"]

Float = NDArray[np.float64]
Int = NDArray[np.int64]


def variance_shares(losses: Float, cell: Int, levels: Int, names: list[str], person: Int | None) -> pl.DataFrame | None:
    """Variance components of losses (n,), as shares of their sum.

    Args:
        cell: (n,) the cell of each image.
        levels: (cells, factors) level numbers.
        names: of the factors.
        person: (n,) identity numbers, if they are known.

    Returns:
        Columns ``term`` (``weather``, ``weather x viewpoint``, ``identity``, ``rest``), ``order`` (how many attributes
        take part; 0 for the last two), ``share``. Shares can be slightly negative by chance. None where combinations
        are missing, so that effects are not orthogonal, or where no cell has two images to judge the noise by.
    """
    shape = tuple(int(size) for size in levels.max(axis=0) + 1)
    counts = np.bincount(cell, minlength=len(levels)).astype(float)
    if len(levels) < math.prod(shape) or (counts < 1).any() or counts.max() < 2:
        return None
    means = np.bincount(cell, losses) / counts
    residuals = losses - means[cell]
    noise = float((residuals**2).sum() / (counts - 1).sum())
    grid = np.empty(shape)
    grid[tuple(levels.T)] = means
    components: dict[str, tuple[int, float]] = {}
    for order in range(1, len(names) + 1):
        for axes in itertools.combinations(range(len(names)), order):
            effect = _effect(grid, axes)
            freedom = math.prod(shape[axis] - 1 for axis in axes)
            bias = freedom / grid.size * noise * float((1 / counts).mean())
            components[" x ".join(names[axis] for axis in axes)] = order, float((effect**2).mean()) - bias
    shared = 0.0 if person is None else _shared_by_person(residuals, person, counts[cell])
    if person is not None:
        components["identity"] = 0, shared
    components["rest"] = 0, noise - shared
    total = sum(value for _, value in components.values())
    if not total > 1e-12 * float((losses**2).mean()):
        return None
    return pl.DataFrame(
        [{"term": term, "order": order, "share": value / total} for term, (order, value) in components.items()]
    )


def shares_of_factors(variance: pl.DataFrame, names: list[str]) -> pl.DataFrame:
    """Each factor's own share and its total share, which adds the interactions that it takes part in."""
    rows = []
    for name in names:
        own = variance.filter(pl.col("term") == name)["share"].sum()
        involved = variance.filter(pl.col("term").str.split(" x ").list.contains(name))["share"].sum()
        rows.append({"factor": name, "share": own, "total_share": involved})
    return pl.DataFrame(rows)


def _effect(grid: Float, axes: tuple[int, ...]) -> Float:
    """The interaction of these axes: the mean over the others less all effects of lower order."""
    others = tuple(axis for axis in range(grid.ndim) if axis not in axes)
    effect = grid.mean(axis=others, keepdims=True)
    for axis in axes:
        effect = effect - effect.mean(axis=axis, keepdims=True)
    return np.asarray(effect)


def _shared_by_person(residuals: Float, person: Int, own: Float) -> float:
    """Mean product of residuals of two images of one person; centring cells took a part of the variance, given back."""
    restored = residuals * np.sqrt(own / np.maximum(own - 1, 1))
    sums, squares, images = (np.bincount(person, values) for values in (restored, restored**2, np.ones(len(person))))
    pairs = float((images * (images - 1)).sum())
    return float((sums**2 - squares).sum()) / pairs if pairs else 0.0
