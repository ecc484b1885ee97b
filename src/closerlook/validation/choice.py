"""Which measure knows best what trains well: chosen on one half of the subsets, reported on the other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from closerlook.arrays import Float, Int
from closerlook.validation.association import rank_correlations
from closerlook.validation.estimates import Estimate, draw_subsets, estimate

__all__ = ["Choice", "choose_measure"]


@dataclass(frozen=True)
class Choice:
    """Attributes:
    measure: the one that knew best on subsets of odd number.
    odd: its mean Spearman correlation with mAP over the targets there, its sign turned so that 1 is best.
    even: the same on subsets of even number, with an interval by drawing these anew.
    by_measure: ``odd`` of every measure, best first.
    """

    measure: str
    odd: float
    even: Estimate
    by_measure: Mapping[str, float]


def choose_measure(
    measures: Mapping[str, Float], scores: Float, number: Int, seed: int = 0, level: float = 0.95
) -> Choice:
    """The best of several measures.

    Args:
        measures: (n, t) each, of n subsets and t targets; more is to mean better.
        scores: (n, t)
        number: (n,) of the subsets, of which both halves need three.
    """
    odd = number % 2 == 1
    everyone = np.arange(odd.sum())[None]
    on_odd = {name: float(_mean_agreement(values[odd], scores[odd], everyone)[0]) for name, values in measures.items()}
    ordered = dict(sorted(on_odd.items(), key=lambda item: -np.nan_to_num(item[1], nan=-np.inf)))
    best = next(iter(ordered))
    x, y = measures[best][~odd], scores[~odd]
    value = float(_mean_agreement(x, y, np.arange(len(y))[None])[0])
    even = estimate(value, _mean_agreement(x, y, draw_subsets(len(y), seed)), level)
    return Choice(best, on_odd[best], even, ordered)


def _mean_agreement(x: Float, y: Float, rows: Int) -> Float:
    """(r,) Spearman's correlation in each draw of subsets, averaged over targets."""
    found = [rank_correlations(x[rows, target], y[rows, target]) for target in range(y.shape[1])]
    return np.asarray(np.mean(found, axis=0))
