"""Continuous attributes as factors: bins of as equal numbers of images as their values allow.

A bin is named by its edges, ``1.5..2.5`` from (and with) the first up to (and without) the second; the outer ones are
open, ``..1.5`` and ``2.5..``, so that every value of any other table falls into one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import polars as pl

from closerlook.attributes import Factor, Level
from closerlook.dataset.dataset import Dataset
from closerlook.errors import CloserlookError, UsageError, unknown

__all__ = ["as_levels", "binned"]

NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?"
BIN = re.compile(rf"({NUMBER})?\.\.({NUMBER})?")


def binned(data: Dataset, bins: Mapping[str, int]) -> Dataset:
    """The data set with these columns of numbers as factors, each in so many bins.

    Edges are quantiles of the known values, to three digits; equal ones are merged, so that there can be fewer bins.

    Raises:
        UsageError: there is no such column, or fewer than two bins are asked for.
        CloserlookError: a column holds no numbers, or all are the same.
    """
    table, factors = data.table, {factor.name: factor for factor in data.factors}
    for name, count in bins.items():
        if name not in table.columns:
            raise unknown(f"column of {data.name}", name, table.columns)
        if count < 2:
            raise UsageError(f"{name} needs at least 2 bins, not {count}.")
        if not table[name].dtype.is_numeric():
            raise CloserlookError(f"Column '{name}' of {data.name} holds no numbers, so it cannot be binned.")
        values = table[name].cast(pl.Float64).fill_nan(None).drop_nulls().to_numpy()
        edges = [f"{edge:.3g}" for edge in np.quantile(values, np.arange(1, count) / count)] if len(values) else []
        edges = [edge for edge in dict.fromkeys(edges) if (values < float(edge)).any()]
        if not edges:
            raise CloserlookError(f"Column '{name}' of {data.name} has too few different values to be binned.")
        levels = [f"{low}..{high}" for low, high in zip(["", *edges], [*edges, ""], strict=True)]
        table = table.with_columns(as_levels(table[name], levels))
        factors[name] = Factor(name, tuple(levels))
    return replace(data, table=table, factors=tuple(factors.values()))


def as_levels(column: pl.Series, levels: Sequence[Level]) -> pl.Series:
    """The column as text; numbers as the name of their bin, where the levels are bins (null in none of them)."""
    parts = [BIN.fullmatch(str(level)) for level in levels]
    if not column.dtype.is_numeric() or not parts or not all(parts):
        return column.cast(pl.String)
    values = column.cast(pl.Float64).fill_nan(None)
    found = pl.Series(column.name, [None] * len(column), dtype=pl.String)
    for level, part in zip(levels, parts, strict=True):
        assert part is not None
        low, high = (float(edge) if edge else sign * np.inf for edge, sign in zip(part.groups(), (-1, 1), strict=True))
        found = found.zip_with(
            ~((values >= low) & (values < high)).fill_null(False), pl.repeat(str(level), len(column), eager=True)
        )
    return found
