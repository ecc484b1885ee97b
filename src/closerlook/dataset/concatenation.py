"""Several data sets as one: their people and cameras kept apart, and a column that says where an image comes from."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import polars as pl

from closerlook.attributes import Factor, Level
from closerlook.dataset.columns import LABELS
from closerlook.dataset.dataset import RESERVED, Dataset
from closerlook.errors import CloserlookError, UsageError, first_line

__all__ = ["SOURCE", "concatenate"]

SOURCE = "source"


def concatenate(*sources: Dataset) -> Dataset:
    """The images of all data sets, in order.

    The first one's people and cameras keep their numbers; those of each further one are raised above all before, so
    that nobody is in two. What is no person, or not labeled, stays so. ``source`` holds each image's data set and is a
    factor, as are the attributes that vary in all of them; other columns are empty where a data set lacks them. A data
    set that is one of several already keeps its sources.

    Raises:
        UsageError: there is no data set.
        CloserlookError: an image is in two of them, or two hold columns of one name and of other kinds.

    Example:
        >>> both = cl.concatenate(data, target)
        >>> len(both) == len(data) + len(target)
        True
        >>> both.table["source"].unique().sort().to_list()
        ['source', 'target']
    """
    if not sources:
        raise UsageError("Give at least one data set to concatenate.")
    if len(sources) == 1:
        return sources[0]
    roots = [os.path.abspath(data.root) for data in sources]  # noqa: PTH100 - links stay as they are named
    home = os.path.commonpath(roots)
    names = _apart([data.name.partition("/")[0] for data in sources])
    parts, shift = [], {"identity": 0, "camera": 0}
    for data, root, name in zip(sources, roots, names, strict=True):
        start = os.path.relpath(root, home)
        table = data.table.with_columns(
            pl.concat_str(pl.lit("" if start == "." else f"{start}/"), "file_name").alias("file_name")
            if not _has_absolute(data)
            else _absolute(data, root),
            *(_raised(column, by) for column, by in shift.items()),
        )
        if SOURCE not in table.columns:
            table = table.with_columns(pl.lit(name).alias(SOURCE))
        for column in shift:
            highest = table[column].max()
            shift[column] = max(shift[column], 0 if highest is None else int(str(highest)) + 1)
        parts.append(table)
    try:
        table = pl.concat(parts, how="diagonal_relaxed")
    except pl.exceptions.PolarsError as error:
        raise CloserlookError(
            f"The tables of {', '.join(names)} do not fit together ({first_line(error)}): rename the column in one."
        ) from None
    twice = table["file_name"].filter(table["file_name"].is_duplicated())
    if len(twice):
        raise CloserlookError(
            f"{twice.n_unique():,} images are in two of {', '.join(names)}, first {Path(home) / twice[0]}: give each "
            "data set once."
        )
    table = table.select(*RESERVED, SOURCE, pl.exclude(*RESERVED, SOURCE))
    return Dataset.from_table(Path(home), table, "+".join(names), _factors(sources, table))


def _apart(names: Sequence[str]) -> list[str]:
    """The names, with a number behind those that are used again."""
    seen = Counter[str]()
    found = []
    for name in names:
        seen[name] += 1
        found.append(name if seen[name] == 1 else f"{name}-{seen[name]}")
    return found


def _has_absolute(data: Dataset) -> bool:
    return bool(data.table["file_name"].str.starts_with("/").any())


def _absolute(data: Dataset, root: str) -> pl.Expr:
    """The names of a table whose files may lie anywhere."""
    own = pl.col("file_name")
    return pl.when(own.str.starts_with("/")).then(own).otherwise(pl.lit(f"{root}/") + own).alias("file_name")


def _raised(column: str, by: int) -> pl.Expr:
    known = pl.col(column)
    return pl.when(known >= 0).then(known + by).otherwise(known).alias(column)


def _factors(sources: Sequence[Dataset], table: pl.DataFrame) -> tuple[Factor, ...]:
    """The attributes that vary in all sources, with the levels of all, and where an image comes from."""
    found = [Factor(SOURCE, tuple(table[SOURCE].unique(maintain_order=True)))]
    for first in sources[0].factors:
        others = [factor for data in sources for factor in data.factors if factor.name == first.name]
        if len(others) < len(sources) or first.name in (SOURCE, *LABELS.values()):
            continue
        levels: list[Level] = list(dict.fromkeys(level for factor in others for level in factor.levels))
        found.append(Factor(first.name, tuple(levels)))
    return tuple(found)
