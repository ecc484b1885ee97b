"""Every product subset scored exactly: all 4,095 x 127 x 127 = 66,048,255 of ``gpr-plus`` in seconds.

The unbiased squared distance of a subset S to the target's mean is 1_S' D 1_S / n_S^2, with D the inner products
between cells' sums over different groups of people. For a product subset the double sum factorizes: contracting D with
the subsets of one factor after another leaves one matrix product with the pairs of levels of the last one.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from closerlook.arrays import Float
from closerlook.choices import Criterion
from closerlook.compute.progress import Advance, progress
from closerlook.errors import CloserlookError, UsageError
from closerlook.gap import Gap
from closerlook.selection.methods import greedy
from closerlook.selection.methods.asked import Asked, Choice, Values

__all__ = ["MAX_SUBSETS", "Candidate", "choose", "count_subsets", "exhaustive"]

MAX_SUBSETS = 1 << 31
WATCHED = 1 << 24  # from so many subsets on, half a second's, a bar is shown
CHUNK = 1 << 17  # subsets scored at a time: arrays of 1 MB, which stay in the cache

ANALYSED, LOSS, AVAILABLE = range(3)  # analyzed images, their summed losses, images of the source


Score = Criterion | Literal["diversity"]
Subsets = NDArray[np.float64]
Found = tuple[float, int, int, int]  # score, images, subset of the other factors, subset of the first


@dataclass(frozen=True)
class Candidate:
    """The best subset of its size, where size counts the levels taken of each factor.

    Attributes:
        values: its levels.
        images: how many images of the source it has.
        score: its mmd2 or total loss, or minus its diversity.
    """

    values: Values
    images: int
    score: float


def choose(gap: Gap, asked: Asked) -> Choice:
    """The best of all product subsets with at least the greedy choice's images, and by how much greedy misses it."""
    values = greedy.levels(gap, asked)
    best = exhaustive(
        gap,
        criterion=asked.criterion,
        budget=asked.budget,
        least=gap.count_images(values),
        diversity=asked.diversity,
        all_levels=asked.all_levels,
    )[0]
    shares = gap.cells_of(best.values).astype(float)
    return Choice(best.values, shares, optimum=_optimum(gap, asked, shares, gap.cells_of(values).astype(float)))


def _optimum(gap: Gap, asked: Asked, best: Float, other: Float) -> dict[str, float]:
    """The best score; and greedy's, unless its choice was not among those searched, being less diverse."""
    scores, greedys = gap.score_cells(best), gap.score_cells(other)
    lowest, score, diversity = scores[asked.criterion], greedys[asked.criterion], greedys["diversity"]
    if lowest is None:
        return {}
    if score is None or (asked.diversity > 0 and (diversity is None or diversity < asked.diversity)):
        return {"best": lowest}
    return {"best": lowest, "greedy": score, "greedy_gap": score - lowest}


def count_subsets(gap: Gap, all_levels: frozenset[str] = frozenset()) -> int:
    """How many product subsets of the levels there are that take all levels of the factors in ``all_levels``."""
    return math.prod(1 if factor.name in all_levels else 2 ** len(factor) - 1 for factor in gap.factors)


