"""Random subsets of a table that are as large as another, of as many people."""

from __future__ import annotations

import numpy as np

from closerlook.arrays import Int
from closerlook.randomness import keyed_rng

__all__ = ["draw_like"]


def draw_like(identities: Int, chosen: Int, seed: int) -> Int:
    """Random row numbers, ascending: as many as ``chosen``, of as many people, as evenly spread over them.

    Args:
        identities: (n,) the person of each row.
        chosen: (k,) the rows that the random ones are to be compared with.
        seed: another one draws other people and other images.
    """
    rng = keyed_rng(seed, "control")
    people, person, available = np.unique(identities, return_inverse=True, return_counts=True)
    quotas = np.unique(identities[chosen], return_counts=True)[1]
    drawn = _enough_people(rng.permutation(len(people)), available, len(quotas), len(chosen))
    quota = np.zeros(len(people), np.int64)
    # The most images are asked of the people who have the most; equal counts stay in random order.
    quota[drawn[np.argsort(-available[drawn], kind="stable")]] = np.sort(quotas)[::-1]
    order = rng.permutation(len(identities))
    order = order[np.argsort(person[order], kind="stable")]
    starts = np.cumsum(available) - available
    rank = np.arange(len(identities)) - starts[person[order]]
    first = rank < quota[person[order]]
    spare = np.flatnonzero(~first & (quota[person[order]] > 0))
    missing = len(chosen) - int(first.sum())
    first[rng.permutation(spare)[:missing]] = True
    return np.sort(order[first])


def _enough_people(order: Int, available: Int, people: int, images: int) -> Int:
    """The first ``people`` of a random ``order``, exchanged one by one if they have fewer than ``images``."""
    drawn, rest = list(order[:people]), list(order[people:])
    while sum(available[drawn]) < images:
        drawn.remove(min(drawn, key=lambda number: available[number]))
        drawn.append(max(rest, key=lambda number: available[number]))
        rest.remove(drawn[-1])
    return np.asarray(drawn)
