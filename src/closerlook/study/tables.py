"""The rows of the paper's Tables 1 and 2, as product subsets of whatever data set is at hand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import polars as pl

from closerlook.attributes import Level
from closerlook.dataset import Dataset
from closerlook.errors import UsageError, unknown
from closerlook.selection.paper import PAPER

__all__ = ["TABLES", "Row", "row_part", "table_rows"]


@dataclass(frozen=True)
class Row:
    """A row of Table 1 or 2.

    Attributes:
        name: what tables and folders call it.
        share: of the identities; the paper's 100, 400 and 800 people are 1/8, 1/2 and all of what is at hand.
        levels: the levels that are kept; attributes not named keep all.
        paper: the paper's mAP, rank-1 and rank-5 in percent, to stand beside ours.
    """

    name: str
    share: float
    paper: tuple[float, float, float]
    levels: Mapping[str, tuple[Level, ...]] = field(default_factory=dict)


def _rows(kept: Mapping[str, tuple[Level, ...]], paper: list[tuple[float, float, float]]) -> list[Row]:
    weather, hours, views = ({name: kept[name]} for name in ("weather", "illumination", "viewpoint"))
    rows: list[tuple[str, float, Mapping[str, tuple[Level, ...]]]] = [
        ("eighth-of-people", 1 / 8, {}),
        ("half-of-people", 1 / 2, {}),
        ("all", 1.0, {}),
        ("weather", 1.0, weather),
        ("illumination", 1.0, hours),
        ("viewpoint", 1.0, views),
        ("all-three", 1.0, {**weather, **hours, **views}),
    ]
    return [Row(name, share, numbers, levels) for (name, share, levels), numbers in zip(rows, paper, strict=True)]


TABLES: dict[str, list[Row]] = {
    "market": _rows(
        PAPER["market"],
        [
            (4.8, 15.4, 29.3),
            (13.5, 35.7, 53.8),
            (17.4, 41.8, 60.6),
            (19.7, 43.3, 59.8),
            (18.6, 41.4, 58.8),
            (19.3, 44.1, 62.4),
            (17.4, 40.3, 56.7),
        ],
    ),
    "duke": _rows(
        PAPER["duke"],
        [
            (4.3, 13.8, 24.2),
            (10.7, 26.3, 38.2),
            (15.1, 33.5, 48.0),
            (17.8, 33.8, 48.3),
            (18.8, 38.2, 52.3),
            (17.2, 37.7, 52.2),
            (13.3, 25.7, 39.1),
        ],
    ),
}


def table_rows(name: str) -> list[Row]:
    """The rows of Table 1 (``market``) or Table 2 (``duke``)."""
    if name not in TABLES:
        raise unknown("table", name, TABLES)
    return TABLES[name]


def row_part(row: Row, data: Dataset) -> Dataset:
    """The images of ``data`` that the row trains on: its levels, and its share of the people, lowest numbers first."""
    people = data.table["identity"].unique().sort()
    kept = round(row.share * len(people))
    if kept < 2:
        raise UsageError(f"Row '{row.name}' keeps {row.share:.3g} of {len(people)} people: too few to train on.")
    return data.filter(pl.col("identity").is_in(people.head(kept).implode())).where(**row.levels)
