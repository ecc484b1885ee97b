"""What a selection must be compared with: random parts of equal size, the worst part, and everything."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import polars as pl
from numpy.typing import NDArray

from closerlook.analysis import Gap
from closerlook.attributes import Level
from closerlook.dataset import Dataset
from closerlook.randomness import keyed_rng
from closerlook.selection.plan import Plan

__all__ = ["Rows", "everything", "random_control", "worst"]


@dataclass(frozen=True)
class Rows:
    """Fixed row numbers of one table, for :meth:`closerlook.dataset.Dataset.subset`."""

    indices: NDArray[np.int64] = field(repr=False)

    def rows(self, table: pl.DataFrame) -> NDArray[np.int64]:
        return self.indices


def random_control(source: Dataset, chosen: Dataset, *, seed: int = 0) -> Rows:
    """Random images of ``source``: as many as ``chosen`` has, of as many people, as evenly spread over them.

    Args:
        source: what to draw from.
        chosen: the selected part that this is the control of; a subset of ``source``.

    Raises:
        CloserlookError: images without an identity.
    """
    rng = keyed_rng(seed, "control")
    people, person, available = np.unique(source.identities, return_inverse=True, return_counts=True)
    quotas = np.unique(chosen.identities, return_counts=True)[1]
    drawn = _enough_people(rng.permutation(len(people)), available, len(quotas), len(chosen))
    quota = np.zeros(len(people), np.int64)
    # The most images are asked of the people who have the most; equal counts stay in random order.
    quota[drawn[np.argsort(-available[drawn], kind="stable")]] = np.sort(quotas)[::-1]
    order = rng.permutation(len(source))
    order = order[np.argsort(person[order], kind="stable")]
    starts = np.cumsum(available) - available
    rank = np.arange(len(source)) - starts[person[order]]
    first = rank < quota[person[order]]
    spare = np.flatnonzero(~first & (quota[person[order]] > 0))
    missing = len(chosen) - int(first.sum())
    first[rng.permutation(spare)[:missing]] = True
    return Rows(np.sort(order[first]))


def _enough_people(
    order: NDArray[np.int64], available: NDArray[np.int64], people: int, images: int
) -> NDArray[np.int64]:
    """The first ``people`` of a random ``order``, exchanged one by one if they have fewer than ``images``."""
    drawn, rest = list(order[:people]), list(order[people:])
    while sum(available[drawn]) < images:
        drawn.remove(min(drawn, key=lambda number: available[number]))
        drawn.append(max(rest, key=lambda number: available[number]))
        rest.remove(drawn[-1])
    return np.asarray(drawn)


def worst(gap: Gap, plan: Plan, *, on: str = "fit") -> Plan:
    """The product subset of the levels with the highest ``on``, as many in each factor as ``plan`` has."""
    values: dict[str, tuple[Level, ...]] = {}
    for factor in gap.factors:
        column = gap.estimates.filter(pl.col("factor") == factor.name)[on]
        order = np.argsort(-column.cast(pl.Float64).fill_null(-np.inf).to_numpy(), kind="stable")
        kept = set(order[: len(plan.values.get(factor.name, factor.levels))].tolist())
        values[factor.name] = tuple(level for number, level in enumerate(factor.levels) if number in kept)
    images = gap.count_images(values)
    return Plan(values=values, images=images, share=images / gap.settings.source_images)


def everything(gap: Gap) -> Plan:
    """All levels: the plan that trains on everything."""
    values = {factor.name: factor.levels for factor in gap.factors}
    images = gap.count_images(values)
    return Plan(values=values, images=images, share=images / gap.settings.source_images)
