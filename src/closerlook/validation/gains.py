"""What one group of runs gains over another, with an interval over test people *and* runs."""

from __future__ import annotations

import numpy as np
from scipy import stats

from closerlook.arrays import Float
from closerlook.validation.estimates import POWER, Estimate

__all__ = ["gain"]


def gain(runs: Float, others: Float, weights: Float, level: float = 0.95) -> Estimate:
    """Mean of ``runs`` less that of ``others``, on test people whom all runs were scored on.

    People and runs cross: every run meets every person. So the variance is that of drawing people anew, plus that of
    drawing runs anew (of either group), less what both count: how much single runs differ on single people.

    Args:
        runs: (r, p) mean AP of each person's queries in each run; r is at least 2.
        others: (q, p) the same of the runs to compare with; q is at least 2.
        weights: (p,) how much each person counts, the number of its queries.

    Returns:
        In the unit of the scores, with Student's interval (Welch's and Satterthwaite's degrees of freedom).
    """
    shares = weights / weights.sum()
    people = runs.shape[1]
    each = [group @ shares for group in (runs, others)]
    value = float(each[0].mean() - each[1].mean())
    apart = runs.mean(axis=0) - others.mean(axis=0) - value
    of_people = float((shares**2 * apart**2).sum()) * people / (people - 1)
    of_runs = [float(own.var(ddof=1)) / len(own) for own in each]
    both = sum(_residual(group, shares) / len(group) for group in (runs, others))
    variance = max(of_people + sum(of_runs) - both, of_people, sum(of_runs))
    parts = [(of_people, people - 1), *((own, len(group) - 1) for own, group in zip(of_runs, each, strict=True))]
    freedom = sum(part for part, _ in parts) ** 2 / sum(part**2 / max(free, 1) for part, free in parts)
    error, quantile = float(np.sqrt(variance)), float(stats.t.ppf((1 + level) / 2, freedom))
    found = error * (quantile + float(stats.t.ppf(POWER, freedom)))
    return Estimate(value, value - error * quantile, value + error * quantile, found)


def _residual(group: Float, shares: Float) -> float:
    """What the mean of a run over people varies by because it is better on some people than on others."""
    apart = group - group.mean(axis=0) - (group @ shares)[:, None] + float((group @ shares).mean())
    people = group.shape[1]
    spread = (apart**2).sum(axis=0) / (len(group) - 1)
    found: float = (shares**2 * spread).sum() * people / (people - 1)
    return found
