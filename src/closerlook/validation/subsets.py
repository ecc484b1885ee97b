"""The subsets of an experiment: product subsets of equal images and people, chosen before anything is trained."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import polars as pl
from scipy import stats

from closerlook.arrays import Float, Int
from closerlook.attributes import Factor, Level
from closerlook.dataset import Dataset
from closerlook.errors import UsageError
from closerlook.randomness import keyed_rng

__all__ = ["FEWEST", "Candidates", "check_equal_cells", "choose_factors", "random_rows", "spread_evenly", "subset_rows"]

FEWEST = 6  # subsets of which anything can be said
FACTORS, FEWEST_LEVELS, LEVELS_EACH = 2, 3, 2
VIEWPOINT = "viewpoint"  # narrowing it makes other people's poses and places fewer, not only other
TRIES = 20_000


@dataclass(frozen=True)
class Candidates:
    """All products of :data:`LEVELS_EACH` levels of each of some factors.

    Attributes:
        factors: those whose levels the subsets differ in.
    """

    factors: tuple[Factor, ...]

    @cached_property
    def sets(self) -> list[list[tuple[int, ...]]]:
        """For each factor, the sets of level numbers that a subset may take."""
        return [list(itertools.combinations(range(len(factor)), LEVELS_EACH)) for factor in self.factors]

    @property
    def shape(self) -> tuple[int, ...]:
        """How many sets each factor has."""
        return tuple(len(own) for own in self.sets)

    def __len__(self) -> int:
        return math.prod(self.shape)

    def levels(self, number: int) -> dict[str, tuple[Level, ...]]:
        """The levels of the candidate with this number, the last factor's sets counted fastest."""
        at = np.unravel_index(number, self.shape)
        named = zip(self.factors, self.sets, at, strict=True)
        return {factor.name: tuple(factor.levels[level] for level in own[int(place)]) for factor, own, place in named}

    def places(self, numbers: Int) -> Int:
        """(n, factors) the set of each factor that each of n candidates takes."""
        return np.stack(np.unravel_index(numbers, self.shape), axis=1)

    def number(self, levels: Sequence[Sequence[object]]) -> int:
        """The candidate with these levels of each factor.

        Raises:
            UsageError: a factor does not have one of them.
        """
        own = [tuple(sorted(f.index(level) for level in kept)) for f, kept in zip(self.factors, levels, strict=True)]
        places = [known.index(wanted) for known, wanted in zip(self.sets, own, strict=True)]
        return int(np.ravel_multi_index(places, self.shape))


def choose_factors(source: Dataset, names: Sequence[str] | None) -> tuple[Factor, ...]:
    """The factors called ``names``, or the first two with three levels or more that are not the viewpoint.

    Raises:
        UsageError: one is unknown, given twice or has too few levels, or there are no two to choose.
    """
    if names:
        chosen = tuple(source.factor(name) for name in names)
        if len(set(names)) < len(names):
            raise UsageError(f"An attribute is named twice: {', '.join(names)}.")
    else:
        usable = [f for f in source.factors if f.name != VIEWPOINT and len(f) >= FEWEST_LEVELS]
        chosen = tuple(usable[:FACTORS])
        if len(chosen) < FACTORS:
            have = ", ".join(f"{f.name} ({len(f)})" for f in source.factors) or "none"
            raise UsageError(
                f"{source.name} has no two attributes with {FEWEST_LEVELS} levels or more beside the viewpoint "
                f"(levels: {have}); render some with 'closerlook generate gpr-plus', or name what to vary by --factor."
            )
    for factor in chosen:
        if len(factor) < FEWEST_LEVELS:
            raise UsageError(
                f"Attribute '{factor.name}' of {source.name} has {len(factor)} levels; subsets take {LEVELS_EACH} of "
                f"{FEWEST_LEVELS} or more."
            )
    return chosen


