"""The columns of a data set's table as every stage takes them, whatever wrote the table."""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from closerlook.errors import CloserlookError

__all__ = ["LABELS", "is_whole", "known_or_alone", "numbered", "plain"]

LABELS = {"identity": "identity_label", "camera": "camera_label"}  # the text that was numbered
WHOLE = r"^[+-]?\d+$"


def plain(table: pl.DataFrame) -> pl.DataFrame:
    """The table with categories as what they are: text."""
    return table.with_columns(pl.col(pl.Categorical, pl.Enum).cast(pl.String))


def numbered(table: pl.DataFrame, name: str) -> pl.DataFrame:
    """The table with people and cameras as integers, null where they are unknown.

    Numbers written as text are numbers, and so are fractions without a rest and NaN (pandas' way of missing). Other
    text, and numbers beyond 64 bits, are names: they are numbered from 1 in sorted order and kept in
    ``identity_label`` and ``camera_label``.

    Args:
        name: of the data set, for messages.

    Raises:
        CloserlookError: a column holds neither.
    """
    found = table
    for column, label in LABELS.items():
        if column not in found.columns:
            found = found.with_columns(pl.lit(None, dtype=pl.Int64).alias(column))
            continue
        values = found[column]
        if values.dtype.is_integer() and values.cast(pl.Int64, strict=False).null_count() > values.null_count():
            values = values.cast(pl.String)
        if values.dtype == pl.String:
            values = values.str.strip_chars().replace("", None)
            if _is_names(values):
                number = values.rank("dense").cast(pl.Int64).alias(column)
                found = found.with_columns(number, values.alias(label))
                continue
            values = values.cast(pl.Int64 if is_whole(values) else pl.Float64)
        found = found.with_columns(_whole_numbers(values, name))
    return found


def known_or_alone(identity: pl.Series) -> NDArray[np.int64]:
    """The person of each image (n,); an image without one counts as a person of its own, numbered from -2 downwards."""
    alone = -2 - np.arange(len(identity))
    return np.where(identity.is_null(), alone, identity.fill_null(0).to_numpy())


def _is_names(values: pl.Series) -> bool:
    """Whether text is not just numbers written out."""
    as_numbers = values.cast(pl.Int64 if is_whole(values) else pl.Float64, strict=False)
    return as_numbers.null_count() > values.null_count()


def is_whole(values: pl.Series) -> bool:
    """Whether all of a text column is whole numbers written out, however long."""
    return bool(values.drop_nulls().str.contains(WHOLE).all())


def _whole_numbers(column: pl.Series, name: str) -> pl.Series:
    try:
        if column.dtype.is_float():
            column = column.fill_nan(None)
            if (column.round() != column).any():
                raise ValueError
        if not (column.dtype.is_numeric() or column.dtype == pl.Null):
            raise ValueError
        return column.cast(pl.Int64)
    except (ValueError, pl.exceptions.PolarsError):
        raise CloserlookError(f"{name}: column '{column.name}' must hold whole numbers or names.") from None
