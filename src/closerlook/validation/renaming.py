"""Chance judged by renaming levels: whatever else is true of levels and targets stays as it is.

Subsets that share a level are alike, in gap and in what they train, whether or not the one has to do with the other; so
30 subsets of two times seven levels are not 30 independent observations. If the gap of "sunny and clouds at noon" is
exchanged for that of other weathers and hours, all such likeness is kept, and only its relation to the scores is lost.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from closerlook.arrays import Float, Int
from closerlook.randomness import keyed_rng

__all__ = ["Renamings", "rename"]

MOST = 9_999  # renamings; all of them where there are no more
ROUNDING = 1e-9


@dataclass(frozen=True)
class Renamings:
    """Where n subsets lie among the candidates under r renamings of every factor's levels.

    Attributes:
        places: for each factor (r, n).
        exhaustive: whether these are all renamings that there are.
    """

    places: tuple[Int, ...]
    exhaustive: bool

    def __len__(self) -> int:
        return len(self.places[0])

    def p(self, observed: float, found: Float) -> float:
        """The share of renamings whose value (r,) is as far from 0, on either side, as the one observed."""
        as_far = int((np.abs(found) >= abs(observed) - ROUNDING).sum())
        # The names as they are count as one of the renamings, among all of which they are anyway
        return as_far / len(found) if self.exhaustive else (1 + as_far) / (1 + len(found))


def rename(place: Int, sets: Sequence[Sequence[tuple[int, ...]]], seed: int = 0) -> Renamings:
    """All renamings, or as many as :data:`MOST`, the same for all targets.

    Args:
        place: (n, f) where each subset lies among the candidates: one of ``sets[i]`` for each factor i.
        sets: for each factor the sets of its level numbers, each ascending.
        seed: of the renamings, where there are too many for all.
    """
    levels = [1 + max(max(own) for own in factor) for factor in sets]
    exhaustive = math.prod(math.factorial(count) for count in levels) <= MOST
    names = _every_renaming(levels) if exhaustive else _some_renamings(levels, seed)
    return Renamings(_renamed(place, sets, names), exhaustive)


def _renamed(place: Int, sets: Sequence[Sequence[tuple[int, ...]]], names: Sequence[Int]) -> tuple[Int, ...]:
    """Where each subset lies under r renamings, for each factor (r, n).

    Args:
        names: for each factor (r, levels), the level that each becomes.
    """
    found = []
    for at, factor, new in zip(place.T, sets, names, strict=True):
        base = new.shape[1] ** np.arange(len(factor[0]))
        code = np.array(factor) @ base
        order = code.argsort()
        renamed = np.sort(new[:, np.array(factor)], axis=2) @ base
        found.append(order[np.searchsorted(code[order], renamed)][:, at])
    return tuple(found)


def _every_renaming(levels: Sequence[int]) -> list[Int]:
    each = list(itertools.product(*(itertools.permutations(range(count)) for count in levels)))
    return [np.array([one[factor] for one in each]) for factor in range(len(levels))]


def _some_renamings(levels: Sequence[int], seed: int) -> list[Int]:
    rng = keyed_rng(seed, "validation", "names")
    return [rng.permuted(np.tile(np.arange(count), (MOST, 1)), axis=1) for count in levels]
