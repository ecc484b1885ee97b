"""A table whose cells are the darker, the better: two things crossed."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import polars as pl

from closerlook.reporting.row_chart import csv_uri

__all__ = ["Cell", "HeatTable"]


@dataclass(frozen=True)
class Cell:
    """A value, as it is written, and what there is to know about it."""

    value: float | None
    text: str
    tip: str


@dataclass(frozen=True)
class HeatTable:
    """Two things crossed.

    Attributes:
        name: of the file that its numbers are downloaded as; plain letters.
        title, note: heading, and how to read it.
        corner: what the rows are.
        columns: headings.
        rows: a heading and the cells, each.
        table: the numbers.
        low_is_strong: whether small values are shown dark.
    """

    name: str
    title: str
    note: str
    corner: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, tuple[Cell, ...]], ...]
    table: pl.DataFrame = field(repr=False)
    low_is_strong: bool = False

    def strength(self, cell: Cell) -> int:
        """How dark a cell is, 0 to 100."""
        values = [one.value for _, cells in self.rows for one in cells if _known(one)]
        if not _known(cell) or not values or max(values) == min(values):  # type: ignore[type-var]
            return 0
        share = (cell.value - min(values)) / (max(values) - min(values))  # type: ignore[operator,type-var]
        return round(100 * (1 - share if self.low_is_strong else share))

    @property
    def csv(self) -> str:
        """The numbers as a file within the page."""
        return csv_uri(self.table)


def _known(cell: Cell) -> bool:
    return cell.value is not None and math.isfinite(cell.value)
