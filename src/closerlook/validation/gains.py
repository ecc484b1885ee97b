"""What one group of runs gains over another, with an interval over test people *and* runs."""

from __future__ import annotations

from scipy import stats

from closerlook.arrays import Float
from closerlook.metrics.crossed import difference_of_runs
from closerlook.validation.estimates import POWER, Estimate

__all__ = ["gain"]


def gain(runs: Float, others: Float, weights: Float, level: float = 0.95) -> Estimate:
    """Mean of ``runs`` less that of ``others``, on test people whom all runs were scored on.

    Args:
        runs: (r, p) mean AP of each person's queries in each run; r is at least 2.
        others: (q, p) the same of the runs to compare with; q is at least 2.
        weights: (p,) how much each person counts, the number of its queries.

    Returns:
        In the unit of the scores, with the interval of :func:`closerlook.metrics.crossed.difference_of_runs`.
    """
    found = difference_of_runs(runs, others, weights)
    half = found.error * (stats.t.ppf((1 + level) / 2, found.freedom) + stats.t.ppf(POWER, found.freedom))
    return Estimate(found.value, *found.interval(level), float(half))
