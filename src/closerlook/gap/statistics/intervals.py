"""From bootstrap replicates to intervals, and to what can be told apart."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl
from scipy import stats

from closerlook.arrays import Float

__all__ = ["against_line", "differences", "interval", "mean_of_known"]


def mean_of_known(values: Float, axis: int) -> Float:
    """The mean along an axis, which is kept, of what is not nan; nan where nothing is known."""
    known = ~np.isnan(values)
    count = known.sum(axis=axis, keepdims=True)
    total = np.where(known, values, 0).sum(axis=axis, keepdims=True)
    return np.asarray(np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0))


def interval(estimate: Float, deviations: Float) -> tuple[Float, Float]:
    """The 95 % interval around estimates (k,) from replicates of their deviation (replicates, k)."""
    bounds = np.full((2, len(estimate)), np.nan)
    known = np.isfinite(deviations).any(axis=0)
    bounds[:, known] = np.nanquantile(deviations[:, known], [0.025, 0.975], axis=0)
    return estimate + bounds[0], estimate + bounds[1]


def against_line(estimate: Float, deviations: Float, sizes: list[int]) -> tuple[Float, list[str]]:
    """Where levels lie from their factor's mean, for factors of ``sizes`` levels one after another.

    Returns:
        The share of replicates in which each level is at or below the mean; ``below``, ``above`` or ``unclear`` by a
        two-sided test of the difference from the mean at 5 %, Holm-corrected within each factor.
    """
    frequency, relation, start = [], [], 0
    for size in sizes:
        own = slice(start, start + size)
        difference = estimate[own] - mean_of_known(estimate[own], 0)
        noise = deviations[:, own] - mean_of_known(deviations[:, own], 1)
        frequency.append((difference + noise <= 0).mean(axis=0))
        clear = _holm(_two_sided(difference, noise)) < 0.05
        relation += [
            ("below" if d < 0 else "above") if significant else "unclear"
            for d, significant in zip(difference, clear, strict=True)
        ]
        start += size
    return np.concatenate(frequency), relation


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


def differences(estimate: Float, deviations: Float, names: Sequence[str]) -> pl.DataFrame:
    """Every two levels of one factor: the difference of their estimates, its 95 % interval and whether they differ.

    Args:
        estimate: (k,) of the levels.
        deviations: (replicates, k).
        names: of the levels.

    Returns:
        Columns ``level``, ``other``, ``difference``, ``low``, ``high``, ``p`` (two-sided, Holm-corrected over
        all pairs) and ``significant`` (p < 5 %).
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
            "significant": p < 0.05,
        },
        schema_overrides={"level": pl.String, "other": pl.String, "significant": pl.Boolean},
    ).with_columns(pl.selectors.float().fill_nan(None))
