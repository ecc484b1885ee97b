"""Parquet files: paths taken as they are, and one message where a file is damaged.

Polars takes ``[``, ``*`` and ``?`` in a path for patterns and ``~`` for the home folder, so it reads open files. It
makes an error of its own of a full disk, so what it writes goes through memory.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import polars as pl

from closerlook.errors import CloserlookError, first_line
from closerlook.storage.files import atomic_path

__all__ = ["Kind", "pack_parquet", "read_parquet", "write_csv", "write_parquet"]

Kind = Literal["text", "whole numbers", "numbers"]


def read_parquet(path: str | Path, columns: Mapping[str, Kind] | None = None, *, remedy: str) -> pl.DataFrame:
    """A Parquet file as a table.

    Args:
        columns: those that it must have, and what they hold.
        remedy: the way out, where the file is damaged: ``"analyze again"``.

    Raises:
        CloserlookError: the file is missing, damaged, or lacks a column.
    """
    path = Path(path)
    try:
        with path.open("rb") as file:
            table = pl.read_parquet(file)
    except FileNotFoundError:
        raise CloserlookError(f"There is no table {path}.") from None
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else first_line(error)
        raise CloserlookError(f"{path} cannot be read as a table ({reason}); {remedy}.") from None
    for name, kind in (columns or {}).items():
        if name not in table.columns:
            raise CloserlookError(f"{path} is damaged: it has no column '{name}'; {remedy}.")
        if not _is(table[name].dtype, kind):
            found = str(table[name].dtype).lower()
            raise CloserlookError(f"{path} is damaged: column '{name}' must hold {kind}, not {found}; {remedy}.")
    return table


def write_parquet(table: pl.DataFrame, path: str | Path) -> None:
    """Write a table, atomically."""
    packed = pack_parquet(table)
    with atomic_path(path) as draft:
        draft.write_bytes(packed)


def pack_parquet(table: pl.DataFrame, **options: Any) -> memoryview:
    """A table as the bytes of a Parquet file; ``options`` are those of :meth:`polars.DataFrame.write_parquet`."""
    file = io.BytesIO()
    table.write_parquet(file, **options)
    return file.getbuffer()


def write_csv(table: pl.DataFrame, path: str | Path) -> None:
    """Write a table as text with commas, atomically."""
    text = table.write_csv()
    with atomic_path(path) as draft:
        draft.write_text(text, encoding="utf-8")


def _is(dtype: pl.DataType, kind: Kind) -> bool:
    if kind == "text":
        return dtype in (pl.String, pl.Categorical, pl.Enum)
    return dtype.is_integer() or (kind == "numbers" and dtype.is_numeric())
