"""What a method is asked for, and what it answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import polars as pl

from closerlook.arrays import Float
from closerlook.attributes import Level
from closerlook.choices import Criterion, Method
from closerlook.dataset import Dataset
from closerlook.dataset.binning import as_levels
from closerlook.gap import Gap

__all__ = ["Asked", "Caps", "Choice", "Values", "all_values", "count_levels", "drawn_shares"]

Values = dict[str, tuple[Level, ...]]
Caps = Mapping[str, Mapping[Level, float]]


@dataclass(frozen=True)
class Asked:
    """What :func:`closerlook.select` was asked for, checked; each method reads what it has a use for."""

    method: Method
    criterion: Criterion
    rule: str
    all_levels: frozenset[str]
    budget: int | None
    diversity: float
    min_effective_cells: float | None
    caps: Caps
    seed: int
    source: Dataset | None = None
    target: Dataset | None = None


@dataclass(frozen=True)
class Choice:
    """What a method chose.

    Attributes:
        values: the levels of each attribute that are left.
        shares: (cells,) how much of each cell's images is taken, 0 to 1; of a choice whose weights are of batches, how
            often an image of the cell is drawn, 1 on average. None where single images were chosen by what a gap does
            not hold.
        weighted: ``images`` where that many of each cell are drawn once, ``batches`` where all stay and training draws
            them in these shares; None for whole cells.
        files, file_weights: the images, where single ones were chosen, and how often each is to be drawn if not alike.
        counts: of those, the images of each level.
        optimum: how far the choice is from the best possible, and other numbers of the method's own.
    """

    values: Values
    shares: Float | None
    weighted: Literal["images", "batches"] | None = None
    files: tuple[str, ...] = ()
    file_weights: tuple[float, ...] = ()
    counts: dict[str, dict[str, int]] = field(default_factory=dict)
    optimum: dict[str, float] = field(default_factory=dict)


def count_levels(gap: Gap, table: pl.DataFrame) -> dict[str, dict[str, int]]:
    """How many rows of ``table`` have each level of the gap's factors that is there."""
    found = {}
    for factor in gap.factors:
        numbers = dict(as_levels(table[factor.name], factor.levels).value_counts().iter_rows())
        found[factor.name] = {str(level): numbers[str(level)] for level in factor.levels if str(level) in numbers}
    return found


def all_values(gap: Gap) -> Values:
    """Every level of every attribute."""
    return {factor.name: factor.levels for factor in gap.factors}


def drawn_shares(weights: Float, available: Float, budget: int) -> Float:
    """(cells,) the shares of cells' images to take so that ``budget`` are drawn in proportion to ``weights``.

    What a cell has too few images for goes to the others in proportion, as far as they have some.
    """
    images = np.zeros(len(weights))
    open_cells = (weights > 0) & (available > 0)
    while (left := budget - images.sum()) > 1e-9 and open_cells.any():
        more = np.where(open_cells, weights, 0.0)
        images = np.minimum(images + left * more / more.sum(), available)
        open_cells &= images < available - 1e-9
    return np.asarray(images / np.maximum(available, 1))
