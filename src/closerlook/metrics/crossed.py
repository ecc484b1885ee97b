"""Means of scores that runs and test people have in common, and how sure they are.

Runs and people cross: every run meets every person. So the variance of a mean is that of drawing people anew, plus that
of drawing runs anew, less what both count: how much single runs differ on single people (Owen and Eckles,
Bootstrapping data arrays of arbitrary order, 2012, for the same sum).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats

from closerlook.arrays import Float

__all__ = ["Crossed", "difference_of_runs", "mean_of_runs"]


@dataclass(frozen=True)
class Crossed:
    """A mean over runs and people.

    Attributes:
        value: in the unit of the scores.
        error: its standard error.
        freedom: degrees of freedom of that (Welch and Satterthwaite).
    """

    value: float
    error: float
    freedom: float

    def interval(self, level: float = 0.95) -> tuple[float, float]:
        """Student's interval."""
        half = self.error * float(stats.t.ppf((1 + level) / 2, self.freedom))
        return self.value - half, self.value + half


def mean_of_runs(scores: Float, weights: Float) -> Crossed:
    """The mean of one group of runs; of differences between runs of one seed, say.

    Args:
        scores: (r, p) of each person in each run; r and p are at least 2.
        weights: (p,) how much each person counts, the number of its queries.

    Example:
        >>> from closerlook.metrics.crossed import mean_of_runs
        >>> mean_of_runs(np.array([[0.1, 0.3], [0.2, 0.2]]), np.ones(2)).value
        0.2
    """
    return _crossed([scores], [1.0], weights)


def difference_of_runs(runs: Float, others: Float, weights: Float) -> Crossed:
    """The mean of ``runs`` (r, p) less that of ``others`` (q, p), on the same p people; see :func:`mean_of_runs`."""
    return _crossed([runs, others], [1.0, -1.0], weights)


def _crossed(groups: list[Float], signs: list[float], weights: Float) -> Crossed:
    shares = weights / weights.sum()
    people = groups[0].shape[1]
    each = [group @ shares for group in groups]
    value = sum(sign * float(own.mean()) for sign, own in zip(signs, each, strict=True))
    apart = np.sum([sign * group.mean(axis=0) for sign, group in zip(signs, groups, strict=True)], axis=0) - value
    of_people = float((shares**2 * apart**2).sum()) * people / (people - 1)
    of_runs = [float(own.var(ddof=1)) / len(own) for own in each]
    both = sum(_residual(group, shares) / len(group) for group in groups)
    variance = max(of_people + sum(of_runs) - both, of_people, sum(of_runs))
    parts = [(of_people, people - 1), *((own, len(group) - 1) for own, group in zip(of_runs, each, strict=True))]
    spread = sum(part**2 / free for part, free in parts)
    freedom = sum(part for part, _ in parts) ** 2 / spread if spread else float(people - 1)
    return Crossed(value, float(np.sqrt(variance)), freedom)


def _residual(group: Float, shares: Float) -> float:
    """What the mean of a run over people varies by because it is better on some people than on others."""
    apart = group - group.mean(axis=0) - (group @ shares)[:, None] + float((group @ shares).mean())
    people = group.shape[1]
    spread = (apart**2).sum(axis=0) / (len(group) - 1)
    found: float = (shares**2 * spread).sum() * people / (people - 1)
    return found
