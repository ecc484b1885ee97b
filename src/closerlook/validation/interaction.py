"""Is each target served best by what is near to *it*: the interaction of subset and target.

A subset may train well for all targets because it is bright or varied. That is the same for every target and drops out
here, as does what makes one target harder than another: scores and gaps are standardized within each target, subsets'
means are taken out of both, and what is left is correlated. Chance is judged by renaming levels, the same for all
targets: see :mod:`closerlook.validation.renaming`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from closerlook.arrays import Float, Int
from closerlook.validation.renaming import Renamings

__all__ = ["Interaction", "double_centered", "interaction"]


@dataclass(frozen=True)
class Interaction:
    """Attributes:
    correlation: of what is left of mAP and gap; negative where the nearer subset is the better one.
    p: share of renamings with a correlation as far from 0, on either side.
    renamings: how many were tried.
    exhaustive: whether these are all there are.
    """

    correlation: float
    p: float
    renamings: int
    exhaustive: bool


def interaction(scores: Float, gaps: Float, place: Int, renamings: Renamings) -> Interaction:
    """The interaction of n subsets and t targets (two or more).

    Args:
        scores: (n, t) of the subsets.
        gaps: (c_1, ..., c_f, t) of every candidate.
        place: (n, f) where each subset lies among the candidates.
        renamings: of the same subsets.
    """
    left = double_centered(scores)
    observed = float(_correlations(left, double_centered(gaps[tuple(place.T)])[None])[0])
    p = renamings.p(observed, _correlations(left, double_centered(gaps[renamings.places])))
    return Interaction(observed, p, len(renamings), renamings.exhaustive)


def double_centered(values: Float) -> Float:
    """(..., n, t) standardized within each target, less each subset's mean; a constant target stays 0."""
    apart = values - values.mean(axis=-2, keepdims=True)
    scale = apart.std(axis=-2, keepdims=True)
    within = apart / np.where(scale > 0, scale, 1)
    return np.asarray(within - within.mean(axis=-1, keepdims=True))


def _correlations(one: Float, others: Float) -> Float:
    """(r,) of one (n, t) with each of r others (r, n, t); 0 where nothing is left."""
    lengths = np.sqrt((one**2).sum() * (others**2).sum(axis=(1, 2)))
    return np.asarray((one * others).sum(axis=(1, 2)) / np.where(lengths > 0, lengths, 1))
