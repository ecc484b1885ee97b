"""Could the experiment have seen anything: how much subsets differ, beside how much a run does from its repetition."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from closerlook.arrays import Float

__all__ = ["ENOUGH", "Power", "corrected", "power", "reliability", "run_deviation", "spearman_brown"]

ENOUGH = 2.0  # standard deviations of a run that subsets must at least differ by
FEWEST_PAIRS = 3


@dataclass(frozen=True)
class Power:
    """How much of the differences between subsets is more than chance.

    Attributes:
        run_sd: standard deviation of a run about its subset's mean over seeds; nan where no subset has two runs.
        observed_sd: of subsets' means, which hold the runs' noise.
        subset_sd: of subsets themselves: what is left of ``observed_sd`` when the runs' noise is taken out.
        reliability: of subsets' means, by the correlation of two seeds; nan for fewer than three pairs.
        enough: whether ``subset_sd`` is at least twice ``run_sd``.
    """

    run_sd: float
    observed_sd: float
    subset_sd: float
    reliability: float
    enough: bool


def power(scores: Float) -> Power:
    """The power of an experiment with these scores (n subsets, k seeds); nan where a run was not made."""
    runs = np.isfinite(scores).sum(axis=1)
    means = np.nanmean(scores, axis=1)
    noise = run_deviation(scores)
    observed = float(means.std(ddof=1))
    own = float(np.sqrt(max(observed**2 - noise**2 * float((1 / runs).mean()), 0))) if np.isfinite(noise) else np.nan
    return Power(noise, observed, own, reliability(scores), bool(own >= ENOUGH * noise))


def run_deviation(scores: Float) -> float:
    """Standard deviation of a run about its subset's mean over seeds, from subsets with two runs or more."""
    runs = np.isfinite(scores).sum(axis=1)
    several = scores[runs >= 2]
    if not len(several):
        return float("nan")
    apart = several - np.nanmean(several, axis=1, keepdims=True)
    return float(np.sqrt(np.nansum(apart**2) / (runs[runs >= 2] - 1).sum()))


def reliability(scores: Float) -> float:
    """Reliability of subsets' means over seeds: the share of their variance that is not the runs' noise.

    The correlation of two seeds is that of a single run; Spearman and Brown's formula makes it that of a mean over as
    many runs as the subsets have (harmonic mean).
    """
    known = np.isfinite(scores)
    pairs = scores[known.sum(axis=1) >= 2]
    if len(pairs) < FEWEST_PAIRS:
        return float("nan")
    firsts = np.array([own[np.isfinite(own)][:2] for own in pairs])
    if not firsts.std(axis=0).all():
        return float("nan")
    single = float(np.corrcoef(firsts.T)[0, 1])
    return spearman_brown(single, 1 / float((1 / known.sum(axis=1)).mean()))


def spearman_brown(single: float, runs: float) -> float:
    """Reliability of the mean of so many runs, from that of one (Spearman, 1910; Brown, 1910); 0 at least."""
    return max(runs * single / (1 + (runs - 1) * single), 0.0) if single > 0 else 0.0


def corrected(correlation: float, reliability: float) -> float:
    """A correlation as it would be without the runs' noise (Spearman, 1904), at most 1; nan without reliability."""
    return float(np.clip(correlation / np.sqrt(reliability), -1, 1)) if reliability > 0 else float("nan")
