"""A chart as a table: a row for each thing compared, with its name, its place on a common axis and its number.

Because it is a table it can be read aloud, printed, selected and shown on a phone; marks are placed in percent.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import polars as pl

__all__ = ["Group", "Kind", "Mark", "Row", "RowChart", "csv_uri", "span"]

Kind = Literal["bar", "beyond", "span", "dot", "hollow", "far", "far-hollow", "other", "tick", "null"]
TICKS = 5


@dataclass(frozen=True)
class Mark:
    """A mark at ``at``, or one from ``at`` to ``to``."""

    kind: Kind
    at: float
    to: float | None = None


@dataclass(frozen=True)
class Row:
    """One thing compared.

    Attributes:
        label: its name.
        marks: what is drawn, from back to front.
        text: its number, as it stands beside.
        tip: what there is to know about it, in a sentence or two.
        note: a smaller line below the name.
    """

    label: str
    marks: tuple[Mark, ...]
    text: str
    tip: str
    note: str = ""


@dataclass(frozen=True)
class Group:
    """Rows that belong together, under a heading."""

    name: str
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class RowChart:
    """A chart of rows on one axis.

    Attributes:
        name: of the file that its numbers are downloaded as; plain letters.
        title, note: heading, and how to read it.
        axis, column: what the axis and the numbers beside are.
        groups: the rows.
        table: the numbers.
        legend: a kind of mark and what it says, each.
        zero: whether the axis begins at 0.
        unit: written behind the numbers of the axis.
    """

    name: str
    title: str
    note: str
    axis: str
    column: str
    groups: tuple[Group, ...]
    table: pl.DataFrame = field(repr=False)
    legend: tuple[tuple[Kind, str], ...] = ()
    zero: bool = False
    unit: str = ""

    @property
    def step(self) -> float:
        """Between two ticks: 1, 2 or 5 times a power of ten."""
        low, high = self._range
        rough = (high - low) / TICKS
        power = 10.0 ** math.floor(math.log10(rough))
        return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough * (1 - 1e-9))

    @property
    def _range(self) -> tuple[float, float]:
        ends = [end for group in self.groups for row in group.rows for mark in row.marks for end in (mark.at, mark.to)]
        finite = [end for end in ends if end is not None and math.isfinite(end)] + ([0.0] if self.zero else [])
        low, high = min(finite, default=0.0), max(finite, default=1.0)
        return (low, high) if high > low else (low - 0.5, high + 0.5)

    @property
    def ends(self) -> tuple[float, float]:
        """Where the axis begins and ends: on ticks."""
        low, high = self._range
        return math.floor(low / self.step + 1e-9) * self.step, math.ceil(high / self.step - 1e-9) * self.step

    @property
    def spacing(self) -> float:
        """Between two ticks, in percent of the axis."""
        low, high = self.ends
        return 100 * self.step / (high - low)

    @property
    def ticks(self) -> list[tuple[float, str]]:
        """Place in percent and label of each."""
        low, high = self.ends
        digits = max(0, -math.floor(math.log10(self.step)))
        count = round((high - low) / self.step)
        values = [low + number * self.step for number in range(count + 1)]
        labels = [f"{value + 0.0:.{digits}f}".replace("-", "\u2212") + self.unit for value in values]
        return [(self.place(value), label) for value, label in zip(values, labels, strict=True)]

    def place(self, value: float) -> float:
        """A value in percent of the axis."""
        low, high = self.ends
        return round(100 * (value - low) / (high - low), 2)

    def style(self, mark: Mark) -> str:
        """Where a mark stands, as CSS."""
        left = self.place(mark.at)
        return f"left:{left}%" if mark.to is None else f"left:{left}%;width:{round(self.place(mark.to) - left, 2)}%"

    @property
    def csv(self) -> str:
        """The numbers as a file within the page."""
        return csv_uri(self.table)


def csv_uri(table: pl.DataFrame) -> str:
    """A table as the address of a CSV file that the page itself holds."""
    return "data:text/csv;charset=utf-8;base64," + base64.b64encode(table.write_csv().encode()).decode()


def span(low: float | None, high: float | None, *, kind: Kind = "span") -> Sequence[Mark]:
    """The mark of an interval; none where it is not known."""
    return () if low is None or high is None else (Mark(kind, low, high),)