def check_equal_cells(source: Dataset, factors: Sequence[Factor]) -> None:
    """See that all subsets will have equal images of the same people.

    Raises:
        UsageError: some person has more images in one combination of levels than somebody has in another.
    """
    names = [factor.name for factor in factors]
    counts = source.table.group_by("identity", *names).len()
    uneven = counts.group_by("identity").agg(least=pl.min("len"), most=pl.max("len"), cells=pl.len())
    cells = math.prod(len(f) for f in factors)
    least = pl.when(pl.col("cells") < cells).then(0).otherwise("least")
    usual = int(counts["len"].mode().max())  # type: ignore[arg-type]  # counts
    unlike = uneven.filter((least != usual) | (pl.col("most") != usual)).sort("identity")
    if unlike.height:
        person, fewest, most = unlike.select("identity", least, "most").row(0)
        found = f"{fewest} to {most}" if fewest < most else f"{most}"
        raise UsageError(
            f"{source.name}: person {person} has {found} images in a combination of {' and '.join(names)}, where "
            f"{usual} are usual; without equal numbers subsets do not hold equal images of the same people. Use a "
            "source with every combination for every person, as 'closerlook generate gpr-plus' renders."
        )


def subset_rows(source: Dataset, levels: dict[str, tuple[Level, ...]]) -> Int:
    """Which rows of the source a product subset holds."""
    inside = [pl.col(name).is_in(list(kept)) for name, kept in levels.items()]
    return np.flatnonzero(source.table.select(pl.all_horizontal(inside)).to_series().to_numpy())


def random_rows(source: Dataset, factors: Sequence[Factor], seed: int) -> Int:
    """As many images of every person as a subset has, drawn from all combinations of levels.

    They are drawn within each combination of the other factors where that is possible, so that these stay as they are.
    """
    others = [f.name for f in source.factors if f.name not in {factor.name for factor in factors}]
    share = math.prod(LEVELS_EACH / len(factor) for factor in factors)
    table = source.table.with_columns(order=pl.Series(keyed_rng(seed, "validation", "control").random(len(source))))
    for strata in (["identity", *others], ["identity"]):
        sizes = table.select(size=share * pl.len().over(strata))["size"]
        if (sizes - sizes.round()).abs().max() < 1e-6:  # type: ignore[operator]  # at least one row
            break
    rank = table.select(pl.col("order").rank("ordinal").over(strata)).to_series()
    return np.flatnonzero(rank.to_numpy() <= sizes.round().to_numpy() + 0.5)


def spread_evenly(distance: Float, others: Float, count: int, seed: int, tries: int = TRIES) -> Int:
    """Numbers of ``count`` candidates whose distances spread evenly and tell least about other things.

    One is taken from each of ``count`` equal steps of the distance; then candidates are exchanged within their steps
    until the order by distance is least correlated with the orders by ``others``. Empty steps are made up for by
    candidates drawn from all.

    Args:
        distance: (c,) of the candidates.
        others: (c, q) what the distance is not to be confounded with.
    """
    if count >= len(distance):
        return np.arange(len(distance))
    rng = keyed_rng(seed, "validation", "choose")
    ranks = stats.rankdata(others, axis=0)
    edges = np.linspace(distance.min(), distance.max(), count + 1)
    steps = np.clip(np.searchsorted(edges, distance, side="right") - 1, 0, count - 1)
    pools = [rows for rows in (np.flatnonzero(steps == number) for number in range(count)) if len(rows)]
    chosen = np.array([rng.choice(pool) for pool in pools])
    best = _ties(distance[chosen], ranks[chosen])
    for _ in range(tries):
        candidate, position = chosen.copy(), rng.integers(len(pools))
        candidate[position] = rng.choice(pools[position])
        if (now := _ties(distance[candidate], ranks[candidate])) < best:
            chosen, best = candidate, now
    left = np.setdiff1d(np.arange(len(distance)), chosen)
    return np.sort(np.concatenate([chosen, rng.choice(left, count - len(chosen), replace=False)]))


def _ties(distance: Float, others: Float) -> float:
    """Sum of squared correlations of the order by distance with each other column; one that is constant counts 0."""
    own = distance.argsort().argsort() - (len(distance) - 1) / 2
    rest = others - others.mean(axis=0)
    lengths = (own**2).sum() * (rest**2).sum(axis=0)
    return float(((own @ rest) ** 2 / np.where(lengths > 0, lengths, 1)).sum())
