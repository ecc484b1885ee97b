"""Uncertainty of a mean over queries, by drawing and swapping whole people: queries of one person go together."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from closerlook.randomness import keyed_rng

__all__ = ["Difference", "bootstrap_interval", "paired_difference"]

Values = NDArray[np.float64]


@dataclass(frozen=True)
class Difference:
    """How much better the first of two results is on the same queries.

    Attributes:
        score: which score.
        value: mean of first minus second.
        low: lower end of its confidence interval.
        high: upper end.
        p: probability of a difference at least as large if the two were alike (two-sided permutation test).
        queries: on how many queries.
        identities: of how many people.
    """

    score: str
    value: float
    low: float
    high: float
    p: float
    queries: int
    identities: int

    def __str__(self) -> str:
        return (
            f"{self.score} {100 * self.value:+.2f} points (95 % interval {100 * self.low:+.2f} to "
            f"{100 * self.high:+.2f}, p = {self.p:.4f}, {self.queries:,} queries of {self.identities:,} people)"
        )


def bootstrap_interval(
    values: Values, identities: NDArray[np.int64], *, level: float = 0.95, draws: int = 2000, seed: int = 0
) -> tuple[float, float]:
    """Percentile interval of the mean of ``values`` when whole identities are drawn with replacement."""
    sums, counts = _by_identity(values, identities)
    rng = keyed_rng(seed, "bootstrap", len(sums))
    weights = rng.multinomial(len(sums), np.full(len(sums), 1 / len(sums)), size=draws)
    means = (weights @ sums) / (weights @ counts)
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def paired_difference(
    score: str, first: Values, second: Values, identities: NDArray[np.int64], *, draws: int = 10_000, seed: int = 0
) -> Difference:
    """Mean of first - second with a 95 % bootstrap interval and the p of a test that swaps the two person by person."""
    difference = first - second
    sums, _ = _by_identity(difference, identities)
    signs = keyed_rng(seed, "permutation", len(sums)).integers(0, 2, (draws, len(sums)), dtype=np.int8) * 2 - 1
    tolerance = 1e-12 * max(float(np.abs(sums).sum()), 1e-300)  # equal sums in another order are still equal
    extreme = np.count_nonzero(np.abs(signs @ sums) >= abs(sums.sum()) - tolerance)
    low, high = bootstrap_interval(difference, identities, draws=draws // 5, seed=seed)
    return Difference(
        score, float(difference.mean()), low, high, (extreme + 1) / (draws + 1), len(difference), len(sums)
    )


def _by_identity(values: Values, identities: NDArray[np.int64]) -> tuple[Values, Values]:
    _, group = np.unique(identities, return_inverse=True)
    return np.bincount(group, values).astype(np.float64), np.bincount(group).astype(np.float64)
