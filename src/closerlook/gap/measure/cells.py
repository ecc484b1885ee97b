"""From a table to the cells of its design: which images belong together, and which are analyzed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from closerlook.arrays import Int
from closerlook.attributes import Factor
from closerlook.dataset import Dataset
from closerlook.dataset.columns import known_or_alone
from closerlook.dataset.shards import as_files
from closerlook.errors import CloserlookError, UsageError
from closerlook.randomness import name_hash

__all__ = [
    "MAX_CELLS",
    "Layout",
    "choose_factors",
    "lay_out",
    "membership",
    "number_levels",
    "spread_over_groups",
    "subsample",
]

MAX_CELLS = 2048
GROUPS = 16


@dataclass(frozen=True)
class Layout:
    """The analyzed images of a source, sorted into cells and groups of identities.

    Attributes:
        data: the images, in the order of the pass: those of a cell and a group follow one another.
        row: (n,) the row of each image in the source's table.
        factors: the attributes, with the levels that occur.
        levels: (cells, factors) level number of each cell; only cells with images exist.
        cell_images: (cells,) how many images of the source each has, analyzed or not.
        cell: (n,) the cell of each image.
        group: (n,) the identity group of each image; all images of a person are in one group.
        notes: what could not be used, in words.
    """

    data: Dataset
    row: Int
    factors: tuple[Factor, ...]
    levels: Int
    cell_images: Int
    cell: Int
    group: Int
    notes: tuple[str, ...]

    @property
    def table(self) -> pl.DataFrame:
        """file_name, identity and factors of the images, with their row, cell and group."""
        person = pl.when(pl.col("identity") >= 0).then("identity")  # junk and distractors are nobody known
        columns = self.data.table.select("file_name", person, *(factor.name for factor in self.factors))
        return columns.with_columns(row=pl.Series(self.row), cell=pl.Series(self.cell), group=pl.Series(self.group))


# Columns that the analysis writes beside those of the attributes
TAKEN = {"row", "cell", "group", "loss", "style", "content", "feature", "images", "total_loss", "mmd2", "diversity"}


def choose_factors(source: Dataset, names: Sequence[str] | None) -> tuple[Factor, ...]:
    """The factors to analyze, by default all that the source has.

    Raises:
        CloserlookError: the source has none, or one has the name of a column that the analysis writes.
        UsageError: a name is unknown.
    """
    chosen = source.factors if names is None else tuple(source.factor(name) for name in names)
    if not chosen:
        raise CloserlookError(
            f"{source.name} has no attribute to analyze: add a column such as 'weather' with at least two levels to "
            "its table, or a design.yaml that names the columns."
        )
    taken = [factor.name for factor in chosen if factor.name in TAKEN]
    if taken:
        raise CloserlookError(f"{source.name}: no attribute can be called '{taken[0]}' here; rename that column.")
    return chosen


def lay_out(source: Dataset, factors: tuple[Factor, ...], per_cell: int | None, seed: int) -> Layout:
    """Sort images into cells; ``per_cell`` keeps at most so many of each, chosen by a key that depends on nothing else.

    Images whose value of a factor is missing are left out, and levels without images too; ``notes`` says so.

    Raises:
        CloserlookError: no image has a value of every factor.
        UsageError: there are more than :data:`MAX_CELLS` cells.
    """
    notes = []
    names = [factor.name for factor in factors]
    known = pl.all_horizontal(pl.col(factor.name).is_in(list(factor.levels)) for factor in factors).fill_null(False)
    row = np.flatnonzero(source.table.select(known).to_series().to_numpy())
    data = source.take(row)
    if len(data) < len(source):
        notes.append(f"{len(source) - len(data):,} images without a known {' / '.join(names)} were left out.")
    if not len(data):
        raise CloserlookError(f"No image of {source.name} has a known value of {' and '.join(names)}.")
    factors, empty = _drop_empty_levels(data, factors)
    notes += empty
    codes = np.stack([_codes(data.table[factor.name], factor) for factor in factors], axis=1)
    levels, cell = np.unique(codes, axis=0, return_inverse=True)
    if len(levels) > MAX_CELLS:
        raise UsageError(
            f"{' x '.join(names)} has {len(levels):,} combinations, more than {MAX_CELLS:,}: name fewer attributes."
        )
    missing = int(np.prod([len(factor) for factor in factors])) - len(levels)
    if missing:
        notes.append(f"{missing:,} combinations of {' x '.join(names)} have no image.")
    cell_images = np.bincount(cell)
    chosen = subsample(data.table["file_name"], cell, per_cell, seed)
    data, cell = data.take(chosen), cell[chosen]
    group = spread_over_groups(data.table, seed)
    order = np.lexsort((group, cell))
    row = row[chosen][order]
    return Layout(source.take(row), row, factors, levels, cell_images, cell[order], group[order], tuple(notes))


def _drop_empty_levels(data: Dataset, factors: tuple[Factor, ...]) -> tuple[tuple[Factor, ...], list[str]]:
    kept, notes = [], []
    for factor in factors:
        present = set(data.table[factor.name].unique().to_list())
        absent = [level for level in factor.levels if level not in present]
        if absent:
            notes.append(f"No image has {factor.name} {', '.join(map(str, absent))}.")
        kept.append(factor.keep([level for level in factor.levels if level in present]))
    return tuple(kept), notes


def _codes(column: pl.Series, factor: Factor) -> Int:
    numbers = column.replace_strict(list(factor.levels), range(len(factor)), return_dtype=pl.Int64)
    codes: Int = numbers.to_numpy()
    return codes


def number_levels(factors: tuple[Factor, ...], cell_levels: Int) -> Int:
    """The levels of each cell, (cells, factors), numbered through all factors in order."""
    offsets = np.cumsum([0, *(len(factor) for factor in factors[:-1])])
    return np.asarray(cell_levels + offsets)


def membership(factors: tuple[Factor, ...], cell_levels: Int) -> NDArray[np.float64]:
    """Which cells each level consists of: (levels of all factors, cells), ones and zeros."""
    members = np.zeros((sum(len(factor) for factor in factors), len(cell_levels)))
    for numbers in number_levels(factors, cell_levels).T:
        members[numbers, np.arange(len(cell_levels))] = 1
    return members


def subsample(names: pl.Series, cell: Int, per_cell: int | None, seed: int) -> Int:
    """Row numbers of at most ``per_cell`` images of each cell, ascending; all of them where it is None.

    Images are ranked by a hash of the seed and their name, so the choice for a cell does not depend on other cells,
    and a larger ``per_cell`` only adds images.
    """
    if per_cell is None:
        return np.arange(len(cell))
    if per_cell < 1:
        raise UsageError(f"per_cell must be at least 1, not {per_cell}.")
    order = np.lexsort((_hashes(names, seed), cell))
    starts = np.flatnonzero(np.r_[True, np.diff(cell[order]) != 0])
    rank = np.arange(len(cell)) - np.repeat(starts, np.diff(np.r_[starts, len(cell)]))
    chosen: Int = np.sort(order[rank < per_cell])
    return chosen


def _hashes(names: pl.Series, seed: int) -> NDArray[np.uint64]:
    digests = b"".join(name_hash(seed, name) for name in as_files(names))
    return np.frombuffer(digests, np.uint64)


def spread_over_groups(table: pl.DataFrame, seed: int) -> Int:
    """The group of each image: people are spread evenly over at most 16 groups.

    An image without an identity counts as a person of its own.
    """
    people, person = np.unique(known_or_alone(table["identity"]), return_inverse=True)
    order = np.argsort(_hashes(pl.Series(people.astype(str)), seed), kind="stable")
    group_of = np.empty(len(people), np.int64)
    group_of[order] = np.arange(len(people)) % min(GROUPS, len(people))
    group: Int = group_of[person]
    return group