def exhaustive(
    gap: Gap,
    *,
    criterion: Score = "mmd2",
    budget: int | None = None,
    least: int = 1,
    diversity: float = 0.0,
    all_levels: frozenset[str] = frozenset(),
) -> list[Candidate]:
    """The best product subset, and the Pareto front of more images against a lower ``criterion``, best first.

    Args:
        criterion: ``mmd2`` or ``total_loss``, or ``diversity``, of which as much as can be is best.
        budget, least: at most and at least so many images.
        diversity: at least so much tr Cov_s / tr Cov_t.
        all_levels: names of factors of which all levels are taken.

    Returns:
        The front: each candidate has more images and a higher score than the one before. In a balanced design it is
        exact; else of the subsets with equal numbers of levels only the best takes part. The first is always exact.

    Raises:
        UsageError: there are more than :data:`MAX_SUBSETS` subsets.
        CloserlookError: no subset meets the constraints.

    Example:
        >>> from closerlook.selection import exhaustive
        >>> front = exhaustive(gap)
        >>> front[0].score == min(candidate.score for candidate in front)
        True
    """
    total = count_subsets(gap, all_levels)
    if total > MAX_SUBSETS:
        raise UsageError(
            f"There are {total:,} product subsets, too many to try all (at most {MAX_SUBSETS:,}): "
            "merge levels, or use method 'greedy' or 'quadratic'."
        )
    search = _Search(gap, criterion, all_levels)
    step = max(1, CHUNK // len(search.first))
    chunks = [slice(start, min(start + step, search.others)) for start in range(0, search.others, step)]

    def best_in(chunk: slice) -> list[Found]:
        score = search.score(chunk)
        search.forbid(chunk, score, budget, least, diversity)
        return search.best_of_each_size(chunk, score)

    best: list[Found] = []
    with _bar(total) as advance, _single_threads() as threads:
        for chunk, found in zip(chunks, threads.map(best_in, chunks), strict=True):
            best += found
            advance((chunk.stop - chunk.start) * len(search.first))
    return _front(search, best, budget)


def _bar(subsets: int) -> AbstractContextManager[Advance]:
    """A progress bar for what takes longer than it takes to read one."""
    if subsets < WATCHED:
        return nullcontext(lambda n, note="": None)
    return progress("Scoring product subsets", subsets, "subsets")


@contextmanager
def _single_threads() -> Iterator[ThreadPoolExecutor]:
    """A pool with one thread per core, each computing by itself: small arrays gain nothing from sharing a product."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with ThreadPoolExecutor(threads, "search") as pool:
            yield pool
    finally:
        torch.set_num_threads(threads)


class _Search:
    """The quadratic and linear forms of all subsets: of the factor with most levels, ``first``, and of all ``others``.

    Subsets of a factor are numbered by their bits; those of ``first`` are sorted by how many levels they take.
    """

    def __init__(self, gap: Gap, criterion: Score, all_levels: frozenset[str]) -> None:
        self._gap, self._criterion = gap, criterion
        shape = [len(factor) for factor in gap.factors]
        self._sets = [np.ones((1, len(f))) if f.name in all_levels else _subsets(len(f)) for f in gap.factors]
        self._axis = int(np.argmax([len(sets) for sets in self._sets]))
        self._rest = [axis for axis in range(len(shape)) if axis != self._axis]
        order = [self._axis, *self._rest]
        place = np.ravel_multi_index(tuple(gap.cell_levels[:, axis] for axis in order), [shape[a] for a in order])
        counts = gap.analyzed_per_cell.astype(float)
        products = gap.cell_products(unbiased=True) * np.outer(counts, counts)
        cells = math.prod(shape)
        grid = np.zeros((cells, cells))
        grid[np.ix_(place, place)] = products
        linear = np.zeros((3, cells))
        linear[:, place] = counts, gap.cell_losses(), gap.images_per_cell
        rest = [self._sets[axis] for axis in self._rest]
        self._linear = _contract(linear, shape[self._axis], rest)
        pairs = _contract_pairs(grid, shape[self._axis], rest)
        self.others = len(pairs)
        subsets = self._sets[self._axis]
        sizes = subsets.sum(axis=1).astype(int)
        self.first = subsets[np.argsort(sizes, kind="stable")]
        self._bounds = np.flatnonzero(np.diff(np.sort(sizes), prepend=0, append=shape[self._axis] + 1)).tolist()
        upper = np.triu_indices(shape[self._axis])
        doubled = np.where(upper[0] == upper[1], 1.0, 2.0)
        self._quadratic = pairs[:, upper[0], upper[1]]
        self._pairs = torch.from_numpy((self.first[:, upper[0]] * self.first[:, upper[1]] * doubled).T.copy())
        self._levels = torch.from_numpy(self.first.T.copy())
        self._available = int(gap.images_per_cell.sum())
        self._target_spread, self._target_bias = gap.target_spread, gap.target_bias
        self._sparse = len(counts) < cells or counts.min() < 2

    def score(self, chunk: slice) -> Tensor:
        """Score of all subsets with the others in ``chunk``, (chunk, first); infinite where it has none.

        With q the sum of D over a subset, l that of its image losses and n its images, the total loss is l / n and mmd2
        q / n^2 less the target's bias.
        """
        images = self._sum(ANALYSED, chunk)
        if self._criterion == "total_loss":
            score = self._sum(LOSS, chunk).div_(images)
        elif self._criterion == "diversity":
            score = self._spread(chunk, images).div_(-self._target_spread)
        else:
            score = self._mmd2(chunk, images)
        if self._sparse:
            score.masked_fill_(images < (1 if self._criterion == "total_loss" else 2), torch.inf)
        return score

    def _mmd2(self, chunk: slice, images: Tensor) -> Tensor:
        products = torch.from_numpy(self._quadratic[chunk]) @ self._pairs
        return products.div_(images**2).sub_(self._target_bias)

    def forbid(self, chunk: slice, score: Tensor, budget: int | None, least: int, diversity: float) -> None:
        """Make the score of subsets that do not meet the constraints infinite."""
        if budget is not None or least > 1:
            largest = self._available if budget is None else min(budget, self._available)
            images = self._sum(AVAILABLE, chunk)
            score.masked_fill_((images < least) | (images > largest), torch.inf)
        if diversity > 0:
            spread = self._spread(chunk, self._sum(ANALYSED, chunk))
            score.masked_fill_(~(spread >= diversity * self._target_spread), torch.inf)

    def _spread(self, chunk: slice, images: Tensor) -> Tensor:
        """tr Cov_s: what mmd2 and tr Cov_t leave of the total loss."""
        return self._sum(LOSS, chunk).div_(images).sub_(self._mmd2(chunk, images)).sub_(self._target_spread)

    def _sum(self, what: int, chunk: slice) -> Tensor:
        return torch.from_numpy(self._linear[what, chunk]) @ self._levels

    def best_of_each_size(self, chunk: slice, score: Tensor) -> list[Found]:
        """The best for each number of levels of ``first`` and each subset of the others."""
        best: list[Found] = []
        for start, stop in zip(self._bounds[:-1], self._bounds[1:], strict=True):
            values, columns = (tensor.numpy() for tensor in score[:, start:stop].min(dim=1))
            rows = np.flatnonzero(np.isfinite(values))
            columns = columns[rows] + start
            images = (self._linear[AVAILABLE, rows + chunk.start] * self.first[columns]).sum(axis=1).astype(int)
            best += zip(
                values[rows].tolist(), images.tolist(), (rows + chunk.start).tolist(), columns.tolist(), strict=True
            )
        return best

    def values(self, other: int, first: int) -> Values:
        """The levels of a subset, by factor in the gap's order."""
        chosen = {self._axis: self.first[first] > 0}
        sizes = [len(self._sets[axis]) for axis in self._rest]
        for axis, number in zip(self._rest, np.unravel_index(other, sizes) if sizes else (), strict=True):
            chosen[axis] = self._sets[axis][number] > 0
        return {
            factor.name: tuple(level for level, kept in zip(factor.levels, chosen[axis], strict=True) if kept)
            for axis, factor in enumerate(self._gap.factors)
        }


def _subsets(levels: int) -> NDArray[np.float64]:
    """All non-empty subsets of ``levels`` levels as rows of ones and zeros."""
    numbers = np.arange(1, 2**levels)
    return (numbers[:, None] >> np.arange(levels) & 1).astype(float)


def _contract_pairs(grid: Subsets, first: int, rest: list[Subsets]) -> NDArray[np.float64]:
    """Sums of D over pairs of cells within every subset of the other factors: (subsets, first, first)."""
    cells = math.prod(subsets.shape[1] for subsets in rest)
    sums = grid.reshape(1, first, cells, first, cells)
    for subsets in rest:
        levels = subsets.shape[1]
        done, tail = len(sums), sums.shape[2] // levels
        split = sums.reshape(done, first, levels, tail, first, levels, tail)
        sums = np.einsum("sl,sm,daltbmu->dsatbu", subsets, subsets, split, optimize=True)
        sums = sums.reshape(done * len(subsets), first, tail, first, tail)
    return sums[:, :, 0, :, 0]


def _contract(linear: Subsets, first: int, rest: list[Subsets]) -> NDArray[np.float64]:
    """Sums over the cells within every subset of the other factors: (values, subsets, first)."""
    sums = linear.reshape(len(linear), 1, first, -1)
    for subsets in rest:
        values, done, _, cells = sums.shape
        tail, levels = cells // subsets.shape[1], subsets.shape[1]
        sums = np.einsum("sl,vdalt->vdsat", subsets, sums.reshape(values, done, first, levels, tail), optimize=True)
        sums = sums.reshape(values, done * len(subsets), first, tail)
    return sums[..., 0]


def _front(search: _Search, best: list[Found], budget: int | None) -> list[Candidate]:
    if not best:
        limit = "" if budget is None else f" of at most {budget:,} images"
        raise CloserlookError(f"No product subset{limit} meets the constraints: allow more images or less diversity.")
    front: list[Candidate] = []
    for score, images, other, first in sorted(best, key=lambda item: (item[0], -item[1])):
        if not front or images > front[-1].images:
            front.append(Candidate(search.values(other, first), images, score))
    return front
